//! The page behind a message's link: it opens without an account, for whoever the message was to.
//!
//! The link stands for its reader, with the rights that they have on the day it is opened: a judgment since
//! then closes it, and what is read or done is in the access log under their account. It shows what the
//! message said. A link that is over, forged or not theirs any more is answered by one and the same page.

mod form;

use axum::{
    Extension, Router,
    extract::{DefaultBodyLimit, Multipart, Path, Query, State},
    http::{HeaderName, StatusCode, header},
    response::{Html, IntoResponse, Redirect, Response},
    routing::{get, post},
};
use chrono::{NaiveDateTime, TimeDelta};
use domain::{
    AccountId, LineId, MessageId, PersonId, SchoolYear, Uai,
    access::{Action, Actor},
    alerts::{Alert, AlertCommand, AlertId, Cancellation},
    attendance::{
        Attendance, AttendanceCommand, AttendanceError, GiveReason, GivenBy, Period,
        documents::DOCUMENT_MAX_BYTES,
    },
    people::Language,
    schools::{Reason, SchoolSheet},
};
use projections::{
    alerts::{AlertRow, of_message},
    attendance::{LineKind, LineRow, file},
    people::these,
    schools::sheet,
};
use replay::{Act, ExecuteError, Node, command_id};
use serde::Deserialize;
use web::alerts::page::{
    Answer, COMMENT_MAX, Gone, LinkChild, LinkPage, Problem, ReasonToGive, STYLE, STYLE_ADDRESS,
    Standing, tag,
};

use super::links::{PATH, message_of};
use crate::{
    App, Source,
    access::{Decisions, Guard},
    attendance::documents::Received,
    caller::Caller,
    error::{ApiError, Refusal},
    year_of,
};
use form::Given;

/// A link is good for so long after its alert was raised.
const GOOD_FOR: TimeDelta = TimeDelta::days(7);

/// A form that says nothing.
const FORM_MAX_BYTES: usize = 16 * 1024;

/// More than a document may have: whoever sends one that is too large is told so, instead of being cut off.
const REASONS_MAX_BYTES: usize = 4 * DOCUMENT_MAX_BYTES;

/// What a browser may do with these pages: show them in our style, and send their forms back.
const POLICY: &str = "default-src 'none'; style-src 'self'; form-action 'self'; \
    frame-ancestors 'none'; base-uri 'none'";

/// The addresses behind links.
pub(crate) fn pages() -> Router<App> {
    Router::new()
        .route(&format!("{PATH}/{{token}}"), get(show))
        .route(&format!("{PATH}/{{token}}/seen"), post(say_seen))
        .layer(DefaultBodyLimit::max(FORM_MAX_BYTES))
}

/// The address of the form that gives a reason, and a document with it: from a telephone with little network
/// that takes a while.
pub(crate) fn reasons() -> Router<App> {
    Router::new()
        .route(&format!("{PATH}/{{token}}/reasons"), post(give_reasons))
        .layer(DefaultBodyLimit::max(REASONS_MAX_BYTES))
}

/// Their style, which says nothing of anybody.
pub(crate) fn style() -> Router<App> {
    let style = ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], STYLE);
    Router::new().route(STYLE_ADDRESS, get(async move || style))
}

/// How a page is to be read.
#[derive(Clone, Copy, Deserialize)]
struct Shown {
    /// In another language than the reader's own.
    lang: Option<Language>,
    /// Whether the reader has just given a reason.
    #[serde(default)]
    thanks: bool,
}

/// A link that opens, and for whom.
struct Opened {
    node: Node,
    token: String,
    reader: PersonId,
    guard: Guard,
    sheet: SchoolSheet,
    school: Uai,
    message: MessageId,
    language: Language,
    /// What the message was about, as far as its reader may still know of it.
    children: Vec<(AlertRow, String)>,
    /// Those of which others are asked why: not whoever has a child in charge, nor the parents of a student
    /// of age.
    for_others: Vec<AlertId>,
}

/// A form that is in order.
struct Checked<'a> {
    alert: &'a AlertRow,
    reason: &'a Reason,
    comment: Option<String>,
    document: Option<&'a Received>,
}

async fn show(
    State(app): State<App>,
    Path(token): Path<String>,
    Query(shown): Query<Shown>,
    Extension(decisions): Extension<Decisions>,
) -> Result<Response, ApiError> {
    match open(&app, token, decisions, shown).await? {
        Some(opened) => opened.page(shown.thanks, None),
        None => gone(),
    }
}

