//! Weights that are read and set between ticks.

use std::sync::Arc;

use sim_core::{network::*, *};

use crate::support::{accumulator, output, plan, population, spikes};

const FEED: ProjectionId = ProjectionId(0);

/// Two channels onto four accumulators that fire at 1.
fn network(synapses: ExplicitSynapses) -> Network {
    Network {
        inputs: vec![InputPort::new("in", InputShape::Channels(vec![2]))],
        populations: vec![population("out", &[4], accumulator(1.0, Rectify::None))],
        projections: vec![Projection::new(
            "feed",
            "in",
            "out",
            Connectivity::Explicit(Arc::new(synapses)),
        )],
        outputs: vec![output("spikes", &["out"])],
        ..Network::default()
    }
}

fn synapses() -> ExplicitSynapses {
    ExplicitSynapses {
        sources: vec![0, 0, 0, 0, 1],
        targets: vec![3, 1, 1, 0, 2],
        weights: vec![0.25, 0.5, -0.5, 0.75, 1.0],
        delays_ticks: vec![70_000, 5, 5, 5, 9],
    }
}

fn running(workers: u32) -> Simulation {
    spread_over(workers, &network(synapses()))
}

/// So few neurons are cut at random places only.
fn spread_over(workers: u32, network: &Network) -> Simulation {
    let spread = Spread { seed: Some(u64::from(workers) + 2), ..Spread::over(workers) };
    let plan = Plan::spread(network, &[], spread).expect("valid");
    Simulation::new(Arc::new(plan), Options::default())
}

/// Seen to fail with synapses in the order of workers, and with weights in the order of their bits.
#[test]
fn synapses_are_ordered_by_delay_target_and_first_weight() {
    for (far, workers) in [0, 70_000].into_iter().flat_map(|far| (1..=4).map(move |n| (far, n))) {
        let mut synapses = synapses();
        synapses.delays_ticks = vec![2, far + 5, far + 5, far + 5, 9];
        let network = network(synapses);
        let mut simulation = spread_over(workers, &network);
        let read = |simulation: &Simulation| -> Vec<(u32, u32, f64)> {
            let all = simulation.synapses(FEED, 0).expect("explicit");
            all.iter().map(|each| (each.delay_ticks, each.target, each.weight)).collect()
        };
        let with = |weights: [f64; 4]| {
            let ends = [(2, 3), (far + 5, 0), (far + 5, 1), (far + 5, 1)];
            ends.iter().zip(weights).map(|(&(delay, target), w)| (delay, target, w)).collect()
        };
        let expected: Vec<_> = with([0.25, 0.75, -0.5, 0.5]);
        assert_eq!(read(&simulation), expected);
        simulation.set_weights(FEED, 0, &[0.5, 0.75, 0.25, -1.0]).expect("they fit");
        let expected: Vec<_> = with([0.5, 0.75, 0.25, -1.0]);
        assert_eq!(read(&simulation), expected);
    }
}

/// A weight is read when the spike arrives. Seen to fail without the calendar made anew.
#[test]
fn a_spike_in_flight_arrives_with_the_new_weight() {
    for workers in 1..=4 {
        for set_at in [10, 14, 15, 16] {
            let mut simulation = running(workers);
            simulation.inject(InputId(0), Tick(10), 0).expect("taken");
            simulation.run_until(Tick(set_at)).expect("runs");
            simulation.set_weights(FEED, 0, &[0.0, 0.5, 0.5, 1.0]).expect("they fit");
            let bytes = simulation.snapshot();
            simulation.run_until(Tick(80_100)).expect("runs");
            let fired = spikes(simulation.outputs());
            let early = if set_at <= 15 { vec![(15, 1, 1)] } else { vec![] };
            let expected: Vec<_> = early.into_iter().chain([(70_010, 3, 1)]).collect();
            assert_eq!(fired, expected, "set at {set_at}");
            let plan = Arc::clone(running(5 - workers).plan());
            let mut restored = Simulation::restore(plan, &bytes).expect("whole");
            restored.run_until(Tick(80_100)).expect("runs");
            assert_eq!(spikes(restored.outputs()), expected, "restored");
        }
    }
}

