//! Any command that somebody may give in a small world, sensible or not.
//!
//! Few people, days and words, so that commands meet: most are about the same things, and many are
//! refused.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc, Weekday};
use chrono_tz::Tz;
use domain::{
    Category, ClassId, CourseId, Dossier, LineId, PersonId, SchoolYear, StudentId, Subject, Uai,
    attendance::{AttendanceCommand, Exemption, GiveReason, GivenBy, Period},
    classes::{ClassCommand, ClassKind},
    families::{Authority, FamilyCommand, Home, Link, Terms},
    people::{ContactDetails, Function, Language, Name, PersonCommand},
    rollcalls::Late,
    schools::{
        BellSchedule, Holiday, Legitimacy, Reason, SchoolCommand, Setting, Slot, YearPlan,
        calendar::Week,
    },
    timetable::{CoursePlan, LessonChange, Meeting, Place, TimetableCommand, Weeks},
};
use proptest::{prelude::*, sample::select};
use uuid::Uuid;

pub(super) const YEAR: SchoolYear = SchoolYear(2026);

/// What somebody asks for.
#[derive(Clone, Debug)]
pub(super) enum Asked {
    School(Uai, SchoolCommand),
    Person(PersonId, PersonCommand),
    Family(StudentId, FamilyCommand),
    Class(ClassId, ClassCommand),
    Timetable(CourseId, TimetableCommand),
    /// The roll of a lesson, if the timetable has it.
    Roll(CourseId, Place, Roll),
    Attendance(StudentId, AttendanceCommand),
    Erase(Dossier),
}

/// What a teacher says of a class.
#[derive(Clone, Debug)]
pub(super) struct Roll {
    pub(super) corrects: bool,
    pub(super) absent: Vec<StudentId>,
    pub(super) late: Vec<Late>,
}

/// A school in which much is possible, so that what follows is not refused at once.
pub(super) fn opening() -> Vec<Asked> {
    let school = schools()[0];
    let mut opening = vec![
        Asked::School(school, open("Tilleuls")),
        Asked::School(school, SchoolCommand::PlanSchoolYear { year: YEAR, plan: plan() }),
        Asked::School(
            school,
            SchoolCommand::SetBellSchedule { from: days()[0], schedule: bells(3) },
        ),
        Asked::School(school, SchoolCommand::ListReasons { reasons: vec![reason("illness")] }),
        Asked::Timetable(course(0), TimetableCommand::ScheduleCourse { plan: course_plan(1) }),
    ];
    opening.extend((0..5).map(|n| Asked::Person(person(n), register("Ada"))));
    let (name, kind) = ("5e B".to_owned(), ClassKind::Division);
    opening.push(Asked::Class(class(0), ClassCommand::FormClass { name, kind, year: YEAR }));
    for student in students() {
        let (guardian, from) = (person(3), days()[0]);
        let join = ClassCommand::JoinClass { student, from };
        opening.push(Asked::Class(class(0), join));
        let record = record_guardianship((student, guardian, 1, from));
        opening.push(Asked::Family(student, record));
    }
    opening
}

/// Any command.
pub(super) fn asked() -> impl Strategy<Value = Asked> {
    prop_oneof![
        2 => (select(schools()), of_school()).prop_map(|(id, it)| Asked::School(id, it)),
        3 => (a_person(), of_person()).prop_map(|(id, it)| Asked::Person(id, it)),
        2 => (a_student(), of_family()).prop_map(|(id, it)| Asked::Family(id, it)),
        2 => (0..2_u128, of_class()).prop_map(|(n, it)| Asked::Class(class(n), it)),
        3 => (0..2_u128, of_course()).prop_map(|(n, it)| Asked::Timetable(course(n), it)),
        6 => (select(vec![0, 0, 0, 1]), a_place(), a_roll())
            .prop_map(|(n, place, roll)| Asked::Roll(course(n), place, roll)),
        5 => (a_student(), of_attendance()).prop_map(|(id, it)| Asked::Attendance(id, it)),
    ]
}

/// Any command, or the end of any dossier.
pub(super) fn asked_or_erased() -> impl Strategy<Value = Asked> {
    prop_oneof![5 => asked(), 1 => a_dossier().prop_map(Asked::Erase)]
}

