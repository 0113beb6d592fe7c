//! What is wrong in a national file, said to the secretary who exported it.
//!
//! Sentences are French, for they are read at a school's desk, and end with what to do; codes are
//! for programs. A problem names a record by its number in the file, never by a name or a date of
//! birth: reports travel.

use std::{fmt, sync::Arc};

use strum::IntoStaticStr;

use super::feed::FileKind;

/// Something wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The name of the file.
    pub file: Arc<str>,
    /// The line, from 1.
    pub line: u32,
    /// The record, if it is about one: what it is, and its number in the file.
    pub record: Option<(Record, Box<str>)>,
    /// What is wrong.
    pub fault: Fault,
}

/// What a record of a file is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
pub enum Record {
    /// A student, by `ELEVE_ID`.
    Student,
    /// A guardian, by `PERSONNE_ID`.
    Guardian,
    /// A link, by `ELEVE_ID/PERSONNE_ID`.
    Link,
    /// An address, by `ADRESSE_ID`.
    Address,
    /// A subject, by `CODE_MATIERE`.
    Subject,
    /// A kind of schooling, by `CODE_MEF`.
    Mef,
    /// A division or group, by its code.
    Class,
    /// A member of staff, by `TYPE/ID`.
    Staff,
    /// A service, by class and `CODE_MATIERE`.
    Service,
    /// An alternation of weeks, by its code.
    Alternation,
    /// The hours of a day of the week, by its number.
    DayHours,
    /// A weekly lesson, by class and `CODE_MATIERE`.
    Lesson,
}

/// How much is lost by a problem.
#[derive(Clone, Copy, Debug, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
pub enum Severity {
    /// The whole import is refused.
    Import,
    /// The record is left out, the rest goes on.
    Record,
    /// Nothing is lost that was needed, but somebody should look.
    Warning,
}

/// What is wrong, by how much is lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The whole import is refused.
    File(FileFault),
    /// The record is left out.
    Record(RecordFault),
    /// Somebody should look.
    Warning(Warning),
}

/// Why a whole import is refused. The kebab-case name is its code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
pub enum FileFault {
    /// Reading failed.
    FileUnreadable,
    /// The file ends too early.
    FileTruncated,
    /// The file is not well-formed XML.
    FileNotXml,
    /// A character that XML forbids, NUL for one.
    CharacterForbidden,
    /// A document type: it could define entities, and no national export has one.
    DoctypeRefused,
    /// An entity other than XML's own five.
    EntityUnknown,
    /// Elements within elements, deeper than in any export.
    ElementsTooDeep,
    /// A text, a tag or a comment longer than in any export.
    TextTooLong,
    /// More attributes than in any export.
    TooManyAttributes,
    /// More records than a school can have.
    FileTooLarge,
    /// So many records are wrong that the file itself must be.
    TooManyProblems,
    /// An encoding that no national export has.
    EncodingUnknown,
    /// The bytes are not of the encoding that is declared, or they are of two.
    EncodingContradicted,
    /// Not a file that Préau reads.
    RootUnknown,
    /// Two files of the same kind.
    KindTwice {
        /// Which kind.
        kind: FileKind,
    },
    /// The file does not say which school it is of.
    SchoolMissing,
    /// The file does not say which year it is of.
    YearMissing,
    /// The file is of another school than the first.
    OtherSchool,
    /// The file is of another year than the first.
    OtherYear,
}

/// Why a record is left out. The kebab-case name is its code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
pub enum RecordFault {
    /// What must be said is not.
    FieldMissing {
        /// Its element or attribute.
        field: &'static str,
    },
    /// Said twice, differently.
    FieldTwice {
        /// Its element.
        field: &'static str,
    },
    /// Longer than a name, a label or a code can be.
    FieldTooLong {
        /// Its element or attribute.
        field: &'static str,
    },
    /// No such day, or not written as a day.
    DateImpossible {
        /// Its element.
        field: &'static str,
    },
    /// No such time of day, or no such length of a lesson.
    TimeImpossible {
        /// Its element.
        field: &'static str,
    },
    /// A code that means nothing here.
    CodeUnknown {
        /// Its element or attribute.
        field: &'static str,
    },
    /// Another record of the file has the same number.
    NumberTwice,
    /// Another student has the same national number.
    NationalNumberTwice,
    /// The guardian of a link is not among the people of the file.
    GuardianUnknown,
    /// The alternation of a lesson is not in the file.
    AlternationUnknown,
}

