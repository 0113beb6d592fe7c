//! A plan while it is made: the days that count, and what each person will be once it is done.
//!
//! Several records may speak of one person: a student who answers for themself is in two files. What
//! they say is put together first, so that each thing is asked once.

use std::collections::BTreeMap;

use chrono::{Days, NaiveDate};
use domain::{
    ClassId, PersonId, SchoolYear, Uai,
    people::{ContactDetails, Identifier, Language, Name, PersonCommand, Scheme},
    schools::{School, SchoolCommand, SchoolSheet},
};

use super::{
    feed::{ClassKey, Feed, Kind},
    known::Known,
    plan::{Ask, Origin, Plan},
    spelling::same_but_for_capitals,
};

/// A plan while it is made.
pub(super) struct Draft<'a> {
    /// What the files say.
    pub(super) feed: &'a Feed,
    /// What is known.
    pub(super) known: &'a Known,
    /// What the school will have decided.
    pub(super) sheet: SchoolSheet,
    /// The days that count.
    pub(super) days: SchoolDays,
    /// How whoever imports wants it.
    pub(super) wish: Wish,
    /// The plan so far, but for people.
    pub(super) plan: Plan,
    /// The classes that will be there.
    pub(super) classes: BTreeMap<ClassKey, ClassId>,
    people: BTreeMap<PersonId, Picture>,
}

/// How somebody wants their files to be imported.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wish {
    /// What is known and no longer in the files is let go, rather than only told.
    pub confirm_departures: bool,
    /// However much that is.
    pub force: bool,
}

/// The days that an import reckons with.
#[derive(Clone, Copy, Debug)]
pub(super) struct SchoolDays {
    /// The day that the files speak of: what changed, changed on it.
    pub(super) of_files: NaiveDate,
    /// The first day of the school year.
    pub(super) first: NaiveDate,
    /// Its last day.
    pub(super) last: NaiveDate,
}

/// What a person will be.
struct Picture {
    origin: Origin,
    name: Name,
    birth_date: Option<NaiveDate>,
    details: ContactDetails,
    commands: Vec<(Origin, PersonCommand)>,
}

impl SchoolDays {
    /// The first day of something new that the files say, in the school year.
    pub(super) fn begins(&self) -> NaiveDate {
        self.of_files.clamp(self.first, self.last)
    }

    /// The last day of something begun on `since` that the files no longer say.
    pub(super) fn ended(&self, since: NaiveDate) -> NaiveDate {
        day_before(self.of_files).max(since)
    }

    /// The same of what may never have begun: planned for a day to come, it is taken back whole.
    pub(super) fn undone(&self, since: NaiveDate) -> NaiveDate {
        day_before(self.of_files).max(day_before(since))
    }
}

impl<'a> Draft<'a> {
    /// A draft that asks for nothing yet.
    pub(super) fn new(
        (feed, known): (&'a Feed, &'a Known),
        sheet: SchoolSheet,
        days: SchoolDays,
        wish: Wish,
    ) -> Self {
        let (plan, classes, people) = (Plan::new(feed), BTreeMap::new(), BTreeMap::new());
        Self { feed, known, sheet, days, wish, plan, classes, people }
    }

    /// Has the school decide something, unless it has.
    pub(super) fn decide(&mut self, origin: &Origin, command: SchoolCommand) {
        let school = School::Open(Box::new(self.sheet.clone()));
        let events = school.decide(command.clone()).unwrap_or_default();
        if let School::Open(sheet) = events.into_iter().fold(school, School::evolve)
            && *sheet != self.sheet
        {
            self.sheet = *sheet;
            self.plan.ask(origin, Ask::School(command));
        }
    }

    /// The school.
    pub(super) fn school(&self) -> Uai {
        self.feed.school
    }

    /// The school year.
    pub(super) fn year(&self) -> SchoolYear {
        self.feed.year
    }