fn of_school() -> impl Strategy<Value = SchoolCommand> {
    use SchoolCommand as C;
    prop_oneof![
        select(vec!["Tilleuls", "Acacias"]).prop_map(open),
        Just(C::PlanSchoolYear { year: YEAR, plan: plan() }),
        (a_day(), a_day()).prop_map(|(first_day, last_day)| {
            let name = "Vacances".to_owned();
            let holidays = vec![Holiday { name, first_day, last_day }];
            C::SetHolidays { year: YEAR, holidays }
        }),
        (a_day(), 0..4_u32)
            .prop_map(|(from, slots)| C::SetBellSchedule { from, schedule: bells(slots) }),
        select(vec![vec!["illness"], vec!["illness", "strike"], vec!["strike"]])
            .prop_map(|codes| C::ListReasons { reasons: codes.into_iter().map(reason).collect() }),
        (0..30_u16).prop_map(|minutes| {
            C::ChooseSetting { setting: Setting::LatenessMaxMinutes(minutes) }
        }),
    ]
}

fn of_person() -> impl Strategy<Value = PersonCommand> {
    use PersonCommand as C;
    let school = || select(schools());
    prop_oneof![
        a_word().prop_map(register),
        a_word().prop_map(|family| C::RenamePerson { name: name(family) }),
        a_word().prop_map(|mail| {
            let mail = Some(mail.to_owned());
            C::GiveContactDetails { details: ContactDetails { mail, ..ContactDetails::default() } }
        }),
        a_day().prop_map(|birth_date| C::CorrectBirthDate { birth_date }),
        select(vec![Language::French, Language::Turkish])
            .prop_map(|language| C::ChooseLanguage { language }),
        (school(), a_day()).prop_map(|(school, from)| C::EnrolStudent { school, ine: None, from }),
        (school(), a_day()).prop_map(|(school, from)| {
            C::AppointStaff { school, function: Function::Teacher, from }
        }),
        (school(), a_day()).prop_map(|(school, from)| {
            C::ChangeFunction { school, function: Function::Cpe, from }
        }),
        (school(), a_day()).prop_map(|(school, on)| C::LeaveSchool { school, on }),
    ]
}

fn of_family() -> impl Strategy<Value = FamilyCommand> {
    use FamilyCommand as C;
    let document = || a_word().prop_map(str::to_owned);
    prop_oneof![
        (a_student(), a_guardian(), 1..3_u8, a_day()).prop_map(record_guardianship),
        (a_guardian(), a_day(), document()).prop_map(|(guardian, from, document)| {
            C::RestrictGuardianship { guardian, from, document }
        }),
        (a_guardian(), a_day(), document()).prop_map(|(guardian, from, document)| {
            C::RestoreGuardianship { guardian, from, document }
        }),
        (a_guardian(), a_day()).prop_map(|(guardian, on)| C::EndGuardianship { guardian, on }),
    ]
}

fn of_class() -> impl Strategy<Value = ClassCommand> {
    use ClassCommand as C;
    prop_oneof![
        a_word().prop_map(|name| {
            C::FormClass { name: name.to_owned(), kind: ClassKind::Division, year: YEAR }
        }),
        (a_student(), a_day()).prop_map(|(student, from)| C::JoinClass { student, from }),
        (a_student(), a_day()).prop_map(|(student, on)| C::LeaveClass { student, on }),
        (a_person(), a_word(), a_day()).prop_map(|(teacher, subject, from)| {
            C::AssignTeacher { teacher, subject: subject.to_owned(), from }
        }),
        (a_person(), a_word(), a_day()).prop_map(|(teacher, subject, on)| {
            C::ReleaseTeacher { teacher, subject: subject.to_owned(), on }
        }),
    ]
}

fn of_course() -> impl Strategy<Value = TimetableCommand> {
    use TimetableCommand as C;
    let week = || select(vec![None, Some(Week::A), Some(Week::B)]);
    prop_oneof![
        (0..4_u8).prop_map(|slot| C::ScheduleCourse { plan: course_plan(slot) }),
        (a_day(), 1..4_u8)
            .prop_map(|(from, slot)| C::RescheduleCourse { from, meetings: meetings(slot) }),
        (a_place(), week(), a_change()).prop_map(|(planned, week, change)| C::ChangeLesson {
            planned,
            week,
            change
        }),
        Just(C::EndCourse { on: days()[3] }),
    ]
}

