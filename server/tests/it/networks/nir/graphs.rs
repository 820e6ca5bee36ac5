//! Each kind of node, and what graphs may look like.

use spiked_server::networks::nir::{Profile, read_bytes};

use super::{
    STEP_NS, options, refused, run,
    writer::{file, input, integrators, nested, node, output, row},
};

const R: f32 = 1e4;

/// Integrators whose potential is the sum of their input: r times the step is 1.
fn sums(nodes: Vec<super::writer::Node<'_>>, edges: &[(&str, &str)], inputs: &[u32]) -> Vec<u32> {
    let bytes = file(&nodes, edges);
    run(&bytes, options(Profile::Euler), inputs, 1).pop().unwrap()
}

/// A cross-correlation of one channel: the kernel is not turned round, padding counts on both sides.
#[test]
fn a_convolution_is_laid_as_torch_lays_it() {
    let kernel = vec![1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 2.0];
    let convolution = node(
        "conv",
        "Conv2d",
        vec![
            ("weight", &[1, 1, 3, 3], kernel),
            row("padding", &[1.0, 1.0]),
            row("stride", &[1.0, 1.0]),
            row("bias", &[0.25]),
        ],
    );
    let ports = [("input", "conv"), ("conv", "out"), ("out", "output")];
    // One event in the middle: K(0, 0) reaches the place right below it, K(2, 2) the one above.
    let event = [0, 0, 0, 0, 1, 0, 0, 0, 0];
    for (threshold, expected) in [
        (0.2, [1, 1, 1, 1, 1, 1, 1, 1, 1]),
        (1.0, [1, 0, 0, 0, 0, 0, 0, 0, 1]),
        (2.0, [1, 0, 0, 0, 0, 0, 0, 0, 0]),
    ] {
        let out = (
            "out",
            "IF",
            vec![
                ("r", &[1_u64, 3, 3][..], vec![R; 9]),
                ("v_threshold", &[1, 3, 3][..], vec![threshold; 9]),
            ],
        );
        let out = node(out.0, out.1, out.2);
        let again = node("conv", "Conv2d", convolution.2.clone());
        let fired = sums(vec![input(&[1.0, 3.0, 3.0]), again, out, output()], &ports, &event);
        assert_eq!(fired, expected, "above {threshold}");
    }
}

#[test]
fn pools_scales_flattening_and_matrices_in_a_row_are_one_set_of_weights() {
    let nodes = |threshold| {
        vec![
            input(&[1.0, 2.0, 4.0]),
            node(
                "pool",
                "AvgPool2d",
                vec![
                    row("kernel_size", &[2.0, 2.0]),
                    row("stride", &[2.0, 2.0]),
                    row("padding", &[0.0, 0.0]),
                ],
            ),
            node("scale", "Scale", vec![("scale", &[1, 1, 2], vec![1.0, 3.0])]),
            node("flat", "Flatten", vec![row("start_dim", &[0.0]), row("end_dim", &[-1.0])]),
            node("a", "Linear", vec![("weight", &[2, 2], vec![1.0, 0.0, 1.0, 1.0])]),
            node("b", "Affine", vec![("weight", &[1, 2], vec![2.0, 4.0]), row("bias", &[0.5])]),
            integrators("out", 1, R, threshold),
            output(),
        ]
    };
    let edges = [
        ("input", "pool"),
        ("pool", "scale"),
        ("scale", "flat"),
        ("flat", "a"),
        ("a", "b"),
        ("b", "out"),
        ("out", "output"),
    ];
    // The pools hold 1/4 and 2/4, scaled 1/4 and 6/4, so a makes 1/4 and 7/4 and b makes 8.
    let events = [1, 0, 1, 0, 0, 0, 0, 1];
    assert_eq!(sums(nodes(7.99), &edges, &events), [1]);
    assert_eq!(sums(nodes(8.01), &edges, &events), [0]);
}

#[test]
fn a_delay_is_honoured_unit_by_unit_and_its_rounding_is_said() {
    let bytes = file(
        &[
            input(&[2.0]),
            node("late", "Delay", vec![row("delay", &[2e-4, 5.2e-4])]),
            integrators("out", 2, R, 0.5),
            output(),
        ],
        &[("input", "late"), ("late", "out"), ("out", "output")],
    );
    let mut events = vec![0; 16];
    events[..2].fill(1);
    let fired = run(&bytes, options(Profile::Euler), &events, 8).pop().unwrap();
    let steps: Vec<usize> = (0..16).filter(|&at| fired[at] > 0).collect();
    assert_eq!(steps, [2 * 2, 5 * 2 + 1]);
    let notes = read_bytes(&bytes, "a", "a", options(Profile::Euler)).unwrap().network.notes;
    let said = notes.iter().find(|note| note.contains("rounded to ticks")).unwrap();
    assert!(said.contains("100000 ns") && said.contains("20000."), "{said}");
}

#[test]
fn a_loop_comes_back_one_step_later_and_is_noted() {
    let bytes = file(
        &[
            input(&[1.0]),
            integrators("0", 1, R, 0.5),
            node("rec.w", "Linear", vec![("weight", &[1, 1], vec![1.0])]),
            output(),
        ],
        &[("input", "0"), ("0", "rec.w"), ("rec.w", "0"), ("0", "output")],
    );
    let fired = run(&bytes, options(Profile::Snntorch), &[0, 1, 0, 0, 0], 5).pop().unwrap();
    assert_eq!(fired, [0, 1, 1, 1, 1]);
    let notes = read_bytes(&bytes, "a", "a", options(Profile::Euler)).unwrap().network.notes;
    assert!(notes.iter().any(|note| note.contains("closes a loop")), "{notes:?}");
}

