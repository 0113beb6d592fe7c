//! The ladder of the law: what a month's absences ask for (code de l'éducation, R131-7; circulaire
//! 2014-159 of 24 December 2014), counted anew whenever something that counts has changed.
//!
//! Pure: what was missed and what is followed up already go in, commands come out. Nothing here is
//! stored: a count is an opinion of a day, only that somebody is followed up is an event. "A month" is
//! told by no text that was found to be a calendar month or thirty days; the school chooses, and its
//! office is shown both.

use chrono::{Datelike, Days, Months, NaiveDate};
use serde::{Deserialize, Serialize};
use strum::VariantArray;
use utoipa::ToSchema;

use super::{FollowUpCommand, FollowUpId, FollowUpRule, Standing, Step};
use crate::{
    SchoolYear, StudentId, Uai,
    attendance::half_days::HalfDayMissed,
    schools::{SchoolSheet, Settings},
};

/// R131-7: "four half-days" a month, so that the fourth is enough.
pub const FOUR_HALF_DAYS: u32 = 4;

/// Circulaire 2014-159: the tenth is enough.
pub const TEN_HALF_DAYS: u32 = 10;

/// The days of a month that slides.
const SLIDING_DAYS: u64 = 30;

/// What "in a month" means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum LegalMonth {
    /// From the first of a month to its last day.
    #[default]
    #[serde(rename = "calendar")]
    Calendar,
    /// Any thirty days.
    #[serde(rename = "sliding-30-days")]
    Sliding30Days,
}

/// Days, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Stretch {
    /// The first day.
    pub from: NaiveDate,
    /// The last day.
    pub until: NaiveDate,
}

/// What a student missed without a receivable reason: half-days, and the days of latenesses and early
/// departures.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// The half-days missed, whatever their reason.
    pub half_days: Vec<HalfDayMissed>,
    /// The days of latenesses, one for each.
    pub latenesses: Vec<NaiveDate>,
    /// The days of early departures, one for each.
    pub departures: Vec<NaiveDate>,
}

/// A follow-up as far as a count has to know of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// Which one.
    pub id: FollowUpId,
    /// The days it was opened for.
    pub month: Stretch,
    /// Whether it stands.
    pub standing: Standing,
}

/// A student whose month is counted anew.
#[derive(Clone, Copy, Debug)]
pub struct Recount<'a> {
    /// In which school.
    pub school: Uai,
    /// Who.
    pub student: StudentId,
    /// What the school has decided.
    pub sheet: &'a SchoolSheet,
    /// The school's local day: what lies after it has not been missed yet.
    pub today: NaiveDate,
    /// The student's follow-ups in this school.
    pub known: &'a [Known],
}

impl Step {
    /// From how many hundredths on it is reached, if it ever is.
    pub fn threshold(self, settings: &Settings) -> Option<u32> {
        let threshold = match self {
            Self::FourHalfDays => Some(FOUR_HALF_DAYS),
            Self::TenHalfDays => Some(TEN_HALF_DAYS),
            Self::Lateness => settings.latenesses_per_month.map(u32::from),
            Self::Departures => settings.departures_per_month.map(u32::from),
        };
        threshold.map(|threshold| threshold * 100)
    }

    fn rule(self) -> FollowUpRule {
        match self {
            Self::FourHalfDays | Self::TenHalfDays => FollowUpRule::HalfDaysPerMonth,
            Self::Lateness => FollowUpRule::LatenessesPerMonth,
            Self::Departures => FollowUpRule::DeparturesPerMonth,
        }
    }
}

impl LegalMonth {
    /// The month up to a day: since its first, or the thirty days that end with it.
    pub fn up_to(self, day: NaiveDate) -> Stretch {
        let from = match self {
            Self::Calendar => first_of_month(day),
            Self::Sliding30Days => day - Days::new(SLIDING_DAYS - 1),
        };
        Stretch { from, until: day }
    }

    /// The months in which something of these days counts, as far as they have begun.
    fn of(self, touched: Stretch, today: NaiveDate) -> Vec<Stretch> {
        match self {
            Self::Calendar => {
                let months = std::iter::successors(Some(first_of_month(touched.from)), |first| {
                    first.checked_add_months(Months::new(1))
                });
                let begun = months.take_while(|first| *first <= touched.until.min(today));
                begun.map(|from| Stretch { from, until: last_of_month(from) }).collect()
            }
            Self::Sliding30Days => {
                let until = (touched.until + Days::new(SLIDING_DAYS - 1)).min(today);
                let ends = touched.from.iter_days().take_while(|day| *day <= until);
                ends.map(|day| self.up_to(day)).collect()
            }
        }
    }

    fn id_day(self, month: Stretch) -> NaiveDate {
        match self {
            Self::Calendar => month.from,
            Self::Sliding30Days => month.until,
        }
    }

    /// Whether one that is named by a day speaks of this month too: thirty days that slide over those of
    /// another follow-up are followed up with it.
    fn covers(self, named: NaiveDate, month: Stretch) -> bool {
        let apart = (named - self.id_day(month)).num_days().unsigned_abs();
        match self {
            Self::Calendar => apart == 0,
            Self::Sliding30Days => apart < SLIDING_DAYS,
        }
    }
}

