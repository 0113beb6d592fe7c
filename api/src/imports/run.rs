//! Running an import: reading the files whole, comparing, and writing the differences.
//!
//! Nothing is written unless every file was read to its end. Commands of one stream go one after the
//! other, many streams at once: their commits share a write to the disk. An import that was killed
//! is run again: what it wrote is then known, and only the rest is a difference.

use std::{collections::BTreeMap, sync::Arc};

use anyhow::{Context, anyhow};
use domain::{
    AccountId, CommandId, Stream, Streamed, Uai, classes::Class, families::Family, people::Person,
    schools::School, timetable::Course,
};
use futures_util::{StreamExt, TryStreamExt, stream};
use replay::{Act, ExecuteError, Journal, Node, new_command_id};
use tokio::task::spawn_blocking;
use uuid::Uuid;

use super::{
    compare::{Base, check, compare},
    draft::Wish,
    feed::Feed,
    files::{self, Input},
    known::Known,
    plan::{Ask, Origin, Plan, Step},
    remarks::Remark,
    report::Report,
    trust::{Trust, leave_to_head},
};

/// Streams that are written at once.
const STREAMS_AT_ONCE: usize = 64;

/// How often an import waits for the tables, some seconds each time.
const WAITS_MAX: usize = 24;

/// Who imports what, and how.
#[derive(Clone, Debug)]
pub struct Import {
    /// Which base the files come from.
    pub base: Base,
    /// The school that they must be of; whichever they name, if nobody says one.
    pub school: Option<Uai>,
    /// Who imports them.
    pub actor: AccountId,
    /// How far they are trusted with what files say.
    pub trust: Trust,
    /// Whether to say only what would be done.
    pub dry_run: bool,
    /// What becomes of that which the files no longer have.
    pub wish: Wish,
}

/// Is told how many commands are done, of how many.
pub type Progress = Arc<dyn Fn(u64, u64) + Send + Sync>;

/// Imports files, and tells what came of it. An import that is refused is told, too.
///
/// # Errors
/// When the log, the vault or the tables fail. What was written stays; the same import goes on.
pub async fn run(
    node: &Node,
    import: &Import,
    inputs: Vec<Input<'static>>,
    progress: &Progress,
) -> anyhow::Result<Report> {
    let mut report = Report { dry_run: import.dry_run, ..Report::default() };
    let feed = match spawn_blocking(move || files::read(inputs)).await? {
        Ok(feed) => feed,
        Err(problems) => {
            problems.iter().for_each(|problem| report.tell_problem(problem));
            return Ok(report);
        }
    };
    (report.school, report.year) = (Some(feed.school), Some(feed.year));
    feed.problems.iter().for_each(|problem| report.tell_problem(problem));
    let plan = match check(&feed, import.base, import.school) {
        Ok(()) => plan(node, feed, import.wish).await?,
        Err(refusal) => Err(refusal),
    };
    let Plan { steps, remarks, .. } = match plan {
        Ok(mut plan) => {
            if import.trust == Trust::Office {
                let today = node.journal().clock().now().date_naive();
                leave_to_head(&node.db(), today, &mut plan).await?;
            }
            plan
        }
        Err(refusal) => {
            report.tell(&Origin::default(), &refusal);
            return Ok(report);
        }
    };
    remarks.iter().for_each(|(origin, remark)| report.tell(origin, remark));
    report.imported = true;
    report.position = node.journal().log().head().await?;
    if !import.dry_run
        && let Some(school) = report.school
    {
        let act = act(node, school, import.actor);
        write(node.journal(), steps, act, progress, &mut report).await?;
    }
    Ok(report)
}

/// Compares files with all that was written before.
async fn plan(node: &Node, feed: Feed, wish: Wish) -> anyhow::Result<Result<Plan, Remark>> {
    let head = node.journal().log().head().await?;
    catch_up(node, head).await?;
    let now = node.journal().clock().now();
    let known = Known::read(&node.db(), &feed, now).await.context("reading what is known")?;
    Ok(spawn_blocking(move || compare(&feed, &known, wish, now)).await?)
}

