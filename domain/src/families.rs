//! Families: who answers for a student, from when to when, in which home.
//!
//! Both parents are told the same things, together or not (code civil, 371-1, 372, 373-2-1), unless
//! a judgment says otherwise: a restriction needs the reference of its document. Nothing is edited:
//! a link whose terms change is ended and recorded anew.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use cqrs_es::{Aggregate, DomainEvent, event_sink::EventSink};
use serde::{Deserialize, Serialize};
use strum::{IntoStaticStr, VariantNames};
use utoipa::ToSchema;

use crate::{Event, PersonId, Stream, Streamed, StudentId, version_of};

/// What happened. All of it is sealed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, IntoStaticStr, VariantNames)]
pub enum FamilyEvent {
    /// Someone answers for the student.
    GuardianshipRecorded {
        /// Who.
        guardian: PersonId,
        /// As what.
        terms: Terms,
        /// The first day.
        from: NaiveDate,
    },
    /// A judgment takes a guardian's rights away.
    GuardianshipRestricted {
        /// Whose.
        guardian: PersonId,
        /// The first day of the restriction.
        from: NaiveDate,
        /// The reference of the judgment.
        document: String,
    },
    /// A judgment gives a guardian's rights back.
    GuardianshipRestored {
        /// Whose.
        guardian: PersonId,
        /// The first day without restriction.
        from: NaiveDate,
        /// The reference of the judgment.
        document: String,
    },
    /// Someone no longer answers for the student.
    GuardianshipEnded {
        /// Who.
        guardian: PersonId,
        /// The day the link began.
        since: NaiveDate,
        /// The last day.
        on: NaiveDate,
    },
}

/// The terms of a link between a guardian and a student.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Terms {
    /// What they are to each other.
    pub link: Link,
    /// What the guardian may decide.
    pub authority: Authority,
    /// Where the student lives with them.
    pub home: Home,
    /// Whom to call first: 1, 2, 3…
    pub contact_order: u8,
}

/// What a guardian is to a student: the national codes (SIECLE `CODE_PARENTE`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Link {
    /// 10.
    Mother,
    /// 20.
    Father,
    /// 37: brother or sister.
    Sibling,
    /// 38: grandparent.
    Ascendant,
    /// 39: other member of the family.
    OtherFamily,
    /// 41.
    Educator,
    /// 42.
    FosterCarer,
    /// 43.
    Childminder,
    /// 50.
    Tutor,
    /// 51: *aide sociale à l'enfance*.
    ChildWelfare,
    /// 70: a student of age who answers for themself.
    OwnResponsible,
    /// 90.
    Other,
}

/// What a guardian may decide (levels 1 to 3 of the national files).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Authority {
    /// Legal representative who exercises parental authority.
    Exercised,
    /// A parent without its exercise: informed of what matters (code civil, 373-2-1).
    SurveillanceOnly,
    /// Has the student in charge.
    InCharge,
    /// To be reached in an emergency.
    Contact,
}

/// A student of two homes has guardians in both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Home {
    /// The home that letters go to first.
    First,
    /// The other home.
    Second,
    /// The student does not live with them.
    Elsewhere,
}

/// What someone asks for.
#[derive(Clone, Debug)]
pub enum FamilyCommand {
    /// Record that someone answers for the student, or on other terms than before.
    RecordGuardianship {
        /// For whom.
        student: StudentId,
        /// Who.
        guardian: PersonId,
        /// As what.
        terms: Terms,
        /// The first day.
        from: NaiveDate,
    },
    /// Take note of a judgment that takes rights away.
    RestrictGuardianship {
        /// Whose.
        guardian: PersonId,
        /// The first day of the restriction.
        from: NaiveDate,
        /// The reference of the judgment.
        document: String,
    },
    /// Take note of a judgment that gives rights back.
    RestoreGuardianship {
        /// Whose.
        guardian: PersonId,
        /// The first day without restriction.
        from: NaiveDate,
        /// The reference of the judgment.
        document: String,
    },
    /// End the link.
    EndGuardianship {
        /// Whose.
        guardian: PersonId,
        /// The last day.
        on: NaiveDate,
    },
}

/// Why it was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "kebab-case")]
pub enum FamilyError {
    /// Only a guardian's link is restricted or ended.
    #[error("this person is not a guardian of this student")]
    NotAGuardian,
    /// New terms begin after the old ones.
    #[error("the link already has these or later terms: new ones begin on a later day")]
    TermsNotLater,
    /// A right is only taken or given back by a judgment.
    #[error("a judgment is needed: give the reference of its document")]
    DocumentMissing,
    /// A link is restricted once at a time.
    #[error("this guardian is already restricted, by another judgment or from another day")]
    AlreadyRestricted,
    /// Only what was taken is given back.
    #[error("this guardian is not restricted")]
    NotRestricted,
    /// A link ends, and is restricted, after it began.
    #[error("this day lies before the link begins")]
    BeforeTheLink,
    /// A student does not answer for themself as somebody else would.
    #[error("only a student of age answers for themself, with the link own-responsible")]
    OwnGuardian,
}

