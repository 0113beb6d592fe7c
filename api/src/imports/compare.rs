//! Comparing files with what is known: the plan of an import. It asks nobody and writes nothing.

use chrono::{DateTime, Utc};
use domain::Uai;

use super::{
    classes, courses, departures,
    draft::{Draft, SchoolDays, Wish},
    feed::{Feed, FileKind},
    guardians,
    known::Known,
    opening,
    plan::{Ask, Origin, Plan},
    remarks::Remark,
    staff, students,
};

/// Which national base the files of an import come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Base {
    /// Students and those who answer for them.
    Siecle,
    /// Staff, classes and the timetable.
    Sts,
}

/// Makes the plan of an import.
///
/// # Errors
/// Why all of it is refused.
pub(super) fn compare(
    feed: &Feed,
    known: &Known,
    wish: Wish,
    now: DateTime<Utc>,
) -> Result<Plan, Remark> {
    let opening = opening::compare(feed, known.sheet.as_ref())?;
    let sheet = opening.sheet;
    let plan = sheet.years.get(&feed.year).ok_or(Remark::YearNotPlanned)?;
    let (first, last) = (plan.first_day, plan.last_day);
    let today = sheet.local_date(now);
    let of_files = feed.exported_on.map_or(today, |exported| exported.min(today));
    let days = SchoolDays { of_files, first, last };
    let mut draft = Draft::new((feed, known), sheet, days, wish);
    for command in opening.commands {
        draft.plan.ask(&Origin::default(), Ask::School(command));
    }
    for remark in opening.remarks {
        draft.plan.tell(&Origin::default(), remark);
    }
    classes::compare(&mut draft);
    if feed.staffing.is_some() {
        let staffed = staff::compare(&mut draft);
        staff::compare_services(&mut draft, &staffed)?;
        courses::compare(&mut draft, &staffed)?;
        departures::staff(&mut draft, &staffed)?;
    }
    if feed.students.is_some() || feed.guardians.is_some() {
        let children = students::compare(&mut draft);
        let answering = guardians::compare(&mut draft, &children);
        departures::students(&mut draft, &children)?;
        departures::links(&mut draft, &children, &answering)?;
    }
    Ok(draft.finish())
}

/// Refuses files that are not those asked for.
///
/// # Errors
/// Why they are refused.
pub(super) fn check(feed: &Feed, base: Base, school: Option<Uai>) -> Result<(), Remark> {
    if school.is_some_and(|school| school != feed.school) {
        return Err(Remark::OtherSchool { found: feed.school });
    }
    let belongs = |kind: FileKind| match kind {
        FileKind::Students
        | FileKind::Guardians
        | FileKind::Nomenclature
        | FileKind::Structures
        | FileKind::NotNeeded => base == Base::Siecle,
        FileKind::Staffing | FileKind::Timetable => base == Base::Sts,
    };
    if !feed.files.iter().all(|file| belongs(file.kind)) {
        return Err(Remark::OtherFiles);
    }
    if feed.timetable.is_some() && feed.staffing.is_none() {
        return Err(Remark::StaffingNotGiven);
    }
    Ok(())
}
