//! The identity providers that somebody who is signed in is linked with, or may be.

use axum::{
    Json,
    extract::State,
    http::header,
    response::{AppendHeaders, IntoResponse},
};
use domain::{
    PersonId, Uai,
    access::{Action, Device},
    accounts::{Account, AccountCommand},
};
use projections::accounts::account;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use zeroize::Zeroizing;

use super::{errand::Errand, signing_in::errand_key};
use crate::{
    App,
    access::Guard,
    accounts::confided::Confided,
    caller::Caller,
    error::{ApiError, Problem, Refusal},
    reading::{At, ReadQuery, Reading},
    writing::{Receipt, Write},
};

/// A provider, for somebody who is signed in.
#[derive(Serialize, ToSchema)]
pub(super) struct OwnIdentity {
    /// Its name in the settings.
    provider: String,
    /// Whether one may sign in through it.
    linked: bool,
}

/// Who asks to be linked.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Link {
    /// The password once more: whoever finds a telephone unlocked links no identity of theirs.
    #[schema(value_type = String, format = Password)]
    password: Zeroizing<String>,
}

/// Where to go.
#[derive(Serialize, ToSchema)]
pub(super) struct Go {
    /// The address of the provider, for the browser that asked.
    location: String,
}

/// The identity providers that one may sign in through, and those that one may be linked with.
#[utoipa::path(get, path = "/account/identities", tag = "account", params(ReadQuery),
    responses((status = 200, body = Vec<OwnIdentity>)))]
pub(super) async fn list_identities(
    State(app): State<App>,
    reading: Reading,
) -> Result<Json<Vec<OwnIdentity>>, ApiError> {
    let person = own(&reading.guard).await?;
    let linked = account(&reading.db().await?, person).await?.map(|account| account.providers);
    let mut linked = linked.unwrap_or_default();
    linked.sort();
    let offered = app.providers.names().filter(|name| !linked.iter().any(|known| known == name));
    let offered = offered.map(|name| OwnIdentity { provider: name.to_owned(), linked: false });
    let offered: Vec<OwnIdentity> = offered.collect();
    let linked = linked.into_iter().map(|provider| OwnIdentity { provider, linked: true });
    Ok(Json(linked.chain(offered).collect()))
}

/// Begins to link one's account with a provider: the browser goes there, and is linked when it comes
/// back as somebody, still signed in here.
#[utoipa::path(post, path = "/account/identities/{provider}", tags = ["account", "secrets"],
    params(("provider" = String, Path)), request_body = Link,
    responses((status = 200, body = Go), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 503, body = Problem)))]
pub(super) async fn link_identity(
    At(provider): At<String>,
    State(app): State<App>,
    caller: Caller,
    confided: Confided<Link>,
) -> Result<impl IntoResponse, ApiError> {
    let (person, account) = confided.own(&caller).await?;
    let desk = app.providers.desk(&provider)?;
    confided.confirm(account, &confided.body.password).await?;
    let errand = Errand::begin(&provider, Device::Shared, Some(person), confided.now)?;
    let location = desk.sign_in_at(&errand).await?.to_string();
    let cookie = errand.cookie(&errand_key(&confided.node))?;
    Ok((AppendHeaders([(header::SET_COOKIE, cookie)]), Json(Go { location })))
}

/// Unlinks one's account from a provider. Being recognised there does not link it again; asking for
/// it does.
#[utoipa::path(delete, path = "/account/identities/{provider}", tag = "account",
    params(("provider" = String, Path)),
    responses((status = 200, body = Receipt), (status = 422, body = Problem)))]
pub(super) async fn unlink_identity(
    At(provider): At<String>,
    write: Write<()>,
) -> Result<Receipt, ApiError> {
    let person = write.check(|guard| async move { own(&guard).await }).await?;
    let unlink = AccountCommand::UnlinkIdentity { provider };
    let receipt = write.execute::<Account>(Uai::REGION, person, unlink).await?;
    // From the answer on, nobody signs in by it.
    write.node.reach(receipt.position()).await?;
    Ok(receipt)
}

async fn own(guard: &Guard) -> Result<PersonId, ApiError> {
    guard.own(Action::OwnAccount).await?;
    guard.person().ok_or(Refusal::UnknownPerson.into())
}
