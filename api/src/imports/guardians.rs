//! Guardians: who answers for whom, on which terms, and from when.
//!
//! Terms are dated: other ones begin on the day of the file, and the old ones stay readable. A
//! judgment that the school has noted is never touched, nor is surveillance only: no file tells it.
//! An older word never wins over a newer one, and a file of no day is newer than nothing: in doubt
//! the lesser authority holds, and it is told.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use chrono::NaiveDate;
use domain::{
    PersonId, StudentId,
    families::{Authority, FamilyCommand, Home, Link, Terms},
    people::{ContactDetails, Name, Scheme},
};
use projections::families::{DatedLink, GuardianRow};

use super::{
    draft::{Draft, day_after},
    feed::{Guardian, GuardianLink, Guardians},
    matching::{self, Meant},
    plan::{Ask, Origin},
    problem::Record,
    remarks::Remark,
    spelling::same_name,
    students::{Child, Children},
};

/// Who each number names among those who are taken in.
pub(super) type Answering<'f> = HashMap<&'f str, PersonId>;

/// The day that a file of guardians speaks of.
#[derive(Clone, Copy)]
pub(super) struct Word {
    /// That day.
    pub(super) day: NaiveDate,
    /// Whether the file says so; otherwise it may be of any day before.
    dated: bool,
}

impl Word {
    /// The word of the feed's file.
    pub(super) fn of(draft: &Draft<'_>) -> Self {
        let of_files = draft.days.of_files;
        let exported_on = draft.feed.guardians.as_ref().and_then(|all| all.exported_on);
        let day = exported_on.map_or(of_files, |exported| exported.min(of_files));
        Self { day, dated: exported_on.is_some() }
    }

    fn is_newer_than(self, day: NaiveDate) -> bool {
        self.dated && self.day > day
    }
}

/// Compares those who answer for students. Answers who each number names.
pub(super) fn compare<'f>(draft: &mut Draft<'f>, children: &Children) -> Answering<'f> {
    let Some(guardians) = &draft.feed.guardians else { return Answering::new() };
    let own = answering_for_themselves(guardians, children);
    let people = take_in(draft, guardians, children, &own);
    let addresses: HashMap<&str, &str> = guardians
        .people
        .iter()
        .filter_map(|guardian| Some((&*guardian.number, guardian.address.as_deref()?)))
        .collect();
    let mut by_student: BTreeMap<&str, Vec<&GuardianLink>> = BTreeMap::new();
    for link in &guardians.links {
        by_student.entry(&link.student).or_default().push(link);
    }
    for (number, links) in &mut by_student {
        let Some(child) = children.get(*number) else {
            tell_not_taken(draft, links);
            continue;
        };
        if !child.ours {
            continue;
        }
        // Where two are called as early as each other, the order of the file holds.
        links.sort_by_key(|link| (!link.contact_first, rank(link.authority), link.legal_order));
        let homes = Homes::of(child, links, &addresses);
        let listed = links.iter().filter_map(|link| people.get(&*link.guardian).copied());
        let family = Listed { child, people: listed.collect() };
        let mut linked = BTreeSet::new();
        for (order, link) in (1..).zip(links.iter()) {
            if !is_sound(link, children, &own) {
                let origin = draft.plan.origin(link.place, Record::Link, &link.number_in_reports());
                draft.plan.tell(&origin, Remark::NotTheStudent);
                continue;
            }
            let Some(guardian) = people.get(&*link.guardian) else {
                tell_not_taken(draft, &[*link]);
                continue;
            };
            if linked.insert(*guardian) {
                let terms = Terms {
                    link: link.link,
                    authority: link.authority,
                    home: homes.home(link, &addresses),
                    contact_order: order,
                };
                record(draft, (&family, link), *guardian, terms);
            }
        }
    }
    tell_unguarded(draft, children, &by_student);
    people
}

/// Whom to call first: those who decide, then those in charge, then those to be reached.
fn rank(authority: Authority) -> u8 {
    match authority {
        Authority::Exercised => 1,
        Authority::InCharge => 2,
        Authority::SurveillanceOnly => 3,
        Authority::Contact => 4,
    }
}

impl GuardianLink {
    /// As a report calls it: student and guardian.
    pub(super) fn number_in_reports(&self) -> String {
        format!("{}/{}", self.student, self.guardian)
    }
}

fn tell_not_taken(draft: &mut Draft<'_>, links: &[&GuardianLink]) {
    for link in links {
        // Whoever left before they were known has nobody to answer for them here, and that is well.
        let student_is_told = draft.feed.students.is_some();
        let origin = draft.plan.origin(link.place, Record::Link, &link.number_in_reports());
        if !student_is_told || !left_already(draft, &link.student) {
            draft.plan.tell(&origin, Remark::PersonNotTaken);
        }
    }
}

fn left_already(draft: &Draft<'_>, number: &str) -> bool {
    draft.plan.remarks.iter().any(|(origin, remark)| {
        *remark == Remark::LeftAlready
            && origin.record.as_ref().is_some_and(|(_, of)| **of == *number)
    })
}

