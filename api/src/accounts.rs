//! Accounts over HTTP: invited by letter, opened by a code, signed in to, kept by their owners.
//!
//! What proves who somebody is lies in the vault, what was done with an account in its stream, and
//! sessions in the access log. What an account may do is decided in [`crate::access`]; whoever is
//! not signed in yet finds doors here that ask nobody: activation and sign-in, by password or
//! through an identity provider.

mod activation;
mod codes;
mod confided;
pub(crate) mod identity;
mod invitations;
mod limits;
mod mandates;
mod own;
mod passwords;
mod second_factor;
mod sessions;
mod signing_in;
mod totp;

use std::{net::IpAddr, sync::Arc};

use replay::Node;
use tokio::sync::{Mutex, OwnedMutexGuard};
use utoipa_axum::{router::OpenApiRouter, routes};

pub(crate) use codes::random_bytes;
pub use invitations::{Invited, invite};

use crate::{App, error::ApiError};
use limits::Limits;
use passwords::Passwords;

/// What signing in needs beside the vault and the logs. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Accounts {
    passwords: Passwords,
    limits: Limits,
    proxies: Arc<[IpAddr]>,
    handing_out: Arc<Mutex<()>>,
}

impl Accounts {
    /// Believes these proxies when they say for whom they ask.
    pub(crate) fn behind(self, proxies: &[IpAddr]) -> Self {
        Self { proxies: proxies.into(), ..self }
    }

    /// Waits for one's turn to hand out a code or take a second factor away, until the tables have
    /// all that was done before: who does one may not do the other, not even at the same moment.
    async fn handing_out(&self, node: &Node) -> Result<OwnedMutexGuard<()>, ApiError> {
        let turn = self.handing_out.clone().lock_owned().await;
        node.reach(node.journal().log().head().await?).await?;
        Ok(turn)
    }
}

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(invitations::issue_activation_code))
        .routes(routes!(invitations::print_letters_of_class))
        .routes(routes!(invitations::print_letters_of_staff))
        .routes(routes!(sessions::end_sessions_of_person))
        .routes(routes!(second_factor::remove_lost_second_factor))
        .routes(routes!(mandates::give_mandate))
        .routes(routes!(mandates::end_mandate))
        .routes(routes!(own::show_account))
        .routes(routes!(own::change_password))
        .routes(routes!(
            second_factor::offer_second_factor,
            second_factor::enrol_second_factor,
            second_factor::remove_second_factor
        ))
        .routes(routes!(sessions::list_sessions))
        .routes(routes!(sessions::end_session))
        .routes(routes!(sessions::sign_out))
        .merge(identity::routes())
}

/// The addresses that ask nobody who they are.
pub(crate) fn doors() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(activation::activate))
        .routes(routes!(signing_in::sign_in))
        .merge(identity::doors())
}
