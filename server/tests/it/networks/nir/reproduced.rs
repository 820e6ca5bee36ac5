//! Files that frameworks wrote, against what the frameworks made of them.

#![expect(
    clippy::cast_possible_truncation,
    reason = "single precision is what is meant, and spikes are few"
)]

use std::fs;
use std::path::PathBuf;

use spiked_server::networks::nir::{Options, Profile};
use spiked_server::networks::text::npz_array;

use super::{
    run,
    writer::{Node, file, input, node, output, row},
};

/// A file of the shared data, which lies beside the repository.
pub(super) fn shared(test: &str, name: &str) -> Option<Vec<u8>> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/nir").join(name);
    if path.exists() {
        return Some(fs::read(path).unwrap());
    }
    #[expect(clippy::print_stderr, reason = "a skip must be seen")]
    {
        eprintln!("SKIPPED nir::{test}: {} is not there", path.display());
    }
    None
}

pub(super) fn spikes(npz: &[u8], name: &str) -> (usize, Vec<u32>) {
    let (shape, numbers) = npz_array(npz, name).unwrap().unwrap();
    (shape[0] as usize, numbers.into_iter().map(|number| number as u32).collect())
}

/// A layer as the file holds it.
#[derive(Clone)]
struct Layer {
    weight: Vec<f32>,
    bias: Vec<f32>,
    tau: Vec<f32>,
    r: Vec<f32>,
}

fn layers(bytes: &[u8]) -> Vec<Layer> {
    let file = hdf5_pure::File::from_bytes(bytes.to_vec()).unwrap();
    let get = |path: &str| file.dataset(&format!("node/nodes/{path}")).unwrap().read_f32().unwrap();
    [("0", "1"), ("2", "3")]
        .map(|(affine, lif)| Layer {
            weight: get(&format!("{affine}/weight")),
            bias: get(&format!("{affine}/bias")),
            tau: get(&format!("{lif}/tau")),
            r: get(&format!("{lif}/r")),
        })
        .to_vec()
}

/// What the framework does, in its own single precision: add in order, step, compare, reset to 0.
fn framework(layers: &[Layer], step_share: f64, input: &[u32], steps: usize) -> Vec<u32> {
    let mut arriving: Vec<f32> = input.iter().map(|&count| count as f32).collect();
    for layer in layers {
        let (units, inputs) = (layer.bias.len(), arriving.len() / steps);
        let mut v = vec![0.0_f32; units];
        let mut fired = vec![0.0_f32; units * steps];
        for step in 0..steps {
            for unit in 0..units {
                let weights = &layer.weight[unit * inputs..][..inputs];
                let now = &arriving[step * inputs..][..inputs];
                let x = weights.iter().zip(now).map(|(w, x)| w * x).sum::<f32>() + layer.bias[unit];
                let rate = (step_share / f64::from(layer.tau[unit])) as f32;
                v[unit] += rate * (layer.r[unit] * x - v[unit]);
                if v[unit] > 1.0 {
                    (v[unit], fired[step * units + unit]) = (0.0, 1.0);
                }
            }
        }
        arriving = fired;
    }
    arriving.into_iter().map(|fired| fired as u32).collect()
}

fn written(layers: &[Layer]) -> Vec<u8> {
    let inputs = layers[0].weight.len() / layers[0].bias.len();
    let mut nodes: Vec<Node<'static>> = vec![input(&[inputs as f32]), output()];
    for (layer, (affine, lif)) in layers.iter().zip([("0", "1"), ("2", "3")]) {
        let units = layer.bias.len();
        let shape = vec![units as u64, (layer.weight.len() / units) as u64];
        let shape: &'static [u64] = Box::leak(shape.into_boxed_slice());
        let weight = ("weight", shape, layer.weight.clone());
        nodes.push(node(affine, "Affine", vec![weight, row("bias", &layer.bias)]));
        nodes.push(node(
            lif,
            "LIF",
            vec![
                row("tau", &layer.tau),
                row("r", &layer.r),
                row("v_leak", &vec![0.0; units]),
                row("v_threshold", &vec![1.0; units]),
            ],
        ));
    }
    file(&nodes, &[("input", "0"), ("0", "1"), ("1", "2"), ("2", "3"), ("3", "output")])
}

/// Between -1 and 1, from a seed (xorshift).
fn noise(state: &mut u64) -> f64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    (*state >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
}

/// The recorded spikes, and those of networks whose weights differ by up to 1e-7 of themselves,
/// wherever the framework's own stay the same: nothing rests on how a weight was rounded.
fn reproduces(test: &str, name: &str, options: Options, step_share: f64) {
    let (Some(bytes), Some(npz)) =
        (shared(test, &format!("{name}.nir")), shared(test, &format!("{name}_io.npz")))
    else {
        return;
    };
    let (steps, given) = spikes(&npz, "input");
    let (_, expected) = spikes(&npz, "spikes");
    let fired = run(&bytes, options, &given, steps);
    assert_eq!(fired[1], expected);
    if npz_array(&npz, "hidden_spikes").unwrap().is_some() {
        assert_eq!(fired[0], spikes(&npz, "hidden_spikes").1);
    }

    let layers = layers(&bytes);
    assert_eq!(framework(&layers, step_share, &given, steps), expected, "the framework's own");
    let (mut state, mut same) = (0x5eed, 0);
    for perturbed in 0..50 {
        let mut layers = layers.clone();
        for weight in layers.iter_mut().flat_map(|layer| &mut layer.weight) {
            *weight = (f64::from(*weight) * (1.0 + 1e-7 * noise(&mut state))) as f32;
        }
        if framework(&layers, step_share, &given, steps) == expected {
            same += 1;
            let fired = run(&written(&layers), options, &given, steps);
            assert_eq!(fired[1], expected, "perturbed network {perturbed}");
        }
    }
    assert!(same >= 40, "the framework's own spikes stay the same in {same} of 50");
}