async fn say_seen(
    State(app): State<App>,
    Path(token): Path<String>,
    Query(shown): Query<Shown>,
    Extension(decisions): Extension<Decisions>,
) -> Result<Response, ApiError> {
    let Some(opened) = open(&app, token, decisions, shown).await? else { return gone() };
    let by = opened.reader;
    for (alert, _) in &opened.children {
        opened.guard.student(alert.school, alert.student, Action::AcknowledgeAlert).await?;
        let act = opened.act("seen", alert.id().to_string().as_bytes());
        let journal = opened.node.journal();
        let command = AlertCommand::Acknowledge { by };
        let done = journal.execute::<Alert>(alert.id(), command, &act).await?;
        opened.node.reach(done.position).await?;
    }
    Ok(opened.back(false))
}

async fn give_reasons(
    State(app): State<App>,
    Path(token): Path<String>,
    Query(shown): Query<Shown>,
    Extension(decisions): Extension<Decisions>,
    form: Multipart,
) -> Result<Response, ApiError> {
    let Some(opened) = open(&app, token, decisions, shown).await? else { return gone() };
    let given = Given::read(form, &app.uploads, opened.message).await?;
    match opened.explain(&given).await? {
        Ok(written) => Ok(opened.back(written)),
        Err(problem) => opened.page(false, Some((&given, problem))),
    }
}

/// Opens a link; nothing if it opens nothing.
async fn open(
    app: &App,
    token: String,
    decisions: Decisions,
    shown: Shown,
) -> Result<Option<Opened>, ApiError> {
    let Source::Live(node) = &app.source else { return Ok(None) };
    let Some(message) = message_of(node.journal(), &token) else { return Ok(None) };
    let Some((reader, alerts)) = told(node, message).await? else { return Ok(None) };
    let (now, account) = (node.journal().clock().now(), AccountId::of(reader));
    let actor = Actor::Person { person: reader, second_factor: false };
    let caller = Caller { account, actor, session: None, decisions };
    let guard = Guard::new(caller, node.db(), None, now);
    let students: Vec<PersonId> = alerts.iter().map(|alert| alert.student.person()).collect();
    let people = these(&node.db(), &[students, vec![reader]].concat()).await?;
    let (mut children, mut for_others) = (Vec::new(), Vec::new());
    for alert in alerts.into_iter().filter(|alert| now < alert.raised_at + GOOD_FOR) {
        // Whoever works in the school too is told as one of the family, or not at all.
        let may = guard.as_family(alert.school, alert.student, Action::ReadAlerts).await?;
        let known = people.iter().find(|known| known.person == alert.student.person());
        if let (Some((rule, _)), Some(known)) = (may, known) {
            for_others.extend(rule.hears_only_what_it_is_told().then_some(alert.id()));
            children.push((alert, known.name.given.clone()));
        }
    }
    let Some((first, _)) = children.first() else { return Ok(None) };
    let school = first.school;
    let Some(sheet) = sheet(&node.db(), school).await? else { return Ok(None) };
    let own = people.iter().find(|known| known.person == reader).map(|known| known.language);
    let language = shown.lang.or(own).unwrap_or_default();
    let node = node.clone();
    Ok(Some(Opened {
        node,
        token,
        reader,
        guard,
        sheet,
        school,
        message,
        language,
        children,
        for_others,
    }))
}

/// Whom a message was to, and the alerts that it spoke of. One that was sent a moment ago by another
/// node may not be in the tables yet.
async fn told(
    node: &Node,
    message: MessageId,
) -> Result<Option<(PersonId, Vec<AlertRow>)>, ApiError> {
    if let Some(found) = of_message(&node.db(), message).await? {
        return Ok(Some(found));
    }
    node.reach(node.journal().log().head().await?).await?;
    Ok(of_message(&node.db(), message).await?)
}

