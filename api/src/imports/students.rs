//! Students: who comes, who leaves, under which names and numbers, and in which classes.
//!
//! Whoever left, or came to another school since, has their name and family written there: of them a
//! file says here only whether they are in the school, and in which classes.

use std::collections::{BTreeSet, HashMap};

use chrono::NaiveDate;
use domain::{
    ClassId, PersonId, StudentId,
    classes::ClassCommand,
    people::{ContactDetails, Identifier, Name, PersonCommand, Scheme},
};
use projections::{
    classes::Stay,
    people::{EnrolmentRow, Part},
};

use super::{
    draft::{Draft, day_after, day_before},
    feed::Student,
    matching::{self, Meant},
    plan::{Ask, Origin},
    problem::Record,
    remarks::Remark,
};

/// A student who is taken in, for those who answer for them.
#[derive(Clone, Debug)]
pub(super) struct Child {
    /// Who.
    pub(super) person: PersonId,
    /// Their names in the file.
    pub(super) name: Option<Name>,
    /// The first day in the school.
    pub(super) from: NaiveDate,
    /// The last one, if the file says it.
    pub(super) leaves: Option<NaiveDate>,
    /// Whether who they are and who answers for them is for this school to write.
    pub(super) ours: bool,
    /// Those who have the same address live together.
    pub(super) address: Option<Box<str>>,
    /// Their record.
    pub(super) origin: Origin,
}

/// Those who are taken in, by their number in the file.
pub(super) type Children = HashMap<Box<str>, Child>;

/// Compares the students of the feed. Without their file, they are those who are known.
pub(super) fn compare(draft: &mut Draft<'_>) -> Children {
    if draft.feed.students.is_none() {
        return known_children(draft);
    }
    let mut children = Children::new();
    let placed = Classes::of(draft);
    for (student, meant) in matching::students(draft.feed, draft.known) {
        let origin = draft.plan.origin(student.place, Record::Student, &student.number);
        let (person, remark) = match meant {
            Meant::Several => {
                draft.plan.tell(&origin, Remark::SeveralPeople);
                continue;
            }
            Meant::New(person) => (person, Some(Remark::Added)),
            Meant::Known(person) => (person, Some(Remark::KnownAlready)),
            Meant::Numbered(person) => (person, None),
        };
        match take_in(draft, student, person, &origin) {
            Err(refusal) => draft.plan.tell(&origin, refusal),
            Ok(child) => {
                placed.place(draft, student, &child);
                remark.into_iter().for_each(|remark| draft.plan.tell(&origin, remark));
                children.insert(student.number.clone(), child);
            }
        }
    }
    children
}

/// The students whom earlier files have numbered.
fn known_children(draft: &Draft<'_>) -> Children {
    let numbers = draft.known.numbers.iter();
    let students = numbers.filter(|((scheme, _), _)| *scheme == Scheme::SiecleStudent);
    let children = students.filter_map(|((_, number), person)| {
        let enrolment = draft.known.enrolments.get(person)?;
        let EnrolmentRow { part: Part::Student, from, until: leaves, .. } = *enrolment else {
            return None;
        };
        let child = Child {
            person: *person,
            name: draft.known.people.get(person).map(|row| row.name.clone()),
            from,
            leaves,
            ours: is_ours(draft, *person, (from, leaves)),
            address: None,
            origin: Origin::known(Record::Student, number),
        };
        Some((number.as_str().into(), child))
    });
    children.collect()
}

/// Whether the family of a student who is here for a time is for this school to write. It is not once
/// they have left, nor once they came to another school later: two schools would else take turns, and
/// an old word would give back what a newer one took.
fn is_ours(
    draft: &Draft<'_>,
    person: PersonId,
    (from, leaves): (NaiveDate, Option<NaiveDate>),
) -> bool {
    let left = leaves.is_some_and(|leaves| leaves < draft.days.of_files);
    !left && !draft.known.came_elsewhere(person, draft.school(), from)
}

