//! What is known and no longer in the files: told, kept, and let go only when somebody confirms it.
//!
//! A file that was cut or filtered looks like a school that everybody left. So what is missing is
//! told first; and whoever confirms it lets at most a twentieth go, unless they insist.

use std::collections::HashSet;

use domain::{
    PersonId, StudentId,
    classes::ClassCommand,
    families::FamilyCommand,
    people::{PersonCommand, Scheme},
};
use projections::people::Part;

use super::{
    draft::{Draft, Wish, day_before},
    feed::{StaffKey, StaffSource},
    guardians::{Answering, Word},
    plan::{Ask, Origin},
    problem::Record,
    remarks::Remark,
    staff::Staffed,
    students::Children,
};

/// Students who are known and not in the file. Whoever the file knows by another number is in it.
///
/// # Errors
/// Why the import is refused: more are missing than can be believed.
pub(super) fn students(draft: &mut Draft<'_>, children: &Children) -> Result<(), Remark> {
    let (Some(students), known) = (&draft.feed.students, draft.known) else { return Ok(()) };
    let numbers = students.people.iter().map(|student| &*student.number);
    let numbers = numbers.chain(left_out(draft, Record::Student));
    let named = numbers.filter_map(|number| known.named(Scheme::SiecleStudent, number));
    let national = students.people.iter().filter_map(|student| student.ine.as_deref());
    let national = national.filter_map(|ine| known.named(Scheme::Ine, ine));
    let taken_in = children.values().map(|child| child.person);
    let listed: HashSet<PersonId> = taken_in.chain(named).chain(national).collect();
    let missing =
        people(draft, (Record::Student, Part::Student), &[Scheme::SiecleStudent], &listed)?;
    for (person, origin) in missing {
        let student = StudentId::from(person);
        let rows = draft.known.members.values().flatten().filter(|row| row.student == student);
        let open = rows.flat_map(|row| {
            let open = row.stays.iter().filter(|stay| stay.until.is_none());
            open.map(|stay| (row.class, stay.from))
        });
        for (class, since) in open.collect::<Vec<_>>() {
            let command = ClassCommand::LeaveClass { student, on: draft.days.undone(since) };
            draft.plan.ask(&origin, Ask::Class(class, command));
        }
    }
    Ok(())
}

/// Staff who are known and not in the file.
///
/// # Errors
/// Why the import is refused: more are missing than can be believed.
pub(super) fn staff(draft: &mut Draft<'_>, staffed: &Staffed<'_>) -> Result<(), Remark> {
    let (Some(staffing), known) = (&draft.feed.staffing, draft.known) else { return Ok(()) };
    let named = staffing.staff.iter().filter_map(|staff| {
        let StaffKey { source, number } = &staff.key;
        known.named((*source).into(), number)
    });
    let refused = left_out(draft, Record::Staff).filter_map(|number| {
        let (source, number) = number.split_once('/')?;
        let sources = [StaffSource::Epp, StaffSource::Local];
        let source = sources.into_iter().find(|known| known.in_reports() == source)?;
        known.named(source.into(), number)
    });
    let taken_in = staffed.values().copied();
    let listed: HashSet<PersonId> = taken_in.chain(named).chain(refused).collect();
    let schemes = [Scheme::StsEpp, Scheme::StsLocal];
    people(draft, (Record::Staff, Part::Staff), &schemes, &listed).map(drop)
}

