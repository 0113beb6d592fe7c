//! The weekly timetable: lessons on their dates, in both fortnights, in slots of the bells.

use std::fs;

use api::imports::Base;
use chrono::NaiveDate;
use domain::Uai;
use projections::{
    classes,
    schools::sheet,
    timetable::{self, lessons},
};

use super::{Files, Office, day, edited, school, sts, told};

#[tokio::test]
async fn a_lesson_of_every_week_is_on_its_day_in_each_week() {
    let office = Office::with_timetable(&[french("H", 1, "0800", "0100")]).await;
    for date in ["2026-09-07", "2026-09-14", "2026-09-21"] {
        assert_eq!(office.lessons_of("6A", date).await, ["08:00-09:00 FRANCAIS 12"], "{date}");
    }
    assert_eq!(office.lessons_of("6A", "2026-09-08").await, [""; 0]);
    office.stop().await;
}

#[tokio::test]
async fn lessons_alternate_in_the_weeks_that_the_file_lists() {
    let lessons = [french("Q1", 1, "0900", "0100"), maths("Q2", 1, "0900", "0100")];
    let office = Office::with_timetable(&lessons).await;
    for (date, lesson) in [
        ("2026-09-07", "09:00-10:00 FRANCAIS 12"),
        ("2026-09-14", "09:00-10:00 MATHEMATIQUES 12"),
        ("2026-09-21", "09:00-10:00 FRANCAIS 12"),
        ("2026-09-28", "09:00-10:00 MATHEMATIQUES 12"),
    ] {
        assert_eq!(office.lessons_of("6A", date).await, [lesson], "{date}");
    }
    let plan = &sheet(&office.node.db(), school()).await.unwrap().unwrap().years;
    let weeks_a = &plan.values().next().unwrap().weeks_a;
    assert_eq!(weeks_a[..2], [day("2026-09-07"), day("2026-09-21")]);
    office.stop().await;
}

#[tokio::test]
async fn what_alternates_otherwise_is_on_the_weeks_of_its_list() {
    let office = Office::with_timetable(&[french("S1", 1, "0900", "0100")]).await;
    assert_eq!(office.lessons_of("6A", "2026-09-07").await, ["09:00-10:00 FRANCAIS 12"]);
    assert_eq!(office.lessons_of("6A", "2026-09-14").await, [""; 0]);
    assert_eq!(office.lessons_of("6A", "2026-09-28").await, ["09:00-10:00 FRANCAIS 12"]);
    office.stop().await;
}

#[tokio::test]
async fn a_lesson_of_two_hours_takes_two_slots() {
    let lessons = [
        french("H", 1, "0800", "0200"),
        maths("H", 2, "0800", "0055"),
        maths("H", 2, "0900", "0055"),
    ];
    let office = Office::with_timetable(&lessons).await;
    let monday = office.lessons_of("6A", "2026-09-07").await;
    assert_eq!(monday, ["08:00-08:55 FRANCAIS 12", "09:00-09:55 FRANCAIS 12"]);
    office.stop().await;
}

#[tokio::test]
async fn the_bells_of_a_school_that_has_set_none_are_found_in_its_timetable() {
    let lessons = [
        french("H", 1, "0805", "0055"),
        maths("H", 2, "0800", "0055"),
        french("H", 3, "1100", "0100"),
        maths("H", 1, "1330", "0055"),
        french("H", 4, "1430", "0100"),
    ];
    let office = Office::with_timetable(&lessons).await;
    let sheet = sheet(&office.node.db(), school()).await.unwrap().unwrap();
    let bells = sheet.bells_on(day("2026-09-07")).unwrap();
    let slots = bells.slots.iter().map(|slot| {
        format!("{} {}-{}", slot.name, slot.starts.format("%H:%M"), slot.ends.format("%H:%M"))
    });
    let slots: Vec<_> = slots.collect();
    assert_eq!(slots, ["M1 08:00-08:55", "M2 11:00-12:00", "S1 13:30-14:25", "S2 14:30-15:30"]);
    assert_eq!(bells.half_day_limit.format("%H:%M").to_string(), "13:00");
    let closed = bells.closed.iter().map(|closed| format!("{} {:?}", closed.weekday, closed.half));
    assert_eq!(closed.collect::<Vec<_>>(), ["Wed Afternoon", "Sat Morning", "Sat Afternoon"]);
    office.stop().await;
}

