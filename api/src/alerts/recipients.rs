//! Whom an alert is told to, as the tables know them at this moment.
//!
//! All who exercise authority, in both homes alike (code civil, 371-1, 373-2-1); those who have the
//! student in charge if nobody of them is reached; a student of age beside their parents, who are told of
//! absences while they keep the student (circulaire 74-325). Never whoever a judgment keeps from it.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use domain::{
    PersonId, Uai,
    access::is_of_age,
    alerts::{AlertId, message::Channel, plan::Recipient},
    families::Authority,
    people::ContactDetails,
    schools::SchoolSheet,
};
use projections::{
    families::{GuardianOfStudent, of_students},
    people::{PersonRow, these},
    schools::sheet,
};
use sqlx::SqlitePool;

use crate::channels::Channels;

/// What is known of those an alert is about and to.
pub(super) struct Told {
    /// What the school has decided.
    pub(super) school: SchoolSheet,
    /// The student's first name; none if their identity was erased.
    pub(super) first_name: Option<String>,
    /// Whom it is told to.
    pub(super) recipients: Vec<Recipient>,
    /// Whether anything may be sent to them at all.
    pub(super) may_send: bool,
    /// Who they are.
    pub(super) people: BTreeMap<PersonId, PersonRow>,
}

/// What is known of these alerts' schools, students and families. Of a school that is not open nothing.
pub(super) async fn told(
    db: &SqlitePool,
    channels: &Channels,
    alerts: &[AlertId],
    now: DateTime<Utc>,
) -> sqlx::Result<HashMap<AlertId, Told>> {
    let mut schools: BTreeMap<Uai, SchoolSheet> = BTreeMap::new();
    for alert in alerts {
        if !schools.contains_key(&alert.school)
            && let Some(sheet) = sheet(db, alert.school).await?
        {
            schools.insert(alert.school, sheet);
        }
    }
    let students: Vec<PersonId> = alerts.iter().map(|alert| alert.student.person()).collect();
    let known: BTreeMap<PersonId, PersonRow> =
        these(db, &students).await?.into_iter().map(|row| (row.person, row)).collect();
    let mut guardians: HashMap<PersonId, Vec<GuardianOfStudent>> = HashMap::new();
    for guardian in of_students(db, &students).await? {
        guardians.entry(guardian.guardian.student.person()).or_default().push(guardian);
    }
    let told = alerts.iter().filter_map(|alert| {
        let (school, student) = (schools.get(&alert.school)?, alert.student.person());
        let guardians = guardians.get(&student).map(Vec::as_slice).unwrap_or_default();
        let told = Told::of(school, known.get(&student), guardians, (channels, now));
        Some((*alert, told))
    });
    Ok(told.collect())
}

impl Told {
    fn of(
        school: &SchoolSheet,
        student: Option<&PersonRow>,
        guardians: &[GuardianOfStudent],
        (channels, now): (&Channels, DateTime<Utc>),
    ) -> Self {
        let today = school.local_date(now);
        let mut people = BTreeMap::new();
        let mut recipients = Vec::new();
        let mut add = |person: &PersonRow, home, in_reserve| {
            let channels = channels_of(&person.details, channels);
            people.insert(person.person, person.clone());
            recipients.push(Recipient { person: person.person, home, in_reserve, channels });
        };
        let of_age = student.filter(|student| is_of_age(student.birth_date, today));
        let settings = &school.settings;
        if let Some(student) = of_age.filter(|_| !settings.sending_to_students_stopped) {
            add(student, None, false);
        }
        // Of a student whose name was erased nobody can be told anything.
        let guardians = if student.is_some() { guardians } else { &[] };
        let answering = guardians.iter().filter(|known| known.guardian.answers_on(today));
        for GuardianOfStudent { guardian, person } in answering {
            let (Some(terms), Some(person)) = (guardian.terms_on(today), person) else { continue };
            let is_the_student = guardian.guardian == guardian.student.person();
            match terms.authority {
                Authority::Exercised if is_the_student => {}
                Authority::Exercised => add(person, Some(terms.home), false),
                Authority::InCharge => add(person, Some(terms.home), true),
                Authority::SurveillanceOnly | Authority::Contact => {}
            }
        }
        let first_name = student.map(|student| student.name.given.clone());
        // Where guardians are not written to, only a student of age is.
        let guardians_stopped = settings.sending_to_guardians_stopped;
        let own_only = guardians_stopped
            && recipients
                .iter()
                .any(|recipient| of_age.is_some_and(|student| student.person == recipient.person));
        if own_only {
            recipients.truncate(1);
        }
        let may_send = own_only || !guardians_stopped;
        Self { school: school.clone(), first_name, recipients, may_send, people }
    }
}

/// The channels that somebody can be reached by: an SMS if they accept it, for it is read at once. The one
/// that they prefer comes first; to prefer an SMS is not to accept one.
fn channels_of(details: &ContactDetails, channels: &Channels) -> Vec<Channel> {
    let sms = details.accepts_sms && details.mobile.is_some();
    let possible = [(Channel::Sms, sms), (Channel::Mail, details.mail.is_some())];
    let possible = possible.into_iter().filter(|(channel, can)| *can && channels.has(*channel));
    let mut possible: Vec<Channel> = possible.map(|(channel, _)| channel).collect();
    // Sorting is stable: without a word of theirs, all stays as it is.
    possible.sort_by_key(|channel| details.prefers != Some(*channel));
    possible
}
