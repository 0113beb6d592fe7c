//! What an import leaves to the head: what would open more to somebody than the files of an office
//! should. Whoever brings files in writes them, or could; a line of theirs must not make a head of
//! them, nor a colleague the guardian of whichever student they choose.
//!
//! It is taken out of the plan, and told. The same files of the head do it, and are known from then on.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    mem,
};

use chrono::NaiveDate;
use domain::{PersonId, access, families::FamilyCommand, people::PersonCommand};
use projections::{
    accounts::account,
    people::{Part, enrolments},
};
use sqlx::SqlitePool;

use super::{
    plan::{Ask, Origin, Plan},
    remarks::{Change, Remark},
};

/// How far whoever imports is trusted with what files say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// With all of it: the head of the school, whoever has the server, the region's own program.
    Whole,
    /// With what opens no more than a teacher's post: an administrator, a program that imports.
    Office,
}

/// Takes out of a plan what is left to the head.
pub(super) async fn leave_to_head(
    db: &SqlitePool,
    today: NaiveDate,
    plan: &mut Plan,
) -> sqlx::Result<()> {
    let promoted: HashSet<PersonId> =
        plan.steps.iter().filter_map(|s| promoted_by(&s.ask)).collect();
    let mut left: BTreeMap<Origin, BTreeSet<Change>> = BTreeMap::new();
    for step in mem::take(&mut plan.steps) {
        let is_left = match &step.ask {
            // Whoever is not promoted stays what they are.
            Ask::Person(id, PersonCommand::LeaveSchool { .. }) => promoted.contains(id),
            Ask::Family(student, FamilyCommand::RecordGuardianship { guardian, .. }) => {
                *guardian != student.person() && is_trusted(db, *guardian, today).await?
            }
            Ask::School(_)
            | Ask::Person(..)
            | Ask::Class(..)
            | Ask::Family(..)
            | Ask::Timetable(..) => promoted_by(&step.ask).is_some(),
        };
        if is_left {
            left.entry(step.origin).or_default().insert(step.ask.change());
        } else {
            plan.steps.push(step);
        }
    }
    let asked: HashSet<&Origin> = plan.steps.iter().map(|step| &step.origin).collect();
    plan.remarks.retain_mut(|(origin, remark)| match (left.get(origin), remark) {
        (Some(left), Remark::Changed(changes)) => {
            changes.retain(|change| !left.contains(change));
            !changes.is_empty()
        }
        (Some(_), Remark::Added) => asked.contains(origin),
        (Some(_) | None, _) => true,
    });
    for origin in left.keys() {
        plan.tell(origin, Remark::LeftToTheHead);
    }
    Ok(())
}

/// Whom a command gives a post that opens more than a teacher's.
fn promoted_by(ask: &Ask) -> Option<PersonId> {
    match ask {
        Ask::Person(
            id,
            PersonCommand::AppointStaff { function, .. }
            | PersonCommand::ChangeFunction { function, .. },
        ) if access::opens_more(*function) => Some(*id),
        Ask::School(_)
        | Ask::Person(..)
        | Ask::Class(..)
        | Ask::Family(..)
        | Ask::Timetable(..) => None,
    }
}

/// Whether somebody works in a school, or has a mandate.
async fn is_trusted(db: &SqlitePool, person: PersonId, today: NaiveDate) -> sqlx::Result<bool> {
    let lasts = |until: Option<NaiveDate>| until.is_none_or(|until| today <= until);
    let posts = enrolments(db, person).await?;
    let works = posts.iter().any(|post| post.part == Part::Staff && lasts(post.until));
    let known = account(db, person).await?;
    Ok(works || known.is_some_and(|known| known.mandates.iter().any(|given| lasts(given.until))))
}
