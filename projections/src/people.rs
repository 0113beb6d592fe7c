//! People as a school's office sees them: who they are, and who learns or works in the school.

use chrono::NaiveDate;
use domain::{
    Event, PersonId, Recorded, Uai,
    people::{ContactDetails, Function, Identifier, Language, Name, PersonEvent, Scheme},
};
use serde::{Deserialize, Serialize};
use sqlx::SqlitePool;
use utoipa::ToSchema;

use crate::{fold::Table, listed, read, row, rows};

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

/// A number that a person is known by.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct IdentifierRow {
    /// The number.
    pub identifier: Identifier,
    /// Whose.
    pub person: PersonId,
}

/// Which school registered somebody first: until they have a part there or elsewhere, its office
/// knows them and no other.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RegistrationRow {
    /// Who.
    pub person: PersonId,
    /// Which school.
    pub school: Uai,
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

/// What a person is and was, school by school.
///
/// # Errors
/// When the read model cannot be read.
pub async fn enrolments(db: &SqlitePool, person: PersonId) -> sqlx::Result<Vec<EnrolmentRow>> {
    let question = "select row from enrolment where person = ?1 order by school";
    rows(sqlx::query_scalar(question).bind(person.to_string()), db).await
}

/// The numbers that people are known by in the files of a school, and those of the nation.
///
/// # Errors
/// When the read model cannot be read.
pub async fn identifiers(
    db: &SqlitePool,
    scheme: Scheme,
    school: Option<Uai>,
) -> sqlx::Result<Vec<IdentifierRow>> {
    let question = "select row from identifier where scheme = ?1 and school = ?2 order by value";
    let question = sqlx::query_scalar(question).bind(<&str>::from(scheme));
    rows(question.bind(of(school)), db).await
}

/// Whom a number names.
///
/// # Errors
/// When the read model cannot be read.
pub async fn identified(
    db: &SqlitePool,
    identifier: &Identifier,
) -> sqlx::Result<Option<PersonId>> {
    let question = "select row from identifier where scheme = ?1 and school = ?2 and value = ?3";
    let question = sqlx::query_scalar(question).bind(<&str>::from(identifier.scheme));
    let question = question.bind(of(identifier.school)).bind(&identifier.value);
    Ok(row::<IdentifierRow>(question, db).await?.map(|row| row.person))
}

/// The same, of those among `values`, with the school that says so: in whichever school's files.
///
/// # Errors
/// When the read model cannot be read.
pub async fn identified_anywhere(
    db: &SqlitePool,
    scheme: Scheme,
    values: &[&str],
) -> sqlx::Result<Vec<IdentifierRow>> {
    let question = "select row from identifier
        where scheme = ?1 and value in (select value from json_each(?2)) order by value, school";
    let question = sqlx::query_scalar(question).bind(<&str>::from(scheme));
    rows(question.bind(listed(values)?), db).await
}

/// Those of these people who are registered.
///
/// # Errors
/// When the read model cannot be read.
pub async fn these(db: &SqlitePool, people: &[PersonId]) -> sqlx::Result<Vec<PersonRow>> {
    let question = "select row from person where person in (select value from json_each(?1))";
    rows(sqlx::query_scalar(question).bind(listed(people)?), db).await
}

/// What these people learn and learnt in other schools.
///
/// # Errors
/// When the read model cannot be read.
pub async fn learning_elsewhere(
    db: &SqlitePool,
    school: Uai,
    people: &[PersonId],
) -> sqlx::Result<Vec<EnrolmentRow>> {
    let question = "select row from enrolment
        where person in (select value from json_each(?2)) and school <> ?1 and part = 'student'";
    rows(sqlx::query_scalar(question).bind(school.to_string()).bind(listed(people)?), db).await
}

/// Everybody of the region who gave one of these mail addresses, in lower case, or one of these
/// mobile telephones, as it was written.
///
/// # Errors
/// When the read model cannot be read.
pub async fn reached_by(
    db: &SqlitePool,
    mails: &[String],
    mobiles: &[String],
) -> sqlx::Result<Vec<PersonRow>> {
    let question = "select row from person
            where lower(row ->> '$.details.mail') in (select value from json_each(?1))
        union select row from person
            where row ->> '$.details.mobile' in (select value from json_each(?2))";
    rows(sqlx::query_scalar(question).bind(listed(mails)?).bind(listed(mobiles)?), db).await
}

/// Those who are reached at a mail address, capitals apart; at most twenty.
///
/// # Errors
/// When the read model cannot be read.
pub async fn of_mail(db: &SqlitePool, mail: &str) -> sqlx::Result<Vec<PersonId>> {
    let question = "select row from person where lower(row ->> '$.details.mail') = lower(?1)
        order by person limit 20";
    let found: Vec<PersonRow> = rows(sqlx::query_scalar(question).bind(mail), db).await?;
    Ok(found.into_iter().map(|row| row.person).collect())
}

/// The school of an identifier as a column: empty for the nation's.
fn of(school: Option<Uai>) -> String {
    school.map(|school| school.to_string()).unwrap_or_default()
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
    members(&found)
}

