//! Schools: what a school decides once for everybody.
//!
//! Its years with their terms and holidays, its bell schedule, the reasons it knows for an absence,
//! and its settings. Reasons and bell schedules are never edited: a new version is set beside the
//! old ones, so that an old absence keeps the words it was explained with. What follows from all
//! this for one day is in [`calendar`].

pub mod calendar;
mod quiet;
mod reasons;
mod settings;
mod sheet;

use chrono::{NaiveDate, NaiveTime, Weekday};
use chrono_tz::Tz;
use cqrs_es::{Aggregate, DomainEvent, event_sink::EventSink};
use serde::{Deserialize, Serialize};
use strum::{IntoStaticStr, VariantNames};
use utoipa::ToSchema;

use crate::{Event, SchoolYear, Stream, Streamed, Uai, version_of};

pub use quiet::QuietHours;
pub use reasons::{Legitimacy, Reason, ReasonList};
pub use settings::{Audience, Setting, Settings};
pub use sheet::SchoolSheet;

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, IntoStaticStr, VariantNames)]
pub enum SchoolEvent {
    /// The school began to use Préau.
    SchoolOpened {
        /// As people say it.
        name: String,
        /// The zone its bells ring in.
        time_zone: Tz,
        /// The number of its département; 57, 67 and 68 have two more public holidays.
        department: String,
    },
    /// A school year was planned.
    SchoolYearPlanned {
        /// Which one.
        year: SchoolYear,
        /// Its days and terms.
        plan: YearPlan,
    },
    /// The holidays of a year were set, in place of those set before.
    HolidaysSet {
        /// Of which year.
        year: SchoolYear,
        /// All of them.
        holidays: Vec<Holiday>,
    },
    /// From a day on, the bells ring like this.
    BellScheduleSet {
        /// The first day.
        from: NaiveDate,
        /// When lessons begin and end.
        schedule: BellSchedule,
    },
    /// A version of the list of reasons was published.
    ReasonsListed {
        /// The whole list.
        list: ReasonList,
    },
    /// Families reach the school by this telephone.
    SchoolTelephoneGiven {
        /// As it is dialled in France.
        telephone: String,
    },
    /// The school chose how a rule is applied in its house.
    SettingChosen {
        /// Which, and how.
        setting: Setting,
    },
}

/// The days of one school year.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct YearPlan {
    /// The first day with lessons.
    pub first_day: NaiveDate,
    /// The last day with lessons.
    pub last_day: NaiveDate,
    /// Trimesters or semesters, in order.
    pub terms: Vec<Term>,
    /// The Mondays of the weeks called A; the other weeks are B.
    pub weeks_a: Vec<NaiveDate>,
}

/// A trimester or a semester.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Term {
    /// As on the report card.
    pub name: String,
    /// Its first day.
    pub first_day: NaiveDate,
    /// Its last day.
    pub last_day: NaiveDate,
}

/// Days without lessons, decided by the ministry or by the school. Public holidays need not be
/// listed: the calendar knows them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Holiday {
    /// As people say it.
    pub name: String,
    /// The first day without lessons.
    pub first_day: NaiveDate,
    /// The last day without lessons.
    pub last_day: NaiveDate,
}

/// When the bells ring.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BellSchedule {
    /// The lessons of a day, in order; a timetable speaks of them as slots 1, 2, 3…
    pub slots: Vec<Slot>,
    /// What begins before it is the morning (local time).
    pub half_day_limit: NaiveTime,
    /// Half-days in which the school gives no lesson, as Wednesday afternoon.
    pub closed: Vec<ClosedHalfDay>,
}

/// One lesson's time in the day (local time).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Slot {
    /// As people say it: M1, S3.
    pub name: String,
    /// When the lesson begins.
    pub starts: NaiveTime,
    /// When it ends.
    pub ends: NaiveTime,
}

/// A half-day of every week without lessons.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ClosedHalfDay {
    /// Of which day.
    #[schema(value_type = String, example = "Wed")]
    pub weekday: Weekday,
    /// Which half.
    pub half: Half,
}

/// A half of a school day.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Half {
    /// Before the half-day limit.
    Morning,
    /// From it on.
    Afternoon,
}

/// What someone asks for.
#[derive(Clone, Debug)]
pub enum SchoolCommand {
    /// Begin to use Préau.
    OpenSchool {
        /// As people say it.
        name: String,
        /// The zone its bells ring in.
        time_zone: Tz,
        /// The number of its département.
        department: String,
    },
    /// Plan a school year.
    PlanSchoolYear {
        /// Which one.
        year: SchoolYear,
        /// Its days and terms.
        plan: YearPlan,
    },
    /// Set all holidays of a year.
    SetHolidays {
        /// Of which year.
        year: SchoolYear,
        /// All of them.
        holidays: Vec<Holiday>,
    },
    /// Ring the bells differently from a day on.
    SetBellSchedule {
        /// The first day.
        from: NaiveDate,
        /// When lessons begin and end.
        schedule: BellSchedule,
    },
    /// Publish a new version of the list of reasons.
    ListReasons {
        /// The whole list.
        reasons: Vec<Reason>,
    },
    /// Say by which telephone families reach the school.
    GiveTelephone {
        /// As it is dialled in France.
        telephone: String,
    },
    /// Choose how a rule is applied.
    ChooseSetting {
        /// Which, and how.
        setting: Setting,
    },
}

