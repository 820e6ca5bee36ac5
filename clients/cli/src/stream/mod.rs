//! `spiked stream`: what comes in live, through a network, until the source or the user ends it.
//!
//! As in a run, three at once: a thread takes in what comes, the feeding half sends it, the reading
//! half takes what comes back. The session starts at the first event.

mod feed;
mod source;
mod tcp;
mod udp;

use std::{convert::Infallible, future::pending, path::PathBuf, time::Instant};

use spiked_client::{Client, EventPolicy, OpenOptions, Origin, Pace, Reason, Session};
use spiked_recordings::samples::is_samples;
use tokio::time::timeout;

pub(crate) use self::source::SourceAddress;
use self::{feed::Feeder, source::Source};
use crate::{
    args::{RunArguments, StreamArguments, StreamPace},
    failure::Failure,
    link::Link,
    network::{self, Chosen},
    run::{
        self, CAMERA, CLOSING_MAX, Harvest, Live, Span, Speed, Summary, Table, asked, options,
        tell, with_hint,
    },
    terminal,
};

/// Sends what comes in through a network.
pub(crate) async fn stream(arguments: StreamArguments) -> Result<(), Failure> {
    if let SourceAddress::File(path) = &arguments.source {
        let path = path.clone();
        return play(arguments, path).await;
    }
    refuse_what_is_for_others(&arguments)?;
    let source = Source::open(&arguments)?;
    let target = &arguments.target;
    let link = Link::open(&target.daemon).await?;
    let chosen = network::choose(&link.client, &target.network, target.nir).await?;
    let session = open(&link.client, &chosen, &arguments, &source).await?;
    let table = target.output.as_deref().map(|path| Table::create(path, session.tables()));
    let table = table.transpose()?;

    let tables = session.tables().clone();
    let (producer, output) = session.split();
    let latencies = producer.latencies().cloned();
    let live = Live::new(None, latencies.clone());
    let mut harvest = Harvest::new(table, live.clone());
    let mut feeder = Feeder::new(pace(&arguments), arguments.reorder);
    let source_told = ("source", source.name());
    let (portions, tally) = source.begin(arguments.reconnect.map(Span::duration))?;
    if !terminal::is_watched() {
        terminal::say(format!("{} into {}", source_told.1, tables.network));
    }

    let started = Instant::now();
    let reaped = tokio::select! {
        // The session's own end is the end, whatever is still to come.
        reaped = harvest.reap(output) => reaped,
        never = async {
            feeder.feed(producer, portions, &tally, live.clone(), asked()).await;
            pending::<Infallible>().await
        } => match never {},
        () = asked_twice() => {
            let _ = timeout(CLOSING_MAX, link.client.close_session(&tables.session_id)).await;
            return Err(Failure::interrupted());
        }
    };
    let wall = started.elapsed();
    live.finish();
    let mut fed = feeder.fed;
    fed.batches = harvest.totals.position.accepted;
    let notes = tally.rows();
    let summary = Summary {
        tables: &tables,
        source: source_told,
        sent: "events",
        fed: &fed,
        notes,
        wall,
        latencies,
    };
    let told = tell(target, &summary.text(&harvest.totals));
    link.close().await?;
    // The first thing that went wrong explains the others.
    reaped.and(fed.outcome).and(told)
}

/// Sends a recording as `spiked run` does, as fast as it was recorded.
async fn play(arguments: StreamArguments, path: PathBuf) -> Result<(), Failure> {
    if arguments.pace == Some(StreamPace::Live) {
        let message = "--pace live is for a sensor's clock; a recording is played at its own speed";
        return Err(Failure::used_wrongly(message));
    }
    if arguments.reconnect.is_some() {
        return Err(Failure::used_wrongly("--reconnect is for tcp://"));
    }
    if arguments.overload.is_some() || arguments.lag_max.is_some() {
        let message = "--overload and --lag-max are for live sources; a recording waits";
        return Err(Failure::used_wrongly(message));
    }
    if is_samples(&path) {
        let message = format!("{} holds labelled samples, which no clock joins", path.display());
        return Err(Failure::used_wrongly(message)
            .with_hint("`spiked run` sends each through the network, from its own beginning"));
    }
    let StreamArguments { target, geometry, reorder, frame_rate, .. } = arguments;
    run::run(RunArguments {
        target,
        file: Some(path),
        span: None,
        speed: Speed::Times(1.0),
        geometry,
        batch: None,
        reorder,
        frame_rate,
        sample: None,
        split: None,
    })
    .await
}

fn refuse_what_is_for_others(arguments: &StreamArguments) -> Result<(), Failure> {
    if arguments.frame_rate.is_some() {
        return Err(Failure::used_wrongly("--frame-rate is for recordings of touch"));
    }
    if arguments.reconnect.is_some() && !matches!(arguments.source, SourceAddress::Tcp(_)) {
        return Err(Failure::used_wrongly("--reconnect is for tcp://"));
    }
    if arguments.lag_max.is_some() && pace(arguments) != StreamPace::Live {
        return Err(Failure::used_wrongly("--lag-max is for --pace live"));
    }
    Ok(())
}

/// What the session's time follows.
fn pace(arguments: &StreamArguments) -> StreamPace {
    arguments.pace.unwrap_or(match arguments.source {
        SourceAddress::Input | SourceAddress::File(_) => StreamPace::Logical,
        SourceAddress::Udp(_) | SourceAddress::Tcp(_) => StreamPace::Live,
    })
}

async fn open(
    client: &Client,
    chosen: &Chosen,
    arguments: &StreamArguments,
    source: &Source,
) -> Result<Session, Failure> {
    let target = &arguments.target;
    let port = target.port.as_deref().or(chosen.camera.as_deref()).unwrap_or(CAMERA);
    let geometry = source.geometry();
    let mut options = OpenOptions {
        patience: target.daemon.address.as_ref().map(|_| arguments.patience.duration()),
        ..options(chosen, target)
    };
    if let Some(overload) = arguments.overload {
        options.overload = overload.into();
    }
    if pace(arguments) == StreamPace::Live {
        let lateness = arguments.lateness.duration();
        let lag_max = arguments.lag_max.map(Span::duration).unwrap_or_default();
        options.pace = Pace::Live { lateness, lag_max };
        // A sensor goes on whatever one of its events says.
        options.bad_event = EventPolicy::Drop;
    }
    let options = options
        .with_sensor(port, geometry.width.into(), geometry.height.into())
        .with_origin(Origin::FirstBatch)
        .with_latency();
    client.open(options).await.map_err(|error| {
        let (reason, failure) = (error.reason(), Failure::from(error));
        match reason {
            Some(Reason::PortUnknown | Reason::PortShape) => {
                failure.with_hint("--port says which input port the events go to")
            }
            _ => with_hint(reason, failure),
        }
    })
}

/// Resolves when the user asks again.
async fn asked_twice() {
    asked().await;
    asked().await;
}