    /// Begins to speak of a person whom a record names so, if nobody else did before. Answers the
    /// picture that is made of them.
    fn picture(&mut self, person: PersonId, origin: &Origin, name: &Name) -> &mut Picture {
        let known = self.known;
        self.people.entry(person).or_insert_with(|| {
            let row = known.people.get(&person);
            Picture {
                origin: origin.clone(),
                name: row.map_or_else(|| name.clone(), |row| row.name.clone()),
                birth_date: row.and_then(|row| row.birth_date),
                details: row.map(|row| row.details.clone()).unwrap_or_default(),
                commands: Vec::new(),
            }
        })
    }

    /// Whether a record has named somebody.
    pub(super) fn speaks_of(&self, person: PersonId) -> bool {
        self.people.contains_key(&person)
    }

    /// A record names somebody.
    pub(super) fn name(&mut self, person: PersonId, origin: &Origin, name: &Name) {
        let picture = self.picture(person, origin, name);
        if !same_but_for_capitals(&picture.name, name) {
            picture.name = name.clone();
        }
    }

    /// A record says when somebody who was named was born.
    pub(super) fn born(
        &mut self,
        person: PersonId,
        say: impl FnOnce(Option<NaiveDate>) -> Option<NaiveDate>,
    ) {
        if let Some(picture) = self.people.get_mut(&person) {
            picture.birth_date = say(picture.birth_date);
        }
    }

    /// A record says how to reach somebody who was named.
    pub(super) fn reach(
        &mut self,
        person: PersonId,
        say: impl FnOnce(&ContactDetails) -> ContactDetails,
    ) {
        if let Some(picture) = self.people.get_mut(&person) {
            picture.details = say(&picture.details);
        }
    }

    /// A record of the school's files numbers somebody who was named.
    pub(super) fn number(
        &mut self,
        person: PersonId,
        origin: &Origin,
        scheme: Scheme,
        value: &str,
    ) {
        if self.known.named(scheme, value) != Some(person) {
            let (school, value) = (Some(self.school()), value.to_owned());
            let identifier = Identifier { scheme, school, value };
            self.ask(person, origin, PersonCommand::IdentifyPerson { identifier });
        }
    }

    /// Asks for something of somebody who was named.
    pub(super) fn ask(&mut self, person: PersonId, origin: &Origin, command: PersonCommand) {
        match self.people.get_mut(&person) {
            Some(picture) => picture.commands.push((origin.clone(), command)),
            None => self.plan.ask(origin, Ask::Person(person, command)),
        }
    }

    /// The plan, with all that is asked of people.
    pub(super) fn finish(mut self) -> Plan {
        for (person, picture) in self.people {
            let Picture { origin, name, birth_date, details, commands } = picture;
            let known = self.known.people.get(&person);
            let mut ask = |origin: &Origin, command| {
                self.plan.ask(origin, Ask::Person(person, command));
            };
            match known {
                None => {
                    let language = Language::default();
                    ask(&origin, PersonCommand::RegisterPerson { name, birth_date, language });
                }
                Some(row) => {
                    if row.name != name {
                        ask(&origin, PersonCommand::RenamePerson { name });
                    }
                    if let Some(birth_date) = birth_date
                        && row.birth_date != Some(birth_date)
                    {
                        ask(&origin, PersonCommand::CorrectBirthDate { birth_date });
                    }
                }
            }
            if known.map_or(details != ContactDetails::default(), |row| row.details != details) {
                ask(&origin, PersonCommand::GiveContactDetails { details });
            }
            commands.into_iter().for_each(|(origin, command)| ask(&origin, command));
        }
        self.plan.steps.sort_by_key(|step| step.ask.turn());
        self.plan.tell_changes();
        self.plan
    }
}

/// The id of a division or group. A group may have the code of a division.
pub(super) fn class_id(school: Uai, year: SchoolYear, kind: Kind, code: &str) -> ClassId {
    match kind {
        Kind::Division => ClassId::of(school, year, code),
        Kind::Group => ClassId::of(school, year, &format!("group/{code}")),
    }
}

/// The day before, or the first day of the calendar.
pub(super) fn day_before(day: NaiveDate) -> NaiveDate {
    day.checked_sub_days(Days::new(1)).unwrap_or(day)
}

/// The day after, or the last day of the calendar.
pub(super) fn day_after(day: NaiveDate) -> NaiveDate {
    day.checked_add_days(Days::new(1)).unwrap_or(day)
}
