//! Delays are held exactly, from none to an hour, and silence costs nothing.

use std::sync::Arc;
#[expect(clippy::disallowed_types, reason = "one claim is about time")]
use std::time::Instant;

use sim_core::{network::*, *};

use crate::support::{accumulator, output, plan, population, run, spikes};

/// One channel, one accumulator, the delays given; a spike for every arrival.
fn line(tick: TickLength, delays_ticks: &[u32], explicit: bool) -> Network {
    let connect = |&delay_ticks: &u32| {
        let connectivity = if explicit {
            Connectivity::Explicit(Arc::new(ExplicitSynapses {
                sources: vec![0],
                targets: vec![0],
                weights: vec![1.0],
                delays_ticks: vec![delay_ticks],
            }))
        } else {
            Connectivity::OneToOne { weight: 1.0, delay_ticks }
        };
        Projection::new(&format!("by {delay_ticks}"), "in", "out", connectivity)
    };
    Network {
        tick,
        inputs: vec![InputPort::new("in", InputShape::Channels(vec![1]))],
        populations: vec![population("out", &[1], accumulator(1.0, Rectify::None))],
        projections: delays_ticks.iter().map(connect).collect(),
        outputs: vec![output("spikes", &["out"])],
        ..Network::default()
    }
}

fn ticks(network: &Network, times_us: &[u64], until_us: u64) -> Vec<u64> {
    let events = times_us.iter().map(|&time_us| InputEvent::new(time_us, 0)).collect();
    let outputs = run(&plan(network), &[events], until_us);
    spikes(&outputs).into_iter().map(|(tick, ..)| tick).collect()
}

/// Seen to fail with every delay off by one.
#[test]
fn a_delay_line_holds_every_delay_up_to_255_exactly() {
    for explicit in [false, true] {
        for delay in 1..=255 {
            let network = line(TickLength::MICROSECOND, &[delay], explicit);
            let expected: Vec<u64> = [3, 4, 900].map(|time| time + u64::from(delay)).into();
            assert_eq!(ticks(&network, &[3, 4, 900], 2_000), expected, "{delay} ticks");
        }
    }
}

#[test]
fn holds_an_hour_at_a_microsecond() {
    let hour = 3_600_000_000;
    for explicit in [false, true] {
        let network = line(TickLength::MICROSECOND, &[hour], explicit);
        let expected = [u64::from(hour) + 5, u64::from(hour) + 6];
        assert_eq!(ticks(&network, &[5, 6], 3_600_000_100), expected);
    }
}

/// Law 1: an event on a tick's border, and 1 µs to either side.
#[test]
fn an_event_belongs_to_the_tick_that_contains_it() {
    let network = line(TickLength::MILLISECOND, &[2], false);
    assert_eq!(ticks(&network, &[4_999, 6_000, 7_001], 20_000), [4 + 2, 6 + 2, 7 + 2]);
}

/// The N-back match task: a coincidence of the bit and its delayed copy, for every N.
#[test]
fn a_delayed_match_to_sample_is_exact_for_every_distance_up_to_255() {
    for distance in 1..=255_u32 {
        let mut network = line(TickLength::MICROSECOND, &[0, distance], false);
        network.populations[0].neuron = accumulator(2.0, Rectify::None);
        let bits: Vec<u64> = (0..600).filter(|time| time * time % 7 < 3).collect();
        let matched = |time: &&u64| bits.contains(&time.wrapping_sub(distance.into()));
        let expected: Vec<u64> = bits.iter().filter(matched).copied().collect();
        assert_eq!(ticks(&network, &bits, 1_000), expected, "{distance} back");
    }
}

/// A bound far above what it takes, so that a busy machine passes: a loop over ticks would need
/// seconds. The measured time stands in docs/benchmarks.md.
#[test]
fn an_hour_of_silence_is_skipped() {
    let network = line(TickLength::MICROSECOND, &[1], false);
    let mut simulation = Simulation::new(plan(&network), Options::default());
    simulation.promise(InputId(0), 3_600_000_000).expect("rising");
    #[expect(clippy::disallowed_types, reason = "the claim is about time")]
    let start = Instant::now();
    assert_eq!(simulation.advance(Budget::UNLIMITED), Ok(Progress::Idle));
    assert!(start.elapsed().as_millis() < 50, "{:?}", start.elapsed());
    assert_eq!(simulation.simulated_to(), Tick(3_600_000_000));
}

/// All pairs of delays: the detector fires only for inputs as far apart as its delays.
#[test]
fn a_coincidence_detector_fires_only_for_its_own_interval() {
    for first in 0..31_u32 {
        for second in 0..31_u32 {
            let synapses = ExplicitSynapses {
                sources: vec![0, 1],
                targets: vec![0, 0],
                weights: vec![0.75, 0.75],
                delays_ticks: vec![first, second],
            };
            let mut network = line(TickLength::MICROSECOND, &[], false);
            network.inputs[0].shape = InputShape::Channels(vec![2]);
            network.projections = vec![Projection::new(
                "pair",
                "in",
                "out",
                Connectivity::Explicit(Arc::new(synapses)),
            )];
            let plan = plan(&network);
            for apart in 0..31_u64 {
                let at = |time_us, address| InputEvent::new(time_us, address);
                let fired = spikes(&run(&plan, &[vec![at(40, 0), at(10 + apart, 1)]], 200));
                let meets = 40 + u64::from(first) == 10 + apart + u64::from(second);
                assert_eq!(!fired.is_empty(), meets, "{first}, {second}, {apart}");
            }
        }
    }
}
