//! The demo school as its visitors find it.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use chrono::{DateTime, Utc, Weekday};
use domain::{
    AccountId,
    attendance::AttendanceCommand,
    classes::ClassKind,
    people::Language,
    rollcalls::{RollCallCommand, RollCallEvent},
};
use replay::{Clock, keys::MasterKey, log::Filter};
use tempfile::TempDir;

use super::*;
use crate::channels::{ChannelSettings, Channels};

const SEED: u64 = 7;

#[test]
fn the_same_seed_and_day_give_the_same_script() {
    let script = |seed, today| format!("{:?}", write(seed, today).unwrap());
    let known = script(SEED, friday());
    assert!(known == script(SEED, friday()));
    assert!(known != script(SEED + 1, friday()));
    assert!(known != script(SEED, day("2026-11-23")));
}

#[test]
fn the_school_has_the_size_of_a_real_one() {
    let World { people, programme, .. } = world(friday());
    let divisions = programme.classes.iter().filter(|class| class.kind == ClassKind::Division);
    assert_eq!(divisions.clone().count(), 20);
    assert!(divisions.clone().all(|class| class.students.len() > 20));
    assert!((560..=640).contains(&people.students.len()), "{}", people.students.len());
    assert_eq!(people.staff.len(), 55);
    let guardians = || people.households.iter().flatten();
    assert!((900..=1_100).contains(&guardians().count()), "{}", guardians().count());
    assert!(SCHOOL.parse::<domain::Uai>().unwrap().letter_agrees());
}

#[test]
fn families_are_of_every_shape_and_language() {
    let people = world(friday()).people;
    let guardians = || people.households.iter().flatten();
    for language in [
        Language::French,
        Language::PlainFrench,
        Language::English,
        Language::German,
        Language::Arabic,
        Language::Turkish,
        Language::Portuguese,
        Language::Ukrainian,
    ] {
        assert!(guardians().any(|guardian| guardian.person.language == language), "{language:?}");
    }
    let first = |n: usize| &people.households[n][0];
    assert!((0..people.households.len()).all(|n| first(n).terms.contact_order == 1));
    assert!(guardians().any(|guardian| guardian.judgment.is_some()));
    let levels = people.students.iter().map(|student| student.division / 5);
    assert_eq!(levels.collect::<BTreeSet<_>>().len(), 4);
}

#[test]
fn nobody_and_no_room_is_in_two_lessons_at_once() {
    let world = world(friday());
    let students: BTreeMap<_, _> =
        world.programme.classes.iter().map(|class| (class.id, &class.students)).collect();
    for day in 0..DAYS {
        let (mut busy, mut rooms) = (BTreeSet::new(), BTreeSet::new());
        for lesson in changes::lessons_of(&world, day) {
            let slot = lesson.place.slot;
            assert!(rooms.insert((slot, lesson.room.clone())), "{lesson:?}");
            let learners = students[&lesson.class].iter().map(|student| student.person());
            for person in lesson.teachers.iter().copied().chain(learners) {
                assert!(busy.insert((slot, person)), "{person} in {lesson:?}");
            }
        }
    }
}

#[test]
fn every_division_has_twenty_six_lessons_a_week() {
    let world = world(friday());
    for (n, class) in world.programme.classes.iter().enumerate().take(courses::DIVISIONS) {
        let second_language = format!("{} Allemand 1", &class.name[..2]);
        let in_week_a = |course: &usize| {
            let meetings = world.plans[*course].meetings.iter();
            meetings.filter(|meeting| meeting.weeks != domain::timetable::Weeks::B).count()
        };
        let of_division = (0..world.plans.len()).filter(|course| {
            let of = world.programme.courses[*course].class;
            of == n || world.programme.classes[of].name == second_language
        });
        assert_eq!(
            of_division.map(|course| in_week_a(&course)).sum::<usize>(),
            26,
            "{}",
            class.name
        );
    }
    let mut meetings = world.plans.iter().flat_map(|plan| &plan.meetings);
    assert!(meetings.all(|meeting| meeting.weekday != Weekday::Wed || meeting.slot <= 4));
}

#[test]
fn some_in_a_hundred_are_absent_or_late() {
    let (scenes, _) = write(SEED, friday()).unwrap();
    let (mut called, mut missing, mut tardy) = (0, 0, 0);
    for request in scenes.iter().flat_map(|scene| &scene.requests) {
        if let Ask::RollCall(_, RollCallCommand::TakeRollCall { class, absent, late, .. }) =
            &request.ask
        {
            called += class.len();
            missing += absent.len();
            tardy += late.len();
        }
    }
    assert!((25..=55).contains(&(missing * 1_000 / called)), "{missing} of {called}");
    assert!((10..=20).contains(&(tardy * 1_000 / called)), "{tardy} of {called}");
}

#[test]
fn reasons_are_given_accepted_refused_and_regularised() {
    let (scenes, _) = write(SEED, friday()).unwrap();
    let mut asked: BTreeMap<&str, usize> = BTreeMap::new();
    for request in scenes.iter().flat_map(|scene| &scene.requests) {
        use AttendanceCommand as C;
        let Ask::Attendance(_, command) = &request.ask else { continue };
        let name = match command {
            C::AnnounceAbsence { .. } => "announced",
            C::GiveReason { .. } => "given",
            C::AcceptReason { .. } => "accepted",
            C::RefuseReason { .. } => "refused",
            C::Regularise { .. } => "regularised",
            C::RecordDeparture { .. } => "left",
            C::GrantExemption { .. } => "exempted",
            C::FollowRollCall { .. } | C::RecordAbsence { .. } | C::WithdrawLine { .. } => "other",
        };
        *asked.entry(name).or_default() += 1;
    }
    let names: Vec<_> = asked.keys().copied().collect();
    let all = ["accepted", "announced", "exempted", "given", "left", "refused", "regularised"];
    assert_eq!(names, all, "{asked:?}");
}