/// Why it was refused. Each variant is one rule of the school.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "kebab-case")]
pub enum SchoolError {
    /// Nothing can be set in a school that does not use Préau.
    #[error("this school is not open in Préau")]
    SchoolNotOpen,
    /// A school opens once.
    #[error("this school is already open, under another name, zone or département")]
    SchoolAlreadyOpen,
    /// Days, terms and holidays end after they begin.
    #[error("a period ends before it begins")]
    PeriodEndsBeforeItBegins,
    /// A school year begins in the calendar year it is named after, and lasts less than a year.
    #[error("a school year begins in the calendar year it is named after and lasts at most a year")]
    YearTooLong,
    /// Terms follow each other within the year.
    #[error("terms follow each other without overlap, within the school year")]
    TermsOutOfOrder,
    /// Weeks are named by their Monday.
    #[error("the weeks A are given by their Mondays")]
    WeekNotGivenByItsMonday,
    /// Holidays belong to a year that is planned.
    #[error("this school year is not planned yet")]
    YearNotPlanned,
    /// Holidays lie within their school year.
    #[error("a holiday lies outside the school year")]
    HolidayOutsideYear,
    /// Slots follow each other within the day.
    #[error("the slots of a bell schedule follow each other without overlap, at most 20 a day")]
    SlotsOutOfOrder,
    /// A reason is known by its code.
    #[error("two reasons have the same code")]
    ReasonCodeTwice,
    /// A reason that reveals health or religion is shown to most people by a neutral label.
    #[error("a reason that reveals health or religion needs a neutral label")]
    NeutralLabelMissing,
    /// A telephone is dialled.
    #[error("a telephone is 3 to 20 digits, with spaces, dots or a + in front")]
    NotATelephone,
    /// At once is not tomorrow.
    #[error("families are told within the hour: the grace delay is at most 3600 seconds")]
    GraceTooLong,
    /// Nobody is followed up for nothing.
    #[error("a threshold is one a month or more: leave it empty to follow nobody up")]
    ThresholdOfNone,
    /// A reason once used must stay readable.
    #[error("a reason of the list before is missing: close it instead of leaving it out")]
    ReasonLeftOut,
}

/// All a decision needs to know; also what the school office looks at.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub enum School {
    /// Not known to Préau.
    #[default]
    None,
    /// In use.
    Open(Box<SchoolSheet>),
}

impl School {
    /// The rules: what happens when `command` is given to this school.
    pub fn decide(&self, command: SchoolCommand) -> Result<Vec<SchoolEvent>, SchoolError> {
        use SchoolCommand as C;
        use SchoolEvent as E;
        let sheet = match (self, command) {
            (Self::None, C::OpenSchool { name, time_zone, department }) => {
                return Ok(vec![E::SchoolOpened { name, time_zone, department }]);
            }
            (Self::None, _) => return Err(SchoolError::SchoolNotOpen),
            (Self::Open(sheet), command) => (sheet, command),
        };
        let (event, known) = match sheet {
            (sheet, C::OpenSchool { name, time_zone, department }) => {
                let same = sheet.name == name
                    && sheet.time_zone == time_zone
                    && sheet.department == department;
                return if same { Ok(vec![]) } else { Err(SchoolError::SchoolAlreadyOpen) };
            }
            (sheet, C::PlanSchoolYear { year, plan }) => {
                plan.check(year)?;
                let known = sheet.years.get(&year) == Some(&plan);
                (E::SchoolYearPlanned { year, plan }, known)
            }
            (sheet, C::SetHolidays { year, holidays }) => {
                let plan = sheet.years.get(&year).ok_or(SchoolError::YearNotPlanned)?;
                check_holidays(plan, &holidays)?;
                let known = sheet.holidays.get(&year) == Some(&holidays);
                (E::HolidaysSet { year, holidays }, known)
            }
            (sheet, C::SetBellSchedule { from, schedule }) => {
                schedule.check()?;
                let known = sheet.bells.get(&from) == Some(&schedule);
                (E::BellScheduleSet { from, schedule }, known)
            }
            (sheet, C::ListReasons { reasons }) => {
                let list = ReasonList::after(sheet.reasons.last(), reasons)?;
                let known = sheet.reasons.last().is_some_and(|last| last.reasons == list.reasons);
                (E::ReasonsListed { list }, known)
            }
            (sheet, C::GiveTelephone { telephone }) => {
                check_telephone(&telephone)?;
                let known = sheet.telephone.as_ref() == Some(&telephone);
                (E::SchoolTelephoneGiven { telephone }, known)
            }
            (sheet, C::ChooseSetting { setting }) => {
                setting.check()?;
                let known = sheet.settings.with(setting) == sheet.settings;
                (E::SettingChosen { setting }, known)
            }
        };
        Ok(if known { vec![] } else { vec![event] })
    }

