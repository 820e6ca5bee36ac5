//! Parameters of a session's neurons, as comma-separated text, and setting them.

use std::io::{self, BufWriter, Write};

use clap::Args;
use spiked_client::{Client, v1};

use super::told;
use crate::failure::Failure;

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  spiked sessions parameters left-arm cells
  spiked sessions parameters left-arm cells.threshold > thresholds.csv

A line a neuron. Names and units are those by which a network's text varies parameters: tau [ms],
threshold, rest, reset, drive [mV], refractory [ms], receptor.NAME.tau [ms].")]
pub(super) struct ParametersArguments {
    /// The session's id.
    session: String,
    /// A population, or one parameter of it.
    #[arg(value_name = "POPULATION[.PARAMETER]")]
    of: String,
}

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  spiked sessions set left-arm cells.threshold -52.5
  spiked sessions set left-arm cells.threshold -40 cells.reset -45
  spiked sessions set left-arm cells.drive 12 --neurons 0,3,8-11

Values are in the unit of the parameter (`spiked sessions parameters --help`). All are set at once, at a
tick that is told, or none.")]
pub(super) struct SetArguments {
    /// The session's id.
    session: String,
    /// What is set, and to what; several of one population.
    #[arg(
        value_names = ["POPULATION.PARAMETER", "VALUE"],
        num_args = 2..,
        required = true,
        allow_negative_numbers = true
    )]
    pairs: Vec<String>,
    /// Only of these neurons.
    #[arg(long, value_name = "N,N-N,…")]
    neurons: Option<String>,
}

/// Prints parameters, a line a neuron.
pub(super) async fn print(client: &Client, arguments: &ParametersArguments) -> Result<(), Failure> {
    let (population, name) = match arguments.of.split_once('.') {
        Some((population, name)) => (population, vec![name.to_owned()]),
        None => (arguments.of.as_str(), Vec::new()),
    };
    let mut request = v1::GetParametersRequest {
        session_id: arguments.session.clone(),
        population: population.to_owned(),
        names: name,
        ..Default::default()
    };
    let mut out = BufWriter::new(io::stdout().lock());
    let failed = |error: io::Error| Failure::output("standard output", &error);
    let mut is_begun = false;
    loop {
        let page = client.get_parameters(request.clone()).await?;
        if !std::mem::replace(&mut is_begun, true) {
            let names = page.parameters.iter().map(|parameter| format!(",{}", parameter.name));
            writeln!(out, "neuron{}", names.collect::<String>()).map_err(failed)?;
        }
        write_page(&mut out, request.from_neuron, &page).map_err(failed)?;
        let Some(next) = page.next_neuron else { break };
        request.from_neuron = next;
    }
    out.flush().map_err(failed)
}

fn write_page(
    out: &mut impl Write,
    first: u32,
    page: &v1::GetParametersResponse,
) -> io::Result<()> {
    let neurons = page.parameters.first().map_or(0, |parameter| parameter.values.len());
    for (neuron, at) in (first..).zip(0..neurons) {
        write!(out, "{neuron}")?;
        for value in page.parameters.iter().filter_map(|parameter| parameter.values.get(at)) {
            write!(out, ",{value}")?;
        }
        writeln!(out)?;
    }
    Ok(())
}

/// Sets parameters; says from when on.
pub(super) async fn set(client: &Client, arguments: &SetArguments) -> Result<String, Failure> {
    let neurons = arguments.neurons.as_deref().map(indices).transpose()?.unwrap_or_default();
    let (population, changes) = changes(&arguments.pairs, &neurons)?;
    let request = v1::SetParametersRequest {
        session_id: arguments.session.clone(),
        population: population.to_owned(),
        changes,
    };
    let names: Vec<String> = request.changes.iter().map(|change| change.name.clone()).collect();
    let applied = client.set_parameters(request).await?;
    Ok(format!("set {} of {population}, {}\n", names.join(", "), told(&applied)))
}

fn changes<'a>(
    pairs: &'a [String],
    neurons: &[u32],
) -> Result<(&'a str, Vec<v1::ParameterChange>), Failure> {
    let mut of: Option<&str> = None;
    let mut changes = Vec::new();
    for pair in pairs.chunks(2) {
        let [name, value] = pair else {
            let message =
                format!("{} has no value: write POPULATION.PARAMETER VALUE", pair.concat());
            return Err(Failure::used_wrongly(message));
        };
        let (population, name) = name.split_once('.').ok_or_else(|| {
            Failure::used_wrongly(format!("{name:?} names no parameter: write cells.threshold"))
        })?;
        if *of.get_or_insert(population) != population {
            let message = "parameters of several populations: set one population at a time";
            return Err(Failure::used_wrongly(message));
        }
        let value = value
            .parse()
            .map_err(|_| Failure::used_wrongly(format!("{value:?} is no number, without unit")))?;
        let neurons = neurons.to_vec();
        changes.push(v1::ParameterChange { name: name.into(), neurons, values: vec![value] });
    }
    Ok((of.unwrap_or_default(), changes))
}

/// Neurons as they are written: `0,3,8-11`.
fn indices(text: &str) -> Result<Vec<u32>, Failure> {
    let wrong = || Failure::used_wrongly(format!("{text:?} are no neurons: write 0,3,8-11"));
    let number = |text: &str| text.parse::<u32>().map_err(|_| wrong());
    let mut indices = Vec::new();
    for part in text.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last) = (number(first)?, number(last)?);
        if first > last || last - first >= NEURONS_MAX {
            return Err(wrong());
        }
        indices.extend(first..=last);
    }
    Ok(indices)
}

/// As the contract bounds a call.
const NEURONS_MAX: u32 = 65_536;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neurons_read_as_they_are_written() {
        assert_eq!(indices("0,3,8-11").expect("neurons"), [0, 3, 8, 9, 10, 11]);
        for wrong in ["", "a", "3-1", "1,,2", "-1", "0-4000000000"] {
            assert!(indices(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn pairs_are_parameters_of_one_population() {
        let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let pairs = words("cells.threshold -40 cells.receptor.fast.tau 2.5");
        let (population, read) = changes(&pairs, &[7]).expect("pairs");
        assert_eq!(population, "cells");
        let read: Vec<_> = read.iter().map(|each| (each.name.as_str(), each.values[0])).collect();
        assert_eq!(read, [("threshold", -40.0), ("receptor.fast.tau", 2.5)]);
        for wrong in ["cells.tau", "cells 1", "cells.tau x", "cells.tau 1 others.tau 1"] {
            assert!(changes(&words(wrong), &[]).is_err(), "{wrong}");
        }
    }
}
