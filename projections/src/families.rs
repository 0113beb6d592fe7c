//! Families as a school's office sees them: who answers for a student, on which day.

use chrono::NaiveDate;
use domain::{
    Event, PersonId, Recorded, StudentId, Uai,
    families::{FamilyEvent, Terms},
};
use serde::{Deserialize, Serialize};
use sqlx::SqlitePool;
use utoipa::ToSchema;

use crate::{fold::Table, listed, people::PersonRow, read, rows};

/// A guardian of a student, with all that was and is between them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct GuardianRow {
    /// Whose guardian.
    pub student: StudentId,
    /// Who.
    pub guardian: PersonId,
    /// The terms of the link, one after the other.
    pub links: Vec<DatedLink>,
    /// The times without rights, by judgment.
    pub restrictions: Vec<Restriction>,
}

/// The terms of a link, for a time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DatedLink {
    /// As what.
    #[serde(flatten)]
    pub terms: Terms,
    /// The first day.
    pub from: NaiveDate,
    /// The last day, once it has ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<NaiveDate>,
}

/// A time without rights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Restriction {
    /// The first day.
    pub from: NaiveDate,
    /// The first day with rights again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<NaiveDate>,
    /// The reference of the judgment.
    pub document: String,
}

/// A guardian with who they are; nothing of that if their identity was erased.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct GuardianOfStudent {
    /// What is between them.
    #[serde(flatten)]
    pub guardian: GuardianRow,
    /// Who they are.
    pub person: Option<PersonRow>,
}

impl GuardianRow {
    /// The terms that hold on a day.
    pub fn terms_on(&self, date: NaiveDate) -> Option<Terms> {
        let links = self.links.iter();
        let mut held =
            links.filter(|link| link.from <= date && link.until.is_none_or(|until| date <= until));
        held.next_back().map(|link| link.terms)
    }

    /// Whether they answer for the student on a day, and no judgment keeps them from it.
    pub fn answers_on(&self, date: NaiveDate) -> bool {
        let contains = |from, until: Option<NaiveDate>, last_included: bool| {
            from <= date
                && until.is_none_or(|until| date < until || (last_included && date == until))
        };
        let linked = self.links.iter().any(|link| contains(link.from, link.until, true));
        let mut restrictions = self.restrictions.iter();
        linked && !restrictions.any(|times| contains(times.from, times.until, false))
    }
}

/// Everybody who answers or answered for a student, those to call first in front.
///
/// # Errors
/// When the read model cannot be read.
pub async fn of_student(
    db: &SqlitePool,
    student: StudentId,
) -> sqlx::Result<Vec<GuardianOfStudent>> {
    let question = "select g.row, p.row from guardian g left join person p on p.person = g.guardian
        where g.student = ?1 order by g.row ->> '$.links[#-1].contact_order', g.guardian";
    let question = sqlx::query_as(question).bind(student.to_string());
    guardians(&question.fetch_all(db).await?)
}

/// Everybody who answers or answered for a student of a school, or one who was.
///
/// # Errors
/// When the read model cannot be read.
pub async fn of_school(db: &SqlitePool, school: Uai) -> sqlx::Result<Vec<GuardianOfStudent>> {
    let question = "select g.row, p.row from enrolment e join guardian g on g.student = e.person
        left join person p on p.person = g.guardian
        where e.school = ?1 and e.part = 'student' order by g.student, g.guardian";
    let question = sqlx::query_as(question).bind(school.to_string());
    guardians(&question.fetch_all(db).await?)
}

/// The same, of these students, wherever they learn.
///
/// # Errors
/// When the read model cannot be read.
pub async fn of_students(
    db: &SqlitePool,
    students: &[PersonId],
) -> sqlx::Result<Vec<GuardianOfStudent>> {
    let question = "select g.row, p.row from guardian g
        left join person p on p.person = g.guardian
        where g.student in (select value from json_each(?1)) order by g.student, g.guardian";
    guardians(&sqlx::query_as(question).bind(listed(students)?).fetch_all(db).await?)
}

