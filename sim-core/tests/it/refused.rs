//! What cannot run is refused as a whole, by part and field; what cannot be taken, by position.

use std::sync::Arc;

use sim_core::{network::*, *};

use crate::{
    random,
    support::{accumulator, output, plan, population},
};

fn base() -> Network {
    Network {
        inputs: vec![InputPort::new("in", InputShape::Channels(vec![4]))],
        populations: vec![
            population("a", &[4], accumulator(1.0, Rectify::None)),
            population("b", &[4], Neuron::Lif(LifParameters::default())),
        ],
        projections: vec![Projection::new(
            "feed",
            "in",
            "a",
            Connectivity::OneToOne { weight: 1.0, delay_ticks: 0 },
        )],
        outputs: vec![output("spikes", &["a", "b"])],
        ..Network::default()
    }
}

/// The one line that a user would see.
fn problem(change: impl FnOnce(&mut Network)) -> String {
    let mut network = base();
    change(&mut network);
    Plan::new(&network, &[]).expect_err("refused").to_string()
}

fn explicit(weight: f64, delay_ticks: u32, target: u32) -> Connectivity {
    Connectivity::Explicit(Arc::new(ExplicitSynapses {
        sources: vec![0],
        targets: vec![target],
        weights: vec![weight],
        delays_ticks: vec![delay_ticks],
    }))
}

fn link(name: &str, source: &str, target: &str, delay_ticks: u32) -> Projection {
    Projection::new(name, source, target, Connectivity::OneToOne { weight: 1.0, delay_ticks })
}

#[test]
fn a_cycle_without_delay_is_named() {
    let message = problem(|network| {
        network.projections.push(link("there", "a", "b", 0));
        network.projections.push(link("back", "b", "a", 0));
    });
    assert!(message.starts_with("projection: a cycle without any delay: "), "{message}");
    assert!(message.contains("a -> b -> a") || message.contains("b -> a -> b"), "{message}");
    let mut delayed = base();
    delayed.projections.extend([link("there", "a", "b", 0), link("back", "b", "a", 1)]);
    assert!(Plan::new(&delayed, &[]).is_ok(), "one tick is enough");
}

#[test]
fn numbers_that_make_no_sense_are_named_with_their_place() {
    let replace = |connectivity| {
        move |network: &mut Network| network.projections[0].connectivity = connectivity
    };
    for (message, expected) in [
        (
            problem(replace(explicit(f64::NAN, 1, 0))),
            "projection.feed.synapses.weights[0]: NaN is not a finite number",
        ),
        (
            problem(replace(explicit(1.0, 1, 4))),
            "projection.feed.synapses.targets[0]: 4 is not below 4",
        ),
        (
            problem(|network| network.projections[0].source = "nobody".into()),
            "projection.feed.source: no input port or population is named \"nobody\"",
        ),
        (
            problem(|network| network.populations[0].neuron = accumulator(0.0, Rectify::None)),
            "population.a.accumulator.threshold: 0; a threshold is a finite number above 0",
        ),
        (
            problem(|network| network.populations[0].shape = vec![3.into()]),
            "projection.feed.one_to_one: source has shape [4] and target [3]; their sizes differ",
        ),
        (
            problem(|network| network.outputs[0].sources = vec!["in".into()]),
            "output.spikes.sources: [\"in\"] are not populations, nor one readout",
        ),
        (
            problem(|network| network.inputs[0].shape = InputShape::Sensor(None)),
            "input.in: leaves its sensor's size to whoever opens it; give one (width x height)",
        ),
    ] {
        assert_eq!(message, expected);
    }
}

#[test]
fn short_term_plasticity_that_makes_no_sense_is_refused_by_field() {
    let with = |utilisation, recovery_ms, facilitation_ms| {
        problem(|network| {
            let rule = ShortTerm { utilisation, recovery_ms, facilitation_ms };
            network.projections[0].short_term = Some(rule);
        })
    };
    let field = "projection.feed.short_term";
    for utilisation in [0.0, -0.5, 1.5, f64::NAN] {
        let expected = format!("{field}.utilisation: {utilisation} is not in (0, 1]");
        assert_eq!(with(utilisation, 1.0, 0.0), expected);
    }
    for recovery_ms in [0.0, -1.0, f64::INFINITY, f64::NAN] {
        let expected =
            format!("{field}.recovery: {recovery_ms} ms; a time constant is finite and above 0");
        assert_eq!(with(0.5, recovery_ms, 0.0), expected);
    }
    for facilitation_ms in [-1.0, f64::INFINITY, f64::NAN] {
        let message = with(0.5, 1.0, facilitation_ms);
        assert!(message.starts_with(&format!("{field}.facilitation: ")), "{message}");
    }
    let mut network = random::sensing(3).network;
    network.projections[0].short_term =
        Some(ShortTerm { utilisation: 0.5, recovery_ms: 1.0, facilitation_ms: 0.0 });
    let error = Plan::new(&network, &[]).expect_err("a convolution").to_string();
    assert_eq!(error, "projection.look.short_term: is not available for convolutions");
}

