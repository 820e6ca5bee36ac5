//! Producers that stay away from a session that others hold.

use spiked_proto::v1::{self, stream_request::Message as Request};
use tokio::time::timeout;

use super::{PATIENCE, named, resuming};
use crate::support::{CHANNELS, Record, Server, batch};

/// Events whose spikes are more than what is kept for readers.
const EVENTS: u64 = 700_000;
/// Of one batch.
const BATCH: u64 = 50_000;

fn two(producer: &str, lease_us: u64) -> v1::Open {
    v1::Open {
        producers: vec!["left".into(), "right".into()],
        producer: producer.into(),
        lease_us: Some(lease_us),
        ..named("two")
    }
}

/// One event a channel and tick, in batches, each with its promise.
fn many() -> Vec<v1::EventBatch> {
    let channels = u64::from(CHANNELS);
    let time_us = |number: u64| number / channels * 100;
    let event = |number: u64| (time_us(number), u32::try_from(number % channels).unwrap());
    let batches = (0..EVENTS / BATCH).map(|part| {
        let events: Vec<_> = (part * BATCH..(part + 1) * BATCH).map(event).collect();
        let promise_us = Some(time_us((part + 1) * BATCH));
        v1::EventBatch { promise_us, ..batch(part + 1, time_us(part * BATCH), &events) }
    });
    batches.collect()
}

/// The right producer promises more than there is, and goes.
async fn gone_right(server: &Server, lease_us: u64) -> Record {
    let mut right = server.open(two("right", lease_us)).await.unwrap();
    let promise_us = Some(10_000_000);
    right.send(Request::Events(v1::EventBatch { promise_us, ..batch(1, 0, &[(0, 1)]) }));
    right.acknowledged(|ack| ack.accepted == 1).await;
    right.record.clone()
}

/// What is kept for a producer that went is kept no longer than its lease: then the other one goes
/// on, and whoever comes back is told which output is gone, and may go on from what is there. Seen
/// to hang with output kept for it for ever.
#[tokio::test]
async fn a_producer_that_stays_away_holds_output_back_no_longer_than_the_lease() {
    let server = Server::start().await;
    let mut left = server.open(two("left", 50_000)).await.unwrap();
    let right = gone_right(&server, 50_000).await;
    let reading = async {
        for batch in many() {
            let sequence = batch.sequence;
            left.send(Request::Events(batch));
            left.acknowledged(|ack| ack.accepted >= sequence).await;
        }
        let last = many().last().and_then(|batch| batch.promise_us).unwrap();
        left.acknowledged(|ack| ack.simulated_to_us >= last).await;
    };
    timeout(PATIENCE, reading).await.expect("nobody waits");
    let lost = server.open(resuming(&right, Some(0))).await.err().unwrap();
    assert!(lost.message().contains("REASON_OUTPUT_LOST"), "{lost}");
    let again = server.open(resuming(&right, None)).await.unwrap();
    let opened = again.record.opened.as_ref().unwrap();
    assert!(opened.rejoined && opened.output_position > 0, "{opened:?}");
}
