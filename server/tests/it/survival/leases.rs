//! Producers that stay away from a session that others hold.

use spiked_proto::v1::{
    self, stream_request::Message as Request, watch_session_response::Message as Watched,
};
use tokio::time::timeout;

use super::{PATIENCE, batches, finish, joined, named, next_position, resuming, until};
use crate::{
    recorded::{recording, truth},
    support::{CHANNELS, Record, Server, batch},
};

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

/// Who still watches is told that nobody came back.
#[tokio::test]
async fn a_session_that_nobody_comes_back_to_says_that_it_was_abandoned() {
    let server = Server::start().await;
    let open = v1::Open { lease_us: Some(50_000), ..named("left") };
    let mut producer = server.open(open).await.unwrap();
    let request = v1::WatchSessionRequest { session_id: "left".into(), ..<_>::default() };
    let watching = server.sessions().await.watch_session(request).await.unwrap();
    let promise_us = Some(10_000);
    producer.send(Request::Events(v1::EventBatch { promise_us, ..batch(1, 0, &[(0, 5)]) }));
    producer.acknowledged(|ack| ack.simulated_to_us == 10_000).await;
    drop(producer);
    let mut watching = watching.into_inner();
    let (mut spikes, mut ended) = (0, None);
    while let Some(response) = timeout(PATIENCE, watching.message()).await.unwrap().unwrap() {
        match response.message.unwrap() {
            Watched::Spikes(batch) => spikes += batch.count,
            Watched::Ended(end) => ended = Some(end),
            _ => {}
        }
    }
    let ended = ended.expect("it is told");
    assert_eq!((ended.reason(), spikes), (v1::EndReason::Abandoned, 1));
    assert_eq!(ended.r#final.unwrap().accepted, 1);
}

/// A durable session is saved with what it was fed when its lease runs out, again and again, and goes on
/// for whoever comes back with its token, on the same daemon.
#[tokio::test]
async fn a_session_that_rests_goes_on_where_it_was() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::on(data.path(), |_| ()).await;
    let recording = recording(4_000);
    let (expected, batches) = (truth(&recording), batches(&recording, 40));
    let (durability, lease_us) = (v1::Durability::Never.into(), Some(20_000));
    let mut open = v1::Open { durability, lease_us, ..named("rests") };
    let mut records = Vec::new();
    for part in 1..=3_u64 {
        let mut producer = server.open(open).await.unwrap();
        let upto = batches.len() as u64 * part / 4;
        let accepted = producer.record.opened.as_ref().unwrap().accepted;
        for batch in batches.iter().filter(|batch| (accepted + 1..=upto).contains(&batch.sequence))
        {
            producer.send(Request::Events(batch.clone()));
        }
        producer.acknowledged(|ack| ack.accepted == upto).await;
        open = v1::Open {
            lease_us,
            ..resuming(&producer.record, Some(next_position(&producer.record)))
        };
        records.push(producer.record.clone());
        drop(producer);
        until(&server, |sessions| sessions.iter().any(|session| session.at_rest)).await;
    }
    let producer = server.open(open).await.unwrap();
    let accepted = producer.record.opened.as_ref().unwrap().accepted;
    assert_eq!(accepted, batches.len() as u64 * 3 / 4);
    records.push(finish(producer, &batches, accepted).await);
    assert_eq!(records.last().unwrap().reason(), v1::EndReason::Completed);
    assert!(joined(&records) == expected, "the output differs");
}
