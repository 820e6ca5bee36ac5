//! Snapshots whose checksums are right and whose contents no simulation has.

use super::*;
use crate::{
    ids::InputId,
    network::{
        AccumulatorParameters, Connectivity, Filter, InputPort, InputShape, Network, Neuron,
        Population, Projection, Readout, ReadoutRule, Rectify,
    },
};

/// Bytes before the first section.
const HEAD_BYTES: usize = 8 + 4 + 4 + 32;
/// Bytes before a section's body.
const SECTION_HEAD_BYTES: usize = 20;
/// What the port allows at one address in one tick.
const MOST: u32 = 3;

/// A port of four channels and four accumulators, each to the other with a delay of 50 ticks.
fn plan() -> Arc<Plan> {
    let threshold = AccumulatorParameters { threshold: 1.0, rectify: Rectify::None, strict: false };
    let link = |name: &str, source: &str, target: &str| {
        let connectivity = Connectivity::OneToOne { weight: 0.25, delay_ticks: 50 };
        Projection::new(name, source, target, connectivity)
    };
    let votes = ReadoutRule::Vote { window_ticks: 9, every_ticks: 3, labels: Vec::new() };
    let mut port = InputPort::new("in", InputShape::Channels(vec![4]));
    port.multiplicity_max = MOST;
    port.filters = vec![Filter::Refractory { period_us: 2 }];
    let network = Network {
        inputs: vec![port],
        populations: vec![Population::new("cells", &[4], Neuron::Accumulator(threshold))],
        readouts: vec![Readout { name: "vote".into(), source: "cells".into(), rule: votes }],
        projections: vec![link("feed", "in", "cells"), link("again", "cells", "cells")],
        ..Network::default()
    };
    Arc::new(Plan::new(&network, &[]).expect("sound"))
}

/// (projection, emission tick, \[(source, multiplicity)\]).
type Flight<'a> = (u32, u64, &'a [(u32, u32)]);

/// A snapshot at tick 20, with another section than it had.
fn crafted(plan: &Arc<Plan>, id: u32, body: impl FnOnce(&mut Writer)) -> Vec<u8> {
    let mut simulation = Simulation::new(Arc::clone(plan), Options::default());
    simulation.offer(InputId(0), &[InputEvent::new(10, 2)]).expect("taken");
    simulation.promise(InputId(0), 20).expect("rising");
    simulation.advance(crate::Budget::UNLIMITED).expect("runs");
    let bytes = simulation.snapshot();
    let mut at = HEAD_BYTES;
    let number = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four"));
    let length = |at: usize| SECTION_HEAD_BYTES + number(at + 8) as usize;
    while number(at) != id {
        at += length(at);
    }
    let mut crafted = Writer::new();
    crafted.raw(&bytes[..at]);
    crafted.section(id, body);
    crafted.raw(&bytes[at + length(at)..]);
    crafted.finish()
}

