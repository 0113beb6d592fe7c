//! STS: who works in the school, who teaches what, and the timetable that comes back.

use std::{collections::BTreeSet, fs};

use api::imports::{
    feed::{Feed, Kind, StaffKey, StaffSource, Title},
    files::{Input, read},
};
use chrono::{NaiveDate, NaiveTime, Weekday};
use domain::people::Function;

use super::{files_from_elsewhere, read_bytes, set, small, told};

#[test]
fn the_school_is_described_with_its_department_and_year() {
    let feed = set();
    let sheet = &feed.staffing.as_ref().unwrap().sheet;
    assert_eq!(sheet.name, "COLLEGE DES ESSAIS");
    assert_eq!((sheet.town.as_deref(), sheet.department.as_deref()), (Some("NANCY"), Some("54")));
    assert_eq!(sheet.first_day, "2026-09-01".parse().ok());
    assert_eq!(sheet.last_day, "2027-08-31".parse().ok());
}

#[test]
fn staff_known_to_the_office_and_staff_of_the_school_are_told_apart() {
    let feed = set();
    let staff = &feed.staffing.as_ref().unwrap().staff;
    let local = staff.iter().filter(|person| person.key.source == StaffSource::Local).count();
    assert_eq!((staff.len(), local), (26, 2));
    let first = &staff[0];
    assert_eq!(first.main_teacher_of, ["6A".into()]);
    assert_eq!((first.function, first.title), (Function::Teacher, Some(Title::Monsieur)));
    assert_eq!(first.birth_date, "1980-01-01".parse().ok());
}

#[test]
fn two_who_share_a_number_in_two_offices_are_two_people() {
    let feed = read_bytes(&[("sts", small::STAFFING.as_bytes())]).unwrap();
    let staffing = feed.staffing.as_ref().unwrap();
    assert_eq!(staffing.staff.len(), 2);
    let (teacher, cpe) = (&staffing.staff[0], &staffing.staff[1]);
    assert_eq!((&*teacher.name.family, teacher.name.usage.as_deref()), ("Çelik", Some("DORVAL")));
    assert_eq!((&*cpe.name.family, cpe.name.usage.as_deref()), ("LORMONT", None));
    assert_eq!(cpe.function, Function::Cpe);
    let service = &staffing.services[0];
    let number: Box<str> = "30".into();
    let key = |source| StaffKey { source, number: number.clone() };
    assert_eq!(service.teachers, [key(StaffSource::Epp), key(StaffSource::Local)]);
    assert_eq!((&*service.class.code, service.class.kind), ("6A", Kind::Division));
}

#[test]
fn an_alternation_is_the_mondays_of_its_weeks() {
    let feed = read_bytes(&[("edt", small::TIMETABLE.as_bytes())]).unwrap();
    let alternations = &feed.timetable.as_ref().unwrap().alternations;
    let mondays = |code: &str| alternations[code].mondays.clone();
    assert_eq!(mondays("A"), days(&["2026-08-31", "2026-09-14"]));
    assert_eq!(mondays("B"), days(&["2026-09-07"]));
    assert_eq!(&*alternations["A"].label, "Semaine A, paire");
    assert_eq!(&*alternations["B"].label, "B");
}

#[test]
fn a_lesson_of_two_teachers_is_told_for_each() {
    let feed = read_bytes(&[("edt", small::TIMETABLE.as_bytes())]).unwrap();
    let lessons = &feed.timetable.as_ref().unwrap().lessons;
    assert_eq!(lessons.len(), 3);
    assert!(lessons[0].taught_together && lessons[1].taught_together);
    assert_eq!((lessons[0].weekday, lessons[0].starts), (Weekday::Thu, time(14, 2)));
    assert_eq!((lessons[0].duration_minutes, lessons[0].room.as_deref()), (55, Some("É12")));
    assert_ne!(lessons[0].teacher, lessons[1].teacher);
    let latin = &lessons[2];
    assert_eq!((latin.class.kind, &*latin.modality), (Kind::Group, "CG"));
    assert_eq!((latin.weekday, latin.duration_minutes), (Weekday::Fri, 90));
}

#[test]
fn a_real_pair_of_files_is_read() {
    let Some(folder) = files_from_elsewhere("sts/case1") else { return };
    let open = |name: &str| Input {
        name: name.to_owned(),
        bytes: Box::new(fs::File::open(folder.join(name)).unwrap()),
    };
    let feed: Feed = read(vec![open("sts_emp.xml"), open("emp_sts.xml")]).unwrap();
    let staffing = feed.staffing.as_ref().unwrap();
    assert_eq!((feed.school.as_str(), feed.year.0), ("0771991W", 2018));
    assert_eq!(staffing.sheet.name, "COLLEGE LOUIS ARAGON");
    assert_eq!((staffing.staff.len(), staffing.classes.len()), (1, 1));
    assert_eq!(staffing.staff[0].name.usage.as_deref(), Some("DOE"));
    let timetable = feed.timetable.as_ref().unwrap();
    assert_eq!((timetable.hours.len(), timetable.lessons.len()), (5, 1));
    let lesson = &timetable.lessons[0];
    assert_eq!((lesson.weekday, lesson.starts), (Weekday::Thu, time(14, 2)));
    assert_eq!(lesson.duration_minutes, 60);
    // Its one week was made to lie far away.
    let codes: Vec<_> = told(&feed).into_iter().map(|(code, ..)| code).collect();
    assert_eq!(codes, ["week-outside-year"]);
}

fn days(texts: &[&str]) -> BTreeSet<NaiveDate> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

fn time(hour: u32, minute: u32) -> NaiveTime {
    NaiveTime::from_hms_opt(hour, minute, 0).unwrap()
}