fn a_change() -> impl Strategy<Value = LessonChange> {
    let room = || "8".to_owned();
    prop_oneof![
        Just(LessonChange::Cancel),
        Just(LessonChange::Reinstate),
        a_place().prop_map(move |to| LessonChange::Move { to, room: room() }),
        a_person().prop_map(|teacher| LessonChange::Replace { teacher }),
        Just(LessonChange::ChangeRoom { room: "9".to_owned() }),
    ]
}

fn of_attendance() -> impl Strategy<Value = AttendanceCommand> {
    use AttendanceCommand as C;
    let said = (a_line(), a_reason());
    prop_oneof![
        (a_line(), a_period()).prop_map(|(line, period)| C::RecordAbsence { line, period }),
        (a_line(), a_period()).prop_map(|(line, period)| C::RecordDeparture { line, period }),
        (a_line(), a_day(), a_day(), any::<bool>()).prop_map(
            |(line, first_day, last_day, attends)| {
                let subject = "Latin".to_owned();
                C::GrantExemption {
                    line,
                    exemption: Exemption { subject, first_day, last_day, attends },
                }
            }
        ),
        (a_line(), a_period(), a_reason()).prop_map(|(line, period, reason)| C::AnnounceAbsence {
            line,
            period,
            reason
        }),
        said.prop_map(|(line, reason)| C::GiveReason { line, reason }),
        a_line().prop_map(|line| C::AcceptReason { line }),
        a_line().prop_map(|line| C::RefuseReason { line }),
        a_line().prop_map(|line| C::Regularise { line }),
        a_line().prop_map(|line| C::WithdrawLine { line }),
    ]
}

fn a_reason() -> impl Strategy<Value = Box<GiveReason>> {
    let by = select(vec![GivenBy::Office, GivenBy::Family(person(3))]);
    (select(vec!["illness", "strike"]), by).prop_map(|(code, by)| {
        Box::new(GiveReason {
            reason: reason(code),
            list: 1,
            by,
            comment: None,
            document: None,
            by_themselves: false,
        })
    })
}

/// A line of the office, or one of a roll call.
fn a_line() -> impl Strategy<Value = LineId> {
    let of_lesson = (a_student(), a_place()).prop_map(|(student, Place { date, slot })| {
        LineId::of_lesson(student, domain::LessonId::of(course(0), date, slot))
    });
    prop_oneof![(0..3_u128).prop_map(|n| LineId(Uuid::from_u128(500 + n))), of_lesson]
}

fn a_period() -> impl Strategy<Value = Period> {
    (a_day(), 0..10_i64).prop_map(|(day, hours)| {
        let from: DateTime<Utc> = day.and_time(chrono::NaiveTime::MIN).and_utc();
        let from = from + TimeDelta::hours(6);
        Period { from, to: from + TimeDelta::hours(hours) }
    })
}

fn a_roll() -> impl Strategy<Value = Roll> {
    let minutes = select(vec![0_u16, 5, 5, 20]);
    let marks = proptest::collection::vec((a_student(), any::<bool>(), minutes), 0..3);
    (any::<bool>(), marks).prop_map(|(corrects, marks)| {
        let (absent, late): (Vec<_>, Vec<_>) = marks.into_iter().partition(|mark| mark.1);
        let late = late.into_iter().map(|(student, _, minutes)| Late { student, minutes });
        let absent = absent.into_iter().map(|mark| mark.0).collect();
        Roll { corrects, absent, late: late.collect() }
    })
}

fn a_dossier() -> impl Strategy<Value = Dossier> {
    use Category as C;
    let of_person = (a_person(), select(vec![C::Identity, C::Family, C::Schooling, C::Attendance]));
    let subject = prop_oneof![
        4 => of_person.prop_map(|(person, category)| (Subject::Person(person), category)),
        1 => select(schools()).prop_map(|school| (Subject::School(school), C::Register)),
    ];
    subject.prop_map(|(subject, category)| Dossier { subject, category, year: YEAR })
}

