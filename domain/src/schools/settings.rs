//! How the rules that no text settles are applied in one house, each with its default.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{QuietHours, SchoolError};
use crate::{attendance::half_days::MixedHalfDay, followups::ladder::LegalMonth};

/// More would not be "at once" (code de l'éducation, R131-5).
const GRACE_MAX_SECONDS: u32 = 3_600;

/// How a rule is applied in this house. Each has a default; see [`Settings`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Setting {
    /// Lateness of more minutes than this is an absence. No text sets it; 10 and 15 are usual.
    LatenessMaxMinutes(u16),
    /// What a half-day is when it was missed partly with and partly without a receivable reason.
    MixedHalfDay(MixedHalfDay),
    /// Whether staff sign in with a second factor. No text asks it of schools yet; theft of staff's
    /// passwords has led to threats sent to whole regions.
    SecondFactorForStaff(bool),
    /// How many seconds after an absence was noted its family is told: time to correct a mistake. No text
    /// sets it; "at once" (code de l'éducation, R131-5) asks for minutes.
    AlertGraceSeconds(u32),
    /// The hours in which nobody is disturbed but for their safety.
    QuietHours(QuietHours),
    /// What "in a month" means where the law counts half-days (code de l'éducation, R131-7). No text says
    /// which: the office is shown both counts, and this one opens follow-ups.
    LegalMonth(LegalMonth),
    /// From how many latenesses in a month on a student is followed up; nothing for never. No text sets
    /// it.
    LatenessesPerMonth(Option<u16>),
    /// From how many early departures in a month on a student is followed up; nothing for never. No text
    /// sets it.
    DeparturesPerMonth(Option<u16>),
    /// Whether all sending to a part of the school's people is stopped, at once, until it is chosen
    /// otherwise.
    SendingStopped {
        /// To whom nothing is sent.
        to: Audience,
        /// Whether it is stopped.
        stopped: bool,
    },
}

/// The people that a school writes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Audience {
    /// Those who answer for students.
    Guardians,
    /// Students, of age or not.
    Students,
}

/// All settings of a school.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Settings {
    /// See [`Setting::LatenessMaxMinutes`].
    pub lateness_max_minutes: u16,
    /// See [`Setting::MixedHalfDay`].
    pub mixed_half_day: MixedHalfDay,
    /// See [`Setting::SecondFactorForStaff`].
    #[serde(default)]
    pub second_factor_for_staff: bool,
    /// See [`Setting::AlertGraceSeconds`].
    pub alert_grace_seconds: u32,
    /// See [`Setting::QuietHours`].
    #[serde(default)]
    pub quiet_hours: QuietHours,
    /// See [`Setting::LegalMonth`].
    #[serde(default)]
    pub legal_month: LegalMonth,
    /// See [`Setting::LatenessesPerMonth`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latenesses_per_month: Option<u16>,
    /// See [`Setting::DeparturesPerMonth`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub departures_per_month: Option<u16>,
    /// See [`Setting::SendingStopped`].
    pub sending_to_guardians_stopped: bool,
    /// See [`Setting::SendingStopped`].
    pub sending_to_students_stopped: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            lateness_max_minutes: 10,
            mixed_half_day: MixedHalfDay::UnjustifiedWins,
            second_factor_for_staff: false,
            alert_grace_seconds: 600,
            quiet_hours: QuietHours::default(),
            legal_month: LegalMonth::Calendar,
            latenesses_per_month: None,
            departures_per_month: None,
            sending_to_guardians_stopped: false,
            sending_to_students_stopped: false,
        }
    }
}

impl Setting {
    pub(super) fn check(self) -> Result<(), SchoolError> {
        match self {
            Self::AlertGraceSeconds(seconds) if seconds > GRACE_MAX_SECONDS => {
                Err(SchoolError::GraceTooLong)
            }
            Self::LatenessesPerMonth(Some(0)) | Self::DeparturesPerMonth(Some(0)) => {
                Err(SchoolError::ThresholdOfNone)
            }
            Self::AlertGraceSeconds(_)
            | Self::LatenessesPerMonth(_)
            | Self::DeparturesPerMonth(_)
            | Self::LatenessMaxMinutes(_)
            | Self::MixedHalfDay(_)
            | Self::SecondFactorForStaff(_)
            | Self::LegalMonth(_)
            | Self::QuietHours(_)
            | Self::SendingStopped { .. } => Ok(()),
        }
    }
}

impl Settings {
    pub(super) fn with(self, setting: Setting) -> Self {
        match setting {
            Setting::LatenessMaxMinutes(lateness_max_minutes) => {
                Self { lateness_max_minutes, ..self }
            }
            Setting::MixedHalfDay(mixed_half_day) => Self { mixed_half_day, ..self },
            Setting::SecondFactorForStaff(second_factor_for_staff) => {
                Self { second_factor_for_staff, ..self }
            }
            Setting::AlertGraceSeconds(alert_grace_seconds) => Self { alert_grace_seconds, ..self },
            Setting::QuietHours(quiet_hours) => Self { quiet_hours, ..self },
            Setting::LegalMonth(legal_month) => Self { legal_month, ..self },
            Setting::LatenessesPerMonth(latenesses_per_month) => {
                Self { latenesses_per_month, ..self }
            }
            Setting::DeparturesPerMonth(departures_per_month) => {
                Self { departures_per_month, ..self }
            }
            Setting::SendingStopped { to: Audience::Guardians, stopped } => {
                Self { sending_to_guardians_stopped: stopped, ..self }
            }
            Setting::SendingStopped { to: Audience::Students, stopped } => {
                Self { sending_to_students_stopped: stopped, ..self }
            }
        }
    }
}
