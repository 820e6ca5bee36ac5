//! Watching a session: a line an event, as comma-separated text.

use std::io::{self, BufWriter, Write};

use clap::Args;
use spiked_client::{Client, WatchItem, v1};

use crate::{failure::Failure, terminal};

#[derive(Args, Debug)]
pub(super) struct WatchArguments {
    /// The session's id.
    session: String,
    /// Only decisions.
    #[arg(long, conflicts_with_all = ["input", "probe"])]
    decisions: bool,
    /// The input, as it goes into the simulation.
    #[arg(long, conflicts_with_all = ["probe", "from"])]
    input: bool,
    /// Membranes of chosen neurons: a population and their indices.
    #[arg(long, value_name = "POPULATION:N,N,…", conflicts_with = "from")]
    probe: Option<String>,
    /// How often a probe reads, in ticks.
    #[arg(long, value_name = "TICKS", default_value_t = 1, requires = "probe")]
    every: u64,
    /// From an earlier output position on.
    #[arg(long, value_name = "POSITION")]
    from: Option<u64>,
}

/// Prints what is seen until the session ends.
pub(super) async fn watch(client: &Client, arguments: &WatchArguments) -> Result<(), Failure> {
    let request = v1::WatchSessionRequest {
        session_id: arguments.session.clone(),
        watched: watched(arguments).into(),
        from_position: arguments.from,
        probe: arguments.probe.as_deref().map(|text| probe(text, arguments.every)).transpose()?,
    };
    let mut watching = client.watch(request).await?;
    let mut out = BufWriter::new(io::stdout().lock());
    let told = |error: io::Error| Failure::output("standard output", &error);
    out.write_all(head(arguments).as_bytes()).map_err(told)?;
    while let Some(item) = watching.next().await {
        let item = item?;
        write(&mut out, &item, arguments.input).map_err(told)?;
        // Whoever reads along sees it now.
        out.flush().map_err(told)?;
        match item {
            WatchItem::Missed(messages) => {
                terminal::say(format!("missed {messages} messages: this reader is too slow"));
            }
            WatchItem::Ended(ended) => {
                terminal::say(format!("ended: {} {}", reason(&ended), ended.message));
            }
            _ => {}
        }
    }
    Ok(())
}

fn reason(ended: &v1::Ended) -> String {
    let name = ended.reason().as_str_name();
    name.strip_prefix("END_REASON_").unwrap_or(name).to_ascii_lowercase()
}

fn watched(arguments: &WatchArguments) -> v1::Watched {
    match arguments {
        WatchArguments { decisions: true, .. } => v1::Watched::Decisions,
        WatchArguments { input: true, .. } => v1::Watched::Input,
        WatchArguments { probe: Some(_), .. } => v1::Watched::Probes,
        _ => v1::Watched::Output,
    }
}

/// A probe as it is written: `cells:0,7`.
fn probe(text: &str, period_ticks: u64) -> Result<v1::Probe, Failure> {
    let wrong = || Failure::used_wrongly(format!("{text:?} is no probe: write cells:0,7"));
    let (population, neurons) = text.rsplit_once(':').ok_or_else(wrong)?;
    let neurons: Result<Vec<u32>, _> = neurons.split(',').map(str::parse).collect();
    let neurons = neurons.map_err(|_| wrong())?;
    Ok(v1::Probe { population: population.into(), neurons, period_ticks, ..Default::default() })
}

fn head(arguments: &WatchArguments) -> String {
    match &arguments.probe {
        Some(probe) => {
            let neurons = probe.rsplit_once(':').map_or("", |(_, neurons)| neurons);
            format!("time_us,{neurons}\n")
        }
        None if arguments.input => "time_us,port,address,multiplicity\n".into(),
        None => "position,time_us,port,kind,what,count\n".into(),
    }
}

fn write(out: &mut impl Write, item: &WatchItem, is_input: bool) -> io::Result<()> {
    match item {
        WatchItem::Spikes(spikes) => {
            let mut numbered = (spikes.first_position()..).zip(spikes.iter());
            numbered.try_for_each(|(position, spike)| {
                let spiked_client::Spike { time_us, port, address, multiplicity, .. } = spike;
                writeln!(out, "{position},{time_us},{port},spike,{address},{multiplicity}")
            })
        }
        WatchItem::Decision(decision) => {
            let v1::Decision { position, time_us, port, class, votes, .. } = decision;
            writeln!(out, "{position},{time_us},{port},decision,{class},{votes}")
        }
        WatchItem::Value(value) => {
            let v1::Value { position, time_us, port, values } = value;
            values.iter().enumerate().try_for_each(|(index, value)| {
                writeln!(out, "{position},{time_us},{port},value,{index},{value}")
            })
        }
        WatchItem::Events(batch) if is_input => write_events(out, batch),
        WatchItem::Probe(read) => {
            write!(out, "{}", read.time_us)?;
            read.values.iter().try_for_each(|value| write!(out, ",{value}"))?;
            writeln!(out)
        }
        _ => Ok(()),
    }
}

fn write_events(out: &mut impl Write, batch: &v1::EventBatch) -> io::Result<()> {
    let counted = batch.layout() == v1::Layout::CountedAddress;
    for word in batch.payload.chunks_exact(8) {
        let (offset, packed) = (word_at(word, 0), word_at(word, 4));
        let (address, multiplicity) =
            if counted { (packed & 0x00ff_ffff, packed >> 24) } else { (packed, 1) };
        let time_us = batch.base_time_us + u64::from(offset);
        writeln!(out, "{time_us},{},{address},{multiplicity}", batch.port)?;
    }
    Ok(())
}

fn word_at(word: &[u8], at: usize) -> u32 {
    word.get(at..at + 4).and_then(|bytes| bytes.try_into().ok()).map_or(0, u32::from_le_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_probe_reads_as_it_is_written() {
        let read = probe("cells:0,7", 3).expect("a probe");
        assert_eq!(
            (read.population.as_str(), read.neurons, read.period_ticks),
            ("cells", vec![0, 7], 3)
        );
        for wrong in ["cells", "cells:", "cells:a", ":", "cells:1,,2"] {
            assert!(probe(wrong, 1).is_err(), "{wrong}");
        }
    }
}
