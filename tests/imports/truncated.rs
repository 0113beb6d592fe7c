//! A file that was cut, anywhere: a refusal, or all of it; never a half, never a crash.

use super::{read_bytes, read_one, refusal, small};

#[test]
fn truncated_import() {
    for whole in small::ALL {
        let expected = read_one(whole).unwrap();
        let mut read = 0;
        for cut in 0..whole.len() {
            match read_one(&whole.as_bytes()[..cut]) {
                Ok(feed) => {
                    assert_eq!(feed, expected, "cut at byte {cut}");
                    read += 1;
                }
                Err(problems) => {
                    let code = refusal(Err(problems)).0;
                    assert_eq!(code, "file-truncated", "cut at byte {cut}");
                }
            }
        }
        assert_eq!(read, 1, "only the last line break may be missing");
    }
}

#[test]
fn a_cut_file_in_another_encoding_is_refused_too() {
    let whole: Vec<u8> = small::STUDENTS
        .replace("UTF-8", "ISO-8859-15")
        .chars()
        .map(|char| u8::try_from(u32::from(char)).unwrap())
        .collect();
    for cut in 0..whole.len() - 1 {
        refusal(read_one(&whole[..cut]));
    }
}

#[test]
fn one_cut_file_refuses_all_the_others() {
    let cut = &small::GUARDIANS.as_bytes()[..small::GUARDIANS.len() - 20];
    let mut files = small::ALL.map(|text| ("entier.xml", text.as_bytes()));
    files[1] = ("coupé.xml", cut);
    let problems = read_bytes(&files).unwrap_err();
    assert_eq!(problems.len(), 1);
    assert_eq!((&*problems[0].file, problems[0].fault.code()), ("coupé.xml", "file-truncated"));
}
