//! Every assumption is a note that names the nodes that make it.

use hdf5_pure::FileBuilder;
use spiked_server::networks::nir::{Profile, read_bytes};

use super::{
    options, through,
    writer::{Node, Parameter, node, row},
};

fn notes(bytes: &[u8], profile: Profile) -> Vec<String> {
    read_bytes(bytes, "a.nir", "a", options(profile)).unwrap().network.notes
}

fn one(name: &'static str, value: f32) -> Parameter<'static> {
    row(name, &[value])
}

fn integrator(more: Vec<Parameter<'static>>) -> Node<'static> {
    let mut own = vec![one("r", 1.0), one("v_threshold", 1.0)];
    own.extend(more);
    node("if", "IF", own)
}

fn current() -> Node<'static> {
    let own = ["tau_mem", "tau_syn", "r", "v_threshold", "v_leak"];
    node("cuba", "CubaLIF", own.map(|name| one(name, 1.0)).to_vec())
}

fn convolution(more: Vec<Parameter<'static>>) -> Vec<Node<'static>> {
    let mut own: Vec<Parameter<'static>> =
        vec![("weight", &[1, 1, 2, 3], vec![1.0; 6]), row("dilation", &[1.0, 2.0])];
    own.extend(more);
    vec![node("conv", "Conv2d", own), integrator(vec![])]
}

fn pool() -> Vec<Node<'static>> {
    let pool = node("pool", "AvgPool2d", vec![row("kernel_size", &[2.0, 2.0])]);
    vec![pool, integrator(vec![])]
}

/// Seen to fail without the note on padding.
#[test]
fn every_assumption_is_a_note_that_names_the_node() {
    let affine: Parameter<'_> = ("weight", &[1, 1], vec![1.0]);
    let affine = node("fc", "Affine", vec![affine, one("bias", 0.5)]);
    let flat = vec![node("flat", "Flatten", vec![]), integrator(vec![])];
    let cuba = through(&[1.0], vec![current()]);
    let plain = through(&[1.0], vec![integrator(vec![])]);
    let odd = through(&[1.0], vec![integrator(vec![one("tau_ref", 2.0)])]);
    let same = through(&[1.0, 5.0, 6.0], convolution(vec![("padding:same", &[], vec![])]));
    let conv = through(&[1.0, 5.0, 6.0], convolution(vec![]));
    let pool = through(&[1.0, 4.0, 4.0], pool());
    let flat = through(&[2.0, 3.0], flat);
    let fc = through(&[1.0], vec![affine, integrator(vec![])]);
    use Profile::{Euler, ExactDirac, Norse, Sinabs, Snntorch, SnntorchSubtract};
    for (bytes, profile, note) in [
        (&plain, Euler, "\"if\": a v_reset that the file doesn't have is 0"),
        (&plain, Euler, "\"if\": potential starts at 0"),
        (&plain, Euler, "\"if\": no leak: v += step r x"),
        (&plain, Sinabs, "\"if\": no leak: v += r x"),
        (&plain, ExactDirac, "\"if\": no leak: dv/dt = r x, solved exactly"),
        (&cuba, Euler, "\"cuba\": a w_in that the file doesn't have is 1"),
        (&cuba, Euler, "\"cuba\": potential and current start at 0"),
        (&cuba, Euler, "\"cuba\": i' = i - step/tau_syn i + w_in step/tau_syn x"),
        (&cuba, Norse, "\"cuba\": i' = i - step^2/tau_syn i + w_in step^2/tau_syn x"),
        (&cuba, Snntorch, "\"cuba\": i' = (1 - step/tau_syn) i + w_in step/tau_syn x"),
        (&cuba, SnntorchSubtract, "\"cuba\": i' = (1 - step/tau_syn) i"),
        (&cuba, Sinabs, "\"cuba\": i' = a_syn (i + w_in x), a_syn = exp(-step/tau_syn)"),
        (&cuba, ExactDirac, "\"cuba\": tau_syn di/dt = -i + w_in x, solved exactly"),
        (&odd, Euler, "\"if\": its parameter \"tau_ref\" is not read"),
        (
            &same,
            Euler,
            "\"conv\": padding \"same\" is 0 before and 1 after, and 2 before and 2 after",
        ),
        (&conv, Euler, "\"conv\": a stride that the file doesn't have is 1"),
        (&conv, Euler, "\"conv\": a padding that the file doesn't have is 0"),
        (&conv, Euler, "\"conv\": a groups that the file doesn't have is 1"),
        (&conv, Euler, "\"conv\": a bias that the file doesn't have is 0"),
        (&pool, Euler, "\"pool\": a stride that the file doesn't have is 1"),
        (&pool, Euler, "\"pool\": the mean counts padding as zeros"),
        (&flat, Euler, "\"flat\": a start_dim that the file doesn't have is 1"),
        (&flat, Euler, "\"flat\": a end_dim that the file doesn't have is -1"),
        (&fc, Euler, "\"fc\": bias arrives always, from the start"),
    ] {
        let told = notes(bytes, profile);
        assert!(told.iter().any(|other| other.starts_with(note)), "{profile}: {note} in {told:#?}");
    }
    // And none where nothing is assumed.
    let whole = through(&[1.0], vec![integrator(vec![one("v_reset", 0.0)])]);
    let told = notes(&whole, Euler).concat();
    assert!(!told.contains("doesn't have") && !told.contains("\"if\": its"), "{told}");
}

/// Metadata are groups, of a node or of the graph.
#[test]
fn groups_that_are_not_read_are_told() {
    let mut builder = FileBuilder::new();
    let mut graph = builder.create_group("node");
    graph.create_dataset("type").with_vlen_strings(&["NIRGraph"]);
    let ends = ["input", "n", "n", "output"];
    graph.create_dataset("edges").with_vlen_strings(&ends).with_shape(&[2, 2]);
    let mut nodes = graph.create_group("nodes");
    for (name, kind, parameters) in [
        ("input", "Input", vec!["shape"]),
        ("n", "IF", vec!["r", "v_threshold"]),
        ("output", "Output", vec!["shape"]),
    ] {
        let mut node = nodes.create_group(name);
        node.create_dataset("type").with_vlen_strings(&[kind]);
        for parameter in parameters {
            node.create_dataset(parameter).with_f32_data(&[1.0]).with_shape(&[1]);
        }
        if name == "n" {
            let mut metadata = node.create_group("metadata");
            metadata.create_dataset("tau_ref").with_f32_data(&[1.0]).with_shape(&[1]);
            node.add_group(metadata.finish());
        }
        nodes.add_group(node.finish());
    }
    graph.add_group(nodes.finish());
    let mut metadata = graph.create_group("metadata");
    metadata.create_dataset("dt").with_f32_data(&[1.0]).with_shape(&[1]);
    graph.add_group(metadata.finish());
    builder.add_group(graph.finish());
    let told = notes(&builder.finish().unwrap(), Profile::Euler);
    let note = told.iter().find(|note| note.ends_with("a group that is not read")).unwrap();
    assert!(note.contains("\"n.metadata\"") && note.contains("\"metadata\""), "{note}");
}
