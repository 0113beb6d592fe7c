//! Who is meant: finding the people of a file among those who are known.
//!
//! A number of the school's own files decides. Otherwise two facts must agree: a national number and
//! a name or birth date; names and birth date; names and how to reach them; names and a child. Two
//! people are never made one for a name alone, and where several may be meant nobody is chosen. A
//! student is nobody's guardian but their own, whosever mail stands in their record.

use std::collections::{HashMap, HashSet};

use chrono::NaiveDate;
use domain::{
    PersonId, StudentId,
    people::{ContactDetails, Name, Scheme},
};
use projections::people::{Part, PersonRow};

use super::{
    feed::{Feed, Guardian, Staff, StaffSource, Student},
    known::{Known, new_person},
    problem::Record,
    spelling::{same_name, spelled},
};

/// Who is meant by a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meant {
    /// Somebody whom the school's files named before.
    Numbered(PersonId),
    /// Somebody who is known otherwise.
    Known(PersonId),
    /// Nobody yet: this will be their id.
    New(PersonId),
    /// One of several people, or one whom another record means too.
    Several,
}

/// Everybody who is known, by their names.
struct Names<'k> {
    known: &'k Known,
    by_name: HashMap<(String, String), Vec<&'k PersonRow>>,
}

impl<'k> Names<'k> {
    fn of(known: &'k Known) -> Self {
        let mut by_name: HashMap<_, Vec<&PersonRow>> = HashMap::new();
        for person in known.people.values() {
            by_name.entry(key(&person.name)).or_default().push(person);
        }
        Self { known, by_name }
    }

    /// Those of this name, whom no number of the scheme names, and of whom another fact agrees.
    fn agreeing(
        &self,
        name: &Name,
        scheme: Scheme,
        agrees: impl Fn(&PersonRow) -> bool,
    ) -> Vec<PersonId> {
        let free = |person: &PersonRow| self.known.number(scheme, person.person).is_none();
        self.of_name(name, |person| free(person) && agrees(person))
    }

    /// Those of this name of whom something holds.
    fn of_name(&self, name: &Name, holds: impl Fn(&PersonRow) -> bool) -> Vec<PersonId> {
        let named = self.by_name.get(&key(name)).into_iter().flatten();
        named.filter(|person| holds(person)).map(|person| person.person).collect()
    }
}

/// Who is meant by each student of the feed.
pub(super) fn students<'f>(feed: &'f Feed, known: &Known) -> Vec<(&'f Student, Meant)> {
    let names = Names::of(known);
    let scheme = Scheme::SiecleStudent;
    let meant = feed.all_students().map(|student| {
        if let Some(person) = known.named(scheme, &student.number) {
            return (student, Meant::Numbered(person));
        }
        let national = student.ine.as_deref().and_then(|ine| known.named(Scheme::Ine, ine));
        let confirmed = national.filter(|person| {
            known.people.get(person).is_some_and(|person| {
                same_name(&person.name, &student.name)
                    || (person.birth_date.is_some() && person.birth_date == student.birth_date)
            })
        });
        let meant = confirmed.map_or_else(
            || {
                let of_school = names.agreeing(&student.name, scheme, |person| {
                    is_in(known, person.person, Part::Student)
                        && born_alike(person.birth_date, student.birth_date)
                });
                one(known, &of_school, new_person(feed.school, scheme, &student.number))
            },
            Meant::Known,
        );
        (student, meant)
    });
    each_once(meant.collect())
}

/// Who is meant by each guardian of the feed who answers for somebody. `children` are the students
/// that the guardian of a number answers for, `own` those who answer for themselves.
pub(super) fn guardians<'f>(
    feed: &'f Feed,
    known: &Known,
    children: &HashMap<&str, Vec<StudentId>>,
    own: &HashMap<&str, PersonId>,
) -> Vec<(&'f Guardian, Meant)> {
    let names = Names::of(known);
    let scheme = Scheme::SieclePerson;
    let people = feed.all_guardians();
    let answering = people.filter(|guardian| children.contains_key(&*guardian.number));
    let listed = feed.all_guardians().map(|guardian| &*guardian.number);
    let refused = feed.refused.iter().filter(|(record, _)| *record == Record::Guardian);
    let listed: HashSet<&str> = listed.chain(refused.map(|(_, number)| &**number)).collect();
    let meant = answering.map(|guardian| {
        let numbered = || known.named(scheme, &guardian.number);
        if let Some(person) = own.get(&*guardian.number).copied().or_else(numbered) {
            return (guardian, Meant::Numbered(person));
        }
        let children = &children[&*guardian.number];
        let answers = |person: PersonId| {
            let of_child = |child: &StudentId| known.guardians.get(child).into_iter().flatten();
            children.iter().flat_map(of_child).any(|row| row.guardian == person)
        };
        let agreeing = names.of_name(&guardian.name, |row| {
            let agrees = match known.number(scheme, row.person) {
                None => reached_alike(&row.details, &guardian.details) || answers(row.person),
                // The record was made anew under another number: it is not two people.
                Some(number) => !listed.contains(number) && answers(row.person),
            };
            agrees && !known.is_student(row.person)
        });
        (guardian, one(known, &agreeing, new_person(feed.school, scheme, &guardian.number)))
    });
    each_once(meant.collect())
}

