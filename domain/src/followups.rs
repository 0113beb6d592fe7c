//! Follow-ups: what the law asks for when a student's absences repeat themselves within a month (code de
//! l'éducation, R131-6, R131-7; circulaire 2014-159 of 24 December 2014).
//!
//! There is one per student, month and step. It is opened and lapses by reaction: whenever a file or
//! the timetable changes, the month is counted anew ([`ladder`]). Counts are no events; that the school
//! was asked to act, on which day and under which rule, is one. What it did then (who met, who was told,
//! who spoke with whom) is noted here, in codes and never in free words: a dossier that goes to the
//! academy says what was done, not what somebody thought of a family.

mod id;
pub mod ladder;

use chrono::{DateTime, NaiveDate, Utc};
use cqrs_es::{Aggregate, DomainEvent, event_sink::EventSink};
use serde::{Deserialize, Serialize};
use strum::{IntoStaticStr, VariantNames};
use utoipa::ToSchema;

use crate::{AccountId, Event, PersonId, Stream, Streamed, version_of};

pub use id::{FollowUpId, NotAFollowUp, Step};
use ladder::{LegalMonth, Stretch};

/// What happened. All of it is sealed with the student's attendance file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, IntoStaticStr, VariantNames)]
pub enum FollowUpEvent {
    /// A student's absences of a month have reached a step.
    FollowUpOpened {
        /// The rule that says so.
        rule: FollowUpRule,
        /// What it takes for a month.
        legal_month: LegalMonth,
        /// The month.
        month: Stretch,
        /// The school's local day on which it was counted.
        on: NaiveDate,
    },
    /// After a correction they no longer reach it.
    FollowUpLapsed {
        /// The school's local day on which it was counted.
        on: NaiveDate,
    },
    /// The school did what the law asks for.
    FollowUpMeasureNoted {
        /// What.
        measure: Measure,
        /// On which day.
        on: NaiveDate,
    },
    /// Somebody of the school spoke with the student or the family, or tried to.
    FollowUpContactMade {
        /// Who, with whom, and what came of it.
        contact: Contact,
    },
    /// Nothing more is to be done.
    FollowUpClosed {
        /// Why.
        because: Closing,
    },
}

/// The rules that ask for a follow-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum FollowUpRule {
    /// Half-days of a month without a receivable reason; four or more, ten or more.
    #[serde(rename = "half-days-per-month/1")]
    HalfDaysPerMonth,
    /// Latenesses of a month without a receivable reason, as many as the school has set or more.
    #[serde(rename = "latenesses-per-month/1")]
    LatenessesPerMonth,
    /// Early departures of a month without a receivable reason, as many as the school has set or more.
    #[serde(rename = "departures-per-month/1")]
    DeparturesPerMonth,
}

/// What the law asks of a school, step by step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Measure {
    /// The head or the CPE spoke with the family (R131-6).
    Dialogue,
    /// Those who answer for the student were written to.
    LetterSent,
    /// The *équipe éducative* met.
    EquipeEducative,
    /// The *commission éducative* met (second degree, R131-7).
    CommissionEducative,
    /// What is to help was written down and signed with the family.
    PlanSigned,
    /// Somebody of the school was named to follow the measures (R131-7).
    ReferentNamed,
    /// The academy (DASEN) was informed (R131-7).
    DasenInformed,
    /// The public prosecutor was informed, by the academy.
    ProsecutorInformed,
}

/// That somebody of the school spoke with the student or the family, or tried to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Contact {
    /// Who.
    pub by: AccountId,
    /// With whom.
    pub with: PersonId,
    /// How.
    pub way: Way,
    /// When.
    pub at: DateTime<Utc>,
    /// What came of it.
    pub outcome: ContactOutcome,
}

/// How somebody was spoken with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Way {
    /// By telephone.
    Telephone,
    /// Face to face.
    Meeting,
    /// By letter or mail.
    Letter,
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ContactOutcome {
    /// They have spoken.
    Spoken,
    /// They will meet.
    AppointmentMade,
    /// A message was left.
    MessageLeft,
    /// Nobody answered, or came.
    NoAnswer,
}

/// Why nothing more is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Closing {
    /// The student attends again.
    AttendsAgain,
    /// The academy has taken over.
    HandedOn,
    /// The student has left the school.
    LeftSchool,
}

