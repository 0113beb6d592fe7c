//! The rules of an alert: what happens when it is given a command.

use chrono::{DateTime, Utc};

use super::{
    Alert, AlertCommand, AlertError, AlertEvent, AlertRule, AlertSheet, CORRECTED_WITHIN, Call,
    Cancellation, Escalation, Outcome, Said, TASK_AFTER,
    message::{Answer, Fate, MessageSheet, Purpose},
};
use crate::{AccountId, MessageId, PersonId, RunId};

type Decision = Result<Vec<AlertEvent>, AlertError>;

impl Alert {
    /// The rules: what happens when `command` is given to this alert.
    pub fn decide(&self, command: AlertCommand) -> Decision {
        use AlertCommand as C;
        let sheet = match (self, command) {
            (Self::Erased, _) => return Err(AlertError::AlertErased),
            (Self::None, C::FollowFile { said, revision, .. }) => {
                return Ok(raised(said, revision).into_iter().collect());
            }
            (Self::None, _) => return Err(AlertError::NoSuchAlert),
            (Self::Raised(sheet), command) => (sheet, command),
        };
        match sheet {
            (sheet, C::FollowFile { said, revision, at }) => {
                Ok(sheet.follow_file(said, revision, at))
            }
            (sheet, C::ClaimMessage { message, to, channel, purpose, run, until, now }) => {
                sheet.may_claim(message, (to, purpose), run, now)?;
                Ok(vec![AlertEvent::MessageClaimed { message, to, channel, purpose, run, until }])
            }
            (sheet, C::RecordAnswer { message, run, answer }) => {
                sheet.answered(message, run, answer)
            }
            (sheet, C::Acknowledge { by }) => {
                let known = sheet.seen_by.contains(&by);
                Ok(if known { vec![] } else { vec![AlertEvent::AlertSeen { by }] })
            }
            (sheet, C::Escalate { why }) => sheet.escalate(why),
            (sheet, C::TakeOn { by }) => sheet.take_on(by),
            (sheet, C::Close { by, outcome }) => sheet.close(by, outcome),
        }
    }
}

/// The alert that a word of the attendance file calls for, if it does. An alert that falls due when its
/// half-day is nearly over has as long as the office is given before it is asked to call.
fn raised(said: Said, follows: u64) -> Option<AlertEvent> {
    match said {
        Said::Unexplained { since, ends, due } => {
            let rule = AlertRule::UnexplainedAbsence;
            let until = ends.max(due + TASK_AFTER);
            Some(AlertEvent::AlertRaised { rule, since, due, until, follows })
        }
        Said::Nothing(_) => None,
    }
}

impl AlertSheet {
    fn follow_file(&self, said: Said, revision: u64, at: DateTime<Utc>) -> Vec<AlertEvent> {
        if revision <= self.follows {
            return vec![];
        }
        match (said, self.cancelled) {
            (Said::Unexplained { .. }, Some(_)) => raised(said, revision).into_iter().collect(),
            (Said::Nothing(because), None) => {
                let (until, follows) = (at + CORRECTED_WITHIN, revision);
                vec![AlertEvent::AlertCancelled { because, until, follows }]
            }
            // A family that was told that the absence is explained may have to be told that it was none.
            (Said::Nothing(Cancellation::NotAbsent), Some(Cancellation::Explained)) => {
                let (until, follows) = (at + CORRECTED_WITHIN, revision);
                let because = Cancellation::NotAbsent;
                vec![AlertEvent::AlertCancelled { because, until, follows }]
            }
            (Said::Unexplained { .. }, None)
            | (Said::Nothing(Cancellation::NotAbsent), Some(Cancellation::NotAbsent))
            | (Said::Nothing(Cancellation::Explained), Some(_)) => vec![],
        }
    }

    fn may_claim(
        &self,
        message: MessageId,
        (to, purpose): (PersonId, Purpose),
        run: RunId,
        now: DateTime<Utc>,
    ) -> Result<(), AlertError> {
        match purpose {
            Purpose::Absence if self.cancelled.is_some() => {
                return Err(AlertError::AlertIsCancelled);
            }
            Purpose::Absence => {}
            Purpose::Correction if !self.owes_correction(to) => {
                return Err(AlertError::NothingToCorrect);
            }
            Purpose::Correction => {}
        }
        if now >= self.until {
            return Err(AlertError::AlertTooOld);
        }
        if self.is_told(to, purpose) {
            return Err(AlertError::MessageSettled);
        }
        // Whoever knows of another sibling calls it another message: it says the same to the same person.
        let elsewhere = |known: &MessageSheet| {
            let same = (known.round, known.to, known.purpose) == (self.round, to, purpose);
            same && known.is_claimed_by_another(run, now)
        };
        if self.messages.values().any(elsewhere) {
            return Err(AlertError::ClaimedByAnother);
        }
        match self.messages.get(&message).map(|known| known.fate) {
            Some(Fate::Accepted | Fate::Delivered | Fate::Undeliverable { .. }) => {
                Err(AlertError::MessageSettled)
            }
            None | Some(Fate::Claimed { .. } | Fate::Deferred { .. } | Fate::Uncertain { .. }) => {
                Ok(())
            }
        }
    }

