//! The reasons that a school knows for an absence, as versioned data.
//!
//! No public national list exists: codes are ours and stable, labels are the school's, and what the
//! law thinks of a reason is said once, here, beside it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::SchoolError;

/// One version of the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReasonList {
    /// 1, 2, 3…
    pub version: u32,
    /// All reasons of this version.
    pub reasons: Vec<Reason>,
}

/// A reason for an absence, and what becomes of an absence that the school explains with it.
///
/// Three independent flags, in the words of parents' federations: *motivée* (a reason is known),
/// *recevable* (it was judged good), *régularisée* (nothing more is asked of the family).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Reason {
    /// Ours, stable: `illness`.
    pub code: String,
    /// What families read.
    pub label: String,
    /// What those read who need not know that it is about health or religion.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub neutral_label: Option<String>,
    /// Whether the label reveals health or religion.
    #[serde(default)]
    pub sensitive: bool,
    /// What the law says of it.
    pub legitimacy: Legitimacy,
    /// *Motivée*: whether giving it explains the absence. "Unknown" and "no answer" do not.
    pub explains: bool,
    /// *Recevable*: what the school judges at once, if it needs no look at the case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receivable: Option<bool>,
    /// *Régularisée*: whether nothing more is asked of the family, as for a timetable error.
    #[serde(default)]
    pub regularises: bool,
    /// Whether the student was in the school's care all the same: infirmary, library (CDI), study
    /// hall, trip. Such an absence from a lesson counts no half-day.
    #[serde(default)]
    pub in_care: bool,
    /// Whether it can no longer be given; what was explained with it stays readable.
    #[serde(default)]
    pub closed: bool,
}

/// What the law says of a reason (code de l'éducation, L131-8).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Legitimacy {
    /// L131-8: illness of the child.
    ChildIll,
    /// L131-8: transmissible illness of a member of the family.
    FamilyIllTransmissible,
    /// L131-8: solemn meeting of the family.
    SolemnFamilyMeeting,
    /// L131-8: accidental difficulty of communications.
    CommunicationsDifficulty,
    /// L131-8: temporary absence of the responsible persons, whom the child follows.
    FollowsResponsiblePersons,
    /// Not in the law's list, accepted by the authority that judges.
    OtherAccepted,
    /// Not legitimate.
    No,
    /// To be judged case by case.
    Unknown,
}

impl ReasonList {
    /// The version that follows `last`.
    pub(super) fn after(last: Option<&Self>, reasons: Vec<Reason>) -> Result<Self, SchoolError> {
        let codes: BTreeSet<&str> = reasons.iter().map(|reason| reason.code.as_str()).collect();
        if codes.len() < reasons.len() {
            return Err(SchoolError::ReasonCodeTwice);
        }
        if reasons.iter().any(|reason| reason.sensitive && reason.neutral_label.is_none()) {
            return Err(SchoolError::NeutralLabelMissing);
        }
        let mut before = last.into_iter().flat_map(|list| &list.reasons);
        if before.any(|reason| !codes.contains(reason.code.as_str())) {
            return Err(SchoolError::ReasonLeftOut);
        }
        Ok(Self { version: last.map_or(1, |list| list.version + 1), reasons })
    }
}
