//! The demo school's list of reasons.
//!
//! Codes are ours, labels a school's. No national list could be read; what the law holds legitimate
//! is L131-8 of the code de l'éducation, the rest is what schools usually judge.

use domain::schools::{Legitimacy, Reason};

const NEUTRAL: Option<&str> = Some("Motif connu de l'établissement");

/// Code, label, what the law says of it, and what the school makes of it at once.
const REASONS: [(&str, &str, Legitimacy, Judged); 25] = [
    ("illness", "Maladie", Legitimacy::ChildIll, Judged::Health),
    ("illness-certificate", "Maladie avec certificat", Legitimacy::ChildIll, Judged::HealthClosed),
    ("hospital", "Hospitalisation", Legitimacy::ChildIll, Judged::HealthClosed),
    ("medical-appointment", "Rendez-vous médical", Legitimacy::OtherAccepted, Judged::Health),
    (
        "family-illness",
        "Maladie contagieuse dans la famille",
        Legitimacy::FamilyIllTransmissible,
        Judged::Health,
    ),
    (
        "family-meeting",
        "Réunion solennelle de famille",
        Legitimacy::SolemnFamilyMeeting,
        Judged::Good,
    ),
    ("transport", "Transport perturbé", Legitimacy::CommunicationsDifficulty, Judged::Good),
    (
        "parents-away",
        "Absence temporaire des parents, suivis par l'enfant",
        Legitimacy::FollowsResponsiblePersons,
        Judged::Later,
    ),
    ("religious-feast", "Fête religieuse", Legitimacy::OtherAccepted, Judged::Health),
    ("family", "Raison familiale", Legitimacy::Unknown, Judged::Later),
    ("outside-appointment", "Rendez-vous extérieur", Legitimacy::Unknown, Judged::Later),
    ("competition", "Compétition sportive", Legitimacy::OtherAccepted, Judged::Good),
    ("internship", "Stage en entreprise", Legitimacy::OtherAccepted, Judged::InCare),
    ("overslept", "Réveil tardif", Legitimacy::No, Judged::Bad),
    ("holidays", "Vacances hors calendrier", Legitimacy::No, Judged::Bad),
    ("no-answer", "Sans réponse de la famille", Legitimacy::No, Judged::NotExplained),
    ("not-known", "Motif inconnu", Legitimacy::Unknown, Judged::NotExplained),
    ("infirmary", "Passage à l'infirmerie", Legitimacy::OtherAccepted, Judged::HealthInCare),
    ("library", "Travail au CDI", Legitimacy::OtherAccepted, Judged::InCare),
    ("study-hall", "Étude", Legitimacy::OtherAccepted, Judged::InCare),
    ("trip", "Sortie scolaire", Legitimacy::OtherAccepted, Judged::InCare),
    (
        "school-life-appointment",
        "Convocation à la vie scolaire",
        Legitimacy::OtherAccepted,
        Judged::InCare,
    ),
    (
        "psychologist-appointment",
        "Rendez-vous avec le psychologue de l'éducation nationale",
        Legitimacy::OtherAccepted,
        Judged::HealthInCare,
    ),
    ("adapted-timetable", "Emploi du temps adapté", Legitimacy::OtherAccepted, Judged::Health),
    ("timetable-error", "Erreur d'emploi du temps", Legitimacy::OtherAccepted, Judged::Error),
];

/// What becomes of an absence that is explained with a reason.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Judged {
    /// Good as such.
    Good,
    /// Good as such; reveals health or religion.
    Health,
    /// Good, reveals health, and nothing more is asked.
    HealthClosed,
    /// The student was in the school's care.
    InCare,
    /// The same, and it reveals health.
    HealthInCare,
    /// Not good.
    Bad,
    /// Needs a look at the case.
    Later,
    /// Explains nothing.
    NotExplained,
    /// The absence was none.
    Error,
}

/// The whole list.
pub(super) fn list() -> Vec<Reason> {
    REASONS.map(reason).into()
}

fn reason((code, label, legitimacy, judged): (&str, &str, Legitimacy, Judged)) -> Reason {
    use Judged as J;
    let sensitive = matches!(judged, J::Health | J::HealthClosed | J::HealthInCare);
    let in_care = matches!(judged, J::InCare | J::HealthInCare);
    Reason {
        code: code.to_owned(),
        label: label.to_owned(),
        neutral_label: NEUTRAL.filter(|_| sensitive).map(str::to_owned),
        sensitive,
        legitimacy,
        explains: judged != J::NotExplained,
        receivable: match judged {
            J::Good | J::Health | J::HealthClosed | J::InCare | J::HealthInCare | J::Error => {
                Some(true)
            }
            J::Bad => Some(false),
            J::Later | J::NotExplained => None,
        },
        regularises: in_care || matches!(judged, J::HealthClosed | J::Error),
        in_care,
        closed: false,
    }
}
