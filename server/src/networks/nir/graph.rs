//! Subgraphs taken apart: one list of nodes, and for each who feeds it.
//!
//! A subgraph's own inputs and outputs stay as nodes that hand on what they get.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Refusal,
    hdf5::{self, Value, join},
};

/// A node with its place in the outermost graph.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) name: String,
    pub(super) kind: String,
    pub(super) values: BTreeMap<String, Value>,
    /// Who feeds it, by position; each once.
    pub(super) from: BTreeSet<usize>,
    /// An input or output of a subgraph.
    pub(super) is_inner: bool,
}

impl Node {
    pub(super) fn refuse(&self, message: impl Into<String>) -> Refusal {
        Refusal::node(&self.name, message.into())
    }

    /// A number or numbers, if the node has them.
    pub(super) fn numbers(&self, name: &str) -> Option<(&[u32], &[f64])> {
        match self.values.get(name)? {
            Value::Numbers { shape, numbers } => Some((shape, numbers)),
            Value::Text(_) => None,
        }
    }

    /// Numbers that the node must have.
    pub(super) fn need(&self, name: &str) -> Result<(&[u32], &[f64]), Refusal> {
        self.numbers(name)
            .ok_or_else(|| self.refuse(format!("{} has no numbers named {name:?}", self.kind)))
    }

    /// A word, such as a padding of "same".
    pub(super) fn word(&self, name: &str) -> Option<&str> {
        match self.values.get(name)? {
            Value::Text(words) => words.first().map(String::as_str),
            Value::Numbers { .. } => None,
        }
    }
}

/// Takes the subgraphs of a graph apart.
pub(super) fn flatten(graph: &hdf5::Graph) -> Result<Vec<Node>, Refusal> {
    let mut flat = Flat::default();
    flat.graph(graph, "")?;
    Ok(flat.nodes)
}

/// Where edges that name a node begin and end.
#[derive(Clone, Copy)]
struct Ends {
    into: usize,
    out: usize,
}

#[derive(Default)]
struct Flat {
    nodes: Vec<Node>,
}

impl Flat {
    fn graph(&mut self, graph: &hdf5::Graph, path: &str) -> Result<(), Refusal> {
        let mut ends = BTreeMap::new();
        for (name, node) in &graph.nodes {
            let full = join(path, name);
            let found = match &node.graph {
                None => {
                    let at = self.push(&full, node, path);
                    Ends { into: at, out: at }
                }
                Some(inner) => self.subgraph(inner, &full)?,
            };
            ends.insert(name.as_str(), found);
        }
        for (from, to) in &graph.edges {
            let find = |name: &str| {
                ends.get(name).copied().ok_or_else(|| {
                    Refusal::node(&join(path, name), "an edge names it and no node has it".into())
                })
            };
            let (from, to) = (find(from)?, find(to)?);
            self.nodes[to.into].from.insert(from.out);
        }
        Ok(())
    }

    fn push(&mut self, name: &str, node: &hdf5::Node, path: &str) -> usize {
        let is_inner = !path.is_empty() && matches!(node.kind.as_str(), "Input" | "Output");
        let (name, kind, values) = (name.into(), node.kind.clone(), node.values.clone());
        self.nodes.push(Node { name, kind, values, from: BTreeSet::new(), is_inner });
        self.nodes.len() - 1
    }

    fn subgraph(&mut self, graph: &hdf5::Graph, path: &str) -> Result<Ends, Refusal> {
        let first = self.nodes.len();
        self.graph(graph, path)?;
        let only = |kind: &str| {
            // Those of graphs further in have a longer path, which ends before their own name.
            let own = graph.nodes.iter().filter(|(_, node)| node.kind == kind);
            let names: Vec<String> = own.map(|(name, _)| join(path, name)).collect();
            let [name] = names.as_slice() else {
                let message = format!("a subgraph with {} nodes of type {kind}", names.len());
                return Err(Refusal::node(path, message));
            };
            let inner = &self.nodes[first..];
            let at = inner.iter().position(|node| node.name == *name && node.is_inner);
            at.map(|at| first + at)
                .ok_or_else(|| Refusal::node(path, format!("its {kind} cannot be found")))
        };
        Ok(Ends { into: only("Input")?, out: only("Output")? })
    }
}