impl Opened {
    /// The page; with a form as it was filled in, if something is wrong with it.
    fn page(&self, thanks: bool, wrong: Option<(&Given, Problem)>) -> Result<Response, ApiError> {
        let address = self.address();
        let ids: Vec<String> = self.children.iter().map(|(row, _)| row.id().to_string()).collect();
        let key = replay::new_command_id().to_string();
        let children: Vec<LinkChild<'_>> = self
            .children
            .iter()
            .zip(&ids)
            .map(|((alert, first_name), id)| {
                let wrong = wrong.filter(|(given, _)| given.absence == *id);
                let since = self.local(alert);
                let stands = alert.sheet.cancelled.is_none();
                let standing = if stands && self.for_others.contains(&alert.id()) {
                    Standing::Asked
                } else {
                    standing(alert, (id, &key), wrong)
                };
                LinkChild { first_name, since, standing }
            })
            .collect();
        let reasons: Vec<ReasonToGive<'_>> = self
            .reasons()
            .map(|reason| ReasonToGive { code: &reason.code, label: &reason.label })
            .collect();
        let seen =
            self.children.iter().all(|(alert, _)| alert.sheet.seen_by.contains(&self.reader));
        let page = LinkPage {
            language: self.language,
            school: &self.sheet.name,
            telephone: self.sheet.telephone.as_deref(),
            address: &address,
            children: &children,
            reasons: &reasons,
            seen,
            thanks,
        };
        let status =
            if wrong.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
        html(status, page.page())
    }

    /// The reasons that are a family's to give: not what only the school can know, or settle.
    fn reasons(&self) -> impl Iterator<Item = &Reason> {
        let list = self.sheet.reasons.last();
        let reasons = list.into_iter().flat_map(|list| &list.reasons);
        reasons
            .filter(|known| known.explains && !known.closed && !known.in_care && !known.regularises)
    }

    /// Gives a reason for all that is unexplained of an absence, and says whether there was anything; what is
    /// wrong with the form, if it is.
    async fn explain(&self, given: &Given) -> Result<Result<bool, Problem>, ApiError> {
        let Checked { alert, reason, comment, document } = match self.check(given)? {
            Ok(checked) => checked,
            Err(problem) => return Ok(Err(problem)),
        };
        let asks = Action::GiveReason;
        let may = self.guard.as_family(alert.school, alert.student, asks).await?;
        let (_, sheet) = may.ok_or(Refusal::NoSuchAddress)?;
        let year = year_of(&sheet, alert.date)?;
        let (journal, file_of) = (self.node.journal(), (alert.student, year));
        let lines = self.asked(alert.id(), file(&self.node.db(), alert.student, year).await?);
        let document = match document {
            Some(document) if !lines.is_empty() => {
                let act = self.act(&given.key, b"document");
                Some(document.keep(journal, file_of, &act).await?)
            }
            Some(_) | None => None,
        };
        let (list, by) = (self.sheet.reasons_version(), GivenBy::Family(self.reader));
        let (mut last, written) = (0, !lines.is_empty());
        for line in lines {
            let (reason, comment) = (reason.clone(), comment.clone());
            let act = self.act(&given.key, format!("{line} {}", reason.code).as_bytes());
            let by_themselves = true;
            let reason = GiveReason { reason, list, by, comment, document, by_themselves };
            let reason = Box::new(reason);
            let command = AttendanceCommand::GiveReason { line, reason };
            let done = journal.execute::<Attendance>(file_of, command, &act).await?;
            last = last.max(done.position);
        }
        if written && given.rest {
            last = last.max(self.announce_rest(alert, reason, &given.key, (&sheet, year)).await?);
        }
        self.node.reach(last).await?;
        Ok(Ok(written))
    }

    /// The reason holds until the half-day ends: it explains the lessons that are still to be missed, and
    /// nobody is told of them again. What was announced before stays as it is.
    async fn announce_rest(
        &self,
        alert: &AlertRow,
        reason: &Reason,
        key: &str,
        (sheet, year): (&SchoolSheet, SchoolYear),
    ) -> Result<u64, ApiError> {
        let (list, by) = (sheet.reasons_version(), GivenBy::Family(self.reader));
        let (comment, document, by_themselves) = (None, None, true);
        let reason = reason.clone();
        let reason = GiveReason { reason, list, by, comment, document, by_themselves };
        let to = sheet.half_day_ends(alert.date, alert.half);
        let period = Period { from: alert.sheet.since, to };
        let act = self.act(key, format!("rest {}", alert.id()).as_bytes());
        let line = LineId::of_command(act.command);
        let command = AttendanceCommand::AnnounceAbsence { line, period, reason: Box::new(reason) };
        let file_of = (alert.student, year);
        match self.node.journal().execute::<Attendance>(file_of, command, &act).await {
            Ok(done) => Ok(done.position),
            Err(ExecuteError::Refused(AttendanceError::AbsenceOverlaps)) => Ok(0),
            Err(error) => Err(error.into()),
        }
    }

