//! Who is calling: the one place that knows.
//!
//! For now whoever holds a bearer token of the settings file, and may do everything in the name of
//! that token's account. Accounts, sign-in and what each may do come behind this extractor.

use std::{collections::HashMap, sync::Arc};

use axum::{
    extract::FromRequestParts,
    http::{header, request::Parts},
};
use domain::AccountId;
use serde::Deserialize;

use crate::{
    App,
    error::{ApiError, Refusal},
};

/// Who is calling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Caller {
    /// The account that acts.
    pub(crate) account: AccountId,
}

/// A token of the settings file.
#[derive(Clone, Deserialize)]
pub struct Token {
    /// What the caller sends: at least 16 characters.
    pub token: String,
    /// The account that it acts for.
    pub account: AccountId,
}

/// The tokens that are accepted.
#[derive(Clone, Default)]
pub struct Tokens(Arc<HashMap<String, AccountId>>);

/// What is wrong with the tokens of the settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("token number {0} of the settings is shorter than 16 characters")]
pub struct TokenTooShort(usize);

impl Tokens {
    /// Accepts these tokens.
    ///
    /// # Errors
    /// When one of them could be guessed.
    pub fn new(tokens: Vec<Token>) -> Result<Self, TokenTooShort> {
        if let Some(short) = tokens.iter().position(|token| token.token.len() < 16) {
            return Err(TokenTooShort(short + 1));
        }
        let tokens = tokens.into_iter().map(|token| (token.token, token.account));
        Ok(Self(Arc::new(tokens.collect())))
    }
}

impl FromRequestParts<App> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let sent = parts.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let token = sent.and_then(|value| value.strip_prefix("Bearer "));
        let account = token.and_then(|token| app.tokens.0.get(token));
        account.map(|account| Self { account: *account }).ok_or(Refusal::NotSignedIn.into())
    }
}
