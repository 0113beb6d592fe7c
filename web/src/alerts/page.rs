//! The page behind the link of a message: who was absent, and two answers, "seen" and "this is why".
//!
//! It opens without an account, in the family's language, on any telephone: HTML and one style, six
//! kilobytes together, no script. It says what the message said and no more: of an absence that
//! somebody has explained, that it is explained. A link that is over and one that never was look the same.

use askama::Template;
use chrono::NaiveDateTime;
use domain::people::Language;
use fluent_bundle::FluentArgs;

use super::{NAME_MAX, SCHOOL_MAX, TELEPHONE_MAX, cleaning::cleaned};
pub use crate::words::tag;

use crate::words::{self, TONGUES, moment, say, say_of};

/// The style of the page, sent from [`STYLE_ADDRESS`].
pub const STYLE: &str = include_str!("../../templates/alerts/style.css");

/// Where the page looks for its style.
pub const STYLE_ADDRESS: &str = "/a/style.css";

/// The longest comment, in the units that a browser counts: those of UTF-16.
pub const COMMENT_MAX: usize = 500;

/// The page.
///
/// Its forms are posted to `{address}/seen` (nothing in it) and `{address}/reasons` (multipart:
/// `absence`, `key`, `reason`, `comment`, `rest`, `document`), both with `?lang=`.
#[derive(Template)]
#[template(path = "alerts/page.html")]
pub struct LinkPage<'a> {
    /// The language in which it is read.
    pub language: Language,
    /// The school's name.
    pub school: &'a str,
    /// Its telephone.
    pub telephone: Option<&'a str>,
    /// The path of the page itself, without a language.
    pub address: &'a str,
    /// Of whom the message was.
    pub children: &'a [LinkChild<'a>],
    /// The school's list, for those who are still to be explained. In French, as the school says it.
    pub reasons: &'a [ReasonToGive<'a>],
    /// Whether somebody has said that the message came.
    pub seen: bool,
    /// Whether the reader has just given a reason.
    pub thanks: bool,
}

/// A child of the message.
pub struct LinkChild<'a> {
    /// The first name, as used.
    pub first_name: &'a str,
    /// When the absence began, by the school's clock.
    pub since: NaiveDateTime,
    /// What has become of it.
    pub standing: Standing<'a>,
}

/// What has become of an absence.
pub enum Standing<'a> {
    /// The school asks why.
    Open(Answer<'a>),
    /// The school asks others why.
    Asked,
    /// A reason was given; which, and by whom, the page does not say.
    Explained,
    /// The child was there after all.
    There,
}

/// The form that gives a reason, with what was typed if it has to be shown again.
pub struct Answer<'a> {
    /// Which absence it is about.
    pub absence: &'a str,
    /// What makes the same form, sent twice, one answer.
    pub key: &'a str,
    /// The code that was chosen; empty if none.
    pub reason: &'a str,
    /// The comment that was typed.
    pub comment: &'a str,
    /// Whether it was said to hold until the half-day ends.
    pub rest: bool,
    /// Why it is shown again.
    pub problem: Option<Problem>,
}

/// A reason that can be given.
pub struct ReasonToGive<'a> {
    /// The school's code.
    pub code: &'a str,
    /// What families read.
    pub label: &'a str,
}

/// Why an answer was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Problem {
    /// No reason was chosen, or one that the list no longer has.
    ReasonMissing,
    /// The comment is longer than [`COMMENT_MAX`].
    CommentTooLong,
    /// The document is larger than may be.
    DocumentTooLarge {
        /// The most that may be.
        megabytes_max: u32,
    },
    /// The document is no PDF, JPEG or PNG.
    DocumentUnreadable,
    /// The server could not keep it now.
    NotKept,
}

/// The page of every link that opens nothing, whatever the cause. Whose it was is not known, nor the
/// language of whoever opened it: it says the same in all.
#[derive(Template)]
#[template(path = "alerts/gone.html")]
pub struct Gone;

impl LinkPage<'_> {
    /// The page.
    ///
    /// # Errors
    /// None: a page is written into memory, and its template has no filter that fails.
    pub fn page(&self) -> askama::Result<String> {
        self.render()
    }

    fn say(&self, key: &str) -> String {
        say(self.language, key)
    }

    fn tag(&self) -> &'static str {
        words::tag(self.language)
    }

    /// No child's name: a title stays in a browser's history.
    fn title(&self) -> String {
        let title = if self.has_problem() { "problem-title" } else { "page-title" };
        format!("{} – {}", self.say(title), cleaned(self.school, SCHOOL_MAX))
    }

    fn when(&self, child: &LinkChild<'_>) -> String {
        moment(self.language, child.since)
    }

    /// Not once every child was there after all: there is nothing to have seen.
    fn asks_whether_seen(&self) -> bool {
        self.children.iter().any(|child| !matches!(child.standing, Standing::There))
    }

    /// A page with a problem offers no other language: to follow its link would lose what was typed.
    fn has_problem(&self) -> bool {
        let problem = |child: &LinkChild<'_>| match &child.standing {
            Standing::Open(answer) => answer.problem.is_some(),
            Standing::Asked | Standing::Explained | Standing::There => false,
        };
        self.children.iter().any(problem)
    }

    fn said_of(&self, problem: &Problem) -> String {
        let mut things = FluentArgs::new();
        things.set("characters", COMMENT_MAX);
        let (key, again) = match problem {
            Problem::ReasonMissing => ("problem-reason", true),
            Problem::CommentTooLong => ("problem-comment", true),
            Problem::NotKept => ("problem-later", true),
            Problem::DocumentUnreadable => ("problem-kind", false),
            Problem::DocumentTooLarge { megabytes_max } => {
                things.set("megabytes", *megabytes_max);
                ("problem-size", false)
            }
        };
        let said = say_of(self.language, key, &things);
        // A browser keeps no file: what was attached has to be attached once more.
        if again { format!("{said} {}", self.say("problem-again")) } else { said }
    }

    fn dialled(telephone: &str) -> String {
        telephone.chars().filter(|sign| sign.is_ascii_digit() || *sign == '+').collect()
    }
}

impl Gone {
    /// The page.
    ///
    /// # Errors
    /// None, as above.
    pub fn page(&self) -> askama::Result<String> {
        self.render()
    }
}

#[cfg(test)]
mod tests;
