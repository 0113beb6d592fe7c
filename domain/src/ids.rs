//! One type per kind of id, so that a student can never be passed as a lesson.
//!
//! Ids that follow from what they name are computed (`LessonId::of`): asking twice gives the same
//! id, and "the stream must not exist" is then all the uniqueness that is needed. The others are
//! made by the API. None of them says anything about the person behind it.

use std::{fmt, str::FromStr};

use chrono::{Datelike, NaiveDate};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// How long ids are where they are written, in bytes.
pub(crate) const UUID_LETTERS: usize = 36;
const UAI_LETTERS: usize = 8;
const DATE_LETTERS: usize = 10;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[derive(Serialize, Deserialize, ToSchema)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, uuid::Error> {
                Uuid::try_parse(text).map(Self)
            }
        }
    )+};
}

ids! {
    /// A person of the region: student, guardian or staff, in one school or several.
    PersonId
    /// A person in their part as a student. The same uuid as their [`PersonId`].
    StudentId
    /// A class or a group of one school, for one school year.
    ClassId
    /// What one class is taught in one subject, week after week.
    CourseId
    /// One lesson of a course, at one date.
    LessonId
    /// One line of a student's attendance file.
    LineId
    /// What was shown beside a reason.
    DocumentId
    /// Who acts: a pseudonym, never a name.
    AccountId
    /// A time of being signed in, on one device.
    SessionId
    /// One run of one process: what it writes into the access log stands in a stream of its own.
    RunId
    /// A request to change something; asking again with the same id changes nothing more.
    CommandId
    /// A message to one person by one channel: what its provider knows it by.
    MessageId
    /// An event.
    EventId
    /// The key that a sealed payload is closed with.
    KeyId
}

impl StudentId {
    /// The student as a person.
    pub fn person(self) -> PersonId {
        PersonId(self.0)
    }
}

impl From<PersonId> for StudentId {
    fn from(person: PersonId) -> Self {
        Self(person.0)
    }
}

impl AccountId {
    /// The account under which Préau itself acts, when a rule draws a consequence of an event.
    pub const PREAU: Self = Self(Uuid::from_u128(0x5052_4541_5500_8000_8000_0000_0000_0001));

    /// The one account of a person, for the whole region.
    pub fn of(person: PersonId) -> Self {
        Self(Uuid::new_v5(&person.0, b"account"))
    }
}

impl PersonId {
    /// The person that a national file of `school` names by a number of its own. Reading the file
    /// again, or after a failure, finds the same id.
    pub fn of_file(school: Uai, scheme: &str, number: &str) -> Self {
        Self(Uuid::new_v5(&school.namespace(), format!("{scheme}/{number}").as_bytes()))
    }
}

impl ClassId {
    /// The class that national files know by `code`, in one school year.
    pub fn of(school: Uai, year: SchoolYear, code: &str) -> Self {
        Self(Uuid::new_v5(&school.namespace(), format!("class/{year}/{code}").as_bytes()))
    }
}

impl CourseId {
    /// The course of a class that national files know by `code`: the subject's, and whatever tells
    /// it from others of the same subject.
    pub fn of(class: ClassId, code: &str) -> Self {
        Self(Uuid::new_v5(&class.0, format!("course/{code}").as_bytes()))
    }
}

impl LessonId {
    /// The lesson of `course` planned on `date` in the bell schedule's slot number `slot`.
    ///
    /// A lesson that is moved keeps the id of the place it was planned at.
    pub fn of(course: CourseId, date: NaiveDate, slot: u8) -> Self {
        Self(Uuid::new_v5(&course.0, format!("{date}/{slot}").as_bytes()))
    }
}

impl LineId {
    /// The line that a roll call of `lesson` writes into the file of `student`.
    pub fn of_lesson(student: StudentId, lesson: LessonId) -> Self {
        Self(Uuid::new_v5(&lesson.0, student.0.as_bytes()))
    }

    /// The line that `command` opens.
    pub fn of_command(command: CommandId) -> Self {
        Self(Uuid::new_v5(&command.0, b"line"))
    }
}

impl EventId {
    /// The id of the event number `n` that `command` made.
    pub fn of(command: CommandId, n: usize) -> Self {
        Self(Uuid::new_v5(&command.0, &n.to_be_bytes()))
    }
}

