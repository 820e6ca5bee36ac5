//! Files beyond what is read, and recorded inputs that a network does not take.

use hdf5_pure::FileBuilder;
use spiked_server::networks::nir::{self, Profile, ReplayError, read_bytes, replay};

use super::{
    options, refused, through,
    writer::{file, input, integrators, node, output, row},
};

const E: Profile = Profile::Euler;

#[test]
fn a_file_that_is_too_long_is_not_looked_at() {
    let long = refused(&vec![0; (256 << 20) + 1], E);
    assert_eq!((long.node, &*long.message), (None, "is longer than 268435456 bytes"));
}

#[test]
fn edges_have_a_bound() {
    let edges = vec![("input", "if"); 65_537];
    let many = file(&[input(&[1.0]), integrators("if", 1, 1.0, 1.0), output()], &edges);
    let many = refused(&many, E);
    assert_eq!((many.node, &*many.message), (None, "its edges cannot be read: has too many words"));
}

/// All numbers of a file count together: each of two nodes has half of what there may be, and one of them
/// a number more.
#[test]
fn numbers_have_one_bound_for_all_nodes_of_a_file() {
    const HALF: usize = 16 << 20;
    let of = |more: usize| {
        let mut builder = FileBuilder::new();
        let mut graph = builder.create_group("node");
        let mut nodes = graph.create_group("nodes");
        for (name, count) in [("a", HALF), ("b", HALF + more)] {
            let mut node = nodes.create_group(name);
            node.create_dataset("type").with_vlen_strings(&["Scale"]);
            node.create_dataset("scale").with_u8_data(&vec![1; count]);
            nodes.add_group(node.finish());
        }
        graph.add_group(nodes.finish());
        builder.add_group(graph.finish());
        builder.finish().unwrap()
    };
    let beyond = refused(&of(1), E);
    assert_eq!(beyond.node.as_deref(), Some("b"), "{beyond}");
    let words = "scale cannot be read: the file holds more than 33554432 numbers";
    assert_eq!(beyond.message, words);
    let within = refused(&of(0), E);
    assert!(within.message.starts_with("its edges cannot be read"), "{within}");
}

#[test]
fn what_is_no_file_is_not_opened() {
    let folder = tempfile::tempdir().unwrap();
    let error = nir::read(folder.path(), options(E)).unwrap_err();
    assert_eq!((error.node, &*error.message), (None, "is no file"));
    assert_eq!(error.file, folder.path().display().to_string());
    let error = nir::read(&folder.path().join("gone.nir"), options(E)).unwrap_err();
    assert!(error.message.starts_with("cannot be read: "), "{error}");
}

fn replayed(bytes: &[u8], given: &[u32], steps: usize) -> String {
    let described = read_bytes(bytes, "a.nir", "a", options(E)).unwrap();
    match replay(&described, options(E), given, steps).unwrap_err() {
        ReplayError::Input(said) => format!("input: {said}"),
        ReplayError::Network(error) => format!("network: {error}"),
    }
}

#[test]
fn a_recorded_input_that_does_not_fit_is_refused() {
    let one = through(&[2.0], vec![integrators("if", 2, 1.0, 1.0)]);
    let two = file(
        &[
            input(&[2.0]),
            node("other", "Input", vec![row("shape", &[2.0])]),
            integrators("if", 2, 1.0, 1.0),
            output(),
        ],
        &[("input", "if"), ("other", "if"), ("if", "output")],
    );
    let biased = node("on", "Affine", vec![("weight", &[1, 1], vec![1.0]), row("bias", &[9.0])]);
    let drive = through(&[1.0], vec![biased, integrators("if", 1, 1e4, 0.01)]);
    for (bytes, given, steps, said) in [
        (&one, &[0; 6][..], 2, "input: input has 3 channels where the network has 2"),
        (&one, &[], 0, "input: input has 0 channels where the network has 2"),
        (&two, &[0; 4], 2, "input: the network has 2 inputs; one is needed"),
        (&one, &[0, 256], 1, "input: input holds 256 spikes in one step at one channel"),
    ] {
        assert_eq!(replayed(bytes, given, steps), said);
    }
    // Within what is taken, and it fires in each step.
    let described = read_bytes(&drive, "a.nir", "a", options(E)).unwrap();
    let fired = replay(&described, options(E), &[255, 0], 2).unwrap();
    assert_eq!(fired[0].counts, [1, 1]);
}

/// An exact neuron may cross its threshold many times in a step; a wrong profile has an end.
#[test]
fn a_network_that_fires_without_end_is_refused() {
    let biased = node("on", "Affine", vec![("weight", &[1, 1], vec![1.0]), row("bias", &[1.0])]);
    let bytes = through(&[1.0], vec![biased, integrators("if", 1, 1e6, 1.0)]);
    let options = options(Profile::ExactPulse);
    let described = read_bytes(&bytes, "a.nir", "a", options).unwrap();
    let error = replay(&described, options, &[0; 4], 4).unwrap_err();
    let said = error.to_string();
    assert!(matches!(error, ReplayError::Network(_)), "{said}");
    assert!(said.contains("fires more than 8 times a step and neuron"), "{said}");
}
