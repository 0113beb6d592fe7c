//! Papers that the law asks for when absences repeat themselves: the dated dossier of a student, and the
//! letter to whoever answers for the student (code de l'éducation, R131-5 to R131-7, L131-8;
//! circular 2014-159 of 24 December 2014).
//!
//! In French, since they are acts of a French administration. What counts, who is written to and when is
//! decided elsewhere: a paper shows what it is given.

use askama::Template;
use chrono::{NaiveDate, NaiveDateTime};
use domain::{
    followups::{ContactOutcome, Measure, MeasureTaken, Way},
    schools::Half,
};

use crate::french;

/// The style of the papers. It stands in each page, which must be whole when it is kept as a file;
/// whoever sends the page allows this text, by its digest, and nothing else.
pub const STYLE: &str = include_str!("../templates/followups.css");

/// What was reached: half-days missed in a month without a legitimate reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// R131-7: four, the first step.
    FourHalfDays,
    /// Circular 2014-159: ten, heavy absenteeism.
    TenHalfDays,
}

/// The dossier of a student, as of an instant.
#[derive(Template)]
#[template(path = "followup_dossier.html")]
pub struct FollowUpDossier {
    /// The school that keeps it.
    pub school: String,
    /// The student's whole name.
    pub student: String,
    /// The student's class.
    pub class: String,
    /// What was reached.
    pub step: Step,
    /// The first day that was looked at.
    pub from: NaiveDate,
    /// The last one.
    pub until: NaiveDate,
    /// The rule that half-days were counted by.
    pub rule: String,
    /// Its version.
    pub rule_version: String,
    /// The half-days missed, in the order of their days.
    pub absences: Vec<AbsenceListed>,
    /// What the family was told, the oldest first.
    pub alerts: Vec<AlertListed>,
    /// What the school did that the law asks for, in the order in which it was noted.
    pub measures: Vec<MeasureTaken>,
    /// What the school did besides, the oldest first.
    pub contacts: Vec<ContactListed>,
    /// When all this was so, by the school's clock.
    pub as_of: NaiveDateTime,
}

/// A half-day missed.
pub struct AbsenceListed {
    /// The day.
    pub date: NaiveDate,
    /// Which half of it.
    pub half: Half,
    /// Minutes of lessons missed in it.
    pub minutes: u32,
    /// The reason's label, in the words that the reader may see; nothing if none was given.
    pub reason: Option<String>,
    /// What the school thinks of it.
    pub judgment: Judgment,
}

/// What the school thinks of a reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judgment {
    /// Nothing yet.
    Open,
    /// It is good (*recevable*).
    Accepted,
    /// It is not (*non recevable*).
    Refused,
}

/// A message to the family.
pub struct AlertListed {
    /// When it was sent, by the school's clock.
    pub at: NaiveDateTime,
    /// To whom.
    pub to: String,
    /// By which way.
    pub channel: Channel,
    /// What became of it.
    pub fate: Fate,
    /// Whether whoever it was for has said that they know of the absence.
    pub seen: bool,
}

/// The way of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    /// By mail.
    Mail,
    /// By SMS.
    Sms,
}

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Whoever carries it took it.
    Accepted,
    /// It arrived.
    Delivered,
    /// It cannot arrive.
    Undeliverable,
    /// Nobody knows.
    Uncertain,
}

/// What the school did besides: a call, a meeting, a letter.
pub struct ContactListed {
    /// When, by the school's clock.
    pub at: NaiveDateTime,
    /// Who did.
    pub by: String,
    /// With whom.
    pub with: String,
    /// What it was about.
    pub about: String,
}

/// The letters to those who answer for the student, each on a sheet of its own.
#[derive(Template)]
#[template(path = "followup_letter.html")]
pub struct FollowUpLetters {
    /// The letters, in the order in which they are printed.
    pub letters: Vec<FollowUpLetter>,
}

/// The letter to one who answers for the student. Those who live apart get one each.
pub struct FollowUpLetter {
    /// The school that writes.
    pub school: String,
    /// Its telephone.
    pub telephone: Option<String>,
    /// To whom.
    pub to: String,
    /// Where, as on an envelope; empty if it is handed over.
    pub address: String,
    /// The student's whole name.
    pub student: String,
    /// What was reached.
    pub step: Step,
    /// The first day that was looked at.
    pub from: NaiveDate,
    /// The last one.
    pub until: NaiveDate,
    /// The half-days counted, in the order of their days.
    pub half_days: Vec<HalfDayCounted>,
    /// The day it is written on.
    pub written_on: NaiveDate,
    /// Who signs.
    pub signed_by: String,
}

/// A half-day that counts.
pub struct HalfDayCounted {
    /// The day.
    pub date: NaiveDate,
    /// Which half of it.
    pub half: Half,
}

impl FollowUpDossier {
    /// The page.
    ///
    /// # Errors
    /// None: a page is written into memory, and its template has no filter that fails.
    pub fn page(&self) -> askama::Result<String> {
        self.render()
    }
}