    /// What a form says, or what is wrong with it.
    fn check<'a>(&'a self, given: &'a Given) -> Result<Result<Checked<'a>, Problem>, ApiError> {
        let of_form = |(alert, _): &&(AlertRow, String)| alert.id().to_string() == given.absence;
        let (alert, _) = self.children.iter().find(of_form).ok_or(Refusal::MalformedBody)?;
        let Some(reason) = self.reasons().find(|known| known.code == given.reason) else {
            return Ok(Err(Problem::ReasonMissing));
        };
        let comment = given.comment.trim();
        if comment.encode_utf16().count() > COMMENT_MAX {
            return Ok(Err(Problem::CommentTooLong));
        }
        let comment = (!comment.is_empty()).then(|| comment.to_owned());
        let document = match &given.document {
            None => None,
            Some(Ok(document)) => Some(document),
            Some(Err(problem)) => return Ok(Err(*problem)),
        };
        Ok(Ok(Checked { alert, reason, comment, document }))
    }

    /// The lines of a file that an alert asks about. Whoever has explained all of them may go back and say it
    /// better, while nobody has judged it.
    fn asked(&self, alert: AlertId, mut lines: Vec<LineRow>) -> Vec<LineId> {
        lines.retain(|line| {
            let absence = line.kind == LineKind::Absence && !line.withdrawn && !line.regularised;
            let of_half_day = self.sheet.half_day_of(line.starts) == (alert.date, alert.half);
            absence && line.school == alert.school && of_half_day
        });
        let (open, explained): (Vec<_>, Vec<_>) =
            lines.into_iter().partition(|line| line.reason.is_none());
        let own = explained.into_iter().filter(|line| {
            let by = line.reason.as_ref().and_then(|reason| reason.person);
            line.receivable.is_none() && by == Some(self.reader)
        });
        let asked = if open.is_empty() { own.collect() } else { open };
        asked.into_iter().map(|line| line.line).collect()
    }

    /// What the reader does; the same again is one act.
    fn act(&self, key: &str, what: &[u8]) -> Act {
        let actor = AccountId::of(self.reader);
        let command = command_id(actor, &format!("{}/{key}", String::from_utf8_lossy(what)), what);
        let occurred_at = self.node.journal().clock().now();
        let (school, correlation, causation) = (self.school, command, None);
        Act { school, actor, command, correlation, causation, occurred_at }
    }

    fn local(&self, alert: &AlertRow) -> NaiveDateTime {
        alert.sheet.since.with_timezone(&self.sheet.time_zone).naive_local()
    }

    fn address(&self) -> String {
        format!("{PATH}/{}", self.token)
    }

    /// Back to the page, so that loading it again sends no form again.
    fn back(&self, thanks: bool) -> Response {
        let lang = tag(self.language);
        let thanks = if thanks { "&thanks=true" } else { "" };
        Redirect::to(&format!("{}?lang={lang}{thanks}", self.address())).into_response()
    }
}

fn standing<'a>(
    alert: &AlertRow,
    (absence, key): (&'a str, &'a str),
    wrong: Option<(&'a Given, Problem)>,
) -> Standing<'a> {
    match alert.sheet.cancelled {
        Some(Cancellation::NotAbsent) => Standing::There,
        Some(Cancellation::Explained) => Standing::Explained,
        None => Standing::Open(match wrong {
            None => Answer { absence, key, reason: "", comment: "", rest: false, problem: None },
            Some((given, problem)) => Answer {
                absence,
                key: &given.key,
                reason: &given.reason,
                comment: &given.comment,
                rest: given.rest,
                problem: Some(problem),
            },
        }),
    }
}

fn gone() -> Result<Response, ApiError> {
    html(StatusCode::NOT_FOUND, Gone.page())
}

fn html(
    status: StatusCode,
    page: Result<String, impl std::error::Error + Send + Sync + 'static>,
) -> Result<Response, ApiError> {
    let page = page.map_err(anyhow::Error::from)?;
    let policy: [(HeaderName, &str); 1] = [(header::CONTENT_SECURITY_POLICY, POLICY)];
    Ok((status, policy, Html(page)).into_response())
}
