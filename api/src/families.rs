//! Families over HTTP.

use axum::Json;
use chrono::NaiveDate;
use domain::{
    PersonId, StudentId, Uai,
    access::{Action, Mask},
    families::{Authority, Family, FamilyCommand, Home, Link, Terms},
};
use projections::{
    families::{GuardianOfStudent, GuardianRow, of_guardian, of_student},
    people::{Part, enrolment},
};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    App,
    access::Guard,
    error::{ApiError, Problem},
    people::leave_out_of_adult,
    reading::{At, ReadQuery, Reading},
    writing::{Receipt, Write},
};

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_guardians))
        .routes(routes!(list_children))
        .routes(routes!(record_guardianship))
        .routes(routes!(restrict_guardianship))
        .routes(routes!(restore_guardianship))
        .routes(routes!(end_guardianship))
}

/// Everybody who answers or answered for a student, those to call first in front.
#[utoipa::path(get, path = "/schools/{school}/students/{student}/guardians", tag = "families",
    params(("school" = String, Path), ("student" = uuid::Uuid, Path), ReadQuery),
    responses((status = 200, body = Vec<GuardianOfStudent>), (status = 404, body = Problem)))]
async fn list_guardians(
    At((school, student)): At<(Uai, StudentId)>,
    reading: Reading,
) -> Result<Json<Vec<GuardianOfStudent>>, ApiError> {
    let granted = reading.guard.student(school, student, Action::ReadFamily).await?;
    let (mut mask, today) = (granted.mask, granted.today);
    let mut guardians = of_student(&reading.db().await?, student).await?;
    if granted.has_left() {
        // How to reach the family of a student who has left is the next school's to know, and so is
        // what has changed in it since.
        mask.contacts = true;
        guardians.retain_mut(|known| stood_on(granted.until, &mut known.guardian));
    }
    if mask.other_home {
        let now = of_student(&reading.guard.db, student).await?;
        let shared = sharing_a_home(reading.guard.person(), &now, today);
        guardians.retain(|known| shared.contains(&known.guardian.guardian));
    }
    Ok(Json(told_to(reading.guard.person(), guardians, mask)))
}

/// The students of the school that somebody answers or answered for.
#[utoipa::path(get, path = "/schools/{school}/people/{person}/children", tag = "families",
    params(("school" = String, Path), ("person" = uuid::Uuid, Path), ReadQuery),
    responses((status = 200, body = Vec<GuardianRow>), (status = 404, body = Problem)))]
async fn list_children(
    At((school, guardian)): At<(Uai, PersonId)>,
    reading: Reading,
) -> Result<Json<Vec<GuardianRow>>, ApiError> {
    let granted = reading.guard.somebody(school, guardian, Action::ReadFamily).await?;
    let own = reading.guard.person() == Some(guardian);
    let (db, present) = (reading.db().await?, &reading.guard.db);
    let now = of_guardian(present, guardian).await?;
    let mut children = Vec::new();
    for mut child in of_guardian(&db, guardian).await? {
        // A judgment that takes somebody's rights away takes the child off their own list too, on
        // whichever day they look back to.
        let mut today = now.iter().filter(|today| today.student == child.student);
        if own && !today.any(|today| today.answers_on(granted.today)) {
            continue;
        }
        if granted.mask.judgments {
            child.restrictions.clear();
        }
        let here = enrolment(&db, school, child.student.person()).await?;
        if here.is_none_or(|enrolment| enrolment.part != Part::Student) {
            continue;
        }
        let here = enrolment(present, school, child.student.person()).await?;
        let until = here.and_then(|enrolment| enrolment.until);
        let left = until.is_some_and(|until| until < granted.today);
        if !left || stood_on(until, &mut child) {
            children.push(child);
        }
    }
    Ok(Json(children))
}

/// The terms on which somebody answers for a student.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RecordGuardianship {
    /// What they are to each other.
    link: Link,
    /// What the guardian may decide.
    authority: Authority,
    /// Where the student lives with them.
    home: Home,
    /// Whom to call first: 1, 2, 3…
    contact_order: u8,
    /// The first day.
    from: NaiveDate,
}

/// Records that somebody answers for a student, or on other terms than before.
#[utoipa::path(put, path = "/schools/{school}/students/{student}/guardians/{guardian}",
    tag = "families",
    params(("school" = String, Path), ("student" = uuid::Uuid, Path),
        ("guardian" = uuid::Uuid, Path)),
    request_body = RecordGuardianship,
    responses((status = 200, body = Receipt), (status = 404, body = Problem),
        (status = 422, body = Problem)))]
async fn record_guardianship(
    At((school, student, guardian)): At<(Uai, StudentId, PersonId)>,
    write: Write<RecordGuardianship>,
) -> Result<Receipt, ApiError> {
    write
        .check(move |guard| async move {
            guard.student(school, student, Action::ManageFamily).await?;
            guard.may_name(school, guardian).await
        })
        .await?;
    let RecordGuardianship { link, authority, home, contact_order, from } = write.body;
    let terms = Terms { link, authority, home, contact_order };
    let command = FamilyCommand::RecordGuardianship { student, guardian, terms, from };
    write.execute::<Family>(school, student, command).await
}

/// A judgment that takes rights away or gives them back.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Judgment {
    /// The first day it holds.
    from: NaiveDate,
    /// The reference of its document.
    document: String,
}