async fn catch_up(node: &Node, position: u64) -> anyhow::Result<()> {
    for _ in 0..WAITS_MAX {
        if node.reach(position).await.is_ok() {
            return Ok(());
        }
    }
    Err(anyhow!("the tables do not reach position {position}"))
}

/// An import as one request, which all of its commands go back to.
fn act(node: &Node, school: Uai, actor: AccountId) -> Act {
    let (command, occurred_at) = (new_command_id(), node.journal().clock().now());
    Act::new(school, actor, command, occurred_at)
}

/// What came of the commands of a stream.
#[derive(Default)]
struct Written {
    events: usize,
    position: u64,
    refused: Vec<(Origin, Remark)>,
}

/// Writes a plan: one turn after the other, each with many streams at once.
async fn write(
    journal: &Journal,
    steps: Vec<Step>,
    act: Act,
    progress: &Progress,
    report: &mut Report,
) -> anyhow::Result<()> {
    let all = u64::try_from(steps.len())?;
    let mut turns: BTreeMap<u8, BTreeMap<Stream, Vec<Step>>> = BTreeMap::new();
    for step in steps {
        let stream = step.ask.stream(act.school);
        turns.entry(step.ask.turn()).or_default().entry(stream).or_default().push(step);
    }
    let mut done = 0;
    for streams in turns.into_values() {
        let each = streams.into_iter().map(|(stream, steps)| {
            let count = u64::try_from(steps.len()).unwrap_or_default();
            let written = in_order(journal.clone(), stream, steps, act);
            async move { written.await.map(|written| (count, written)) }
        });
        let mut written = stream::iter(each).buffer_unordered(STREAMS_AT_ONCE);
        while let Some((count, written)) = written.try_next().await? {
            done += count;
            progress(done, all);
            report.events_appended += u64::try_from(written.events)?;
            report.position = report.position.max(written.position);
            written.refused.iter().for_each(|(origin, remark)| report.tell(origin, remark));
        }
    }
    Ok(())
}

/// Executes the commands of one stream. What a rule refuses is told, and the others go on.
async fn in_order(
    journal: Journal,
    stream: Stream,
    steps: Vec<Step>,
    act: Act,
) -> anyhow::Result<Written> {
    let mut written = Written::default();
    for (n, Step { ask, origin }) in steps.into_iter().enumerate() {
        // Computed, so that whatever is tried again within this import is known to be the same.
        let command = Uuid::new_v5(&act.command.0, format!("{stream}/{n}").as_bytes());
        let act = Act { command: CommandId(command), ..act };
        match execute(&journal, ask, &act).await? {
            Ok((events, position)) => {
                written.events += events;
                written.position = written.position.max(position);
            }
            Err(remark) if written.refused.iter().all(|(told, _)| *told != origin) => {
                written.refused.push((origin, remark));
            }
            Err(_) => {}
        }
    }
    Ok(written)
}

/// How many events came of a command and the position they go up to, or why it was refused.
type Executed = Result<(usize, u64), Remark>;

async fn execute(journal: &Journal, ask: Ask, act: &Act) -> anyhow::Result<Executed> {
    match ask {
        Ask::School(command) => execute_on::<School>(journal, act.school, command, act).await,
        Ask::Person(id, command) => execute_on::<Person>(journal, id, command, act).await,
        Ask::Class(id, command) => execute_on::<Class>(journal, id, command, act).await,
        Ask::Family(id, command) => execute_on::<Family>(journal, id, command, act).await,
        Ask::Timetable(id, command) => execute_on::<Course>(journal, id, command, act).await,
    }
}

async fn execute_on<A>(
    journal: &Journal,
    id: A::Id,
    command: A::Command,
    act: &Act,
) -> anyhow::Result<Executed>
where
    A: Streamed<Services = (), Command: Clone, Error: Into<&'static str>> + Clone + 'static,
{
    match journal.execute::<A>(id, command, act).await {
        Ok(done) => Ok(Ok((done.appended, done.position))),
        Err(ExecuteError::Refused(rule)) => Ok(Err(Remark::RefusedByRule(rule.into()))),
        Err(ExecuteError::Conflict | ExecuteError::KeyReused | ExecuteError::Unknown) => {
            Ok(Err(Remark::WrittenMeanwhile))
        }
        Err(ExecuteError::Store(error)) => Err(error),
    }
}
