//! Which appends of a group can be written together, and at which places; for engines whose
//! writer is the one who numbers.
//!
//! Pure: no store. An append that is not where its stream stands may be a retry or a conflict;
//! which one is told by what was committed there ([`judge`]).

use std::collections::{HashMap, HashSet};

use bytes::Bytes;
use domain::Stream;
use tokio::sync::oneshot;

use super::{AppendError, Appended, Expected, StoreError, StoredEvent, StreamAppend};

/// An event with all that a store knows of its place.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Placed {
    pub(super) position: u64,
    pub(super) stream: i64,
    pub(super) revision: u64,
    pub(super) id: [u8; 16],
    pub(super) header: Bytes,
    pub(super) payload: Bytes,
}

impl From<Placed> for StoredEvent {
    fn from(event: Placed) -> Self {
        Self { position: event.position, header: event.header, payload: event.payload }
    }
}

/// What is asked, and who waits for the answer.
pub(super) struct Append {
    pub(super) asked: StreamAppend,
    pub(super) reply: oneshot::Sender<Result<Appended, AppendError>>,
}

impl Append {
    /// Answers. Whoever does not wait any more will ask again with the same ids.
    pub(super) fn answer(self, answer: Result<Appended, AppendError>) {
        let _gone = self.reply.send(answer);
    }
}

/// Where a stream stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    /// What the store calls the stream.
    pub(super) number: i64,
    /// The revision of its next event.
    pub(super) next: u64,
}

/// Where the whole log stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ends {
    /// The position of the last event.
    pub(super) position: u64,
    /// The last number given to a stream.
    pub(super) stream: i64,
}

/// An append that is where its streams stand, with the answer it gets once it is committed.
pub(super) struct Accepted {
    pub(super) append: Append,
    pub(super) answer: Appended,
}

/// The place of an event to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) position: u64,
    pub(super) stream: i64,
    pub(super) revision: u64,
}

/// Appends sorted by what is to be done with them.
pub(super) struct Group {
    /// To be written, in one transaction.
    pub(super) accepted: Vec<Accepted>,
    /// The places of the accepted events, in order.
    pub(super) places: Vec<Place>,
    /// Streams that begin, with their numbers.
    pub(super) begun: Vec<(i64, Stream)>,
    /// Not where a stream stands: retries and conflicts.
    pub(super) doubtful: Vec<Append>,
    /// Not where a stream would stand after this group: to be judged once it is committed, or not.
    pub(super) deferred: Vec<Append>,
    /// Where all named streams stand after this group.
    pub(super) heads: HashMap<Stream, Head>,
    /// Where the log stands before this group, and after it.
    pub(super) began: Ends,
    pub(super) ends: Ends,
    touched: HashSet<Stream>,
}

impl Group {
    /// Sorts `appends`; `heads` holds every existing stream that they name.
    pub(super) fn form(appends: Vec<Append>, heads: HashMap<Stream, Head>, ends: Ends) -> Self {
        let mut group = Self {
            accepted: Vec::with_capacity(appends.len()),
            places: Vec::with_capacity(appends.len()),
            begun: Vec::new(),
            doubtful: Vec::new(),
            deferred: Vec::new(),
            heads,
            began: ends,
            ends,
            touched: HashSet::new(),
        };
        for append in appends {
            group.sort(append);
        }
        group
    }

    /// What an append that is not where its stream stands is answered; `found` are the committed
    /// events at its place.
    pub(super) fn judge(
        &self,
        asked: &StreamAppend,
        found: &[Placed],
    ) -> Result<Appended, AppendError> {
        judge(asked, found, self.next(asked.stream).checked_sub(1))
    }

    /// The revision of the next event of a stream.
    fn next(&self, stream: Stream) -> u64 {
        self.heads.get(&stream).map_or(0, |head| head.next)
    }

    /// All appends that have had no answer, when nothing was written.
    pub(super) fn into_appends(self) -> impl Iterator<Item = Append> {
        let accepted = self.accepted.into_iter().map(|accepted| accepted.append);
        accepted.chain(self.doubtful).chain(self.deferred)
    }

    fn sort(&mut self, append: Append) {
        let StreamAppend { stream, expected, .. } = append.asked;
        if self.next(stream) == first_revision(expected) {
            self.accept(append);
        } else if self.touched.contains(&stream) {
            self.deferred.push(append);
        } else {
            self.doubtful.push(append);
        }
    }

