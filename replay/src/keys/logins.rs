//! Login names: one per account, unique in the region, found by a keyed hash.
//!
//! A name is made of the person's names in letters that every keyboard has, `lea.perlorron`, with a
//! number when somebody has it already. The vault's store holds no name: what is looked up is its
//! HMAC under a key derived from the master key, and the name itself is wrapped. A name stays its
//! account's for as long as the account has secrets; a marriage does not change it.

use aws_lc_rs::hmac::{self, HMAC_SHA256};
use domain::{AccountId, PersonId};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::{Vault, VaultError, secrets::Change, store::Transaction};
use crate::seal::Key;

/// What a name is cut to: it is typed by children, and copied from paper.
const LETTERS_MAX: usize = 40;

/// What is looked at of a name that is typed: more than any name with its number has.
const TYPED_MAX: usize = 64;

/// The name of whoever has none that can be written in these letters.
const NAMELESS: &str = "compte";

/// Who wants which name.
pub(super) struct Wish {
    person: PersonId,
    name: Zeroizing<String>,
}

/// The login name that a person's names suggest: `lea.perlorron`.
pub fn login_of_names(given: &str, family: &str) -> String {
    plain(&format!("{}.{}", given.trim(), family.trim()), LETTERS_MAX)
}

impl Vault {
    /// The login name of a person: the one they have, or else the one that they wish, with a number
    /// if others have it.
    ///
    /// # Errors
    /// When it cannot be read, wrapped or stored.
    pub async fn take_login(&self, person: PersonId, wish: &str) -> Result<String, VaultError> {
        let name = Zeroizing::new(plain(wish, LETTERS_MAX));
        let row = self.change(Change::Login(Wish { person, name })).await?;
        let (_, login) = unwrap(&self.master, &row.unwrap_or_default())?;
        Ok(login)
    }

    /// Whose login name it is, however its letters are typed.
    ///
    /// # Errors
    /// When the vault cannot be read, or its row does not open.
    pub async fn person_of_login(&self, login: &str) -> Result<Option<PersonId>, VaultError> {
        let digest = digest(&self.master, &plain(login, TYPED_MAX));
        let row = self.readers.login_of_digest(digest).await?;
        row.map(|row| unwrap(&self.master, &row).map(|(person, _)| person)).transpose()
    }

    /// The login name of an account, if it has one.
    ///
    /// # Errors
    /// When the vault cannot be read, or its row does not open.
    pub async fn login_of(&self, account: AccountId) -> Result<Option<String>, VaultError> {
        let row = self.readers.login_of_account(account).await?;
        row.map(|row| unwrap(&self.master, &row).map(|(_, login)| login)).transpose()
    }
}

impl Wish {
    /// The wrapped row of the name that is given.
    pub(super) async fn grant(
        self,
        transaction: &mut Transaction<'_>,
        master: &Key,
    ) -> Result<Vec<u8>, VaultError> {
        let account = AccountId::of(self.person);
        if let Some(known) = transaction.login(account).await? {
            return Ok(known);
        }
        let mut name = self.name.clone();
        let mut number = 1_u64;
        loop {
            let wrapped = wrap(master, self.person, &name)?;
            if transaction.put_login(account, digest(master, &name), &wrapped).await? {
                return Ok(wrapped);
            }
            number += 1;
            *name = format!("{}{number}", *self.name);
        }
    }
}

fn wrap(master: &Key, person: PersonId, login: &str) -> Result<Vec<u8>, VaultError> {
    let plain = [person.0.as_bytes(), login.as_bytes()].concat();
    Ok(master.close(b"login", plain)?)
}

fn unwrap(master: &Key, row: &[u8]) -> Result<(PersonId, String), VaultError> {
    let mut room = Zeroizing::new(Vec::new());
    let plain = master.open(b"login", row, &mut room).map_err(|_| VaultError::DamagedSecret)?;
    let (person, login) = plain.split_first_chunk().ok_or(VaultError::DamagedSecret)?;
    let login = String::from_utf8(login.to_vec()).map_err(|_| VaultError::DamagedSecret)?;
    Ok((PersonId(Uuid::from_bytes(*person)), login))
}

