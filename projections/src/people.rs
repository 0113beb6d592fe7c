//! People as a school's office sees them: who they are, and who learns or works in the school.

use chrono::NaiveDate;
use domain::{
    Event, PersonId, Recorded, Uai,
    people::{ContactDetails, Function, Language, Name, PersonEvent},
};
use serde::{Deserialize, Serialize};
use sqlx::SqlitePool;
use utoipa::ToSchema;

use crate::{fold::Table, read, row};

/// A person.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PersonRow {
    /// Who.
    pub person: PersonId,
    /// Their names.
    pub name: Name,
    /// When they were born, if it is known.
    pub birth_date: Option<NaiveDate>,
    /// The language they are written to.
    pub language: Language,
    /// How to reach them.
    pub details: ContactDetails,
}

/// A person in a school.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EnrolmentRow {
    /// Which school.
    #[schema(value_type = String, example = "0549998Z")]
    pub school: Uai,
    /// Who.
    pub person: PersonId,
    /// Whether they learn or work there.
    pub part: Part,
    /// What they work as.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub function: Option<Function>,
    /// A student's national number, if the school knows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ine: Option<String>,
    /// The first day.
    pub from: NaiveDate,
    /// The last day, once they have left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<NaiveDate>,
}

/// Whether a person learns or works in a school.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// Learns.
    Student,
    /// Works.
    Staff,
}

impl Part {
    fn column(self) -> &'static str {
        match self {
            Self::Student => "student",
            Self::Staff => "staff",
        }
    }
}

/// A person with what they are in one school.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct MemberOfSchool {
    /// Who they are.
    #[serde(flatten)]
    pub person: PersonRow,
    /// What they are there.
    pub enrolment: EnrolmentRow,
}

/// A person.
///
/// # Errors
/// When the read model cannot be read.
pub async fn person(db: &SqlitePool, person: PersonId) -> sqlx::Result<Option<PersonRow>> {
    let question = sqlx::query_scalar("select row from person where person = ?1");
    row(question.bind(person.to_string()), db).await
}

/// What a person is in a school, or was.
///
/// # Errors
/// When the read model cannot be read.
pub async fn enrolment(
    db: &SqlitePool,
    school: Uai,
    person: PersonId,
) -> sqlx::Result<Option<EnrolmentRow>> {
    let question = "select row from enrolment where school = ?1 and person = ?2";
    row(sqlx::query_scalar(question).bind(school.to_string()).bind(person.to_string()), db).await
}

/// Those who learn or work in a school, or did: after `after` in the order of their ids, at most
/// `max`.
///
/// # Errors
/// When the read model cannot be read.
pub async fn of_school(
    db: &SqlitePool,
    school: Uai,
    part: Part,
    after: Option<PersonId>,
    max: u32,
) -> sqlx::Result<Vec<MemberOfSchool>> {
    let question = "select p.row, e.row from enrolment e join person p on p.person = e.person
        where e.school = ?1 and e.part = ?2 and e.person > ?3 order by e.person limit ?4";
    let found: Vec<(String, String)> = sqlx::query_as(question)
        .bind(school.to_string())
        .bind(part.column())
        .bind(after.map(|person| person.to_string()).unwrap_or_default())
        .bind(max)
        .fetch_all(db)
        .await?;
    let member = |(person, enrolment): &(String, String)| {
        Ok(MemberOfSchool { person: read(person)?, enrolment: read(enrolment)? })
    };
    found.iter().map(member).collect()
}

pub(crate) struct People;

