//! Using the code of a letter: it opens an account, or gives one whose password is lost another.
//!
//! A code that is wrong, was used or has expired has the answer of a login that nobody has, after
//! the same work. Sent twice at once, a code is used by one of the two.

use axum::{http::StatusCode, response::IntoResponse};
use domain::{
    AccountId,
    access::WhyRefused,
    accounts::{AccountCommand, AccountError},
};
use replay::{ExecuteError, keys::SecretKind};
use serde::Deserialize;
use utoipa::ToSchema;
use zeroize::Zeroizing;

use super::{
    codes::{Code, Invitation},
    confided::Confided,
    passwords::acceptable,
    sessions::end_sessions,
    signing_in::{NOBODY, is_no_login, secret},
};
use crate::error::{ApiError, Problem, Refusal};

/// Who uses a code.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Activate {
    /// As the letter has it.
    #[schema(example = "lea.perlorron")]
    login: String,
    /// As the letter has it, with or without hyphens.
    #[schema(value_type = String, example = "7K3M-0QXB-W9TD")]
    code: Zeroizing<String>,
    /// The password from now on: 12 to 128 characters, neither common words nor the login.
    #[schema(value_type = String, format = Password)]
    password: Zeroizing<String>,
}

/// Opens an account, or gives it a new password; then its sessions end, and its links with identity
/// providers.
#[utoipa::path(post, path = "/activation", tags = ["account", "secrets"], security(()), request_body = Activate,
    responses((status = 204), (status = 401, body = Problem), (status = 422, body = Problem),
        (status = 429, body = Problem)))]
pub(crate) async fn activate(confided: Confided<Activate>) -> Result<impl IntoResponse, ApiError> {
    confided.heed_address()?;
    let Activate { login, code, password } = &confided.body;
    if is_no_login(login) {
        confided.refuse(None, WhyRefused::UnknownLogin).await?;
        return Err(Refusal::WrongCode.into());
    }
    acceptable(password, login)?;
    let vault = confided.node.journal().vault();
    let known = vault.person_of_login(login).await.map_err(anyhow::Error::from)?;
    let person = known.unwrap_or(NOBODY);
    let account = AccountId::of(person);
    let guess = confided.accounts.limits.guess(account);
    let locked = confided.is_locked(account, guess.beside);
    // First the work that takes long, whatever comes of it.
    let password = confided.accounts.passwords.hash(password.clone()).await?;
    let kept = secret(vault, account, SecretKind::ActivationCode).await?;
    let invitation = kept.as_ref().and_then(|kept| Invitation::from_bytes(kept));
    let code = Code::read(code);
    let right = invitation
        .zip(code)
        .is_some_and(|(invitation, code)| invitation.takes(&code, account, confided.now));
    let why = match known {
        None => Some(WhyRefused::UnknownLogin),
        Some(_) if locked => Some(WhyRefused::LockedOut),
        Some(_) if !right => Some(WhyRefused::WrongCode),
        Some(_) => None,
    };
    let taken = match (why, kept) {
        (None, Some(kept)) => {
            let used = vault.swap_secret(account, SecretKind::ActivationCode, &kept, Vec::new());
            used.await.map_err(anyhow::Error::from)?
        }
        _ => false,
    };
    if !taken {
        confided.refuse(known.map(AccountId::of), why.unwrap_or(WhyRefused::WrongCode)).await?;
        return Err(Refusal::WrongCode.into());
    }
    let command = AccountCommand::UseActivationCode { at: confided.now };
    let position = match confided.tell(person, command).await {
        Err(ExecuteError::Refused(AccountError::NotInvited | AccountError::CodeExpired)) => {
            confided.refuse(Some(account), WhyRefused::WrongCode).await?;
            return Err(Refusal::WrongCode.into());
        }
        told => told?,
    };
    let stored = vault.put_secret(account, SecretKind::Password, password).await;
    stored.map_err(anyhow::Error::from)?;
    // Whoever knew the password before sets no second factor with it, and signs in by no identity.
    let offered = vault.take_secret(account, SecretKind::OfferedSecondFactor).await;
    offered.map_err(anyhow::Error::from)?;
    // The tables tell of the links that are void now; whether or not they have caught up, whoever is
    // signed in with the old password is out first.
    let caught_up = confided.node.reach(position).await;
    end_sessions(&confided.node, account, account, None).await?;
    caught_up?;
    Ok((StatusCode::NO_CONTENT, [("preau-position", position.to_string())]))
}