impl FollowUpLetters {
    /// The page.
    ///
    /// # Errors
    /// None, as above.
    pub fn page(&self) -> askama::Result<String> {
        self.render()
    }
}

impl Step {
    fn half_days(self) -> u32 {
        match self {
            Self::FourHalfDays => 4,
            Self::TenHalfDays => 10,
        }
    }
}

impl Judgment {
    fn said(self) -> &'static str {
        match self {
            Self::Open => "pas encore jugé",
            Self::Accepted => "recevable",
            Self::Refused => "non recevable",
        }
    }
}

impl Channel {
    fn said(self) -> &'static str {
        match self {
            Self::Mail => "courriel",
            Self::Sms => "SMS",
        }
    }
}

impl Fate {
    fn said(self) -> &'static str {
        match self {
            Self::Accepted => "pris en charge, arrivée non confirmée",
            Self::Delivered => "arrivé",
            Self::Undeliverable => "ne peut pas arriver",
            Self::Uncertain => "sort inconnu",
        }
    }
}

/// What came of a contact, and how it was sought.
pub fn contact(way: Way, outcome: ContactOutcome) -> String {
    let way = match way {
        Way::Telephone => "Par téléphone",
        Way::Meeting => "En rencontre",
        Way::Letter => "Par courrier",
    };
    let outcome = match outcome {
        ContactOutcome::Spoken => "échange",
        ContactOutcome::AppointmentMade => "rendez-vous pris",
        ContactOutcome::MessageLeft => "message laissé",
        ContactOutcome::NoAnswer => "sans réponse",
    };
    format!("{way} : {outcome}")
}

fn measure(measure: &Measure) -> &'static str {
    match measure {
        Measure::Dialogue => "dialogue avec la famille",
        Measure::LetterSent => "courrier aux personnes responsables",
        Measure::EquipeEducative => "réunion de l’équipe éducative",
        Measure::CommissionEducative => "réunion de la commission éducative",
        Measure::PlanSigned => "plan d’aide écrit et signé",
        Measure::ReferentNamed => "personnel référent désigné",
        Measure::DasenInformed => "DASEN informé",
        Measure::ProsecutorInformed => "procureur de la République informé",
    }
}

