//! The access log over real files, by a clock that is set.

use std::{collections::BTreeMap, fs};

use chrono::{Days, TimeDelta};
use domain::{
    Category, Dossier, PersonId, SchoolYear, Subject, Uai,
    access::{Action, Device, Means, Rule, WhyRefused},
};
use futures_util::future::{join_all, try_join_all};
use sqlx::{ConnectOptions, sqlite::SqliteConnectOptions};
use tempfile::TempDir;
use uuid::Uuid;

use super::*;
use crate::{Clock, clock::SetClock, keys::MasterKey, log::Filter, place::LogUrl};

const TOKEN: &str = "a token that a device holds";

#[tokio::test]
async fn what_was_read_is_found_again_also_after_a_restart_and_by_an_auditor_beside_it() {
    let place = Place::new().await;
    let log = place.open().await;
    let entries = vec![read(place.now(), 1, 7), read(place.now(), 2, 7)];
    let position = log.record(entries.clone()).await.unwrap();
    assert_eq!(position, log.log().head().await.unwrap());
    let auditor = place.open_to_read().await;
    for log in [&log, &auditor] {
        assert_eq!(all(log).await, entries);
    }
    let refused = auditor.record(entries.clone()).await;
    assert!(matches!(refused, Err(NotRecorded::Closed)));
    log.close().await;
    assert!(matches!(log.record(entries.clone()).await, Err(NotRecorded::Closed)));
    assert_eq!(all(&place.open().await).await, entries);
}

#[tokio::test]
async fn readers_at_the_same_time_share_pages_and_each_is_written_once() {
    let place = Place::new().await;
    let log = place.open().await;
    let one = |number| {
        let (log, entry) = (log.clone(), read(place.now(), number, 7));
        async move {
            for _ in 0..10 {
                log.record(vec![entry.clone()]).await?;
            }
            Ok::<_, NotRecorded>(())
        }
    };
    try_join_all((0..64).map(one)).await.unwrap();
    let mut times = BTreeMap::new();
    for entry in all(&log).await {
        *times.entry(entry.account).or_insert(0) += 1;
    }
    assert_eq!((times.len(), times.values().all(|many| *many == 10)), (64, true));
    let pages = log.log().head().await.unwrap();
    assert!(pages < 100, "{pages} pages for 640 entries");
}

#[tokio::test]
async fn more_than_a_page_holds_is_written_in_order_and_at_once() {
    let place = Place::new().await;
    let log = place.open().await;
    let entries: Vec<_> = (0..1_203).map(|number| read(place.now(), number, 7)).collect();
    assert_eq!(log.record(entries.clone()).await.unwrap(), 3);
    assert_eq!(log.record(Vec::new()).await.unwrap(), 3);
    assert_eq!(all(&log).await, entries);
}

#[tokio::test]
async fn a_session_is_known_by_its_token_until_it_is_ended() {
    let place = Place::new().await;
    let log = place.open().await;
    log.record(vec![opened(place.now(), 1, Device::Own)]).await.unwrap();
    let session = log.session(&TokenHash::of(TOKEN), place.now()).unwrap();
    assert_eq!((session.person, session.account), (person(1), account(1)));
    assert!(log.session(&TokenHash::of("another token"), place.now()).is_none());
    log.close().await;

    let log = place.open().await;
    assert_eq!(log.session(&TokenHash::of(TOKEN), place.now()), Some(session));
    assert_eq!(log.sessions_of(account(1), place.now()), [session]);
    assert_eq!(log.sessions_of(account(2), place.now()), []);
    log.record(vec![ended(place.now(), 1)]).await.unwrap();
    assert!(log.session(&TokenHash::of(TOKEN), place.now()).is_none());
    log.close().await;

    let log = place.open().await;
    assert!(log.session(&TokenHash::of(TOKEN), place.now()).is_none());
    assert_eq!(log.sessions_of(account(1), place.now()), []);
}