/// Takes note of a judgment that takes a guardian's rights away.
#[utoipa::path(post,
    path = "/schools/{school}/students/{student}/guardians/{guardian}/restriction",
    tag = "families",
    params(("school" = String, Path), ("student" = uuid::Uuid, Path),
        ("guardian" = uuid::Uuid, Path)),
    request_body = Judgment,
    responses((status = 200, body = Receipt), (status = 404, body = Problem),
        (status = 422, body = Problem)))]
async fn restrict_guardianship(
    At((school, student, guardian)): At<(Uai, StudentId, PersonId)>,
    write: Write<Judgment>,
) -> Result<Receipt, ApiError> {
    may_manage((school, student), &write).await?;
    let (from, document) = (write.body.from, write.body.document.clone());
    let command = FamilyCommand::RestrictGuardianship { guardian, from, document };
    write.execute::<Family>(school, student, command).await
}

/// Takes note of a judgment that gives a guardian's rights back.
#[utoipa::path(post,
    path = "/schools/{school}/students/{student}/guardians/{guardian}/restoration",
    tag = "families",
    params(("school" = String, Path), ("student" = uuid::Uuid, Path),
        ("guardian" = uuid::Uuid, Path)),
    request_body = Judgment,
    responses((status = 200, body = Receipt), (status = 404, body = Problem),
        (status = 422, body = Problem)))]
async fn restore_guardianship(
    At((school, student, guardian)): At<(Uai, StudentId, PersonId)>,
    write: Write<Judgment>,
) -> Result<Receipt, ApiError> {
    may_manage((school, student), &write).await?;
    let (from, document) = (write.body.from, write.body.document.clone());
    let command = FamilyCommand::RestoreGuardianship { guardian, from, document };
    write.execute::<Family>(school, student, command).await
}

/// The day a link ends.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct EndGuardianship {
    /// The last day.
    on: NaiveDate,
}

/// Ends the link between a guardian and a student.
#[utoipa::path(post, path = "/schools/{school}/students/{student}/guardians/{guardian}/end",
    tag = "families",
    params(("school" = String, Path), ("student" = uuid::Uuid, Path),
        ("guardian" = uuid::Uuid, Path)),
    request_body = EndGuardianship,
    responses((status = 200, body = Receipt), (status = 404, body = Problem),
        (status = 422, body = Problem)))]
async fn end_guardianship(
    At((school, student, guardian)): At<(Uai, StudentId, PersonId)>,
    write: Write<EndGuardianship>,
) -> Result<Receipt, ApiError> {
    may_manage((school, student), &write).await?;
    let command = FamilyCommand::EndGuardianship { guardian, on: write.body.on };
    write.execute::<Family>(school, student, command).await
}

async fn may_manage<T>(
    (school, student): (Uai, StudentId),
    write: &Write<T>,
) -> Result<(), ApiError> {
    let action = Action::ManageFamily;
    let may = move |guard: Guard| async move { guard.student(school, student, action).await };
    write.check(may).await.map(|_| ())
}

/// Leaves of what is between a guardian and a student what stood on the student's last day in a school,
/// and says whether anything did.
fn stood_on(last_day: Option<NaiveDate>, guardian: &mut GuardianRow) -> bool {
    let Some(last_day) = last_day else { return true };
    let before = |until: NaiveDate| until <= last_day;
    guardian.links.retain(|link| link.from <= last_day);
    guardian.restrictions.retain(|times| times.from <= last_day);
    guardian.links.iter_mut().for_each(|link| link.until = link.until.filter(|u| before(*u)));
    let restrictions = guardian.restrictions.iter_mut();
    restrictions.for_each(|times| times.until = times.until.filter(|u| before(*u)));
    !guardian.links.is_empty()
}

/// Whoever asks, and those with whom they share a home of the student's on a day.
fn sharing_a_home(
    asks: Option<PersonId>,
    guardians: &[GuardianOfStudent],
    today: NaiveDate,
) -> Vec<PersonId> {
    let is_own = |known: &&GuardianOfStudent| Some(known.guardian.guardian) == asks;
    let own = guardians.iter().find(is_own).map(|own| homes(&own.guardian, today));
    let own = own.unwrap_or_default();
    let shares = |known: &&GuardianOfStudent| {
        let mut homes = homes(&known.guardian, today).into_iter();
        is_own(known) || homes.any(|home| home != Home::Elsewhere && own.contains(&home))
    };
    guardians.iter().filter(shares).map(|known| known.guardian.guardian).collect()
}

/// What somebody is told of those of a student's guardians whom they are told of: of judgments only
/// if they are to apply them.
fn told_to(
    asks: Option<PersonId>,
    mut guardians: Vec<GuardianOfStudent>,
    mask: Mask,
) -> Vec<GuardianOfStudent> {
    for known in &mut guardians {
        if mask.judgments {
            known.guardian.restrictions.clear();
        }
        let others = asks.is_none_or(|asks| known.guardian.guardian != asks);
        known.person.iter_mut().filter(|_| others).for_each(|p| leave_out_of_adult(mask, p));
    }
    guardians
}

/// The homes that a guardian has with the student on a day.
fn homes(guardian: &GuardianRow, today: NaiveDate) -> Vec<Home> {
    let links = guardian.links.iter();
    let on_day =
        links.filter(|link| link.from <= today && link.until.is_none_or(|until| today <= until));
    on_day.map(|link| link.terms.home).collect()
}