fn tell_unguarded(
    draft: &mut Draft<'_>,
    children: &Children,
    by_student: &BTreeMap<&str, Vec<&GuardianLink>>,
) {
    let refused = &draft.feed.refused;
    let has_refused = |number: &str| {
        let of_student = |(record, of): &(Record, Box<str>)| {
            *record == Record::Link && of.split('/').next() == Some(number)
        };
        refused.iter().any(of_student)
    };
    let guarded = by_student.keys().filter_map(|number| Some(children.get(*number)?.person));
    let guarded: HashSet<PersonId> = guarded.collect();
    let alone = children.iter().filter(|(number, child)| {
        let stays = child.ours && child.leaves.is_none();
        !guarded.contains(&child.person) && stays && !has_refused(number)
    });
    let mut alone: Vec<_> = alone.map(|(number, child)| (number, child.origin.clone())).collect();
    alone.sort_by_key(|(number, _)| *number);
    for (_, origin) in alone {
        draft.plan.tell(&origin, Remark::NoGuardian);
    }
}

/// Asks for all that makes people the guardians of the file. Answers who each number names.
fn take_in<'f>(
    draft: &mut Draft<'f>,
    guardians: &'f Guardians,
    children: &Children,
    own: &HashMap<&str, PersonId>,
) -> Answering<'f> {
    let mut children_of: HashMap<&str, Vec<StudentId>> = HashMap::new();
    for link in guardians.links.iter().filter(|link| is_sound(link, children, own)) {
        if let Some(child) = children.get(&link.student).filter(|child| child.ours) {
            children_of.entry(&link.guardian).or_default().push(child.person.into());
        }
    }
    let ours = children.values().filter(|child| child.ours);
    let ours: HashSet<StudentId> = ours.map(|child| child.person.into()).collect();
    let mut people = Answering::new();
    for (guardian, meant) in matching::guardians(draft.feed, draft.known, &children_of, own) {
        let origin = draft.plan.origin(guardian.place, Record::Guardian, &guardian.number);
        let (person, remark) = match meant {
            Meant::Several => {
                draft.plan.tell(&origin, Remark::SeveralPeople);
                continue;
            }
            Meant::New(person) => (person, Some(Remark::Added)),
            Meant::Known(person) => (person, Some(Remark::KnownAlready)),
            Meant::Numbered(person) => (person, None),
        };
        describe(draft, guardian, (person, &ours), &origin);
        remark.into_iter().for_each(|remark| draft.plan.tell(&origin, remark));
        people.insert(&*guardian.number, person);
    }
    people
}

/// The students who answer for themselves, by the number they have among the guardians.
fn answering_for_themselves<'f>(
    guardians: &'f Guardians,
    children: &Children,
) -> HashMap<&'f str, PersonId> {
    let names: HashMap<&str, &Name> =
        guardians.people.iter().map(|guardian| (&*guardian.number, &guardian.name)).collect();
    let own = guardians.links.iter().filter(|link| link.link == Link::OwnResponsible);
    let themselves = own.filter_map(|link| {
        let child = children.get(&link.student).filter(|child| child.ours)?;
        let name = names.get(&*link.guardian)?;
        same_name(child.name.as_ref()?, name).then_some((&*link.guardian, child.person))
    });
    themselves.collect()
}

/// Whether a link that says "the student themself" is of a student who answers for themself.
fn is_sound(link: &GuardianLink, children: &Children, own: &HashMap<&str, PersonId>) -> bool {
    let student = children.get(&link.student).map(|child| child.person);
    link.link != Link::OwnResponsible || student == own.get(&*link.guardian).copied()
}

/// Says who a guardian is and how to reach them. Whoever answers for a student of another school,
/// who is none of ours, is known there too.
fn describe(
    draft: &mut Draft<'_>,
    guardian: &Guardian,
    (person, ours): (PersonId, &HashSet<StudentId>),
    origin: &Origin,
) {
    let known = draft.known.people.get(&person);
    let mut elsewhere = draft.known.answering_elsewhere.get(&person).into_iter().flatten();
    let elsewhere = elsewhere.any(|student| !ours.contains(student));
    let with_addresses = draft.feed.guardians.as_ref().is_some_and(|all| all.with_addresses);
    if elsewhere && known.is_some_and(|row| !same_name(&row.name, &guardian.name)) {
        draft.plan.tell(origin, Remark::KeptAsElsewhere);
    }
    let name = known.filter(|_| elsewhere).map_or(&guardian.name, |row| &row.name);
    // A student's names are those of the students' file.
    if !draft.speaks_of(person) {
        draft.name(person, origin, name);
    }
    let said = &guardian.details;
    let mut differs = false;
    draft.reach(person, |known| {
        if elsewhere {
            let filled = filled(known, said);
            differs = [(&filled.mail, &said.mail), (&filled.mobile, &said.mobile)]
                .iter()
                .any(|(kept, said)| said.is_some() && kept != said);
            filled
        } else if with_addresses {
            ContactDetails { prefers: known.prefers, ..said.clone() }
        } else {
            let address = known.address.clone();
            ContactDetails { address, prefers: known.prefers, ..said.clone() }
        }
    });
    if differs {
        draft.plan.tell(origin, Remark::KeptAsElsewhere);
    }
    draft.number(person, origin, Scheme::SieclePerson, &guardian.number);
}

