//! The text as a whole: its tables in order, then what they say about one another.

use std::collections::BTreeMap;

use bytes::Bytes;
use spiked_proto::v1;
use toml::Spanned;
use toml::de::DeTable;

use super::array::Arrays;
use super::files::Files;
use super::nir;
use super::node::{Node, Table};
use super::notes::Notes;
use super::quantity::Unit;
use super::{neuron, part, projection, readout};
use crate::networks::limits::{DESCRIPTION_CHARS_MAX, PARTS_MAX};
use crate::networks::name;

const TICK_NS_DEFAULT: u64 = 1_000;
const TICK_NS_MAX: u64 = 1_000_000_000;

/// What the parts of a network need to know about the rest of it.
pub(super) struct Context<'a> {
    pub(super) tick_ns: u64,
    pub(super) arrays: Arrays<'a>,
    /// Names of the inputs, and whether each is a sensor.
    pub(super) inputs: Vec<(&'a str, bool)>,
    /// Names of the populations, and in what their weights are counted.
    pub(super) populations: Vec<(&'a str, Unit)>,
}

/// Reads a whole text; what is wrong is in the notes.
pub(super) fn read<'a>(
    notes: &'a Notes,
    document: &'a Spanned<DeTable<'a>>,
    files: &'a dyn Files,
    default_name: &str,
) -> (v1::Network, BTreeMap<[u8; 32], Bytes>) {
    let root = Table::root(notes, document);
    if let Some(node) = root.get("nir") {
        root.check_keys(&["name", "description", "nir"], &[]);
        let name = network_name(&root, default_name);
        let (mut network, blobs) = nir::read(&node, files, &name).unwrap_or_default();
        if root.get("description").is_some() {
            network.description = description(&root);
        }
        network.name = name;
        return (network, blobs);
    }
    root.check_keys(
        &[
            "name",
            "description",
            "tick",
            "seed",
            "input",
            "population",
            "projection",
            "readout",
            "output",
            "nir",
        ],
        &["control", "encoder", "include", "plasticity", "probe"],
    );
    let [inputs, populations, projections, readouts, outputs] =
        ["input", "population", "projection", "readout", "output"].map(|kind| parts(&root, kind));

    let context = Context {
        tick_ns: tick_ns(&root),
        arrays: Arrays::new(files),
        inputs: inputs.iter().map(|(name, node)| (*name, part::has_size(node))).collect(),
        populations: populations
            .iter()
            .map(|(name, node)| (*name, neuron::weight_unit(node)))
            .collect(),
    };
    let mut network = v1::Network {
        name: network_name(&root, default_name),
        description: description(&root),
        tick_ns: context.tick_ns,
        seed: root.get("seed").and_then(|seed| seed.whole(0..=u64::MAX)).unwrap_or_default(),
        inputs: each(&inputs, part::input),
        populations: each(&populations, |name, node| part::population(&context, name, node)),
        projections: each(&projections, |name, node| projection::read(&context, name, node)),
        readouts: each(&readouts, |name, node| readout::readout(&context, name, node)),
        outputs: Vec::new(),
        notes: Vec::new(),
    };
    let spiking = populations.iter().map(|(name, _)| (*name, false));
    let deciding = readouts.iter().map(|(name, _)| (*name, true));
    let sources: Vec<(&str, bool)> = spiking.chain(deciding).collect();
    network.outputs = each(&outputs, |name, node| readout::output(&sources, name, node));
    if root.get("output").is_none() {
        network.outputs = readout::default_outputs(&network);
    }
    no_name_twice(&inputs, &populations, &readouts);
    (network, context.arrays.into_blobs())
}

/// The parts of one kind, in the order of the file.
fn parts<'a>(root: &Table<'a>, kind: &str) -> Vec<(&'a str, Node<'a>)> {
    let Some(node) = root.get(kind) else {
        return Vec::new();
    };
    // `[input]` alone would be one input without a name.
    let Some(parts) = node.any_table().map(|table| table.entries()) else {
        return Vec::new();
    };
    if parts.len() > PARTS_MAX {
        node.refuse::<()>(format!("has {} parts, at most {PARTS_MAX}", parts.len()));
        return Vec::new();
    }
    for (name, part) in &parts {
        if !part.is_table() {
            part.refuse::<()>(format!("is no part: parts have names, [{kind}.NAME]"));
        } else if let Err(message) = name::check(name) {
            part.refuse::<()>(message);
        }
    }
    parts.into_iter().filter(|(_, part)| part.is_table()).collect()
}

fn each<T>(
    parts: &[(&str, Node<'_>)],
    mut read: impl FnMut(&str, &Node<'_>) -> Option<T>,
) -> Vec<T> {
    parts.iter().filter_map(|(name, node)| read(name, node)).collect()
}

fn tick_ns(root: &Table<'_>) -> u64 {
    let tick = root.get("tick").and_then(|node| {
        let ns = node.nanoseconds()?;
        let fits = (1..=TICK_NS_MAX).contains(&ns);
        if fits { Some(ns) } else { node.refuse("is not between 1 ns and 1 s") }
    });
    tick.unwrap_or(TICK_NS_DEFAULT)
}

fn network_name(root: &Table<'_>, default_name: &str) -> String {
    let Some(node) = root.get("name") else {
        if let Err(message) = name::check(default_name) {
            let message = format!("name is missing, and that of the file won't do: {message}");
            root.refuse::<()>(message);
        }
        return default_name.into();
    };
    let name = node.text().unwrap_or_default();
    if node.as_text().is_some()
        && let Err(message) = name::check(name)
    {
        node.refuse::<()>(message);
    }
    name.into()
}

fn description(root: &Table<'_>) -> String {
    let Some(node) = root.get("description") else {
        return String::new();
    };
    let text = node.text().unwrap_or_default().trim();
    let chars = text.chars().count();
    if chars > DESCRIPTION_CHARS_MAX {
        node.refuse::<()>(format!("has {chars} characters, at most {DESCRIPTION_CHARS_MAX}"));
    }
    text.into()
}

/// Inputs, populations and readouts share one space of names: others refer to them by name alone.
fn no_name_twice(
    inputs: &[(&str, Node<'_>)],
    populations: &[(&str, Node<'_>)],
    readouts: &[(&str, Node<'_>)],
) {
    let mut seen = BTreeMap::new();
    for (name, node) in inputs.iter().chain(populations).chain(readouts) {
        if let Some(first) = seen.insert(*name, &node.path) {
            node.refuse::<()>(format!("has the name of {first}: names are unique"));
        }
    }
}