#[tokio::test]
async fn a_shared_device_is_signed_out_after_half_an_hour_of_silence_and_at_the_end_of_the_day() {
    let place = Place::new().await;
    let log = place.open().await;
    let morning = place.now();
    log.record(vec![opened(morning, 1, Device::Shared)]).await.unwrap();
    let open = |at| log.session(&TokenHash::of(TOKEN), at).is_some();
    let nearly = IDLE_MAX_SHARED - TimeDelta::microseconds(1);
    assert!(open(morning + nearly) && !open(morning + IDLE_MAX_SHARED));

    let mut last = morning;
    while last + nearly < morning + LONGEST_SHARED {
        last += nearly;
        log.seen(session(1), last).await.unwrap();
    }
    assert!(open(last));
    let evening = morning + LONGEST_SHARED;
    assert!(open(evening - TimeDelta::microseconds(1)) && !open(evening));
}

#[tokio::test]
async fn a_device_of_ones_own_is_signed_out_after_ninety_days() {
    let place = Place::new().await;
    let log = place.open().await;
    let first = place.now();
    log.record(vec![opened(first, 1, Device::Own)]).await.unwrap();
    let last = first + LONGEST_OWN - TimeDelta::microseconds(1);
    log.close().await;

    place.clock.set(last);
    let log = place.open().await;
    assert!(log.session(&TokenHash::of(TOKEN), last).is_some());
    assert!(log.session(&TokenHash::of(TOKEN), first + LONGEST_OWN).is_none());
    log.close().await;

    place.clock.set(first + LONGEST_OWN);
    let log = place.open().await;
    assert!(log.session(&TokenHash::of(TOKEN), first + LONGEST_OWN).is_none());
    assert_eq!(log.sessions_of(account(1), first + LONGEST_OWN), []);
}

#[tokio::test]
async fn the_use_of_a_session_is_written_down_every_five_minutes_and_by_one_of_those_who_use_it() {
    let place = Place::new().await;
    let log = place.open().await;
    let start = place.now();
    log.record(vec![opened(start, 1, Device::Shared)]).await.unwrap();
    for (minutes, pages) in [(1, 1), (4, 1), (5, 2), (9, 2), (10, 3)] {
        let now = start + TimeDelta::minutes(minutes);
        for used in join_all((0..8).map(|_| log.seen(session(1), now))).await {
            used.unwrap();
        }
        assert_eq!(log.log().head().await.unwrap(), pages, "after {minutes} minutes");
    }
    log.seen(session(2), start).await.unwrap();
    assert_eq!(log.log().head().await.unwrap(), 3, "nothing of a session that is none");
    log.close().await;

    let log = place.open().await;
    let session = log.session(&TokenHash::of(TOKEN), start).unwrap();
    assert_eq!(session.seen_at, start + TimeDelta::minutes(10));
}

#[tokio::test]
async fn guesses_that_were_refused_are_counted_also_after_a_restart() {
    let place = Place::new().await;
    let log = place.open().await;
    let start = place.now();
    let whys = [
        WhyRefused::WrongPassword,
        WhyRefused::LockedOut,
        WhyRefused::WrongSecondFactor,
        WhyRefused::CrossSite,
        WhyRefused::WrongCode,
    ];
    for (minutes, why) in (0..).zip(whys) {
        let at = start + TimeDelta::minutes(minutes);
        let what = What::SignInRefused { why };
        log.record(vec![Entry { at, account: Some(account(1)), what }]).await.unwrap();
    }
    let counted = |log: &AccessLog| {
        [0, 1, 2, 5]
            .map(|minutes| log.refusals_since(account(1), start + TimeDelta::minutes(minutes)))
    };
    assert_eq!(counted(&log), [3, 2, 2, 0]);
    assert_eq!(log.refusals_since(account(2), start), 0);
    log.close().await;
    let log = place.open().await;
    assert_eq!(counted(&log), [3, 2, 2, 0]);
    log.close().await;

    place.clock.set(start + TimeDelta::hours(1));
    let log = place.open().await;
    assert_eq!(counted(&log), [0; 4], "nobody needs to know any more");
}

