//! Inviting people to their account: a login and a code that is good once, told to an office or
//! printed as letters.
//!
//! A new code takes the place of the one before: sent twice, the second answer is the one that
//! holds. The code is in the answer and nowhere else; the vault keeps its digest, the log that there
//! is one. By mail no code is sent yet.

use std::iter;

use axum::{Json, response::IntoResponse};
use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use domain::{
    AccountId, ClassId, PersonId, StudentId, Uai,
    access::{Action, Span},
    accounts::{AccountCommand, Channel},
    families::Authority,
    people::Name,
    schools::SchoolSheet,
};
use futures_util::future::try_join_all;
use projections::{
    accounts::account,
    classes::members,
    families::of_student,
    people::{EnrolmentRow, Part, PersonRow, of_school},
};
use replay::{
    Node,
    keys::{SecretKind, login_of_names},
};
use serde::Serialize;
use sqlx::SqlitePool;
use utoipa::ToSchema;
use web::accounts::{Letter, Letters, Reader, STYLE};

use super::{
    codes::{Code, Invitation},
    confided::{Confided, tell},
    second_factor::is_recent,
};
use crate::{
    access::{Granted, Guard},
    caller::Caller,
    error::{ApiError, Problem, Refusal},
    printed::printed,
    reading::At,
};

/// How long the code of a letter is good: it waits in a schoolbag, or for a holiday to end.
const LETTER_GOOD_FOR: TimeDelta = TimeDelta::days(30);

/// Members of staff who are read together.
const PAGE: u32 = 500;

/// What somebody signs in with at first.
#[derive(Serialize, ToSchema)]
pub struct Invited {
    /// The name that they sign in with.
    #[schema(example = "lea.perlorron")]
    pub login: String,
    /// The code, good once.
    #[schema(example = "7K3M-0QXB-W9TD")]
    pub code: String,
    /// Until when.
    pub expires_at: DateTime<Utc>,
}

/// Somebody who gets a letter.
struct Addressee {
    person: PersonRow,
    care_of: Option<String>,
    reader: Reader,
}

/// Makes somebody's account, or makes a lost password good: a login and a code, told once.
#[utoipa::path(post, path = "/schools/{school}/people/{person}/activation-code", tags = ["accounts", "secrets"],
    params(("school" = String, Path), ("person" = uuid::Uuid, Path)),
    responses((status = 200, body = Invited), (status = 404, body = Problem),
        (status = 422, body = Problem)))]
pub(crate) async fn issue_activation_code(
    At((school, person)): At<(Uai, PersonId)>,
    caller: Caller,
    confided: Confided<()>,
) -> Result<Json<Invited>, ApiError> {
    let (by, now) = (caller.account, confided.now);
    let _turn = confided.accounts.handing_out(&confided.node).await?;
    let asked = confided.check(&caller, |guard| async move {
        let asked = guard.somebody(school, person, Action::ManageAccounts).await?;
        let known = account(&guard.db, person).await?;
        let removed = known.and_then(|known| known.second_factor_removed);
        if removed.is_some_and(|(at, remover)| remover == by && is_recent(at, now)) {
            return Err(Refusal::SecondFactorJustRemoved.into());
        }
        Ok(asked)
    });
    let person = asked.await?.thing.person;
    Ok(Json(invite(&confided.node, school, &person, caller.account).await?))
}

/// Prints a letter for each student of a class, and each guardian of one, whose account is not open
/// yet.
#[utoipa::path(post, path = "/schools/{school}/classes/{class}/letters", tags = ["accounts", "secrets"],
    params(("school" = String, Path), ("class" = uuid::Uuid, Path)),
    responses((status = 200, body = String, content_type = "text/html"),
        (status = 404, body = Problem)))]
pub(crate) async fn print_letters_of_class(
    At((school, class)): At<(Uai, ClassId)>,
    caller: Caller,
    confided: Confided<()>,
) -> Result<impl IntoResponse, ApiError> {
    let asked = confided.check(&caller, |guard| async move {
        let Granted { sheet, today, .. } = guard.class(school, class, Action::ReadClass).await?;
        let addressees = of_class(&guard.db, class, today).await?;
        Ok((sheet, invitable(&guard, school, addressees).await?))
    });
    let (sheet, addressees) = asked.await?;
    letters(&confided.node, (school, &sheet), addressees, caller.account).await
}

/// Prints a letter for each member of staff whose account is not open yet.
#[utoipa::path(post, path = "/schools/{school}/staff/letters", tags = ["accounts", "secrets"],
    params(("school" = String, Path)),
    responses((status = 200, body = String, content_type = "text/html"),
        (status = 404, body = Problem)))]
pub(crate) async fn print_letters_of_staff(
    At(school): At<Uai>,
    caller: Caller,
    confided: Confided<()>,
) -> Result<impl IntoResponse, ApiError> {
    let asked = confided.check(&caller, |guard| async move {
        let Granted { sheet, today, .. } = guard.school(school, Action::ListStaff).await?;
        let addressees = of_staff(&guard.db, school, today).await?;
        Ok((sheet, invitable(&guard, school, addressees).await?))
    });
    let (sheet, addressees) = asked.await?;
    letters(&confided.node, (school, &sheet), addressees, caller.account).await
}

/// Those of the addressees who have no open account, and whom the caller may invite: not somebody,
/// say, who is a parent here and the head elsewhere. Refused if that is nobody.
async fn invitable(
    guard: &Guard,
    school: Uai,
    addressees: Vec<Addressee>,
) -> Result<Vec<Addressee>, ApiError> {
    let (mut invitable, mut allowed, mut refused) = (Vec::new(), false, None);
    for addressee in addressees {
        let person = addressee.person.person;
        match guard.somebody(school, person, Action::ManageAccounts).await {
            Ok(_) => {
                allowed = true;
                let known = account(&guard.db, person).await?;
                if known.is_none_or(|account| account.active_since.is_none()) {
                    invitable.push(addressee);
                }
            }
            Err(refusal) => refused = refused.or(Some(refusal)),
        }
    }
    match refused {
        Some(refusal) if !allowed => Err(refusal),
        Some(_) | None => Ok(invitable),
    }
}

