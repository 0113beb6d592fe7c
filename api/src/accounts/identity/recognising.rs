//! Who somebody is that a provider vouches for the first time: the only person that the mark of the
//! settings names, and who has not turned the provider down.
//!
//! A mail address recognises families only, of one school, who have never opened their account: a
//! school's office may change anybody's address, and whoever could give somebody their own would
//! otherwise sign in as a colleague, or to what another school keeps. It is thus worth what a letter of
//! that office is.

use chrono::{DateTime, Utc};
use domain::{PersonId, accounts::span::is_open};
use projections::{
    access::schools_of,
    accounts::{account, relations},
    people::{Part, enrolments, identified, of_mail},
};
use sqlx::SqlitePool;

use super::{
    provider::Provider,
    vouched::{Mark, Vouched},
};

/// The person, if there is exactly one.
pub(super) async fn recognised(
    db: &SqlitePool,
    provider: &Provider,
    vouched: &Vouched,
    now: DateTime<Utc>,
) -> sqlx::Result<Option<PersonId>> {
    let mark = provider.links_by.as_ref().and_then(|by| vouched.mark(by));
    let person = match mark {
        Some(Mark::Number(identifier)) => identified(db, &identifier).await?,
        Some(Mark::Mail(mail)) => only_of_mail(db, &mail, now).await?,
        None => None,
    };
    let Some(person) = person else { return Ok(None) };
    let known = account(db, person).await?;
    let declined = known.is_some_and(|account| account.declined.contains(&provider.name));
    Ok(Some(person).filter(|_| !declined))
}

/// The only person with this address whose account is open, if whoever keeps the address could send
/// them a code as well.
async fn only_of_mail(
    db: &SqlitePool,
    mail: &str,
    now: DateTime<Utc>,
) -> sqlx::Result<Option<PersonId>> {
    let mut open = Vec::new();
    for person in of_mail(db, mail).await? {
        if is_open(&relations(db, person).await?, now) {
            open.push(person);
        }
    }
    let [person] = open.as_slice() else { return Ok(None) };
    let works = enrolments(db, *person).await?.iter().any(|post| post.part == Part::Staff);
    let known = account(db, *person).await?;
    let more = known.is_some_and(|known| known.is_opened() || !known.mandates.is_empty());
    let one_school = schools_of(db, *person).await?.len() == 1;
    Ok(Some(*person).filter(|_| one_school && !works && !more))
}