#[tokio::test]
async fn a_lesson_at_an_hour_without_slot_is_told() {
    let office = Office::with_timetable(&[french("H", 1, "0800", "0100")]).await;
    let lessons = [french("H", 1, "0800", "0100"), maths("H", 1, "1800", "0100")];
    let report = office.bring(Base::Sts, &with_timetable(&lessons)).await;
    assert_eq!(told(&report.refused), ["slot-missing 6A/061300"]);
    office.stop().await;
}

#[tokio::test]
async fn the_same_timetable_again_changes_nothing() {
    let lessons = [
        french("Q1", 1, "0900", "0100"),
        maths("Q2", 1, "0900", "0100"),
        french("S1", 2, "1000", "0200"),
        maths("H", 2, "0800", "0100"),
    ];
    let office = Office::with_timetable(&lessons).await;
    let again = office.bring(Base::Sts, &with_timetable(&lessons)).await;
    assert_eq!((again.events_appended, again.changed.len()), (0, 0), "{again}");
    office.stop().await;
}

#[tokio::test]
async fn a_lesson_that_moves_moves_from_the_day_of_the_import_on() {
    let lessons = |weekday| [french("H", weekday, "0800", "0100"), maths("H", 5, "0800", "0100")];
    let office = Office::with_timetable(&lessons(1)).await;
    office.now("2026-10-06T08:00:00Z");
    let report = office.bring(Base::Sts, &with_timetable(&lessons(4))).await;
    assert_eq!(told(&report.changed), ["changed 6A/020700"]);
    assert_eq!(office.lessons_of("6A", "2026-10-05").await.len(), 1, "before, it was on Mondays");
    assert_eq!(office.lessons_of("6A", "2026-10-08").await.len(), 1);
    assert_eq!(office.lessons_of("6A", "2026-10-12").await.len(), 0);
    office.stop().await;
}

#[tokio::test]
async fn a_course_that_is_no_longer_listed_ends_and_keeps_its_past() {
    let both = [french("H", 1, "0800", "0100"), maths("H", 1, "0900", "0100")];
    let office = Office::with_timetable(&both).await;
    office.now("2026-10-06T08:00:00Z");
    let report = office.bring(Base::Sts, &with_timetable(&both[..1])).await;
    assert_eq!(told(&report.changed), ["changed 6A/MATHEMATIQUES"]);
    assert_eq!(office.lessons_of("6A", "2026-10-05").await.len(), 2);
    assert_eq!(office.lessons_of("6A", "2026-10-12").await.len(), 1);
    let back = office.bring(Base::Sts, &with_timetable(&both)).await;
    assert_eq!(told(&back.added), ["added 6A/061300"], "it is another course now");
    assert_eq!(office.lessons_of("6A", "2026-10-12").await.len(), 2);
    office.stop().await;
}

#[tokio::test]
async fn a_timetable_that_ends_more_than_half_of_the_courses_is_not_believed() {
    let three = [
        french("H", 1, "0800", "0100"),
        maths("H", 1, "0900", "0100"),
        history("H", 1, "1000", "0100"),
    ];
    let office = Office::with_timetable(&three).await;
    let report = office.bring(Base::Sts, &with_timetable(&three[..1])).await;
    assert_eq!(told(&report.refused), ["too-many-missing"]);
    let insisted = office
        .import(Base::Sts, &with_timetable(&three[..1]), |import| import.wish.force = true)
        .await;
    assert_eq!(insisted.changed.len(), 2);
    office.stop().await;
}

