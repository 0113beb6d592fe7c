//! What comparing files with what is known has to say, in the words of a school's desk.
//!
//! A remark is said of one record, or of the import as a whole. The kebab-case name is its code.

use std::fmt;

use domain::Uai;
use strum::{EnumMessage, IntoStaticStr};

use super::{problem::Record, report::Section};

/// What is said.
#[derive(Clone, Debug, PartialEq, Eq, IntoStaticStr, EnumMessage)]
#[strum(serialize_all = "kebab-case")]
pub(super) enum Remark {
    /// The school begins to use Préau.
    #[strum(message = "l'établissement est ouvert dans Préau ; vérifiez son nom et son fuseau \
        horaire.")]
    SchoolOpened,
    /// The school year is planned.
    #[strum(
        message = "l'année scolaire est planifiée ; complétez les vacances, les périodes et la \
        fin des cours."
    )]
    YearPlanned,
    /// The bells were found out from the timetable.
    #[strum(message = "les sonneries sont déduites de l'emploi du temps ; vérifiez-les.")]
    BellsFound,
    /// Nobody knew it.
    #[strum(message = "ajouté.")]
    Added,
    /// Somebody whom another school, or the school itself, knew already.
    #[strum(message = "rattaché à une personne que Préau connaissait ; vérifiez que c'est bien \
        elle.")]
    KnownAlready,

    /// These things are otherwise.
    Changed(Vec<Change>),

    /// Known, and not in the files.
    #[strum(
        message = "n'est plus dans les fichiers ; gardé. S'il n'y est plus à raison, relancez \
        avec --confirm-departures."
    )]
    Missing,
    /// Known, not in the files, and let go.
    #[strum(message = "n'est plus dans les fichiers ; sorti.")]
    LetGo,

    /// Several people may be meant.
    #[strum(message = "plusieurs personnes peuvent être désignées ; complétez date de naissance, \
        INE, courriel ou portable, puis exportez.")]
    SeveralPeople,
    /// They work in the school, or learn there.
    #[strum(
        message = "cette personne est déjà connue ici, comme personnel ou comme élève ; notez \
        d'abord son départ dans Préau."
    )]
    OtherPartInSchool,
    /// The last day lies before the first.
    #[strum(message = "la date de sortie précède la date d'entrée ; corrigez la fiche, puis \
        exportez.")]
    LeavesBeforeComing,
    /// Who answers for themself has another name than the student.
    #[strum(message = "le lien dit « élève lui-même », mais la personne ne porte pas ses noms ; \
        corrigez le lien ou les noms, puis exportez.")]
    NotTheStudent,
    /// The student or the guardian of a link was not taken in.
    #[strum(
        message = "l'élève ou le responsable n'a pas été repris ; corrigez d'abord leur fiche."
    )]
    PersonNotTaken,
    /// Somebody of the same kinship is kept from the student, and not in the file under that name.
    #[strum(
        message = "un jugement ou une surveillance seule limite déjà un responsable de même lien, \
        absent du fichier : pas repris, ce peut être lui. Si c'est quelqu'un d'autre, ajoutez le \
        lien dans Préau."
    )]
    MayBeKeptAway,
    /// A teacher of it was not taken in.
    #[strum(message = "un de ses enseignants n'a pas été repris ; corrigez d'abord sa fiche.")]
    TeacherNotTaken,
    /// No slot of the bells is near it.
    #[strum(
        message = "aucun créneau des sonneries n'est à cette heure ; ajoutez-le dans Préau, ou \
        corrigez le cours."
    )]
    SlotMissing,
    /// Its alternation has no week in the school year.
    #[strum(message = "son alternance n'a aucune semaine dans l'année ; corrigez-la, puis \
        exportez.")]
    WeeksMissing,
    /// It would open more to somebody than whoever imports may give.
    #[strum(message = "cette fonction, ou ce lien, ouvrirait plus de droits que cet import n'en \
        donne ; que le chef d'établissement importe le fichier, ou le note dans Préau.")]
    LeftToTheHead,
    /// A rule of Préau refused it while it was written.
    RefusedByRule(&'static str),
    /// Somebody else kept writing the same.
    #[strum(message = "quelqu'un d'autre écrivait la même fiche ; relancez l'import.")]
    WrittenMeanwhile,

    /// The files are of another school than the one asked for.
    OtherSchool {
        /// The one of the files.
        found: Uai,
    },
    /// SIECLE files where STS files are asked for, or the contrary.
    #[strum(message = "ces fichiers ne sont pas ceux demandés : « siecle » prend élèves, \
        responsables, nomenclatures et structures ; « sts » prend sts_emp et emp_sts.")]
    OtherFiles,
    /// The timetable came without the staff.
    #[strum(
        message = "l'emploi du temps (emp_sts) ne se lit qu'avec les personnels ; donnez aussi \
        sts_emp."
    )]
    StaffingNotGiven,
    /// The school is not open, and only STS files open one.
    #[strum(message = "l'établissement n'est pas ouvert dans Préau ; importez d'abord le fichier \
        STS, ou ouvrez l'établissement.")]
    SchoolNotOpen,
    /// The year is not planned, and only STS files plan one.
    #[strum(
        message = "cette année scolaire n'est pas planifiée ; importez d'abord le fichier STS, \
        ou planifiez l'année."
    )]
    YearNotPlanned,
    /// More lessons a day than a school has.
    #[strum(message = "l'emploi du temps compte plus de 20 créneaux par jour ; saisissez d'abord \
        les sonneries dans Préau, puis relancez.")]
    TooManySlots,
    /// More departures than can be believed.
    TooManyMissing {
        /// Of what.
        kind: Record,
        /// How many are not in the files.
        missing: usize,
        /// How many were known.
        known: usize,
    },

    /// Nobody answers for the student.
    #[strum(message = "aucun responsable ; complétez la fiche : personne ne serait prévenu d'une \
        absence.")]
    NoGuardian,
    /// The student had left before anybody knew them.
    #[strum(message = "sorti avant d'être connu de Préau : pas repris ; rien à faire.")]
    LeftAlready,
    /// A member of staff whose departure the school has noted.
    #[strum(message = "son départ est noté dans Préau, et gardé ; s'il est revenu, notez-le dans \
        Préau.")]
    LeftHere,
    /// A student who comes to another school after this one.
    #[strum(
        message = "inscrit ensuite dans un autre établissement, qui dit désormais sa famille ; \
        notez sa date de sortie, puis exportez."
    )]
    EnrolledElsewhere,
    /// The school wrote other terms of a link, for a day on which no file that is known spoke.
    #[strum(
        message = "Préau connaît d'autres termes de ce lien, plus récents que le fichier, et les \
        garde ; corrigez-les d'un côté, puis exportez à nouveau."
    )]
    TermsKept,
    /// The school wrote that a link ends, and the file does not come after that.
    #[strum(
        message = "la fin de ce lien est notée dans Préau, et le fichier n'est pas plus récent ; \
        elle est gardée : corrigez le lien, puis exportez à nouveau."
    )]
    EndKept,
    /// A link that had ended begins again.
    #[strum(
        message = "ce lien était terminé et reprend, avec ses droits ; vérifiez que c'est juste, ou \
        terminez-le dans Préau et dans SIECLE."
    )]
    LinkAgain,
    /// By the birth date of the file the student is of age, or is not, unlike before.
    #[strum(
        message = "la date de naissance du fichier, reprise, change sa majorité et les droits de \
        ses responsables ; vérifiez-la."
    )]
    MajorityChanges,
    /// Somebody else has this national number.
    #[strum(
        message = "une autre personne porte cet INE, qui n'est pas repris ; corrigez-le, puis \
        exportez."
    )]
    NationalNumberTaken,
    /// Another school knows the guardian by other names or telephones.
    #[strum(message = "un autre établissement connaît cette personne par d'autres noms ou \
        coordonnées, qui sont gardés ; corrigez-les dans Préau s'il le faut.")]
    KeptAsElsewhere,
    /// No student of the file is in a class.
    #[strum(message = "aucun élève n'a de division dans le fichier ; les classes sont gardées \
        comme elles sont.")]
    NobodyInAClass,
    /// The days of the school year cannot be.
    #[strum(message = "les dates de l'année scolaire sont impossibles ; septembre à août a été \
        retenu : corrigez l'année dans Préau.")]
    YearImpossible,
}