/// All a decision needs to know: the links that are open, and the judgments in force. A judgment
/// outlives the link: whoever is recorded again is restricted again.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Family {
    guardians: BTreeMap<PersonId, OpenLink>,
    restricted: BTreeMap<PersonId, (NaiveDate, String)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct OpenLink {
    terms: Terms,
    from: NaiveDate,
}

impl Family {
    /// The rules: what happens when `command` is given to this family.
    pub fn decide(&self, command: FamilyCommand) -> Result<Vec<FamilyEvent>, FamilyError> {
        use FamilyCommand as C;
        use FamilyEvent as E;
        match command {
            C::RecordGuardianship { student, guardian, terms, from } => {
                if (guardian == student.person()) != (terms.link == Link::OwnResponsible) {
                    return Err(FamilyError::OwnGuardian);
                }
                let recorded = E::GuardianshipRecorded { guardian, terms, from };
                let ended = match self.guardians.get(&guardian) {
                    None => None,
                    Some(link) if (link.terms, link.from) == (terms, from) => return Ok(vec![]),
                    Some(link) if from <= link.from => return Err(FamilyError::TermsNotLater),
                    Some(link) => {
                        let on = from.pred_opt().unwrap_or(from);
                        Some(E::GuardianshipEnded { guardian, since: link.from, on })
                    }
                };
                let restricted = self.restricted.get(&guardian).map(|(since, document)| {
                    let (from, document) = (from.max(*since), document.clone());
                    E::GuardianshipRestricted { guardian, from, document }
                });
                Ok(ended.into_iter().chain([recorded]).chain(restricted).collect())
            }
            C::RestrictGuardianship { guardian, from, document } => {
                self.link(guardian, from)?;
                check_document(&document)?;
                match self.restricted.get(&guardian) {
                    None => Ok(vec![E::GuardianshipRestricted { guardian, from, document }]),
                    Some(known) if *known == (from, document) => Ok(vec![]),
                    Some(_) => Err(FamilyError::AlreadyRestricted),
                }
            }
            C::RestoreGuardianship { guardian, from, document } => {
                self.link(guardian, from)?;
                check_document(&document)?;
                if self.restricted.contains_key(&guardian) {
                    Ok(vec![E::GuardianshipRestored { guardian, from, document }])
                } else {
                    Err(FamilyError::NotRestricted)
                }
            }
            C::EndGuardianship { guardian, on } => {
                let since = self.link(guardian, on)?.from;
                Ok(vec![E::GuardianshipEnded { guardian, since, on }])
            }
        }
    }

    /// The memory: cannot fail, decides nothing.
    #[must_use]
    pub fn evolve(mut self, event: FamilyEvent) -> Self {
        match event {
            FamilyEvent::GuardianshipRecorded { guardian, terms, from } => {
                self.guardians.insert(guardian, OpenLink { terms, from });
            }
            FamilyEvent::GuardianshipRestricted { guardian, from, document } => {
                self.restricted.insert(guardian, (from, document));
            }
            FamilyEvent::GuardianshipRestored { guardian, .. } => {
                self.restricted.remove(&guardian);
            }
            FamilyEvent::GuardianshipEnded { guardian, .. } => {
                self.guardians.remove(&guardian);
            }
        }
        self
    }

    fn link(&self, guardian: PersonId, day: NaiveDate) -> Result<&OpenLink, FamilyError> {
        let link = self.guardians.get(&guardian).ok_or(FamilyError::NotAGuardian)?;
        if day < link.from { Err(FamilyError::BeforeTheLink) } else { Ok(link) }
    }
}

fn check_document(reference: &str) -> Result<(), FamilyError> {
    if reference.trim().is_empty() { Err(FamilyError::DocumentMissing) } else { Ok(()) }
}

impl Aggregate for Family {
    const TYPE: &'static str = "family";
    type Command = FamilyCommand;
    type Event = FamilyEvent;
    type Error = FamilyError;
    type Services = ();

    async fn handle(
        &mut self,
        command: FamilyCommand,
        (): &(),
        sink: &EventSink<Self>,
    ) -> Result<(), FamilyError> {
        for event in self.decide(command)? {
            sink.write(event, self).await;
        }
        Ok(())
    }

    fn apply(&mut self, event: FamilyEvent) {
        *self = std::mem::take(self).evolve(event);
    }
}

impl Streamed for Family {
    type Id = StudentId;

    fn stream(id: StudentId) -> Stream {
        Stream::Family(id)
    }

    fn event(id: StudentId, event: FamilyEvent) -> Event {
        Event::Family(id, event)
    }

    fn own(event: Event) -> Option<FamilyEvent> {
        if let Event::Family(_, event) = event { Some(event) } else { None }
    }

    /// A link that was erased is no link; those of later years stay.
    fn forget(self) -> Self {
        self
    }
}

impl DomainEvent for FamilyEvent {
    fn event_type(&self) -> String {
        <&str>::from(self).to_owned()
    }

    fn event_version(&self) -> String {
        version_of(self)
    }
}

