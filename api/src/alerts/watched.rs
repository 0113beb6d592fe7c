//! The alerts that something may have to be done about, and when to look at each: what the dispatcher
//! remembers between two looks. All of it can be read from the tables again.

use std::{
    collections::{BTreeSet, HashMap},
    mem,
};

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use domain::{
    PersonId, RunId, Uai,
    alerts::{AlertId, AlertSheet, Call},
    schools::Half,
};
use projections::alerts::AlertRow;

/// A message waits so long at most for an alert about a sibling that is about to fall due.
const SIBLINGS_WITHIN: TimeDelta = TimeDelta::minutes(1);

/// The alerts of one family in one half-day of a school.
type Family = (Uai, NaiveDate, Half, PersonId);

/// The alerts to be looked at.
#[derive(Default)]
pub(super) struct Watched {
    alerts: HashMap<AlertId, Entry>,
    by_time: BTreeSet<(DateTime<Utc>, AlertId)>,
    families: HashMap<Family, BTreeSet<AlertId>>,
}

struct Entry {
    row: AlertRow,
    /// When to look at it; never before something is said about it, if there is none.
    look_at: Option<DateTime<Utc>>,
    /// How many of its messages are on the way.
    on_the_way: usize,
    /// What was written about it shows once the row is as new as this.
    written: u64,
    /// Who answers for the student.
    family: Vec<PersonId>,
}

impl Watched {
    /// Takes in an alert as it stands, to be looked at at once.
    pub(super) fn take(&mut self, row: AlertRow, family: Vec<PersonId>, now: DateTime<Utc>) {
        let id = row.id();
        for guardian in &family {
            self.families.entry(of_family(id, *guardian)).or_default().insert(id);
        }
        let known = self.alerts.remove(&id);
        if let Some(at) = known.as_ref().and_then(|known| known.look_at) {
            self.by_time.remove(&(at, id));
        }
        let (on_the_way, written) = known.map_or((0, 0), |known| (known.on_the_way, known.written));
        let entry = Entry { row, look_at: None, on_the_way, written, family };
        self.alerts.insert(id, entry);
        self.look_again(id, Some(now));
    }

    /// When to look at an alert again. What nothing will have to be done about is forgotten.
    pub(super) fn look_again(&mut self, id: AlertId, at: Option<DateTime<Utc>>) {
        let Some(entry) = self.alerts.get_mut(&id) else { return };
        if let Some(before) = mem::replace(&mut entry.look_at, at) {
            self.by_time.remove(&(before, id));
        }
        match at {
            Some(at) => {
                self.by_time.insert((at, id));
            }
            None if entry.on_the_way == 0 => self.forget(id),
            None => {}
        }
    }

    /// A message about it is on the way.
    pub(super) fn begin(&mut self, id: AlertId) {
        if let Some(entry) = self.alerts.get_mut(&id) {
            entry.on_the_way += 1;
        }
    }

    /// The message has arrived or failed; what was written about it is at this position.
    pub(super) fn end(&mut self, id: AlertId, written: u64, look_at: DateTime<Utc>) {
        if let Some(entry) = self.alerts.get_mut(&id) {
            entry.on_the_way -= 1;
            entry.written = entry.written.max(written);
            // Nothing can be written any more about one that was erased, or is over.
            let over = written == 0 && look_at > entry.row.sheet.until;
            self.look_again(id, (!over).then_some(look_at));
        }
    }

    /// The alerts to look at now. One whose messages are on the way is looked at when they are not.
    pub(super) fn due(&mut self, now: DateTime<Utc>) -> Vec<AlertRow> {
        let mut due = Vec::new();
        let mut waiting = Vec::new();
        while let Some((at, id)) = self.by_time.first().copied().filter(|(at, _)| *at <= now) {
            self.by_time.remove(&(at, id));
            let Some(entry) = self.alerts.get_mut(&id) else { continue };
            if entry.on_the_way > 0 || entry.row.changed < entry.written {
                waiting.push((at, id));
            } else {
                entry.look_at = None;
                due.push(entry.row.clone());
            }
        }
        self.by_time.extend(waiting);
        due
    }

    /// When the last alert about a sibling falls due that a message about this one waits for.
    pub(super) fn siblings_due(&self, row: &AlertRow, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let siblings = self.siblings(row.id());
        let due = siblings.filter(|known| known.cancelled.is_none()).map(|known| known.due);
        due.filter(|due| *due > now && *due <= row.sheet.due + SIBLINGS_WITHIN).max()
    }

    /// Whether another dispatcher has a message about a sibling on its way to somebody: it is just claiming
    /// what is known of this one too, or will have sent it in a moment.
    pub(super) fn siblings_are_claimed(
        &self,
        id: AlertId,
        (to, run): (PersonId, RunId),
        now: DateTime<Utc>,
    ) -> bool {
        let messages = self.siblings(id).flat_map(|known| known.messages.values());
        let mut to_them = messages.filter(|message| message.to == to);
        to_them.any(|message| message.is_claimed_by_another(run, now))
    }

    /// What is known of the alerts of a family.
    fn siblings(&self, id: AlertId) -> impl Iterator<Item = &AlertSheet> {
        let family = self.alerts.get(&id).map(|entry| entry.family.as_slice()).unwrap_or_default();
        let siblings =
            family.iter().filter_map(move |guardian| self.families.get(&of_family(id, *guardian)));
        siblings.flatten().filter_map(|sibling| Some(&self.alerts.get(sibling)?.row.sheet))
    }

    /// When the oldest alert fell due that nobody was told of yet, nor the office asked to call.
    pub(super) fn oldest_unsent(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let open = self.alerts.values().map(|entry| &entry.row.sheet);
        let open = open.filter(|sheet| {
            sheet.cancelled.is_none() && sheet.call == Call::None && sheet.due <= now
        });
        let unsent = open.filter(|sheet| !sheet.messages.values().any(|known| known.is_sent()));
        unsent.map(|sheet| sheet.due).min()
    }

    fn forget(&mut self, id: AlertId) {
        let Some(entry) = self.alerts.remove(&id) else { return };
        for guardian in entry.family {
            let family = of_family(id, guardian);
            if let Some(alerts) = self.families.get_mut(&family) {
                alerts.remove(&id);
                if alerts.is_empty() {
                    self.families.remove(&family);
                }
            }
        }
    }
}

fn of_family(AlertId { school, date, half, .. }: AlertId, guardian: PersonId) -> Family {
    (school, date, half, guardian)
}
