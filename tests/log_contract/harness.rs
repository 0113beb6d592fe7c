//! The engines that the contract is tried on, the faults that each can be given, and events.

use std::{env, path::Path};

use chrono::DateTime;
use domain::{AccountId, CommandId, EventId, Header, PersonId, Stream, Uai};
use replay::{
    header,
    log::{Expected, Filter, Log, LogName, NewEvent, StoreError, StreamAppend},
    place::LogUrl,
};
use sqlx::{
    ConnectOptions, Connection, PgConnection, SqliteConnection, sqlite::SqliteConnectOptions,
};
use tempfile::TempDir;
use tests::{
    esdb_double::{Double, Held},
    postgres::Server,
};
use uuid::Uuid;

/// A content that [`Store::refuse_marked`] makes unwritable.
pub(super) const MARK: &str = "unwritable";

/// The school of all events that are not said to be of another.
pub(super) const SCHOOL: &str = "0549998Z";

/// The address of a real EventStoreDB server, for whoever has one: the contract is then tried on it too, in
/// logs of names that nobody has.
const REAL_SERVER: &str = "PREAU_TEST_ESDB";

/// A place where an engine keeps a log.
pub(super) enum Store {
    Sqlite(TempDir),
    /// The URL of a database.
    Postgres(String),
    Double(Double),
    /// The URL of a real EventStoreDB server.
    Esdb(String),
}

/// While it lives nobody else can write.
pub(super) enum Pause {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
    Double(Held),
}

impl Store {
    /// An empty place on each engine.
    pub(super) fn all() -> Vec<Self> {
        let sqlite = Self::Sqlite(tempfile::tempdir().unwrap());
        let postgres = Server::shared().map(|server| Self::Postgres(server.database()));
        let pooled = Server::shared().and_then(Server::pooled_database).map(Self::Postgres);
        let double = Self::Double(Double::start());
        [sqlite, double].into_iter().chain(postgres).chain(pooled).chain(Self::real()).collect()
    }

    /// Those that can be made to fail.
    pub(super) fn all_that_fail() -> Vec<Self> {
        Self::all().into_iter().filter(|store| !matches!(store, Self::Esdb(_))).collect()
    }

    fn real() -> Option<Self> {
        let url = env::var(REAL_SERVER).ok()?;
        let sign = if url.contains('?') { '&' } else { '?' };
        Some(Self::Esdb(format!("{url}{sign}preauPrefix=t-{}", Uuid::new_v4())))
    }

    pub(super) async fn open(&self) -> Log {
        self.open_named(LogName::School).await.unwrap()
    }

    pub(super) async fn open_named(&self, name: LogName) -> Result<Log, StoreError> {
        Log::open(&self.url(), name).await
    }

    /// What a setting would say.
    pub(super) fn url(&self) -> LogUrl {
        match self {
            Self::Sqlite(folder) => LogUrl::Sqlite(folder.path().into()),
            Self::Postgres(url) | Self::Esdb(url) => url.parse().unwrap(),
            Self::Double(double) => double.url().parse().unwrap(),
        }
    }

    /// Whether the engine allows one process at a time.
    pub(super) fn has_one_writer(&self) -> bool {
        match self {
            Self::Sqlite(_) => true,
            Self::Postgres(_) | Self::Double(_) | Self::Esdb(_) => false,
        }
    }

    /// Moves old events to wherever the engine keeps old events.
    pub(super) async fn pack(&self, log: &Log) {
        match log {
            Log::Sqlite(log) => log.pack().await.unwrap(),
            // Their old events stay where they are.
            Log::Postgres(_) | Log::Esdb(_) => {}
        }
    }

    /// Comes back once the engine has packed old events of its own accord.
    pub(super) async fn until_packed(&self) {
        match self {
            Self::Sqlite(folder) => {
                let mut own = connect(folder.path()).await;
                let packed = "select exists (select * from segment)";
                while !sqlx::query_scalar::<_, bool>(packed).fetch_one(&mut own).await.unwrap() {
                    tokio::task::yield_now().await;
                }
            }
            Self::Postgres(_) | Self::Double(_) | Self::Esdb(_) => {}
        }
    }

    /// How much room a closed access log takes; none where only the server's operator can give it back.
    pub(super) async fn bytes(&self) -> Option<u64> {
        match self {
            Self::Sqlite(folder) => {
                Some(folder.path().join("access.log").metadata().unwrap().len())
            }
            Self::Postgres(url) => {
                let mut own = PgConnection::connect(&unpooled(url)).await.unwrap();
                let size = "select pg_total_relation_size('preau.event_access_1')";
                let size: i64 = sqlx::query_scalar(size).fetch_one(&mut own).await.unwrap();
                Some(size.cast_unsigned())
            }
            Self::Double(_) | Self::Esdb(_) => None,
        }
    }

    /// Whether positions are 1, 2, 3…
    pub(super) fn is_dense(&self) -> bool {
        match self {
            Self::Sqlite(_) | Self::Postgres(_) => true,
            Self::Double(_) | Self::Esdb(_) => false,
        }
    }

