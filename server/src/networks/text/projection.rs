//! Projections: what they join, their delays, and which of three connectivities they have.

use spiked_proto::v1;

use super::network::Context;
use super::node::{Node, Table};
use super::{convolution, synapses};
use crate::networks::name;

/// Connectivities and features of versions to come.
const LATER: &[&str] =
    &["all_to_all", "dense", "plasticity", "pool", "pooling", "probability", "random", "receptor"];

pub(super) fn read(context: &Context<'_>, name: &str, node: &Node<'_>) -> Option<v1::Projection> {
    use v1::projection::Connectivity;
    let table = node.table(
        &["from", "to", "one_to_one", "convolution", "synapses", "axonal_delay", "dendritic_delay"],
        LATER,
    )?;
    let source = source(context, &table);
    let target = target(context, &table);
    let in_mv = target.is_some_and(|(_, is_lif)| is_lif);
    let axonal_delay_ticks = optional_ticks(context, &table, "axonal_delay");
    let dendritic_delay_ticks = optional_ticks(context, &table, "dendritic_delay");
    let connectivity = match table.one_of(&["one_to_one", "convolution", "synapses"])? {
        ("one_to_one", node) => Connectivity::OneToOne(one_to_one(context, &node, in_mv)?),
        ("convolution", node) => Connectivity::Convolution(convolution::read(context, &node)?),
        (_, node) => Connectivity::Explicit(synapses::read(context, &node, in_mv)?),
    };
    Some(v1::Projection {
        name: name.into(),
        source: source?.into(),
        target: target?.0.into(),
        receptor: String::new(),
        axonal_delay_ticks: axonal_delay_ticks?,
        dendritic_delay_ticks: dendritic_delay_ticks?,
        connectivity: Some(connectivity),
        plasticity: None,
    })
}

fn source<'a>(context: &Context<'_>, table: &Table<'a>) -> Option<&'a str> {
    let node = table.need("from", "\"NAME\"")?;
    let text = node.text()?;
    let names = || context.inputs.iter().chain(&context.populations).map(|(name, _)| *name);
    if names().any(|name| name == text) {
        return Some(text);
    }
    node.refuse(format!("no input or population {text:?}{}", name::hint(text, names())))
}

/// The target, and whether its weights are voltages.
fn target<'a>(context: &Context<'_>, table: &Table<'a>) -> Option<(&'a str, bool)> {
    let node = table.need("to", "\"NAME\"")?;
    let text = node.text()?;
    if let Some((_, is_lif)) = context.populations.iter().find(|(name, _)| *name == text) {
        return Some((text, *is_lif));
    }
    if context.inputs.iter().any(|(name, _)| *name == text) {
        return node.refuse(format!("{text:?} is an input: synapses lead to populations"));
    }
    let names = context.populations.iter().map(|(name, _)| *name);
    node.refuse(format!("no population {text:?}{}", name::hint(text, names)))
}

fn one_to_one(context: &Context<'_>, node: &Node<'_>, in_mv: bool) -> Option<v1::OneToOne> {
    let table = node.table(&["weight", "delay"], &["weights", "delays"])?;
    let weight = table.need("weight", "1.0").and_then(|node| weight(&node, in_mv));
    let delay_ticks = optional_ticks(context, &table, "delay");
    Some(v1::OneToOne { weight: weight?, delay_ticks: delay_ticks? })
}

/// A weight in the unit of its target's threshold: a number, or a voltage where that is one.
pub(super) fn weight(node: &Node<'_>, in_mv: bool) -> Option<f64> {
    match node.as_text() {
        Some(_) if in_mv => node.millivolts(),
        Some(_) => node.refuse(format!(
            "{} where a number belongs: weights of accumulators have no unit",
            node.shown()
        )),
        None => node.number(),
    }
}

/// A delay that is zero where it isn't given \[ticks\].
pub(super) fn optional_ticks(context: &Context<'_>, table: &Table<'_>, key: &str) -> Option<u32> {
    table.get(key).map_or(Some(0), |node| node.ticks(context.tick_ns, 0))
}
