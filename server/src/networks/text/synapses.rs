//! Explicit synapses: listed in the text, in a CSV file, or as four arrays.

use spiked_proto::v1;

use super::array::{Named, extension};
use super::network::Context;
use super::node::{Node, Table};
use super::projection::optional_ticks;
use super::quantity::{Unit, duration_of};
use super::values::one;

/// One synapse: source, target, weight, delay \[ticks\].
type Synapse = (u32, u32, f64, u32);

pub(super) fn read(
    context: &Context<'_>,
    node: &Node<'_>,
    unit: Unit,
) -> Option<v1::ExplicitSynapses> {
    if node.is_list() {
        let items = node.items()?;
        let listed: Vec<_> = items.iter().map(|item| listed(context, item, unit)).collect();
        return in_columns(context, node, &listed.into_iter().collect::<Option<Vec<_>>>()?);
    }
    match node.as_text() {
        Some(file) if extension(file) == "csv" => {
            let text = context.arrays.text(node, file)?;
            match from_csv(&text, context.tick_ns) {
                Ok(synapses) => in_columns(context, node, &synapses),
                Err((line, message)) => node.refuse(format!("{file}:{line}: {message}")),
            }
        }
        Some(_) => node.refuse(format!(
            "{} where a list, a .csv file or {{ sources = \"sources.npy\", ... }} belongs",
            node.shown()
        )),
        None => from_arrays(context, node),
    }
}

fn listed(context: &Context<'_>, node: &Node<'_>, unit: Unit) -> Option<Synapse> {
    let table = node.table(&["from", "to", "weight", "delay"], &[])?;
    let index = |key| table.need(key, "0")?.whole(0..=u32::MAX);
    let (from, to) = (index("from"), index("to"));
    let weight = table.need("weight", "1.0").and_then(|node| one(&node, unit));
    let delay_ticks = optional_ticks(context, &table, "delay");
    Some((from?, to?, weight?, delay_ticks?))
}

fn in_columns(
    context: &Context<'_>,
    node: &Node<'_>,
    synapses: &[Synapse],
) -> Option<v1::ExplicitSynapses> {
    let wholes = |column: fn(&Synapse) -> u32| {
        let wholes: Vec<u32> = synapses.iter().map(column).collect();
        context.arrays.keep_wholes(node, &wholes)
    };
    let weights: Vec<f64> = synapses.iter().map(|synapse| synapse.2).collect();
    Some(v1::ExplicitSynapses {
        sources: Some(wholes(|synapse| synapse.0)?),
        targets: Some(wholes(|synapse| synapse.1)?),
        weights: Some(context.arrays.keep_row(node, &weights)?),
        delays_ticks: Some(wholes(|synapse| synapse.3)?),
    })
}

/// Reads lines under the header `from,to,weight,delay`; delays carry units. What is wrong comes
/// with its line.
fn from_csv(text: &str, tick_ns: u64) -> Result<Vec<Synapse>, (usize, String)> {
    let mut lines = text.lines().enumerate().map(|(index, line)| (index + 1, line.trim()));
    let (_, header) = lines.next().unwrap_or((1, ""));
    let columns: Vec<&str> = header.split(',').map(str::trim).collect();
    let has_delay = match columns.as_slice() {
        ["from", "to", "weight", "delay"] => true,
        ["from", "to", "weight"] => false,
        _ => return Err((1, "the first line must be \"from,to,weight,delay\"".into())),
    };
    let filled = lines.filter(|(_, line)| !line.is_empty());
    filled
        .map(|(number, line)| {
            let cells: Vec<&str> = line.split(',').map(str::trim).collect();
            csv_synapse(&cells, has_delay, tick_ns).map_err(|message| (number, message))
        })
        .collect()
}

