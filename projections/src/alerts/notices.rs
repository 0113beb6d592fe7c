//! Alerts as those see them whom they are told to: whom somebody might be told about, in which school, and how
//! far that has changed. One question, however many children there are. Whether they may be told is for a
//! decision to say.

use domain::{PersonId, StudentId, Uai};
use sqlx::SqlitePool;

/// A student whom somebody answers or answered for, or is, in a school where they learn or learnt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwnStudent {
    /// In which school.
    pub school: Uai,
    /// Who.
    pub student: StudentId,
    /// The position of the last event about an alert there; 0 if there was none.
    pub changed: u64,
}

/// The students whom somebody answers or answered for, and themself, wherever they learn or learnt.
///
/// # Errors
/// When the read model cannot be read.
pub async fn own_students(db: &SqlitePool, person: PersonId) -> sqlx::Result<Vec<OwnStudent>> {
    let question = "with own(student) as
            (select student from guardian where guardian = ?1 union select ?1)
        select e.school, o.student, (select max(a.changed) from alert a
            where a.school = e.school and a.student = o.student)
        from own o cross join enrolment e on e.person = o.student
        where e.part = 'student' order by o.student, e.school";
    let question = sqlx::query_as(question).bind(person.to_string());
    let found: Vec<(String, String, Option<String>)> = question.fetch_all(db).await?;
    found.iter().map(OwnStudent::read).collect()
}

impl OwnStudent {
    fn read((school, student, changed): &(String, String, Option<String>)) -> sqlx::Result<Self> {
        let school = school.parse().map_err(|error| sqlx::Error::Decode(Box::new(error)))?;
        let student = student.parse().map_err(|error| sqlx::Error::Decode(Box::new(error)))?;
        let changed = changed.as_deref().unwrap_or("0").parse();
        let changed = changed.map_err(|error| sqlx::Error::Decode(Box::new(error)))?;
        Ok(Self { school, student, changed })
    }
}