#[tokio::test]
async fn an_auditor_asks_by_person_by_account_and_by_day() {
    let place = Place::new().await;
    let log = place.open().await;
    let first = place.now();
    let mut entries = Vec::new();
    for day in 0..10 {
        let at = first + Days::new(day);
        place.clock.set(at);
        entries.push(read(at, u128::from(day % 2), u128::from(day % 5)));
        log.record(vec![entries.last().unwrap().clone()]).await.unwrap();
    }
    let day = |days| first + Days::new(days);
    let ask = |about, from, until| Asked { about, from, until, after: 0, max: 100 };
    let found = async |asked: Asked| -> Vec<Entry> {
        let found = log.entries(&asked).await.unwrap();
        assert_eq!((found.next, found.unreadable), (None, 0));
        found.entries.into_iter().map(|noted| noted.entry).collect()
    };
    assert_eq!(found(ask(About::All, day(3), day(6))).await, entries[3..6]);
    let of_3 = [entries[3].clone(), entries[8].clone()];
    assert_eq!(found(ask(About::Person(person(3)), day(0), day(10))).await, of_3);
    assert_eq!(found(ask(About::Either(person(3).0), day(0), day(10))).await, of_3);
    let by_1: Vec<_> = entries.iter().skip(1).step_by(2).cloned().collect();
    assert_eq!(found(ask(About::Account(account(1)), day(0), day(10))).await, by_1);
    assert_eq!(found(ask(About::Either(account(1).0), day(0), day(10))).await, by_1);
    let about_1 = [1, 3, 5, 6, 7, 9].map(|day: usize| entries[day].clone());
    let of_1 = found(ask(About::Person(person(1)), day(0), day(10))).await;
    assert_eq!(of_1, about_1, "what was read of them, and what they read");
}

#[tokio::test]
async fn an_auditor_is_not_told_what_a_session_is_known_by() {
    let place = Place::new().await;
    let log = place.open().await;
    log.record(vec![opened(place.now(), 1, Device::Own)]).await.unwrap();
    let found = log.entries(&place.ask_all()).await.unwrap();
    let told = serde_json::to_string(&found.entries).unwrap();
    assert!(told.contains("session-opened") && !told.contains("token"), "{told}");
}

#[tokio::test]
async fn a_long_answer_comes_in_parts() {
    let place = Place::new().await;
    let log = place.open().await;
    let entries: Vec<_> = (0..30).map(|number| read(place.now(), number, 7)).collect();
    for page in entries.chunks(3) {
        log.record(page.to_vec()).await.unwrap();
    }
    let (mut after, mut found) = (Some(0), Vec::new());
    while let Some(position) = after {
        let asked = Asked { after: position, max: 7, ..place.ask_all() };
        let part = log.entries(&asked).await.unwrap();
        assert!(part.entries.len() <= 9);
        found.extend(part.entries.into_iter().map(|noted| noted.entry));
        after = part.next;
    }
    assert_eq!(found, entries);
}

#[tokio::test]
async fn entries_of_twelve_months_ago_are_destroyed_and_the_keys_of_their_years() {
    let place = Place::new().await;
    let log = place.open().await;
    let first = place.now();
    for month in [0, 4, 9, 13] {
        place.clock.set(first + Months::new(month));
        log.record(vec![read(place.now(), u128::from(month), 7)]).await.unwrap();
    }
    let reads = |entry: &Entry| matches!(entry.what, What::Read { .. });
    let kept =
        async || all(&log).await.into_iter().filter(reads).map(|entry| entry.account.unwrap());
    assert_eq!(kept().await.count(), 4);
    log.prune(place.now() - KEPT).await.unwrap();
    assert!(kept().await.eq([4, 9, 13].map(account)));
    assert_eq!(place.keys(&log).await, [2026, 2027]);
    log.prune(first + Months::new(10)).await.unwrap();
    assert!(kept().await.eq([account(13)]));
    assert_eq!(place.keys(&log).await, [2027]);
    // Each time a claim and an end, the second time a word before the one key that is destroyed.
    assert_eq!(log.log().head().await.unwrap(), 9);
    assert_eq!(log.record(vec![read(place.now(), 1, 7)]).await.unwrap(), 10);
    let what = What::PagesDestroyed { before: first + Months::new(10) };
    let told = Entry { at: place.now(), account: Some(AccountId::PREAU), what };
    assert!(all(&log).await.contains(&told));
}