fn csv_synapse(cells: &[&str], has_delay: bool, tick_ns: u64) -> Result<Synapse, String> {
    let index = |cell: &str| {
        cell.parse::<u32>().map_err(|_| format!("{cell:?} is no index, 0 to {}", u32::MAX))
    };
    let (&[from, to, weight], rest) =
        cells.split_first_chunk().ok_or_else(|| format!("{} columns are too few", cells.len()))?;
    let value = weight.parse::<f64>().ok().filter(|value| value.is_finite());
    let value = value.ok_or_else(|| format!("{weight:?} is no weight: a finite number"))?;
    let delay_ticks = match rest {
        [] if !has_delay => 0,
        [delay] if has_delay => csv_delay(delay, tick_ns)?,
        _ => {
            return Err(format!("{} columns are not those of the first line", cells.len()));
        }
    };
    Ok((index(from)?, index(to)?, value, delay_ticks))
}

fn csv_delay(cell: &str, tick_ns: u64) -> Result<u32, String> {
    duration_of(cell)?.ticks(tick_ns, 0).map_err(|message| format!("{cell:?} {message}"))
}

/// Four arrays, of which weights and delays may be one value for all.
fn from_arrays(context: &Context<'_>, node: &Node<'_>) -> Option<v1::ExplicitSynapses> {
    let table =
        node.table(&["file", "sources", "targets", "weights", "delays", "delay_unit"], &[])?;
    let arrays = &context.arrays;
    let indices = |key| arrays.wholes(&named(&table, key)?, 1);
    let sources = indices("sources");
    let targets = indices("targets");
    let weights = weights(context, &table, sources.as_ref());
    let delays = delays(context, &table, sources.as_ref());
    let synapses = v1::ExplicitSynapses {
        sources: Some(sources?),
        targets: Some(targets?),
        weights: Some(weights?),
        delays_ticks: Some(delays?),
    };
    let shapes = [&synapses.sources, &synapses.targets, &synapses.weights, &synapses.delays_ticks]
        .map(|array| array.as_ref().map(|array| array.shape.as_slice()).unwrap_or_default());
    if shapes[0].len() == 1 && shapes.iter().all(|shape| *shape == shapes[0]) {
        return Some(synapses);
    }
    node.refuse(format!(
        "its arrays differ, where all need the same one extent: sources {:?}, targets {:?}, \
         weights {:?}, delays {:?}",
        shapes[0], shapes[1], shapes[2], shapes[3]
    ))
}

/// The array of a key, or else the array of that name in `file`.
fn named<'a>(table: &Table<'a>, key: &'static str) -> Option<Named<'a>> {
    match (table.get(key), table.get("file")) {
        (Some(node), _) => Named::read(&node),
        (None, Some(node)) => Some(Named { file: node.text()?, array: Some(key), node }),
        (None, None) => table.refuse(format!("{key} is missing: {key} = \"{key}.npy\"")),
    }
}

fn weights(
    context: &Context<'_>,
    table: &Table<'_>,
    sources: Option<&v1::ArrayRef>,
) -> Option<v1::ArrayRef> {
    match table.get("weights") {
        Some(node) if node.as_number().is_some() => {
            let count = sources?.shape.first().copied()?;
            let weights = vec![node.number()?; count as usize];
            context.arrays.keep_row(&node, &weights)
        }
        _ => context.arrays.weights(&named(table, "weights")?),
    }
}

fn delays(
    context: &Context<'_>,
    table: &Table<'_>,
    sources: Option<&v1::ArrayRef>,
) -> Option<v1::ArrayRef> {
    let unit = table.get("delay_unit");
    let delays = table.get("delays");
    let is_one = |node: &Node<'_>| {
        node.as_number().is_some() || node.as_text().is_some_and(|text| duration_of(text).is_ok())
    };
    if let Some(node) = delays.filter(is_one) {
        if let Some(unit) = unit {
            return unit.refuse("belongs to delays in a file; these have their unit");
        }
        let delay_ticks = node.ticks(context.tick_ns, 0)?;
        let count = sources?.shape.first().copied()?;
        return context.arrays.keep_wholes(&node, &vec![delay_ticks; count as usize]);
    }
    let Some(unit) = unit else {
        return table
            .refuse("delay_unit is missing, what one counts in the array of delays: \"1 ms\"");
    };
    let factor = unit.ticks(context.tick_ns, 1)?;
    context.arrays.wholes(&named(table, "delays")?, factor)
}

#[cfg(test)]
mod fuzz;
