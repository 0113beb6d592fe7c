//! `preau serve`: a node and its HTTP, until somebody asks it to stop.

use std::{future::Future, net::SocketAddr, time::Duration};

use anyhow::Context;
use api::{App, Dispatcher, Source, router};
use replay::{Clock, Node};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    sync::watch,
};
use tracing_subscriber::EnvFilter;

use crate::settings::Settings;

/// How long a server that was told to stop waits for the requests under way.
const STOP_MAX: Duration = Duration::from_secs(15);

/// Serves the data folder of the settings.
pub(crate) async fn run(settings: &Settings) -> anyhow::Result<()> {
    log_json("info");
    let (tokens, providers) = (settings.tokens()?, settings.providers()?);
    let receipts = settings.receipts()?;
    let listener = listen(settings.listen).await?;
    let (kept, master) = (settings.access_log_kept()?, settings.master_key()?);
    let place = settings.place()?;
    let (node, running) = Node::start_keeping(kept, place, master, Clock::System).await?;
    let dispatcher = settings.dispatcher(&node).await?;
    tracing::info!(address = %listener.local_addr()?, "serving");
    let app = App::new(Source::Live(node.clone()), tokens)
        .behind(&settings.trusted_proxies)
        .with_providers(providers)
        .with_receipts(receipts);
    serve(listener, app, dispatcher).await?;
    // Requests have been answered; what they wrote is on the disk before the files are closed.
    node.stop(running).await;
    tracing::info!("stopped");
    Ok(())
}

/// Takes an address.
pub(crate) async fn listen(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| format!("listening on {address}"))
}

/// Answers, and sends messages where something sends them, until it is told to stop; then lets the
/// requests and the messages under way finish. What would go on for ever is ended.
pub(crate) async fn serve(
    listener: TcpListener,
    app: App,
    dispatcher: Option<Dispatcher>,
) -> anyhow::Result<()> {
    let (stop, patience) = (told_to_stop()?, told_to_stop()?);
    let (stop_sending, stopping) = watch::channel(false);
    let (app, sending) = match dispatcher {
        None => (app, None),
        Some(dispatcher) => {
            let app =
                app.with_heartbeat(dispatcher.heartbeat()).with_counters(dispatcher.counters());
            (app, Some(tokio::spawn(dispatcher.run(stopping))))
        }
    };
    let streams = app.streams();
    let stop = async move {
        stop.await;
        streams.end();
    };
    let router = router(app).into_make_service_with_connect_info::<SocketAddr>();
    let served = axum::serve(listener, router).with_graceful_shutdown(stop);
    let served = tokio::select! {
        served = async { served.await } => served.context("serving"),
        // Requests end within ten seconds; who holds a connection longer holds up nobody.
        () = async { patience.await; tokio::time::sleep(STOP_MAX).await } => Ok(()),
    };
    stop_sending.send_replace(true);
    if let Some(sending) = sending {
        // A dispatcher that panicked has stopped too: what it claimed is sent again by another.
        let _ended = tokio::time::timeout(STOP_MAX, sending).await;
    }
    served
}

/// Logs in JSON on standard error; `PREAU_TRACING` says what. The client of EventStoreDB takes every conflict
/// for an error; what is one is told by whoever uses it.
pub(crate) fn log_json(default: &str) {
    let default = || EnvFilter::new(format!("{default},kurrentdb=off"));
    let filter = EnvFilter::try_from_env("PREAU_TRACING").unwrap_or_else(|_| default());
    tracing_subscriber::fmt().json().with_env_filter(filter).with_writer(std::io::stderr).init();
}

/// Ends when a signal asks the process to stop.
pub(crate) fn told_to_stop() -> anyhow::Result<impl Future<Output = ()> + Send + 'static> {
    let mut terminate = signal(SignalKind::terminate()).context("listening for signals")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("listening for signals")?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
