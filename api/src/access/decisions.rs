//! What is decided while a request is answered, and the layer that nobody passes without.
//!
//! The layer keeps what handlers decide. A success for which nothing was allowed is withheld: a
//! handler forgot to ask. What was read of people, and what was refused, is in the access log before
//! the answer leaves; where it cannot be written, no answer leaves. What a request changes is told
//! by the log of the schools, not here.

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::anyhow;
use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use chrono::{DateTime, Utc};
use domain::{
    AccountId, PersonId, Uai,
    access::{Action, Decision, Entry, What, WhyRefused},
};

use crate::{App, Source, error::ApiError};

/// What is decided for one request. Cheap to clone: all clones are one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Decisions(Arc<Mutex<Vec<Decided>>>);

#[derive(Clone, Copy, Debug)]
enum Decided {
    Asked(Asked, Decision),
    SignInRefused(Option<AccountId>, WhyRefused),
}

/// A question that was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Asked {
    /// Who asked.
    pub(super) account: AccountId,
    /// Of which school, if it is of one.
    pub(super) school: Option<Uai>,
    /// About whom, if it is about somebody.
    pub(super) subject: Option<PersonId>,
    /// To do what.
    pub(super) action: Action,
}

/// Lets an answer out once what was decided for it is written down.
pub(crate) async fn decided(
    State(app): State<App>,
    mut request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    let decisions = Decisions::default();
    request.extensions_mut().insert(decisions.clone());
    let mut response = next.run(request).await;
    let answered = response.status().is_success();
    if answered && !decisions.allow() {
        response = ApiError::Internal(anyhow!("an answer that nobody decided on")).into_response();
    }
    if let Source::Live(node) = &app.source {
        let now = node.journal().clock().now();
        let entries = decisions.entries(answered, now);
        if !entries.is_empty() {
            node.access().record(entries).await?;
        }
    }
    Ok(response)
}

impl Decisions {
    /// Keeps a decision. The same question, asked again of newer tables, is decided anew.
    pub(super) fn note(&self, asked: Asked, decision: Decision) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|known| !matches!(known, Decided::Asked(known, _) if *known == asked));
        kept.push(Decided::Asked(asked, decision));
    }

    /// Notes that whoever asks is not let in.
    pub(crate) fn refuse_sign_in(&self, account: Option<AccountId>, why: WhyRefused) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.push(Decided::SignInRefused(account, why));
    }

    /// Whether anything was allowed.
    pub(crate) fn allow(&self) -> bool {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter().any(|known| matches!(known, Decided::Asked(_, decision) if decision.allowed))
    }

    /// What is to be written down. Whoever was not answered has read nothing.
    fn entries(&self, answered: bool, at: DateTime<Utc>) -> Vec<Entry> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = |decided: &Decided| match *decided {
            Decided::SignInRefused(account, why) => {
                Some(Entry { at, account, what: What::SignInRefused { why } })
            }
            Decided::Asked(asked, decision) => {
                let what = asked.told(decision, answered)?;
                Some(Entry { at, account: Some(asked.account), what })
            }
        };
        kept.iter().filter_map(entry).collect()
    }
}

impl Asked {
    fn told(self, Decision { allowed, rule, .. }: Decision, answered: bool) -> Option<What> {
        let Self { school, subject, action, .. } = self;
        if !allowed {
            return Some(What::Refused { school, subject, action, rule });
        }
        let school = school.filter(|_| answered && self.reads_of_people())?;
        Some(What::Read { school, subject, action, rule })
    }

    /// Whether the answer holds what is known of somebody.
    fn reads_of_people(self) -> bool {
        match self.action {
            Action::ListStudents
            | Action::ListStaff
            | Action::ReadPerson
            | Action::ReadFamily
            | Action::ReadClass
            | Action::ListRollCalls
            | Action::ReadRollCall
            | Action::ListAbsences
            | Action::ReadAttendance
            | Action::ReadDocument
            | Action::ListAlerts
            | Action::ReadBoard
            | Action::ReadAlerts
            | Action::ListFollowUps
            | Action::ReadFollowUp
            | Action::ReadHistory
            | Action::ReadAccessLog
            | Action::ImportFiles => true,
            Action::ReadTimetable => self.subject.is_some(),
            Action::OpenSchool
            | Action::ReadSchool
            | Action::ManageSchool
            | Action::ManagePeople
            | Action::ManageContacts
            | Action::ManageFamily
            | Action::ListClasses
            | Action::ManageClasses
            | Action::ManageTimetable
            | Action::TakeRollCall
            | Action::RecordAbsence
            | Action::AnnounceAbsence
            | Action::GiveReason
            | Action::QualifyAbsence
            | Action::AcknowledgeAlert
            | Action::CallFamily
            | Action::NoteFollowUp
            | Action::ManageAccounts
            | Action::RemoveSecondFactor
            | Action::GiveMandates
            | Action::OwnAccount => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::{
        Router, body::Body, http::StatusCode, middleware::from_fn_with_state, routing::get,
    };
    use replay::{Clock, Node, keys::MasterKey};
    use tower::ServiceExt as _;

    use super::*;
    use crate::Tokens;

    #[tokio::test]
    async fn an_answer_that_nobody_decided_on_is_withheld() {
        let folder = tempfile::tempdir().unwrap();
        let master = MasterKey::load_or_create(&folder.path().join("master.key")).unwrap();
        let (node, running) = Node::start(folder.path(), master, Clock::System).await.unwrap();
        let app = App::new(Source::Live(node.clone()), Tokens::default());
        let forgetful = Router::new()
            .route("/", get(async || "what nobody asked about"))
            .layer(from_fn_with_state(app, decided));

        let response = forgetful.oneshot(Request::new(Body::empty())).await.unwrap();
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        let told = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
        assert!(!String::from_utf8_lossy(&told).contains("nobody"));
        node.stop(running).await;
    }
}
