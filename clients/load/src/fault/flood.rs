//! Input that is the worst there is: all at one address, or each event for everybody.

use std::{sync::Arc, time::Duration};

use spiked_client::{OpenOptions, v1};

use super::{Scene, Seen};
use crate::{
    flow::{Cut, Flow, Pace},
    session::{self, Part, Played},
    source::{Kind, Shape, Source, Spec},
};

/// Events a second at one pixel.
const PIXEL_RATE: f64 = 200e3;
/// The network of the widest fan-out, and events a second into it: 41 million deliveries.
const CHANNELS: u32 = 64;
const NEURONS: u32 = 4_096;
const FAN_RATE: f64 = 10e3;
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
    let owed = played.position.events_accepted * u64::from(NEURONS);
    Ok((is_whole(&played) && played.position.deliveries == owed, observed(&played)))
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
        tick_ns: 100_000,
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