#[test]
fn the_plan_and_other_sessions_keep_their_weights() {
    let mut simulation = running(2);
    simulation.set_weights(FEED, 1, &[0.125]).expect("it fits");
    let other = Simulation::new(Arc::clone(simulation.plan()), Options::default());
    assert_eq!(other.synapses(FEED, 1).expect("explicit")[0].weight, 1.0);
    assert_eq!(simulation.synapses(FEED, 1).expect("explicit")[0].weight, 0.125);
    assert_eq!(simulation.plan().hash(), other.plan().hash());
    let untouched = other.snapshot();
    simulation.set_weights(FEED, 1, &[1.0]).expect("it fits");
    assert_eq!(simulation.snapshot(), untouched, "weights as the plan has them are not stored");
}

#[test]
fn what_cannot_be_set_is_refused_and_changes_nothing() {
    let mut simulation = running(2);
    let before = simulation.snapshot();
    let mut set = |projection, source, weights: &[f64]| {
        simulation.set_weights(ProjectionId(projection), source, weights).expect_err("refused")
    };
    let refused = WeightsError::Projection { projection: 1, projections: 1 };
    assert_eq!(set(1, 0, &[]), refused);
    assert_eq!(set(0, 2, &[]), WeightsError::Source { source_index: 2, sources: 2 });
    assert_eq!(set(0, 0, &[1.0]), WeightsError::Count { given: 1, synapses: 4 });
    assert!(matches!(set(0, 1, &[f64::NAN]), WeightsError::Weight { position: 0, .. }));
    let error = set(0, 0, &[0.0, 0.0, 3e6, 0.0]);
    assert!(matches!(error, WeightsError::Weight { position: 2, .. }), "{error}");
    assert_eq!(simulation.snapshot(), before);
}

/// 255 events a tick, times a weight that the plan could not bound with 32 bits.
#[test]
fn weights_whose_sum_could_overflow_are_refused_together() {
    let count = 40_u32;
    let crowd = ExplicitSynapses {
        sources: vec![0; count as usize],
        targets: vec![2; count as usize],
        weights: vec![1.0; count as usize],
        delays_ticks: (0..count).collect(),
    };
    let plan = plan(&network(crowd));
    assert_eq!(plan.cost().populations[0].sum_bits, 32);
    let mut simulation = Simulation::new(plan, Options::default());
    let before = simulation.snapshot();
    let largest = vec![60.0; count as usize];
    let error = simulation.set_weights(FEED, 0, &largest).expect_err("too much");
    assert_eq!(error, WeightsError::Sum { target: 2 });
    assert_eq!(simulation.snapshot(), before);
    simulation.set_weights(FEED, 0, &vec![-1.0; count as usize]).expect("as large as before");
    let mut few = vec![0.0; count as usize];
    few[0] = 40.0;
    simulation.set_weights(FEED, 0, &few).expect("one took the room of the others");
}

#[test]
fn a_convolution_has_no_weights_of_single_synapses() {
    let network = crate::random::sensing(3).network;
    let mut simulation = Simulation::new(plan(&network), Options::default());
    assert_eq!(simulation.synapses(FEED, 0), Err(WeightsError::Shared));
    assert_eq!(simulation.set_weights(FEED, 0, &[]), Err(WeightsError::Shared));
}

/// Zeros leave a network no scale: what would be lost in it is refused.
#[test]
fn a_weight_of_which_nothing_would_be_left_is_refused() {
    let mut all_zero = synapses();
    all_zero.weights = vec![0.0; 5];
    let mut simulation = spread_over(1, &network(all_zero));
    let refused = simulation.set_weights(FEED, 1, &[0.4]);
    assert!(matches!(refused, Err(WeightsError::Weight { position: 0, .. })), "{refused:?}");
    assert_eq!(simulation.set_weights(FEED, 1, &[0.0]), Ok(()));
}

