//! From stored bytes to events: a page at a time, away from the runtime's threads when it is long.
//!
//! The keys of a page are found before its events are opened, so that opening an event waits for
//! nothing and takes no lock.

use std::collections::HashMap;

use domain::{Event, Header, KeyId, Recorded, Stream};
use tokio::task::{JoinError, spawn_blocking};

use super::Entry;
use crate::{
    header::{self, NotAHeader},
    keys::{Opening, Vault, VaultError},
    log::StoredEvent,
    seal,
};

/// Fewer are decoded sooner than they are handed to another thread.
const HANDED_OVER_MIN: usize = 64;
/// See [`domain::version_of`].
const VERSION_MAX: u16 = 1;

/// An event that cannot be read. What comes after it in its stream may depend on it.
#[derive(Debug, thiserror::Error)]
#[error("the event at position {position} cannot be read")]
pub struct Unreadable {
    /// Where it is.
    pub position: u64,
    /// Whose it is, when its envelope tells.
    pub stream: Option<Stream>,
    /// What is wrong with it.
    #[source]
    pub why: WhyUnreadable,
}

/// What is wrong with an event. Never quotes its content.
#[derive(Debug, thiserror::Error)]
pub enum WhyUnreadable {
    /// Its envelope is none.
    #[error(transparent)]
    Envelope(#[from] NotAHeader),
    /// A later version of the program wrote it.
    #[error("{kind} has version {version}, which this version of the program cannot read")]
    LaterVersion {
        /// Its name.
        kind: String,
        /// Its version.
        version: u16,
    },
    /// The vault never held the key that its envelope names.
    #[error("its key {0} is not in the vault")]
    UnknownKey(KeyId),
    /// The vault holds its key, but damaged.
    #[error("its key {0} is damaged in the vault")]
    DamagedKey(KeyId),
    /// Its key does not open it.
    #[error("its seal is broken")]
    SealBroken,
    /// It opens, but is not what an event of this stream looks like.
    #[error("its content is no {kind} that this version of the program can read")]
    Content {
        /// Its name.
        kind: String,
    },
}

impl WhyUnreadable {
    /// Whether a later version of the program wrote it, which can read it: its seal holds, and it says
    /// nothing that is known here.
    pub fn is_of_later(&self) -> bool {
        match self {
            Self::LaterVersion { .. }
            | Self::Content { .. }
            | Self::Envelope(NotAHeader::UnknownFormat(_) | NotAHeader::UnknownStream(_)) => true,
            Self::Envelope(NotAHeader::Damaged(_) | NotAHeader::Impossible(_))
            | Self::UnknownKey(_)
            | Self::DamagedKey(_)
            | Self::SealBroken => false,
        }
    }
}

/// Why a page was not decoded.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotDecoded {
    #[error("the keys of a page could not be read")]
    Keys(#[from] VaultError),
    #[error("the decoding of a page was cut short")]
    CutShort(#[from] JoinError),
}

/// All that is needed to open the events of a page.
struct Opened {
    events: Vec<(StoredEvent, Result<Header, NotAHeader>)>,
    keys: Keys,
}

/// What was found under each key that the page names.
type Keys = HashMap<KeyId, Option<Result<Opening, VaultError>>>;

pub(super) async fn decode(
    vault: &Vault,
    stored: Vec<StoredEvent>,
) -> Result<Vec<Entry>, NotDecoded> {
    let long = stored.len() >= HANDED_OVER_MIN;
    let reader = vault.clone();
    let (mut page, missing) = run(long, move || read_envelopes(&reader, stored)).await?;
    if !missing.is_empty() {
        let found = vault.openings(&missing).await?;
        page.keys.extend(found.into_iter().map(|(key, opening)| (key, Some(opening))));
    }
    run(long, move || page.entries()).await
}

async fn run<T: Send + 'static>(
    elsewhere: bool,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, NotDecoded> {
    if elsewhere { Ok(spawn_blocking(work).await?) } else { Ok(work()) }
}

/// The envelopes and the keys that are in memory; the list is of those that are not.
fn read_envelopes(vault: &Vault, stored: Vec<StoredEvent>) -> (Opened, Vec<KeyId>) {
    let mut keys: Keys = HashMap::new();
    let with_envelope = |event: StoredEvent| {
        let header = header::decode(&event.header);
        if let Ok(Header { key: Some(key), .. }) = &header {
            keys.entry(*key).or_insert_with(|| vault.at_hand(*key).map(Ok));
        }
        (event, header)
    };
    let events = stored.into_iter().map(with_envelope).collect();
    let missing = keys.iter().filter(|(_, found)| found.is_none()).map(|(key, _)| *key).collect();
    (Opened { events, keys }, missing)
}

impl Opened {
    fn entries(self) -> Vec<Entry> {
        let Self { events, keys } = self;
        let mut room = Vec::new();
        let entry = |(stored, header): (StoredEvent, Result<Header, NotAHeader>)| {
            let position = stored.position;
            let header = match header {
                Ok(header) => header,
                Err(error) => {
                    return Err(Unreadable { position, stream: None, why: error.into() });
                }
            };
            match read(&stored, &header, &keys, &mut room) {
                Ok(event) => Ok(Recorded { position, header, event }),
                Err(why) => Err(Unreadable { position, stream: Some(header.stream), why }),
            }
        };
        events.into_iter().map(entry).collect()
    }
}

fn read(
    stored: &StoredEvent,
    header: &Header,
    keys: &Keys,
    room: &mut Vec<u8>,
) -> Result<Event, WhyUnreadable> {
    let content = match header.key {
        None => &stored.payload[..],
        Some(id) => match keys.get(&id) {
            None | Some(None) => return Err(WhyUnreadable::UnknownKey(id)),
            Some(Some(Err(_))) => return Err(WhyUnreadable::DamagedKey(id)),
            Some(Some(Ok(Opening::Erased))) => return Ok(Event::Erased(header.stream)),
            Some(Some(Ok(Opening::Key(key)))) => {
                seal::open(key, &stored.header, &stored.payload, room)
                    .map_err(|_| WhyUnreadable::SealBroken)?
            }
        },
    };
    if header.version > VERSION_MAX {
        let (kind, version) = (header.kind.clone(), header.version);
        return Err(WhyUnreadable::LaterVersion { kind, version });
    }
    // The parser's own words may quote the content: they stay here.
    Event::read(header.stream, content)
        .map_err(|_| WhyUnreadable::Content { kind: header.kind.clone() })
}