#[test]
fn a_subgraph_is_taken_apart() {
    let inner = [input(&[2.0]), integrators("if", 2, R, 0.5), output()];
    let bytes = nested(
        &[input(&[2.0]), integrators("out", 2, R, 0.5), output()],
        &[("input", "block"), ("block", "out"), ("out", "output")],
        ("block", &inner, &[("input", "if"), ("if", "output")]),
    );
    let described = read_bytes(&bytes, "a", "a", options(Profile::Euler)).unwrap();
    let names: Vec<_> = described.network.populations.iter().map(|p| p.name.as_str()).collect();
    assert_eq!(names, ["block.if", "out"]);
    assert_eq!(run(&bytes, options(Profile::Euler), &[0, 1], 1), [[0, 1], [0, 1]]);
}

/// A Dirac raises a LIF by r w / tau; a synaptic current has the area r w_in w.
#[test]
fn an_exact_neuron_takes_a_spike_as_a_dirac() {
    let fired = |weight: f32| {
        let bytes = file(
            &[
                input(&[1.0]),
                node("w", "Linear", vec![("weight", &[1, 1], vec![weight])]),
                node(
                    "lif",
                    "LIF",
                    vec![
                        row("tau", &[0.01]),
                        row("r", &[2.0]),
                        row("v_leak", &[0.0]),
                        row("v_threshold", &[1.0]),
                    ],
                ),
                output(),
            ],
            &[("input", "w"), ("w", "lif"), ("lif", "output")],
        );
        run(&bytes, options(Profile::ExactDirac), &[1, 0], 2).pop().unwrap()
    };
    assert_eq!((fired(0.0049), fired(0.0051)), (vec![0, 0], vec![1, 0]));
}

#[test]
fn what_cannot_be_run_is_named() {
    let out = || integrators("out", 1, 1.0, 1.0);
    let weights = |rows: u64, columns: u64| {
        let count = usize::try_from(rows * columns).unwrap();
        let shape: &'static [u64] = Box::leak(vec![rows, columns].into_boxed_slice());
        vec![("weight", shape, vec![1.0; count])]
    };
    let through = |nodes: Vec<super::writer::Node<'static>>, name: &'static str| {
        let mut all = vec![input(&[2.0]), out(), output()];
        all.extend(nodes);
        file(&all, &[("input", name), (name, "out"), ("out", "output")])
    };
    let leaky = vec![row("tau", &[0.01]), row("r", &[1.0]), row("v_leak", &[0.0])];
    let still = vec![
        row("tau", &[0.0]),
        row("r", &[1.0]),
        row("v_leak", &[0.0]),
        row("v_threshold", &[1.0]),
    ];
    for (bytes, name, said) in [
        (through(vec![node("fc", "Linear", weights(1, 3))], "fc"), "fc", "takes 3 inputs"),
        (through(vec![node("odd", "Softmax", vec![])], "odd"), "odd", "Softmax"),
        (through(vec![node("li", "LI", leaky)], "li"), "li", "makes no spikes"),
        (through(vec![node("lif", "LIF", still)], "lif"), "lif", "0 s"),
        (through(vec![node("fc", "Affine", weights(1, 2))], "fc"), "fc", "bias"),
        (through(vec![], "gone"), "gone", "no node has it"),
    ] {
        let error = refused(&bytes, Profile::Euler);
        assert_eq!(error.node.as_deref(), Some(name), "{error}");
        assert!(error.message.contains(said), "{error}");
    }
    let error = refused(b"no such thing", Profile::Euler);
    assert!(error.node.is_none() && error.message.contains("HDF5"), "{error}");
    assert_eq!(STEP_NS, options(Profile::Euler).step_ns);
}

/// Padding makes millions of units from nothing, node after node. Found by hostile graphs: without
/// its bound, this file takes more than a GiB, and as much again with every node.
#[test]
fn padding_has_an_end() {
    let padded = node(
        "pad",
        "Conv2d",
        vec![
            ("weight", &[1, 1, 1, 1], vec![1.0]),
            row("padding", &[0.0, 1e6]),
            row("stride", &[1.0, 1.0]),
        ],
    );
    let names: Vec<String> = (10..30).map(|number| format!("s{number}")).collect();
    let mut nodes = vec![input(&[1.0, 1.0, 1.0]), padded, output()];
    nodes.extend(names.iter().map(|name| node(name, "Scale", vec![row("scale", &[2.0])])));
    let mut path: Vec<&str> = vec!["input", "pad"];
    path.extend(names.iter().map(String::as_str));
    path.push("output");
    let edges: Vec<(&str, &str)> = path.windows(2).map(|pair| (pair[0], pair[1])).collect();
    let error = refused(&file(&nodes, &edges), Profile::Euler);
    assert!(error.message.contains("units before it, in all"), "{error}");
    // The padded field and these have two million units each, and there is room for sixteen of them.
    assert_eq!(error.node.as_deref(), Some("s25"), "{error}");
}