    /// Whether somebody was told this in this round, by whichever channel.
    pub(super) fn is_told(&self, to: PersonId, purpose: Purpose) -> bool {
        let mut of_round = self.messages.values().filter(|known| known.round == self.round);
        of_round.any(|known| known.to == to && known.purpose == purpose && known.is_sent())
    }

    /// Whether somebody may have read in this round that the student is away, which is wrong.
    pub(super) fn owes_correction(&self, to: PersonId) -> bool {
        let mut of_round = self.messages.values().filter(|known| known.round == self.round);
        self.cancelled == Some(Cancellation::NotAbsent)
            && of_round.any(|known| {
                known.to == to && known.purpose == Purpose::Absence && known.may_be_read()
            })
    }

    /// What a provider said of a message, by whoever holds the claim; or later, of one it has taken.
    fn answered(&self, message: MessageId, run: RunId, answer: Answer) -> Decision {
        use AlertEvent as E;
        let fate = self.messages.get(&message).map(|known| known.fate);
        let taken = match fate {
            None | Some(Fate::Deferred { .. } | Fate::Uncertain { .. }) => {
                return Err(AlertError::ClaimLost);
            }
            Some(Fate::Claimed { run: holder, .. }) if holder != run => {
                return Err(AlertError::ClaimLost);
            }
            Some(Fate::Claimed { .. }) => false,
            Some(Fate::Accepted) => true,
            Some(Fate::Delivered | Fate::Undeliverable { .. }) => return Ok(vec![]),
        };
        Ok(match answer {
            Answer::Accepted { .. } if taken => vec![],
            Answer::Accepted { reference } => vec![E::MessageAccepted { message, reference }],
            Answer::Delivered => vec![E::MessageDelivered { message }],
            Answer::Undeliverable { why } => vec![E::MessageUndeliverable { message, why }],
            Answer::Later { .. } | Answer::Uncertain { .. } if taken => vec![],
            Answer::Later { why, not_before } => {
                vec![E::MessageDeferred { message, why, not_before }]
            }
            Answer::Uncertain { why, not_before } => {
                vec![E::MessageUncertain { message, why, not_before }]
            }
        })
    }

    fn escalate(&self, why: Escalation) -> Decision {
        if self.cancelled.is_some() {
            return Err(AlertError::AlertIsCancelled);
        }
        Ok(match self.call {
            Call::None => vec![AlertEvent::AlertEscalated { why }],
            Call::Asked { .. } | Call::TakenOn { .. } | Call::Closed { .. } => vec![],
        })
    }

    fn take_on(&self, by: AccountId) -> Decision {
        match self.call {
            Call::None => Err(AlertError::NoCallAsked),
            Call::Asked { .. } => Ok(vec![AlertEvent::AlertTakenOn { by }]),
            Call::TakenOn { by: known, .. } if known == by => Ok(vec![]),
            Call::TakenOn { .. } => Err(AlertError::TakenOnByAnother),
            Call::Closed { .. } => Err(AlertError::CallAlreadyClosed),
        }
    }

    /// Whoever closes a call that nobody has taken on has taken it on.
    fn close(&self, by: AccountId, outcome: Outcome) -> Decision {
        let closed = AlertEvent::AlertClosed { outcome };
        match self.call {
            Call::None => Err(AlertError::NoCallAsked),
            Call::Asked { .. } => Ok(vec![AlertEvent::AlertTakenOn { by }, closed]),
            Call::TakenOn { by: known, .. } if known == by => Ok(vec![closed]),
            Call::TakenOn { .. } => Err(AlertError::TakenOnByAnother),
            Call::Closed { outcome: known } if known == outcome => Ok(vec![]),
            Call::Closed { .. } => Err(AlertError::CallAlreadyClosed),
        }
    }
}
