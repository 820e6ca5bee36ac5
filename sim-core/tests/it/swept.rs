//! Populations that are re-based at every tick, beside the same that are not.

use std::sync::Arc;

use sim_core::{network::*, *};

use crate::support::{output, population, spikes};

const CELLS: PopulationId = PopulationId(0);
/// Rounding at every tick.
const ROUNDING_MV: f64 = 1e-9;

/// Four driven neurons that receive excitation and inhibition, with so long a membrane.
fn network(tau_ms: f64, drive_mv: f64, update: Update) -> Network {
    let receptor = |name: &str, tau_ms| Receptor {
        gain: 3.0,
        ..Receptor::new(name, ReceptorKind::Exponential { tau_ms })
    };
    let lif = LifParameters {
        tau_ms,
        rest_mv: -65.0,
        threshold_mv: -50.0,
        reset_mv: -65.0,
        initial_mv: -65.0,
        drive_mv,
        refractory_ms: 4.3,
        receptors: vec![receptor("up", 2.0), receptor("down", 5.0)],
        ..LifParameters::default()
    };
    let feed = |name: &str, weight| {
        let connectivity = Connectivity::OneToOne { weight, delay_ticks: 2 };
        let mut feed = Projection::new(name, "in", "cells", connectivity);
        feed.receptor = name.into();
        feed
    };
    let mut cells = population("cells", &[4], Neuron::Lif(lif));
    cells.update = update;
    Network {
        tick: TickLength::MILLISECOND,
        inputs: vec![InputPort::new("in", InputShape::Channels(vec![4]))],
        populations: vec![cells],
        projections: vec![feed("up", 15.0), feed("down", -2.0)],
        outputs: vec![output("spikes", &["cells"])],
        ..Network::default()
    }
}

fn running(network: &Network) -> Simulation {
    let plan = Plan::new(network, &[]).expect("valid");
    let mut simulation = Simulation::new(Arc::new(plan), Options::default());
    for tick in 0..200 {
        let channel = u32::try_from(tick * 7 % 5 % 4).expect("below 4");
        simulation.inject(InputId(0), Tick(tick), channel).expect("taken");
    }
    simulation
}

/// In refractory time, too, and where a tick is longer than the membrane remembers.
/// Seen to fail with currents of a resting neuron that are those of the tick before, and with a
/// bound that takes the way of a tick for half of it.
#[test]
fn a_swept_neuron_fires_and_is_seen_as_one_that_is_not() {
    for (tau_ms, drive_mv) in [(20.0, 16.0), (5.0, 0.0), (0.4, 15.1), (0.4, -5.0)] {
        let mut swept = running(&network(tau_ms, drive_mv, Update::EveryTick));
        let mut expected = running(&network(tau_ms, drive_mv, Update::OnArrival));
        for tick in 1..200 {
            swept.run_until(Tick(tick)).expect("runs");
            expected.run_until(Tick(tick)).expect("runs");
            for cell in 0..4 {
                let seen = |simulation: &Simulation| {
                    let current = |receptor| simulation.current_mv(CELLS, cell, receptor);
                    let potential_mv = simulation.potential_mv(CELLS, cell);
                    [potential_mv, current(0), current(1)].map(|seen| seen.expect("linear"))
                };
                for (found, expected) in seen(&swept).into_iter().zip(seen(&expected)) {
                    let difference = (found - expected).abs();
                    assert!(difference < ROUNDING_MV, "tick {tick}: {found} is not {expected}");
                }
            }
        }
        let fired = spikes(swept.outputs());
        assert!(fired.len() > 20, "{} spikes", fired.len());
        assert_eq!(fired, spikes(expected.outputs()));
    }
}
