//! Moving house: a school that goes from engine to engine is the same school.
//!
//! What the bytes of the file are, and that every changed one is found, is tested where they are
//! written (`replay/src/moving/form.rs`). Here files are written from logs and brought into logs.

mod command;
mod killed;
mod refused;
#[path = "faults/school.rs"]
mod school;
mod vaults;

use std::{fs, path::PathBuf};

use chrono::{DateTime, Utc};
use domain::{
    AccountId, Category, CommandId, Dossier, Event, EventId, Header, PersonId, RunId, SchoolYear,
    Stream, StudentId, Subject,
    access::{Entry, What, WhyRefused},
};
use projections::files;
use replay::{
    Clock, Node, Place, Running, header,
    keys::{self, MasterKey, SecretKind},
    log::{Expected, Filter, Log, LogName, NewEvent, StoredEvent, StreamAppend},
    moving::{Exported, Imported, To, export, import},
    place::LogUrl,
    rebuild,
};
use serde_json::Value;
use tempfile::TempDir;
use uuid::Uuid;

use school::School;
use tests::{esdb_double::Double, postgres::Server};

/// Of the student whose absences are erased.
const STUDENT: StudentId = StudentId(Uuid::from_u128(2 << 64 | 1));
const YEAR: SchoolYear = SchoolYear(2026);

/// What people ask for before the school moves.
const ASKED: u32 = 120;

#[tokio::test(flavor = "multi_thread")]
async fn a_school_that_moves_from_engine_to_engine_is_the_same_school() {
    let house = House::new();
    let mut stops = house.stops().into_iter();
    let mut here = stops.next().unwrap();
    live(&here, &house).await;
    house.tables_of(&here, "first.db").await;
    for (n, there) in (1..).zip(stops) {
        house.export(&here).await;
        let imported = house.import(&there).await;
        keys::copy(&here, &there.keys, house.master(), &mut |_, _| ()).await.unwrap();
        let events = events(&here.log).await;
        assert_eq!(imported.school.written, events[0].len() as u64);
        assert!(imported.access.written > 0 && imported.access.found == 0);
        assert_eq!(bytes(&events), bytes(&self::events(&there.log).await));

        house.tables_of(&there, "here.db").await;
        let table = |name: &str| house.folder.path().join(name);
        let differences = files::differences(&table("first.db"), &table("here.db"), 99).await;
        let [before, after] = but_for_positions(&differences.unwrap());
        assert_eq!(before, after, "after {n} moves");
        goes_on(&there, &house, n).await;
        house.tables_of(&there, "first.db").await;
        fs::remove_file(house.file()).unwrap();
        here = there;
    }
}

