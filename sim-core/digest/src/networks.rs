//! Networks that between them use every model and every way to lay synapses, and are never silent.

use std::sync::Arc;

use sim_core::{TickLength, connect::motion_kernel::MotionKernel, network::*};

/// All of them, with the ticks that each is run.
pub(crate) fn all() -> Vec<(Network, u64)> {
    vec![
        (noisy(), 2_000),
        (self_sustained(Update::EveryTick), 3_000),
        (self_sustained(Update::OnArrival), 3_000),
        (precise(), 40_000),
        (clocked(), 5_000),
        (moving(), 200),
        (short_term(), 4_000),
    ]
}

fn network(name: &str, tick_ns: u64) -> Network {
    let tick = TickLength::from_ns(tick_ns).expect("a tick of 1 ns to 1 s");
    Network { name: name.into(), tick, seed: 20, ..Network::default() }
}

/// All spikes leave.
fn observed(mut network: Network) -> Network {
    let sources = network.populations.iter().map(|population| population.name.clone()).collect();
    network.outputs = vec![OutputPort { name: "spikes".into(), sources }];
    network
}

fn drawn(name: &str, ends: [&str; 2], receptor: &str, random: RandomConnectivity) -> Projection {
    let connectivity = Connectivity::Random(random);
    Projection {
        receptor: receptor.into(),
        ..Projection::new(name, ends[0], ends[1], connectivity)
    }
}

fn exponential(name: &str, tau_ms: f64) -> Receptor {
    Receptor::new(name, ReceptorKind::Exponential { tau_ms })
}

/// Brunel's network, small: noise in every tick, jumps, delays of 1 to 50 ticks.
fn noisy() -> Network {
    let lif = LifParameters {
        threshold_mv: 20.0,
        reset_mv: 10.0,
        refractory_ms: 2.0,
        strict: true,
        ..LifParameters::default()
    };
    let mut noisy = network("noisy", 100_000);
    let population = |name, size| {
        Population::new(name, &[size], Neuron::Lif(lif.clone()))
            .varying("initial", Values::Uniform { min: 0.0, max: 19.0 })
            .with_noise(20_000.0, 0.1)
    };
    noisy.populations = vec![population("e", 400), population("i", 100)];
    let delays = Delays::Uniform { min: 1, max: 50 };
    for target in ["e", "i"] {
        for (source, degree, weight) in [("e", 80, 0.5), ("i", 20, -2.5)] {
            let rule = RandomRule::FixedInDegree(degree);
            let random = RandomConnectivity::new(rule, weight, delays.clone());
            noisy.projections.push(drawn("to", [source, target], "", random));
        }
    }
    observed(noisy)
}

/// The network of Vogels and Abbott, small: currents of two time constants, one tick of delay.
fn self_sustained(update: Update) -> Network {
    let lif = LifParameters {
        tau_ms: 20.0,
        rest_mv: -49.0,
        threshold_mv: -50.0,
        reset_mv: -60.0,
        refractory_ms: 5.0,
        initial_mv: -60.0,
        strict: true,
        receptors: vec![exponential("excite", 5.0), exponential("inhibit", 10.0)],
        ..LifParameters::default()
    };
    let mut sustained = network(&format!("self-sustained, {update:?}"), 100_000);
    let population = |name, size| Population {
        update,
        ..Population::new(name, &[size], Neuron::Lif(lif.clone()))
            .varying("initial", Values::Uniform { min: -60.0, max: -50.5 })
    };
    sustained.populations = vec![population("e", 400), population("i", 100)];
    for target in ["e", "i"] {
        for (source, receptor, weight) in [("e", "excite", 1.62), ("i", "inhibit", -9.0)] {
            let rule = RandomRule::Pairwise { probability: 0.15 };
            let random = RandomConnectivity::new(rule, weight, 1);
            sustained.projections.push(drawn("to", [source, target], receptor, random));
        }
    }
    observed(sustained)
}

/// Alpha currents, adaptation and distributed parameters, weights and delays at a tick of 1 µs.
fn precise() -> Network {
    let alpha = Receptor::new("rise", ReceptorKind::Alpha { tau_ms: 2.0 });
    let lif = LifParameters {
        threshold_mv: 15.0,
        drive_mv: 14.0,
        refractory_ms: 1.5,
        receptors: vec![
            alpha,
            exponential("decay", 5.0),
            Receptor::new("jump", ReceptorKind::Delta),
        ],
        adaptation: Some(Adaptation { tau_ms: 30.0, step_mv: 1.0 }),
        ..LifParameters::default()
    };
    let normal = |mean, sd| Values::Normal { mean, sd, min: Some(mean / 2.0), max: None };
    let mut precise = network("precise", 1_000);
    precise.populations = vec![
        Population::new("source", &[200], Neuron::Poisson(PoissonParameters { rate_hz: 90.0 })),
        Population::new("cells", &[100], Neuron::Lif(lif)).varying("tau", normal(20.0, 2.0)),
    ];
    for (receptor, mu) in [("rise", 1.0), ("decay", 1.2), ("jump", -1.0)] {
        let weights = Values::LogNormal { mu, sigma: 0.3, min: None, max: Some(12.0) };
        let delays = Delays::Rounded { values: normal(1_500.0, 700.0), min: 1 };
        let random = RandomConnectivity {
            weights,
            delays_ticks: delays,
            ..RandomConnectivity::new(RandomRule::FixedOutDegree(20), 1.0, 1)
        };
        precise.projections.push(drawn("feed", ["source", "cells"], receptor, random));
    }
    observed(precise)
}

