//! NIR files for tests, laid out as the `nir` package does.

use hdf5_pure::{FileBuilder, GroupBuilder};

/// A parameter: name, shape, numbers; or a word, as `padding:same`.
pub(super) type Parameter<'a> = (&'a str, &'a [u64], Vec<f32>);

/// A node: name, type, parameters.
pub(super) struct Node<'a>(pub(super) &'a str, pub(super) &'a str, pub(super) Vec<Parameter<'a>>);

/// One number for all units, or each its own.
pub(super) fn row(name: &'static str, numbers: &[f32]) -> Parameter<'static> {
    let shape: &'static [u64] = Box::leak(vec![numbers.len() as u64].into_boxed_slice());
    (name, shape, numbers.to_vec())
}

pub(super) fn node<'a>(name: &'a str, kind: &'a str, parameters: Vec<Parameter<'a>>) -> Node<'a> {
    Node(name, kind, parameters)
}

pub(super) fn input(shape: &[f32]) -> Node<'static> {
    node("input", "Input", vec![row("shape", shape)])
}

pub(super) fn output() -> Node<'static> {
    node("output", "Output", vec![row("shape", &[1.0])])
}

/// `units` integrators of `r`, firing above `threshold`.
pub(super) fn integrators<'a>(name: &'a str, units: usize, r: f32, threshold: f32) -> Node<'a> {
    let parameters = vec![row("r", &vec![r; units]), row("v_threshold", &vec![threshold; units])];
    node(name, "IF", parameters)
}

/// A whole file.
pub(super) fn file(nodes: &[Node<'_>], edges: &[(&str, &str)]) -> Vec<u8> {
    let mut builder = FileBuilder::new();
    builder.create_dataset("version").with_vlen_strings(&["1.0"]);
    let mut graph = builder.create_group("node");
    fill(&mut graph, nodes, edges, &[]);
    builder.add_group(graph.finish());
    builder.finish().unwrap()
}

/// A file whose node `name` is a graph of its own.
pub(super) fn nested(
    nodes: &[Node<'_>],
    edges: &[(&str, &str)],
    inner: (&str, &[Node<'_>], &[(&str, &str)]),
) -> Vec<u8> {
    let mut builder = FileBuilder::new();
    let mut graph = builder.create_group("node");
    fill(&mut graph, nodes, edges, &[inner]);
    builder.add_group(graph.finish());
    builder.finish().unwrap()
}

type Inner<'a> = (&'a str, &'a [Node<'a>], &'a [(&'a str, &'a str)]);

fn fill(graph: &mut GroupBuilder, nodes: &[Node<'_>], edges: &[(&str, &str)], inner: &[Inner<'_>]) {
    graph.create_dataset("type").with_vlen_strings(&["NIRGraph"]);
    let ends: Vec<&str> = edges.iter().flat_map(|(from, to)| [*from, *to]).collect();
    graph.create_dataset("edges").with_vlen_strings(&ends).with_shape(&[edges.len() as u64, 2]);
    let mut group = graph.create_group("nodes");
    for Node(name, kind, parameters) in nodes {
        let mut node = group.create_group(name);
        node.create_dataset("type").with_vlen_strings(&[kind]);
        for (name, shape, numbers) in parameters {
            match name.split_once(':') {
                Some((name, word)) => node.create_dataset(name).with_vlen_strings(&[word]),
                None => node.create_dataset(name).with_f32_data(numbers).with_shape(shape),
            };
        }
        group.add_group(node.finish());
    }
    for (name, nodes, edges) in inner {
        let mut node = group.create_group(name);
        fill(&mut node, nodes, edges, &[]);
        group.add_group(node.finish());
    }
    graph.add_group(group.finish());
}