fn half(half: &Half) -> &'static str {
    match half {
        Half::Morning => "matin",
        Half::Afternoon => "après-midi",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOSTILE: &str = "\"><script>alert(1)</script>";

    #[test]
    fn a_dossier_lists_absences_messages_and_contacts_as_of_an_instant() {
        let page = dossier("Léa Perlorron").page().unwrap();
        for said in [
            "<h1>Dossier d’absences : 4 demi-journées</h1>",
            "<dd><bdi>Léa Perlorron</bdi></dd>",
            "<dd><bdi>5e B</bdi></dd>",
            "du 1er novembre 2026 au 30 novembre 2026",
            "lessons-missed, version 1",
            "<td>3 novembre 2026</td><td>matin</td><td>110</td><td>sans motif</td>\
             <td>pas encore jugé</td>",
            "<td>9 novembre 2026</td><td>après-midi</td><td>55</td><td><bdi>Réveil tardif</bdi></td>\
             <td>non recevable</td>",
            "<td>3 novembre 2026 à 8\u{a0}h\u{a0}20</td><td><bdi>Salma Perlorron</bdi></td><td>SMS</td>\
             <td>arrivé</td><td>oui</td>",
            "<td>courriel</td><td>ne peut pas arriver</td><td>non confirmé</td>",
            "<td><bdi>Appel sans réponse</bdi></td>",
            "<li>12 novembre 2026 : DASEN informé</li>",
            "État des informations au 30 novembre 2026 à 18\u{a0}h\u{a0}00.",
        ] {
            assert!(page.contains(said), "{said}\nis not in\n{page}");
        }
    }

    #[test]
    fn a_dossier_says_what_the_law_asks_next() {
        let page = |step| FollowUpDossier { step, ..dossier("Léa Perlorron") }.page().unwrap();
        let (four, ten) = (page(Step::FourHalfDays), page(Step::TenHalfDays));
        assert!(four.contains("la commission éducative") && !four.contains("procureur"), "{four}");
        for said in ["10 demi-journées", "plan d’aide", "référent", "procureur"] {
            assert!(ten.contains(said), "{said}");
        }
        for page in [four, ten] {
            for text in ["R131-5", "R131-6", "R131-7", "L131-8", "2014-159", "DASEN"] {
                assert!(page.contains(text), "{text}\nis not in\n{page}");
            }
        }
    }

    #[test]
    fn a_dossier_says_that_nothing_was_done_where_nothing_was() {
        let (alerts, contacts) = (vec![], vec![]);
        let empty = FollowUpDossier { alerts, contacts, ..dossier("Léa Perlorron") };
        let page = empty.page().unwrap();
        assert!(page.contains("Aucun message n’a été envoyé."));
        assert!(page.contains("Aucun contact n’a été noté."));
        assert_eq!(page.matches("<table>").count(), 1);
    }

    #[test]
    fn a_letter_names_the_days_and_the_texts_and_asks_to_call() {
        let page = letters(letter("Léa Perlorron", Step::FourHalfDays));
        for said in [
            "<bdi>Salma Perlorron</bdi><br><bdi>1 rue des Essais</bdi><br><bdi>67000 Strasbourg</bdi>",
            "<p>Le 1er décembre 2026</p>",
            "a manqué 2 demi-journées",
            "<li>3 novembre 2026, matin</li>\n<li>9 novembre 2026, après-midi</li>",
            "L131-8",
            "R131-7",
            "la commission éducative",
            "Merci de prendre contact avec l’établissement au 03 88 00 00 17 dans",
            "<p class=\"sign\">Pour l’établissement,<br><bdi>Ève Weber</bdi></p>",
        ] {
            assert!(page.contains(said), "{said}\nis not in\n{page}");
        }
        assert!(!page.contains("Réveil") && !page.contains("procureur"), "{page}");
        let ten = letters(letter("Léa Perlorron", Step::TenHalfDays));
        for said in ["dix demi-journées", "personne référente", "procureur", "R131-7"] {
            assert!(ten.contains(said), "{said}\nis not in\n{ten}");
        }
    }

    #[test]
    fn on_paper_too_a_name_is_only_ever_a_name() {
        let pages = [dossier(HOSTILE).page().unwrap(), letters(letter(HOSTILE, Step::TenHalfDays))];
        for page in pages {
            assert!(!page.contains("<script"), "{page}");
            assert!(!page.contains("http") && page.contains("<style>@page"), "nothing is loaded");
        }
    }

    #[test]
    fn both_homes_get_a_letter_on_a_sheet_of_its_own() {
        let here = letter("Léa Perlorron", Step::FourHalfDays);
        let there = FollowUpLetter {
            to: "Karim Perlorron".to_owned(),
            ..letter("Léa Perlorron", Step::FourHalfDays)
        };
        let page = FollowUpLetters { letters: vec![here, there] }.page().unwrap();
        assert_eq!(page.matches("<main class=\"letter\">").count(), 2);
        assert!(page.contains("Salma Perlorron") && page.contains("Karim Perlorron"));
    }

    fn letters(letter: FollowUpLetter) -> String {
        FollowUpLetters { letters: vec![letter] }.page().unwrap()
    }

    fn day(day: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 11, day).unwrap()
    }

    fn at(of_day: u32, hour: u32, minute: u32) -> NaiveDateTime {
        day(of_day).and_hms_opt(hour, minute, 0).unwrap()
    }

    fn dossier(student: &str) -> FollowUpDossier {
        let missed = |of_day, half, minutes, reason: Option<&str>, judgment| AbsenceListed {
            date: day(of_day),
            half,
            minutes,
            reason: reason.map(str::to_owned),
            judgment,
        };
        let told = |channel, fate, seen| AlertListed {
            at: at(3, 8, 20),
            to: "Salma Perlorron".to_owned(),
            channel,
            fate,
            seen,
        };
        FollowUpDossier {
            school: "Collège des Tilleuls".to_owned(),
            student: student.to_owned(),
            class: "5e B".to_owned(),
            step: Step::FourHalfDays,
            from: day(1),
            until: day(30),
            rule: "lessons-missed".to_owned(),
            rule_version: "1".to_owned(),
            absences: vec![
                missed(3, Half::Morning, 110, None, Judgment::Open),
                missed(9, Half::Afternoon, 55, Some("Réveil tardif"), Judgment::Refused),
            ],
            alerts: vec![
                told(Channel::Sms, Fate::Delivered, true),
                told(Channel::Mail, Fate::Undeliverable, false),
            ],
            measures: vec![MeasureTaken { measure: Measure::DasenInformed, on: day(12) }],
            contacts: vec![ContactListed {
                at: at(10, 14, 0),
                by: "Ève Weber".to_owned(),
                with: "Salma Perlorron".to_owned(),
                about: "Appel sans réponse".to_owned(),
            }],
            as_of: at(30, 18, 0),
        }
    }

    fn letter(student: &str, step: Step) -> FollowUpLetter {
        FollowUpLetter {
            school: "Collège des Tilleuls".to_owned(),
            telephone: Some("03 88 00 00 17".to_owned()),
            to: "Salma Perlorron".to_owned(),
            address: "1 rue des Essais\n67000 Strasbourg".to_owned(),
            student: student.to_owned(),
            step,
            from: day(1),
            until: day(30),
            half_days: vec![
                HalfDayCounted { date: day(3), half: Half::Morning },
                HalfDayCounted { date: day(9), half: Half::Afternoon },
            ],
            written_on: NaiveDate::from_ymd_opt(2026, 12, 1).unwrap(),
            signed_by: "Ève Weber".to_owned(),
        }
    }
}