impl Table for People {
    type Key = (PersonId,);
    type Row = PersonRow;
    const NAME: &'static str = "person";
    const COLUMNS: &'static [&'static str] = &["person"];
    const KEY: usize = 1;

    fn touched(recorded: &Recorded, touch: &mut dyn FnMut((PersonId,))) {
        if let Event::Person(person, event) = &recorded.event {
            match event {
                PersonEvent::PersonRegistered { .. }
                | PersonEvent::PersonRenamed { .. }
                | PersonEvent::ContactDetailsGiven { .. }
                | PersonEvent::LanguageChosen { .. } => touch((*person,)),
                PersonEvent::StudentEnrolled { .. }
                | PersonEvent::StaffAppointed { .. }
                | PersonEvent::PersonLeftSchool { .. } => {}
            }
        }
    }

    fn key(row: &PersonRow) -> (PersonId,) {
        (row.person,)
    }

    fn columns(row: &PersonRow) -> Vec<String> {
        vec![row.person.to_string()]
    }

    fn fold(old: Option<PersonRow>, key: &(PersonId,), recorded: &Recorded) -> Option<PersonRow> {
        let Event::Person(_, event) = &recorded.event else { return old };
        if let PersonEvent::PersonRegistered { name, birth_date, language } = event {
            return Some(PersonRow {
                person: key.0,
                name: name.clone(),
                birth_date: *birth_date,
                language: *language,
                details: ContactDetails::default(),
            });
        }
        let mut row = old?;
        match event {
            PersonEvent::PersonRenamed { name } => row.name = name.clone(),
            PersonEvent::ContactDetailsGiven { details } => row.details = details.clone(),
            PersonEvent::LanguageChosen { language } => row.language = *language,
            PersonEvent::PersonRegistered { .. }
            | PersonEvent::StudentEnrolled { .. }
            | PersonEvent::StaffAppointed { .. }
            | PersonEvent::PersonLeftSchool { .. } => {}
        }
        Some(row)
    }
}

pub(crate) struct Enrolments;

impl Table for Enrolments {
    type Key = (Uai, PersonId);
    type Row = EnrolmentRow;
    const NAME: &'static str = "enrolment";
    const COLUMNS: &'static [&'static str] = &["school", "person", "part"];
    const KEY: usize = 2;

    fn touched(recorded: &Recorded, touch: &mut dyn FnMut((Uai, PersonId))) {
        if let Event::Person(person, event) = &recorded.event {
            match event {
                PersonEvent::StudentEnrolled { school, .. }
                | PersonEvent::StaffAppointed { school, .. }
                | PersonEvent::PersonLeftSchool { school, .. } => touch((*school, *person)),
                PersonEvent::PersonRegistered { .. }
                | PersonEvent::PersonRenamed { .. }
                | PersonEvent::ContactDetailsGiven { .. }
                | PersonEvent::LanguageChosen { .. } => {}
            }
        }
    }

    fn key(row: &EnrolmentRow) -> (Uai, PersonId) {
        (row.school, row.person)
    }

    fn columns(row: &EnrolmentRow) -> Vec<String> {
        vec![row.school.to_string(), row.person.to_string(), row.part.column().to_owned()]
    }

    fn fold(
        old: Option<EnrolmentRow>,
        &(school, person): &(Uai, PersonId),
        recorded: &Recorded,
    ) -> Option<EnrolmentRow> {
        let Event::Person(_, event) = &recorded.event else { return old };
        let (function, ine, until) = (None, None, None);
        match event {
            PersonEvent::StudentEnrolled { ine, from, .. } => {
                let (part, ine, from) = (Part::Student, ine.clone(), *from);
                Some(EnrolmentRow { school, person, part, function, ine, from, until })
            }
            PersonEvent::StaffAppointed { function, from, .. } => {
                let (part, function, from) = (Part::Staff, Some(*function), *from);
                Some(EnrolmentRow { school, person, part, function, ine, from, until })
            }
            PersonEvent::PersonLeftSchool { on, .. } => {
                old.map(|row| EnrolmentRow { until: Some(*on), ..row })
            }
            PersonEvent::PersonRegistered { .. }
            | PersonEvent::PersonRenamed { .. }
            | PersonEvent::ContactDetailsGiven { .. }
            | PersonEvent::LanguageChosen { .. } => old,
        }
    }
}