#[test]
fn impossible_membranes_are_refused() {
    let message = problem(|network| {
        network.populations[1].neuron = Neuron::Lif(LifParameters {
            tau_ms: -1.0,
            threshold_mv: 1.0,
            reset_mv: 1.0,
            refractory_ms: f64::INFINITY,
            ..LifParameters::default()
        });
    });
    assert!(
        message.contains("population.b.lif.refractory: inf is not a number within"),
        "{message}"
    );
    let message = problem(|network| {
        network.populations[1].neuron =
            Neuron::Lif(LifParameters { tau_ms: -1.0, reset_mv: 1.0, ..LifParameters::default() });
    });
    assert!(message.contains("population.b.lif.tau: -1 ms"), "{message}");
    assert!(message.contains("population.b.lif.reset: 1 mV is not below"), "{message}");
    let message = problem(|network| {
        network.populations[1].neuron =
            Neuron::Lif(LifParameters { tau_ms: 1e-9, drive_mv: 5.0, ..LifParameters::default() });
    });
    assert!(message.contains("times a tick by its drive"), "{message}");
}

#[test]
fn a_sum_that_could_overflow_is_refused() {
    let heavy = ExplicitSynapses {
        sources: vec![0, 1],
        targets: vec![0, 0],
        weights: vec![1.0, 1e30],
        delays_ticks: vec![0, 0],
    };
    let fits = problem_or_scale(heavy.clone());
    assert_eq!(fits, Ok(32), "a quantum that suits the largest weight");
    let many = 4_000_000;
    let crowd = ExplicitSynapses {
        sources: vec![0; many],
        targets: vec![0; many],
        weights: vec![1.0; many],
        delays_ticks: vec![3; many],
    };
    assert_eq!(problem_or_scale(crowd.clone()), Ok(64), "four million arrivals need wide sums");
    let message = problem(|network| {
        network.inputs[0].multiplicity_max = 65_535;
        let connectivity = Connectivity::Explicit(Arc::new(crowd));
        network.projections = (0..5)
            .map(|copy| Projection::new(&format!("{copy}"), "in", "a", connectivity.clone()))
            .collect();
    });
    assert_eq!(message, "population.a: a sum of up to 1.311e12 in one tick could overflow 64 bits");
}

fn problem_or_scale(synapses: ExplicitSynapses) -> Result<u32, PlanError> {
    let mut network = base();
    network.projections[0].connectivity = Connectivity::Explicit(Arc::new(synapses));
    Plan::new(&network, &[]).map(|plan| plan.cost().populations[0].sum_bits)
}

#[test]
fn events_that_a_port_cannot_take_are_named_by_position() {
    let mut simulation = Simulation::new(plan(&base()), Options::default());
    let port = InputId(0);
    let good = InputEvent::new(5, 3);
    let outside = simulation.offer(port, &[good, InputEvent::new(5, 4)]);
    assert_eq!(outside, Err(OfferError::Address { position: 1, address: 4, addresses: 4 }));
    simulation.promise(port, 10).expect("rising");
    let late = simulation.offer(port, &[good]);
    assert_eq!(late, Err(OfferError::Late { position: 0, time_us: 5, promise_us: 10 }));
    let backwards = simulation.promise(port, 9);
    assert_eq!(backwards, Err(OfferError::Backwards { promise_us: 9, given_us: 10 }));
    assert_eq!(simulation.counters().events_waiting, 0, "nothing of a refused slice is taken");
    let unknown = simulation.offer(InputId(1), &[]);
    assert_eq!(unknown, Err(OfferError::Port { port: 1, ports: 1 }));
}

#[test]
fn more_events_than_a_port_allows_end_the_session_or_are_counted() {
    let crowd = vec![InputEvent { time_us: 7, address: 2, multiplicity: 300 }];
    let mut simulation = Simulation::new(plan(&base()), Options::default());
    simulation.offer(InputId(0), &crowd).expect("taken");
    simulation.promise(InputId(0), 100).expect("rising");
    let expected = SimulationError::Excess {
        port: InputId(0),
        tick: Tick(7),
        address: 2,
        events: 300,
        allowed: 255,
    };
    assert_eq!(simulation.advance(Budget::UNLIMITED), Err(expected.clone()));
    assert_eq!(simulation.advance(Budget::UNLIMITED), Err(expected));
    assert_eq!(simulation.simulated_to(), Tick(7));
    let dropping = Options { excess: Excess::Drop, ..Options::default() };
    let mut simulation = Simulation::new(plan(&base()), dropping);
    simulation.offer(InputId(0), &crowd).expect("taken");
    simulation.promise(InputId(0), 100).expect("rising");
    assert_eq!(simulation.advance(Budget::UNLIMITED), Ok(Progress::Idle));
    assert_eq!(simulation.counters().events_excess, 45);
}

