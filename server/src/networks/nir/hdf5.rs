//! A `.nir` file's bytes as a graph value: groups become nodes, datasets parameters.
//!
//! Layout: `/version`, `/node/type` ("NIRGraph"), `/node/nodes/NAME/type` with one dataset a
//! parameter, `/node/edges` [edges, 2]. A node of type "NIRGraph" nests. Every size is asked before
//! anything of that size is read.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use hdf5_pure::{DType, Dataset, File, Group, VlenStringReadOptions};

use super::Refusal;

/// Of a file \[bytes\].
pub(super) const FILE_BYTES_MAX: u64 = 256 << 20;
/// Of numbers in all datasets of a file together.
const NUMBERS_MAX: u64 = 32 << 20;
/// Of nodes, subgraphs' included.
const NODES_MAX: usize = 1_024;
/// Of edges of one graph.
const EDGES_MAX: u64 = 65_536;
/// Of graphs within graphs.
const DEPTH_MAX: usize = 16;
/// Of characters in a name or a type.
const TEXT_BYTES_MAX: usize = 1 << 20;

/// A parameter.
#[derive(Clone, Debug)]
pub(super) enum Value {
    /// Row-major; a scalar has no extents.
    Numbers { shape: Vec<u32>, numbers: Vec<f64> },
    /// Words, such as a padding of "same".
    Text(Vec<String>),
}

/// A node as it stands in the file.
#[derive(Clone, Debug, Default)]
pub(super) struct Node {
    pub(super) kind: String,
    pub(super) values: BTreeMap<String, Value>,
    /// Of a node that is a graph.
    pub(super) graph: Option<Graph>,
}

/// Nodes by name, and who feeds whom.
#[derive(Clone, Debug, Default)]
pub(super) struct Graph {
    pub(super) nodes: BTreeMap<String, Node>,
    pub(super) edges: Vec<(String, String)>,
    /// The version of NIR that wrote it, of the outermost graph.
    pub(super) version: String,
    /// Groups of the file that hold no node, such as metadata, of the outermost graph.
    pub(super) unread: Vec<String>,
}

/// Reads a file's graph.
pub(super) fn read(bytes: &[u8]) -> Result<Graph, Refusal> {
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(Refusal::file(format!("is longer than {FILE_BYTES_MAX} bytes")));
    }
    // The HDF5 reader is another's, and its arithmetic on what a damaged file says about itself is
    // not ours to prove: a panic in it is one more way to say that the file is broken. It holds no
    // state beyond this call.
    let bytes = bytes.to_vec();
    catch_unwind(AssertUnwindSafe(move || Reader::default().file(bytes)))
        .unwrap_or_else(|_| Err(Refusal::file("is no HDF5 file that can be read".into())))
}

#[derive(Default)]
struct Reader {
    numbers: u64,
    nodes: usize,
    unread: Vec<String>,
}

impl Reader {
    fn file(&mut self, bytes: Vec<u8>) -> Result<Graph, Refusal> {
        let file = File::from_bytes(bytes)
            .map_err(|error| Refusal::file(format!("is no HDF5 file that can be read: {error}")))?;
        let root = file.root();
        let node = root
            .group("node")
            .map_err(|_| Refusal::file("is HDF5 but not NIR: it has no group \"node\"".into()))?;
        let mut graph = self.graph(&node, "", 0)?;
        if let Ok(version) = root
            .dataset("version")
            .map_err(drop)
            .and_then(|dataset| texts(&dataset, 1).map_err(drop))
        {
            graph.version = version.into_iter().next().unwrap_or_default();
        }
        let beside = root.groups().unwrap_or_default();
        self.unread.extend(beside.into_iter().filter(|name| name != "node"));
        graph.unread = std::mem::take(&mut self.unread);
        Ok(graph)
    }

    fn graph(&mut self, group: &Group, path: &str, depth: usize) -> Result<Graph, Refusal> {
        if depth > DEPTH_MAX {
            return Err(Refusal::node(path, format!("graphs nest more than {DEPTH_MAX} deep")));
        }
        let broken = |what: &str, error: &dyn std::fmt::Display| {
            Refusal::node(path, format!("{what} cannot be read: {error}"))
        };
        let nodes = group.group("nodes").map_err(|error| broken("its nodes", &error))?;
        let mut graph = Graph::default();
        for name in nodes.groups().map_err(|error| broken("its nodes", &error))? {
            self.nodes += 1;
            if self.nodes > NODES_MAX {
                return Err(Refusal::file(format!("has more than {NODES_MAX} nodes")));
            }
            let inner = join(path, &name);
            let node = nodes.group(&name).map_err(|error| broken(&inner, &error))?;
            graph.nodes.insert(name, self.node(&node, &inner, depth)?);
        }
        self.leave(group, path, &["nodes"]);
        let edges = group.dataset("edges").map_err(|error| broken("its edges", &error))?;
        let ends = texts(&edges, EDGES_MAX * 2).map_err(|error| broken("its edges", &error))?;
        graph.edges = ends.chunks_exact(2).map(|pair| (pair[0].clone(), pair[1].clone())).collect();
        Ok(graph)
    }