/// A snapshot at tick 20, with other flights than it had.
fn snapshot_with(plan: &Arc<Plan>, flights: &[Flight<'_>]) -> Vec<u8> {
    crafted(plan, section::FLIGHTS, |to| write(to, flights))
}

fn write(to: &mut Writer, flights: &[Flight<'_>]) {
    to.u64(flights.len() as u64);
    for &(projection, emitted, emissions) in flights {
        to.u32(projection);
        to.u64(emitted);
        to.u32(0);
        to.u64(emissions.len() as u64);
        for &(source, multiplicity) in emissions {
            to.u32(source);
            to.u32(multiplicity);
        }
    }
}

/// Why a snapshot with such flights is refused; an empty text if it isn't.
fn refusal(flights: &[Flight<'_>]) -> String {
    let plan = plan();
    reason(&plan, &snapshot_with(&plan, flights))
}

fn reason(plan: &Arc<Plan>, bytes: &[u8]) -> String {
    let restored = Simulation::restore(Arc::clone(plan), bytes);
    restored.map_or_else(|error| error.to_string(), |_| String::new())
}

#[test]
fn flights_in_order_and_within_bounds_are_taken() {
    let all = [(0, MOST), (3, 1)];
    let plan = plan();
    let flights: &[Flight<'_>] = &[(0, 10, &all), (0, 11, &all), (1, 10, &[(0, 1), (2, 1)])];
    let bytes = snapshot_with(&plan, flights);
    let restored = Simulation::restore(plan, &bytes).expect("sound");
    assert_eq!(restored.snapshot(), bytes, "nothing is lost or moved");
    assert_eq!(restored.counters().in_flight, 6);
}

/// Each seen to fail with its comparison left out.
#[test]
fn flights_out_of_order_are_refused() {
    let one: &[(u32, u32)] = &[(1, 1)];
    for (flights, what) in [
        ([(0, 11, one), (0, 10, one)], "an emission tick before the last"),
        ([(0, 10, one), (0, 10, one)], "one twice"),
        ([(1, 10, one), (0, 11, one)], "a projection before the last"),
    ] {
        let message = refusal(&flights);
        assert!(message.contains("flights out of order"), "{what}: {message:?}");
    }
    for sources in [[(2, 1), (1, 1)], [(2, 1), (2, 1)]] {
        let (last, _) = sources[1];
        let message = refusal(&[(0, 10, &sources)]);
        let expected = format!("1 spikes of source {last} at one moment");
        assert!(message.contains(&expected), "{sources:?}: {message:?}");
    }
}

/// Sums are made for what the port allows and a neuron can fire; a flight that is stronger would
/// overflow them. Seen to fail with the comparison left out.
#[test]
fn flights_stronger_than_their_source_can_send_are_refused() {
    for (projection, most) in [(0, MOST), (1, 1)] {
        assert_eq!(refusal(&[(projection, 10, &[(1, most)])]), "");
        for multiplicity in [most + 1, u32::MAX] {
            let message = refusal(&[(projection, 10, &[(1, multiplicity)])]);
            let expected = format!("{multiplicity} spikes of source 1 at one moment");
            assert!(message.contains(&expected), "{message:?}");
        }
    }
    let message = refusal(&[(0, 10, &[(4, 1)])]);
    assert!(message.contains("index 4 is not below 4"), "{message:?}");
}

/// Time of what has been simulated is over, and what waits is not. Found by hostile snapshots, which
/// made a vote, a filter and the calendar go back in time; each seen to pass without its check.
#[test]
fn moments_that_no_simulation_has_are_refused() {
    let plan = plan();
    let message = reason(&plan, &snapshot_with(&plan, &[(0, 20, &[(1, 1)])]));
    assert!(message.contains("tick 20, which is not over"), "{message:?}");

    let ballots = |ballots: &[(u64, u64)]| {
        reason(
            &plan,
            &crafted(&plan, section::READOUTS, |to| {
                to.u64(ballots.len() as u64);
                for &(tick, count) in ballots {
                    to.u64(tick);
                    to.u32(1);
                    to.u64(count);
                }
            }),
        )
    };
    assert_eq!(ballots(&[(10, 1), (10, 2), (19, 1)]), "");
    assert!(ballots(&[(20, 1)]).contains("tick 20, which is not over"));
    assert!(ballots(&[(19, 1), (10, 1)]).contains("after tick 19"));
    assert!(ballots(&[(10, u64::MAX)]).contains("of a kind"));

    let filter = |time: u64| {
        reason(
            &plan,
            &crafted(&plan, section::FILTERS, |to| {
                to.u64(1);
                to.u32(3);
                to.u64(time);
            }),
        )
    };
    assert_eq!(filter(20), "");
    assert!(filter(21).contains("21 us, which is not over"));
}

/// (time, multiplicity) of events that wait, and of events that are ready.
#[test]
fn doors_that_contradict_their_promise_are_refused() {
    let plan = plan();
    let door = |promise_us: u64, waiting: &[(u64, u32)], ready: &[(u64, u32)]| {
        reason(
            &plan,
            &crafted(&plan, section::DOORS, |to| {
                to.u64(0);
                to.u64(promise_us);
                for events in [waiting, ready] {
                    to.u64(events.len() as u64);
                    for &(time_us, multiplicity) in events {
                        to.u64(time_us);
                        to.u32(0);
                        to.u32(multiplicity);
                    }
                }
            }),
        )
    };
    assert_eq!(door(30, &[(30, 1)], &[(20, 1), (29, 2)]), "");
    for (promise_us, waiting, ready, said) in [
        (19, [(40, 1)], [(25, 1), (26, 1)], "a promise that closes less"),
        (30, [(29, 1)], [(25, 1), (26, 1)], "waits below the promise"),
        (30, [(40, 0)], [(25, 1), (26, 1)], "stands for none"),
        (30, [(40, 1)], [(19, 1), (26, 1)], "out of order or over"),
        (30, [(40, 1)], [(26, 1), (25, 1)], "out of order or over"),
        (30, [(40, 1)], [(25, 1), (30, 1)], "out of order or over"),
    ] {
        let message = door(promise_us, &waiting, &ready);
        assert!(message.contains(said), "{message:?}");
    }
}
