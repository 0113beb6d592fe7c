//! The log of some schools' year, written straight into a data folder for others to read.
//!
//! In the proportions of life: schools of 600 students in 21 classes, five lessons a day, a roll
//! call of each, and of every roll call some two events in attendance files. Everything is sealed
//! as it would be, under keys of the folder's own vault. No rule is asked, which is what makes a
//! million events a matter of seconds.

use std::{
    collections::{BTreeMap, HashMap},
    path::Path,
};

use anyhow::Context;
use chrono::{DateTime, Utc};
use domain::{AccountId, CommandId, Dossier, Event, EventId, Header, SchoolYear, Stream, Uai};
use futures_util::future::try_join_all;
use replay::{
    Clock, Journal, header,
    keys::MasterKey,
    log::{AppendError, Appended, Expected, Log, NewEvent, StreamAppend},
    seal,
};
use tokio::task::JoinHandle;
use uuid::Uuid;

use super::school::School;

/// Written last: a folder that has it holds the whole year.
const WHOLE: &str = "year.whole";

/// What a school of this size writes in a year.
const EVENTS_A_SCHOOL: u64 = 65_000;

/// Events that are written together.
const BATCH_EVENTS: usize = 2_000;

/// Opens the journal of a folder.
pub(super) async fn open(folder: &Path) -> anyhow::Result<Journal> {
    let master = MasterKey::load_or_create(&folder.join("master.key"))?;
    Journal::open(folder, master, Clock::System).await
}

/// Makes the folder hold about so many events, old ones packed, unless it does already.
pub(super) async fn write(folder: &Path, events: u64) -> anyhow::Result<()> {
    if folder.join(WHOLE).exists() {
        return Ok(());
    }
    std::fs::create_dir_all(folder)?;
    let journal = open(folder).await?;
    let mut pen = Pen::new(journal.clone());
    let mut schools = Vec::new();
    for number in 0..events.div_ceil(EVENTS_A_SCHOOL) {
        let school = School::new(number)?;
        pen.make_keys(school.dossiers()).await?;
        for event in school.opening()? {
            pen.note(school.uai, event, school.opens_at()?).await?;
        }
        schools.push(school);
    }
    'year: for day in School::days()? {
        for school in &schools {
            for (event, at) in school.events_on(day)? {
                pen.note(school.uai, event, at).await?;
            }
            if pen.written >= events {
                break 'year;
            }
        }
    }
    pen.put_down().await?;
    if let Log::Sqlite(log) = journal.log() {
        log.pack().await?;
    }
    journal.log().close().await;
    std::fs::write(folder.join(WHOLE), pen.written.to_string())?;
    Ok(())
}

/// Writes events in large groups, one of them on its way.
struct Pen {
    journal: Journal,
    next: HashMap<Stream, u64>,
    batch: BTreeMap<Stream, StreamAppend>,
    batched: usize,
    written: u64,
    on_its_way: Option<JoinHandle<Result<Vec<Appended>, AppendError>>>,
}

impl Pen {
    fn new(journal: Journal) -> Self {
        let (next, batch) = (HashMap::new(), BTreeMap::new());
        Self { journal, next, batch, batched: 0, written: 0, on_its_way: None }
    }

    /// Makes keys that are going to be needed, many in one commit.
    async fn make_keys(&self, dossiers: Vec<Dossier>) -> anyhow::Result<()> {
        let keys = dossiers.into_iter().map(|dossier| self.journal.vault().key_for(dossier));
        try_join_all(keys).await?;
        Ok(())
    }

    async fn note(&mut self, school: Uai, event: Event, at: DateTime<Utc>) -> anyhow::Result<()> {
        let stream = event.stream();
        let next = self.next.entry(stream).or_default();
        let revision = *next;
        *next += 1;
        let command = CommandId(Uuid::new_v5(&Uuid::NAMESPACE_OID, &self.written.to_be_bytes()));
        let id = EventId::of(command, 0);
        let dossier = event.dossier(school, SchoolYear::containing(at.date_naive()));
        let key = match dossier {
            Some(dossier) => Some(self.journal.vault().key_for(dossier).await?),
            None => None,
        };
        let header = header::encode(&Header {
            stream,
            revision,
            id,
            kind: kind(&event).to_owned(),
            version: 1,
            school,
            recorded_at: at,
            occurred_at: at,
            actor: AccountId(Uuid::new_v5(&Uuid::NAMESPACE_OID, school.as_str().as_bytes())),
            command,
            correlation: command,
            causation: None,
            key: key.as_ref().map(|(id, _)| *id),
        })?;
        let content = event.payload()?;
        let payload = match key {
            Some((_, key)) => seal::seal(&key, &header, &content)?,
            None => content.into(),
        };
        let expected = revision.checked_sub(1).map_or(Expected::NoStream, Expected::Revision);
        let empty = StreamAppend { stream, expected, events: Vec::new() };
        let append = self.batch.entry(stream).or_insert(empty);
        append.events.push(NewEvent { id, header, payload });
        self.batched += 1;
        self.written += 1;
        if self.batched == BATCH_EVENTS { self.send().await } else { Ok(()) }
    }

    async fn send(&mut self) -> anyhow::Result<()> {
        let batch: Vec<_> = std::mem::take(&mut self.batch).into_values().collect();
        self.batched = 0;
        // Two on their way could reach the log in the wrong order.
        if let Some(before) = self.on_its_way.take() {
            before.await??;
        }
        let log = self.journal.log().clone();
        let written =
            async move { try_join_all(batch.into_iter().map(|append| log.append(append))).await };
        self.on_its_way = Some(tokio::spawn(written));
        Ok(())
    }

    async fn put_down(&mut self) -> anyhow::Result<()> {
        if self.batched > 0 {
            self.send().await?;
        }
        self.on_its_way.take().context("nothing was written")?.await??;
        Ok(())
    }
}

fn kind(event: &Event) -> &'static str {
    match event {
        Event::School(_, event) => event.into(),
        Event::Person(_, event) => event.into(),
        Event::Family(_, event) => event.into(),
        Event::Class(_, event) => event.into(),
        Event::Timetable(_, event) => event.into(),
        Event::RollCall(_, event) => event.into(),
        Event::Attendance(_, _, event) => event.into(),
        Event::Document(_, _, _, event) => event.into(),
        Event::Account(_, event) => event.into(),
        Event::Access(_, event) => event.into(),
        Event::Alert(_, event) => event.into(),
        Event::FollowUp(_, event) => event.into(),
        Event::Erased(_) => "",
    }
}