    fn node(&mut self, group: &Group, path: &str, depth: usize) -> Result<Node, Refusal> {
        let broken = |what: &str, error: &dyn std::fmt::Display| {
            Refusal::node(path, format!("{what} cannot be read: {error}"))
        };
        let mut node = Node::default();
        for name in group.datasets().map_err(|error| broken("its parameters", &error))? {
            let dataset = group.dataset(&name).map_err(|error| broken(&name, &error))?;
            let value = self.value(&dataset).map_err(|error| broken(&name, &error))?;
            match value {
                Value::Text(mut words) if name == "type" => {
                    node.kind = words.pop().unwrap_or_default();
                }
                value => {
                    node.values.insert(name, value);
                }
            }
        }
        if node.kind.is_empty() {
            return Err(Refusal::node(path, "has no type".into()));
        }
        if node.kind == "NIRGraph" {
            node.graph = Some(self.graph(group, path, depth + 1)?);
        } else {
            self.leave(group, path, &[]);
        }
        Ok(node)
    }

    /// Remembers the groups that are not read, so that it can be said.
    fn leave(&mut self, group: &Group, path: &str, read: &[&str]) {
        let groups = group.groups().unwrap_or_default();
        let unread = groups.iter().filter(|name| !read.contains(&name.as_str()));
        self.unread.extend(unread.map(|name| join(path, name)));
    }

    fn value(&mut self, dataset: &Dataset) -> Result<Value, String> {
        let said = |error: hdf5_pure::Error| error.to_string();
        if is_text(dataset)? {
            return Ok(Value::Text(texts(dataset, EDGES_MAX)?));
        }
        let shape = dataset.shape().map_err(said)?;
        let count = shape.iter().try_fold(1_u64, |count, &extent| count.checked_mul(extent));
        self.numbers = count
            .and_then(|count| self.numbers.checked_add(count))
            .filter(|&total| total <= NUMBERS_MAX)
            .ok_or_else(|| format!("the file holds more than {NUMBERS_MAX} numbers"))?;
        let numbers = dataset.read_f64().map_err(said)?;
        let extents: Result<Vec<u32>, _> = shape.into_iter().map(u32::try_from).collect();
        let shape = extents.map_err(|error| error.to_string())?;
        if numbers.len() as u64 != count.unwrap_or(0) {
            return Err(format!("{} numbers where its shape has {count:?}", numbers.len()));
        }
        if let Some(index) = numbers.iter().position(|number| number.is_nan()) {
            return Err(format!("entry {index} is not a number"));
        }
        Ok(Value::Numbers { shape, numbers })
    }
}

fn is_text(dataset: &Dataset) -> Result<bool, String> {
    let kind = dataset.dtype().map_err(|error| error.to_string())?;
    Ok(matches!(kind, DType::String | DType::VariableLengthString))
}

fn texts(dataset: &Dataset, most: u64) -> Result<Vec<String>, String> {
    let said = |error: hdf5_pure::Error| error.to_string();
    let shape = dataset.shape().map_err(said)?;
    let count = shape.iter().try_fold(1_u64, |count, &extent| count.checked_mul(extent));
    let size = dataset.element_size().map_err(said)?;
    let fits = |count: u64| count <= most && count.saturating_mul(size) <= FILE_BYTES_MAX;
    let count = count.filter(|&count| fits(count)).ok_or("has too many words")?;
    let kind = dataset.dtype().map_err(said)?;
    if kind == DType::VariableLengthString {
        let elements = usize::try_from(count).map_err(|error| error.to_string())?;
        let limits = VlenStringReadOptions::new()
            .with_max_elements(elements)
            .with_max_payload_bytes(TEXT_BYTES_MAX);
        return dataset.read_vlen_strings(limits).map_err(said);
    }
    if kind != DType::String {
        return Err("is no text".into());
    }
    dataset.read_string().map_err(said)
}

/// A node's name with those of the graphs around it.
pub(super) fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.into() } else { format!("{path}.{name}") }
}
