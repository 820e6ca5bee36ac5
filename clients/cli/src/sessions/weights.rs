//! Weights of a session's projection, as comma-separated text or from a file.

mod file;

use std::{
    io::{self, BufWriter, Write},
    path::PathBuf,
};

use clap::Args;
use spiked_client::{Client, Reason, v1};

use self::file::Row;
use super::told;
use crate::{failure::Failure, terminal};

/// Synapses of one call, as the contract bounds it.
const CALL_SYNAPSES: usize = 32_768;

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  spiked sessions weights left-arm feed > weights.csv
  spiked sessions weights left-arm feed --source 3
  spiked sessions weights left-arm feed --set weights.csv
  spiked sessions weights left-arm feed --set trained.npz

A file has the columns (or, .npz, the arrays) source, weight, and synapse or target; others are passed
over, so that what was printed can be changed and set. A synapse is named by its place among those of
its source, or by its target where that is unique. Up to 32 768 weights are set at once; more are set
in several calls, each at a tick that the session has come to.")]
pub(super) struct WeightsArguments {
    /// The session's id.
    session: String,
    /// The projection's name.
    projection: String,
    /// Only the synapses of this source.
    #[arg(long, value_name = "N", conflicts_with = "set")]
    source: Option<u32>,
    /// Set the weights of this file (.csv or .npz); - is comma-separated text on standard input.
    #[arg(long, value_name = "FILE")]
    set: Option<PathBuf>,
}

/// Prints weights, or sets them.
pub(super) async fn weights(client: &Client, arguments: &WeightsArguments) -> Result<(), Failure> {
    match &arguments.set {
        Some(path) => {
            let rows = file::read(path)?;
            set(client, arguments, rows).await
        }
        None => print(client, arguments).await,
    }
}

async fn print(client: &Client, arguments: &WeightsArguments) -> Result<(), Failure> {
    let mut request = v1::GetWeightsRequest {
        session_id: arguments.session.clone(),
        projection: arguments.projection.clone(),
        from: arguments.source.map(|source| v1::SynapsePlace { source, synapse: 0 }),
        sources: 0,
    };
    let only = arguments.source;
    let mut out = BufWriter::new(io::stdout().lock());
    let failed = |error: io::Error| Failure::output("standard output", &error);
    let mut is_begun = false;
    loop {
        let from = request.from.unwrap_or_default().source;
        request.sources = only.map_or(0, |only| only.saturating_sub(from).saturating_add(1));
        let page = client.get_weights(request.clone()).await?;
        if !std::mem::replace(&mut is_begun, true) {
            writeln!(out, "source,synapse,target,delay_ticks,weight").map_err(failed)?;
        }
        write_page(&mut out, &page).map_err(failed)?;
        let Some(next) = page.next else { break };
        request.from = Some(next);
    }
    out.flush().map_err(failed)
}

fn write_page(out: &mut impl Write, page: &v1::GetWeightsResponse) -> io::Result<()> {
    let places = page.sources.iter().zip(&page.synapses);
    let ends = page.targets.iter().zip(&page.delays_ticks).zip(&page.weights);
    for ((source, synapse), ((target, delay_ticks), weight)) in places.zip(ends) {
        writeln!(out, "{source},{synapse},{target},{delay_ticks},{weight}")?;
    }
    Ok(())
}

async fn set(
    client: &Client,
    arguments: &WeightsArguments,
    mut rows: Vec<Row>,
) -> Result<(), Failure> {
    let count = rows.len();
    // A source's synapses in one call, as far as that goes.
    rows.sort_by_key(|row| row.source);
    let mut parts: Vec<Vec<Row>> = rows.chunks(CALL_SYNAPSES).rev().map(<[Row]>::to_vec).collect();
    let mut last = v1::Applied::default();
    while let Some(part) = parts.pop() {
        match client.set_weights(request(arguments, &part)).await {
            Ok(applied) => last = applied,
            // The rows that it touches are too long for one call.
            Err(error) if error.reason() == Some(Reason::Limit) && part.len() > 1 => {
                let (first, second) = part.split_at(part.len() / 2);
                parts.extend([second.to_vec(), first.to_vec()]);
            }
            Err(error) => return Err(error.into()),
        }
    }
    terminal::print(&format!("set {count} weights of {}, {}\n", arguments.projection, told(&last)))
}

fn request(arguments: &WeightsArguments, rows: &[Row]) -> v1::SetWeightsRequest {
    let mut request = v1::SetWeightsRequest {
        session_id: arguments.session.clone(),
        projection: arguments.projection.clone(),
        ..Default::default()
    };
    for row in rows {
        request.sources.push(row.source);
        match row.which {
            file::Which::Synapse(synapse) => request.synapses.push(synapse),
            file::Which::Target(target) => request.targets.push(target),
        }
        request.weights.push(row.weight);
    }
    request
}
