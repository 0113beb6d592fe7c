//! People: who they are, how to reach them, and in which schools they learn or work.
//!
//! One person for the whole region: a parent with children in two schools is registered once. That
//! someone is a guardian is told in [`crate::families`]; what they may see is not told here.

mod details;

use std::collections::BTreeMap;

use chrono::NaiveDate;
use cqrs_es::{Aggregate, DomainEvent, event_sink::EventSink};
use serde::{Deserialize, Serialize};
use strum::{IntoStaticStr, VariantNames};

pub use details::{ContactDetails, Function, Identifier, Language, Name, Scheme};

use crate::{Event, PersonId, Stream, Streamed, Uai, version_of};

/// What happened. All of it is sealed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, IntoStaticStr, VariantNames)]
pub enum PersonEvent {
    /// Someone became known.
    PersonRegistered {
        /// Their names.
        name: Name,
        /// When they were born, if it is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        birth_date: Option<NaiveDate>,
        /// The language they are written to.
        language: Language,
    },
    /// Their names changed, or were misspelt.
    PersonRenamed {
        /// Their names from now on.
        name: Name,
    },
    /// When they were born became known, or had been noted wrongly.
    BirthDateCorrected {
        /// When they were born.
        birth_date: NaiveDate,
    },
    /// They said how to reach them, in place of what they said before.
    ContactDetailsGiven {
        /// All of it.
        details: ContactDetails,
    },
    /// They chose the language they are written to.
    LanguageChosen {
        /// Which one.
        language: Language,
    },
    /// They became a student of a school.
    StudentEnrolled {
        /// Which school.
        school: Uai,
        /// Their national number (INE), when the school knows it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ine: Option<String>,
        /// The first day.
        from: NaiveDate,
    },
    /// They began to work in a school.
    StaffAppointed {
        /// Which school.
        school: Uai,
        /// As what.
        function: Function,
        /// The first day.
        from: NaiveDate,
    },
    /// A national file, or the nation, knows them by this number.
    PersonIdentified {
        /// Which number.
        identifier: Identifier,
    },
    /// They ceased to learn or work in a school.
    PersonLeftSchool {
        /// Which school.
        school: Uai,
        /// The last day.
        on: NaiveDate,
    },
}

/// What a person is in one school.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Part {
    /// Learns there.
    Student,
    /// Works there.
    Staff(Function),
}

/// What someone asks for.
#[derive(Clone, Debug)]
pub enum PersonCommand {
    /// Make someone known.
    RegisterPerson {
        /// Their names.
        name: Name,
        /// When they were born.
        birth_date: Option<NaiveDate>,
        /// The language they are written to.
        language: Language,
    },
    /// Change or correct their names.
    RenamePerson {
        /// Their names from now on.
        name: Name,
    },
    /// Say or correct when they were born.
    CorrectBirthDate {
        /// When they were born.
        birth_date: NaiveDate,
    },
    /// Say how to reach them.
    GiveContactDetails {
        /// All of it.
        details: ContactDetails,
    },
    /// Choose the language they are written to.
    ChooseLanguage {
        /// Which one.
        language: Language,
    },
    /// Take them in as a student.
    EnrolStudent {
        /// Which school.
        school: Uai,
        /// Their national number, when the school knows it.
        ine: Option<String>,
        /// The first day.
        from: NaiveDate,
    },
    /// Take them on as staff.
    AppointStaff {
        /// Which school.
        school: Uai,
        /// As what.
        function: Function,
        /// The first day.
        from: NaiveDate,
    },
    /// Have staff of a school work there as something else. They leave one function and take the
    /// other in one decision, for between the two the school would be closed to them.
    ChangeFunction {
        /// Which school.
        school: Uai,
        /// As what from now on.
        function: Function,
        /// The first day.
        from: NaiveDate,
    },
    /// Note a number that they are known by.
    IdentifyPerson {
        /// Which number.
        identifier: Identifier,
    },
    /// Note that they leave a school.
    LeaveSchool {
        /// Which school.
        school: Uai,
        /// The last day.
        on: NaiveDate,
    },
}

