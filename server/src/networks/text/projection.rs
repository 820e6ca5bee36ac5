//! Projections: what they join, their delays, and which connectivity they have.

use spiked_proto::v1;

use super::network::Context;
use super::node::{Node, Table};
use super::quantity::Unit;
use super::{convolution, random, synapses, values};
use crate::networks::name;

const KEYS: &[&str] = &[
    "from",
    "to",
    "receptor",
    "axonal_delay",
    "dendritic_delay",
    "short_term",
    "one_to_one",
    "convolution",
    "synapses",
    "dense",
    "random",
];
const CONNECTIVITIES: &[&str] = &["one_to_one", "convolution", "synapses", "dense", "random"];
/// Connectivities and features of versions to come.
const LATER: &[&str] = &["all_to_all", "plasticity", "pool", "pooling"];

pub(super) fn read(context: &Context<'_>, name: &str, node: &Node<'_>) -> Option<v1::Projection> {
    use v1::projection::Connectivity;
    let table = node.table(KEYS, LATER)?;
    let source = source(context, &table);
    let target = target(context, &table);
    // Where the target is unknown, a weight of any kind is fine: that is said already.
    let unit = target.map_or(Unit::Bare, |(_, unit)| unit);
    let receptor = table.get("receptor").map_or(Some(""), |node| node.text());
    let axonal_delay_ticks = optional_ticks(context, &table, "axonal_delay");
    let dendritic_delay_ticks = optional_ticks(context, &table, "dendritic_delay");
    let short_term = match table.get("short_term") {
        Some(node) => short_term(&node).map(Some),
        None => Some(None),
    };
    let connectivity = match table.one_of(CONNECTIVITIES)? {
        ("one_to_one", node) => Connectivity::OneToOne(one_to_one(context, &node, unit)?),
        ("convolution", node) => Connectivity::Convolution(convolution::read(context, &node)?),
        ("dense", node) => Connectivity::Dense(dense(context, &node, unit)?),
        ("random", node) => Connectivity::Random(random::read(context, &node, unit)?),
        (_, node) => Connectivity::Explicit(synapses::read(context, &node, unit)?),
    };
    Some(v1::Projection {
        name: name.into(),
        source: source?.into(),
        target: target?.0.into(),
        receptor: receptor?.into(),
        axonal_delay_ticks: axonal_delay_ticks?,
        dendritic_delay_ticks: dendritic_delay_ticks?,
        connectivity: Some(connectivity),
        plasticity: None,
        short_term: short_term?,
    })
}

fn short_term(node: &Node<'_>) -> Option<v1::ShortTermPlasticity> {
    let table = node.table(&["utilisation", "recovery", "facilitation"], &[])?;
    let utilisation = table.need("utilisation", "0.5").and_then(|node| node.number());
    let recovery_ms =
        table.need("recovery", "\"800 ms\"").and_then(|node| node.in_unit(Unit::Time));
    let facilitation_ms =
        table.get("facilitation").map_or(Some(0.0), |node| node.in_unit(Unit::Time));
    Some(v1::ShortTermPlasticity {
        utilisation: utilisation?,
        recovery_ms: recovery_ms?,
        facilitation_ms: facilitation_ms?,
    })
}

fn source<'a>(context: &Context<'_>, table: &Table<'a>) -> Option<&'a str> {
    let node = table.need("from", "\"NAME\"")?;
    let text = node.text()?;
    let names = || {
        let inputs = context.inputs.iter().map(|(name, _)| *name);
        inputs.chain(context.populations.iter().map(|(name, _)| *name))
    };
    if names().any(|name| name == text) {
        return Some(text);
    }
    node.refuse(format!("no input or population {text:?}{}", name::hint(text, names())))
}

/// The target, and in what its weights are counted.
fn target<'a>(context: &Context<'_>, table: &Table<'a>) -> Option<(&'a str, Unit)> {
    let node = table.need("to", "\"NAME\"")?;
    let text = node.text()?;
    if let Some((_, unit)) = context.populations.iter().find(|(name, _)| *name == text) {
        return Some((text, *unit));
    }
    if context.inputs.iter().any(|(name, _)| *name == text) {
        return node.refuse(format!("{text:?} is an input: synapses lead to populations"));
    }
    let names = context.populations.iter().map(|(name, _)| *name);
    node.refuse(format!("no population {text:?}{}", name::hint(text, names)))
}

fn one_to_one(context: &Context<'_>, node: &Node<'_>, unit: Unit) -> Option<v1::OneToOne> {
    let table = node.table(&["weight", "delay"], &["weights", "delays"])?;
    let weight = table.need("weight", "1.0").and_then(|node| values::one(&node, unit));
    let delay_ticks = optional_ticks(context, &table, "delay");
    Some(v1::OneToOne { weight: weight?, delay_ticks: delay_ticks? })
}

fn dense(context: &Context<'_>, node: &Node<'_>, unit: Unit) -> Option<v1::Dense> {
    let table = node.table(&["weights", "delay"], &[])?;
    let weights = table.need("weights", "\"weights.npy\"");
    let weights = weights.and_then(|node| values::of_weights(context, &node, unit));
    let delay_ticks = optional_ticks(context, &table, "delay");
    Some(v1::Dense { weights: Some(weights?), delay_ticks: delay_ticks? })
}

/// A delay that is zero where it isn't given \[ticks\].
pub(super) fn optional_ticks(context: &Context<'_>, table: &Table<'_>, key: &str) -> Option<u32> {
    table.get(key).map_or(Some(0), |node| node.ticks(context.tick_ns, 0))
}
