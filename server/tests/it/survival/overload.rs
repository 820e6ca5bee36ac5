//! P3 end to end: at every acknowledgement, what was sent was accepted or dropped, under every
//! policy.

use spiked_proto::v1::{self, Reason, stream_request::Message as Request};

use super::named;
use crate::support::{Random, Server, batch};

const QUEUE_EVENTS: u64 = 2_000;

/// Batches whose promise lags far behind, so that they wait: ten times what the queue holds.
fn flood() -> Vec<v1::EventBatch> {
    let mut random = Random::new(5);
    (1..=100_u64)
        .map(|sequence| {
            let base_us = sequence * 1_000;
            let events: Vec<_> = (0..200).map(|at| (base_us + at, (at % 64) as u32)).collect();
            let promise_us = (random.below(20) == 0).then_some(base_us.saturating_sub(20_000));
            v1::EventBatch { promise_us, ..batch(sequence, base_us, &events) }
        })
        .scan(0, |held, mut batch| {
            // Promises never go back.
            batch.promise_us = batch.promise_us.filter(|&promise| promise >= *held);
            *held = batch.promise_us.unwrap_or(*held);
            Some(batch)
        })
        .collect()
}

#[tokio::test]
async fn everything_sent_is_accepted_or_dropped_at_every_acknowledgement() {
    let server = Server::with(|limits| limits.queue_events = QUEUE_EVENTS).await;
    for overload in [v1::Overload::DropOldest, v1::Overload::DropNewest] {
        let open = v1::Open { overload: overload.into(), ..named(overload.as_str_name()) };
        let producer = server.open(open).await.unwrap();
        let mut producer = producer;
        for batch in flood() {
            producer.send(Request::Events(batch));
        }
        producer.send(Request::End(v1::EndOfInput {}));
        let mut seen = 0;
        while producer.next().await.is_some() {
            let Some(ack) = &producer.record.acknowledgement else { continue };
            let dropped = ack.drops.unwrap().overload;
            assert_eq!(ack.events_accepted + dropped, ack.accepted * 200, "{ack:?}");
            assert!(ack.queue_events <= QUEUE_EVENTS, "{ack:?}");
            seen += 1;
        }
        assert!(seen > 0);
        let record = producer.record;
        assert_eq!(record.reason(), v1::EndReason::Completed, "{record:?}");
        let last = record.last();
        assert_eq!(last.accepted, 100);
        assert_eq!(last.queue_events, 0, "what was not dropped was simulated");
        assert_eq!(last.events_accepted + last.drops.unwrap().overload, 20_000);
        assert!(last.drops.unwrap().overload > 0, "{last:?}");
        // What fits the queue is not dropped; promises take a little of it.
        assert!(last.events_accepted >= QUEUE_EVENTS * 8 / 10, "{last:?}");
    }
}

/// Under `block` a client sends no more than its credit, though its promise lags: nothing is dropped,
/// however long it takes, and the queue stays bounded. Whoever never promises is told that it must.
#[tokio::test]
async fn credit_blocks_and_drops_nothing() {
    let server = Server::with(|limits| limits.queue_events = QUEUE_EVENTS).await;
    let open = v1::Open { overload: v1::Overload::Block.into(), ..named("blocks") };
    let mut producer = server.open(open).await.unwrap();
    let credit = |ack: &v1::Acknowledgement| ack.credit.unwrap().events;
    let (mut sent, mut waits) = (0, 0);
    let mut granted = producer.record.opened.as_ref().unwrap().credit.unwrap().events;
    for batch in flood() {
        if sent + 200 > granted {
            // What holds it up is its own promise.
            let promise_us = batch.base_time_us;
            producer.send(Request::Heartbeat(v1::Heartbeat { promise_us }));
            producer.acknowledged(|ack| credit(ack) >= sent + 200).await;
            granted = credit(producer.record.acknowledgement.as_ref().unwrap());
            waits += 1;
        }
        producer.send(Request::Events(v1::EventBatch { promise_us: None, ..batch }));
        sent += 200;
    }
    assert!(waits > 5, "{waits}");
    producer.send(Request::End(v1::EndOfInput {}));
    while producer.next().await.is_some() {
        let Some(ack) = &producer.record.acknowledgement else { continue };
        assert_eq!(ack.events_accepted, ack.accepted * 200, "{ack:?}");
        assert!(ack.queue_events <= QUEUE_EVENTS, "{ack:?}");
    }
    let record = producer.record;
    assert_eq!(record.reason(), v1::EndReason::Completed, "{record:?}");
    assert_eq!((record.last().events_accepted, record.last().drops), (sent, Some(<_>::default())));

    let stalled = v1::Open { overload: v1::Overload::Block.into(), ..named("stalls") };
    let producer = server.open(stalled).await.unwrap();
    for batch in flood() {
        producer.send(Request::Events(v1::EventBatch { promise_us: None, ..batch }));
    }
    let record = producer.finish().await;
    let reason = record.errors[0].reason();
    // Which of the two is seen first is a matter of time.
    assert!(matches!(reason, Reason::PromiseStalled | Reason::CreditExceeded), "{reason:?}");
    assert_eq!(record.last().accepted, 10);
    assert_eq!(record.last().events_accepted, QUEUE_EVENTS, "what was accepted is kept");
}

#[tokio::test]
async fn a_session_may_end_on_overload_and_the_others_go_on() {
    let server = Server::with(|limits| limits.queue_events = QUEUE_EVENTS).await;
    let open = v1::Open { overload: v1::Overload::Fail.into(), ..named("fails") };
    let producer = server.open(open).await.unwrap();
    for batch in flood() {
        producer.send(Request::Events(v1::EventBatch { promise_us: None, ..batch }));
    }
    let record = producer.finish().await;
    assert_eq!(record.errors[0].reason(), Reason::Overload);
    assert_eq!(record.errors[0].sequence, 11, "ten batches fill the queue");
    assert_eq!(record.reason(), v1::EndReason::Failed);
    let last = record.last();
    assert_eq!((last.accepted, last.events_accepted), (10, 2_000), "all before it is kept");
    assert_eq!(last.drops, Some(<_>::default()));
    server.assert_well().await;
}