fn a_person() -> impl Strategy<Value = PersonId> {
    (0..5_u128).prop_map(person)
}

fn a_guardian() -> impl Strategy<Value = PersonId> {
    (3..5_u128).prop_map(person)
}

fn a_student() -> impl Strategy<Value = StudentId> {
    select(students())
}

fn a_place() -> impl Strategy<Value = Place> {
    (a_day(), 1..4_u8).prop_map(|(date, slot)| Place { date, slot })
}

fn a_day() -> impl Strategy<Value = NaiveDate> {
    select(days())
}

fn a_word() -> impl Strategy<Value = &'static str> {
    select(vec!["", "Ada", "Latin", "Zoé"])
}

/// Two Mondays, a Tuesday and a Sunday.
fn days() -> Vec<NaiveDate> {
    ["2026-09-07", "2026-09-08", "2026-09-13", "2026-09-14"].map(|day| day.parse().unwrap()).into()
}

pub(super) fn schools() -> Vec<Uai> {
    ["0670001A", "0570002B"].map(|uai| uai.parse().unwrap()).into()
}

/// Everybody who is in a class.
pub(super) fn students() -> Vec<StudentId> {
    [0, 1, 2].map(|n| person(n).into()).into()
}

fn person(n: u128) -> PersonId {
    PersonId(Uuid::from_u128(100 + n))
}

fn class(n: u128) -> ClassId {
    ClassId(Uuid::from_u128(200 + n))
}

fn course(n: u128) -> CourseId {
    CourseId(Uuid::from_u128(300 + n))
}

fn open(name: &str) -> SchoolCommand {
    let (name, department) = (name.to_owned(), "67".to_owned());
    SchoolCommand::OpenSchool { name, time_zone: Tz::Europe__Paris, department }
}

fn plan() -> YearPlan {
    let last_day = "2027-07-02".parse().unwrap();
    YearPlan { first_day: days()[0], last_day, terms: vec![], weeks_a: vec![days()[0]] }
}

fn bells(slots: u32) -> BellSchedule {
    let time = |hour| chrono::NaiveTime::from_hms_opt(hour, 0, 0).unwrap();
    let slot = |n: u32| Slot { name: format!("M{n}"), starts: time(8 + n), ends: time(9 + n) };
    let slots = (0..slots).map(slot).collect();
    BellSchedule { slots, half_day_limit: time(13), closed: vec![] }
}

fn reason(code: &str) -> Reason {
    Reason {
        code: code.to_owned(),
        label: code.to_owned(),
        neutral_label: None,
        sensitive: false,
        legitimacy: Legitimacy::Unknown,
        explains: true,
        receivable: (code == "illness").then_some(true),
        regularises: code == "illness",
        in_care: false,
        closed: false,
    }
}

fn course_plan(first: u8) -> CoursePlan {
    CoursePlan {
        class: class(0),
        subject: "Latin".to_owned(),
        teachers: vec![person(4)],
        first_day: days()[0],
        last_day: "2027-07-02".parse().unwrap(),
        meetings: meetings(first),
    }
}

/// Every lesson from this slot on.
fn meetings(first: u8) -> Vec<Meeting> {
    let meeting = |(weekday, slot)| {
        let (weeks, room) = (Weeks::Every, "7".to_owned());
        Meeting { weekday, slot, weeks, room }
    };
    let days = [Weekday::Mon, Weekday::Tue].into_iter();
    days.flat_map(|day| (first..4).map(move |slot| (day, slot))).map(meeting).collect()
}

fn record_guardianship(
    (student, guardian, contact_order, from): (StudentId, PersonId, u8, NaiveDate),
) -> FamilyCommand {
    let (link, authority, home) = (Link::Mother, Authority::Exercised, Home::First);
    let terms = Terms { link, authority, home, contact_order };
    FamilyCommand::RecordGuardianship { student, guardian, terms, from }
}

fn register(family: &str) -> PersonCommand {
    let (name, birth_date, language) = (name(family), None, Language::French);
    PersonCommand::RegisterPerson { name, birth_date, language }
}

fn name(family: &str) -> Name {
    Name { family: family.to_owned(), given: "Lou".to_owned(), usage: None }
}
