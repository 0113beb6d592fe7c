//! Files that were cut, through a whole import: a refusal that writes nothing, or all of it.

use api::imports::Base;

use super::{Files, Office, siecle, sts};
use crate::imports::small;

/// Cuts of a large file.
const CUTS: usize = 17;

#[tokio::test]
async fn a_small_school_is_brought_in_whole_or_not_at_all() {
    let office = Office::empty().await;
    let (staffing, timetable) = (file("sts_emp", small::STAFFING), file("emp", small::TIMETABLE));
    office.every_cut(Base::Sts, &[], &staffing).await;
    office.every_cut(Base::Sts, &[staffing], &timetable).await;
    let mut whole = Vec::new();
    for (name, text) in [
        ("eleves", small::STUDENTS),
        ("responsables", small::GUARDIANS),
        ("nomenclature", small::NOMENCLATURE),
        ("structures", small::STRUCTURES),
    ] {
        office.every_cut(Base::Siecle, &whole, &file(name, text)).await;
        whole.push(file(name, text));
    }
    office.stop().await;
}

#[tokio::test]
async fn a_school_of_two_hundred_is_brought_in_whole_or_not_at_all() {
    let office = Office::empty().await;
    for (base, files) in [(Base::Sts, sts()), (Base::Siecle, siecle())] {
        let head = office.head().await;
        for cut in 0..files.len() {
            let length = files[cut].1.len();
            for n in 0..CUTS {
                let mut files = files.clone();
                files[cut].1.truncate(n * length / CUTS);
                let report = office.bring(base, &files).await;
                assert!(!report.imported, "{report}");
                assert_eq!(office.head().await, head);
            }
        }
        assert!(office.bring(base, &files).await.events_appended > 0);
    }
    office.stop().await;
}

impl Office {
    /// Brings in a file that is cut after every byte, beside others that are whole; then all of it.
    async fn every_cut(&self, base: Base, beside: &[(String, Vec<u8>)], file: &(String, Vec<u8>)) {
        let before = self.head().await;
        let (name, bytes) = file;
        let with = |bytes: &[u8]| -> Files {
            let cut = (name.clone(), bytes.to_vec());
            beside.iter().cloned().chain([cut]).collect()
        };
        // But for the last line break, which may be missing.
        for cut in 0..bytes.len() - 1 {
            let report = self.bring(base, &with(&bytes[..cut])).await;
            assert!(!report.imported, "{name} cut at byte {cut}: {report}");
            assert_eq!(self.head().await, before, "{name} cut at byte {cut}");
        }
        let all_but_a_line_break = self.bring(base, &with(&bytes[..bytes.len() - 1])).await;
        assert!(all_but_a_line_break.imported, "{all_but_a_line_break}");
        let whole = self.bring(base, &with(bytes)).await;
        assert_eq!(whole.events_appended, 0, "nothing was missing of it: {whole}");
    }
}

fn file(name: &str, text: &str) -> (String, Vec<u8>) {
    (format!("{name}.xml"), text.as_bytes().to_vec())
}