#[tokio::test]
async fn a_duty_is_one_nodes_until_it_lets_go_or_its_time_is_over() {
    let place = Place::new().await;
    let (log, duty, lasts) = (place.open().await, Duty::DestroyOldPages, TimeDelta::minutes(10));
    let (first, second) = tokio::join!(log.take(duty, lasts), log.take(duty, lasts));
    let mut taken = [first.unwrap(), second.unwrap()].into_iter().flatten();
    let mut held = taken.next().unwrap();
    assert!(taken.next().is_none(), "of two who ask at once one has it");

    place.clock.set(place.now() + TimeDelta::minutes(9));
    held.go_on().await.unwrap();
    place.clock.set(place.now() + TimeDelta::minutes(9));
    assert!(log.take(duty, lasts).await.unwrap().is_none());
    place.clock.set(place.now() + TimeDelta::minutes(1));
    let other = log.take(duty, lasts).await.unwrap().unwrap();
    assert!(held.go_on().await.unwrap_err().is::<TakenOver>());
    let done = || What::PagesDestroyed { before: place.now() };
    assert!(held.end(done()).await.unwrap_err().is::<TakenOver>());
    other.end(done()).await.unwrap();
    assert!(log.take(duty, lasts).await.unwrap().is_some());
}

#[tokio::test]
async fn a_clock_that_is_put_back_leaves_the_pages_in_order() {
    let place = Place::new().await;
    let log = place.open().await;
    let start = place.now();
    let instants = [0, 60, -30, 90].map(|minutes| start + TimeDelta::minutes(minutes));
    for at in instants {
        place.clock.set(at);
        log.record(vec![read(at, 1, 7)]).await.unwrap();
    }
    let page = log.log().read_all(0, 10, Filter::default()).await.unwrap();
    let recorded = page.events.iter().map(|event| crate::header::decode(&event.header).unwrap());
    let recorded: Vec<_> = recorded.map(|header| header.recorded_at).collect();
    assert_eq!(recorded, [instants[0], instants[1], instants[1], instants[3]]);
}

#[tokio::test]
async fn nobody_is_named_in_the_file() {
    let place = Place::new().await;
    let log = place.open().await;
    log.record(vec![opened(place.now(), 1, Device::Own), read(place.now(), 1, 7)]).await.unwrap();
    log.close().await;
    let bytes = fs::read(place.folder.path().join("access.log")).unwrap();
    let holds = |part: &[u8]| bytes.windows(part.len()).any(|window| window == part);
    assert!(holds(b"AccessRecorded"), "the search finds what is in clear");
    for id in [person(1).0, person(7).0, account(1).0, session(1).0] {
        assert!(!holds(id.to_string().as_bytes()) && !holds(id.as_bytes()));
    }
    assert!(!holds(TokenHash::of(TOKEN).to_string().as_bytes()));
}

#[tokio::test]
async fn when_the_key_of_a_year_is_destroyed_its_sessions_are_over_and_the_log_goes_on() {
    let place = Place::new().await;
    let log = place.open().await;
    log.record(vec![opened(place.now(), 1, Device::Own)]).await.unwrap();
    let (subject, category) = (Subject::School(Uai::REGION), Category::Access);
    let year = SchoolYear::containing(place.now().date_naive());
    log.journal.vault().erase(Dossier { subject, category, year }).await.unwrap();
    let found = log.entries(&place.ask_all()).await.unwrap();
    assert_eq!((found.entries.len(), found.unreadable), (0, 1));
    log.close().await;

    let log = place.open().await;
    assert!(log.session(&TokenHash::of(TOKEN), place.now()).is_none());
    log.record(vec![read(place.now(), 1, 7)]).await.unwrap();
    assert_eq!(all(&log).await.len(), 1);
}