/// A school's national number, the *unité administrative immatriculée*: seven digits, one letter.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Uai([u8; 8]);

/// What is wrong with a text that should be a UAI.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a UAI is seven digits and one capital letter, as in 0549998Z")]
pub struct NotAUai;

impl Uai {
    /// What is of no school: the envelope of the access log bears it. No school has this number.
    pub const REGION: Self = Self(*b"0000000A");

    /// The namespace of the ids that are computed within a school.
    fn namespace(self) -> Uuid {
        Uuid::new_v5(&Uuid::NAMESPACE_OID, &self.0)
    }

    /// Whether the letter is the one that the seven digits call for: the rest of their division by
    /// 23, among twenty-three letters. Some schools' numbers break this; it is a warning, no more.
    pub fn letter_agrees(self) -> bool {
        const LETTERS: &[u8; 23] = b"ABCDEFGHJKLMNPRSTUVWXYZ";
        let number =
            self.0[..7].iter().fold(0_usize, |n, digit| n * 10 + usize::from(digit - b'0'));
        LETTERS[number % 23] == self.0[7]
    }

    /// The eight characters.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl FromStr for Uai {
    type Err = NotAUai;

    fn from_str(text: &str) -> Result<Self, NotAUai> {
        let bytes: [u8; 8] = text.as_bytes().try_into().map_err(|_| NotAUai)?;
        let shaped = bytes[..7].iter().all(u8::is_ascii_digit) && bytes[7].is_ascii_uppercase();
        shaped.then_some(Self(bytes)).ok_or(NotAUai)
    }
}

impl fmt::Display for Uai {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Uai {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Uai {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Uai {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(from)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// A school year, by the calendar year it begins in: 2026 is 2026–2027.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema,
)]
#[serde(transparent)]
pub struct SchoolYear(pub u16);

impl SchoolYear {
    /// The year that a day falls in when no school is asked: a new one begins on 1 August.
    ///
    /// Only the keys of dossiers use it. What a school calls its year is in its calendar.
    pub fn containing(day: NaiveDate) -> Self {
        let begun = if day.month() >= 8 { day.year() } else { day.year() - 1 };
        Self(u16::try_from(begun).unwrap_or_default())
    }

    /// The first day that [`SchoolYear::containing`] gives to it.
    pub fn begins(self) -> Option<NaiveDate> {
        NaiveDate::from_ymd_opt(self.0.into(), 8, 1)
    }
}

impl fmt::Display for SchoolYear {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a text begins with that names something of a student and a day: the school, the student and the
/// day, with `-` after each; and the rest.
pub(crate) fn school_student_day(text: &str) -> Option<(Uai, StudentId, NaiveDate, &str)> {
    let mut rest = text;
    let mut part = |length| {
        let (part, after) = rest.split_at_checked(length)?;
        rest = after.strip_prefix('-')?;
        Some(part)
    };
    let (school, student, day) = (part(UAI_LETTERS)?, part(UUID_LETTERS)?, part(DATE_LETTERS)?);
    Some((school.parse().ok()?, student.parse().ok()?, day.parse().ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uai_is_seven_digits_and_a_letter() {
        assert_eq!("0549998Z".parse::<Uai>().unwrap().to_string(), "0549998Z");
        for wrong in ["", "0549998", "054999ZZ", "0549998z", "0549998ZZ", "05499é8Z"] {
            assert_eq!(wrong.parse::<Uai>(), Err(NotAUai), "{wrong}");
        }
    }

    #[test]
    fn the_letter_of_a_uai_follows_from_its_digits() {
        assert!("0750655E".parse::<Uai>().unwrap().letter_agrees());
        assert!(!"0750655F".parse::<Uai>().unwrap().letter_agrees());
    }

    #[test]
    fn a_school_year_begins_in_august() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        assert_eq!(SchoolYear::containing(day("2026-08-01")), SchoolYear(2026));
        assert_eq!(SchoolYear::containing(day("2027-07-31")), SchoolYear(2026));
    }

    #[test]
    fn a_lesson_has_one_id_per_course_date_and_slot() {
        let (course, day) = (CourseId(Uuid::from_u128(1)), "2026-11-20".parse().unwrap());
        assert_eq!(LessonId::of(course, day, 3), LessonId::of(course, day, 3));
        assert_ne!(LessonId::of(course, day, 3), LessonId::of(course, day, 4));
    }
}
