//! Files made to do harm: refused within a second and 64 MiB, whatever they hold.
//!
//! Each is read by a process of its own, whose memory is then that of the reading alone.

use std::{fs, path::Path, process::Command};

use super::small;

/// What a school's office may wait, and what a small server has to spare.
const MILLIS_MAX: u64 = 1000;
const PEAK_MAX_KIB: u64 = 64 * 1024;

#[test]
fn a_document_type_is_refused_before_it_means_anything() {
    let external = r#"<!DOCTYPE r SYSTEM "file:///etc/passwd"><BEE_ELEVES/>"#;
    refuses("external", external, "doctype-refused");
    let entity =
        r#"<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><BEE_ELEVES>&x;</BEE_ELEVES>"#;
    refuses("external entity", entity, "doctype-refused");
    refuses("lower case", "<!doctype html><html/>", "doctype-refused");
    refuses(
        "endless",
        &format!("<!DOCTYPE r [{}", "<!ENTITY a 'b'>".repeat(500_000)),
        "doctype-refused",
    );
}

#[test]
fn xml_bomb() {
    let mut laughs = String::from("<!DOCTYPE lolz [<!ENTITY l0 \"lol\">");
    for n in 1..30 {
        let before = format!("&l{};", n - 1).repeat(10);
        laughs += &format!("<!ENTITY l{n} \"{before}\">");
    }
    laughs += "]><BEE_ELEVES>&l29;</BEE_ELEVES>";
    refuses("billion laughs", &laughs, "doctype-refused");
    let big = "a".repeat(1_000_000);
    let quadratic = format!("<!DOCTYPE r [<!ENTITY a \"{big}\">]><r>{}</r>", "&a;".repeat(100_000));
    refuses("quadratic blowup", &quadratic, "doctype-refused");
    refuses("without its document type", "<BEE_ELEVES>&l29;</BEE_ELEVES>", "entity-unknown");
}

#[test]
fn elements_ten_thousand_deep_are_refused() {
    let deep = format!("<BEE_ELEVES>{}", "<a>".repeat(10_000));
    refuses("open", &deep, "elements-too-deep");
    let closed = format!("{}{}", "<a>".repeat(10_000), "</a>".repeat(10_000));
    refuses("closed", &closed.replacen("<a>", "<BEE_ELEVES>", 1), "elements-too-deep");
}

#[test]
fn attributes_texts_tags_and_comments_have_an_end() {
    let many: String = (0..2_000).map(|n| format!(" a{n}=\"{n}\"")).collect();
    refuses("attributes", &format!("<BEE_ELEVES{many}/>"), "too-many-attributes");
    let many: String = (0..200_000).map(|n| format!(" a{n}=\"{n}\"")).collect();
    refuses("a flood of attributes", &format!("<BEE_ELEVES{many}/>"), "text-too-long");
    let long = "x".repeat(10_000_000);
    let in_name = small::students(&small::student(1, &long, ""));
    refuses("text", &in_name, "text-too-long");
    let parts = "xxxxxxxxxxxxxxxx<!-- -->".repeat(400_000);
    refuses("text in parts", &small::students(&small::student(1, &parts, "")), "text-too-long");
    refuses("name of a tag", &format!("<{long}/>"), "text-too-long");
    refuses("value", &format!("<BEE_ELEVES a=\"{long}\"/>"), "text-too-long");
    refuses("comment", &format!("<BEE_ELEVES><!-- {long} --></BEE_ELEVES>"), "text-too-long");
    refuses("text between", &format!("<BEE_ELEVES>{long}"), "text-too-long");
}

#[test]
fn more_than_a_school_is_refused_before_memory_runs_out() {
    let one = "<ELEVE ELEVE_ID=\"%\"><NOM_DE_FAMILLE>A</NOM_DE_FAMILLE><PRENOM>A</PRENOM></ELEVE>";
    let many: String = (0..150_000).map(|n| one.replace('%', &n.to_string())).collect();
    let cost =
        cost_of("a student for every child of an académie", small::students(&many).as_bytes());
    assert_eq!(cost.outcome, "file-too-large");
    assert!(cost.peak_kib <= PEAK_MAX_KIB, "{cost:?}");
    let class = "<STRUCTURE><CODE_STRUCTURE>%</CODE_STRUCTURE><TYPE_STRUCTURE>G</TYPE_STRUCTURE></STRUCTURE>";
    let many: String = (0..300_000).map(|n| class.replace('%', &n.to_string())).collect();
    let greedy = format!(
        "{}<STRUCTURES_ELEVE ELEVE_ID=\"1\">{many}</STRUCTURES_ELEVE>",
        small::student(1, "BAQUIVAL", "")
    );
    let cost = cost_of("a student of all classes", small::students(&greedy).as_bytes());
    assert!(cost.peak_kib <= PEAK_MAX_KIB, "{cost:?}");
}

/// Has a file read, and checks why and how fast it is refused.
fn refuses(what: &str, text: &str, code: &str) {
    let cost = cost_of(what, text.as_bytes());
    assert_eq!(cost.outcome, code, "{what}");
    assert!(cost.peak_kib <= PEAK_MAX_KIB && cost.millis <= MILLIS_MAX, "{what}: {cost:?}");
}

/// What it cost to read a file.
#[derive(Debug)]
pub(super) struct Cost {
    pub(super) outcome: String,
    pub(super) records: usize,
    pub(super) peak_kib: u64,
    pub(super) millis: u64,
}

fn cost_of(what: &str, bytes: &[u8]) -> Cost {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("fichier.xml");
    fs::write(&path, bytes).unwrap();
    let cost = cost_of_reading(&[&path]);
    eprintln!("{what}: {cost:?}");
    cost
}

/// Has files read by a process of its own.
pub(super) fn cost_of_reading(paths: &[&Path]) -> Cost {
    let told = Command::new(env!("CARGO_BIN_EXE_reader")).args(paths).output().unwrap();
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    let line = String::from_utf8(told.stdout).unwrap();
    let mut words = line.split_whitespace();
    let mut next = || words.next().unwrap();
    Cost {
        outcome: next().to_owned(),
        records: next().parse().unwrap(),
        peak_kib: next().parse().unwrap(),
        millis: next().parse().unwrap(),
    }
}
