//! What is known of a school before its files are compared: read with a handful of questions about
//! the whole school, never one per person.

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::{DateTime, NaiveDate, Utc};
use domain::{
    ClassId, PersonId, SchoolYear, StudentId, Uai,
    people::{Identifier, Scheme},
    schools::SchoolSheet,
};
use projections::{
    classes::{self, ClassRow, MemberRow, TeacherRow},
    families::{self, GuardianRow},
    people::{self, EnrolmentRow, Part, PersonRow},
    schools,
    timetable::{self, CourseRow},
};
use sqlx::SqlitePool;

use super::feed::Feed;

/// The schemes in which each school numbers people by itself.
const SCHEMES_OF_SCHOOL: [Scheme; 4] =
    [Scheme::SiecleStudent, Scheme::SieclePerson, Scheme::StsEpp, Scheme::StsLocal];

/// What is known.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// What the school has decided, if it is open.
    pub(super) sheet: Option<SchoolSheet>,
    /// Everybody of the school, and everybody elsewhere whom its files may mean.
    pub(super) people: HashMap<PersonId, PersonRow>,
    /// What they are or were in the school.
    pub(super) enrolments: HashMap<PersonId, EnrolmentRow>,
    /// Whom a number names: those of the school's files, and the national ones that the files bear.
    pub(super) numbers: BTreeMap<(Scheme, String), PersonId>,
    /// The number of each person in the school's files.
    pub(super) number_of: BTreeMap<(Scheme, PersonId), String>,
    /// Staff of other schools with the same numbers.
    pub(super) staff_elsewhere: HashMap<String, Vec<PersonId>>,
    /// Who answers or answered for each student of the school, and for those who come to it.
    pub(super) guardians: HashMap<StudentId, Vec<GuardianRow>>,
    /// The students of other schools whom people answer for.
    pub(super) answering_elsewhere: HashMap<PersonId, Vec<StudentId>>,
    /// Those who learn in another school, or did; since when and in which, if they still do.
    pub(super) learning_elsewhere: HashMap<PersonId, Option<(NaiveDate, Uai)>>,
    /// The classes of the year.
    pub(super) classes: Vec<ClassRow>,
    /// Who is or was in them.
    pub(super) members: HashMap<ClassId, Vec<MemberRow>>,
    /// Who teaches or taught them.
    pub(super) teachers: HashMap<ClassId, Vec<TeacherRow>>,
    /// Their courses.
    pub(super) courses: Vec<CourseRow>,
}

impl Known {
    /// Reads what is known of the school that a feed is of.
    pub(super) async fn read(
        db: &SqlitePool,
        feed: &Feed,
        now: DateTime<Utc>,
    ) -> sqlx::Result<Self> {
        let mut known = Self { sheet: schools::sheet(db, feed.school).await?, ..Self::default() };
        let today = known.sheet.as_ref().map_or(now.date_naive(), |sheet| sheet.local_date(now));
        for member in people::everybody_of_school(db, feed.school).await? {
            known.enrolments.insert(member.person.person, member.enrolment);
            known.people.insert(member.person.person, member.person);
        }
        for found in families::of_school(db, feed.school).await? {
            known.people.extend(found.person.map(|person| (person.person, person)));
            known.guardians.entry(found.guardian.student).or_default().push(found.guardian);
        }
        known.read_numbers(db, feed).await?;
        known.read_people(db, feed).await?;
        known.read_families(db).await?;
        known.read_elsewhere(db, feed.school, today).await?;
        known.read_classes(db, feed.school, feed.year).await?;
        Ok(known)
    }

    async fn read_numbers(&mut self, db: &SqlitePool, feed: &Feed) -> sqlx::Result<()> {
        for scheme in SCHEMES_OF_SCHOOL {
            for row in people::identifiers(db, scheme, Some(feed.school)).await? {
                self.number_of.insert((scheme, row.person), row.identifier.value.clone());
                self.numbers.insert((scheme, row.identifier.value), row.person);
            }
        }
        let students = feed.all_students();
        let national: Vec<_> = students.filter_map(|student| student.ine.as_deref()).collect();
        for row in people::identified_anywhere(db, Scheme::Ine, &national).await? {
            self.numbers.insert((Scheme::Ine, row.identifier.value), row.person);
        }
        let staff = feed.all_staff();
        let unknown = staff
            .map(|staff| &*staff.key.number)
            .filter(|number| !self.numbers.contains_key(&(Scheme::StsEpp, (*number).to_owned())));
        let unknown: Vec<&str> = unknown.collect();
        for row in people::identified_anywhere(db, Scheme::StsEpp, &unknown).await? {
            let Identifier { value, .. } = row.identifier;
            self.staff_elsewhere.entry(value).or_default().push(row.person);
        }
        Ok(())
    }

    /// Reads who the numbers name, whom an interrupted import has registered, and who may be meant
    /// by how to reach them.
    async fn read_people(&mut self, db: &SqlitePool, feed: &Feed) -> sqlx::Result<()> {
        let numbered = self.numbers.values().chain(self.staff_elsewhere.values().flatten());
        let meant = numbered.copied().chain(of_files(feed));
        let missing = meant.filter(|person| !self.people.contains_key(person));
        let missing: Vec<PersonId> = missing.collect::<HashSet<_>>().into_iter().collect();
        let mut found = people::these(db, &missing).await?;
        let guardians = feed.all_guardians();
        let unknown = guardians.filter(|guardian| {
            !self.numbers.contains_key(&(Scheme::SieclePerson, guardian.number.to_string()))
        });
        let (mut mails, mut mobiles) = (Vec::new(), Vec::new());
        for guardian in unknown {
            mails.extend(guardian.details.mail.as_deref().map(str::to_lowercase));
            mobiles.extend(guardian.details.mobile.iter().flat_map(|mobile| written(mobile)));
        }
        found.extend(people::reached_by(db, &mails, &mobiles).await?);
        self.people.extend(found.into_iter().map(|person| (person.person, person)));
        Ok(())
    }