#[tokio::test]
async fn what_cannot_be_written_opens_no_session_and_the_next_entry_is_written() {
    let place = Place::new().await;
    let log = place.open().await;
    log.record(vec![read(place.now(), 1, 7)]).await.unwrap();
    let file = SqliteConnectOptions::new().filename(place.folder.path().join("access.log"));
    let mut fault = file.connect().await.unwrap();
    let made = "create trigger fault before insert on event begin select raise(abort, 'made'); end";
    sqlx::query(made).execute(&mut fault).await.unwrap();
    let refused = log.record(vec![opened(place.now(), 1, Device::Own)]).await;
    assert!(matches!(refused, Err(NotRecorded::Store(_))));
    assert!(log.session(&TokenHash::of(TOKEN), place.now()).is_none());
    sqlx::query("drop trigger fault").execute(&mut fault).await.unwrap();
    log.record(vec![opened(place.now(), 1, Device::Own)]).await.unwrap();
    assert!(log.session(&TokenHash::of(TOKEN), place.now()).is_some());
    assert_eq!(all(&log).await.len(), 2);
}

#[test]
fn the_digest_of_a_token_is_read_as_it_is_written_and_never_printed_by_chance() {
    let hash = TokenHash::of(TOKEN);
    assert_eq!(hash.to_string().parse(), Ok(hash));
    assert_eq!("abc".parse::<TokenHash>(), Err(NotATokenHash));
    assert_eq!(format!("{hash:?}"), "TokenHash");
}

/// A data folder, and the clock of whoever opens its access log.
struct Place {
    folder: TempDir,
    clock: SetClock,
    schools: Journal,
}

impl Place {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = SetClock::at("2026-11-20T07:14:00Z".parse().unwrap());
        let master = MasterKey::load_or_create(&folder.path().join("master.key")).unwrap();
        let schools = Journal::open(folder.path(), master, Clock::Set(clock.clone()));
        let schools = schools.await.unwrap();
        Self { folder, clock, schools }
    }

    fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    async fn open(&self) -> AccessLog {
        let kept = Months::new(1_200);
        AccessLog::open(&LogUrl::Sqlite(self.folder.path().into()), &self.schools, kept)
            .await
            .unwrap()
    }

    async fn open_to_read(&self) -> AccessLog {
        AccessLog::open_to_read(&LogUrl::Sqlite(self.folder.path().into()), &self.schools)
            .await
            .unwrap()
    }

    fn ask_all(&self) -> Asked {
        let (from, until) = (DateTime::UNIX_EPOCH, self.now() + Days::new(1));
        Asked { about: About::All, from, until, after: 0, max: usize::MAX }
    }

    /// The years whose pages can be read.
    async fn keys(&self, log: &AccessLog) -> Vec<u16> {
        let (subject, category) = (Subject::School(Uai::REGION), Category::Access);
        let later = Dossier { subject, category, year: SchoolYear(3_000) };
        let years = log.journal.vault().live_years_before(later).await.unwrap();
        years.into_iter().map(|year| year.0).collect()
    }
}

async fn all(log: &AccessLog) -> Vec<Entry> {
    let (from, until) = (DateTime::UNIX_EPOCH, DateTime::UNIX_EPOCH + Days::new(36_500));
    let asked = Asked { about: About::All, from, until, after: 0, max: usize::MAX };
    let found = log.entries(&asked).await.unwrap();
    found.entries.into_iter().map(|noted| noted.entry).collect()
}

/// The account `by` read something of the person `of`.
fn read(at: DateTime<Utc>, by: u128, of: u128) -> Entry {
    let what = What::Read {
        school: "0670001A".parse().unwrap(),
        subject: Some(person(of)),
        action: Action::ReadAttendance,
        rule: Rule::Cpe,
    };
    Entry { at, account: Some(account(by)), what }
}

fn opened(at: DateTime<Utc>, number: u128, device: Device) -> Entry {
    let what = What::SessionOpened {
        session: session(number),
        person: person(number),
        token: TokenHash::of(TOKEN).to_string(),
        device,
        means: Means::Password,
        second_factor: false,
    };
    Entry { at, account: Some(account(number)), what }
}

fn ended(at: DateTime<Utc>, number: u128) -> Entry {
    let what = What::SessionEnded { session: session(number) };
    Entry { at, account: Some(account(number)), what }
}

fn person(number: u128) -> PersonId {
    PersonId(Uuid::from_u128(0xabcd << 96 | number))
}

fn account(number: u128) -> AccountId {
    AccountId::of(person(number))
}

fn session(number: u128) -> SessionId {
    SessionId(Uuid::from_u128(0x5e55 << 96 | number))
}
