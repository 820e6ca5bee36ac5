//! `spiked run`: a recording through a network, or a network by itself, and what came of it.
//!
//! Three at once: a thread reads the file, the feeding half batches and sends, the reading half
//! takes what comes back. The session starts at the recording's first event.

mod alone;
mod csv;
mod digest;
mod feed;
mod harvest;
mod live;
mod order;
mod populations;
mod reader;
mod samples;
mod span;
mod speed;
mod summary;
mod touch;

use std::{
    cell::Cell,
    convert::Infallible,
    future::pending,
    path::Path,
    time::{Duration, Instant},
};

use spiked_client::{Client, Durability, OpenOptions, Origin, Reason, Session};
use spiked_recordings::{Geometry, samples::is_samples, touch::is_touch};
use spiked_server::shutdown::signalled;

use self::feed::Feeder;
pub(crate) use self::{
    csv::Table,
    feed::{Fed, Stop},
    harvest::Harvest,
    live::{Live, Rates},
    order::Order,
    reader::{PORTIONS_AHEAD, Portion, Portions, read},
    span::Span,
    speed::Speed,
    summary::{Summary, latency_line},
    touch::frame_period_ns,
};
use crate::{
    args::{RunArguments, TargetArguments},
    failure::Failure,
    link::Link,
    network::{self, Chosen},
    sensor, terminal,
};

/// The name that an input port has in networks that leave nothing to choose.
pub(crate) const CAMERA: &str = "camera";
/// A daemon that doesn't answer is left alone after this time.
pub(crate) const CLOSING_MAX: Duration = Duration::from_secs(2);

/// Sends a recording through a network, or lets a network run by itself.
pub(crate) async fn run(arguments: RunArguments) -> Result<(), Failure> {
    match (&arguments.file, arguments.span) {
        (_, Some(span)) => alone::run(&arguments, span).await,
        (Some(file), None) if is_samples(file) => samples::run(&arguments, file).await,
        (Some(_), None) if arguments.sample.is_some() || arguments.split.is_some() => {
            Err(Failure::used_wrongly("--sample and --split are for files of labelled samples"))
        }
        (Some(file), None) if is_touch(file) => touch::run(&arguments, file).await,
        (Some(file), None) => send(&arguments, file).await,
        (None, None) => Err(Failure::used_wrongly("neither a recording nor --for")),
    }
}

/// Sends a recording through a network.
async fn send(arguments: &RunArguments, file: &Path) -> Result<(), Failure> {
    if arguments.frame_rate.is_some() {
        return Err(Failure::used_wrongly(
            "--frame-rate is for recordings of touch, not of events",
        ));
    }
    let mut recording = sensor::open(file, arguments.geometry)?;
    let geometry = sensor::required(&mut recording, file)?;
    let link = Link::open(&arguments.target.daemon).await?;
    let chosen =
        network::choose(&link.client, &arguments.target.network, arguments.target.nir).await?;
    let session = open(&link.client, &chosen, arguments, geometry).await?;
    let table =
        arguments.target.output.as_deref().map(|path| Table::create(path, session.tables()));
    let table = table.transpose()?;

    let tables = session.tables().clone();
    let (producer, output) = session.split();
    let latencies = producer.latencies().cloned();
    let live = Live::new(recording.bytes_total(), latencies.clone());
    let mut feeder = Feeder::new(arguments);
    let mut harvest = Harvest::new(table, live.clone());
    let asked_to_end = Cell::new(false);

    let started = Instant::now();
    let reaped = tokio::select! {
        // The session's own end is the end, whatever is still to be sent.
        reaped = harvest.reap(output) => reaped,
        never = async {
            feeder.feed(producer, read(recording), live.clone()).await;
            pending::<Infallible>().await
        } => match never {},
        gone = insistence(&link.client, &tables.session_id, &asked_to_end) => Err(gone),
    };
    let wall = started.elapsed();
    live.finish();
    if reaped.is_err() && !asked_to_end.get() {
        abandon(&link.client, &tables.session_id).await;
    }
    let fed = feeder.fed;
    let source = ("recording", file.display().to_string());
    let notes = Vec::new();
    let sent = "events";
    let summary = Summary { tables: &tables, source, sent, fed: &fed, notes, wall, latencies };
    let told = tell(&arguments.target, &summary.text(&harvest.totals));
    link.close().await?;
    if asked_to_end.get() {
        return Err(Failure::interrupted());
    }
    // The first thing that went wrong explains the others.
    reaped.and(fed.outcome).and(told)
}