#[tokio::test]
async fn an_alternation_that_cannot_be_read_ends_no_course_and_takes_no_hour() {
    let lessons = [
        french("Q1", 1, "0900", "0100"),
        maths("H", 1, "0800", "0100"),
        maths("Q1", 2, "0900", "0100"),
    ];
    let office = Office::with_timetable(&lessons).await;
    office.now("2026-10-06T08:00:00Z");
    let broken = edited(&with_timetable(&lessons), "emp_sts", |text| {
        text.replace("2026-09-21<", "2026-02-30<")
    });
    let report = office.bring(Base::Sts, &broken).await;
    assert_eq!(told(&report.refused), ["date-impossible Q1"]);
    assert_eq!(report.events_appended, 0, "{report}");
    office.stop().await;
}

#[tokio::test]
async fn a_course_of_a_teacher_whose_record_cannot_be_read_stays_what_it_is() {
    let lessons = [together("H", 1, "0800", "0100"), french("H", 2, "0800", "0100")];
    let office = Office::with_timetable(&lessons).await;
    office.now("2026-10-06T08:00:00Z");
    let broken = edited(&with_timetable(&lessons), "sts", |text| {
        super::between(&text, "<INDIVIDU ID=\"30000\"", "</INDIVIDU>", |person| {
            person.replace("1980-01-01", "1980-02-30")
        })
    });
    let report = office.bring(Base::Sts, &broken).await;
    assert_eq!(report.events_appended, 0, "{report}");
    office.stop().await;
}

#[tokio::test]
async fn a_course_that_is_dropped_and_listed_again_before_the_first_day_loses_no_lesson() {
    let office = Office::empty().await;
    let both = [french("H", 2, "0800", "0100"), maths("H", 2, "0900", "0100")];
    office.now("2026-08-26T08:00:00Z");
    office.bring(Base::Sts, &with_timetable(&both)).await;
    office.now("2026-08-27T08:00:00Z");
    office.bring(Base::Sts, &with_timetable(&both[..1])).await;
    assert_eq!(office.lessons_of("6A", "2026-09-01").await, ["08:00-09:00 FRANCAIS 12"]);
    office.now("2026-08-29T08:00:00Z");
    office.bring(Base::Sts, &with_timetable(&both)).await;
    for date in ["2026-09-01", "2026-09-08"] {
        assert_eq!(office.lessons_of("6A", date).await.len(), 2, "{date}");
    }
    office.stop().await;
}

#[tokio::test]
async fn a_fortnight_whose_other_half_is_unknown_is_not_every_week() {
    let lessons = [french("Q1", 1, "0900", "0100"), maths("S1", 1, "0900", "0100")];
    let files = edited(&with_timetable(&lessons), "emp_sts", |text| {
        let text =
            super::between(&text, "<ALTERNANCE CODE=\"Q2\"", "</ALTERNANCE>", |_| String::new());
        super::between(&text, "<ALTERNANCE CODE=\"S1\"", "</ALTERNANCE>", |each| {
            each.replace("2026-09-28<", "2026-09-21<").replace("2026-10-05<", "2026-10-19<")
        })
    });
    let office = Office::empty().await;
    office.bring(Base::Sts, &files).await;
    assert_eq!(office.lessons_of("6A", "2026-09-07").await.len(), 2);
    assert_eq!(office.lessons_of("6A", "2026-09-14").await, [""; 0]);
    office.stop().await;
}

#[tokio::test]
async fn what_is_weekly_for_half_a_year_is_not_so_for_the_other() {
    let files = edited(&with_timetable(&[french("S1", 1, "0900", "0100")]), "emp_sts", |text| {
        let mondays = day("2026-09-07").iter_weeks().take(18);
        let weeks =
            mondays.map(|monday| format!("<DATE_DEBUT_SEMAINE>{monday}</DATE_DEBUT_SEMAINE>"));
        let weeks: String = weeks.collect();
        super::between(&text, "<ALTERNANCE CODE=\"S1\"", "</ALTERNANCE>", |_| {
            format!(
                "<ALTERNANCE CODE=\"S1\"><LIBELLE_LONG>Hebdo semestre 1</LIBELLE_LONG>\
                <SEMAINES>{weeks}</SEMAINES></ALTERNANCE>"
            )
        })
    });
    let office = Office::empty().await;
    office.bring(Base::Sts, &files).await;
    assert_eq!(office.lessons_of("6A", "2026-09-14").await.len(), 1);
    assert_eq!(office.lessons_of("6A", "2027-03-01").await, [""; 0]);
    office.stop().await;
}

