//! What a producer puts on the stream: batches, numbers, promises, never more than its credit.

use bytes::Bytes;
use futures::FutureExt as _;
use spiked_client::{
    CameraEvent, Client, Error, Gathering, Layout, OpenOptions, Origin, Output, Producer,
    v1::stream_request::Message,
};

use crate::stub::Stub;

fn event(t_us: u64) -> CameraEvent {
    CameraEvent { t_us, x: 1, y: 2, on: true }
}

async fn opened(options: OpenOptions, credit_events: u64) -> (Stub, Producer, Output) {
    let mut stub = Stub::start().await;
    stub.open(credit_events).await;
    let client = Client::connect(&stub.address).await.expect("the stub listens");
    let session = client.open(options).await.expect("the stub opens");
    let (producer, output) = session.split();
    assert!(matches!(stub.request().await, Message::Open(_)));
    (stub, producer, output)
}

#[tokio::test]
async fn opens_with_what_it_was_asked_for() {
    let mut stub = Stub::start().await;
    stub.open(1).await;
    let options = OpenOptions::new("motion")
        .with_sensor("camera", 320, 240)
        .with_origin(Origin::At { time_us: 7 });
    let client = Client::connect(&stub.address).await.unwrap();
    let session = client.open(options).await.unwrap();
    assert_eq!(session.tables().tick_ns, 1_000_000);
    let Message::Open(open) = stub.request().await else { panic!("open comes first") };
    assert_eq!((open.network.as_str(), open.sensors[0].height), ("motion", 240));
    assert!(open.origin.is_some());
}

#[tokio::test]
async fn full_batches_leave_and_the_end_promises_just_behind_the_last_event() {
    let options = OpenOptions::new("n").with_gathering(Gathering::Throughput);
    let options = OpenOptions { batch_events_max: Some(4), ..options };
    let (mut stub, mut producer, _output) = opened(options, 100).await;
    let events: Vec<_> = (50..60).map(event).collect();
    producer.send(0, &events).await.unwrap();
    producer.finish().await.unwrap();
    let mut promised_us = None;
    for (sequence, count) in [(1, 4), (2, 4), (3, 2)] {
        let batch = stub.batch().await;
        assert_eq!((batch.sequence, batch.count), (sequence, count));
        promised_us = batch.promise_us;
    }
    let mut last = stub.request().await;
    // When the patience ran out before the end was known, the promise goes alone.
    if let Message::Heartbeat(heartbeat) = last {
        promised_us = Some(heartbeat.promise_us);
        last = stub.request().await;
    }
    assert_eq!(promised_us, Some(60));
    assert!(matches!(last, Message::End(_)));
}

/// Catches a timekeeper that is never woken: nothing else sends this event.
#[tokio::test]
async fn what_is_gathered_leaves_by_itself_with_its_promise() {
    let (mut stub, mut producer, _output) = opened(OpenOptions::new("n"), 100).await;
    for t_us in [10, 20, 30] {
        producer.send(0, &[event(t_us)]).await.unwrap();
        let batch = stub.batch().await;
        assert_eq!((batch.count, batch.base_time_us <= t_us), (1, true));
        producer.promise(t_us + 5).await.unwrap();
        let Message::Heartbeat(heartbeat) = stub.request().await else { panic!("heartbeat") };
        assert_eq!(heartbeat.promise_us, t_us + 5);
    }
}

#[tokio::test]
async fn flushing_does_not_wait() {
    let (mut stub, mut producer, _output) = opened(OpenOptions::new("n"), 100).await;
    producer.send(0, &[event(10), event(11)]).await.unwrap();
    producer.promise(11).await.unwrap();
    producer.flush().await.unwrap();
    let batch = stub.batch().await;
    assert_eq!((batch.count, batch.promise_us), (2, Some(11)));
}

/// Seen to fail with the wait for credit taken out, and with credit counted a batch at a time.
#[tokio::test]
async fn never_sends_more_than_its_credit() {
    let (mut stub, mut producer, mut output) = opened(OpenOptions::new("n"), 8).await;
    let batch = [event(5); 3];
    producer.send_batch(0, &batch, None).await.unwrap();
    for step in 0..50 {
        // Credit for 8 + 6 step events is room for this batch and not for the next.
        producer.send_batch(0, &batch, None).await.unwrap();
        let beyond = producer.send_batch(0, &batch, None).now_or_never();
        assert!(beyond.is_none(), "step {step}");
        for sequence in [2 * step + 1, 2 * step + 2] {
            assert_eq!(stub.batch().await.sequence, sequence);
        }
        // The batch given up above is not lost: it is the first that the next credit lets through.
        stub.acknowledge(2 * step + 2, 8 + 6 * (step + 1)).await;
        output.next().await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn a_sensors_own_words_go_as_they_are() {
    let (mut stub, mut producer, _output) = opened(OpenOptions::new("n"), 1_000_000).await;
    let words = Bytes::from(vec![7; 140_002]);
    producer.send_raw(0, Layout::Evt3, words, Some(99)).await.unwrap();
    let (first, second) = (stub.batch().await, stub.batch().await);
    assert_eq!((first.count, first.promise_us), (131_072, None));
    assert_eq!((second.count, second.promise_us), (8_930, Some(99)));
    assert_eq!(second.layout(), Layout::Evt3);
}

#[tokio::test]
async fn refuses_promises_that_go_back_and_batches_that_fit_no_message() {
    let (_stub, mut producer, _output) = opened(OpenOptions::new("n"), 100).await;
    producer.promise(10).await.unwrap();
    let error = producer.promise(9).await.unwrap_err();
    assert!(matches!(error, Error::PromiseBackwards { given_us: 9, promise_us: 10 }), "{error}");
    let error = producer.send_batch(0, &vec![event(1); 130_001], None).await.unwrap_err();
    assert!(matches!(error, Error::BatchTooLarge { given: 130_001, .. }), "{error}");
}