    fn accept(&mut self, append: Append) {
        let stream = append.asked.stream;
        let head = self.heads.entry(stream).or_insert_with(|| {
            self.ends.stream += 1;
            self.begun.push((self.ends.stream, stream));
            Head { number: self.ends.stream, next: 0 }
        });
        for _ in &append.asked.events {
            self.ends.position += 1;
            let (position, stream) = (self.ends.position, head.number);
            self.places.push(Place { position, stream, revision: head.next });
            head.next += 1;
        }
        let (position, revision) = (self.ends.position, head.next - 1);
        let answer = Appended { position, revision, deduplicated: false };
        self.touched.insert(stream);
        self.accepted.push(Accepted { append, answer });
    }
}

/// Whether an append that is not where its stream stands was written before. `found` are the
/// committed events at its place, `actual` is the last revision of the stream.
pub(super) fn judge(
    asked: &StreamAppend,
    found: &[Placed],
    actual: Option<u64>,
) -> Result<Appended, AppendError> {
    let stream = asked.stream;
    let pairs = || found.iter().zip(&asked.events);
    let same_ids = pairs().all(|(old, new)| old.id == *new.id.0.as_bytes());
    let whole = found.len() == asked.events.len() && same_ids;
    let Some(last) = found.last().filter(|_| whole) else {
        return Err(AppendError::Conflict { stream, actual });
    };
    if pairs().any(|(old, new)| (&old.header, &old.payload) != (&new.header, &new.payload)) {
        return Err(AppendError::OtherContent { stream });
    }
    Ok(Appended { position: last.position, revision: last.revision, deduplicated: true })
}

/// The revision that the first event of an append is to have.
pub(super) fn first_revision(expected: Expected) -> u64 {
    match expected {
        Expected::NoStream => 0,
        Expected::Revision(last) => last.saturating_add(1),
    }
}

/// Answers that nothing was written. The error cannot be copied: its text is told to the others.
pub(super) fn refuse(appends: impl IntoIterator<Item = Append>, error: StoreError) {
    let text = error.to_string();
    let others = std::iter::repeat_with(|| StoreError::Told(text.clone()));
    for (append, error) in appends.into_iter().zip(std::iter::once(error).chain(others)) {
        append.answer(Err(AppendError::Store(error)));
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use domain::{EventId, PersonId};
    use uuid::Uuid;

    use super::*;
    use crate::log::NewEvent;

    const ENDS: Ends = Ends { position: 10, stream: 4 };

    #[test]
    fn an_append_may_follow_another_of_the_same_group() {
        let group = form([(1, Expected::NoStream), (1, Expected::Revision(0))]);
        let place = |position, revision| Place { position, stream: 5, revision };
        assert_eq!(group.places, [place(11, 0), place(12, 1)]);
        assert_eq!(group.begun, [(5, stream(1))]);
        assert_eq!(group.ends, Ends { position: 12, stream: 5 });
    }

    #[test]
    fn an_append_in_doubt_takes_no_place() {
        let group = form([(2, Expected::Revision(7)), (1, Expected::NoStream)]);
        assert_eq!((group.doubtful.len(), group.accepted.len()), (1, 1));
        assert_eq!(group.ends.position, 11);
    }

    #[test]
    fn a_doubt_about_an_append_of_the_same_group_waits_for_its_commit() {
        let group = form([(1, Expected::NoStream), (1, Expected::NoStream)]);
        assert_eq!((group.accepted.len(), group.deferred.len()), (1, 1));
    }

    #[test]
    fn the_first_append_of_a_group_is_never_deferred() {
        let group = form([(1, Expected::Revision(3)), (1, Expected::NoStream)]);
        assert_eq!((group.doubtful.len(), group.accepted.len(), group.deferred.len()), (1, 1, 0));
    }

    fn form<const N: usize>(appends: [(u128, Expected); N]) -> Group {
        Group::form(appends.map(append).into(), HashMap::new(), ENDS)
    }

    fn append((id, expected): (u128, Expected)) -> Append {
        let event =
            NewEvent { id: EventId(Uuid::nil()), header: Bytes::new(), payload: Bytes::new() };
        let asked = StreamAppend { stream: stream(id), expected, events: vec![event] };
        Append { asked, reply: oneshot::channel().0 }
    }

    fn stream(id: u128) -> Stream {
        Stream::Person(PersonId(Uuid::from_u128(id)))
    }
}