#[test]
fn in_summer_and_early_september_the_year_just_ended_is_shown() {
    for today in ["2027-07-14", "2027-08-31", "2027-09-03"] {
        let world = world(day(today));
        assert_eq!(world.year, SchoolYear(2026), "{today}");
        assert_eq!(world.days.last(), Some(&day("2027-07-02")), "{today}");
    }
}

#[test]
fn there_is_a_script_for_every_week_of_the_year() {
    for (today, seed) in day("2026-08-30").iter_weeks().take(53).zip(0..) {
        let (scenes, told) = write(seed, today).unwrap();
        assert!(scenes.is_sorted_by_key(|scene| scene.at), "{today}");
        assert!(told.planned.date < today && told.evening_before < midnight(today), "{today}");
    }
}

#[test]
fn the_lines_to_paste_name_what_was_left() {
    let (_, told) = write(SEED, friday()).unwrap();
    let lines = try_this(&told, "127.0.0.1:8080", "a-token-to-try-with", Path::new("outbox"));
    assert_eq!(lines.matches("curl -s").count(), 9);
    assert_eq!(lines.lines().filter(|line| line.starts_with("# ")).count(), 9);
    let roll_call = format!("/lessons/{}/{}/roll-call", told.planned.date, told.planned.slot);
    assert!(lines.contains(&roll_call) && lines.contains(&told.absent[1].0.to_string()));
    assert!(lines.contains("as_of=2026-11-18T17:00:00Z"), "{lines}");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_seedings_leave_the_same_log_but_for_its_order() {
    let (one, other) = tokio::join!(seeded(), seeded());
    assert!(one.told == other.told);
    assert_eq!(one.contents.len(), other.contents.len());
    for (stream, events) in &one.contents {
        assert!(Some(events) == other.contents.get(stream), "{stream}");
    }
    let events: usize = one.contents.values().map(Vec::len).sum();
    assert!((9_000..=14_000).contains(&events), "{events}");
    assert!(one.left > 3, "some lessons of the last day are left to the visitor");
    assert!(
        one.prompt,
        "what follows of a roll call is recorded a few minutes after the lesson began"
    );
}

/// What a seeding left.
struct Seeded {
    told: Told,
    /// Kinds and payloads, by stream; of alerts the kinds.
    contents: BTreeMap<Stream, Vec<(String, Vec<u8>)>>,
    /// Lessons of the last day whose roll is not called.
    left: usize,
    /// Whether reactions were recorded in step with what they follow.
    prompt: bool,
    _folder: TempDir,
}

async fn seeded() -> Seeded {
    let folder = tempfile::tempdir().unwrap();
    let master = MasterKey::load_or_create(&folder.path().join("master.key")).unwrap();
    let clock = SetClock::at(DateTime::UNIX_EPOCH);
    let (node, running) =
        Node::start(folder.path(), master, Clock::Set(clock.clone())).await.unwrap();
    let outbox =
        Channels::new(&ChannelSettings::of_folder("outbox"), folder.path(), node.journal().clock());
    let public_url = "http://127.0.0.1:8420".parse().unwrap();
    let sending = Dispatcher::new(node.clone(), outbox.unwrap(), &public_url).await;
    let told = seed((&node, &mut sending.unwrap()), &clock, SEED, friday()).await.unwrap();
    let mut contents: BTreeMap<Stream, Vec<(String, Vec<u8>)>> = BTreeMap::new();
    let (mut prompt, mut called) = (true, BTreeSet::new());
    let mut pages = node.journal().pages(0, Filter::default());
    while let Some(page) = pages.next().await.unwrap() {
        for recorded in page.entries.into_iter().map(Result::unwrap) {
            let header = recorded.header;
            let after = header.recorded_at - header.occurred_at;
            prompt &= header.actor != AccountId::PREAU || after.num_minutes() < 10;
            if let domain::Event::RollCall(lesson, RollCallEvent::RollCallTaken { .. }) =
                &recorded.event
            {
                called.insert(*lesson);
            }
            // Which run of which process sends, and to whom first, is in no script.
            let of_alert = matches!(header.stream, Stream::Alert(_));
            let payload = if of_alert { Vec::new() } else { recorded.event.payload().unwrap() };
            contents.entry(header.stream).or_default().push((header.kind, payload));
        }
    }
    for (_, events) in contents.iter_mut().filter(|(on, _)| matches!(on, Stream::Alert(_))) {
        events.sort_unstable();
    }
    let of_last_day = changes::lessons_of(&world(friday()), DAYS - 1).into_iter();
    let left = of_last_day.filter(|lesson| !called.contains(&lesson.lesson)).count();
    node.stop(running).await;
    Seeded { told, contents, left, prompt, _folder: folder }
}

fn world(today: NaiveDate) -> World {
    World::throw(&Writer::new(SCHOOL.parse().unwrap(), SEED), SEED, today).unwrap()
}

fn friday() -> NaiveDate {
    day("2026-11-20")
}

fn midnight(day: NaiveDate) -> DateTime<Utc> {
    day.and_time(chrono::NaiveTime::MIN).and_utc()
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}