/// What may be otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Change {
    /// The names.
    Name,
    /// When they were born.
    BirthDate,
    /// How to reach them.
    ContactDetails,
    /// A number they are known by.
    Number,
    /// The first day, or the return.
    Enrolment,
    /// The last day.
    Departure,
    /// The division and the groups.
    Classes,
    /// What they work as.
    Function,
    /// The terms of a link.
    Terms,
    /// Which weeks are A.
    WeeksA,
    /// Who teaches.
    Teachers,
    /// When a course meets.
    Meetings,
    /// A course, or a service, is over.
    Ended,
}

impl Remark {
    /// The public code.
    pub(super) fn code(&self) -> &'static str {
        self.into()
    }

    /// Where it is told.
    pub(super) fn section(&self) -> Section {
        match self {
            Self::SchoolOpened
            | Self::YearPlanned
            | Self::BellsFound
            | Self::Added
            | Self::KnownAlready => Section::Added,
            Self::Changed(_) => Section::Changed,
            Self::Missing | Self::LetGo => Section::Missing,
            Self::SeveralPeople
            | Self::OtherPartInSchool
            | Self::LeavesBeforeComing
            | Self::NotTheStudent
            | Self::PersonNotTaken
            | Self::MayBeKeptAway
            | Self::TeacherNotTaken
            | Self::SlotMissing
            | Self::WeeksMissing
            | Self::LeftToTheHead
            | Self::RefusedByRule(_)
            | Self::WrittenMeanwhile
            | Self::OtherSchool { .. }
            | Self::OtherFiles
            | Self::StaffingNotGiven
            | Self::SchoolNotOpen
            | Self::YearNotPlanned
            | Self::TooManySlots
            | Self::TooManyMissing { .. } => Section::Refused,
            Self::NoGuardian
            | Self::LeftAlready
            | Self::LeftHere
            | Self::EnrolledElsewhere
            | Self::TermsKept
            | Self::EndKept
            | Self::LinkAgain
            | Self::MajorityChanges
            | Self::NationalNumberTaken
            | Self::KeptAsElsewhere
            | Self::NobodyInAClass
            | Self::YearImpossible => Section::Warnings,
        }
    }
}

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Self::Changed(changes) = self {
            let changes: Vec<String> = changes.iter().map(ToString::to_string).collect();
            return write!(f, "modifié ({})", changes.join(", "));
        }
        if let Self::RefusedByRule(rule) = self {
            return write!(
                f,
                "Préau l'a refusé (règle {rule}) : quelqu'un a peut-être écrit entre-temps ; \
                 relancez l'import, puis corrigez la fiche s'il le refuse encore."
            );
        }
        if let Self::OtherSchool { found } = self {
            let told = "pas de celui demandé ; vérifiez le choix.";
            return write!(f, "les fichiers sont de l'établissement {found}, {told}");
        }
        if let Self::TooManyMissing { kind, missing, known } = self {
            return write!(
                f,
                "{missing} des {known} fiches « {kind} » connues ne sont plus dans les fichiers, \
                 plus que ce qui est croyable ; exportez à nouveau, ou confirmez avec --force."
            );
        }
        f.write_str(self.get_message().unwrap_or_default())
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Name => "noms",
            Self::BirthDate => "date de naissance",
            Self::ContactDetails => "coordonnées",
            Self::Number => "identifiant",
            Self::Enrolment => "inscription",
            Self::Departure => "sortie",
            Self::Classes => "classes",
            Self::Function => "fonction",
            Self::Terms => "termes du lien",
            Self::WeeksA => "semaines A",
            Self::Teachers => "enseignants",
            Self::Meetings => "horaires",
            Self::Ended => "terminé",
        })
    }
}