    /// Reads the families of students who come from another school: who answers for them, and on
    /// which terms, was written there.
    async fn read_families(&mut self, db: &SqlitePool) -> sqlx::Result<()> {
        let coming = self.people.keys().filter(|person| !self.enrolments.contains_key(person));
        let coming: Vec<PersonId> = coming.copied().collect();
        for found in families::of_students(db, &coming).await? {
            self.people.extend(found.person.map(|person| (person.person, person)));
            self.guardians.entry(found.guardian.student).or_default().push(found.guardian);
        }
        Ok(())
    }

    /// Reads who learns in other schools, and who answers for somebody who does.
    async fn read_elsewhere(
        &mut self,
        db: &SqlitePool,
        school: Uai,
        today: NaiveDate,
    ) -> sqlx::Result<()> {
        let people: Vec<PersonId> = self.people.keys().copied().collect();
        for (guardian, student) in families::answering_elsewhere(db, school, &people, today).await?
        {
            self.answering_elsewhere.entry(guardian).or_default().push(student);
        }
        for row in people::learning_elsewhere(db, school, &people).await? {
            let still = row.until.is_none_or(|until| until >= today);
            let since = still.then_some((row.from, row.school));
            let last = self.learning_elsewhere.entry(row.person).or_default();
            *last = since.max(*last);
        }
        Ok(())
    }

    async fn read_classes(
        &mut self,
        db: &SqlitePool,
        school: Uai,
        year: SchoolYear,
    ) -> sqlx::Result<()> {
        self.classes = classes::of_school(db, school, None, u32::MAX).await?;
        self.classes.retain(|class| class.year == year);
        for member in classes::members_of_school(db, school, year).await? {
            self.members.entry(member.class).or_default().push(member);
        }
        for teacher in classes::teachers_of_school(db, school, year).await? {
            self.teachers.entry(teacher.class).or_default().push(teacher);
        }
        let of_year: HashSet<ClassId> = self.classes.iter().map(|class| class.class).collect();
        self.courses = timetable::of_school(db, school).await?;
        self.courses.retain(|course| of_year.contains(&course.class));
        Ok(())
    }

    /// Whether somebody learns in another school that they came to later than on a day. Of two that
    /// they came to on the same day, the code decides.
    pub(super) fn came_elsewhere(&self, person: PersonId, school: Uai, since: NaiveDate) -> bool {
        let elsewhere = self.learning_elsewhere.get(&person).copied().flatten();
        elsewhere.is_some_and(|elsewhere| elsewhere > (since, school))
    }

    /// Whether somebody learns in a school, or did.
    pub(super) fn is_student(&self, person: PersonId) -> bool {
        let here = self.enrolments.get(&person).is_some_and(|row| row.part == Part::Student);
        here || self.learning_elsewhere.contains_key(&person)
    }

    /// Whom a number of the school's files names, or a national one.
    pub(super) fn named(&self, scheme: Scheme, number: &str) -> Option<PersonId> {
        self.numbers.get(&(scheme, number.to_owned())).copied()
    }

    /// The number that the school's files know a person by.
    pub(super) fn number(&self, scheme: Scheme, person: PersonId) -> Option<&str> {
        self.number_of.get(&(scheme, person)).map(String::as_str)
    }
}

/// A mobile telephone in the ways in which people and programs write it.
fn written(mobile: &str) -> Vec<String> {
    let digits: Vec<char> = mobile.chars().filter(char::is_ascii_digit).collect();
    let own: String = digits[digits.len().saturating_sub(9)..].iter().collect();
    let mut ways = vec![mobile.to_owned()];
    if let (9, Some((first, pairs))) = (own.len(), own.split_at_checked(1)) {
        let pairs: Vec<&str> = (0..4).filter_map(|n| pairs.get(2 * n..2 * n + 2)).collect();
        for prefix in ["0", "+33", "0033"] {
            ways.push(format!("{prefix}{own}"));
        }
        for between in [" ", "."] {
            let pairs = pairs.join(between);
            ways.push(format!("0{first}{between}{pairs}"));
            ways.push(format!("+33{between}{first}{between}{pairs}"));
        }
    }
    ways
}

/// The ids that an import gives to those whom nobody knew.
fn of_files(feed: &Feed) -> impl Iterator<Item = PersonId> + '_ {
    let id = |scheme: Scheme, number: &str| new_person(feed.school, scheme, number);
    let students = feed.all_students();
    let guardians = feed.all_guardians();
    let staff = feed.all_staff();
    let students = students.map(move |student| id(Scheme::SiecleStudent, &student.number));
    let guardians = guardians.map(move |guardian| id(Scheme::SieclePerson, &guardian.number));
    let staff = staff.map(move |staff| id(staff.key.source.into(), &staff.key.number));
    students.chain(guardians).chain(staff)
}

/// The id of somebody whom nobody knew: the same each time, so that an import that was interrupted
/// makes nobody twice.
pub(super) fn new_person(school: Uai, scheme: Scheme, number: &str) -> PersonId {
    PersonId::of_file(school, scheme.into(), number)
}
