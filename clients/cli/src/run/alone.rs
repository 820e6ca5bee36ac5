//! `spiked run --for`: a network without inputs, by itself, and what came of it.

use std::{
    cell::Cell,
    convert::Infallible,
    future::pending,
    time::{Duration, Instant},
};

use spiked_client::{Client, OpenOptions, Producer, Reason, Session, Tables, hex};

use super::{
    CLOSING_MAX, Span, abandon,
    csv::Table,
    harvest::{Harvest, Totals},
    insistence,
    live::Live,
    options,
    populations::Populations,
    tell, with_hint,
};
use crate::{
    args::RunArguments,
    failure::Failure,
    link::Link,
    network::{self, Chosen},
    numbers::{duration, grouped, rate, seconds},
    terminal,
};

/// Lets a network run for a span of its own time.
pub(crate) async fn run(arguments: &RunArguments, span: Span) -> Result<(), Failure> {
    let link = Link::open(&arguments.target.daemon).await?;
    let chosen =
        network::choose(&link.client, &arguments.target.network, arguments.target.nir).await?;
    let session = open(&link.client, &chosen, arguments).await?;
    let table =
        arguments.target.output.as_deref().map(|path| Table::create(path, session.tables()));
    let table = table.transpose()?;

    let tables = session.tables().clone();
    let (producer, output) = session.split();
    let live = Live::of_time(span.0);
    let mut harvest = Harvest::new(table, live.clone()).counting(Populations::of(&tables));
    let asked_to_end = Cell::new(false);

    let started = Instant::now();
    let reaped = tokio::select! {
        reaped = harvest.reap(output) => reaped,
        never = async {
            move_time(producer, span).await;
            pending::<Infallible>().await
        } => match never {},
        gone = insistence(&link.client, &tables.session_id, &asked_to_end) => Err(gone),
    };
    let wall = started.elapsed();
    live.finish();
    if reaped.is_err() && !asked_to_end.get() {
        abandon(&link.client, &tables.session_id).await;
    }
    let threads = arguments.target.threads.unwrap_or(1);
    let told = tell(&arguments.target, &summary(&tables, &harvest.totals, span, threads, wall));
    link.close().await?;
    if asked_to_end.get() {
        return Err(Failure::interrupted());
    }
    reaped.and(told)
}

/// Opens a session in which nothing but time goes on.
async fn open(
    client: &Client,
    chosen: &Chosen,
    arguments: &RunArguments,
) -> Result<Session, Failure> {
    let needs_input = || {
        let network = &chosen.name;
        let problem = format!("network {network:?} has input ports: --for is for those without");
        Failure::used_wrongly(problem).with_hint("give it a recording: spiked run NETWORK FILE")
    };
    // What arrives after the end is nobody's business.
    let options = OpenOptions { run_on_us: Some(0), ..options(chosen, &arguments.target) };
    let session = client.open(options).await.map_err(|error| match error.reason() {
        // A size is missing, so there is a sensor.
        Some(Reason::PortShape) => needs_input(),
        reason => with_hint(reason, error.into()),
    })?;
    if session.tables().inputs.is_empty() {
        return Ok(session);
    }
    let closing = client.close_session(&session.tables().session_id);
    let _ = tokio::time::timeout(CLOSING_MAX, closing).await;
    Err(needs_input())
}

/// Promises all the time at once. Where the session has ended, the other half knows why.
async fn move_time(mut producer: Producer, span: Span) {
    if producer.promise(span.0).await.is_ok() {
        let _ = producer.finish().await;
    }
}

/// Names and values, one a line; the names stay as they are, for scripts.
fn summary(tables: &Tables, totals: &Totals, span: Span, threads: u32, wall: Duration) -> String {
    let position = &totals.position;
    let plan = hex(tables.plan_sha256.get(..8).unwrap_or_default());
    let network = format!(
        "{} {} (plan {plan}), ticks of {}",
        tables.network,
        tables.network_version,
        duration(Duration::from_nanos(tables.tick_ns)),
    );
    let reached_us = position.simulated_to_us;
    let time = match reached_us >= span.0 {
        true => seconds(reached_us),
        false => format!("{} of {}", seconds(reached_us), seconds(span.0)),
    };
    let mut rows = vec![
        ("network", network.into()),
        ("time", time.into()),
        ("threads", threads.to_string().into()),
        ("deliveries", grouped(position.deliveries).into()),
        ("spikes", grouped(totals.spikes).into()),
    ];
    let populations = totals.populations.iter().flat_map(|counts| counts.rates(reached_us));
    for (name, neurons, spikes, rate_hz) in populations {
        let often = rate_hz.map_or_else(|| "- Hz".to_owned(), |hz| format!("{hz:.2} Hz"));
        let line = format!(
            "{name}, {} neurons, {} spikes, {often}",
            grouped(neurons.into()),
            grouped(spikes)
        );
        rows.push(("population", line.into()));
    }
    let times = reached_us as f64 / 1e6 / wall.as_secs_f64().max(1e-9);
    let fast = format!("{:.3} s, {times:.2} times as fast as it tells time", wall.as_secs_f64());
    rows.push(("wall time", fast.into()));
    rows.push(("rates", rate(position.deliveries, wall, "deliveries").into()));
    let digest = hex(&totals.digest.finish());
    let partial = if totals.completed { "" } else { " (of what came before the end)" };
    rows.push(("digest", format!("sha256:{digest}{partial}").into()));
    terminal::table(rows)
}
