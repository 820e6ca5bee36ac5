//! Input that is the worst there is: all at one address, or each event for everybody.

use std::{sync::Arc, time::Duration};

use spiked_client::{AddressEvent, OpenOptions, v1};

use super::{Scene, Seen};
use crate::{
    flow::{Cut, Filled, Flow, Pace, ticks},
    session::{self, Part, Played},
    source::{Kind, Shape, Source, Spec},
};

/// Events a second at one pixel.
const PIXEL_RATE: f64 = 200e3;
/// Events that are looked at together, when the load is over.
const EVENTS_A_LOOK: usize = 16_384;
/// The network of the widest fan-out, and events a second into it: 41 million deliveries.
const CHANNELS: u32 = 64;
const NEURONS: u32 = 4_096;
const FAN_RATE: f64 = 10e3;
const TICK_NS: u64 = 100_000;
const FAN_OUT: &str = "spiked-load-fan-out";

/// One address gets everything.
pub(super) async fn one_pixel(scene: &Scene<'_>) -> Seen {
    let shape = scene.load.sources[0].shape();
    let flow = flow(Kind::Pixel, shape, PIXEL_RATE)?;
    let session = scene.client.open(scene.load.options(flow.source())).await?;
    let part = Part { cut: cut(PIXEL_RATE), ..scene.part(&session, flow) };
    let played = session::play(scene.client, session, part).await?;
    Ok((is_whole(&played), observed(&played)))
}

/// Everybody gets each event.
pub(super) async fn fan_out(scene: &Scene<'_>) -> Seen {
    scene.client.load_network(network(), "").await?;
    let flow = flow(Kind::Noise, Shape::Channels(CHANNELS), FAN_RATE)?;
    let session = scene.client.open(OpenOptions::new(FAN_OUT)).await?;
    let part = Part { cut: cut(FAN_RATE), port: 0, ..scene.part(&session, flow) };
    let played = session::play(scene.client, session, part).await?;
    let owed = played.flow.as_ref().map_or(0, arrivals) * u64::from(NEURONS);
    let seen = format!("{}, {owed} of them owed", observed(&played));
    Ok((is_whole(&played) && played.position.deliveries == owed, seen))
}

fn is_whole(played: &Played) -> bool {
    played.completed && played.is_conserved() && played.events_sent > 0
}

fn observed(played: &Played) -> String {
    format!(
        "{} events sent, {} dropped, {} deliveries",
        played.events_sent,
        played.dropped(),
        played.position.deliveries
    )
}

/// What a neuron gets of the events that a flow has given: a channel's events of one tick arrive as one.
fn arrivals(flow: &Flow) -> u64 {
    let mut again = flow.restarted();
    let mut last = [None; CHANNELS as usize];
    let mut filled = again.room();
    let mut arrivals = 0;
    while again.given() < flow.given() {
        let left = usize::try_from(flow.given() - again.given()).unwrap_or(usize::MAX);
        let batch = again.next_of(left.min(EVENTS_A_LOOK));
        again.fill(&batch, &mut filled);
        let Filled::Addresses(events) = &filled else { return 0 };
        for AddressEvent { time, index } in events {
            let tick = ticks(*time, TICK_NS);
            arrivals += u64::from(last[*index as usize].replace(tick) != Some(tick));
        }
    }
    arrivals
}

fn flow(kind: Kind, shape: Shape, rate: f64) -> Result<Flow, crate::Error> {
    let source = Source::make(&Spec::Synthetic { kind, shape, rate }, None, 0)?;
    Ok(Flow::phased(Arc::new(source), 0, 1))
}

fn cut(rate: f64) -> Cut {
    let gather = Duration::from_millis(1);
    Cut { pace: Pace::Rate(rate), gather, events_max: 1_024, burst: None }
}

/// Channels that each reach all of many accumulators, which never fire.
fn network() -> v1::Network {
    let neuron = v1::Accumulator { threshold: 1e6, ..v1::Accumulator::default() };
    let extent = v1::Extent { extent: Some(v1::extent::Extent::Size(NEURONS)) };
    let one = v1::Values { values: Some(v1::values::Values::Same(1.0)) };
    let all = v1::Dense { weights: Some(one), delay_ticks: 1 };
    v1::Network {
        name: FAN_OUT.into(),
        tick_ns: TICK_NS,
        inputs: vec![v1::InputPort {
            name: "in".into(),
            shape: Some(v1::input_port::Shape::Channels(v1::Channels { shape: vec![CHANNELS] })),
            ..v1::InputPort::default()
        }],
        populations: vec![v1::Population {
            name: "all".into(),
            shape: vec![extent],
            neuron: Some(v1::population::Neuron::Accumulator(neuron)),
            ..v1::Population::default()
        }],
        projections: vec![v1::Projection {
            name: "to".into(),
            source: "in".into(),
            target: "all".into(),
            connectivity: Some(v1::projection::Connectivity::Dense(all)),
            ..v1::Projection::default()
        }],
        outputs: vec![v1::OutputPort { name: "spikes".into(), sources: vec!["all".into()] }],
        ..v1::Network::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Events;

    #[test]
    fn events_of_a_channel_and_tick_arrive_as_one() {
        let events = [(0, 3), (40, 3), (99, 5), (100, 3), (120, 5), (130, 3), (305, 3)];
        let event = |(time, index)| AddressEvent { time, index };
        let events = Events::Addresses(events.map(event).to_vec());
        let source = Source::of("x".into(), Shape::Channels(CHANNELS), events).expect("events");
        let mut flow = Flow::phased(Arc::new(source), 0, 1);
        let mut given = |count| {
            flow.next_of(count);
            arrivals(&flow)
        };
        assert_eq!([given(1), given(1), given(1), given(3), given(1)], [1, 1, 2, 4, 5]);
    }
}