/// Asks for all that makes a person the student of a record.
fn take_in(
    draft: &mut Draft<'_>,
    student: &Student,
    person: PersonId,
    origin: &Origin,
) -> Result<Child, Remark> {
    let enrolment = draft.known.enrolments.get(&person);
    if enrolment.is_some_and(|row| row.part == Part::Staff && row.until.is_none()) {
        return Err(Remark::OtherPartInSchool);
    }
    let left = student.leaves.is_some_and(|leaves| leaves < draft.days.of_files);
    if enrolment.is_none() && left {
        return Err(Remark::LeftAlready);
    }
    let (from, leaves, commands) = enrolling(draft, student, person)?;
    let ours = is_ours(draft, person, (from, leaves));
    if ours {
        let comes = commands.iter().any(|c| matches!(c, PersonCommand::EnrolStudent { .. }));
        describe(draft, student, (person, comes), origin);
    } else if !left {
        draft.plan.tell(origin, Remark::EnrolledElsewhere);
    }
    draft.number(person, origin, Scheme::SiecleStudent, &student.number);
    commands.into_iter().for_each(|command| draft.ask(person, origin, command));
    Ok(Child {
        person,
        name: Some(student.name.clone()),
        from,
        leaves,
        ours,
        address: student.address.clone(),
        origin: origin.clone(),
    })
}

/// Says who a student is. SIECLE is where a school puts right the names and the birth date of its
/// students; a birth date that moves their majority moves rights, and is told.
fn describe(
    draft: &mut Draft<'_>,
    student: &Student,
    (person, comes): (PersonId, bool),
    origin: &Origin,
) {
    draft.name(person, origin, &student.name);
    draft.born(person, |known| student.birth_date.or(known));
    draft.reach(person, |known| said_of_student(known, &student.details));
    let born = draft.known.people.get(&person).and_then(|row| row.birth_date);
    if let (Some(known), Some(said)) = (born, student.birth_date)
        && is_of_age(known, draft.days.of_files) != is_of_age(said, draft.days.of_files)
    {
        draft.plan.tell(origin, Remark::MajorityChanges);
    }
    match student.ine.as_deref().map(|ine| (ine, draft.known.named(Scheme::Ine, ine))) {
        // Whoever comes, comes with their number.
        Some((ine, None)) if !comes => {
            let (scheme, value) = (Scheme::Ine, ine.to_owned());
            let identifier = Identifier { scheme, school: None, value };
            draft.ask(person, origin, PersonCommand::IdentifyPerson { identifier });
        }
        Some((_, Some(named))) if named != person => {
            draft.plan.tell(origin, Remark::NationalNumberTaken);
        }
        Some(_) | None => {}
    }
}

fn is_of_age(born: NaiveDate, day: NaiveDate) -> bool {
    day.years_since(born).is_some_and(|years| years >= 18)
}

/// The first day, the last one if there is one, and what is to be asked for them.
type Enrolling = (NaiveDate, Option<NaiveDate>, Vec<PersonCommand>);

/// What makes the enrolment what the record says.
fn enrolling(draft: &Draft<'_>, student: &Student, person: PersonId) -> Result<Enrolling, Remark> {
    let school = draft.school();
    let enters = student.enters.unwrap_or(draft.days.first);
    let ine = student
        .ine
        .as_deref()
        .filter(|ine| draft.known.named(Scheme::Ine, ine).is_none_or(|named| named == person));
    let enrol = |from| {
        let ine = ine.map(str::to_owned);
        PersonCommand::EnrolStudent { school, ine, from }
    };
    let known = draft.known.enrolments.get(&person).filter(|row| row.part == Part::Student);
    let until = known.and_then(|row| row.until);
    let (from, comes) = match known {
        None => (enters, true),
        Some(row) => match (until, student.leaves) {
            (Some(until), None) if enters > until => (enters, true),
            // Who left for another school is not brought back by a file that has not heard of it.
            (Some(_), None) if draft.known.came_elsewhere(person, school, row.from) => {
                return Ok((row.from, until, Vec::new()));
            }
            (Some(until), None) if until < draft.days.of_files => {
                (draft.days.of_files.max(day_after(until)), true)
            }
            (Some(until), leaves) => (row.from, leaves != Some(until)),
            (None, _) => (row.from, false),
        },
    };
    let mut commands = Vec::new();
    if comes {
        commands.push(enrol(from));
    }
    if let Some(on) = student.leaves
        && (comes || until.is_none())
    {
        if on < from {
            return Err(Remark::LeavesBeforeComing);
        }
        commands.push(PersonCommand::LeaveSchool { school, on });
    }
    Ok((from, student.leaves, commands))
}

