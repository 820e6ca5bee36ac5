//! The protocol against models that are slow and obvious.

mod bad_links;
mod fuzz;
mod live_pace;
mod one_producer;
mod overload;
mod rates;
mod replay;
mod several;

use proptest::prelude::*;
use sim_core::{
    InputEvent, Plan, TickLength,
    network::{
        Connectivity, InputPort, InputShape, LifParameters, Network, Neuron, OutputPort,
        Population, Projection, SensorSize,
    },
};
use spiked_proto::{
    layout::{
        address::{self, AddressEvent},
        camera::CameraEvent,
        evt3,
    },
    v1::{self, Layout, Reason},
};

use super::{Actions, Protocol, Record};
use crate::session::{
    chunk::Op,
    positions::Level,
    settings::{Capacity, Durability, Origin, Overload, Pace, Policy, Settings},
};

const ADDRESSES: u32 = 8;
const LONGEST_PATH_TICKS: u32 = 7;

/// Port 0: eight channels; port 1: a camera of 34 x 30 pixels. One tick is 1 ms.
fn plan() -> Plan {
    let camera = InputShape::Sensor(Some(SensorSize { width: 34, height: 30 }));
    let network = Network {
        name: "test".into(),
        tick: TickLength::MILLISECOND,
        inputs: vec![
            InputPort::new("touch", InputShape::Channels(vec![ADDRESSES])),
            InputPort::new("camera", camera),
        ],
        populations: vec![Population::new(
            "cells",
            &[ADDRESSES],
            Neuron::Lif(LifParameters::default()),
        )],
        projections: vec![Projection::new(
            "in",
            "touch",
            "cells",
            Connectivity::OneToOne { weight: 1.0, delay_ticks: LONGEST_PATH_TICKS },
        )],
        outputs: vec![OutputPort { name: "spikes".into(), sources: vec!["cells".into()] }],
        ..Network::default()
    };
    Plan::new(&network, &[]).expect("a network that runs")
}

fn settings(policy: Policy) -> Settings {
    Settings {
        producers: vec!["main".into()],
        origin: Origin::Time(0),
        pace: Pace::Logical,
        overload: Overload::Block,
        durability: Durability::None,
        bad_event: policy,
        late_event: policy,
        gathered: false,
        run_on_us: None,
        seed: None,
        lease_us: None,
    }
}

/// A queue for so many events.
const fn room(events: u64) -> Capacity {
    Capacity { events, bytes: 1 << 30 }
}

const AMPLE: Capacity = room(1 << 30);

/// A session that is busy, with everything below a time simulated.
const fn closed(closed_us: u64) -> Level {
    Level { idle: false, closed_us, lag_us: 0, now_us: 0, over_rate: false }
}

const BUSY: Level = closed(0);
const IDLE: Level = Level { idle: true, ..BUSY };

fn protocol(settings: Settings) -> Protocol {
    Protocol::new(settings, &plan(), AMPLE)
}

fn batch(sequence: u64, events: &[(u64, u32)], promise_us: Option<u64>) -> v1::EventBatch {
    let mut payload = Vec::new();
    let event = |&(time, index)| AddressEvent { time, index };
    let events: Vec<_> = events.iter().map(event).collect();
    address::encode(&events, 0, &mut payload).expect("times within reach");
    v1::EventBatch {
        sequence,
        layout: Layout::Address.into(),
        count: u32::try_from(events.len()).expect("few"),
        payload: payload.into(),
        promise_us,
        ..v1::EventBatch::default()
    }
}

/// All input that a run of actions hands on, with events and promises in order.
#[derive(Debug, Default, PartialEq, Eq)]
struct Applied {
    events: Vec<InputEvent>,
    /// (events before it, time)
    promises: Vec<(usize, u64)>,
    end: Option<Op>,
}

fn applied(out: &Actions) -> Applied {
    let mut applied = Applied { events: out.chunk.events.clone(), ..Applied::default() };
    let mut before = 0;
    for &op in &out.chunk.ops {
        match op {
            Op::Events { count, .. } => before += count,
            Op::Promise { time_us } => applied.promises.push((before, time_us)),
            Op::End { .. } => applied.end = Some(op),
            Op::Origin { .. } => {}
        }
    }
    assert_eq!(before, applied.events.len(), "the counts of all steps are the events");
    applied
}

fn reasons(out: &Actions) -> Vec<Reason> {
    out.errors.iter().map(|(_, error)| error.reason()).collect()
}
