//! What a file leaves open node by node, as notes: one for each assumption, with the nodes that
//! make it. What a profile assumes of every file is the profile's to say.

use std::collections::BTreeMap;

use super::{Profile, graph::Node, neuron};

/// Nodes that one note names; of more, the number is told.
const NAMED_MAX: usize = 32;

/// Assumptions, each with the nodes that make it, in the order in which they are met.
#[derive(Default)]
struct Notes {
    order: Vec<String>,
    named: BTreeMap<String, Vec<String>>,
}

impl Notes {
    fn add(&mut self, assumption: String, node: &str) {
        let nodes = self.named.entry(assumption.clone()).or_default();
        if nodes.is_empty() {
            self.order.push(assumption);
        }
        nodes.push(format!("{node:?}"));
    }

    fn told(self) -> Vec<String> {
        let told = |assumption: String| {
            let nodes = &self.named[&assumption];
            let shown = nodes[..nodes.len().min(NAMED_MAX)].join(", ");
            match nodes.len().saturating_sub(NAMED_MAX) {
                0 => format!("{shown}: {assumption}"),
                more => format!("{shown} and {more} more: {assumption}"),
            }
        };
        self.order.into_iter().map(told).collect()
    }
}

/// Notes on nodes. `unread` are groups of the file that no node is made of.
pub(super) fn of(nodes: &[Node], unread: &[String], profile: Profile) -> Vec<String> {
    let mut notes = Notes::default();
    for node in nodes {
        if neuron::is(&node.kind) {
            of_neuron(node, profile, &mut notes);
        }
        for (name, meaning) in defaults(&node.kind) {
            if node.numbers(name).is_none() && node.word(name).is_none() {
                notes.add(format!("a {name} that the file doesn't have is {meaning}"), &node.name);
            }
        }
        if let Some(padded) = same(node) {
            notes.add(padded, &node.name);
        }
        if node.kind == "AvgPool2d" {
            notes.add("the mean counts padding as zeros".into(), &node.name);
        }
        if matches!(node.kind.as_str(), "Affine" | "Conv1d" | "Conv2d")
            && node.numbers("bias").is_some()
        {
            notes.add("bias arrives always, from the start".into(), &node.name);
        }
        for name in node.values.keys().filter(|name| !read(&node.kind).contains(&name.as_str())) {
            notes.add(format!("its parameter {name:?} is not read"), &node.name);
        }
    }
    for group in unread {
        notes.add("a group that is not read".into(), group);
    }
    notes.told()
}

fn of_neuron(node: &Node, profile: Profile, notes: &mut Notes) {
    let name = node.name.as_str();
    let is_current = node.kind.starts_with("Cuba");
    match node.kind.as_str() {
        "Threshold" => return,
        "I" | "IF" => notes.add(profile.without_leak().into(), name),
        _ if is_current => notes.add(profile.current().into(), name),
        _ => {}
    }
    let starts =
        if is_current { "potential and current start at 0" } else { "potential starts at 0" };
    notes.add(starts.into(), name);
}

/// What is taken for parameters that a file needn't have.
fn defaults(kind: &str) -> &'static [(&'static str, &'static str)] {
    match kind {
        "IF" | "LIF" => &[("v_reset", "0")],
        "CubaLIF" => &[("v_reset", "0"), ("w_in", "1")],
        "CubaLI" => &[("w_in", "1")],
        "Conv1d" | "Conv2d" => {
            &[("stride", "1"), ("padding", "0"), ("dilation", "1"), ("groups", "1"), ("bias", "0")]
        }
        "SumPool2d" | "AvgPool2d" => &[("stride", "1"), ("padding", "0")],
        "Flatten" => &[("start_dim", "1"), ("end_dim", "-1")],
        _ => &[],
    }
}

/// Parameters that mean something here.
fn read(kind: &str) -> &'static [&'static str] {
    match kind {
        "Input" => &["shape", "input_type", "input"],
        "Affine" => &["weight", "bias"],
        "Linear" => &["weight"],
        "Scale" => &["scale"],
        "Conv1d" | "Conv2d" => &["weight", "bias", "stride", "padding", "dilation", "groups"],
        "SumPool2d" | "AvgPool2d" => &["kernel_size", "stride", "padding"],
        "Flatten" => &["start_dim", "end_dim"],
        "Delay" => &["delay"],
        "Threshold" => &["threshold"],
        "I" => &["r"],
        "IF" => &["r", "v_threshold", "v_reset"],
        "LI" => &["tau", "r", "v_leak"],
        "LIF" => &["tau", "r", "v_leak", "v_threshold", "v_reset"],
        "CubaLI" => &["tau_mem", "tau_syn", "r", "v_leak", "w_in"],
        "CubaLIF" => &["tau_mem", "tau_syn", "r", "v_leak", "w_in", "v_threshold", "v_reset"],
        _ => &[],
    }
}

/// What a padding of "same" comes to, which depends on the kernel alone.
fn same(node: &Node) -> Option<String> {
    let (shape, _) = node.numbers("weight")?;
    if node.word("padding") != Some("same") {
        return None;
    }
    let kernel = shape.get(2..)?;
    let dilation = node.numbers("dilation").map_or(&[1.0][..], |(_, numbers)| numbers);
    let sides = kernel.iter().enumerate().map(|(direction, &size)| {
        let step = dilation.get(direction).or(dilation.last()).copied().unwrap_or(1.0);
        let all = step * f64::from(size.max(1) - 1);
        let before = (all / 2.0).floor();
        format!("{before} before and {} after", all - before)
    });
    Some(format!("padding \"same\" is {}", sides.collect::<Vec<_>>().join(", and ")))
}