/// A file of students tells where they live, and most often no telephone: what it does not tell, it
/// does not take away.
fn said_of_student(known: &ContactDetails, said: &ContactDetails) -> ContactDetails {
    let or = |said: &Option<String>, known: &Option<String>| said.clone().or(known.clone());
    ContactDetails {
        mail: or(&said.mail, &known.mail),
        mobile: or(&said.mobile, &known.mobile),
        telephone: or(&said.telephone, &known.telephone),
        address: or(&said.address, &known.address),
        accepts_sms: if said.mobile.is_some() { said.accepts_sms } else { known.accepts_sms },
        prefers: known.prefers,
    }
}

/// Who is in which class of the year, and which of the classes national files know.
struct Classes {
    /// The times that each student is or was in a class.
    stays: HashMap<StudentId, Vec<(ClassId, Stay)>>,
    national: BTreeSet<ClassId>,
    /// Whether the file says anything of classes.
    told: bool,
}

impl Classes {
    fn of(draft: &mut Draft<'_>) -> Self {
        let mut stays: HashMap<_, Vec<_>> = HashMap::new();
        for row in draft.known.members.values().flatten() {
            let of_class = row.stays.iter().map(|stay| (row.class, *stay));
            stays.entry(row.student).or_default().extend(of_class);
        }
        let national = super::classes::national(draft);
        let people = draft.feed.all_students();
        let mut present = people.filter(|student| student.leaves.is_none()).peekable();
        let any = present.peek().is_some();
        let told = present.any(|student| !student.classes.is_empty());
        if any && !told {
            draft.plan.tell(&Origin::default(), Remark::NobodyInAClass);
        }
        Self { stays, national, told }
    }

    /// Has a student join and leave classes as the file says.
    fn place(&self, draft: &mut Draft<'_>, student: &Student, child: &Child) {
        let (days, id) = (draft.days, StudentId::from(child.person));
        if !self.told {
            return;
        }
        let stays = self.stays.get(&id).map(Vec::as_slice).unwrap_or_default();
        let left = child.leaves.filter(|leaves| *leaves < days.of_files);
        let wanted = student.classes.iter().filter(|_| left.is_none());
        let wanted: BTreeSet<ClassId> =
            wanted.filter_map(|class| draft.classes.get(class).copied()).collect();
        for class in &wanted {
            let mut of_class = stays.iter().filter(|(of, _)| of == class);
            if of_class.clone().any(|(_, stay)| stay.until.is_none()) {
                continue;
            }
            let joins = if stays.is_empty() { child.from.max(days.first) } else { days.begins() };
            let after = of_class.by_ref().filter_map(|(_, stay)| stay.until).max();
            let from = after.map_or(joins, |until| joins.max(day_after(until)));
            let command = ClassCommand::JoinClass { student: id, from };
            draft.plan.ask(&child.origin, Ask::Class(*class, command));
        }
        let open = stays.iter().filter(|(_, stay)| stay.until.is_none());
        for (class, stay) in open.filter(|(class, _)| !wanted.contains(class)) {
            if self.national.contains(class) {
                let never = day_before(stay.from);
                let on = left.map_or_else(|| days.undone(stay.from), |left| left.max(never));
                let command = ClassCommand::LeaveClass { student: id, on };
                draft.plan.ask(&child.origin, Ask::Class(*class, command));
            }
        }
    }
}