/// Those of these people who answer or answered for a student who learns in another school on a day
/// or later, with the student.
///
/// # Errors
/// When the read model cannot be read.
pub async fn answering_elsewhere(
    db: &SqlitePool,
    school: Uai,
    people: &[PersonId],
    date: NaiveDate,
) -> sqlx::Result<Vec<(PersonId, StudentId)>> {
    let question = "select g.row from guardian g
        where g.guardian in (select value from json_each(?2)) and exists
            (select 1 from enrolment e where e.school <> ?1 and e.person = g.student
                and e.part = 'student' and coalesce(e.row ->> '$.until', ?3) >= ?3)";
    let question = sqlx::query_scalar(question).bind(school.to_string());
    let question = question.bind(listed(people)?).bind(date.to_string());
    let found: Vec<GuardianRow> = rows(question, db).await?;
    Ok(found.into_iter().map(|row| (row.guardian, row.student)).collect())
}

fn guardians(found: &[(String, Option<String>)]) -> sqlx::Result<Vec<GuardianOfStudent>> {
    let guardian = |(guardian, person): &(String, Option<String>)| {
        let person = person.as_deref().map(read).transpose()?;
        Ok(GuardianOfStudent { guardian: read(guardian)?, person })
    };
    found.iter().map(guardian).collect()
}

/// The students that a person answers or answered for.
///
/// # Errors
/// When the read model cannot be read.
pub async fn of_guardian(db: &SqlitePool, guardian: PersonId) -> sqlx::Result<Vec<GuardianRow>> {
    let question = "select row from guardian where guardian = ?1 order by student";
    rows(sqlx::query_scalar(question).bind(guardian.to_string()), db).await
}

pub(crate) struct Guardians;

impl Table for Guardians {
    type Key = (StudentId, PersonId);
    type Row = GuardianRow;
    const NAME: &'static str = "guardian";
    const COLUMNS: &'static [&'static str] = &["student", "guardian"];
    const KEY: usize = 2;

    fn touched(recorded: &Recorded, touch: &mut dyn FnMut((StudentId, PersonId))) {
        let Event::Family(student, event) = &recorded.event else { return };
        match event {
            FamilyEvent::GuardianshipRecorded { guardian, .. }
            | FamilyEvent::GuardianshipRestricted { guardian, .. }
            | FamilyEvent::GuardianshipRestored { guardian, .. }
            | FamilyEvent::GuardianshipEnded { guardian, .. } => touch((*student, *guardian)),
        }
    }

    fn key(row: &GuardianRow) -> (StudentId, PersonId) {
        (row.student, row.guardian)
    }

    fn columns(row: &GuardianRow) -> Vec<String> {
        vec![row.student.to_string(), row.guardian.to_string()]
    }

    fn fold(
        old: Option<GuardianRow>,
        &(student, guardian): &(StudentId, PersonId),
        recorded: &Recorded,
    ) -> Option<GuardianRow> {
        let Event::Family(_, event) = &recorded.event else { return old };
        let (links, restrictions) = (Vec::new(), Vec::new());
        let mut row = old.unwrap_or(GuardianRow { student, guardian, links, restrictions });
        match event {
            FamilyEvent::GuardianshipRecorded { terms, from, .. } => {
                row.links.push(DatedLink { terms: *terms, from: *from, until: None });
            }
            FamilyEvent::GuardianshipRestricted { from, document, .. } => {
                // Under new terms an old judgment is told again: the time goes on.
                let mut open = row.restrictions.iter().filter(|r| r.until.is_none());
                if !open.any(|restriction| restriction.document == *document) {
                    let (from, document) = (*from, document.clone());
                    row.restrictions.push(Restriction { from, until: None, document });
                }
            }
            FamilyEvent::GuardianshipRestored { from, .. } => {
                let open = row.restrictions.iter_mut().filter(|r| r.until.is_none());
                open.for_each(|restriction| restriction.until = Some(*from));
            }
            FamilyEvent::GuardianshipEnded { since, on, .. } => {
                let open = row.links.iter_mut().filter(|link| link.until.is_none());
                let ended = open.filter(|link| link.from == *since);
                ended.for_each(|link| link.until = Some(*on));
            }
        }
        Some(row)
    }
}