/// What is known, and what is said where nothing was: two schools would else take turns.
fn filled(known: &ContactDetails, said: &ContactDetails) -> ContactDetails {
    let or = |known: &Option<String>, said: &Option<String>| known.clone().or(said.clone());
    ContactDetails {
        mail: or(&known.mail, &said.mail),
        mobile: or(&known.mobile, &said.mobile),
        telephone: or(&known.telephone, &said.telephone),
        address: or(&known.address, &said.address),
        accepts_sms: if known.mobile.is_some() { known.accepts_sms } else { said.accepts_sms },
        prefers: known.prefers,
    }
}

/// Whom the file lists for a child.
struct Listed<'c> {
    child: &'c Child,
    people: HashSet<PersonId>,
}

/// Has a link recorded, unless it stands on these terms, or something newer is known.
fn record(
    draft: &mut Draft<'_>,
    (family, link): (&Listed<'_>, &GuardianLink),
    guardian: PersonId,
    terms: Terms,
) {
    let (student, word) = (StudentId::from(family.child.person), Word::of(draft));
    let known = draft.known.guardians.get(&student).map(Vec::as_slice).unwrap_or_default();
    let row = known.iter().find(|row| row.guardian == guardian);
    let last = row.and_then(|row| row.links.last());
    let terms = match last {
        Some(last) if last.terms.authority == Authority::SurveillanceOnly => {
            Terms { authority: Authority::SurveillanceOnly, ..terms }
        }
        Some(_) | None => terms,
    };
    let origin = draft.plan.origin(link.place, Record::Link, &link.number_in_reports());
    let (from, remarks) = match last {
        None if known.iter().any(|row| family.may_be(row, terms.link)) => {
            return draft.plan.tell(&origin, Remark::MayBeKeptAway);
        }
        None => (word.day.min(family.child.from), [Some(Remark::Added), None]),
        Some(last) if last.until.is_none() && last.terms == terms => return,
        Some(last) => match against(word, last, terms) {
            Err(kept) => return draft.plan.tell(&origin, kept),
            // What another school wrote holds until the student comes here.
            Ok(from) => {
                let again = last.until.map(|_| Remark::LinkAgain);
                (from.max(family.child.from), [last.until.map(|_| Remark::Added), again])
            }
        },
    };
    let command = FamilyCommand::RecordGuardianship { student, guardian, terms, from };
    draft.plan.ask(&origin, Ask::Family(student, command));
    remarks.into_iter().flatten().for_each(|remark| draft.plan.tell(&origin, remark));
}

/// The first day of terms that a file says after others were written, or why those hold.
fn against(word: Word, last: &DatedLink, terms: Terms) -> Result<NaiveDate, Remark> {
    let gives_more = rank(terms.authority) < rank(last.terms.authority);
    match last.until {
        Some(until) if word.is_newer_than(until) => Ok(word.day),
        Some(_) => Err(Remark::EndKept),
        None if word.day < last.from => Err(Remark::TermsKept),
        None if gives_more && !word.is_newer_than(last.from) => Err(Remark::TermsKept),
        None => Ok(word.day.max(day_after(last.from))),
    }
}

impl Listed<'_> {
    /// Whether somebody whom nobody knew in this family may be one who is kept from the student, under
    /// another name: of the same kinship, and not in the file themself.
    fn may_be(&self, row: &GuardianRow, link: Link) -> bool {
        let Some(last) = row.links.last() else { return false };
        let judged = row.restrictions.iter().any(|times| times.until.is_none());
        let kept_away = judged || last.terms.authority == Authority::SurveillanceOnly;
        kept_away && last.terms.link == link && !self.people.contains(&row.guardian)
    }
}

/// Where a student lives: with whoever hosts them, or where the student's own address is.
struct Homes<'f> {
    first: Option<&'f str>,
}

impl<'f> Homes<'f> {
    /// The homes of a student, whose links are in the order of contact.
    fn of(child: &'f Child, links: &[&GuardianLink], addresses: &HashMap<&str, &'f str>) -> Self {
        let mut hosting = links.iter().filter(|link| link.hosts == Some(true));
        let hosts = hosting.find_map(|link| addresses.get(&*link.guardian).copied());
        let nobody = !links.iter().any(|link| link.hosts == Some(true));
        Self { first: hosts.or(child.address.as_deref().filter(|_| nobody)) }
    }

    fn home(&self, link: &GuardianLink, addresses: &HashMap<&str, &str>) -> Home {
        let address = addresses.get(&*link.guardian).copied();
        match (address, link.hosts == Some(true)) {
            (Some(address), _) if self.first == Some(address) => Home::First,
            (Some(_), true) => Home::Second,
            (None, true) => Home::First,
            (_, false) => Home::Elsewhere,
        }
    }
}
