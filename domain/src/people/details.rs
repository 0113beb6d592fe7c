//! What is said of a person: names, numbers, how to reach them, in which language, and their work.
//!
//! Plain words, without rules but that of a name; who says them and when is in [`super`].

use serde::{Deserialize, Serialize};
use strum::IntoStaticStr;
use utoipa::ToSchema;

use super::PersonError;
use crate::{Uai, alerts::message::Channel};

/// A person's names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Name {
    /// The name of birth.
    pub family: String,
    /// The first names as used; empty for a service, such as child welfare.
    pub given: String,
    /// The name used instead of the name of birth, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<String>,
}

impl Name {
    /// The family name that they go by.
    pub fn surname(&self) -> &str {
        self.usage.as_ref().unwrap_or(&self.family)
    }

    /// How they are written to and spoken of: first names, then the family name that they go by.
    pub fn in_full(&self) -> String {
        let Self { given, .. } = self;
        let surname = self.surname();
        if given.is_empty() { surname.to_owned() } else { format!("{given} {surname}") }
    }
}

/// A number that a person is known by elsewhere. The last one said of a scheme and school holds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
pub struct Identifier {
    /// Who gave it.
    pub scheme: Scheme,
    /// In whose files, where each school has its own.
    #[schema(value_type = Option<String>, example = "0549998Z")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub school: Option<Uai>,
    /// The number.
    pub value: String,
}

/// Who numbers people.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    ToSchema,
    IntoStaticStr,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Scheme {
    /// The nation: a student's *identifiant national élève*.
    Ine,
    /// SIECLE, a school's students: `ELEVE_ID`.
    SiecleStudent,
    /// SIECLE, the persons who answer for them: `PERSONNE_ID`.
    SieclePerson,
    /// STS, staff paid by the State: `INDIVIDU` of type `epp`.
    StsEpp,
    /// STS, staff that the school has added: `INDIVIDU` of type `local`.
    StsLocal,
}

/// How to reach a person.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct ContactDetails {
    /// Mail address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mail: Option<String>,
    /// Mobile telephone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mobile: Option<String>,
    /// Other telephone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub telephone: Option<String>,
    /// Postal address, as on an envelope.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Whether they accept to be told by SMS.
    pub accepts_sms: bool,
    /// What they want to be told by first, where they can be told by it; without a word, by SMS. The other
    /// channel is what remains if that one fails.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prefers: Option<Channel>,
}

/// The languages that families are written to in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum Language {
    /// French.
    #[default]
    #[serde(rename = "fr")]
    French,
    /// Plain French (*facile à lire et à comprendre*).
    #[serde(rename = "fr-x-facile")]
    PlainFrench,
    /// English.
    #[serde(rename = "en")]
    English,
    /// German.
    #[serde(rename = "de")]
    German,
    /// Arabic.
    #[serde(rename = "ar")]
    Arabic,
    /// Turkish.
    #[serde(rename = "tr")]
    Turkish,
    /// Portuguese.
    #[serde(rename = "pt")]
    Portuguese,
    /// Ukrainian.
    #[serde(rename = "uk")]
    Ukrainian,
}

/// What a member of staff does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Function {
    /// Head of school or deputy.
    Head,
    /// Teacher.
    Teacher,
    /// *Conseiller principal d'éducation*: runs school life.
    Cpe,
    /// *Assistant d'éducation* (AED).
    Assistant,
    /// Nurse.
    Nurse,
    /// Social worker.
    SocialWorker,
    /// Librarian (*professeur documentaliste*).
    Librarian,
    /// Office, kitchen, maintenance, information technology.
    Administration,
}

impl Name {
    pub(super) fn check(&self) -> Result<(), PersonError> {
        let blank = |name: &str| name.trim().is_empty();
        let missing = blank(&self.family) || (blank(&self.given) && !self.given.is_empty());
        if missing { Err(PersonError::NameMissing) } else { Ok(()) }
    }
}
