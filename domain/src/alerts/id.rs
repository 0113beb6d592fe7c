//! Which alert: the student, the school and the half-day that it is about.
//!
//! The id is what it names, so that an alert raised twice finds its stream there already, on every
//! engine; and whoever seals an event of it knows whose dossier it belongs to without opening another.

use std::{fmt, str::FromStr};

use chrono::NaiveDate;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{StudentId, Uai, ids::school_student_day, schools::Half};

/// One alert: about one student, in one half-day of one school. Written
/// `0549998Z-<student>-2026-11-30-morning`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AlertId {
    /// In which school.
    pub school: Uai,
    /// About whom.
    pub student: StudentId,
    /// On which local day.
    pub date: NaiveDate,
    /// In which half of it.
    pub half: Half,
}

/// What is wrong with a text that should name an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an alert is named like 0549998Z-<uuid>-2026-11-30-morning")]
pub struct NotAnAlert;

impl fmt::Display for AlertId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { school, student, date, half } = self;
        let half = match half {
            Half::Morning => "morning",
            Half::Afternoon => "afternoon",
        };
        write!(f, "{school}-{student}-{date}-{half}")
    }
}

impl FromStr for AlertId {
    type Err = NotAnAlert;

    fn from_str(text: &str) -> Result<Self, NotAnAlert> {
        let (school, student, date, rest) = school_student_day(text).ok_or(NotAnAlert)?;
        let half = match rest {
            "morning" => Half::Morning,
            "afternoon" => Half::Afternoon,
            _ => return Err(NotAnAlert),
        };
        Ok(Self { school, student, date, half })
    }
}

impl Serialize for AlertId {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for AlertId {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(from)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alert_is_named_by_what_it_is_about() {
        let name = "0549998Z-019a0000-0000-7000-8000-000000000001-2026-11-30-morning";
        let id: AlertId = name.parse().unwrap();
        assert_eq!((id.to_string().as_str(), id.half), (name, Half::Morning));
        assert_eq!(serde_json::from_str::<AlertId>(&format!("\"{name}\"")).unwrap(), id);
    }

    #[test]
    fn what_names_no_half_day_of_a_student_names_no_alert() {
        let student = "019a0000-0000-7000-8000-000000000001";
        for wrong in [
            String::new(),
            "0549998Z".to_owned(),
            format!("0549998Z-{student}-2026-11-30"),
            format!("0549998Z-{student}-2026-11-30-evening"),
            format!("0549998Z-{student}-2026-13-30-morning"),
            format!("054999é-{student}-2026-11-30-morning"),
        ] {
            assert_eq!(wrong.parse::<AlertId>(), Err(NotAnAlert), "{wrong}");
        }
    }
}