/// Who is meant by each member of staff.
pub(super) fn staff<'f>(feed: &'f Feed, known: &Known) -> Vec<(&'f Staff, Meant)> {
    let names = Names::of(known);
    let meant = feed.all_staff().map(|staff| {
        let (scheme, number) = (Scheme::from(staff.key.source), &*staff.key.number);
        if let Some(person) = known.named(scheme, number) {
            return (staff, Meant::Numbered(person));
        }
        let elsewhere: HashSet<_> = match staff.key.source {
            StaffSource::Epp => known.staff_elsewhere.get(number).into_iter().flatten().collect(),
            StaffSource::Local => HashSet::new(),
        };
        let agreeing = names.agreeing(&staff.name, scheme, |person| {
            elsewhere.contains(&person.person)
                || (is_in(known, person.person, Part::Staff)
                    && born_alike(person.birth_date, staff.birth_date))
        });
        (staff, one(known, &agreeing, new_person(feed.school, scheme, number)))
    });
    each_once(meant.collect())
}

impl From<StaffSource> for Scheme {
    fn from(source: StaffSource) -> Self {
        match source {
            StaffSource::Epp => Self::StsEpp,
            StaffSource::Local => Self::StsLocal,
        }
    }
}

fn key(name: &Name) -> (String, String) {
    (spelled(&name.family), spelled(&name.given))
}

fn is_in(known: &Known, person: PersonId, part: Part) -> bool {
    known.enrolments.get(&person).is_some_and(|enrolment| enrolment.part == part)
}

/// An unknown birth date contradicts none, and confirms none either: see [`one`].
fn born_alike(one: Option<NaiveDate>, other: Option<NaiveDate>) -> bool {
    one.is_some() && one == other
}

fn reached_alike(one: &ContactDetails, other: &ContactDetails) -> bool {
    let mail = |details: &ContactDetails| details.mail.as_deref().map(str::to_lowercase);
    let mobile = |details: &ContactDetails| {
        let digits = details.mobile.as_deref()?.chars().filter(char::is_ascii_digit);
        let digits: Vec<char> = digits.collect();
        // +33 6… and 06… are one telephone: its last nine digits.
        Some(digits[digits.len().saturating_sub(9)..].to_vec())
    };
    let alike = |one: Option<_>, other: Option<_>| one.is_some() && one == other;
    alike(mail(one), mail(other)) || (mobile(one).is_some() && mobile(one) == mobile(other))
}

/// The one of those who agree; nobody if there are none. Whom an interrupted import has registered
/// under the id that a record would be given is that one.
fn one(known: &Known, agreeing: &[PersonId], new: PersonId) -> Meant {
    match agreeing {
        _ if known.people.contains_key(&new) => Meant::Numbered(new),
        [] => Meant::New(new),
        [person] => Meant::Known(*person),
        _ => Meant::Several,
    }
}

/// Who is meant by two records is meant by neither, unless the school's own number says so.
fn each_once<R>(mut meant: Vec<(R, Meant)>) -> Vec<(R, Meant)> {
    let mut times: HashMap<PersonId, u32> = HashMap::new();
    for (_, who) in &meant {
        if let Meant::Numbered(person) | Meant::Known(person) = who {
            *times.entry(*person).or_default() += 1;
        }
    }
    for (_, who) in &mut meant {
        if let Meant::Known(person) = who
            && times.get(person).is_some_and(|times| *times > 1)
        {
            *who = Meant::Several;
        }
    }
    meant
}
