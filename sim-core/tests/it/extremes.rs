//! At the ends of what is allowed: networks run, or are refused, and their snapshots are restored.

use std::sync::Arc;

use sim_core::{network::*, *};

use crate::support::{output, population, spikes};

/// One cell behind one channel.
fn network(lif: LifParameters, weight: f64) -> Network {
    Network {
        tick: TickLength::from_ns(100_000).expect("in range"),
        inputs: vec![InputPort::new("in", InputShape::Channels(vec![1]))],
        populations: vec![population("cell", &[1], Neuron::Lif(lif))],
        projections: vec![Projection::new(
            "feed",
            "in",
            "cell",
            Connectivity::OneToOne { weight, delay_ticks: 1 },
        )],
        outputs: vec![output("spikes", &["cell"])],
        ..Network::default()
    }
}

fn exponential(tau_ms: f64) -> Receptor {
    Receptor::new("excite", ReceptorKind::Exponential { tau_ms })
}

/// Seen to fail with a kernel that expects a watch of every neuron with currents.
#[test]
fn a_neuron_that_never_fires_takes_up_currents() {
    let lif = LifParameters {
        threshold_mv: f64::INFINITY,
        receptors: vec![exponential(5.0)],
        ..LifParameters::default()
    };
    let plan = Plan::new(&network(lif, 100.0), &[]).expect("a valid network");
    let mut simulation = Simulation::new(Arc::new(plan), Options::default());
    simulation.inject(InputId(0), Tick(3), 0).expect("taken");
    simulation.run_until(Tick(50)).expect("runs");
    assert!(simulation.drain_spikes().next().is_none());
    assert!(simulation.potential_mv(PopulationId(0), 0).expect("a linear neuron") > 10.0);
}

/// Seen to fail with a ladder of bounds that went on beyond the end of time.
#[test]
fn time_constants_of_any_length_can_be_planned() {
    for tau_ms in [1e-9, 1.0, 1e12, 1e15, 1e18] {
        for tick_ns in [1, 1_000, 1_000_000_000] {
            let lif = LifParameters {
                tau_ms,
                receptors: vec![
                    exponential(1.0),
                    Receptor { name: "x".into(), ..exponential(tau_ms) },
                ],
                ..LifParameters::default()
            };
            let tick = TickLength::from_ns(tick_ns).expect("in range");
            let network = Network { tick, ..network(lif, 0.5) };
            let plan = Plan::new(&network, &[]).expect("a valid network");
            let mut simulation = Simulation::new(Arc::new(plan), Options::default());
            simulation.inject(InputId(0), Tick(3), 0).expect("taken");
            simulation.run_until(Tick(100)).expect("runs");
        }
    }
}

#[test]
fn numbers_whose_sums_would_be_infinite_are_refused() {
    let huge = LifParameters {
        receptors: vec![Receptor { gain: 1e300, ..exponential(5.0) }],
        ..LifParameters::default()
    };
    let message = Plan::new(&network(huge, 1.0), &[]).expect_err("refused").to_string();
    assert_eq!(
        message,
        "population.cell.lif.receptor.excite.gain: 1e300 is not a number within 1e30 of 0"
    );
    let message =
        Plan::new(&network(LifParameters::default(), 1e40), &[]).expect_err("refused").to_string();
    assert_eq!(message, "population.cell: a weight of 1e40 onto it; 1e30 is the most");
    let large = LifParameters {
        threshold_mv: 1e30,
        receptors: vec![Receptor { gain: 1e30, ..exponential(5.0) }],
        ..LifParameters::default()
    };
    let plan = Arc::new(Plan::new(&network(large, 1e30), &[]).expect("a valid network"));
    let mut simulation = Simulation::new(Arc::clone(&plan), Options::default());
    simulation.inject(InputId(0), Tick(3), 0).expect("taken");
    simulation.run_until(Tick(50)).expect("runs");
    let restored = Simulation::restore(plan, &simulation.snapshot()).expect("finite");
    assert_eq!(restored.simulated_to(), Tick(50));
    assert!(!spikes(simulation.outputs()).is_empty());
}

/// More spikes a tick than a ring between two workers holds, all of which arrive.
#[test]
fn a_network_that_saturates_loses_nothing() {
    const NEURONS: u32 = 12_000;
    const TICKS: u64 = 40;
    let accumulator =
        AccumulatorParameters { threshold: 0.5, rectify: Rectify::None, strict: false };
    let keep = Connectivity::OneToOne { weight: 1.0, delay_ticks: 1 };
    let spray = RandomConnectivity::new(RandomRule::FixedOutDegree(10), 1e-3, 1);
    let network = Network {
        inputs: vec![InputPort::new("start", InputShape::Channels(vec![NEURONS]))],
        populations: vec![population("all", &[NEURONS], Neuron::Accumulator(accumulator))],
        projections: vec![
            Projection::new("begin", "start", "all", keep.clone()),
            Projection::new("again", "all", "all", keep),
            Projection::new("spray", "all", "all", Connectivity::Random(spray)),
        ],
        ..Network::default()
    };
    for workers in 1..=3 {
        let plan = Plan::spread(&network, &[], Spread::over(workers)).expect("a valid network");
        let mut simulation = Simulation::new(Arc::new(plan), Options::default());
        for neuron in 0..NEURONS {
            simulation.inject(InputId(0), Tick(0), neuron).expect("taken");
        }
        simulation.run_until(Tick(1 + TICKS)).expect("runs");
        let counters = simulation.counters();
        let each_tick = u64::from(NEURONS);
        assert_eq!(counters.spikes, TICKS * each_tick, "{workers} workers");
        // The spikes of the last tick are still on their way.
        let arrived = each_tick + 11 * (TICKS - 1) * each_tick;
        assert_eq!(counters.deliveries, arrived, "{workers} workers");
    }
}