/// The rows that only one of two tables has, of either, without the positions of their last change: these are
/// the new engine's own.
fn but_for_positions(differences: &[files::Difference]) -> [Vec<(&'static str, Value)>; 2] {
    ["left", "right"].map(|side| {
        let of_side = differences.iter().filter(|difference| difference.only_in == side);
        let row = |difference: &files::Difference| {
            let mut row: Value = serde_json::from_str(&difference.row).unwrap();
            row.as_object_mut().unwrap().remove("changed");
            (difference.table, row)
        };
        of_side.map(row).collect()
    })
}

#[tokio::test]
async fn nothing_that_is_said_of_people_is_in_the_file() {
    let house = House::new();
    let here = house.stops().swap_remove(0);
    live(&here, &house).await;
    house.export(&here).await;
    let file = fs::read(house.file()).unwrap();
    let says = |word: &str| file.windows(word.len()).any(|part| part == word.as_bytes());
    assert!(says("Tilleuls"), "of the school it is said in clear");
    for word in ["Schmitt", "Camille", "Maladie"] {
        assert!(!says(word), "{word}");
    }
}

#[tokio::test]
async fn what_is_new_since_is_added_to_the_file_and_to_the_target() {
    let house = House::new();
    for there in house.stops().into_iter().skip(1) {
        let here = house.place("here");
        write(&here.log, 0, 300).await;
        let first = house.export(&here).await;
        assert_eq!((first.found, first.written, first.school.events), (0, 303, 300));
        let length = fs::metadata(house.file()).unwrap().len();
        let nothing = house.export(&here).await;
        assert_eq!((nothing.written, &nothing.chain), (0, &first.chain));
        assert_eq!(fs::metadata(house.file()).unwrap().len(), length);
        assert_eq!(house.import(&there).await.school.written, 300);

        write(&here.log, 300, 20).await;
        let second = house.export(&here).await;
        assert_eq!((second.found, second.written), (303, 23));
        let imported = house.import(&there).await;
        assert_eq!((imported.school.found, imported.school.written), (300, 20));
        assert_eq!((imported.access.found, imported.access.written), (3, 3));
        assert_eq!(
            (imported.chain, &imported.school.end.sha256),
            (second.chain, &second.school.sha256)
        );
        assert_eq!(bytes(&events(&here.log).await), bytes(&events(&there.log).await));
        let again = house.import(&there).await;
        assert_eq!((again.school.written, again.access.written), (0, 0));

        // Out of the new place likewise.
        fs::remove_file(house.file()).unwrap();
        let out = house.export(&there).await;
        assert_eq!(out.school.sha256, second.school.sha256);
        let nothing = house.export(&there).await;
        assert_eq!((nothing.found, nothing.written), (out.written, 0));
        fs::remove_file(house.file()).unwrap();
        fs::remove_dir_all(&here.folder).unwrap();
    }
}

#[tokio::test]
async fn an_export_that_was_cut_short_goes_on_to_the_same_file() {
    let house = House::new();
    let here = house.place("here");
    write(&here.log, 0, 60).await;
    house.export(&here).await;
    let whole = fs::read(house.file()).unwrap();
    for end in (0..whole.len()).step_by(1_201) {
        fs::write(house.file(), &whole[..end]).unwrap();
        house.export(&here).await;
        assert!(fs::read(house.file()).unwrap() == whole, "cut at {end}");
    }
}

#[tokio::test]
async fn pages_that_have_lost_their_beginning_move_without_it() {
    let house = House::new();
    for there in house.stops().into_iter().skip(1) {
        let here = house.place("here");
        write(&here.log, 0, 1).await;
        let access = Log::open(&here.log, LogName::Access).await.unwrap();
        // The third page of a run is the first that is left, two more follow, and another run.
        append(&access, &[page(7, 0), page(7, 1), page(7, 2), page(7, 3), page(8, 0), page(7, 4)])
            .await;
        access.prune(3 + 2).await.unwrap();
        access.close().await;
        house.export(&here).await;
        let imported = house.import(&there).await;
        assert_eq!(imported.access.written, 4);
        let again = house.import(&there).await;
        assert_eq!((again.access.found, again.access.written), (4, 0));
        assert_eq!(bytes(&events(&here.log).await), bytes(&events(&there.log).await));
        fs::remove_file(house.file()).unwrap();
        fs::remove_dir_all(&here.folder).unwrap();
    }
}

/// A folder for the file, the master key and the data folders of all places.
struct House {
    folder: TempDir,
    double: Double,
}

impl House {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), double: Double::start() }
    }

    /// Where a school moves, one after the other: each engine that can be tried here has its line.
    fn urls(&self) -> Vec<String> {
        let folder = |name| format!("sqlite:{}", self.folder.path().join(name).display());
        let postgres = Server::shared().map(Server::database);
        [Some(folder("first")), postgres, Some(self.double.url()), Some(folder("last"))]
            .into_iter()
            .flatten()
            .collect()
    }

    /// The places of these URLs, each with a data folder of its own.
    fn stops(&self) -> Vec<Place> {
        let place = |(n, url): (usize, &String)| self.place_at(n, url);
        self.urls().iter().enumerate().map(place).collect()
    }

    /// Keys are with the log, where its engine keeps keys, or in the data folder.
    fn place_at(&self, n: usize, url: &str) -> Place {
        let own = self.place(&format!("data-{n}"));
        fs::create_dir_all(&own.folder).unwrap();
        let keys = url.parse().unwrap_or(own.keys);
        Place { log: url.parse().unwrap(), keys, folder: own.folder }
    }

    /// A data folder with everything in it.
    fn place(&self, name: &str) -> Place {
        Place::from(self.folder.path().join(name).as_path())
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("logs.preau")
    }

    fn master(&self) -> MasterKey {
        MasterKey::load_or_create(&self.folder.path().join("master.key")).unwrap()
    }

    async fn export(&self, from: &Place) -> Exported {
        export(&from.log, To::File(&self.file()), &mut |_, _| ()).await.unwrap()
    }

    async fn import(&self, into: &Place) -> Imported {
        import(&self.file(), into, &mut |_, _| ()).await.unwrap()
    }

    async fn start(&self, place: &Place) -> (Node, Running) {
        Node::start(place.clone(), self.master(), Clock::System).await.unwrap()
    }

    /// Starts a node for as long as it takes to fill its tables, and copies them.
    async fn tables_of(&self, place: &Place, name: &str) {
        let (node, running) = self.start(place).await;
        settle(&node).await;
        node.stop(running).await;
        let generation = files::generations(&place.folder).unwrap().pop().unwrap();
        let (live, copy) = (files::path(&place.folder, generation), self.folder.path().join(name));
        if copy.exists() {
            fs::remove_file(&copy).unwrap();
        }
        files::copy(&live, &copy).await.unwrap();
    }
}