/// Why it was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "kebab-case")]
pub enum PersonError {
    /// Nobody is known by this id.
    #[error("this person is not registered")]
    PersonNotRegistered,
    /// The id is taken.
    #[error("this person is already registered, under other names")]
    PersonAlreadyRegistered,
    /// A person has a family name and a first name. A service has one name.
    #[error("a person needs a family name and a first name")]
    NameMissing,
    /// In one school a person has one part at a time.
    #[error("this person already learns or works in this school")]
    AlreadyInSchool,
    /// Only who is in a school leaves it.
    #[error("this person neither learns nor works in this school")]
    NotInSchool,
    /// A number is not empty.
    #[error("an identifier needs a value")]
    IdentifierMissing,
    /// One leaves after one came.
    #[error("the last day lies before the first")]
    LeavesBeforeComing,
    /// What the law has destroyed is not written on.
    #[error("this person's identity was erased")]
    PersonErased,
}

/// All a decision needs to know.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub enum Person {
    /// Not known.
    #[default]
    None,
    /// Known.
    Registered(Box<Registered>),
    /// Known once; what was known is destroyed.
    Erased,
}

/// What is known of a person.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Registered {
    name: Name,
    birth_date: Option<NaiveDate>,
    language: Language,
    details: ContactDetails,
    schools: BTreeMap<Uai, (Part, NaiveDate)>,
    identifiers: BTreeMap<(Scheme, Option<Uai>), String>,
}

impl Person {
    /// The rules: what happens when `command` is given to this person.
    pub fn decide(&self, command: PersonCommand) -> Result<Vec<PersonEvent>, PersonError> {
        use PersonCommand as C;
        use PersonEvent as E;
        let known = match (self, command) {
            (Self::Erased, _) => return Err(PersonError::PersonErased),
            (Self::None, C::RegisterPerson { name, birth_date, language }) => {
                name.check()?;
                return Ok(vec![E::PersonRegistered { name, birth_date, language }]);
            }
            (Self::None, _) => return Err(PersonError::PersonNotRegistered),
            (Self::Registered(known), command) => (known, command),
        };
        let (event, changes) = match known {
            (known, C::RegisterPerson { name, birth_date, .. }) => {
                let same = known.name == name && known.birth_date == birth_date;
                return if same { Ok(vec![]) } else { Err(PersonError::PersonAlreadyRegistered) };
            }
            (known, C::RenamePerson { name }) => {
                name.check()?;
                let changes = known.name != name;
                (E::PersonRenamed { name }, changes)
            }
            (known, C::CorrectBirthDate { birth_date }) => {
                let changes = known.birth_date != Some(birth_date);
                (E::BirthDateCorrected { birth_date }, changes)
            }
            (known, C::GiveContactDetails { details }) => {
                let changes = known.details != details;
                (E::ContactDetailsGiven { details }, changes)
            }
            (known, C::ChooseLanguage { language }) => {
                (E::LanguageChosen { language }, known.language != language)
            }
            (known, C::EnrolStudent { school, ine, from }) => {
                let changes = known.comes_as(school, Part::Student, from)?;
                (E::StudentEnrolled { school, ine, from }, changes)
            }
            (known, C::AppointStaff { school, function, from }) => {
                let changes = known.comes_as(school, Part::Staff(function), from)?;
                (E::StaffAppointed { school, function, from }, changes)
            }
            (known, C::ChangeFunction { school, function, from }) => {
                return known.changes_function(school, function, from);
            }
            (known, C::IdentifyPerson { identifier }) => {
                if identifier.value.trim().is_empty() {
                    return Err(PersonError::IdentifierMissing);
                }
                let Identifier { scheme, school, value } = &identifier;
                let changes = known.identifiers.get(&(*scheme, *school)) != Some(value);
                (E::PersonIdentified { identifier }, changes)
            }
            (known, C::LeaveSchool { school, on }) => {
                let (_, from) = known.schools.get(&school).ok_or(PersonError::NotInSchool)?;
                if on < *from {
                    return Err(PersonError::LeavesBeforeComing);
                }
                (E::PersonLeftSchool { school, on }, true)
            }
        };
        Ok(if changes { vec![event] } else { vec![] })
    }