impl Stretch {
    /// Whether a day lies in it.
    pub fn contains(self, day: NaiveDate) -> bool {
        (self.from..=self.until).contains(&day)
    }

    /// Whether it shares a day with another.
    pub fn meets(self, other: Self) -> bool {
        self.from <= other.until && other.from <= self.until
    }

    /// Each of the days.
    pub fn days(self) -> Vec<NaiveDate> {
        self.from.iter_days().take_while(|day| *day <= self.until).collect()
    }

    fn with(self, other: Self) -> Self {
        Self { from: self.from.min(other.from), until: self.until.max(other.until) }
    }
}

impl Tally {
    /// What was missed in a month, in hundredths: of half-days only the part that is not justified.
    pub fn percent(&self, step: Step, month: Stretch) -> u32 {
        let times = |days: &[NaiveDate]| {
            let within = days.iter().filter(|day| month.contains(**day)).count();
            u32::try_from(within).unwrap_or(u32::MAX).saturating_mul(100)
        };
        match step {
            Step::FourHalfDays | Step::TenHalfDays => {
                let within = self.half_days.iter().filter(|missed| month.contains(missed.date));
                within.map(HalfDayMissed::unjustified_percent).sum()
            }
            Step::Lateness => times(&self.latenesses),
            Step::Departures => times(&self.departures),
        }
    }
}

impl Recount<'_> {
    /// The month that is going on.
    pub fn present(&self) -> Stretch {
        self.sheet.settings.legal_month.up_to(self.today)
    }

    /// The days that have to be counted, when something of these days has changed. None where nothing
    /// follows: the law keeps a file for its school year only (R131-6), and what has not come yet was
    /// not missed.
    pub fn days(&self, touched: &[Stretch]) -> Option<Stretch> {
        let months = self.months(touched).into_iter().reduce(Stretch::with)?;
        let known = self.standing_in(touched).map(|known| known.month);
        let days = known.fold(months, Stretch::with);
        Some(Stretch { until: days.until.min(self.today), ..days })
    }

    /// What is to be done about the months of these days, whose absences were counted. Asked again, it
    /// asks for nothing that was done.
    pub fn commands(
        &self,
        touched: &[Stretch],
        tally: &Tally,
    ) -> Vec<(FollowUpId, FollowUpCommand)> {
        let months = self.months(touched);
        if months.is_empty() {
            return vec![];
        }
        let (Settings { legal_month, .. }, on) = (self.sheet.settings, self.today);
        let reached = |step: Step, month| {
            let threshold = step.threshold(&self.sheet.settings);
            threshold.map(|threshold| tally.percent(step, month) >= threshold)
        };
        let fallen = |known: &&Known| reached(known.id.step, known.month) == Some(false);
        let lapsed: Vec<FollowUpId> =
            self.standing_in(touched).filter(fallen).map(|known| known.id).collect();
        let mut commands: Vec<_> =
            lapsed.iter().map(|id| (*id, FollowUpCommand::Lapse { on })).collect();
        let of_before = self.known.iter().filter(|known| known.standing != Standing::Lapsed);
        let mut named: Vec<(Step, NaiveDate)> = of_before
            .filter(|known| !lapsed.contains(&known.id))
            .map(|known| (known.id.step, known.id.day))
            .collect();
        for step in Step::VARIANTS {
            for month in months.iter().copied() {
                let covered = |(of, day): &(Step, _)| of == step && legal_month.covers(*day, month);
                if reached(*step, month) != Some(true) || named.iter().any(covered) {
                    continue;
                }
                let (school, student, day) = (self.school, self.student, legal_month.id_day(month));
                let id = FollowUpId { school, student, day, step: *step };
                let rule = step.rule();
                commands.push((id, FollowUpCommand::Open { rule, legal_month, month, on }));
                named.push((*step, day));
            }
        }
        commands
    }

    /// The follow-ups that stand and that something of these days counts for.
    fn standing_in<'a>(&'a self, touched: &'a [Stretch]) -> impl Iterator<Item = &'a Known> {
        let stands = move |known: &&Known| {
            let meets = touched.iter().any(|days| known.month.meets(*days));
            known.standing == Standing::Open && meets
        };
        self.known.iter().filter(stands)
    }

    /// The months that these days are of, in their order.
    fn months(&self, touched: &[Stretch]) -> Vec<Stretch> {
        let of_this_year = touched.iter().filter_map(|days| self.of_this_year(*days));
        let legal_month = self.sheet.settings.legal_month;
        of_this_year.flat_map(|days| legal_month.of(days, self.today)).collect()
    }

    fn of_this_year(&self, touched: Stretch) -> Option<Stretch> {
        let first = SchoolYear::containing(self.today).begins()?;
        let touched =
            Stretch { from: touched.from.max(first), until: touched.until.min(self.today) };
        (touched.from <= touched.until).then_some(touched)
    }
}

fn first_of_month(day: NaiveDate) -> NaiveDate {
    day - Days::new(u64::from(day.day0()))
}

fn last_of_month(first: NaiveDate) -> NaiveDate {
    first + Months::new(1) - Days::new(1)
}

#[cfg(test)]
#[path = "ladder/tests.rs"]
mod tests;
