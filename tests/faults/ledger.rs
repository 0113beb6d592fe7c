//! What a log must still hold: all that was acknowledged, and decisions only whole.

use std::collections::{BTreeMap, HashMap, HashSet};

use domain::{CommandId, EventId, Recorded, Stream};
use replay::{Journal, log::Filter};

/// A command that was acknowledged, as its line told it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ack {
    command: CommandId,
    stream: Stream,
    revision: u64,
    pub(super) position: u64,
}

/// What was acknowledged, and how far the log was found to agree.
#[derive(Default)]
pub(super) struct Ledger {
    acks: BTreeMap<u64, Ack>,
    revisions: HashMap<Stream, u64>,
    ids: HashSet<EventId>,
    pub(super) verified: u64,
}

impl Ack {
    pub(super) fn read(line: &str) -> Self {
        let words: Vec<&str> = line.split(' ').collect();
        let [command, stream, revision, position] = words[..] else { panic!("{line}") };
        Self {
            command: command.parse().unwrap(),
            stream: stream.parse().unwrap(),
            revision: revision.parse().unwrap(),
            position: position.parse().unwrap(),
        }
    }
}

impl Ledger {
    /// Takes note of an acknowledgement.
    pub(super) fn note(&mut self, ack: Ack) {
        let before = self.acks.insert(ack.position, ack);
        assert!(before.is_none(), "two commands were told position {}", ack.position);
    }

    /// Reads what was written since the last time, and finds all that was acknowledged in it.
    pub(super) async fn verify(&mut self, journal: &Journal) {
        let mut pages = journal.pages(self.verified, Filter::default());
        let mut decision: Vec<Recorded> = Vec::new();
        while let Some(page) = pages.next().await.unwrap() {
            for entry in page.entries {
                let recorded = entry.unwrap();
                self.follow(&recorded);
                let same = |one: &Recorded| {
                    let of = |r: &Recorded| (r.header.stream, r.header.command);
                    of(one) == of(&recorded)
                };
                if !decision.last().is_none_or(same) {
                    self.settle(&std::mem::take(&mut decision));
                }
                decision.push(recorded);
            }
        }
        if !decision.is_empty() {
            self.settle(&decision);
        }
        assert!(self.acks.is_empty(), "acknowledged, not in the log: {:?}", self.acks);
    }

    /// Positions and revisions are dense, and no event is there twice.
    fn follow(&mut self, recorded: &Recorded) {
        let header = &recorded.header;
        assert_eq!(recorded.position, self.verified + 1);
        self.verified = recorded.position;
        let next = self.revisions.entry(header.stream).or_default();
        assert_eq!(header.revision, *next, "{}", header.stream);
        *next += 1;
        assert!(self.ids.insert(header.id), "the event {} is there twice", header.id);
    }

    /// The events of one decision are there from the first to the last.
    fn settle(&mut self, decision: &[Recorded]) {
        for (n, recorded) in decision.iter().enumerate() {
            assert_eq!(recorded.header.id, EventId::of(recorded.header.command, n));
        }
        let kinds: Vec<&str> = decision.iter().map(|r| r.header.kind.as_str()).collect();
        match kinds[0] {
            "AbsenceAnnounced" => assert_eq!(
                kinds,
                ["AbsenceAnnounced", "ReasonGiven", "ReasonAccepted", "AbsenceRegularised"]
            ),
            "GuardianshipEnded" => {
                assert_eq!(kinds, ["GuardianshipEnded", "GuardianshipRecorded"]);
            }
            _ => assert_eq!(kinds.len(), 1, "{kinds:?}"),
        }
        let last = decision.last().unwrap();
        if let Some(ack) = self.acks.remove(&last.position) {
            let found = (last.header.command, last.header.stream, last.header.revision);
            assert_eq!(found, (ack.command, ack.stream, ack.revision));
        }
    }
}