#[test]
fn at_the_cap_on_spikes_in_flight_a_simulation_stops_and_can_be_restored() {
    let mut network = base();
    network.projections[0].connectivity =
        Connectivity::OneToOne { weight: 1.0, delay_ticks: 1_000 };
    let plan = plan(&network);
    let capped = Options { in_flight_max: 10, ..Options::default() };
    let mut simulation = Simulation::new(Arc::clone(&plan), capped);
    let events: Vec<_> = (0..20).map(|time_us| InputEvent::new(time_us, 0)).collect();
    simulation.offer(InputId(0), &events).expect("taken");
    simulation.promise(InputId(0), 5_000).expect("rising");
    let stopped = simulation.advance(Budget::UNLIMITED);
    let expected = SimulationError::InFlight { tick: Tick(10), in_flight: 11, cap: 10 };
    assert_eq!(stopped, Err(expected));
    let restored = Simulation::restore(plan, &simulation.snapshot()).expect("whole");
    assert_eq!(restored.simulated_to(), Tick(11));
    assert_eq!(restored.counters(), simulation.counters());
}

#[test]
fn a_damaged_snapshot_is_refused_wherever_the_damage_is() {
    let case = random::case(11);
    let plan = plan(&case.network);
    let mut simulation = Simulation::new(Arc::clone(&plan), Options::default());
    for (port, events) in (0..).zip(&case.events) {
        simulation.offer(InputId(port), events).expect("taken");
        simulation.promise(InputId(port), 30).expect("rising");
    }
    simulation.advance(Budget::UNLIMITED).expect("runs");
    simulation.outputs().clear();
    let bytes = simulation.snapshot();
    for at in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0x10;
        assert!(Simulation::restore(Arc::clone(&plan), &damaged).is_err(), "bit of byte {at}");
        assert!(Simulation::restore(Arc::clone(&plan), &bytes[..at]).is_err(), "cut at {at}");
    }
    let other = crate::support::plan(&random::case(12).network);
    let refused = Simulation::restore(other, &bytes).expect_err("another network");
    assert_eq!(refused, SnapshotError::Network);
}

#[test]
fn a_network_that_does_not_fit_is_refused_before_it_is_built() {
    let mut network = base();
    let rule = RandomRule::FixedInDegree(500_000_000);
    let synapses = RandomConnectivity::new(rule, 1e-12, 1);
    network.projections.push(Projection::new("many", "a", "b", Connectivity::Random(synapses)));
    let spread = Spread { memory_bytes_max: 1 << 30, ..Spread::over(1) };
    let message = Plan::spread(&network, &[], spread).expect_err("refused").to_string();
    let expected = "memory: about 16000001616 bytes are needed for neurons and synapses; \
                    1073741824 are allowed";
    assert_eq!(message, expected);
}

/// A few bytes may speak of billions of neurons, each of which would be looked at. Seen to take
/// minutes with their memory checked behind them.
#[test]
fn more_neurons_than_fit_are_refused_before_each_is_looked_at() {
    let mut network = base();
    network.populations[1].shape = vec![Extent::Size(20_000); 2];
    let values = Values::Uniform { min: 5.0, max: 20.0 };
    network.populations[1].vary = vec![Vary { parameter: "tau".into(), values }];
    let spread = Spread { memory_bytes_max: 1 << 30, ..Spread::over(1) };
    let message = Plan::spread(&network, &[], spread).expect_err("refused").to_string();
    assert!(message.starts_with("memory: about 460800000000 bytes are needed"), "{message}");
}

#[test]
fn what_a_sweep_does_not_know_is_refused() {
    let refused = |lif: LifParameters| {
        problem(|network| {
            network.populations[1].neuron = Neuron::Lif(lif);
            network.populations[1].update = Update::EveryTick;
        })
    };
    let alpha = Receptor::new("a", ReceptorKind::Alpha { tau_ms: 1.0 });
    let adaptation = Some(Adaptation { tau_ms: 100.0, step_mv: 1.5 });
    let lif = LifParameters::default;
    for (message, what) in [
        (refused(LifParameters { tau_ms: f64::INFINITY, ..lif() }), "neurons without a leak"),
        (refused(LifParameters { receptors: vec![alpha], ..lif() }), "alpha currents"),
        (refused(LifParameters { adaptation, ..lif() }), "an adaptive threshold"),
        (problem(|network| network.populations[0].update = Update::EveryTick), "this neuron model"),
    ] {
        let expected = format!("update: every tick is not possible with {what}");
        assert!(message.contains(&expected), "{message}");
    }
}