/// A login and a new code for somebody. The code before it, if there is one, is no longer good.
///
/// # Errors
/// When the log or the vault cannot be written.
pub async fn invite(
    node: &Node,
    school: Uai,
    person: &PersonRow,
    by: AccountId,
) -> anyhow::Result<Invited> {
    let (vault, account) = (node.journal().vault(), AccountId::of(person.person));
    let expires_at = node.journal().clock().now() + LETTER_GOOD_FOR;
    let wish = login_of_names(&person.name.given, person.name.surname());
    let login = vault.take_login(person.person, &wish).await?;
    let code = Code::random()?;
    let command = AccountCommand::IssueActivationCode { expires_at, channel: Channel::Letter };
    tell(node, person.person, command, (by, school)).await?;
    let kept = Invitation::of(&code, account, expires_at).to_bytes();
    vault.put_secret(account, SecretKind::ActivationCode, kept).await?;
    Ok(Invited { login, code: code.printed(), expires_at })
}

/// The students of a class on a day and those who answer for them, each once, in the order of the
/// students' names.
async fn of_class(
    db: &SqlitePool,
    class: ClassId,
    today: NaiveDate,
) -> Result<Vec<Addressee>, ApiError> {
    let members = members(db, class).await?.into_iter();
    let mut students: Vec<PersonRow> = members
        .filter(|member| member.member.is_in_on(today))
        .filter_map(|member| member.person)
        .collect();
    students.sort_by(|one, other| sorted(&one.name).cmp(&sorted(&other.name)));
    let mut addressees: Vec<Addressee> = Vec::new();
    for student in students {
        let name = student.name.in_full();
        let guardians = followers(db, student.person.into(), today).await?.into_iter();
        let told = guardians.map(|guardian| (guardian, Reader::Guardian(vec![name.clone()])));
        for (person, reader) in iter::once((student, Reader::Student)).chain(told) {
            let known = addressees.iter_mut().find(|known| known.person.person == person.person);
            match (known.map(|known| &mut known.reader), &reader) {
                (Some(Reader::Guardian(students)), Reader::Guardian(_)) => {
                    students.push(name.clone());
                }
                (Some(_), _) => {}
                (None, Reader::Guardian(_)) => {
                    addressees.push(Addressee { person, care_of: Some(name.clone()), reader });
                }
                (None, Reader::Student | Reader::Staff) => {
                    addressees.push(Addressee { person, care_of: None, reader });
                }
            }
        }
    }
    Ok(addressees)
}

/// Those who follow a student's days: the others are only called in emergencies, and need no account
/// for that.
async fn followers(
    db: &SqlitePool,
    student: StudentId,
    today: NaiveDate,
) -> Result<Vec<PersonRow>, ApiError> {
    let mut guardians = of_student(db, student).await?;
    guardians.retain(|known| {
        let links = known.guardian.links.iter();
        let follows = links
            .filter(|link| may_follow(link.terms.authority))
            .any(|link| Span { from: link.from, until: link.until }.contains(today));
        follows && known.guardian.answers_on(today)
    });
    Ok(guardians.into_iter().filter_map(|known| known.person).collect())
}

async fn of_staff(
    db: &SqlitePool,
    school: Uai,
    today: NaiveDate,
) -> Result<Vec<Addressee>, ApiError> {
    let (mut staff, mut after) = (Vec::new(), None);
    loop {
        let page = of_school(db, school, Part::Staff, after, PAGE).await?;
        after = page.last().map(|member| member.person.person);
        if after.is_none() {
            break;
        }
        let here = page.into_iter().filter(|member| {
            let EnrolmentRow { from, until, .. } = member.enrolment;
            Span { from, until }.contains(today)
        });
        staff.extend(here.map(|member| member.person));
    }
    staff.sort_by(|one, other| sorted(&one.name).cmp(&sorted(&other.name)));
    let letter = |person| Addressee { person, care_of: None, reader: Reader::Staff };
    Ok(staff.into_iter().map(letter).collect())
}

/// A letter for each, as a page to print.
async fn letters(
    node: &Node,
    (school, sheet): (Uai, &SchoolSheet),
    addressees: Vec<Addressee>,
    by: AccountId,
) -> Result<impl IntoResponse + use<>, ApiError> {
    let invited = addressees.iter().map(|addressee| invite(node, school, &addressee.person, by));
    let invited = try_join_all(invited).await?;
    let letter = |(addressee, invited): (Addressee, Invited)| {
        let Invited { login, code, expires_at } = invited;
        let Addressee { person, care_of, reader } = addressee;
        // The code is good on the whole of the day that the letter names.
        let last_day = sheet.local_date(expires_at) - Days::new(1);
        let name = person.name.in_full();
        Letter { name, care_of, reader, login, code, last_day }
    };
    let letters = addressees.into_iter().zip(invited).map(letter).collect();
    let letters = Letters { school: sheet.name.clone(), address: None, letters };
    let page = letters.page().map_err(anyhow::Error::from)?;
    Ok(printed(page, STYLE))
}

fn may_follow(authority: Authority) -> bool {
    match authority {
        Authority::Exercised | Authority::SurveillanceOnly => true,
        Authority::InCharge | Authority::Contact => false,
    }
}

fn sorted(name: &Name) -> (&str, &str) {
    (name.surname(), &name.given)
}
