//! Readouts, and the ports through which spikes and decisions leave.

use spiked_proto::v1;

use super::network::Context;
use super::node::Node;
use super::part;
use crate::networks::limits::{LABELS_MAX, LIST_MAX, NAME_CHARS_MAX};
use crate::networks::name;

pub(super) fn readout(context: &Context<'_>, name: &str, node: &Node<'_>) -> Option<v1::Readout> {
    let later = ["counts", "filtered", "linear", "rate", "softmax"];
    let table = node.table(&["from", "vote", "confidence"], &later)?;
    let populations = || context.populations.iter().map(|(name, _)| *name);
    let source = table.need("from", "\"POPULATION\"").and_then(|node| {
        let text = node.text()?;
        if populations().any(|name| name == text) {
            return Some(text);
        }
        node.refuse(format!("no population {text:?}{}", name::hint(text, populations())))
    });
    let rule = match table.one_of(&["vote", "confidence"])? {
        ("vote", node) => v1::readout::Rule::Vote(vote(context, &node)?),
        (_, node) => v1::readout::Rule::Confidence(confidence(context, &node)?),
    };
    Some(v1::Readout { name: name.into(), source: source?.into(), rule: Some(rule) })
}

fn vote(context: &Context<'_>, node: &Node<'_>) -> Option<v1::Vote> {
    let table = node.table(&["window", "every", "labels"], &[])?;
    let window_ticks =
        table.need("window", "\"20 ms\"").and_then(|node| node.ticks(context.tick_ns, 1));
    let every_ticks = match table.get("every") {
        Some(node) => node.ticks(context.tick_ns, 1),
        None => Some(1),
    };
    let labels = table.get("labels").map_or(Some(Vec::new()), |node| labels(&node));
    Some(v1::Vote { window_ticks: window_ticks?, every_ticks: every_ticks?, labels: labels? })
}

fn confidence(context: &Context<'_>, node: &Node<'_>) -> Option<v1::Confidence> {
    let keys = ["begins", "threshold", "scale", "after", "within", "labels"];
    let table = node.table(&keys, &[])?;
    let inputs = || context.inputs.iter().map(|(name, _)| *name);
    let begins = table.need("begins", "\"INPUT\"").and_then(|node| {
        let text = node.text()?;
        if inputs().any(|name| name == text) {
            return Some(text);
        }
        node.refuse(format!("no input {text:?}{}", name::hint(text, inputs())))
    });
    let threshold = table.need("threshold", "0.9").and_then(|node| node.number());
    let scale = table.get("scale").map_or(Some(1.0), |node| node.number());
    let ticks = |node: Node<'_>| node.ticks(context.tick_ns, 1);
    let after_ticks = table.get("after").map_or(Some(1), ticks);
    let within_ticks = table.need("within", "\"100 ms\"").and_then(ticks);
    let labels = table.get("labels").map_or(Some(Vec::new()), |node| labels(&node));
    Some(v1::Confidence {
        begins: begins?.into(),
        threshold: threshold?,
        scale: scale?,
        after_ticks: after_ticks?,
        within_ticks: within_ticks?,
        labels: labels?,
    })
}

fn labels(node: &Node<'_>) -> Option<Vec<String>> {
    let labels = node.items()?;
    if labels.len() > LABELS_MAX {
        return node.refuse(format!("has {} labels, at most {LABELS_MAX}", labels.len()));
    }
    let label = |node: &Node<'_>| {
        let text = node.text()?;
        if (1..=NAME_CHARS_MAX).contains(&text.chars().count()) {
            return Some(text.to_owned());
        }
        node.refuse(format!("a label has 1 to {NAME_CHARS_MAX} characters"))
    };
    part::all(labels.iter().map(label).collect())
}

/// Reads an output port; of `sources`, populations or a readout, each says whether it is a readout.
pub(super) fn output(
    sources: &[(&str, bool)],
    name: &str,
    node: &Node<'_>,
) -> Option<v1::OutputPort> {
    let table = node.table(&["from"], &["every", "probe"])?;
    let from = table.need("from", "[\"POPULATION\"]")?;
    let items = from.items_or_one()?;
    if items.is_empty() || items.len() > LIST_MAX {
        return from.refuse(format!("has {} sources, 1 to {LIST_MAX}", items.len()));
    }
    let source = |node: &Node<'_>| {
        let text = node.text()?;
        match sources.iter().find(|(name, _)| *name == text) {
            Some((_, true)) if items.len() > 1 => node.refuse(format!(
                "{text:?} is a readout: its decisions leave by a port of their own"
            )),
            Some(_) => Some(text.to_owned()),
            None => {
                let hint = name::hint(text, sources.iter().map(|(name, _)| *name));
                node.refuse(format!("no population or readout {text:?}{hint}"))
            }
        }
    };
    let sources = part::all(items.iter().map(source).collect())?;
    Some(v1::OutputPort { name: name.into(), sources })
}

/// What leaves a network that doesn't say: the spikes of each population that drives no other, or
/// of all where every one does, and the decisions of each readout; a port each, of that name.
pub(super) fn default_outputs(network: &v1::Network) -> Vec<v1::OutputPort> {
    let drives_another =
        |name: &str| network.projections.iter().any(|p| p.source == name && p.target != name);
    let populations = || network.populations.iter().map(|population| population.name.as_str());
    let last: Vec<&str> = populations().filter(|name| !drives_another(name)).collect();
    let spikes = if last.is_empty() { populations().collect() } else { last };
    let decisions = network.readouts.iter().map(|readout| readout.name.as_str());
    let port = |name: &str| v1::OutputPort { name: name.into(), sources: vec![name.into()] };
    spikes.into_iter().chain(decisions).map(port).collect()
}
