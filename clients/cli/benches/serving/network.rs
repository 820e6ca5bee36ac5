//! The network that is measured with: channels onto 64 accumulators, an event a delivery.

use spiked_client::{AddressEvent, Client, v1};

/// Its name; the daemon comes with networks of others.
pub(crate) const NETWORK: &str = "accumulators";

pub(crate) const CHANNELS: u32 = 64;

/// Loads it with a tick of 10 µs. The threshold is beyond reach, so that output costs nothing.
pub(crate) async fn load(client: &Client) {
    load_with(client, NETWORK, 1e6).await;
}

/// The same that fires once for so many events of a channel.
pub(crate) async fn load_with(client: &Client, name: &str, threshold: f64) {
    let neuron = v1::Accumulator { threshold, ..v1::Accumulator::default() };
    let one_to_one = v1::OneToOne { weight: 1.0, delay_ticks: 1 };
    let network = v1::Network {
        name: name.into(),
        tick_ns: 10_000,
        inputs: vec![v1::InputPort {
            name: "in".into(),
            shape: Some(v1::input_port::Shape::Channels(v1::Channels { shape: vec![CHANNELS] })),
            ..v1::InputPort::default()
        }],
        populations: vec![v1::Population {
            name: "pool".into(),
            shape: vec![v1::Extent { extent: Some(v1::extent::Extent::Size(CHANNELS)) }],
            neuron: Some(v1::population::Neuron::Accumulator(neuron)),
            ..v1::Population::default()
        }],
        projections: vec![v1::Projection {
            name: "to".into(),
            source: "in".into(),
            target: "pool".into(),
            connectivity: Some(v1::projection::Connectivity::OneToOne(one_to_one)),
            ..v1::Projection::default()
        }],
        outputs: vec![v1::OutputPort { name: "spikes".into(), sources: vec!["pool".into()] }],
        ..v1::Network::default()
    };
    client.load_network(network, "").await.expect("a network that can run");
}

/// So many events spread over a span from a time on.
pub(crate) fn events(from_us: u64, span_us: u64, count: u64) -> Vec<AddressEvent> {
    (0..count)
        .map(|number| AddressEvent {
            time: from_us + number * span_us / count,
            index: u32::try_from(number * 37 % u64::from(CHANNELS)).expect("a channel"),
        })
        .collect()
}

/// The value at a share of sorted values.
pub(crate) fn quantile(sorted: &[f64], share: f64) -> f64 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a place in it")]
    let at = (share * (sorted.len() - 1) as f64).round() as usize;
    sorted[at]
}