/// What somebody should look at. The kebab-case name is its code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
pub enum Warning {
    /// The letter of the UAI is not the one its digits call for.
    LetterDisagrees,
    /// A file of SIECLE that Préau does not need.
    FileNotNeeded,
    /// Characters that nobody sees were taken out of a value.
    InvisibleRemoved {
        /// Its element or attribute.
        field: &'static str,
    },
    /// No mail address, or no telephone number: left out.
    ContactOdd {
        /// Its element.
        field: &'static str,
    },
    /// Without it nobody knows the day the student comes of age.
    BirthDateMissing,
    /// The INE is not eleven letters and digits: left out.
    NationalNumberOdd,
    /// The address is not in the file: left out.
    AddressUnknown,
    /// A link or a class of a student who is not in the file of students, as one of an earlier year:
    /// left out.
    StudentUnknown,
    /// A function that is not known: the office's, which may see least.
    FunctionUnknown,
    /// Who teaches is not among the staff of the file.
    TeacherUnknown,
    /// A week of an alternation lies outside the school year.
    WeekOutsideYear,
}

impl Fault {
    /// How much is lost by it.
    pub fn severity(&self) -> Severity {
        match self {
            Self::File(_) => Severity::Import,
            Self::Record(_) => Severity::Record,
            Self::Warning(_) => Severity::Warning,
        }
    }

    /// The public code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::File(fault) => fault.into(),
            Self::Record(fault) => fault.into(),
            Self::Warning(warning) => warning.into(),
        }
    }
}

impl From<FileFault> for Fault {
    fn from(fault: FileFault) -> Self {
        Self::File(fault)
    }
}

impl From<RecordFault> for Fault {
    fn from(fault: RecordFault) -> Self {
        Self::Record(fault)
    }
}

impl From<Warning> for Fault {
    fn from(warning: Warning) -> Self {
        Self::Warning(warning)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, ligne {}", self.file, self.line)?;
        if let Some((record, number)) = &self.record {
            write!(f, ", {record} {number}")?;
        }
        write!(f, " : {}", self.fault)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(fault) => fault.fmt(f),
            Self::Record(fault) => fault.fmt(f),
            Self::Warning(warning) => warning.fmt(f),
        }
    }
}

impl fmt::Display for FileFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Self::KindTwice { kind } = self {
            return write!(f, "un autre fichier est déjà celui des {kind} ; n'en gardez qu'un.");
        }
        let (wrong, to_do) = self.sentence();
        write!(f, "{wrong} ; {to_do}.")
    }
}

impl FileFault {
    /// What is wrong, and what to do.
    fn sentence(self) -> (&'static str, &'static str) {
        const AGAIN: &str = "exportez-le à nouveau, sans l'ouvrir ni le modifier";
        const NOT_NATIONAL: &str = "ce n'est pas un export de SIECLE ou de STS";
        match self {
            Self::FileUnreadable => {
                ("le fichier n'a pas pu être lu jusqu'au bout", "vérifiez son support")
            }
            Self::FileTruncated => ("le fichier s'arrête avant sa fin", AGAIN),
            Self::FileNotXml => ("le fichier n'est pas du XML bien formé", AGAIN),
            Self::CharacterForbidden => {
                ("le fichier contient un caractère interdit", "retapez la valeur, puis exportez")
            }
            Self::DoctypeRefused => ("le fichier contient un DOCTYPE", NOT_NATIONAL),
            Self::EntityUnknown => ("le fichier contient une entité inconnue", AGAIN),
            Self::ElementsTooDeep => ("les éléments s'emboîtent trop", NOT_NATIONAL),
            Self::TextTooLong => ("un texte est démesuré", NOT_NATIONAL),
            Self::TooManyAttributes => ("un élément a trop d'attributs", NOT_NATIONAL),
            Self::FileTooLarge => (
                "il y a plus de fiches qu'un établissement n'en a",
                "exportez un établissement à la fois",
            ),
            Self::TooManyProblems => {
                ("trop de fiches sont en défaut", "corrigez les premières, puis exportez")
            }
            Self::EncodingUnknown => ("le codage n'est ni ISO-8859-15 ni UTF-8", AGAIN),
            Self::EncodingContradicted => ("les caractères n'ont pas le codage annoncé", AGAIN),
            Self::RootUnknown => (
                "ce n'est pas un export de SIECLE ou de STS que Préau lit",
                "choisissez les fichiers .xml, sortis de leur archive",
            ),
            Self::KindTwice { .. } => ("le fichier est en double", "n'en gardez qu'un"),
            Self::SchoolMissing => ("le fichier ne dit pas son établissement (UAJ)", AGAIN),
            Self::YearMissing => ("le fichier ne dit pas son année scolaire", AGAIN),
            Self::OtherSchool => {
                ("le fichier est d'un autre établissement", "importez chacun à part")
            }
            Self::OtherYear => {
                ("le fichier est d'une autre année scolaire", "exportez-les ensemble")
            }
        }
    }
}