#[tokio::test]
async fn teachers_who_give_a_lesson_together_give_one_course() {
    let office = Office::with_timetable(&[together("H", 1, "0800", "0100")]).await;
    let courses = timetable::of_school(&office.node.db(), school()).await.unwrap();
    assert_eq!(courses.len(), 1);
    assert_eq!(courses[0].sheet.teachers.len(), 2);
    office.stop().await;
}

#[tokio::test]
async fn a_timetable_without_staff_is_refused() {
    let office = Office::empty().await;
    let mut files = with_timetable(&[french("H", 1, "0800", "0100")]);
    files.remove(0);
    let report = office.bring(Base::Sts, &files).await;
    assert_eq!(told(&report.refused), ["staffing-not-given"]);
    office.stop().await;
}

#[tokio::test]
async fn a_real_pair_of_files_gives_its_lesson_every_thursday() {
    let Some(folder) = crate::imports::files_from_elsewhere("sts/case1") else { return };
    let read = |name: &str| (name.to_owned(), fs::read(folder.join(name)).unwrap());
    let office = Office::empty().await;
    office.now("2018-09-05T08:00:00Z");
    let files = vec![read("sts_emp.xml"), read("emp_sts.xml")];
    let report = office.bring(Base::Sts, &files).await;
    assert!(report.imported, "{report}");
    let school: Uai = "0771991W".parse().unwrap();
    for date in ["2018-09-06", "2018-09-13", "2018-09-20"] {
        let lessons = office.lessons_in(school, "3A", day(date)).await;
        assert_eq!(lessons, ["14:02-15:02 Français 15"], "{date}");
    }
    assert_eq!(office.lessons_in(school, "3A", day("2018-09-07")).await, [""; 0]);
    assert_eq!(office.bring(Base::Sts, &files).await.events_appended, 0);
    office.stop().await;
}

impl Office {
    /// A data folder with the staff of the set and these lessons.
    async fn with_timetable(lessons: &[String]) -> Self {
        let office = Self::empty().await;
        let report = office.bring(Base::Sts, &with_timetable(lessons)).await;
        assert!(report.imported && report.refused.is_empty(), "{report}");
        office
    }

    /// The lessons of a class on a day: times, subject, room.
    async fn lessons_of(&self, class: &str, date: &str) -> Vec<String> {
        self.lessons_in(school(), class, day(date)).await
    }

    async fn lessons_in(&self, school: Uai, class: &str, date: NaiveDate) -> Vec<String> {
        let db = self.node.db();
        let sheet = sheet(&db, school).await.unwrap().unwrap();
        let classes = classes::of_school(&db, school, None, 100).await.unwrap();
        let class = classes.iter().find(|row| row.name == class).unwrap().class;
        let courses = timetable::of_class(&db, class).await.unwrap();
        let local = |instant: chrono::DateTime<chrono::Utc>| {
            instant.with_timezone(&sheet.time_zone).format("%H:%M").to_string()
        };
        let told = lessons(&courses, &sheet, &[date]).into_iter().map(|lesson| {
            let (starts, ends) = (local(lesson.time.starts_at), local(lesson.time.ends_at));
            format!("{starts}-{ends} {} {}", lesson.subject, lesson.room)
        });
        told.collect()
    }
}

