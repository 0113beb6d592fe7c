//! Which follow-up: the student, the school, the month and the step of the ladder.
//!
//! The id is what it names, so that a step that is reached twice finds its stream there already, on every
//! engine; and whoever seals an event of it knows whose dossier it belongs to without opening another.

use std::{fmt, str::FromStr};

use chrono::NaiveDate;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use strum::{EnumString, IntoStaticStr, VariantArray};
use utoipa::ToSchema;

use crate::{StudentId, Uai, ids::school_student_day};

/// What was reached.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    ToSchema,
    EnumString,
    IntoStaticStr,
    VariantArray,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Step {
    /// Four half-days of a month without legitimate reason or valid excuse (R131-7).
    FourHalfDays,
    /// Ten of them: heavy absenteeism (circulaire 2014-159).
    TenHalfDays,
    /// As many latenesses in a month as the school has set.
    Lateness,
    /// As many early departures in a month as the school has set.
    Departures,
}

/// One follow-up: of one student of a school, in one month, for one step. Written
/// `0549998Z-<student>-2026-11-01-four-half-days`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FollowUpId {
    /// In which school.
    pub school: Uai,
    /// About whom.
    pub student: StudentId,
    /// The first day of the calendar month, or the day on which the last thirty reached the step.
    pub day: NaiveDate,
    /// What was reached.
    pub step: Step,
}

/// What is wrong with a text that should name a follow-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a follow-up is named like 0549998Z-<uuid>-2026-11-01-four-half-days")]
pub struct NotAFollowUp;

impl fmt::Display for FollowUpId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { school, student, day, step } = self;
        write!(f, "{school}-{student}-{day}-{}", <&str>::from(step))
    }
}

impl FromStr for FollowUpId {
    type Err = NotAFollowUp;

    fn from_str(text: &str) -> Result<Self, NotAFollowUp> {
        let (school, student, day, rest) = school_student_day(text).ok_or(NotAFollowUp)?;
        let step = rest.parse().map_err(|_| NotAFollowUp)?;
        Ok(Self { school, student, day, step })
    }
}

impl Serialize for FollowUpId {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for FollowUpId {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(from)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_follow_up_is_named_by_what_it_is_about() {
        for step in Step::VARIANTS {
            let step = <&str>::from(step);
            let name = format!("0549998Z-019a0000-0000-7000-8000-000000000001-2026-11-01-{step}");
            let id: FollowUpId = name.parse().unwrap();
            assert_eq!(id.to_string(), name);
            assert_eq!(serde_json::from_str::<FollowUpId>(&format!("\"{name}\"")).unwrap(), id);
        }
    }

    #[test]
    fn what_names_no_step_of_a_student_names_no_follow_up() {
        let student = "019a0000-0000-7000-8000-000000000001";
        for wrong in [
            String::new(),
            "0549998Z".to_owned(),
            format!("0549998Z-{student}-2026-11-01"),
            format!("0549998Z-{student}-2026-11-01-five-half-days"),
            format!("0549998Z-{student}-2026-13-01-lateness"),
            format!("054999é-{student}-2026-11-01-lateness"),
        ] {
            assert_eq!(wrong.parse::<FollowUpId>(), Err(NotAFollowUp), "{wrong}");
        }
    }
}