/// Links that are known and not in the file, of the students who are in it.
///
/// # Errors
/// Why the import is refused: more are missing than can be believed.
pub(super) fn links(
    draft: &mut Draft<'_>,
    children: &Children,
    answering: &Answering<'_>,
) -> Result<(), Remark> {
    let (feed, known, word) = (draft.feed, draft.known, Word::of(draft));
    let Some(guardians) = &feed.guardians else { return Ok(()) };
    let named = |number: &str| {
        answering.get(number).copied().or_else(|| known.named(Scheme::SieclePerson, number))
    };
    let listed = guardians
        .links
        .iter()
        .filter_map(|link| Some((children.get(&link.student)?.person, named(&link.guardian)?)));
    let listed: HashSet<(PersonId, PersonId)> = listed.collect();
    let refused: HashSet<PersonId> = left_out(draft, Record::Guardian).filter_map(named).collect();
    // A link that could not be read may be any of its student's.
    let of_unread = left_out(draft, Record::Link).filter_map(|number| number.split('/').next());
    let of_unread: HashSet<&str> = of_unread.collect();
    let (mut open, mut missing) = (0, Vec::new());
    let readable = children.iter().filter(|(number, _)| !of_unread.contains(&***number));
    let readable = readable.filter(|(_, child)| child.ours);
    for (number, child) in readable {
        let student = StudentId::from(child.person);
        for row in known.guardians.get(&student).into_iter().flatten() {
            let Some(link) = row.links.iter().find(|link| link.until.is_none()) else { continue };
            // A file says nothing of what was written after it.
            if link.from > word.day {
                continue;
            }
            let Some(guardian) = known.number(Scheme::SieclePerson, row.guardian) else { continue };
            open += 1;
            let is_listed = listed.contains(&(child.person, row.guardian));
            if !is_listed && !refused.contains(&row.guardian) {
                let number = format!("{number}/{guardian}");
                missing.push((number, student, row.guardian, link.from));
            }
        }
    }
    missing.sort();
    if draft.wish.confirm_departures {
        check(draft.wish, Record::Link, missing.len(), open)?;
    }
    for (number, student, guardian, since) in missing {
        let origin = Origin::known(Record::Link, &number);
        if draft.wish.confirm_departures {
            let on = day_before(word.day).max(since);
            let command = FamilyCommand::EndGuardianship { guardian, on };
            draft.plan.ask(&origin, Ask::Family(student, command));
        }
        tell(draft, &origin);
    }
    Ok(())
}

/// Refuses an import by which more than half of something would end.
///
/// # Errors
/// That it would, and nobody insists.
pub(super) fn check_ended(
    wish: Wish,
    kind: Record,
    missing: usize,
    known: usize,
) -> Result<(), Remark> {
    if missing * 2 > known && !wish.force {
        return Err(Remark::TooManyMissing { kind, missing, known });
    }
    Ok(())
}

/// Refuses to let more than a twentieth go.
fn check(wish: Wish, kind: Record, missing: usize, known: usize) -> Result<(), Remark> {
    if missing * 20 > known && !wish.force {
        return Err(Remark::TooManyMissing { kind, missing, known });
    }
    Ok(())
}

/// The people of a part whom the school's files number and no longer list; they leave, if that is
/// confirmed. Answers those who do.
fn people(
    draft: &mut Draft<'_>,
    (kind, part): (Record, Part),
    schemes: &[Scheme],
    listed: &HashSet<PersonId>,
) -> Result<Vec<(PersonId, Origin)>, Remark> {
    let known = draft.known;
    let enrolments = known.enrolments.iter();
    let present = enrolments.filter(|(_, row)| row.part == part && row.until.is_none());
    let numbered = present.filter_map(|(person, row)| {
        let number = |scheme: &Scheme| Some((*scheme, known.number(*scheme, *person)?));
        Some((schemes.iter().find_map(number)?, *person, row.from))
    });
    let numbered: Vec<_> = numbered.collect();
    let missing = numbered.iter().filter(|(_, person, _)| !listed.contains(person));
    let mut missing: Vec<_> = missing.collect();
    missing.sort();
    if draft.wish.confirm_departures {
        check(draft.wish, kind, missing.len(), numbered.len())?;
    }
    let mut leaving = Vec::new();
    for ((scheme, number), person, since) in missing {
        let number = match scheme {
            Scheme::StsEpp => format!("{}/{number}", StaffSource::Epp.in_reports()),
            Scheme::StsLocal => format!("{}/{number}", StaffSource::Local.in_reports()),
            Scheme::Ine | Scheme::SiecleStudent | Scheme::SieclePerson => (*number).to_owned(),
        };
        let origin = Origin::known(kind, &number);
        if draft.wish.confirm_departures {
            let (school, on) = (draft.school(), draft.days.ended(*since));
            draft.ask(*person, &origin, PersonCommand::LeaveSchool { school, on });
            leaving.push((*person, origin.clone()));
        }
        tell(draft, &origin);
    }
    Ok(leaving)
}

fn tell(draft: &mut Draft<'_>, origin: &Origin) {
    let let_go = draft.wish.confirm_departures;
    draft.plan.tell(origin, if let_go { Remark::LetGo } else { Remark::Missing });
}

/// The numbers of the records of this kind that could not be read: they are in the file.
fn left_out<'f>(draft: &Draft<'f>, kind: Record) -> impl Iterator<Item = &'f str> + use<'f> {
    let refused = draft.feed.refused.iter();
    refused.filter(move |(record, _)| *record == kind).map(|(_, number)| &**number)
}