/// A school in which much happens: several ask at once, one is erased, somebody signs in.
async fn live(place: &Place, house: &House) {
    let (node, running) = house.start(place).await;
    let school = School::open(node.journal()).await.unwrap();
    for n in 0..ASKED {
        school.ask(node.journal(), command(0, n), n % 5, n).await.unwrap();
    }
    settle(&node).await;
    node.journal().erase(absences()).await.unwrap().unwrap();
    let vault = node.journal().vault();
    let account = AccountId(Uuid::from_u128(9));
    vault.put_secret(account, SecretKind::Password, b"a hash".to_vec()).await.unwrap();
    vault.take_login(PersonId(Uuid::from_u128(9)), "ada.lovelace").await.unwrap();
    let what = What::SignInRefused { why: WhyRefused::WrongPassword };
    let entry = Entry { at: Utc::now(), account: Some(account), what };
    node.access().record(vec![entry]).await.unwrap();
    // What was erased is forgotten by the tables with this.
    rebuild::next_generation(node.journal(), &place.folder, &mut |_| ()).await.unwrap();
    node.stop(running).await;
}

/// What was asked is recognised, what is erased stays erased, secrets open, and life goes on.
async fn goes_on(place: &Place, house: &House, n: u32) {
    let (node, running) = house.start(place).await;
    settle(&node).await;
    let school = School::open(node.journal()).await.unwrap();
    let (_, again) = school.ask(node.journal(), command(0, 0), 0, 0).await.unwrap().unwrap();
    assert!(again.repeated && again.changed);
    let (_, new) = school.ask(node.journal(), command(n, 0), 0, 0).await.unwrap().unwrap();
    assert!(new.changed && !new.repeated);
    node.reach(new.position).await.unwrap();

    let history = node.journal().history(Stream::Attendance(STUDENT, YEAR)).await.unwrap();
    assert!(!history.is_empty());
    assert!(history.iter().all(|entry| matches!(entry, Ok(recorded)
        if matches!(recorded.event, Event::Erased(_)))));
    let vault = node.journal().vault();
    let secret = vault.secret(AccountId(Uuid::from_u128(9)), SecretKind::Password).await.unwrap();
    assert_eq!(**secret.unwrap(), *b"a hash");
    let person = vault.person_of_login("ada.lovelace").await.unwrap();
    assert_eq!(person, Some(PersonId(Uuid::from_u128(9))));
    node.stop(running).await;
}