/// What a login name is found by. Without the master key, names cannot be tried out on the file.
fn digest(master: &Key, login: &str) -> Vec<u8> {
    let derived = hmac::sign(&hmac::Key::new(HMAC_SHA256, master.bytes()), b"login names");
    let key = hmac::Key::new(HMAC_SHA256, derived.as_ref());
    hmac::sign(&key, login.as_bytes()).as_ref().to_vec()
}

/// A text in lowercase letters without accents, digits, dots and hyphens. What stands between two
/// parts of a name becomes a hyphen; other signs are left out.
fn plain(text: &str, letters_max: usize) -> String {
    let mut plain = String::new();
    for letter in text.chars().flat_map(char::to_lowercase) {
        match letter {
            'a'..='z' | '0'..='9' | '.' | '-' => plain.push(letter),
            ' ' | '_' | '\u{a0}' => plain.push('-'),
            other => plain.push_str(without_accent(other)),
        }
    }
    let mut login = String::new();
    for letter in plain.chars().take(letters_max) {
        let sign = |letter: char| matches!(letter, '.' | '-');
        if !(sign(letter) && login.chars().last().is_none_or(sign)) {
            login.push(letter);
        }
    }
    login.truncate(login.trim_end_matches(['.', '-']).len());
    if login.is_empty() { NAMELESS.to_owned() } else { login }
}

/// The letters under an accent, as French civil registers and their neighbours write them.
fn without_accent(letter: char) -> &'static str {
    match letter {
        'à' | 'á' | 'â' | 'ã' | 'ä' | 'å' | 'ā' | 'ă' | 'ą' => "a",
        'æ' => "ae",
        'ç' | 'ć' | 'č' => "c",
        'ď' | 'đ' | 'ð' => "d",
        'è' | 'é' | 'ê' | 'ë' | 'ē' | 'ė' | 'ę' | 'ě' => "e",
        'ğ' | 'ģ' => "g",
        'ì' | 'í' | 'î' | 'ï' | 'ī' | 'į' | 'ı' => "i",
        'ķ' => "k",
        'ł' | 'ļ' | 'ľ' => "l",
        'ñ' | 'ń' | 'ň' | 'ņ' => "n",
        'ò' | 'ó' | 'ô' | 'õ' | 'ö' | 'ø' | 'ō' | 'ő' => "o",
        'œ' => "oe",
        'ř' => "r",
        'ś' | 'š' | 'ş' | 'ș' => "s",
        'ß' => "ss",
        'ť' | 'ţ' | 'ț' => "t",
        'þ' => "th",
        'ù' | 'ú' | 'û' | 'ü' | 'ū' | 'ů' | 'ű' | 'ų' => "u",
        'ý' | 'ÿ' => "y",
        'ź' | 'ż' | 'ž' => "z",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_is_written_in_letters_that_every_keyboard_has() {
        for (given, family, login) in [
            ("Léa", "Perlorron", "lea.perlorron"),
            ("Jean-François", "D'Œuvreçaux", "jean-francois.doeuvrecaux"),
            ("Zoé Marie", "de la Brûlée", "zoe-marie.de-la-brulee"),
            (" Élodie ", "GROẞ", "elodie.gross"),
            ("Ana", "O’Néill\u{200b}", "ana.oneill"),
            ("", "Perlorron", "perlorron"),
            ("李", "", "compte"),
        ] {
            assert_eq!(login_of_names(given, family), login);
            assert_eq!(plain(login, TYPED_MAX), login, "typed as it is printed, it is found");
        }
    }

    #[test]
    fn accents_that_follow_their_letter_are_dropped_too() {
        assert_eq!(login_of_names("Le\u{301}a", "C\u{327}"), "lea.c");
    }

    #[test]
    fn a_long_name_is_cut() {
        let login = login_of_names("Anne", &"Perlorron-".repeat(10));
        assert_eq!(login, "anne.perlorron-perlorron-perlorron-perlo");
    }
}