impl fmt::Display for RecordFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (subject, wrong) = match self {
            Self::FieldMissing { field } => (*field, "n'est pas renseigné"),
            Self::FieldTwice { field } => (*field, "figure deux fois"),
            Self::FieldTooLong { field } => (*field, "est trop long"),
            Self::DateImpossible { field } => (*field, "n'est pas une date possible"),
            Self::TimeImpossible { field } => (*field, "n'est pas un horaire possible"),
            Self::CodeUnknown { field } => (*field, "a un code inconnu"),
            Self::NumberTwice => ("une autre fiche", "a le même identifiant"),
            Self::NationalNumberTwice => ("un autre élève", "a le même INE"),
            Self::GuardianUnknown => ("le responsable", "n'est pas dans le fichier"),
            Self::AlternationUnknown => ("l'alternance", "n'est pas dans le fichier"),
        };
        write!(f, "{subject} {wrong}, la fiche n'est pas reprise ; corrigez-la, puis exportez.")
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvisibleRemoved { field } => {
                write!(f, "des caractères invisibles ont été ôtés de {field} ; corrigez la fiche.")
            }
            Self::ContactOdd { field } => {
                write!(f, "{field} ne permet de joindre personne et n'est pas repris ; corrigez-le.")
            }
            Self::LetterDisagrees => f.write_str(
                "la lettre de l'UAI ne correspond pas à ses chiffres ; vérifiez l'établissement.",
            ),
            Self::FileNotNeeded => f.write_str("Préau n'a pas besoin de ce fichier."),
            Self::BirthDateMissing => f.write_str(
                "la date de naissance manque : la majorité ne sera pas connue ; complétez la fiche.",
            ),
            Self::NationalNumberOdd => f.write_str(
                "l'INE n'a pas onze lettres et chiffres et n'est pas repris ; corrigez la fiche.",
            ),
            Self::AddressUnknown => f.write_str(
                "l'adresse n'est pas dans le fichier et n'est pas reprise ; exportez à nouveau.",
            ),
            Self::StudentUnknown => f.write_str(
                "l'élève n'est pas dans le fichier des élèves, ce qui est dit de lui n'est pas repris ; \
                 exportez les fichiers ensemble.",
            ),
            Self::FunctionUnknown => f.write_str(
                "la fonction n'est pas connue, la personne est reprise comme administrative ; \
                 nommez-la dans Préau si c'est une autre.",
            ),
            Self::TeacherUnknown => f.write_str(
                "l'enseignant d'un service n'est pas parmi les personnels ; vérifiez le service.",
            ),
            Self::WeekOutsideYear => f.write_str(
                "une semaine est hors de l'année scolaire ; vérifiez le calendrier.",
            ),
        }
    }
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Student => "élève",
            Self::Guardian => "responsable",
            Self::Link => "lien élève/responsable",
            Self::Address => "adresse",
            Self::Subject => "matière",
            Self::Mef => "MEF",
            Self::Class => "division ou groupe",
            Self::Staff => "personnel",
            Self::Service => "service",
            Self::Alternation => "alternance",
            Self::DayHours => "horaires du jour",
            Self::Lesson => "cours",
        })
    }
}

impl fmt::Display for FileKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Students => "élèves (SIECLE)",
            Self::Guardians => "responsables (SIECLE)",
            Self::Nomenclature => "nomenclatures (SIECLE)",
            Self::Structures => "structures (SIECLE)",
            Self::Staffing => "services (sts_emp)",
            Self::Timetable => "emplois du temps (emp_sts)",
            Self::NotNeeded => "autres exports de SIECLE",
        })
    }
}