/// Every clocked model, fed by a clockwork and by noise.
fn clocked() -> Network {
    let mut clocked = network("clocked", 100_000);
    let regular = RegularParameters { interval_ms: 7.3, first_ms: 1.1 };
    let discrete = DiscreteParameters::default();
    clocked.populations = vec![
        Population::new("clock", &[40], Neuron::Regular(regular))
            .varying("first", Values::Uniform { min: 0.0, max: 7.0 }),
        Population::new("izhikevich", &[40], Neuron::Izhikevich(IzhikevichParameters::default()))
            .with_noise(300.0, 4.0),
        Population::new("adex", &[40], Neuron::Adex(AdexParameters::default())),
        Population::new(
            "conductance",
            &[40],
            Neuron::Conductance(ConductanceParameters::default()),
        ),
        Population::new("discrete", &[40], Neuron::Discrete(discrete)),
    ];
    for (target, weight) in
        [("izhikevich", 6.0), ("adex", 30.0), ("conductance", 12.0), ("discrete", 0.3)]
    {
        let total = RandomConnectivity::new(RandomRule::FixedTotal(600), weight, 3);
        clocked.projections.push(drawn("feed", ["clock", target], "", total));
    }
    observed(clocked)
}

/// Motion detectors behind a kernel with delays; a random field in place of a camera.
fn moving() -> Network {
    let kernel = MotionKernel::new(vec![[0.4, 0.0], [0.0, 0.4], [-0.4, 0.0], [0.0, -0.4]]);
    let convolution = Convolution {
        kernel: kernel.weights(),
        shape: kernel.shape(),
        kind: ConvolutionKind::Convolution,
        border: Border::Zero,
        stride: 1,
        dilation: 1,
        groups: 1,
        delay_step_ticks: 1,
        keep: 0.05,
    };
    let accumulator =
        AccumulatorParameters { threshold: 0.3, rectify: Rectify::Absolute, strict: false };
    let mut moving = network("moving", 1_000_000);
    let field = Neuron::Poisson(PoissonParameters { rate_hz: 20.0 });
    moving.populations = vec![
        Population::new("field", &[2, 24, 24], field),
        Population {
            winner_take_all: WinnerTakeAll::PerLocation,
            ..Population::new("motion", &[4, 24, 24], Neuron::Accumulator(accumulator))
        },
    ];
    let connectivity = Connectivity::Convolution(Arc::new(convolution));
    moving.projections = vec![Projection::new("detect", "field", "motion", connectivity)];
    let rule = ReadoutRule::Vote { window_ticks: 20, every_ticks: 1, labels: Vec::new() };
    moving.readouts = vec![Readout { name: "direction".into(), source: "motion".into(), rule }];
    let mut moving = observed(moving);
    let decisions = OutputPort { name: "decisions".into(), sources: vec!["direction".into()] };
    moving.outputs.push(decisions);
    moving
}

/// Synapses that depress and facilitate.
fn short_term() -> Network {
    let mut short_term = network("short-term", 100_000);
    let lif = LifParameters {
        refractory_ms: 1.0,
        receptors: vec![exponential("excite", 3.0)],
        ..LifParameters::default()
    };
    let source = Neuron::Poisson(PoissonParameters { rate_hz: 40.0 });
    short_term.populations = vec![
        Population::new("source", &[100], source),
        Population::new("cells", &[50], Neuron::Lif(lif)),
    ];
    for (recovery_ms, facilitation_ms, utilisation) in [(800.0, 0.0, 0.5), (130.0, 530.0, 0.1)] {
        let rule = RandomRule::FixedInDegree(30);
        let random = RandomConnectivity::new(rule, 1.5, Delays::Uniform { min: 5, max: 60 });
        short_term.projections.push(Projection {
            short_term: Some(ShortTerm { utilisation, recovery_ms, facilitation_ms }),
            ..drawn("feed", ["source", "cells"], "excite", random)
        });
    }
    observed(short_term)
}
