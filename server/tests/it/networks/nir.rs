//! NIR files: what frameworks wrote spikes as it did there, and what cannot be run is named.

mod bounds;
mod fields;
mod folder;
mod graphs;
mod notes;
mod profiles;
mod refusals;
mod reproduced;
mod served;
mod writer;

use spiked_server::networks::nir::{NirError, Options, Profile, read_bytes, replay};

const STEP_NS: u64 = 100_000;

fn options(profile: Profile) -> Options {
    Options { profile, step_ns: STEP_NS }
}

/// What the last population fires, [step, unit], under a profile.
fn run(bytes: &[u8], options: Options, input: &[u32], steps: usize) -> Vec<Vec<u32>> {
    let described = read_bytes(bytes, "a.nir", "a", options).unwrap();
    let fired = replay(&described, options, input, steps).unwrap();
    fired.into_iter().map(|population| population.counts).collect()
}

fn refused(bytes: &[u8], profile: Profile) -> NirError {
    read_bytes(bytes, "a.nir", "a", options(profile)).unwrap_err()
}

/// Nodes in a row between an input of a shape and the output.
fn through(shape: &[f32], nodes: Vec<writer::Node<'_>>) -> Vec<u8> {
    let names: Vec<String> = nodes.iter().map(|node| node.0.to_owned()).collect();
    let mut path: Vec<&str> = vec!["input"];
    path.extend(names.iter().map(String::as_str));
    path.push("output");
    let edges: Vec<(&str, &str)> = path.windows(2).map(|pair| (pair[0], pair[1])).collect();
    let mut all = vec![writer::input(shape), writer::output()];
    all.extend(nodes);
    writer::file(&all, &edges)
}