/// A list of weights for no source at all, with its checksum, as nobody but an attacker writes it.
#[test]
fn a_projection_in_a_snapshot_may_set_nothing() {
    let simulation = running(1);
    let bytes = simulation.snapshot();
    let weights = 8_u32.to_le_bytes();
    let mut header = weights.to_vec();
    header.extend(1_u32.to_le_bytes());
    let at = bytes.windows(8).rposition(|window| window == header).expect("the section of weights");
    let mut body = 1_u64.to_le_bytes().to_vec();
    body.extend(0_u32.to_le_bytes());
    body.extend(0_u64.to_le_bytes());
    let length =
        usize::try_from(u64::from_le_bytes(bytes[at + 8..at + 16].try_into().expect("8 bytes")));
    let end = at + 20 + length.expect("short");
    let mut crafted = bytes[..at + 8].to_vec();
    crafted.extend((body.len() as u64).to_le_bytes());
    crafted.extend(crc32fast::hash(&body).to_le_bytes());
    crafted.extend(&body);
    crafted.extend(&bytes[end..]);
    let restored = Simulation::restore(Arc::clone(simulation.plan()), &crafted).expect("harmless");
    assert_eq!(restored.snapshot(), bytes);
}

/// Whole rows set one after another, or all at once, are the same.
#[test]
fn single_synapses_of_several_sources_change_together() {
    for workers in 1..=4 {
        let mut rows = running(workers);
        rows.set_weights(FEED, 0, &[0.75, 0.25, 0.5, 0.25]).expect("it fits");
        rows.set_weights(FEED, 1, &[0.5]).expect("it fits");
        let mut single = running(workers);
        let change = |source, synapse, weight| WeightChange { source, synapse, weight };
        let changes = [change(1, 0, 0.5), change(0, 1, 1.5), change(0, 2, 0.5)];
        single.change_weights(FEED, &changes).expect("it fits");
        single.change_weights(FEED, &[change(0, 1, 0.25), change(0, 3, 0.25)]).expect("it fits");
        let first = single.synapses(FEED, 0).expect("explicit")[0].weight;
        rows.set_weights(FEED, 0, &[first, 0.25, 0.5, 0.25]).expect("it fits");
        assert_eq!(single.snapshot(), rows.snapshot());
        assert_eq!(single.plan().synapses_of(FEED, 0), Ok(4));
        assert_eq!(single.plan().synapses(FEED, 1).expect("explicit")[0].weight, 1.0);
    }
}

/// One that is refused takes the others with it. Seen to fail with rows that are not put back.
#[test]
fn changes_of_which_one_is_refused_change_nothing() {
    let count = 40_u32;
    let crowd = ExplicitSynapses {
        sources: (0..count).map(|number| number % 2).collect(),
        targets: vec![2; count as usize],
        weights: vec![1.0; count as usize],
        delays_ticks: (0..count).collect(),
    };
    let mut simulation = spread_over(3, &network(crowd));
    let before = simulation.snapshot();
    let change = |source, synapse, weight| WeightChange { source, synapse, weight };
    let too_much: Vec<_> =
        (0..2).flat_map(|source| (0..20).map(move |place| change(source, place, 60.0))).collect();
    let refused = simulation.change_weights(FEED, &too_much);
    assert_eq!(refused, Err(WeightsError::Sum { target: 2 }));
    assert_eq!(simulation.snapshot(), before);
    let unknown = simulation.change_weights(FEED, &[change(1, 0, 0.5), change(1, 20, 0.5)]);
    let expected =
        WeightsError::Synapse { position: 1, synapse: 20, source_index: 1, synapses: 20 };
    assert_eq!(unknown, Err(expected));
    let nan = simulation.change_weights(FEED, &[change(1, 0, 0.5), change(0, 0, f64::NAN)]);
    assert!(matches!(nan, Err(WeightsError::Weight { position: 1, .. })), "{nan:?}");
    assert_eq!(simulation.snapshot(), before);
    // What one source gives up makes room for the other, whichever comes first.
    let swapped: Vec<_> = (0..20)
        .flat_map(|place| {
            [change(0, place, if place == 0 { 40.0 } else { 0.0 }), change(1, place, 0.0)]
        })
        .collect();
    simulation.change_weights(FEED, &swapped).expect("no sum is larger than before");
}