#[cfg(test)]
mod tests {
    use cqrs_es::test::{AggregateTestExecutor, TestFramework};
    use uuid::Uuid;

    use super::*;

    const STUDENT: StudentId = StudentId(Uuid::from_u128(1));
    const MOTHER: PersonId = PersonId(Uuid::from_u128(2));

    #[test]
    fn recording_a_guardian_again_changes_nothing() {
        given([recorded("2026-09-01")]).when(record("2026-09-01")).then_expect_events(vec![]);
    }

    #[test]
    fn new_terms_end_the_old_ones_the_day_before() {
        let terms = Terms { home: Home::Second, ..terms() };
        let command = FamilyCommand::RecordGuardianship {
            student: STUDENT,
            guardian: MOTHER,
            terms,
            from: day("2026-11-02"),
        };
        given([recorded("2026-09-01")]).when(command).then_expect_events(vec![
            ended("2026-11-01"),
            FamilyEvent::GuardianshipRecorded { guardian: MOTHER, terms, from: day("2026-11-02") },
        ]);
    }

    #[test]
    fn a_judgment_outlives_the_terms_it_was_given_under() {
        given([recorded("2026-09-01"), restricted("2026-10-01")])
            .when(record("2026-11-02"))
            .then_expect_events(vec![
                ended("2026-11-01"),
                recorded("2026-11-02"),
                restricted("2026-11-02"),
            ]);
    }

    #[test]
    fn a_judgment_outlives_the_link_it_was_given_under() {
        given([recorded("2026-09-01"), restricted("2026-10-01"), ended("2026-10-15")])
            .when(record("2026-11-02"))
            .then_expect_events(vec![recorded("2026-11-02"), restricted("2026-11-02")]);
    }

    #[test]
    fn new_terms_begin_after_the_old_ones() {
        given([recorded("2026-09-01")])
            .when(record("2026-08-31"))
            .then_expect_error(FamilyError::TermsNotLater);
    }

    #[test]
    fn a_student_is_not_their_own_mother() {
        let command = FamilyCommand::RecordGuardianship {
            student: STUDENT,
            guardian: STUDENT.person(),
            terms: terms(),
            from: day("2026-09-01"),
        };
        given([]).when(command).then_expect_error(FamilyError::OwnGuardian);
    }

    #[test]
    fn a_restriction_needs_a_judgment() {
        given([recorded("2026-09-01")])
            .when(restrict("2026-10-01", " "))
            .then_expect_error(FamilyError::DocumentMissing);
    }

    #[test]
    fn a_restriction_does_not_begin_before_the_link() {
        given([recorded("2026-09-01")])
            .when(restrict("2026-08-01", "JAF 26/1"))
            .then_expect_error(FamilyError::BeforeTheLink);
    }

    #[test]
    fn a_restricted_guardian_is_not_restricted_by_another_judgment() {
        given([recorded("2026-09-01"), restricted("2026-10-01")])
            .when(restrict("2026-10-01", "JAF 26/2"))
            .then_expect_error(FamilyError::AlreadyRestricted);
    }

    #[test]
    fn only_what_was_taken_is_given_back() {
        let command = FamilyCommand::RestoreGuardianship {
            guardian: MOTHER,
            from: day("2026-10-01"),
            document: "JAF 26/3".to_owned(),
        };
        given([recorded("2026-09-01")]).when(command).then_expect_error(FamilyError::NotRestricted);
    }

    #[test]
    fn nobody_else_is_ended() {
        let command = FamilyCommand::EndGuardianship { guardian: MOTHER, on: day("2026-10-01") };
        given([]).when(command).then_expect_error(FamilyError::NotAGuardian);
    }

    fn given<const N: usize>(events: [FamilyEvent; N]) -> AggregateTestExecutor<Family> {
        TestFramework::with(()).given(events.into())
    }

    fn terms() -> Terms {
        Terms {
            link: Link::Mother,
            authority: Authority::Exercised,
            home: Home::First,
            contact_order: 1,
        }
    }

    fn record(from: &str) -> FamilyCommand {
        let from = day(from);
        FamilyCommand::RecordGuardianship {
            student: STUDENT,
            guardian: MOTHER,
            terms: terms(),
            from,
        }
    }

    fn recorded(from: &str) -> FamilyEvent {
        FamilyEvent::GuardianshipRecorded { guardian: MOTHER, terms: terms(), from: day(from) }
    }

    fn restrict(from: &str, document: &str) -> FamilyCommand {
        let document = document.to_owned();
        FamilyCommand::RestrictGuardianship { guardian: MOTHER, from: day(from), document }
    }

    fn restricted(from: &str) -> FamilyEvent {
        let document = "JAF 26/1".to_owned();
        FamilyEvent::GuardianshipRestricted { guardian: MOTHER, from: day(from), document }
    }

    fn ended(on: &str) -> FamilyEvent {
        let since = day("2026-09-01");
        FamilyEvent::GuardianshipEnded { guardian: MOTHER, since, on: day(on) }
    }

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }
}