/// What someone asks for.
#[derive(Clone, Debug)]
pub enum FollowUpCommand {
    /// The month has reached the step.
    Open {
        /// The rule that says so.
        rule: FollowUpRule,
        /// What it takes for a month.
        legal_month: LegalMonth,
        /// The month.
        month: Stretch,
        /// The school's local day.
        on: NaiveDate,
    },
    /// It no longer does.
    Lapse {
        /// The school's local day.
        on: NaiveDate,
    },
    /// Note what the school did.
    NoteMeasure {
        /// What.
        measure: Measure,
        /// On which day.
        on: NaiveDate,
        /// The school's local day.
        today: NaiveDate,
    },
    /// Note who spoke with whom.
    NoteContact {
        /// Who, with whom, and what came of it.
        contact: Contact,
        /// The instant.
        now: DateTime<Utc>,
    },
    /// Say that nothing more is to be done.
    Close {
        /// Why.
        because: Closing,
    },
}

/// Why it was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "kebab-case")]
pub enum FollowUpError {
    /// Only what was reached is followed up.
    #[error("the student's absences did not reach this step in this month")]
    NoSuchFollowUp,
    /// What does not stand is not closed.
    #[error("this follow-up has lapsed: the absences no longer reach the step")]
    FollowUpHasLapsed,
    /// What was closed stays closed.
    #[error("this follow-up was closed: nothing more is noted in it")]
    FollowUpAlreadyClosed,
    /// What is noted has happened.
    #[error("this has not happened yet: note it once it has")]
    NotHappenedYet,
    /// What the law has destroyed is not written on.
    #[error("this follow-up was erased")]
    FollowUpErased,
}

/// All a decision needs to know.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub enum FollowUp {
    /// Never opened.
    #[default]
    None,
    /// Opened, whatever became of it.
    Opened(Box<FollowUpSheet>),
    /// Opened once; what was done is destroyed.
    Erased,
}

/// A follow-up as it stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct FollowUpSheet {
    /// The rule that asked for it.
    pub rule: FollowUpRule,
    /// What it takes for a month.
    pub legal_month: LegalMonth,
    /// The month.
    pub month: Stretch,
    /// The day on which it was last opened.
    pub opened_on: NaiveDate,
    /// Whether it stands.
    pub standing: Standing,
    /// Why nothing more is to be done, once it was closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_because: Option<Closing>,
    /// What the school did, in the order in which it was noted.
    pub measures: Vec<MeasureTaken>,
    /// Who spoke with whom, in the order in which it was noted.
    pub contacts: Vec<Contact>,
}

/// Whether a follow-up stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// Something is to be done.
    Open,
    /// A correction has taken its ground away.
    Lapsed,
    /// Nothing more is to be done.
    Closed,
}

/// What the school did, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MeasureTaken {
    /// What.
    pub measure: Measure,
    /// On which day.
    pub on: NaiveDate,
}

impl Step {
    /// What the law asks for at this step, in order, of a school of the second degree: those are the ones
    /// that SIECLE describes. Of repeated latenesses and departures it asks the dialogue that repeated
    /// absences call for.
    pub fn asks(self) -> &'static [Measure] {
        use Measure as M;
        match self {
            Self::FourHalfDays => {
                &[M::Dialogue, M::CommissionEducative, M::PlanSigned, M::DasenInformed]
            }
            Self::TenHalfDays => {
                &[M::EquipeEducative, M::PlanSigned, M::ReferentNamed, M::DasenInformed]
            }
            Self::Lateness | Self::Departures => &[M::Dialogue],
        }
    }
}

