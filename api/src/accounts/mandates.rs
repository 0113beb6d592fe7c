//! Mandates over HTTP: what somebody may do in a school beside what they are there. Those for all
//! schools are given on the command line of the server, by whoever has the server.

use chrono::NaiveDate;
use domain::{
    PersonId, Uai,
    access::Action,
    accounts::{Account, AccountCommand, Mandate},
};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::{
    access::Guard,
    error::{ApiError, Problem},
    reading::At,
    writing::{Receipt, Write},
};

/// A mandate to give.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GiveMandate {
    /// Which one.
    mandate: Mandate,
    /// The first day.
    from: NaiveDate,
    /// The last day; whoever audits has one.
    until: Option<NaiveDate>,
    /// The reference of the decision; whoever audits has one.
    document: Option<String>,
}

/// The end of a mandate.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EndMandate {
    /// The last day.
    on: NaiveDate,
}

/// Gives somebody a mandate in the school.
#[utoipa::path(post, path = "/schools/{school}/people/{person}/mandates", tag = "accounts",
    params(("school" = String, Path), ("person" = uuid::Uuid, Path)), request_body = GiveMandate,
    responses((status = 200, body = Receipt), (status = 404, body = Problem),
        (status = 422, body = Problem)))]
pub(crate) async fn give_mandate(
    At((school, person)): At<(Uai, PersonId)>,
    write: Write<GiveMandate>,
) -> Result<Receipt, ApiError> {
    may_give((school, person), &write).await?;
    let GiveMandate { mandate, from, until, document } = &write.body;
    let command = AccountCommand::GiveMandate {
        mandate: *mandate,
        school: Some(school),
        from: *from,
        until: *until,
        document: document.clone(),
    };
    write.execute::<Account>(school, person, command).await
}

/// Ends a mandate in the school before its last day.
#[utoipa::path(post, path = "/schools/{school}/people/{person}/mandates/{mandate}/end",
    tag = "accounts",
    params(("school" = String, Path), ("person" = uuid::Uuid, Path), ("mandate" = Mandate, Path)),
    request_body = EndMandate,
    responses((status = 200, body = Receipt), (status = 404, body = Problem),
        (status = 422, body = Problem)))]
pub(crate) async fn end_mandate(
    At((school, person, mandate)): At<(Uai, PersonId, Mandate)>,
    write: Write<EndMandate>,
) -> Result<Receipt, ApiError> {
    may_give((school, person), &write).await?;
    let command = AccountCommand::EndMandate { mandate, school: Some(school), on: write.body.on };
    write.execute::<Account>(school, person, command).await
}

async fn may_give<T>((school, person): (Uai, PersonId), write: &Write<T>) -> Result<(), ApiError> {
    let may = move |guard: Guard| async move {
        guard.somebody(school, person, Action::GiveMandates).await
    };
    write.check(may).await.map(|_| ())
}