/// Waits until the tables show all that follows from what was asked.
async fn settle(node: &Node) {
    loop {
        let head = node.journal().log().head().await.unwrap();
        node.reach(head).await.unwrap();
        if node.journal().log().head().await.unwrap() == head {
            return;
        }
    }
}

fn absences() -> Dossier {
    let subject = Subject::Person(STUDENT.person());
    Dossier { subject, category: Category::Attendance, year: YEAR }
}

/// Writes events straight into the log of the schools, and three pages into the access log.
async fn write(url: &LogUrl, first: u64, many: u64) {
    let school = Log::open(url, LogName::School).await.unwrap();
    let people: Vec<_> =
        (first..first + many).map(|n| person(u128::from(n % 11), n / 11)).collect();
    append(&school, &people).await;
    school.close().await;
    let access = Log::open(url, LogName::Access).await.unwrap();
    let pages: Vec<_> = (0..3).map(|n| page(1_000 + u128::from(first), n)).collect();
    append(&access, &pages).await;
    access.close().await;
}

/// Appends events one by one, each at its revision, in their order.
async fn append(log: &Log, events: &[(Stream, u64, NewEvent)]) {
    for (stream, revision, event) in events.iter().cloned() {
        let expected = revision.checked_sub(1).map_or(Expected::NoStream, Expected::Revision);
        log.append(StreamAppend { stream, expected, events: vec![event] }).await.unwrap();
    }
}

fn person(who: u128, revision: u64) -> (Stream, u64, NewEvent) {
    event(Stream::Person(PersonId(Uuid::from_u128(who))), revision, "renamed")
}

fn page(run: u128, revision: u64) -> (Stream, u64, NewEvent) {
    event(Stream::Access(RunId(Uuid::from_u128(run))), revision, "a page")
}

/// An event whose bytes follow from its place and what it says.
fn event(stream: Stream, revision: u64, says: &str) -> (Stream, u64, NewEvent) {
    let at = DateTime::from_timestamp(1_795_000_000, 0).unwrap();
    let name = format!("{stream} {revision} {says}");
    let command = CommandId(Uuid::new_v5(&Uuid::NAMESPACE_OID, name.as_bytes()));
    let header = Header {
        stream,
        revision,
        id: EventId::of(command, 0),
        kind: "PersonRenamed".to_owned(),
        version: 1,
        school: "0549998Z".parse().unwrap(),
        recorded_at: at,
        occurred_at: at,
        actor: AccountId::PREAU,
        command,
        correlation: command,
        causation: None,
        key: None,
    };
    let header_bytes = header::encode(&header).unwrap();
    let payload = name.repeat(5).into_bytes().into();
    (stream, revision, NewEvent { id: header.id, header: header_bytes, payload })
}

/// All events of both logs.
async fn events(url: &LogUrl) -> [Vec<StoredEvent>; 2] {
    let mut both = [Vec::new(), Vec::new()];
    for (all, name) in both.iter_mut().zip([LogName::School, LogName::Access]) {
        let (log, mut after) = (Log::open_to_read(url, name).await.unwrap(), 0);
        loop {
            let page = log.read_all(after, 500, Filter::default()).await.unwrap();
            all.extend(page.events);
            after = page.next;
            if page.caught_up {
                break;
            }
        }
        log.close().await;
    }
    both
}

/// The same without their positions, which are the engine's.
fn bytes(events: &[Vec<StoredEvent>; 2]) -> [Vec<(&[u8], &[u8])>; 2] {
    events.each_ref().map(|log| log.iter().map(|event| (&*event.header, &*event.payload)).collect())
}

fn command(run: u32, n: u32) -> CommandId {
    let number = u128::from(run) << 64 | u128::from(n);
    CommandId(Uuid::new_v5(&Uuid::NAMESPACE_OID, &number.to_be_bytes()))
}