    /// The memory: cannot fail, decides nothing.
    #[must_use]
    pub fn evolve(self, event: PersonEvent) -> Self {
        use PersonEvent as E;
        let mut known = match (self, event) {
            (Self::None, E::PersonRegistered { name, birth_date, language }) => {
                let known = Registered {
                    name,
                    birth_date,
                    language,
                    details: ContactDetails::default(),
                    schools: BTreeMap::new(),
                    identifiers: BTreeMap::new(),
                };
                return Self::Registered(Box::new(known));
            }
            (Self::Registered(known), event) => (known, event),
            (unknown @ (Self::None | Self::Erased), _) => return unknown,
        };
        match known.1 {
            E::PersonRegistered { .. } => {}
            E::PersonRenamed { name } => known.0.name = name,
            E::BirthDateCorrected { birth_date } => known.0.birth_date = Some(birth_date),
            E::ContactDetailsGiven { details } => known.0.details = details,
            E::LanguageChosen { language } => known.0.language = language,
            E::StudentEnrolled { school, ine, from } => {
                known.0.schools.insert(school, (Part::Student, from));
                known.0.identifiers.extend(ine.map(|ine| ((Scheme::Ine, None), ine)));
            }
            E::StaffAppointed { school, function, from } => {
                known.0.schools.insert(school, (Part::Staff(function), from));
            }
            E::PersonIdentified { identifier: Identifier { scheme, school, value } } => {
                known.0.identifiers.insert((scheme, school), value);
            }
            E::PersonLeftSchool { school, .. } => {
                known.0.schools.remove(&school);
            }
        }
        Self::Registered(known.0)
    }
}

impl Registered {
    /// Whether coming to `school` in this part is news; an error if it contradicts what is known.
    fn comes_as(&self, school: Uai, part: Part, from: NaiveDate) -> Result<bool, PersonError> {
        match self.schools.get(&school) {
            None => Ok(true),
            Some(known) if *known == (part, from) => Ok(false),
            Some(_) => Err(PersonError::AlreadyInSchool),
        }
    }

    /// Whether working as something else is news; an error if they do not work there, or only later.
    fn changes_function(
        &self,
        school: Uai,
        function: Function,
        from: NaiveDate,
    ) -> Result<Vec<PersonEvent>, PersonError> {
        let since = match self.schools.get(&school) {
            None => return Err(PersonError::NotInSchool),
            Some((Part::Student, _)) => return Err(PersonError::AlreadyInSchool),
            Some((Part::Staff(known), _)) if *known == function => return Ok(vec![]),
            Some((Part::Staff(_), since)) => *since,
        };
        let on = from.pred_opt().filter(|on| *on >= since);
        let on = on.ok_or(PersonError::LeavesBeforeComing)?;
        let left = PersonEvent::PersonLeftSchool { school, on };
        Ok(vec![left, PersonEvent::StaffAppointed { school, function, from }])
    }
}

impl Aggregate for Person {
    const TYPE: &'static str = "person";
    type Command = PersonCommand;
    type Event = PersonEvent;
    type Error = PersonError;
    type Services = ();

    async fn handle(
        &mut self,
        command: PersonCommand,
        (): &(),
        sink: &EventSink<Self>,
    ) -> Result<(), PersonError> {
        for event in self.decide(command)? {
            sink.write(event, self).await;
        }
        Ok(())
    }

    fn apply(&mut self, event: PersonEvent) {
        *self = std::mem::take(self).evolve(event);
    }
}

impl Streamed for Person {
    type Id = PersonId;

    fn stream(id: PersonId) -> Stream {
        Stream::Person(id)
    }

    fn event(id: PersonId, event: PersonEvent) -> Event {
        Event::Person(id, event)
    }

    fn own(event: Event) -> Option<PersonEvent> {
        if let Event::Person(_, event) = event { Some(event) } else { None }
    }

    /// A person is erased whole, even if only one year's identity is: half a name is no name.
    fn forget(self) -> Self {
        Self::Erased
    }
}

impl DomainEvent for PersonEvent {
    fn event_type(&self) -> String {
        <&str>::from(self).to_owned()
    }

    fn event_version(&self) -> String {
        version_of(self)
    }
}

#[cfg(test)]
#[path = "people/tests.rs"]
mod tests;
