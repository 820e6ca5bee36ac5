//! Graphs that no file has to hold: damage to them reaches what makes sense of a graph, where
//! damage to a file mostly stops at its structure.
//!
//! ```text
//! profile, then: 0 edge, from, to | 1 node, kind, name | 2 parameter of the last node, name, rank,
//! extents, number and numbers (f32) | 3 text parameter of the last node
//! ```

use std::collections::BTreeMap;

use super::{
    super::{
        graph,
        hdf5::{Graph, Node, Value},
        lower,
    },
    *,
};

const KINDS: [&str; 18] = [
    "Input",
    "Output",
    "IF",
    "LIF",
    "LI",
    "I",
    "CubaLIF",
    "CubaLI",
    "Threshold",
    "Linear",
    "Affine",
    "Conv1d",
    "Conv2d",
    "AvgPool2d",
    "SumPool2d",
    "Flatten",
    "Scale",
    "Delay",
];
const PARAMETERS: [&str; 24] = [
    "shape",
    "r",
    "tau",
    "v_leak",
    "v_threshold",
    "v_reset",
    "tau_syn",
    "tau_mem",
    "w_in",
    "threshold",
    "weight",
    "bias",
    "stride",
    "padding",
    "dilation",
    "groups",
    "kernel_size",
    "start_dim",
    "end_dim",
    "input_type",
    "scale",
    "delay",
    "input_shape",
    "odd",
];
/// Of numbers of one parameter: a file would have to hold them.
const NUMBERS_MAX: usize = 64;

/// Reads bytes one after another; where they end, zeros.
struct Bytes<'a>(&'a [u8]);

impl Bytes<'_> {
    fn next(&mut self) -> u8 {
        let Some((&first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        first
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::from(self.next()) % limit
    }

    fn number(&mut self) -> f64 {
        let number = f64::from(f32::from_le_bytes([(); 4].map(|()| self.next())));
        if number.is_nan() { 1.0 } else { number }
    }

    fn value(&mut self) -> Value {
        let rank = self.below(5);
        let shape: Vec<u32> = (0..rank).map(|_| u32::from(self.next())).collect();
        let count =
            shape.iter().try_fold(1_usize, |count, &extent| count.checked_mul(extent as usize));
        // A shape that would take more is one of a single row.
        match count.filter(|&count| count <= NUMBERS_MAX) {
            Some(count) => Value::Numbers { shape, numbers: self.numbers(count) },
            None => Value::Numbers { shape: vec![1], numbers: self.numbers(1) },
        }
    }

    fn numbers(&mut self, count: usize) -> Vec<f64> {
        (0..count).map(|_| self.number()).collect()
    }
}

fn graph_of(input: &[u8]) -> (Profile, Graph) {
    let mut bytes = Bytes(input);
    let profile = Profile::ALL[bytes.below(Profile::ALL.len())];
    let (mut graph, mut last) = (Graph::default(), None);
    while !bytes.0.is_empty() {
        match bytes.below(4) {
            0 => {
                let (from, to) = (bytes.below(8).to_string(), bytes.below(8).to_string());
                graph.edges.push((from, to));
            }
            1 => {
                let kind = KINDS[bytes.below(KINDS.len())].to_owned();
                let name = bytes.below(8).to_string();
                let node = Node { kind, values: BTreeMap::new(), graph: None };
                graph.nodes.insert(name.clone(), node);
                last = Some(name);
            }
            which => {
                let name = PARAMETERS[bytes.below(PARAMETERS.len())].to_owned();
                let words = ["same", "valid", "zeros"];
                let value = match which {
                    2 => bytes.value(),
                    _ => Value::Text(vec![words[bytes.below(3)].into()]),
                };
                if let Some(node) = last.as_ref().and_then(|last| graph.nodes.get_mut(last)) {
                    node.values.insert(name, value);
                }
            }
        }
    }
    (profile, graph)
}

/// As [`graph_of`] reads it.
fn bytes_of(graph: &Graph, profile: u8) -> Vec<u8> {
    let names: Vec<&String> = graph.nodes.keys().collect();
    let place = |name: &String| u8::try_from(names.binary_search(&name).unwrap()).unwrap();
    let index = |known: &[&str], name: &str| {
        known.iter().position(|other| *other == name).map(|at| u8::try_from(at).unwrap())
    };
    let mut bytes = vec![profile];
    for (name, node) in &graph.nodes {
        bytes.extend([1, index(&KINDS, &node.kind).unwrap(), place(name)]);
        for (name, value) in &node.values {
            let Some(name) = index(&PARAMETERS, name) else { continue };
            let Value::Numbers { shape, numbers } = value else { continue };
            bytes.extend([2, name, u8::try_from(shape.len()).unwrap()]);
            bytes.extend(shape.iter().map(|&extent| u8::try_from(extent).unwrap()));
            #[expect(clippy::cast_possible_truncation, reason = "they were single precision")]
            numbers.iter().for_each(|&number| bytes.extend((number as f32).to_le_bytes()));
        }
    }
    for (from, to) in &graph.edges {
        bytes.extend([0, place(from), place(to)]);
    }
    bytes
}

/// Any graph is refused, naming a node, or is a network, which the core judges within the memory
/// that it is allowed.
#[test]
fn nir_graphs() {
    let mut examples = Vec::new();
    for (at, file) in super::examples().iter().enumerate() {
        let graph = hdf5::read(file).unwrap_or_else(|_| panic!("example {at}"));
        // Graphs in graphs are for the target that reads files.
        if graph.nodes.values().all(|node| node.graph.is_none()) {
            for profile in 0..Profile::ALL.len() {
                let bytes = bytes_of(&graph, u8::try_from(profile).unwrap());
                assert!(graph::flatten(&graph_of(&bytes).1).is_ok(), "example {at}");
                examples.push(bytes);
            }
        }
    }
    let target = Target::new("nir_graphs", examples).bytes_max(512);
    // A node may have eight million units, and says so in four bytes.
    target.memory_bytes_max(3 << 30).time_max(Duration::from_secs(20)).run(|input| {
        let (profile, graph) = graph_of(input);
        let options = Options { profile, step_ns: STEP_DEFAULT_NS };
        let Ok(nodes) = graph::flatten(&graph) else { return false };
        let Ok(lowered) = lower::lower(&nodes, &graph.unread, "a", options) else { return false };
        let blob = |sha256: &[u8; 32]| lowered.blobs.get(sha256).cloned();
        let Ok(converted) = convert::network(&lowered.network, &blob) else { return true };
        let spread = Spread { memory_bytes_max: PLAN_BYTES, ..Spread::default() };
        let _ = Plan::spread(&converted.network, &[], spread);
        true
    });
}