/// Everybody who learns or works in a school, or did.
///
/// # Errors
/// When the read model cannot be read.
pub async fn everybody_of_school(
    db: &SqlitePool,
    school: Uai,
) -> sqlx::Result<Vec<MemberOfSchool>> {
    let question = "select p.row, e.row from enrolment e join person p on p.person = e.person
        where e.school = ?1 order by e.person";
    let question = sqlx::query_as(question).bind(school.to_string());
    members(&question.fetch_all(db).await?)
}

fn members(found: &[(String, String)]) -> sqlx::Result<Vec<MemberOfSchool>> {
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
                | PersonEvent::BirthDateCorrected { .. }
                | PersonEvent::ContactDetailsGiven { .. }
                | PersonEvent::LanguageChosen { .. } => touch((*person,)),
                PersonEvent::StudentEnrolled { .. }
                | PersonEvent::StaffAppointed { .. }
                | PersonEvent::PersonIdentified { .. }
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
            PersonEvent::BirthDateCorrected { birth_date } => row.birth_date = Some(*birth_date),
            PersonEvent::ContactDetailsGiven { details } => row.details = details.clone(),
            PersonEvent::LanguageChosen { language } => row.language = *language,
            PersonEvent::PersonRegistered { .. }
            | PersonEvent::StudentEnrolled { .. }
            | PersonEvent::StaffAppointed { .. }
            | PersonEvent::PersonIdentified { .. }
            | PersonEvent::PersonLeftSchool { .. } => {}
        }
        Some(row)
    }
}

pub(crate) struct Registrations;

impl Table for Registrations {
    type Key = (PersonId,);
    type Row = RegistrationRow;
    const NAME: &'static str = "registration";
    const COLUMNS: &'static [&'static str] = &["person", "school"];
    const KEY: usize = 1;

    fn touched(recorded: &Recorded, touch: &mut dyn FnMut((PersonId,))) {
        if let Event::Person(person, PersonEvent::PersonRegistered { .. }) = &recorded.event {
            touch((*person,));
        }
    }

    fn key(row: &RegistrationRow) -> (PersonId,) {
        (row.person,)
    }

    fn columns(row: &RegistrationRow) -> Vec<String> {
        vec![row.person.to_string(), row.school.to_string()]
    }

    fn fold(
        _: Option<RegistrationRow>,
        &(person,): &(PersonId,),
        recorded: &Recorded,
    ) -> Option<RegistrationRow> {
        Some(RegistrationRow { person, school: recorded.header.school })
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
                PersonEvent::PersonIdentified { identifier } => {
                    if identifier.scheme == Scheme::Ine {
                        touch((recorded.header.school, *person));
                    }
                }
                PersonEvent::PersonRegistered { .. }
                | PersonEvent::PersonRenamed { .. }
                | PersonEvent::BirthDateCorrected { .. }
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
            PersonEvent::PersonIdentified { identifier } => {
                old.map(|row| EnrolmentRow { ine: Some(identifier.value.clone()), ..row })
            }
            PersonEvent::PersonRegistered { .. }
            | PersonEvent::PersonRenamed { .. }
            | PersonEvent::BirthDateCorrected { .. }
            | PersonEvent::ContactDetailsGiven { .. }
            | PersonEvent::LanguageChosen { .. } => old,
        }
    }
}

pub(crate) struct Identifiers;

impl Table for Identifiers {
    type Key = (String, String, String);
    type Row = IdentifierRow;
    const NAME: &'static str = "identifier";
    const COLUMNS: &'static [&'static str] = &["scheme", "school", "value"];
    const KEY: usize = 3;

    fn touched(recorded: &Recorded, touch: &mut dyn FnMut((String, String, String))) {
        if let Some(identifier) = identifier_in(recorded) {
            touch(key_of(&identifier));
        }
    }

    fn key(row: &IdentifierRow) -> (String, String, String) {
        key_of(&row.identifier)
    }

    fn columns(row: &IdentifierRow) -> Vec<String> {
        let (scheme, school, value) = key_of(&row.identifier);
        vec![scheme, school, value]
    }

    /// The one whom a number named first keeps it.
    fn fold(
        old: Option<IdentifierRow>,
        _: &(String, String, String),
        recorded: &Recorded,
    ) -> Option<IdentifierRow> {
        let Event::Person(person, _) = &recorded.event else { return old };
        let named = |identifier| IdentifierRow { identifier, person: *person };
        old.or_else(|| identifier_in(recorded).map(named))
    }
}

/// The number that an event says somebody is known by: a student may come with their national one.
fn identifier_in(recorded: &Recorded) -> Option<Identifier> {
    let Event::Person(_, event) = &recorded.event else { return None };
    match event {
        PersonEvent::PersonIdentified { identifier } => Some(identifier.clone()),
        PersonEvent::StudentEnrolled { ine, .. } => {
            let value = ine.clone()?;
            Some(Identifier { scheme: Scheme::Ine, school: None, value })
        }
        PersonEvent::PersonRegistered { .. }
        | PersonEvent::PersonRenamed { .. }
        | PersonEvent::BirthDateCorrected { .. }
        | PersonEvent::ContactDetailsGiven { .. }
        | PersonEvent::LanguageChosen { .. }
        | PersonEvent::StaffAppointed { .. }
        | PersonEvent::PersonLeftSchool { .. } => None,
    }
}

fn key_of(identifier: &Identifier) -> (String, String, String) {
    let scheme = <&str>::from(identifier.scheme).to_owned();
    (scheme, of(identifier.school), identifier.value.clone())
}
