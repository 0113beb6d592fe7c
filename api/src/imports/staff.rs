//! Staff: who works in the school, as what, and what they teach to whom.
//!
//! A service that is no longer listed ends at once: its teacher stays, and what they wrote stays
//! theirs. Who is let go and who only told is in [`super::departures`].

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use chrono::NaiveDate;
use domain::{
    ClassId, PersonId,
    classes::ClassCommand,
    people::{Function, PersonCommand, Scheme},
};
use projections::people::Part;

use super::{
    classes::national,
    departures,
    draft::{Draft, day_after},
    feed::{Staff, StaffKey},
    matching::{self, Meant},
    plan::{Ask, Origin},
    problem::{Fault, Record, Warning},
    remarks::Remark,
};

/// Who is who among the staff that is taken in.
pub(super) type Staffed<'f> = HashMap<&'f StaffKey, PersonId>;

/// Compares the staff of the feed. Answers who each number names.
pub(super) fn compare<'f>(draft: &mut Draft<'f>) -> Staffed<'f> {
    let mut staffed = Staffed::new();
    let feed = draft.feed;
    for (staff, meant) in matching::staff(feed, draft.known) {
        let number = staff.key.number_in_reports();
        let origin = draft.plan.origin(staff.place, Record::Staff, &number);
        let (person, remark) = match meant {
            Meant::Several => {
                draft.plan.tell(&origin, Remark::SeveralPeople);
                continue;
            }
            Meant::New(person) => (person, Some(Remark::Added)),
            Meant::Known(person) => (person, Some(Remark::KnownAlready)),
            Meant::Numbered(person) => (person, None),
        };
        let enrolment = draft.known.enrolments.get(&person);
        if enrolment.is_some_and(|row| row.part == Part::Student && row.until.is_none()) {
            draft.plan.tell(&origin, Remark::OtherPartInSchool);
            continue;
        }
        draft.name(person, &origin, &staff.name);
        draft.born(person, |known| known.or(staff.birth_date));
        draft.number(person, &origin, staff.key.source.into(), &staff.key.number);
        appoint(draft, staff, person, &origin);
        remark.into_iter().for_each(|remark| draft.plan.tell(&origin, remark));
        staffed.insert(&staff.key, person);
    }
    staffed
}

/// Has somebody work as the file says. Whoever left this year is not brought back by a file that
/// may not know it yet: it would open the school to them again.
fn appoint(draft: &mut Draft<'_>, staff: &Staff, person: PersonId, origin: &Origin) {
    let (school, days, function) = (draft.school(), draft.days, staff.function);
    let appoint = |from| PersonCommand::AppointStaff { school, function, from };
    let Some(known) = draft.known.enrolments.get(&person) else {
        return draft.ask(person, origin, appoint(days.first));
    };
    match known.until {
        Some(until) if until < days.first || known.part == Part::Student => {
            draft.ask(person, origin, appoint(days.first.max(day_after(until))));
        }
        Some(_) => draft.plan.tell(origin, Remark::LeftHere),
        None if known.function == Some(function) || !function_is_told(draft, staff) => {}
        None => {
            let from = days.of_files.max(day_after(known.from));
            draft.ask(person, origin, PersonCommand::ChangeFunction { school, function, from });
        }
    }
}

/// Whether the file's code for a function is known. Otherwise the school's own word holds.
fn function_is_told(draft: &Draft<'_>, staff: &Staff) -> bool {
    let number = staff.key.number_in_reports();
    let mut problems = draft.feed.problems.iter();
    staff.function != Function::Administration
        || !problems.any(|problem| {
            problem.fault == Fault::Warning(Warning::FunctionUnknown)
                && problem.record.as_ref().is_some_and(|(_, of)| **of == *number)
        })
}

/// Who a number names among the staff; where their record could not be read, who it named before.
pub(super) fn teacher(
    draft: &Draft<'_>,
    staffed: &Staffed<'_>,
    key: &StaffKey,
) -> Option<PersonId> {
    let works = |person: &PersonId| {
        let enrolment = draft.known.enrolments.get(person);
        enrolment.is_none_or(|row| row.part == Part::Staff)
    };
    let before = || draft.known.named(key.source.into(), &key.number).filter(works);
    staffed.get(key).copied().or_else(before)
}

/// Whether a record of the file is of this member of staff, and nobody knows whom it means.
pub(super) fn is_unread(draft: &Draft<'_>, staffed: &Staffed<'_>, key: &StaffKey) -> bool {
    let listed = || draft.feed.all_staff().any(|staff| staff.key == *key);
    let refused = || {
        let record = (Record::Staff, key.number_in_reports().into());
        draft.feed.refused.contains(&record)
    };
    teacher(draft, staffed, key).is_none() && (listed() || refused())
}

/// Who teaches what to whom, with the record that says so.
type Taught = BTreeMap<(ClassId, PersonId, String), Origin>;