    /// The memory: cannot fail, decides nothing.
    #[must_use]
    pub fn evolve(self, event: SchoolEvent) -> Self {
        use SchoolEvent as E;
        let mut sheet = match (self, event) {
            (_, E::SchoolOpened { name, time_zone, department }) => {
                return Self::Open(Box::new(SchoolSheet::new(name, time_zone, department)));
            }
            (Self::None, _) => return Self::None,
            (Self::Open(sheet), event) => (sheet, event),
        };
        match sheet.1 {
            E::SchoolOpened { .. } => {}
            E::SchoolYearPlanned { year, plan } => {
                sheet.0.years.insert(year, plan);
            }
            E::HolidaysSet { year, holidays } => {
                sheet.0.holidays.insert(year, holidays);
            }
            E::BellScheduleSet { from, schedule } => {
                sheet.0.bells.insert(from, schedule);
            }
            E::ReasonsListed { list } => sheet.0.reasons.push(list),
            E::SchoolTelephoneGiven { telephone } => sheet.0.telephone = Some(telephone),
            E::SettingChosen { setting } => sheet.0.settings = sheet.0.settings.with(setting),
        }
        Self::Open(sheet.0)
    }
}

impl YearPlan {
    fn check(&self, year: SchoolYear) -> Result<(), SchoolError> {
        use chrono::Datelike;
        let length = (self.last_day - self.first_day).num_days();
        if length < 0 || self.terms.iter().any(|term| term.last_day < term.first_day) {
            return Err(SchoolError::PeriodEndsBeforeItBegins);
        }
        if self.first_day.year() != i32::from(year.0) || length > 366 {
            return Err(SchoolError::YearTooLong);
        }
        let mut free_from = self.first_day;
        for term in &self.terms {
            if term.first_day < free_from || term.last_day > self.last_day {
                return Err(SchoolError::TermsOutOfOrder);
            }
            free_from = term.last_day + chrono::Days::new(1);
        }
        if self.weeks_a.iter().any(|day| day.weekday() != Weekday::Mon) {
            return Err(SchoolError::WeekNotGivenByItsMonday);
        }
        Ok(())
    }
}

fn check_holidays(plan: &YearPlan, holidays: &[Holiday]) -> Result<(), SchoolError> {
    for holiday in holidays {
        if holiday.last_day < holiday.first_day {
            return Err(SchoolError::PeriodEndsBeforeItBegins);
        }
        if holiday.first_day < plan.first_day || holiday.first_day > plan.last_day {
            return Err(SchoolError::HolidayOutsideYear);
        }
    }
    Ok(())
}

fn check_telephone(telephone: &str) -> Result<(), SchoolError> {
    let number = telephone.strip_prefix('+').unwrap_or(telephone);
    let digits = number.chars().filter(char::is_ascii_digit).count();
    let others = number.chars().all(|c| c.is_ascii_digit() || matches!(c, ' ' | '.'));
    if (3..=20).contains(&digits) && others { Ok(()) } else { Err(SchoolError::NotATelephone) }
}

impl BellSchedule {
    fn check(&self) -> Result<(), SchoolError> {
        let each_ends = self.slots.iter().all(|slot| slot.starts < slot.ends);
        let in_order = self.slots.windows(2).all(|two| two[0].ends <= two[1].starts);
        let any = !self.slots.is_empty() && self.slots.len() <= 20;
        if each_ends && in_order && any { Ok(()) } else { Err(SchoolError::SlotsOutOfOrder) }
    }
}

impl Aggregate for School {
    const TYPE: &'static str = "school";
    type Command = SchoolCommand;
    type Event = SchoolEvent;
    type Error = SchoolError;
    type Services = ();

    async fn handle(
        &mut self,
        command: SchoolCommand,
        (): &(),
        sink: &EventSink<Self>,
    ) -> Result<(), SchoolError> {
        for event in self.decide(command)? {
            sink.write(event, self).await;
        }
        Ok(())
    }

    fn apply(&mut self, event: SchoolEvent) {
        *self = std::mem::take(self).evolve(event);
    }
}

impl Streamed for School {
    type Id = Uai;

    fn stream(id: Uai) -> Stream {
        Stream::School(id)
    }

    fn event(id: Uai, event: SchoolEvent) -> Event {
        Event::School(id, event)
    }

    fn own(event: Event) -> Option<SchoolEvent> {
        if let Event::School(_, event) = event { Some(event) } else { None }
    }

    fn forget(self) -> Self {
        self
    }
}

impl DomainEvent for SchoolEvent {
    fn event_type(&self) -> String {
        <&str>::from(self).to_owned()
    }

    fn event_version(&self) -> String {
        version_of(self)
    }
}

#[cfg(test)]
#[path = "schools/tests.rs"]
pub(crate) mod tests;
