//! Who answers for a student, in the coding that the file uses: before the renumbering, and since.

use api::imports::feed::Feed;
use domain::families::{Authority, Link};

use super::{read_bytes, read_one, small, told};

#[test]
fn every_link_of_both_codings_is_understood() {
    let codes = [
        ("10", Link::Mother),
        ("20", Link::Father),
        ("37", Link::Sibling),
        ("38", Link::Ascendant),
        ("39", Link::OtherFamily),
        ("41", Link::Educator),
        ("42", Link::FosterCarer),
        ("43", Link::Childminder),
        ("50", Link::Tutor),
        ("51", Link::ChildWelfare),
        ("70", Link::OwnResponsible),
        ("90", Link::Other),
        ("1", Link::Father),
        ("2", Link::Mother),
        ("3", Link::Tutor),
        ("4", Link::OtherFamily),
        ("5", Link::ChildWelfare),
        ("6", Link::Other),
        ("7", Link::OwnResponsible),
    ];
    for (code, link) in codes {
        let read = one_link(&format!("{}<RESP_LEGAL>1</RESP_LEGAL>", parentage(code)));
        assert_eq!(read.unwrap().0, link, "{code}");
    }
}

#[test]
fn levels_of_both_codings_become_authority() {
    let levels = [
        ("<NIVEAU_RESPONSABILITE>1</NIVEAU_RESPONSABILITE>", Authority::Exercised),
        ("<NIVEAU_RESPONSABILITE>2</NIVEAU_RESPONSABILITE>", Authority::InCharge),
        ("<NIVEAU_RESPONSABILITE>3</NIVEAU_RESPONSABILITE>", Authority::Contact),
        ("<RESP_LEGAL>1</RESP_LEGAL>", Authority::Exercised),
        ("<RESP_LEGAL>2</RESP_LEGAL><PERS_CONTACT>1</PERS_CONTACT>", Authority::Exercised),
        ("<RESP_LEGAL>0</RESP_LEGAL>", Authority::Contact),
    ];
    for (elements, authority) in levels {
        let read = one_link(&(parentage("10") + elements));
        assert_eq!(read.unwrap().1, authority, "{elements}");
    }
}

#[test]
fn paying_the_fees_gives_no_authority() {
    let pays = "<RESP_LEGAL>0</RESP_LEGAL><RESP_FINANCIER>1</RESP_FINANCIER>\
                <PERS_PAIMENT>1</PERS_PAIMENT>";
    assert_eq!(one_link(&(parentage("20") + pays)).unwrap().1, Authority::Contact);
}

#[test]
fn a_link_that_is_not_understood_gives_nobody_anything() {
    let level = "<NIVEAU_RESPONSABILITE>1</NIVEAU_RESPONSABILITE>";
    assert_eq!(one_link(&(parentage("11") + level)), Err("code-unknown"));
    assert_eq!(one_link(level), Err("field-missing"));
    assert_eq!(one_link(&parentage("10")), Err("field-missing"));
    let level = "<NIVEAU_RESPONSABILITE>4</NIVEAU_RESPONSABILITE>";
    assert_eq!(one_link(&(parentage("10") + level)), Err("code-unknown"));
    assert_eq!(one_link(&(parentage("1") + "<RESP_LEGAL>9</RESP_LEGAL>")), Err("code-unknown"));
    let twice = level.replace('4', "1") + &level.replace('4', "3");
    assert_eq!(one_link(&(parentage("10") + &twice)), Err("field-twice"));
}

#[test]
fn both_codings_tell_the_same_family() {
    let new = small::GUARDIANS.replace("<HEBERGE_ELEVE>true</HEBERGE_ELEVE>", "");
    let old = new
        .replace("<NIVEAU_RESPONSABILITE>1</NIVEAU_RESPONSABILITE>", "<RESP_LEGAL>1</RESP_LEGAL>")
        .replace("<NIVEAU_RESPONSABILITE>3</NIVEAU_RESPONSABILITE>", "<RESP_LEGAL>0</RESP_LEGAL>")
        .replace("<CODE_PARENTE>10</CODE_PARENTE>", "<CODE_PARENTE>2</CODE_PARENTE>")
        .replace("<CODE_PARENTE>39</CODE_PARENTE>", "<CODE_PARENTE>4</CODE_PARENTE>")
        .replace("A_CONTACTER_EN_PRIORITE>", "PERS_CONTACT>")
        .replace("NOM_DE_FAMILLE>", "NOM>");
    let (mut new, mut old) = (read_one(new).unwrap(), read_one(old).unwrap());
    for feed in [&mut new, &mut old] {
        for link in &mut feed.guardians.as_mut().unwrap().links {
            link.legal_order = None;
        }
    }
    assert_eq!(new.guardians, old.guardians);
}

#[test]
fn a_link_needs_its_guardian_and_leaves_earlier_students_out() {
    let unknown = small::GUARDIANS.replace(">20</PERSONNE_ID>", ">21</PERSONNE_ID>");
    let feed = read_one(unknown).unwrap();
    assert_eq!(feed.guardians.as_ref().unwrap().links, []);
    let codes: Vec<_> = told(&feed).into_iter().map(|(code, _, number)| (code, number)).collect();
    let refused = |number: &str| ("guardian-unknown", number.to_owned());
    assert_eq!(codes, [refused("1/21"), refused("2/21")]);

    let earlier = small::GUARDIANS.replace("<ELEVE_ID>2<", "<ELEVE_ID>99<");
    let feed =
        read_bytes(&[("responsables", earlier.as_bytes()), ("élèves", small::STUDENTS.as_bytes())]);
    let feed = feed.unwrap();
    assert_eq!(feed.guardians.as_ref().unwrap().links.len(), 1);
    assert_eq!(told(&feed), [("student-unknown", 11, "99/20".to_owned())]);
    assert_eq!(&*feed.problems[0].file, "responsables");
}

/// What the one link of a file says, made of these elements; or the code of its refusal.
fn one_link(elements: &str) -> Result<(Link, Authority), &'static str> {
    let (before, rest) = small::GUARDIANS.split_once("<RESPONSABLES>").unwrap();
    let (_, after) = rest.split_once("</RESPONSABLES>").unwrap();
    let link = format!(
        "<RESPONSABLES><RESPONSABLE_ELEVE><ELEVE_ID>1</ELEVE_ID>\
         <PERSONNE_ID>20</PERSONNE_ID>{elements}</RESPONSABLE_ELEVE></RESPONSABLES>"
    );
    let feed: Feed = read_one(format!("{before}{link}{after}")).unwrap();
    match feed.guardians.as_ref().unwrap().links.first() {
        Some(link) => Ok((link.link, link.authority)),
        None => Err(feed.problems[0].fault.code()),
    }
}

fn parentage(code: &str) -> String {
    format!("<CODE_PARENTE>{code}</CODE_PARENTE>")
}
