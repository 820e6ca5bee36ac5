//! `spiked run`: a recording through a network, and what came of it.
//!
//! Three at once: a thread reads the file, the feeding half batches and sends, the reading half
//! takes what comes back. The session starts at the recording's first event.

mod csv;
mod digest;
mod feed;
mod harvest;
mod live;
mod order;
mod reader;
mod speed;
mod summary;

use std::time::Instant;

use spiked_client::{Client, OpenOptions, Origin, Reason, Session};
use spiked_recordings::Geometry;
use spiked_server::shutdown::signalled;
use tokio::sync::watch;

pub(crate) use live::Rates;
pub(crate) use speed::Speed;
pub(crate) use summary::latency_line;

use self::{
    csv::Table,
    feed::{Fed, Feeder},
    harvest::Harvest,
    live::Live,
    summary::Summary,
};
use crate::{
    args::RunArguments,
    failure::Failure,
    link::Link,
    network::{self, Chosen},
    sensor, terminal,
};

/// The name that an input port has in networks that leave nothing to choose.
const CAMERA: &str = "camera";

/// Sends a recording through a network.
pub(crate) async fn run(arguments: RunArguments) -> Result<(), Failure> {
    let mut recording = sensor::open(&arguments.file, arguments.geometry)?;
    let geometry = sensor::required(&mut recording, &arguments.file)?;
    let link = Link::open(&arguments.daemon).await?;
    let chosen = network::choose(&link.client, &arguments.network).await?;
    let session = open(&link.client, &chosen, &arguments, geometry).await?;
    let table = arguments
        .output
        .as_deref()
        .map(|path| Table::create(path, session.tables()));
    let table = table.transpose()?;

    let tables = session.tables().clone();
    let (producer, output) = session.split();
    let latencies = producer.latencies().cloned();
    let live = Live::new(recording.bytes_total(), latencies.clone());
    let (stop, stopped) = watch::channel(false);
    let feeder = Feeder::new(&arguments, producer, stopped);
    let mut harvest = Harvest::new(table, live.clone());

    let started = Instant::now();
    let outcome = tokio::select! {
        (fed, reaped) = async {
            tokio::join!(feeder.feed(reader::read(recording), live.clone()), harvest.reap(output))
        } => Ok((fed, reaped)),
        gone = insistence(stop) => Err(gone),
    };
    let wall = started.elapsed();
    live.finish();
    let (fed, reaped) = match outcome {
        Ok((fed, reaped)) => (fed, reaped),
        Err(failure) => (Fed::cut_short(), Err(failure)),
    };
    if reaped.is_err() {
        // Whatever it still does, nobody waits for it.
        let _ = link.client.close_session(&tables.session_id).await;
    }
    let summary = Summary {
        tables: &tables,
        file: &arguments.file,
        fed: &fed,
        wall,
        latencies,
    };
    let told = tell(&arguments, &summary.text(&harvest.totals));
    link.close().await?;
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
    let named = arguments.port.as_deref().or(chosen.camera.as_deref());
    let port = named.unwrap_or(CAMERA);
    let (width, height) = (geometry.width.into(), geometry.height.into());
    let options = OpenOptions {
        network_version: chosen.version.clone(),
        ..OpenOptions::new(&chosen.name)
    };
    let options = options
        .with_sensor(port, width, height)
        .with_origin(Origin::FirstBatch)
        .with_latency();
    client.open(options).await.map_err(|error| {
        let (reason, failure) = (error.reason(), Failure::from(error));
        match reason {
            Some(Reason::PortUnknown | Reason::PortShape) => {
                failure.with_hint("--port says which input port the recording goes to")
            }
            Some(Reason::NetworkUnknown) => {
                failure.with_hint("`spiked networks` lists those that there are")
            }
            _ => failure,
        }
    })
}

/// Waits for Ctrl-C twice: the first ends the input, the second everything.
async fn insistence(stop: watch::Sender<bool>) -> Failure {
    for _ in 0..2 {
        match signalled() {
            Ok(asked) => asked.await,
            Err(error) => {
                terminal::say(format!("warning: Ctrl-C cannot be heard: {error}"));
                std::future::pending::<()>().await;
            }
        }
        stop.send_replace(true);
    }
    Failure::interrupted()
}

/// Shows the summary; where spikes go to standard output it must not stand among them.
fn tell(arguments: &RunArguments, summary: &str) -> Result<(), Failure> {
    if arguments
        .output
        .as_deref()
        .is_some_and(|path| path.as_os_str() == "-")
    {
        terminal::say(summary.trim_end());
        return Ok(());
    }
    terminal::print(summary)
}
