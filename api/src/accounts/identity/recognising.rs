//! Who somebody is that a provider vouches for the first time: the only person that the mark of the
//! settings names, and who has not turned the provider down.
//!
//! A mail address recognises families only: a school's office may change anybody's, and whoever
//! could give a colleague their own address would otherwise sign in as the colleague.

use chrono::{DateTime, Utc};
use domain::{PersonId, accounts::span::is_open};
use projections::{
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

/// The only person with this address whose account is open, if they are of a family and no more.
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
    let mandated = known.is_some_and(|account| !account.mandates.is_empty());
    Ok(Some(*person).filter(|_| !works && !mandated))
}