/// Opens the session that the recording goes to.
async fn open(
    client: &Client,
    chosen: &Chosen,
    arguments: &RunArguments,
    geometry: Geometry,
) -> Result<Session, Failure> {
    let named = arguments.target.port.as_deref().or(chosen.camera.as_deref());
    let port = named.unwrap_or(CAMERA);
    let (width, height) = (geometry.width.into(), geometry.height.into());
    let options = options(chosen, &arguments.target);
    let options =
        options.with_sensor(port, width, height).with_origin(Origin::FirstBatch).with_latency();
    client.open(options).await.map_err(|error| {
        let (reason, failure) = (error.reason(), Failure::from(error));
        match reason {
            Some(Reason::PortUnknown | Reason::PortShape) => failure.with_hint(
                "--port says which input port the recording goes to; a network without any \
                     runs with --for 10s",
            ),
            _ => with_hint(reason, failure),
        }
    })
}

/// How long to try to connect again to a daemon elsewhere.
const PATIENCE: Duration = Duration::from_secs(15);

/// Options of a session of a network.
pub(crate) fn options(chosen: &Chosen, target: &TargetArguments) -> OpenOptions {
    OpenOptions {
        network_version: chosen.version.clone(),
        workers: target.threads.unwrap_or_default(),
        session_id: target.session.clone().unwrap_or_default(),
        durability: target.durable.map_or(Durability::None, Into::into),
        // Another machine's connection may break; one inside this process does not.
        patience: target.daemon.address.as_ref().map(|_| PATIENCE),
        ..OpenOptions::new(&chosen.name)
    }
}

/// What could be done about a session that wasn't opened.
pub(crate) fn with_hint(reason: Option<Reason>, failure: Failure) -> Failure {
    match reason {
        Some(Reason::NetworkUnknown) => {
            failure.with_hint("`spiked networks` lists those that there are")
        }
        _ => failure,
    }
}

/// Closes a session that broke: whatever it still does, nobody waits for it.
async fn abandon(client: &Client, session_id: &str) {
    let _ = tokio::time::timeout(CLOSING_MAX, client.close_session(session_id)).await;
}

/// Resolves when the user asks for the end.
pub(crate) async fn asked() {
    match signalled() {
        Ok(signal) => signal.await,
        Err(error) => {
            terminal::say(format!("warning: Ctrl-C cannot be heard: {error}"));
            pending().await
        }
    }
}

/// Waits for Ctrl-C twice: the first closes the session, so that its end says how far it came; the
/// second waits for nobody.
async fn insistence(client: &Client, session_id: &str, was_asked: &Cell<bool>) -> Failure {
    for _ in 0..2 {
        asked().await;
        if was_asked.replace(true) {
            break;
        }
        // Where it is closed already, its end is on the way.
        let _ = tokio::time::timeout(CLOSING_MAX, client.close_session(session_id)).await;
    }
    Failure::interrupted()
}

/// Shows the summary; where spikes go to standard output it must not stand among them.
pub(crate) fn tell(target: &TargetArguments, summary: &str) -> Result<(), Failure> {
    if target.output.as_deref().is_some_and(|path| path.as_os_str() == "-") {
        terminal::say(summary.trim_end());
        return Ok(());
    }
    terminal::print(summary)
}
