//! The reference networks fire as often as they do in other simulators.

#[path = "../../examples/workloads/networks.rs"]
#[expect(dead_code, reason = "the workloads have more")]
mod networks;

use std::sync::Arc;

use sim_core::{network::*, *};

/// Mean rate in a second \[Hz\].
fn rate_hz(network: &Network) -> f64 {
    let plan = Arc::new(Plan::new(network, &[]).expect("a valid network"));
    let neurons = plan.cost().neurons as f64;
    let mut simulation = Simulation::new(plan, Options::default());
    simulation.run_until(Tick(10_000)).expect("room for all spikes");
    simulation.counters().spikes as f64 / neurons
}

/// Four simulators fire at 5.0 to 6.2 Hz.
#[test]
fn cuba_sustains_itself_at_the_rate_of_others() {
    let rate_hz = rate_hz(&networks::cuba());
    assert!((5.0..=6.2).contains(&rate_hz), "{rate_hz} Hz");
}

/// Three simulators fire at 41.7 to 43.0 Hz.
#[test]
fn brunels_network_fires_at_the_rate_of_others() {
    let rate_hz = rate_hz(&networks::brunel(true));
    assert!((41.7..=43.0).contains(&rate_hz), "{rate_hz} Hz");
}

/// 2 ms of refractory time and 20 ms ln(30 / 20) from reset to threshold at a mean input of 40 mV.
/// Noise and arrivals that come by the tick make it half a hertz more.
#[test]
fn brunels_neurons_alone_fire_as_their_equation_says() {
    let rate_hz = rate_hz(&networks::brunel(false));
    assert!((98.9..=99.9).contains(&rate_hz), "{rate_hz} Hz");
}
