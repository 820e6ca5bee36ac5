//! What cannot be run is refused with the name of the node: one file for each reason.

use hdf5_pure::{FileBuilder, GroupBuilder};
use spiked_server::networks::nir::Profile;

use super::{
    refused, through,
    writer::{Node, Parameter, file, input, integrators, nested, node, output, row},
};

const E: Profile = Profile::Euler;

/// The same in front of as many integrators.
fn before(shape: &[f32], mut nodes: Vec<Node<'static>>, units: usize) -> Vec<u8> {
    nodes.push(integrators("if", units, 1.0, 1.0));
    through(shape, nodes)
}

fn scale(name: &'static str) -> Node<'static> {
    node(name, "Scale", vec![row("scale", &[2.0])])
}

fn linear(name: &'static str, shape: &'static [u64; 2]) -> Node<'static> {
    let count = usize::try_from(shape[0] * shape[1]).unwrap();
    node(name, "Linear", vec![("weight", shape, vec![1.0; count])])
}

fn affine(name: &'static str, bias: f32) -> Node<'static> {
    node(name, "Affine", vec![("weight", &[1, 1], vec![1.0]), row("bias", &[bias])])
}

fn delay(name: &'static str, delay_s: f32) -> Node<'static> {
    node(name, "Delay", vec![row("delay", &[delay_s])])
}

/// A kernel of 3x3 on one channel, with more parameters.
fn convolution(more: Vec<Parameter<'static>>) -> Node<'static> {
    let mut own: Vec<Parameter<'static>> = vec![("weight", &[1, 1, 3, 3], vec![1.0; 9])];
    own.extend(more);
    node("conv", "Conv2d", own)
}

fn pool(name: &'static str) -> Node<'static> {
    node(name, "SumPool2d", vec![row("kernel_size", &[2.0, 2.0])])
}

/// A neuron of a kind whose parameters are all 1.
fn neuron(kind: &'static str, parameters: &[&'static str]) -> Node<'static> {
    node("n", kind, parameters.iter().map(|name| row(name, &[1.0])).collect())
}

/// Each is refused under its profile, by this node, with these words.
fn all_refused(cases: Vec<(Vec<u8>, Profile, &str, &str)>) {
    for (bytes, profile, name, said) in cases {
        let error = refused(&bytes, profile);
        assert_eq!(error.node.as_deref().unwrap_or_default(), name, "{error}: {said}");
        assert!(error.message.contains(said), "{error}: {said}");
    }
}

#[test]
fn edges_that_lead_nowhere() {
    let open = |edges: &[(&str, &str)]| {
        let nodes = [input(&[1.0]), scale("a"), scale("b"), integrators("if", 1, 1.0, 1.0)];
        file(&nodes.into_iter().chain([output()]).collect::<Vec<_>>(), edges)
    };
    let ends = ("if", "output");
    let cycle = open(&[("input", "a"), ("b", "a"), ("a", "b"), ("b", "if"), ends]);
    let itself = open(&[("input", "a"), ("a", "a"), ("a", "if"), ("input", "b"), ends]);
    let unfed = file(
        &[input(&[2.0]), scale("a"), integrators("if", 2, 1.0, 1.0), output()],
        &[("a", "if"), ends],
    );
    let lonely = file(
        &[
            input(&[1.0]),
            integrators("if", 1, 1.0, 1.0),
            neuron("IF", &["r", "v_threshold"]),
            output(),
        ],
        &[("input", "if"), ends],
    );
    let no_output = file(&[input(&[1.0]), integrators("if", 1, 1.0, 1.0)], &[("input", "if")]);
    let silent = open(&[("input", "a"), ("a", "b"), ("b", "if")]);
    let of_a_node_without = file(&[input(&[1.0]), output()], &[("input", "gone")]);
    all_refused(vec![
        (cycle, E, "b", "lies on a cycle without a neuron"),
        (itself, E, "a", "lies on a cycle without a neuron"),
        (unfed, E, "a", "gets no input"),
        (lonely, E, "n", "has no shape of its own, and gets none"),
        (no_output, E, "", "has no Output"),
        (silent, E, "output", "gets nothing"),
        (of_a_node_without, E, "gone", "no node has it"),
        (
            through(&[1.0], vec![integrators("if", 1, 1.0, 1.0), scale("s")]),
            E,
            "s",
            "feeds an Output; only neurons can",
        ),
        (through(&[1.0], vec![]), E, "input", "feeds an Output; only neurons can"),
    ]);
}

#[test]
fn shapes_that_differ_along_an_edge() {
    let meeting = file(
        &[
            input(&[2.0]),
            linear("one", &[1, 2]),
            scale("two"),
            scale("sum"),
            integrators("if", 1, 1.0, 1.0),
            output(),
        ],
        &[
            ("input", "one"),
            ("input", "two"),
            ("one", "sum"),
            ("two", "sum"),
            ("sum", "if"),
            ("if", "output"),
        ],
    );
    let weight = |shape: &'static [u64], count| {
        node("fc", "Linear", vec![("weight", shape, vec![1.0; count])])
    };
    let too_many = node("s", "Scale", vec![row("scale", &[1.0; 3])]);
    let biased =
        node("fc", "Affine", vec![("weight", &[1, 2], vec![1.0; 2]), row("bias", &[1.0; 3])]);
    let odd = vec![row("r", &[1.0; 2]), row("v_threshold", &[1.0; 3])];
    let flat = node("flat", "Flatten", vec![row("start_dim", &[5.0])]);
    let turned = node("flat", "Flatten", vec![row("start_dim", &[1.0]), row("end_dim", &[0.0])]);
    all_refused(vec![
        (before(&[2.0], vec![linear("fc", &[2, 2])], 3), E, "if", "has [3] units and gets [2]"),
        (meeting, E, "sum", "gets [1] and [2] at once"),
        (
            before(&[2.0], vec![linear("fc", &[1, 3])], 1),
            E,
            "fc",
            "weight takes 3 inputs and gets [2]",
        ),
        (before(&[2.0], vec![weight(&[2, 1, 1], 2)], 1), E, "fc", "weight has shape [2, 1, 1]"),
        (before(&[2.0], vec![weight(&[0, 2], 0)], 1), E, "fc", "has [0] units"),
        (before(&[2.0], vec![too_many], 2), E, "s", "scale has 3 values for 2 units"),
        (before(&[2.0], vec![biased], 1), E, "fc", "bias has 3 values for 1 units"),
        (
            through(&[2.0], vec![node("if", "IF", odd)]),
            E,
            "if",
            "v_threshold has 3 values for 2 units",
        ),
        (before(&[2.0, 2.0], vec![flat], 4), E, "flat", "start_dim and end_dim do not fit [2, 2]"),
        (before(&[2.0, 2.0], vec![turned], 4), E, "flat", "start_dim and end_dim do not fit"),
        (before(&[0.5], vec![], 1), E, "input", "shape is [0.5]"),
        (before(&[1e9], vec![], 1), E, "input", "has [1000000000] units; 1 to 8388608"),
    ]);
}

#[test]
fn kernels_that_do_not_fit() {
    let field = [1.0, 5.0, 5.0];
    let stride = |stride: f32| convolution(vec![row("stride", &[stride, stride])]);
    let flat = node("conv", "Conv2d", vec![("weight", &[1, 1, 3], vec![1.0; 3])]);
    let empty = node("pool", "AvgPool2d", vec![row("kernel_size", &[0.0, 0.0])]);
    let biased = convolution(vec![row("bias", &[1.0; 2])]);
    all_refused(vec![
        (
            before(&[1.0, 2.0, 5.0], vec![convolution(vec![])], 1),
            E,
            "conv",
            "its kernel does not fit its input",
        ),
        (before(&field, vec![stride(0.0)], 1), E, "conv", "or it has no stride"),
        (before(&field, vec![stride(-1.0)], 1), E, "conv", "stride is [-1.0, -1.0]"),
        (
            before(&field, vec![convolution(vec![("padding:full", &[], vec![])])], 1),
            E,
            "conv",
            "padding \"full\" is unknown",
        ),
        (
            before(&field, vec![convolution(vec![row("groups", &[2.0])])], 1),
            E,
            "conv",
            "2 groups of 1 channels where 1 come",
        ),
        (
            before(&field, vec![flat], 1),
            E,
            "conv",
            "weight has shape [1, 1, 3], which is no kernel's",
        ),
        (
            before(&[25.0], vec![convolution(vec![])], 1),
            E,
            "conv",
            "gets an input of shape [25], which is no field",
        ),
        (before(&field, vec![biased], 9), E, "conv", "bias has 2 values for 1 units"),
        (before(&field, vec![empty], 1), E, "pool", "its kernel does not fit its input"),
        (
            before(&field, vec![node("pool", "SumPool2d", vec![])], 1),
            E,
            "pool",
            "its kernel does not fit its input",
        ),
        (
            before(&[1.0, 2e3, 2e3], vec![convolution(vec![])], 1),
            E,
            "conv",
            "has more than 8388608 synapses",
        ),
        (
            before(&[1.0, 1e3, 1e3], vec![pool("a"), pool("b")], 1),
            E,
            "b",
            "more than 16777216 synapses lead to it",
        ),
    ]);
}

#[test]
fn delays_that_cannot_be_kept() {
    let one = [1.0];
    let pulse = Profile::ExactPulse;
    all_refused(vec![
        (before(&one, vec![affine("fc", 0.5), delay("late", 1.0)], 1), E, "late", "delays a bias"),
        (before(&one, vec![delay("late", -1.0)], 1), E, "late", "a delay of -1 s; 0 to 1e6 s"),
        (before(&one, vec![delay("late", 5e5)], 1), E, "late", "500000 s are more than 2^32 ticks"),
        (
            before(&one, vec![delay("a", 4e5), delay("b", 4e5)], 1),
            E,
            "b",
            "its delay is longer than 2^32 ticks",
        ),
        (before(&one, vec![delay("late", 4294.9672)], 1), pulse, "if", "a delay is too long"),
    ]);
    // A bias of 0 is none, and a delay of 0 delays nothing.
    for nodes in [[affine("fc", 0.0), delay("late", 1.0)], [affine("fc", 0.5), delay("late", 0.0)]]
    {
        let bytes = before(&one, nodes.into(), 1);
        super::read_bytes(&bytes, "a.nir", "a", super::options(E)).unwrap();
    }
}

#[test]
fn neurons_that_a_profile_does_not_have() {
    let one = [1.0];
    let current = ["tau_mem", "tau_syn", "r", "v_leak", "v_threshold"];
    let cuba = || through(&one, vec![neuron("CubaLIF", &current)]);
    let only_read = || through(&one, vec![neuron("CubaLI", &current[..4])]);
    let threshold = || through(&one, vec![neuron("Threshold", &["threshold"])]);
    let unequal = node("n", "Threshold", vec![row("threshold", &[1.0, 2.0])]);
    let below = node("n", "Threshold", vec![row("threshold", &[0.0])]);
    let (pulse, dirac) = (Profile::ExactPulse, Profile::ExactDirac);
    let named = |kind, parameters: &[&'static str]| through(&one, vec![neuron(kind, parameters)]);
    let wrong = |name, value| {
        let own = current.map(|other| row(other, &[if other == name { value } else { 1.0 }]));
        through(&one, vec![node("n", "CubaLIF", own.to_vec())])
    };
    all_refused(vec![
        (cuba(), pulse, "n", "a pulse into CubaLIF is not possible"),
        (only_read(), pulse, "n", "a pulse into CubaLI is not possible"),
        (threshold(), pulse, "n", "a pulse into a Threshold is not possible"),
        (through(&[2.0], vec![unequal]), dirac, "n", "must be equal and above 0"),
        (through(&one, vec![below]), dirac, "n", "must be equal and above 0"),
        (named("LIF", &["tau", "v_leak", "v_threshold"]), E, "n", "LIF has no numbers named \"r\""),
        (named("LIF", &["tau", "r", "v_threshold"]), E, "n", "LIF has no numbers named \"v_leak\""),
        (named("IF", &["r"]), E, "n", "IF has no numbers named \"v_threshold\""),
        (named("Threshold", &[]), E, "n", "Threshold has no numbers named \"threshold\""),
        (wrong("tau_syn", -1.0), E, "n", "tau_syn of unit 0 is -1 s"),
        (wrong("tau_mem", f32::INFINITY), E, "n", "tau_mem of unit 0 is inf s"),
        (wrong("r", f32::NAN), E, "n", "r cannot be read: entry 0 is not a number"),
    ]);
}

#[test]
fn subgraphs_without_one_way_in_and_one_out() {
    let outer = [input(&[1.0]), integrators("if", 1, 1.0, 1.0), output()];
    let edges = [("input", "block"), ("block", "if"), ("if", "output")];
    let block =
        |inner: &[Node<'_>]| nested(&outer, &edges, ("block", inner, &[("input", "output")]));
    let more = |kind: &'static str| node("more", kind, vec![row("shape", &[1.0])]);
    let two_in = block(&[input(&[1.0]), more("Input"), output()]);
    let two_out = block(&[input(&[1.0]), more("Output"), output()]);
    let none_out = nested(&outer, &edges, ("block", &[input(&[1.0])], &[]));
    let beyond = block(&[input(&[1.0])]);
    all_refused(vec![
        (two_in, E, "block", "a subgraph with 2 nodes of type Input"),
        (two_out, E, "block", "a subgraph with 2 nodes of type Output"),
        (none_out, E, "block", "a subgraph with 0 nodes of type Output"),
        (beyond, E, "block.output", "an edge names it and no node has it"),
    ]);
}

/// A graph of graphs, of which the innermost is empty.
fn nests(graph: &mut GroupBuilder, depth: usize) {
    graph.create_dataset("type").with_vlen_strings(&["NIRGraph"]);
    graph.create_dataset("edges").with_vlen_strings(&["x", "x"]).with_shape(&[1, 2]);
    let mut nodes = graph.create_group("nodes");
    if depth > 0 {
        let mut inner = nodes.create_group("g");
        nests(&mut inner, depth - 1);
        nodes.add_group(inner.finish());
    }
    graph.add_group(nodes.finish());
}

/// A file whose group "node" a test fills.
fn of(fill: impl FnOnce(&mut GroupBuilder)) -> Vec<u8> {
    let mut builder = FileBuilder::new();
    let mut graph = builder.create_group("node");
    fill(&mut graph);
    builder.add_group(graph.finish());
    builder.finish().unwrap()
}

#[test]
fn files_that_are_no_graph() {
    let mut builder = FileBuilder::new();
    builder.create_dataset("version").with_vlen_strings(&["1.0"]);
    let other = builder.finish().unwrap();
    let bare = of(|graph| {
        graph.create_dataset("type").with_vlen_strings(&["NIRGraph"]);
    });
    let unlinked = of(|graph| {
        let nodes = graph.create_group("nodes");
        graph.add_group(nodes.finish());
    });
    let numbers = of(|graph| {
        let nodes = graph.create_group("nodes");
        graph.add_group(nodes.finish());
        graph.create_dataset("edges").with_f32_data(&[1.0, 2.0]).with_shape(&[1, 2]);
    });
    let untyped = of(|graph| {
        let mut nodes = graph.create_group("nodes");
        let mut node = nodes.create_group("odd");
        node.create_dataset("r").with_f32_data(&[1.0]).with_shape(&[1]);
        nodes.add_group(node.finish());
        graph.add_group(nodes.finish());
    });
    let names: Vec<String> = (0..1_025).map(|number| format!("n{number}")).collect();
    let many: Vec<Node<'_>> = names.iter().map(|name| node(name, "Scale", vec![])).collect();
    let deep = of(|graph| nests(graph, 17));
    let path = vec!["g"; 17].join(".");
    all_refused(vec![
        (b"no such thing".to_vec(), E, "", "is no HDF5 file that can be read"),
        (other, E, "", "is HDF5 but not NIR"),
        (bare, E, "", "its nodes cannot be read"),
        (unlinked, E, "", "its edges cannot be read"),
        (numbers, E, "", "its edges cannot be read: is no text"),
        (untyped, E, "odd", "has no type"),
        (file(&many, &[]), E, "", "has more than 1024 nodes"),
        (deep, E, &path, "graphs nest more than 16 deep"),
    ]);
}