/// The staff of the set, and a timetable of 6A with these services.
fn with_timetable(services: &[String]) -> Files {
    let days = |first: &str, step: usize, count: usize| {
        let first: NaiveDate = first.parse().unwrap();
        let mondays = first.iter_weeks().step_by(step).take(count);
        let weeks =
            mondays.map(|monday| format!("<DATE_DEBUT_SEMAINE>{monday}</DATE_DEBUT_SEMAINE>"));
        weeks.collect::<String>()
    };
    let alternation = |code: &str, label: &str, weeks: &str| {
        format!(
            "<ALTERNANCE CODE=\"{code}\"><LIBELLE_LONG>{label}</LIBELLE_LONG>\
            <SEMAINES>{weeks}</SEMAINES></ALTERNANCE>"
        )
    };
    let alternations = [
        alternation("H", "Hebdomadaire", ""),
        alternation("Q1", "Quinzaine 1", &days("2026-09-07", 2, 15)),
        alternation("Q2", "Quinzaine 2", &days("2026-09-14", 2, 15)),
    ];
    let listed = alternation(
        "S1",
        "Trois semaines",
        "<DATE_DEBUT_SEMAINE>2026-09-07</DATE_DEBUT_SEMAINE>\
        <DATE_DEBUT_SEMAINE>2026-09-28</DATE_DEBUT_SEMAINE><DATE_DEBUT_SEMAINE>2026-10-05</DATE_DEBUT_SEMAINE>",
    );
    let hours = |weekday: u8, ends: &str| {
        format!(
            "<HORAIRE JOUR=\"{weekday}\"><DEBUT_COURS>0800</DEBUT_COURS>\
            <FIN_COURS>{ends}</FIN_COURS></HORAIRE>"
        )
    };
    let hours =
        [hours(1, "1700"), hours(2, "1700"), hours(3, "1200"), hours(4, "1700"), hours(5, "1700")];
    let text = format!(
        "<EDT_STS><PARAMETRES><UAJ>0549998Z</UAJ><ANNEE_SCOLAIRE>2026</ANNEE_SCOLAIRE></PARAMETRES>\
        <DONNEES><HORAIRES>{}</HORAIRES><ALTERNANCES>{}{listed}</ALTERNANCES><STRUCTURE><DIVISIONS>\
        <DIVISION CODE=\"6A\"><SERVICES>{}</SERVICES></DIVISION></DIVISIONS></STRUCTURE></DONNEES></EDT_STS>",
        hours.concat(),
        alternations.concat(),
        services.concat()
    );
    let mut files = sts();
    files.push(("emp_sts.xml".to_owned(), text.into_bytes()));
    files
}

fn french(alternation: &str, weekday: u8, starts: &str, lasts: &str) -> String {
    service("020700", &["30000"], &course(alternation, weekday, starts, lasts))
}

fn maths(alternation: &str, weekday: u8, starts: &str, lasts: &str) -> String {
    service("061300", &["30001"], &course(alternation, weekday, starts, lasts))
}

fn history(alternation: &str, weekday: u8, starts: &str, lasts: &str) -> String {
    service("043700", &["30002"], &course(alternation, weekday, starts, lasts))
}

fn together(alternation: &str, weekday: u8, starts: &str, lasts: &str) -> String {
    service("020700", &["30000", "30001"], &course(alternation, weekday, starts, lasts))
}

fn service(subject: &str, teachers: &[&str], course: &str) -> String {
    let together = teachers.len() > 1;
    let teacher = |id: &&str| {
        format!(
            "<ENSEIGNANT TYPE=\"epp\" ID=\"{id}\"><COURS_RATTACHES>{course}</COURS_RATTACHES></ENSEIGNANT>"
        )
    };
    let teachers: String = teachers.iter().map(teacher).collect();
    format!(
        "<SERVICE CODE_MATIERE=\"{subject}\" CODE_MOD_COURS=\"CG\"><CO_ENS>{together}</CO_ENS>\
        <ENSEIGNANTS>{teachers}</ENSEIGNANTS></SERVICE>"
    )
}

fn course(alternation: &str, weekday: u8, starts: &str, lasts: &str) -> String {
    format!(
        "<COURS><CODE_ALTERNANCE>{alternation}</CODE_ALTERNANCE><JOUR>{weekday}</JOUR>\
        <HEURE_DEBUT>{starts}</HEURE_DEBUT><DUREE>{lasts}</DUREE><CODE_SALLE>12</CODE_SALLE></COURS>"
    )
}