#[test]
fn a_network_of_snntorch_spike_for_spike() {
    for profile in [Profile::Euler, Profile::Snntorch] {
        let options = Options { profile, step_ns: 100_000 };
        reproduces("a_network_of_snntorch_spike_for_spike", "ff_lif_snntorch", options, 1e-4);
    }
}

#[test]
fn a_network_of_norse_spike_for_spike_as_norse_writes_tau() {
    let test = "a_network_of_norse_spike_for_spike_as_norse_writes_tau";
    let options = Options { profile: Profile::Norse, step_ns: 1_000_000 };
    reproduces(test, "ff_lif_norse", options, 1e-6);
    let options = Options { profile: Profile::Euler, step_ns: 1_000 };
    reproduces(test, "ff_lif_norse", options, 1e-6);
}

/// A neuron behind one synapse, as `lif_norse.nir` has it.
#[derive(Clone)]
struct One {
    weight: f32,
    bias: f32,
    tau: f32,
    r: f32,
    leak: f32,
    threshold: f32,
}

impl One {
    fn read(bytes: &[u8]) -> Self {
        let file = hdf5_pure::File::from_bytes(bytes.to_vec()).unwrap();
        let nodes = file.group("node/nodes").unwrap();
        let names = nodes.groups().unwrap();
        let get = |parameter: &str| {
            let paths = names.iter().map(|name| format!("node/nodes/{name}/{parameter}"));
            let mut found = paths.filter_map(|path| file.dataset(&path).ok());
            found.next().unwrap().read_f32().unwrap()[0]
        };
        Self {
            weight: get("weight"),
            bias: get("bias"),
            tau: get("tau"),
            r: get("r"),
            leak: get("v_leak"),
            threshold: get("v_threshold"),
        }
    }

    fn written(&self) -> Vec<u8> {
        let affine = vec![("weight", &[1, 1][..], vec![self.weight]), row("bias", &[self.bias])];
        let lif = vec![
            row("tau", &[self.tau]),
            row("r", &[self.r]),
            row("v_leak", &[self.leak]),
            row("v_threshold", &[self.threshold]),
        ];
        let nodes = [input(&[1.0]), node("0", "Affine", affine), node("1", "LIF", lif), output()];
        file(&nodes, &[("input", "0"), ("0", "1"), ("1", "output")])
    }

    /// The exact solution from step to step, in which the input does not change: spikes.
    fn solved(&self, step_s: f64, given: &[u32]) -> Vec<u32> {
        let [weight, bias, tau, r, leak, threshold] =
            [self.weight, self.bias, self.tau, self.r, self.leak, self.threshold].map(f64::from);
        let mut v = 0.0;
        let spikes = given.iter().map(|&count| {
            let end = leak + r * (weight * f64::from(count) + bias);
            // A crossing may be anywhere in a step; behind it the neuron starts at 0.
            let (mut left_s, mut spikes) = (step_s, 0);
            if end > threshold {
                loop {
                    let crossing_s = tau * ((end - v) / (end - threshold)).ln();
                    if crossing_s > left_s {
                        break;
                    }
                    (v, left_s, spikes) = (0.0, left_s - crossing_s, spikes + 1);
                }
            }
            v = end + (v - end) * (-left_s / tau).exp();
            spikes
        });
        spikes.collect()
    }
}

/// Input and spikes of a recording whose columns are input, membrane, spike.
pub(super) fn recorded(test: &str, name: &str) -> Option<[Vec<u32>; 2]> {
    let text = String::from_utf8(shared(test, name)?).unwrap();
    let column = |at: usize| {
        let values = text.lines().map(|line| line.split(',').nth(at).unwrap().trim());
        values.map(|value| value.parse::<f64>().unwrap() as u32).collect()
    };
    Some([column(0), column(2)])
}

#[test]
fn one_neuron_follows_the_exact_solution() {
    let test = "one_neuron_follows_the_exact_solution";
    let Some(bytes) = shared(test, "lif_norse.nir") else { return };
    let options = Options { profile: Profile::ExactPulse, step_ns: 100_000 };
    for name in ["lif_exact.csv", "lif_snntorch.csv"] {
        let Some([given, expected]) = recorded(test, name) else { return };
        assert_eq!(expected.iter().sum::<u32>(), 4);
        assert_eq!(run(&bytes, options, &given, given.len())[0], expected, "{name}");
        let dirac = Options { profile: Profile::ExactDirac, ..options };
        assert_ne!(
            run(&bytes, dirac, &given, given.len())[0],
            expected,
            "a Dirac is another input"
        );

        // And where the weight differs by up to 1e-7 of itself.
        let one = One::read(&bytes);
        assert_eq!(one.solved(1e-4, &given), expected, "the solution's own");
        let (mut state, mut same) = (0x5eed, 0);
        for perturbed in 0..50 {
            let weight = (f64::from(one.weight) * (1.0 + 1e-7 * noise(&mut state))) as f32;
            let one = One { weight, ..one.clone() };
            if one.solved(1e-4, &given) == expected {
                same += 1;
                let fired = run(&one.written(), options, &given, given.len());
                assert_eq!(fired[0], expected, "{name}, perturbed {perturbed}");
            }
        }
        assert!(same >= 40, "the solution's own spikes stay the same in {same} of 50");
    }
}
