//! Spike trains of NEST's iaf_psc_exp_ps_lossless, exact to about 1e-12 ms, through the whole core:
//! plan, rows, calendar, simulation. Weights are pA, and `tau_m / C` is the gain.

use std::sync::Arc;

use serde_json::Value;
use sim_core::{network::*, *};

use crate::support::{output, plan, run, spikes};

/// All events are over by then \[µs\].
const UNTIL_US: u64 = 1_100_000;

fn shared(test: &str, name: &str) -> Option<Value> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data/exact_lif");
    let Ok(text) = std::fs::read_to_string(format!("{folder}/{name}")) else {
        #[expect(clippy::print_stderr, reason = "a skip must be seen")]
        {
            eprintln!("SKIPPED {test}: shared/data/exact_lif/{name} is not beside the repository");
        }
        return None;
    };
    Some(serde_json::from_str(&text).expect("JSON"))
}

fn numbers(data: &Value, name: &str) -> Vec<f64> {
    let all = data[name].as_array().expect("an array");
    all.iter().map(|number| number.as_f64().expect("a number")).collect()
}

/// The weights that occur, one channel each.
fn channels(data: &Value) -> Vec<f64> {
    let mut weights = numbers(data, "input_weight_pa");
    weights.sort_by(f64::total_cmp);
    weights.dedup();
    weights
}

fn neuron(data: &Value) -> Neuron {
    let number = |name: &str| data[name].as_f64().expect("a number");
    // A current \[pA\] as the potential that it would hold \[mV\].
    let gain = number("tau_m_ms") / number("c_pf");
    let kind = ReceptorKind::Exponential { tau_ms: number("tau_syn_ms") };
    Neuron::Lif(LifParameters {
        tau_ms: number("tau_m_ms"),
        rest_mv: number("v_rest_mv"),
        threshold_mv: number("v_threshold_mv"),
        reset_mv: number("v_reset_mv"),
        drive_mv: number("bias_pa") * gain,
        refractory_ms: number("t_ref_ms"),
        receptors: vec![Receptor { gain, ..Receptor::new("current", kind) }],
        ..LifParameters::default()
    })
}

/// One neuron behind a channel a weight.
fn network(data: &Value, ticks_per_us: u64) -> Network {
    let weights = channels(data);
    let count = u32::try_from(weights.len()).expect("few weights");
    let delay = data["delay_us"].as_u64().expect("a delay") * ticks_per_us;
    let synapses = ExplicitSynapses {
        sources: (0..count).collect(),
        targets: vec![0; weights.len()],
        delays_ticks: vec![u32::try_from(delay).expect("short"); weights.len()],
        weights,
    };
    let connectivity = Connectivity::Explicit(Arc::new(synapses));
    Network {
        tick: TickLength::from_ns(1_000 / ticks_per_us).expect("in range"),
        inputs: vec![InputPort::new("in", InputShape::Channels(vec![count]))],
        populations: vec![Population::new("cell", &[1], neuron(data))],
        projections: vec![Projection::new("excite", "in", "cell", connectivity)],
        outputs: vec![output("spikes", &["cell"])],
        ..Network::default()
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole numbers")]
fn events(data: &Value) -> Vec<InputEvent> {
    let weights = channels(data);
    let address = |weight: f64| {
        let found = weights.iter().position(|known| *known == weight);
        u32::try_from(found.expect("it occurs")).expect("few weights")
    };
    let inputs = numbers(data, "input_us").into_iter().zip(numbers(data, "input_weight_pa"));
    inputs.map(|(us, weight)| InputEvent::new(us as u64, address(weight))).collect()
}

/// Ticks of all spikes up to the last one of the reference, with a little room.
fn fired(data: &Value, ticks_per_us: u64) -> Vec<u64> {
    let plan = plan(&network(data, ticks_per_us));
    assert_eq!(plan.cost().populations[0].rounding_max, 0.0, "weights are exact");
    let fired = spikes(&run(&plan, &[events(data)], UNTIL_US));
    assert!(fired.iter().all(|&(_, _, times)| times == 1));
    let end = 1_000_000 * ticks_per_us;
    fired.into_iter().map(|(tick, ..)| tick).filter(|&tick| tick < end).collect()
}

/// Every spike and none beside them: in the first tick of 1 µs at or after it, and with ticks of
/// 1 ns within 2 ns.
fn check(test: &str, name: &str) {
    let Some(data) = shared(test, name) else { return };
    let expected_ms = numbers(&data, "output_ms");
    assert!(expected_ms.len() > 5, "{name} has spikes");
    let (coarse, fine) = (fired(&data, 1), fired(&data, 1_000));
    assert_eq!((coarse.len(), fine.len()), (expected_ms.len(), expected_ms.len()), "{name}");
    for (expected_ms, (us, ns)) in expected_ms.into_iter().zip(coarse.into_iter().zip(fine)) {
        assert_eq!(us as f64, (expected_ms * 1e3).ceil(), "{name}: {expected_ms} ms");
        assert!((ns as f64 - expected_ms * 1e6).abs() <= 2.0, "{name}: {expected_ms} ms, {ns} ns");
    }
}

/// Seen to fail with a gain that is a millionth too high, and with a delay one tick too long.
#[test]
fn agrees_with_a_driven_neuron_of_another_simulator() {
    check("agrees_with_a_driven_neuron_of_another_simulator", "driven.json");
}

#[test]
fn agrees_with_a_balanced_neuron_of_another_simulator() {
    check("agrees_with_a_balanced_neuron_of_another_simulator", "balanced.json");
}

#[test]
fn agrees_with_a_neuron_of_another_simulator_that_has_a_slow_current() {
    let test = "agrees_with_a_neuron_of_another_simulator_that_has_a_slow_current";
    check(test, "two_to_one.json");
}
