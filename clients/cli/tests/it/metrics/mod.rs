//! Metrics, health and readiness of real daemons, over plain sockets.

mod pages;
mod requests;
pub(crate) mod scrape;
mod totals;
mod trouble;

use spiked_client::{AddressEvent, Client, Layout, OpenOptions, v1};
use spiked_proto::layout::address;

use self::scrape::Scrape;
use crate::process::Daemon;

/// A daemon with metrics, and with these arguments besides.
fn daemon(arguments: &[&str]) -> Daemon {
    let own = ["--listen", "127.0.0.1:0", "--metrics", "127.0.0.1:0"];
    Daemon::start_with(&[&own, arguments].concat())
}

fn named(id: &str) -> OpenOptions {
    OpenOptions { session_id: id.into(), ..OpenOptions::new("delay-line") }
}

/// Sends these events in a step of a session, runs to a time, and says where it stands. A session
/// that was made again is told what was read of it.
async fn step(
    client: &Client,
    id: &str,
    sequence: u64,
    events: &[AddressEvent],
    until_us: u64,
    output_from: Option<u64>,
) -> v1::Acknowledgement {
    let base_time_us = events.iter().map(|event| event.time).min().unwrap_or(0);
    let mut payload = Vec::new();
    address::encode(events, base_time_us, &mut payload).expect("they fit");
    let batch = v1::EventBatch {
        sequence,
        base_time_us,
        layout: Layout::Address.into(),
        count: u32::try_from(events.len()).expect("few"),
        payload: payload.into(),
        ..v1::EventBatch::default()
    };
    let request = v1::StepSessionRequest {
        session_id: id.into(),
        events: vec![batch],
        until_us,
        output_from,
    };
    let answer = client.step_session(request).await.expect("it steps");
    answer.acknowledgement.expect("where it stands")
}

/// One event on each of eight channels.
fn volley(time: u64) -> Vec<AddressEvent> {
    (0..8).map(|index| AddressEvent { time, index }).collect()
}

/// What a scrape says of events, drops and the rest, over all sessions of the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Totals {
    events: u64,
    dropped: u64,
    spikes: u64,
    deliveries: u64,
    batches: u64,
}

impl Totals {
    fn of(scrape: &Scrape) -> Self {
        Self {
            events: scrape.sum("spiked_events_total"),
            dropped: scrape.sum("spiked_events_dropped_total"),
            spikes: scrape.sum("spiked_spikes_total"),
            deliveries: scrape.sum("spiked_deliveries_total"),
            batches: scrape.sum("spiked_batches_total"),
        }
    }

    /// The same from what a session was told.
    fn told(position: &v1::Acknowledgement) -> Self {
        let drops = position.drops.unwrap_or_default();
        let dropped = drops.late + drops.outside + drops.multiplicity + drops.overload;
        Self {
            events: position.events_accepted + dropped,
            dropped,
            spikes: position.spikes,
            deliveries: position.deliveries,
            batches: position.accepted,
        }
    }
}