/// Has classes taught as services and lessons say.
///
/// # Errors
/// Why the import is refused: more services end than can be believed.
pub(super) fn compare_services(draft: &mut Draft<'_>, staffed: &Staffed<'_>) -> Result<(), Remark> {
    let wanted = taught(draft, staffed);
    if wanted.is_empty() {
        return Ok(());
    }
    let mut open: HashSet<(ClassId, PersonId, &str)> = HashSet::new();
    let mut ended: HashMap<(ClassId, PersonId, &str), NaiveDate> = HashMap::new();
    let known = draft.known;
    let rows = known.teachers.values().flatten();
    for (row, taught) in rows.flat_map(|row| row.subjects.iter().map(move |taught| (row, taught))) {
        let key = (row.class, row.teacher, taught.subject.as_str());
        match taught.stay.until {
            None => drop(open.insert(key)),
            Some(until) => drop(ended.insert(key, until)),
        }
    }
    for ((class, teacher, subject), origin) in &wanted {
        let key = (*class, *teacher, subject.as_str());
        if open.contains(&key) {
            continue;
        }
        let first = !known.teachers.contains_key(class);
        let begins = if first { draft.days.first } else { draft.days.begins() };
        let from = ended.get(&key).map_or(begins, |until| begins.max(day_after(*until)));
        let (teacher, subject) = (*teacher, subject.clone());
        let command = ClassCommand::AssignTeacher { teacher, subject, from };
        draft.plan.ask(origin, Ask::Class(*class, command));
        draft.plan.tell(origin, Remark::Added);
    }
    release(draft, &wanted, &classes_left_out(draft, staffed))
}

/// Releases the teachers that STS numbers from what it no longer lists.
fn release(
    draft: &mut Draft<'_>,
    wanted: &Taught,
    left_out: &BTreeSet<ClassId>,
) -> Result<(), Remark> {
    let (known, national) = (draft.known, national(draft));
    let is_numbered = |person| {
        let schemes = [Scheme::StsEpp, Scheme::StsLocal];
        schemes.iter().any(|scheme| known.number(*scheme, person).is_some())
    };
    let rows = known.teachers.values().flatten();
    let theirs = rows.filter(|row| national.contains(&row.class) && is_numbered(row.teacher));
    let open = theirs.flat_map(|row| {
        let open = row.subjects.iter().filter(|taught| taught.stay.until.is_none());
        open.map(move |taught| (row.class, row.teacher, taught))
    });
    let open: Vec<_> = open.collect();
    let over = open.iter().filter(|(class, teacher, taught)| {
        !left_out.contains(class)
            && !wanted.contains_key(&(*class, *teacher, taught.subject.clone()))
    });
    let over: Vec<_> = over.collect();
    departures::check_ended(draft.wish, Record::Service, over.len(), open.len())?;
    for (class, teacher, taught) in over {
        let number = format!("{}/{}", class_name(draft, *class), taught.subject);
        let origin = Origin::known(Record::Service, &number);
        let (teacher, subject) = (*teacher, taught.subject.clone());
        let on = draft.days.undone(taught.stay.from);
        let command = ClassCommand::ReleaseTeacher { teacher, subject, on };
        draft.plan.ask(&origin, Ask::Class(*class, command));
    }
    Ok(())
}

/// The classes of which some service, lesson or teacher could not be read: nothing of theirs ends.
pub(super) fn classes_left_out(draft: &Draft<'_>, staffed: &Staffed<'_>) -> BTreeSet<ClassId> {
    let feed = draft.feed;
    let services = feed.staffing.iter().flat_map(|staffing| &staffing.services);
    let services = services
        .flat_map(|service| service.teachers.iter().map(move |teacher| (&service.class, teacher)));
    let lessons = feed.timetable.iter().flat_map(|timetable| &timetable.lessons);
    let lessons = lessons.map(|lesson| (&lesson.class, &lesson.teacher));
    let of_unread =
        services.chain(lessons).filter(|(_, teacher)| is_unread(draft, staffed, teacher));
    let of_unread = of_unread.filter_map(|(class, _)| draft.classes.get(class).copied());
    let refused = feed.refused.iter();
    let of_class = refused
        .filter(|(record, _)| matches!(record, Record::Service | Record::Lesson | Record::Class));
    let codes: BTreeSet<&str> =
        of_class.filter_map(|(_, number)| number.split('/').next()).collect();
    let classes = draft.classes.iter();
    let of_refused = classes.filter(|(key, _)| codes.contains(&*key.code));
    of_refused.map(|(_, class)| *class).chain(of_unread).collect()
}

/// What a class is called.
pub(super) fn class_name(draft: &Draft<'_>, class: ClassId) -> String {
    let mut known = draft.known.classes.iter();
    known.find(|row| row.class == class).map(|row| row.name.clone()).unwrap_or_default()
}

/// What a subject is called; its code, where no file says more.
pub(super) fn subject_name(draft: &Draft<'_>, code: &str) -> String {
    let staffing = draft.feed.staffing.as_ref();
    let subject = staffing.and_then(|staffing| staffing.nomenclature.subjects.get(code));
    subject.map_or_else(|| code.to_owned(), |subject| subject.long.to_string())
}

fn taught(draft: &mut Draft<'_>, staffed: &Staffed<'_>) -> Taught {
    let feed = draft.feed;
    let services = feed.staffing.iter().flat_map(|staffing| &staffing.services);
    let services = services.flat_map(|service| {
        let of = (service.place, &service.class, &service.subject);
        service.teachers.iter().map(move |teacher| (of, teacher))
    });
    let lessons = feed.timetable.iter().flat_map(|timetable| &timetable.lessons);
    let lessons =
        lessons.map(|lesson| ((lesson.place, &lesson.class, &lesson.subject), &lesson.teacher));
    let mut taught = Taught::new();
    for ((place, class, subject), key) in services.chain(lessons) {
        let teacher = teacher(draft, staffed, key);
        let (Some(class_id), Some(teacher)) = (draft.classes.get(class), teacher) else {
            continue;
        };
        let number = format!("{}/{subject}", class.code);
        let origin = draft.plan.origin(place, Record::Service, &number);
        let subject = subject_name(draft, subject);
        taught.entry((*class_id, teacher, subject)).or_insert(origin);
    }
    taught
}
