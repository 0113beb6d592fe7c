//! What a school has decided so far: what rules and screens alike read.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{BellSchedule, Holiday, Reason, ReasonList, Settings, YearPlan};
use crate::SchoolYear;

/// What a school has decided so far.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SchoolSheet {
    /// As people say it.
    pub name: String,
    /// The zone its bells ring in.
    #[schema(value_type = String, example = "Europe/Paris")]
    pub time_zone: Tz,
    /// The number of its département.
    pub department: String,
    /// The years planned so far.
    pub years: BTreeMap<SchoolYear, YearPlan>,
    /// The holidays of each year.
    pub holidays: BTreeMap<SchoolYear, Vec<Holiday>>,
    /// The bell schedules, by the first day of each.
    pub bells: BTreeMap<NaiveDate, BellSchedule>,
    /// Every version of the list of reasons, the newest last.
    pub reasons: Vec<ReasonList>,
    /// How families reach the school, if it has said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub telephone: Option<String>,
    /// How rules are applied here.
    pub settings: Settings,
}

impl SchoolSheet {
    pub(super) fn new(name: String, time_zone: Tz, department: String) -> Self {
        Self {
            name,
            time_zone,
            department,
            years: BTreeMap::new(),
            holidays: BTreeMap::new(),
            bells: BTreeMap::new(),
            reasons: Vec::new(),
            telephone: None,
            settings: Settings::default(),
        }
    }

    /// The reason of this code, as the newest list has it.
    pub fn reason(&self, code: &str) -> Option<&Reason> {
        self.reasons.last()?.reasons.iter().find(|reason| reason.code == code)
    }

    /// The reason of this code, as a version of the list had it.
    pub fn reason_of(&self, version: u32, code: &str) -> Option<&Reason> {
        let list = self.reasons.iter().find(|list| list.version == version)?;
        list.reasons.iter().find(|reason| reason.code == code)
    }

    /// The version of the newest list of reasons; 0 while there is none.
    pub fn reasons_version(&self) -> u32 {
        self.reasons.last().map_or(0, |list| list.version)
    }
}
