//! Secrets of accounts: what people sign in with is in the vault, and nowhere else.
//!
//! Each secret is wrapped by the master key and bound to its account and kind: a row that is moved
//! to another account opens nothing. Changes go through the vault's one writer, so that a code is
//! taken once however many ask at the same time. What a secret means (a hash, a list of hashes), and
//! whether somebody typed the right one, is the caller's business; login names are told in
//! [`super::logins`].

#[cfg(test)]
mod tests;

use domain::AccountId;
use zeroize::Zeroizing;

use super::{
    Vault, VaultError, logins,
    store::{Row, Transaction},
    writer::Job,
};
use crate::seal::Key;

/// What an account can have one of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SecretKind {
    /// The hash of the password.
    Password,
    /// The hash of the one-time code that activates the account or gives a new password.
    ActivationCode,
    /// What the codes of the second factor are computed from.
    SecondFactor,
    /// The same, shown to its owner and not yet confirmed by a first code.
    OfferedSecondFactor,
    /// The hashes of the codes that stand in for a lost second factor.
    RecoveryCodes,
}

/// A change to what the vault knows of an account.
pub(super) enum Change {
    /// Keeps a secret, in place of the one before.
    Put(AccountId, SecretKind, Vec<u8>),
    /// Keeps a secret if the one before is still `known`.
    Swap { account: AccountId, kind: SecretKind, known: Zeroizing<Vec<u8>>, wrapped: Vec<u8> },
    /// Takes a secret out.
    Take(AccountId, SecretKind),
    /// Takes all of an account out, its login name too.
    Forget(AccountId),
    /// Gives a login name.
    Login(logins::Wish),
}

impl SecretKind {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::ActivationCode => "activation-code",
            Self::SecondFactor => "second-factor",
            Self::OfferedSecondFactor => "offered-second-factor",
            Self::RecoveryCodes => "recovery-codes",
        }
    }
}

impl Vault {
    /// Keeps a secret of an account, in place of the one of this kind that it had.
    ///
    /// # Errors
    /// When it cannot be wrapped or stored.
    pub async fn put_secret(
        &self,
        account: AccountId,
        kind: SecretKind,
        secret: Vec<u8>,
    ) -> Result<(), VaultError> {
        let wrapped = wrap(&self.master, account, kind, secret)?;
        self.change(Change::Put(account, kind, wrapped)).await.map(|_| ())
    }

    /// The secret of this kind, if the account has one.
    ///
    /// # Errors
    /// When it cannot be read, or does not open.
    pub async fn secret(
        &self,
        account: AccountId,
        kind: SecretKind,
    ) -> Result<Option<Zeroizing<Vec<u8>>>, VaultError> {
        let row = self.readers.secret(account, kind).await?;
        row.map(|row| unwrap(&self.master, account, kind, &row)).transpose()
    }

    /// Takes the secret out: of all who ask, one gets it.
    ///
    /// # Errors
    /// When it cannot be deleted, or does not open; in the latter case it is gone all the same.
    pub async fn take_secret(
        &self,
        account: AccountId,
        kind: SecretKind,
    ) -> Result<Option<Zeroizing<Vec<u8>>>, VaultError> {
        let row = self.change(Change::Take(account, kind)).await?;
        row.map(|row| unwrap(&self.master, account, kind, &row)).transpose()
    }

    /// Keeps a secret in place of one that the caller has read, and says whether that one was still
    /// there. Of two who read the same and change it, one is told no.
    ///
    /// # Errors
    /// When it cannot be wrapped or stored.
    pub async fn swap_secret(
        &self,
        account: AccountId,
        kind: SecretKind,
        known: &[u8],
        secret: Vec<u8>,
    ) -> Result<bool, VaultError> {
        let wrapped = wrap(&self.master, account, kind, secret)?;
        let known = Zeroizing::new(known.to_vec());
        let swap = Change::Swap { account, kind, known, wrapped };
        Ok(self.change(swap).await?.is_some())
    }

    /// Takes all secrets of an account out, and its login name, which is free again. No byte of them
    /// is left in the file.
    ///
    /// # Errors
    /// When they could not be deleted, or not yet all of their bytes: then ask again.
    pub async fn forget_secrets(&self, account: AccountId) -> Result<(), VaultError> {
        self.change(Change::Forget(account)).await.map(|_| ())
    }

    /// Hands a change in, and answers with the wrapped row that it took, replaced or gave, if any.
    pub(super) async fn change(&self, change: Change) -> Result<Row, VaultError> {
        self.ask(|reply| Job::Change(change, reply)).await
    }
}

impl Change {
    /// Whether nothing may be left of what it deletes once it has answered.
    pub(super) fn forgets(&self) -> bool {
        matches!(self, Self::Forget(_))
    }

    /// Does it, within the transaction that others share.
    pub(super) async fn perform(
        self,
        transaction: &mut Transaction<'_>,
        master: &Key,
    ) -> Result<Row, VaultError> {
        match self {
            Self::Put(account, kind, wrapped) => {
                transaction.put_secret(account, kind, wrapped).await?;
                Ok(None)
            }
            Self::Swap { account, kind, known, wrapped } => {
                let Some(row) = transaction.secret(account, kind).await? else { return Ok(None) };
                if *unwrap(master, account, kind, &row)? != *known {
                    return Ok(None);
                }
                transaction.put_secret(account, kind, wrapped).await?;
                Ok(Some(row))
            }
            Self::Take(account, kind) => Ok(transaction.take_secret(account, kind).await?),
            Self::Forget(account) => {
                transaction.forget(account).await?;
                Ok(None)
            }
            Self::Login(wish) => wish.grant(transaction, master).await.map(Some),
        }
    }
}

fn wrap(
    master: &Key,
    account: AccountId,
    kind: SecretKind,
    secret: Vec<u8>,
) -> Result<Vec<u8>, VaultError> {
    Ok(master.close(&bound_to(account, kind), secret)?)
}

fn unwrap(
    master: &Key,
    account: AccountId,
    kind: SecretKind,
    row: &[u8],
) -> Result<Zeroizing<Vec<u8>>, VaultError> {
    let mut secret = Zeroizing::new(Vec::new());
    let opened = master.open(&bound_to(account, kind), row, &mut secret);
    let length = opened.map_err(|_| VaultError::DamagedSecret)?.len();
    secret.truncate(length);
    Ok(secret)
}

fn bound_to(account: AccountId, kind: SecretKind) -> Vec<u8> {
    [&b"secret"[..], account.0.as_bytes(), kind.name().as_bytes()].concat()
}