    /// Whether a question is answered in less than a millisecond. The client of EventStoreDB needs about
    /// fifty.
    pub(super) fn answers_at_once(&self) -> bool {
        match self {
            Self::Sqlite(_) | Self::Postgres(_) => true,
            Self::Double(_) | Self::Esdb(_) => false,
        }
    }

    /// Keeps everybody from writing until the answer is ended.
    pub(super) async fn hold_writes(&self) -> Pause {
        match self {
            Self::Sqlite(folder) => {
                let mut own = connect(folder.path()).await;
                sqlx::query("begin immediate").execute(&mut own).await.unwrap();
                Pause::Sqlite(own)
            }
            Self::Postgres(url) => {
                let mut own = PgConnection::connect(&unpooled(url)).await.unwrap();
                let hold = "begin; select * from preau.head for update";
                sqlx::raw_sql(hold).execute(&mut own).await.unwrap();
                Pause::Postgres(own)
            }
            Self::Double(double) => Pause::Double(double.hold_writes()),
            Self::Esdb(_) => panic!("nobody can hold a real server"),
        }
    }

    /// Makes the engine fail on every event whose content is [`MARK`].
    pub(super) async fn refuse_marked(&self) {
        match self {
            Self::Sqlite(folder) => {
                execute(
                    folder.path(),
                    "create trigger refuse_marked after insert on event
                     when new.payload = cast('unwritable' as blob)
                     begin select raise(abort, 'a fault made by a test'); end",
                )
                .await;
            }
            Self::Postgres(url) => {
                let mut own = PgConnection::connect(&unpooled(url)).await.unwrap();
                let refuse =
                    "create function refuse_marked() returns trigger language plpgsql as $$
                        begin raise 'a fault made by a test'; end $$;
                    create trigger refuse_marked before insert on preau.event for each row
                        when (new.payload = 'unwritable') execute function refuse_marked();";
                sqlx::raw_sql(refuse).execute(&mut own).await.unwrap();
                own.close().await.unwrap();
            }
            Self::Double(double) => double.refuse(MARK),
            Self::Esdb(_) => panic!("nobody can make a real server refuse"),
        }
    }
}

impl Pause {
    pub(super) async fn end(self) {
        match self {
            Self::Sqlite(mut own) => {
                sqlx::query("rollback").execute(&mut own).await.unwrap();
                own.close().await.unwrap();
            }
            Self::Postgres(mut own) => {
                sqlx::raw_sql("rollback").execute(&mut own).await.unwrap();
                own.close().await.unwrap();
            }
            Self::Double(held) => drop(held),
        }
    }
}

/// Runs statements of a test on the file of an SQLite log.
pub(super) async fn execute(folder: &Path, sql: &'static str) {
    let mut own = connect(folder).await;
    sqlx::raw_sql(sql).execute(&mut own).await.unwrap();
    own.close().await.unwrap();
}

/// All positions of a log, in the order they are read.
pub(super) async fn positions(log: &Log) -> Vec<u64> {
    let page = log.read_all(0, usize::MAX >> 1, Filter::default()).await.unwrap();
    page.events.iter().map(|event| event.position).collect()
}

/// An append of `many` events for one person. Events are the same when all arguments are.
pub(super) fn append(who: u128, expected: Expected, many: u64, content: &str) -> StreamAppend {
    let first = match expected {
        Expected::NoStream => 0,
        Expected::Revision(last) => last + 1,
    };
    let events = (first..first + many).map(|revision| event(who, revision, SCHOOL, content));
    StreamAppend { stream: person(who), expected, events: events.collect() }
}

/// An event of a person, whose id follows from its place and its content.
pub(super) fn event(who: u128, revision: u64, school: &str, content: &str) -> NewEvent {
    let at = DateTime::from_timestamp(1_795_000_000, 0).unwrap();
    let command = format!("{revision} {content}");
    let command = CommandId(Uuid::new_v5(&Uuid::from_u128(who), command.as_bytes()));
    let header = Header {
        stream: person(who),
        revision,
        id: EventId::of(command, 0),
        kind: "PersonRenamed".to_owned(),
        version: 1,
        school: school.parse::<Uai>().unwrap(),
        recorded_at: at,
        occurred_at: at,
        actor: AccountId(Uuid::from_u128(1)),
        command,
        correlation: command,
        causation: None,
        key: None,
    };
    let payload = content.to_owned().into_bytes().into();
    NewEvent { id: header.id, header: header::encode(&header).unwrap(), payload }
}

pub(super) fn person(who: u128) -> Stream {
    Stream::Person(PersonId(Uuid::from_u128(who)))
}

/// The same database, not behind a pooler.
fn unpooled(url: &str) -> String {
    url.replace("/pool&", "&")
}

async fn connect(folder: &Path) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(folder.join("school.log"));
    options.connect().await.unwrap()
}
