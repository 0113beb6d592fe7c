//! What a node tells whoever watches over it, in the text that Prometheus reads: how far it is, what its
//! dispatcher has done, and since when something waits. Numbers only, of all schools together: nobody and
//! no school is in them. What to be woken for is in `docs/operations.md`.

use anyhow::Context;
use axum::{
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use chrono::TimeDelta;
use domain::alerts::message::{Answer, Channel};
use prometheus_client::{
    encoding::text::encode,
    metrics::{counter::Counter, family::Family, gauge::ConstGauge},
    registry::{Registry, Unit},
};

use crate::{App, Source, error::ApiError};

/// What the text is.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What a dispatcher has counted since it began. Cheap to clone: all clones are one.
#[derive(Clone, Debug, Default)]
pub struct Counters {
    raised: Counter,
    calls: Counter,
    messages: Family<[(&'static str, &'static str); 2], Counter>,
    unknown_receipts: Counter,
}

impl Counters {
    /// Alerts that were raised.
    pub(crate) fn raised(&self, alerts: u64) {
        self.raised.inc_by(alerts);
    }

    /// Calls that the office was asked for.
    pub(crate) fn calls_asked(&self, calls: u64) {
        self.calls.inc_by(calls);
    }

    /// An answer about a message that was written down.
    pub(crate) fn answered(&self, channel: Channel, answer: &Answer) {
        let outcome = match answer {
            Answer::Accepted { .. } => "accepted",
            Answer::Delivered => "delivered",
            Answer::Later { .. } => "deferred",
            Answer::Undeliverable { .. } => "undeliverable",
            Answer::Uncertain { .. } => "uncertain",
        };
        self.messages.get_or_create(&[("channel", channel.into()), ("outcome", outcome)]).inc();
    }

    /// A receipt about a message that is not known.
    pub(crate) fn unknown_receipt(&self) {
        self.unknown_receipts.inc();
    }

    fn tell(&self, registry: &mut Registry) {
        let (raised, calls) = (self.raised.clone(), self.calls.clone());
        registry.register("alerts_raised", "Alerts raised since the dispatcher began", raised);
        registry.register(
            "calls_asked",
            "Calls asked of offices since the dispatcher began",
            calls,
        );
        let told = "Answers about messages, written down by this dispatcher since it began";
        registry.register("messages", told, self.messages.clone());
        let told = "Receipts of gateways about messages that are not known";
        registry.register("receipts_unknown", told, self.unknown_receipts.clone());
    }
}

pub(crate) async fn metrics(State(app): State<App>) -> Result<Response, ApiError> {
    let mut registry = Registry::with_prefix("preau");
    let head = app.journal().log().head().await?;
    position(&mut registry, "log_head", "The last event of the log", head);
    let db = match &app.source {
        Source::Live(node) => {
            let (folded, reacted) = (node.folded(), node.reacted().upto);
            position(&mut registry, "tables_folded", "What the tables show", folded);
            position(&mut registry, "reactions", "What has its consequences in the log", reacted);
            node.db()
        }
        Source::Past(past) => past.db.clone(),
    };
    let parked = projections::files::parked(&db).await?.len();
    let told = "Events that cannot be read, and those that wait behind them";
    registry.register("parked_events", told, ConstGauge::new(parked));
    if let Some(heartbeat) = &app.heartbeat {
        let now = app.journal().clock().now();
        if let Some(age) = heartbeat.age(now) {
            seconds(&mut registry, "dispatcher_heartbeat_age", "Since the dispatcher looked", age);
        }
        let oldest = heartbeat.oldest_unsent(now).unwrap_or_default();
        let told =
            "Since the oldest alert fell due that still waits to be told; 0 if there is none";
        seconds(&mut registry, "oldest_unsent_alert_age", told, oldest);
    }
    if let Some(counters) = &app.counters {
        counters.tell(&mut registry);
    }
    let mut text = String::new();
    encode(&mut text, &registry).context("writing metrics")?;
    Ok(([(header::CONTENT_TYPE, OPEN_METRICS)], text).into_response())
}

fn position(registry: &mut Registry, name: &str, told: &str, position: u64) {
    registry.register(format!("{name}_position"), told, ConstGauge::new(position));
}

fn seconds(registry: &mut Registry, name: &str, told: &str, age: TimeDelta) {
    let seconds = ConstGauge::new(age.num_seconds());
    registry.register_with_unit(name, told, Unit::Seconds, seconds);
}
