//! Where a node keeps what it has: its folder, its log and its keys.
//!
//! Tables are always files of the folder, whatever the engine of the log. URLs hold passwords: they
//! are shown without.

use std::{
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
};

use sqlx::postgres::PgConnectOptions;

mod esdb;

pub use esdb::EsdbUrl;

/// Where a node keeps what it has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The data folder: tables, what is worth nothing after a stop, and what no URL puts elsewhere.
    pub folder: PathBuf,
    /// Where the logs are.
    pub log: LogUrl,
    /// Where the vault is.
    pub keys: KeysUrl,
}

/// Where the logs of a node are, and on which engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogUrl {
    /// `sqlite:DIR`: files of a folder, for one process.
    Sqlite(PathBuf),
    /// `postgres://…`: a database, for many nodes.
    Postgres(PostgresUrl),
    /// `esdb://…`: an EventStoreDB (`KurrentDB`) server or cluster, for many nodes.
    Esdb(EsdbUrl),
}

/// Where the vault of a node is, and on which engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeysUrl {
    /// `sqlite:DIR`: a file of a folder, for one process.
    Sqlite(PathBuf),
    /// `postgres://…`: a database, for many nodes.
    Postgres(PostgresUrl),
}

/// The address of a PostgreSQL database, as PostgreSQL's own programs take it.
#[derive(Clone, PartialEq, Eq)]
pub struct PostgresUrl(String);

/// No engine has such a URL.
#[derive(Debug, thiserror::Error)]
pub enum NotAUrl {
    /// It is of another kind.
    #[error("{shown:?} is not a URL of {what}: {known}")]
    Unknown {
        /// The URL, without its password.
        shown: String,
        /// What it should name.
        what: &'static str,
        /// The kinds that there are.
        known: &'static str,
    },
    /// PostgreSQL would not take it.
    #[error("{shown:?} is not the address of a PostgreSQL database")]
    Postgres {
        /// The URL, without its password.
        shown: String,
        /// What is wrong with it.
        source: sqlx::Error,
    },
    /// Its client would not take it. What is wrong is not repeated: it may be the password.
    #[error(
        "{shown:?} is not the address of an EventStoreDB server: \
        esdb://user:password@host:2113,host:2113 and parameters such as ?tls=true&tlsCaFile=FILE"
    )]
    Esdb {
        /// The URL, without its password.
        shown: String,
    },
}

impl From<&Path> for Place {
    /// Everything in one folder: nothing to install.
    fn from(folder: &Path) -> Self {
        let [log, keys] = [folder, folder].map(Path::to_owned);
        Self { folder: folder.to_owned(), log: LogUrl::Sqlite(log), keys: KeysUrl::Sqlite(keys) }
    }
}

impl PostgresUrl {
    /// What a connection is made with. Statements are not logged: they would tell of streams.
    pub(crate) fn options(&self) -> Result<PgConnectOptions, sqlx::Error> {
        use sqlx::ConnectOptions;
        let options: PgConnectOptions = self.0.parse()?;
        // Poolers refuse settings that they do not know, and no float is ever read.
        let options = options.extra_float_digits(None);
        Ok(options.application_name("preau").disable_statement_logging())
    }
}

impl FromStr for PostgresUrl {
    type Err = NotAUrl;

    fn from_str(url: &str) -> Result<Self, NotAUrl> {
        let parsed = Self(url.to_owned());
        match parsed.options() {
            Ok(_) => Ok(parsed),
            Err(source) => Err(NotAUrl::Postgres { shown: without_password(url), source }),
        }
    }
}

impl FromStr for LogUrl {
    type Err = NotAUrl;

    fn from_str(url: &str) -> Result<Self, NotAUrl> {
        const KNOWN: &str = "sqlite:DIR, postgres://… or esdb://…";
        if EsdbUrl::is_one(url) {
            return url.parse().map(Self::Esdb);
        }
        Ok(match engine(url, "a log", KNOWN)? {
            Engine::Sqlite(folder) => Self::Sqlite(folder),
            Engine::Postgres(url) => Self::Postgres(url),
        })
    }
}

impl FromStr for KeysUrl {
    type Err = NotAUrl;

    fn from_str(url: &str) -> Result<Self, NotAUrl> {
        Ok(match engine(url, "a vault", "sqlite:DIR or postgres://…")? {
            Engine::Sqlite(folder) => Self::Sqlite(folder),
            Engine::Postgres(url) => Self::Postgres(url),
        })
    }
}

impl fmt::Display for LogUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(folder) => write!(f, "sqlite:{}", folder.display()),
            Self::Postgres(url) => url.fmt(f),
            Self::Esdb(url) => url.fmt(f),
        }
    }
}

impl fmt::Display for KeysUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(folder) => write!(f, "sqlite:{}", folder.display()),
            Self::Postgres(url) => url.fmt(f),
        }
    }
}

impl fmt::Display for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&without_password(&self.0))
    }
}

impl fmt::Debug for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PostgresUrl({self})")
    }
}

/// What a URL names.
enum Engine {
    Sqlite(PathBuf),
    Postgres(PostgresUrl),
}

/// What the URL of `what` names.
fn engine(url: &str, what: &'static str, known: &'static str) -> Result<Engine, NotAUrl> {
    match url.split_once(':') {
        Some(("sqlite", folder)) => Ok(Engine::Sqlite(folder.into())),
        Some(("postgres" | "postgresql", _)) => url.parse().map(Engine::Postgres),
        Some(_) | None => Err(NotAUrl::Unknown { shown: without_password(url), what, known }),
    }
}

/// A URL as it may be shown. What follows a question mark may hold a password too.
fn without_password(url: &str) -> String {
    let (address, _) = url.split_once('?').unwrap_or((url, ""));
    let Some((kind, rest)) = address.split_once("://") else { return address.to_owned() };
    match rest.rsplit_once('@') {
        Some((who, host)) => {
            let user = who.split_once(':').map_or(who, |(user, _)| user);
            format!("{kind}://{user}@{host}")
        }
        None => address.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_shown_without_its_password() {
        for (url, shown) in [
            ("postgres://preau:s3cret@db.example/preau", "postgres://preau@db.example/preau"),
            ("postgres://db.example/preau?password=s3cret", "postgres://db.example/preau"),
            ("postgres://a:p@ss@db.example/preau", "postgres://a@db.example/preau"),
            ("sqlite:/srv/preau", "sqlite:/srv/preau"),
        ] {
            assert_eq!(without_password(url), shown);
        }
        let url: LogUrl = "postgres://preau:s3cret@db.example/preau".parse().unwrap();
        assert!(!format!("{url:?} {url}").contains("s3cret"));
    }

    #[test]
    fn an_engine_that_there_is_not_is_refused_with_those_that_there_are() {
        let refused = "mysql://root:s3cret@host/db".parse::<LogUrl>().unwrap_err();
        let told =
            r#""mysql://root@host/db" is not a URL of a log: sqlite:DIR, postgres://… or esdb://…"#;
        assert_eq!(refused.to_string(), told);
    }
}