impl FollowUp {
    /// The rules: what happens when `command` is given to this follow-up.
    pub fn decide(&self, command: FollowUpCommand) -> Result<Vec<FollowUpEvent>, FollowUpError> {
        use FollowUpCommand as C;
        use FollowUpEvent as E;
        let (sheet, command) = match (self, command) {
            (Self::Erased, _) => return Err(FollowUpError::FollowUpErased),
            (Self::None, C::Open { rule, legal_month, month, on }) => {
                return Ok(vec![E::FollowUpOpened { rule, legal_month, month, on }]);
            }
            (Self::None, C::Lapse { .. }) => return Ok(vec![]),
            (Self::None, _) => return Err(FollowUpError::NoSuchFollowUp),
            (Self::Opened(sheet), command) => (sheet, command),
        };
        match (sheet.standing, command) {
            (Standing::Lapsed, C::Open { rule, legal_month, month, on }) => {
                Ok(vec![E::FollowUpOpened { rule, legal_month, month, on }])
            }
            (Standing::Open, C::Lapse { on }) => Ok(vec![E::FollowUpLapsed { on }]),
            (Standing::Open | Standing::Closed, C::Open { .. })
            | (Standing::Lapsed | Standing::Closed, C::Lapse { .. }) => Ok(vec![]),
            (_, C::NoteMeasure { on, today, .. }) if on > today => {
                Err(FollowUpError::NotHappenedYet)
            }
            (_, C::NoteMeasure { measure, on, .. })
                if sheet.measures.contains(&MeasureTaken { measure, on }) =>
            {
                Ok(vec![])
            }
            (_, C::NoteContact { contact, now }) if contact.at > now => {
                Err(FollowUpError::NotHappenedYet)
            }
            (_, C::NoteContact { contact, .. }) if sheet.contacts.contains(&contact) => Ok(vec![]),
            (Standing::Closed, C::Close { because }) if sheet.closed_because == Some(because) => {
                Ok(vec![])
            }
            (Standing::Closed, _) => Err(FollowUpError::FollowUpAlreadyClosed),
            // What was done before the correction was done.
            (Standing::Open | Standing::Lapsed, C::NoteMeasure { measure, on, .. }) => {
                Ok(vec![E::FollowUpMeasureNoted { measure, on }])
            }
            (Standing::Open | Standing::Lapsed, C::NoteContact { contact, .. }) => {
                Ok(vec![E::FollowUpContactMade { contact }])
            }
            (Standing::Open, C::Close { because }) => Ok(vec![E::FollowUpClosed { because }]),
            (Standing::Lapsed, C::Close { .. }) => Err(FollowUpError::FollowUpHasLapsed),
        }
    }

    /// The memory: cannot fail, decides nothing.
    #[must_use]
    pub fn evolve(self, event: &FollowUpEvent) -> Self {
        match (self, event) {
            (Self::Erased, _) => Self::Erased,
            (Self::None, FollowUpEvent::FollowUpOpened { rule, legal_month, month, on }) => {
                Self::Opened(Box::new(FollowUpSheet {
                    rule: *rule,
                    legal_month: *legal_month,
                    month: *month,
                    opened_on: *on,
                    standing: Standing::Open,
                    closed_because: None,
                    measures: Vec::new(),
                    contacts: Vec::new(),
                }))
            }
            (Self::None, _) => Self::None,
            (Self::Opened(mut sheet), event) => {
                sheet.follow(event);
                Self::Opened(sheet)
            }
        }
    }
}

impl FollowUpSheet {
    fn follow(&mut self, event: &FollowUpEvent) {
        match *event {
            FollowUpEvent::FollowUpOpened { rule, legal_month, month, on } => {
                (self.rule, self.legal_month, self.month) = (rule, legal_month, month);
                (self.opened_on, self.standing) = (on, Standing::Open);
            }
            FollowUpEvent::FollowUpLapsed { .. } => self.standing = Standing::Lapsed,
            FollowUpEvent::FollowUpMeasureNoted { measure, on } => {
                self.measures.push(MeasureTaken { measure, on });
            }
            FollowUpEvent::FollowUpContactMade { contact } => self.contacts.push(contact),
            FollowUpEvent::FollowUpClosed { because } => {
                (self.standing, self.closed_because) = (Standing::Closed, Some(because));
            }
        }
    }
}

impl Aggregate for FollowUp {
    const TYPE: &'static str = "follow-up";
    type Command = FollowUpCommand;
    type Event = FollowUpEvent;
    type Error = FollowUpError;
    type Services = ();

    async fn handle(
        &mut self,
        command: FollowUpCommand,
        (): &(),
        sink: &EventSink<Self>,
    ) -> Result<(), FollowUpError> {
        for event in self.decide(command)? {
            sink.write(event, self).await;
        }
        Ok(())
    }

    fn apply(&mut self, event: FollowUpEvent) {
        *self = std::mem::take(self).evolve(&event);
    }
}

impl Streamed for FollowUp {
    type Id = FollowUpId;

    fn stream(id: FollowUpId) -> Stream {
        Stream::FollowUp(id)
    }

    fn event(id: FollowUpId, event: FollowUpEvent) -> Event {
        Event::FollowUp(id, event)
    }

    fn own(event: Event) -> Option<FollowUpEvent> {
        if let Event::FollowUp(_, event) = event { Some(event) } else { None }
    }

    fn forget(self) -> Self {
        Self::Erased
    }
}

impl DomainEvent for FollowUpEvent {
    fn event_type(&self) -> String {
        <&str>::from(self).to_owned()
    }

    fn event_version(&self) -> String {
        version_of(self)
    }
}

#[cfg(test)]
#[path = "followups/tests.rs"]
mod tests;
