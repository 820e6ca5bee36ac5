//! Spike trains of NEST's iaf_psc_exp_ps_lossless, exact to about 1e-12 ms.

use std::path::PathBuf;

use serde_json::Value;

use super::*;
use crate::network::neurons::lif::{Receptor, ReceptorKind};

/// What a unit of a sum stands for \[pA\].
const QUANTUM_PA: f64 = 1.0 / 1024.0;

fn shared(test: &str, name: &str) -> Option<Value> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data/exact_lif");
    let path = PathBuf::from(folder).join(name);
    let Ok(text) = std::fs::read_to_string(&path) else {
        #[expect(clippy::print_stderr, reason = "a skip must be seen")]
        {
            eprintln!("SKIPPED {test}: shared/data/exact_lif/{name} is not beside the repository");
        }
        return None;
    };
    Some(serde_json::from_str(&text).unwrap())
}

fn numbers(data: &Value, name: &str) -> Vec<f64> {
    data[name].as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
}

fn parameters(data: &Value) -> LifParameters {
    let number = |name: &str| data[name].as_f64().unwrap();
    // A current \[pA\] as the potential that it would hold \[mV\].
    let gain = number("tau_m_ms") / number("c_pf");
    let kind = ReceptorKind::Exponential { tau_ms: number("tau_syn_ms") };
    LifParameters {
        tau_ms: number("tau_m_ms"),
        threshold_mv: number("v_threshold_mv"),
        drive_mv: number("bias_pa") * gain,
        refractory_ms: number("t_ref_ms"),
        receptors: vec![Receptor { gain, ..Receptor::new("current", kind) }],
        ..Default::default()
    }
}

/// Spikes of the neuron in a file \[ticks\].
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole numbers")]
fn spikes(data: &Value, ticks_per_us: u64) -> Vec<u64> {
    let parameters = parameters(data);
    let tick = TickLength::from_ns(1_000 / ticks_per_us).unwrap();
    let linear = Linear::new(&parameters, tick, &[QUANTUM_PA]).with_tables();
    let inputs = numbers(data, "input_us").into_iter().zip(numbers(data, "input_weight_pa"));
    let delay_us = data["delay_us"].as_u64().unwrap();
    let arrivals: Vec<_> = inputs
        .map(|(us, pa)| ((us as u64 + delay_us) * ticks_per_us, vec![(pa / QUANTUM_PA) as i64]))
        .collect();
    let until = 1_000_000 * ticks_per_us;
    let spikes = Driven::<1>::new(&linear, 0.0).run(&arrivals, until);
    assert!(spikes.iter().all(|&(_, fired)| fired == 1));
    spikes.into_iter().map(|(tick, _)| tick).collect()
}

/// Every spike and none beside them: in the first tick of 1 µs at or after it, and with ticks of
/// 1 ns within 2 ns.
///
/// Seen to fail with currents that stand still in refractory time, and with K taken at a drive of
/// half the tick.
fn check(test: &str, name: &str) {
    let Some(data) = shared(test, name) else { return };
    let expected_ms = numbers(&data, "output_ms");
    assert!(expected_ms.len() > 5, "{name} has spikes");
    let (coarse, fine) = (spikes(&data, 1), spikes(&data, 1_000));
    assert_eq!((coarse.len(), fine.len()), (expected_ms.len(), expected_ms.len()), "{name}");
    for (expected_ms, (us, ns)) in expected_ms.into_iter().zip(coarse.into_iter().zip(fine)) {
        assert_eq!(us as f64, (expected_ms * 1e3).ceil(), "{name}: {expected_ms} ms");
        assert!((ns as f64 - expected_ms * 1e6).abs() <= 2.0, "{name}: {expected_ms} ms, {ns} ns");
    }
}

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
