//! A made-up recording: its batches, however cut, and what the core alone makes of it.

use std::sync::Arc;

use sim_core::{Budget, InputEvent, InputId, Options, Output, Plan, Simulation, Tick, network};
use spiked_proto::v1;

use crate::support::{CHANNELS, Random, Record, TICK_NS, batch};

/// Time between two promises of the made-up recording \[µs\].
pub(crate) const PROMISE_US: u64 = 10_000;

/// Part of a recording between two promises: its events, in time, and the promise that ends it.
pub(crate) type Window = (Vec<(u64, u32)>, u64);

/// Half a second of events, with bursts at one address and silences.
pub(crate) fn recording(events: usize) -> Vec<Window> {
    let mut random = Random(7);
    let mut windows = vec![Vec::new(); 50];
    for _ in 0..events {
        let window = random.below(50);
        let time_us = window * PROMISE_US + random.below(PROMISE_US);
        let address = u32::try_from(random.below(u64::from(CHANNELS))).unwrap();
        windows[usize::try_from(window).unwrap()].push((time_us, address));
    }
    let promises = (1..).map(|window| window * PROMISE_US);
    let sorted = windows.into_iter().map(|mut window| {
        window.sort_unstable();
        window
    });
    sorted.zip(promises).collect()
}

/// Cuts a recording into batches; each window's last batch carries its promise.
pub(crate) fn cut(recording: &[Window], mut size: impl FnMut() -> usize) -> Vec<v1::EventBatch> {
    let mut batches = Vec::new();
    for (events, promise_us) in recording {
        let base_us = promise_us - PROMISE_US;
        let mut rest = events.as_slice();
        loop {
            let (now, later) = rest.split_at(size().clamp(1, rest.len().max(1)).min(rest.len()));
            rest = later;
            let mut next = batch(batches.len() as u64 + 1, base_us, now);
            next.promise_us = rest.is_empty().then_some(*promise_us);
            batches.push(next);
            if rest.is_empty() {
                break;
            }
        }
    }
    batches
}

/// Spikes and decisions of a session as one sequence of words.
pub(crate) fn output(record: &Record) -> Vec<[u64; 6]> {
    let spikes = record.spikes.iter().map(|&(position, tick, port, address, multiplicity)| {
        [position, tick, port.into(), address.into(), multiplicity.into(), 0]
    });
    let decisions = record.decisions.iter().map(|decision| {
        let v1::Decision { position, tick, port, class, votes, votes_total, .. } = *decision;
        [position, tick, port.into(), class.into(), votes, votes_total]
    });
    let mut all: Vec<_> = spikes.chain(decisions).collect();
    all.sort_unstable();
    all
}

/// What the core alone makes of a recording, offered window by window.
pub(crate) fn truth(recording: &[Window]) -> Vec<[u64; 6]> {
    tuned(recording, &[])
}

/// Something that is done to a simulation at the start of a tick.
pub(crate) type Tuning<'a> = (u64, &'a dyn Fn(&mut Simulation));

/// The same where something is set at the start of some ticks.
pub(crate) fn tuned(recording: &[Window], tunings: &[Tuning<'_>]) -> Vec<[u64; 6]> {
    let plan = Arc::new(Plan::new(&touch_in_the_core(), &[]).unwrap());
    let run_on_ticks = plan.cost().longest_path_ticks;
    let mut simulation = Simulation::new(plan, Options::default());
    for (events, promise_us) in recording {
        let events: Vec<_> =
            events.iter().map(|&(time_us, address)| InputEvent::new(time_us, address)).collect();
        simulation.offer(InputId(0), &events).unwrap();
        simulation.promise(InputId(0), *promise_us).unwrap();
    }
    let last_us = recording.last().unwrap().1;
    let end_us = last_us + run_on_ticks * TICK_NS / 1_000;
    simulation.promise(InputId(0), end_us).unwrap();
    for (tick, tune) in tunings {
        simulation.advance_until(Budget::UNLIMITED, Tick(*tick)).unwrap();
        assert_eq!(simulation.simulated_to(), Tick(*tick));
        tune(&mut simulation);
    }
    simulation.advance(Budget::UNLIMITED).unwrap();
    assert_eq!(simulation.simulated_to(), Tick(end_us * 1_000 / TICK_NS));
    let words = |(position, output): (usize, Output)| match output {
        Output::Spike(spike) => [
            position as u64,
            spike.tick.0,
            spike.port.0.into(),
            spike.address.into(),
            spike.multiplicity.into(),
            0,
        ],
        Output::Decision(decision) => [
            position as u64,
            decision.tick.0,
            decision.port.0.into(),
            decision.class.into(),
            decision.votes,
            decision.votes_total,
        ],
    };
    simulation.outputs().drain(..).enumerate().map(words).collect()
}

/// The network "touch" as the core describes it.
fn touch_in_the_core() -> network::Network {
    use network::{
        Connectivity, InputPort, InputShape, LifParameters, Network, Neuron, OutputPort,
        Population, Projection, Readout, ReadoutRule,
    };
    let population = |name: &str, threshold_mv, drive_mv| {
        let tau_ms = 10.0;
        let lif = LifParameters { tau_ms, threshold_mv, drive_mv, ..LifParameters::default() };
        Population::new(name, &[CHANNELS], Neuron::Lif(lif))
    };
    let one_to_one = |weight, delay_ticks| Connectivity::OneToOne { weight, delay_ticks };
    let mut skin = InputPort::new("skin", InputShape::Channels(vec![CHANNELS]));
    skin.multiplicity_max = 1_000;
    Network {
        name: "touch".into(),
        tick: sim_core::TickLength::from_ns(TICK_NS).unwrap(),
        inputs: vec![skin],
        populations: vec![population("first", 0.9, 0.0), population("second", 1.5, 0.5)],
        projections: vec![
            Projection::new("in", "skin", "first", one_to_one(1.0, 3)),
            Projection::new("on", "first", "second", one_to_one(0.75, 700)),
        ],
        readouts: vec![Readout {
            name: "where".into(),
            source: "second".into(),
            rule: ReadoutRule::Vote { window_ticks: 200, every_ticks: 50, labels: Vec::new() },
        }],
        outputs: vec![
            OutputPort { name: "spikes".into(), sources: vec!["first".into(), "second".into()] },
            OutputPort { name: "place".into(), sources: vec!["where".into()] },
        ],
        ..Default::default()
    }
}
