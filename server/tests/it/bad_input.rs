//! What is wrong with a stream is a typed error that names place and value; what came before it is
//! processed, as the policy says; and the daemon lives on.

use spiked_proto::{
    layout::address::{self, CountedAddressEvent},
    v1::{self, Layout, Reason, stream_request::Message as Request},
};

use crate::support::{CHANNELS, Record, Server, batch, open};

fn drops() -> v1::Open {
    let mut open = open("touch");
    open.set_bad_event(v1::EventPolicy::Drop);
    open.set_late_event(v1::EventPolicy::Drop);
    open
}

fn promising(batch: v1::EventBatch, promise_us: u64) -> v1::EventBatch {
    v1::EventBatch { promise_us: Some(promise_us), ..batch }
}

/// Sends one good batch, then a bad message; expects a fatal error and the good batch's output.
async fn fails(server: &Server, bad: Request) -> v1::Error {
    let mut producer = server.open(open("touch")).await.unwrap();
    producer.send(Request::Events(promising(batch(1, 0, &[(0, 3), (500, 4)]), 1_000)));
    producer.send(bad);
    // Never reached by the session: the input has ended.
    producer.send(Request::Events(batch(2, 1_000, &[(2_000, 5)])));
    let record = loop {
        if producer.next().await.is_none() {
            break producer.finish().await;
        }
    };
    assert_eq!(record.reason(), v1::EndReason::Failed, "{record:?}");
    let [error] = record.errors.as_slice() else { panic!("one error: {record:?}") };
    assert!(error.fatal);
    assert_eq!(record.last().accepted, 1);
    assert!(record.spikes.len() >= 2, "what came before is processed: {record:?}");
    error.clone()
}

fn events(change: impl FnOnce(&mut v1::EventBatch)) -> Request {
    let mut batch = batch(2, 1_000, &[(1_000, 1), (1_500, 2)]);
    change(&mut batch);
    Request::Events(batch)
}

/// Batches that cannot be read, with the reason and what the message says.
fn bad_payloads() -> [(Reason, &'static str, Request); 8] {
    [
        (Reason::PayloadCount, "states 7", events(|batch| batch.count = 7)),
        (Reason::PayloadLength, "15 bytes", events(|batch| drop(batch.payload.split_off(15)))),
        (Reason::PortUnknown, "port 9", events(|batch| batch.port = 9)),
        (Reason::LayoutUnknown, "layout 0", events(|batch| batch.layout = 0)),
        (Reason::LayoutUnknown, "layout 99", events(|batch| batch.layout = 99)),
        (
            Reason::LayoutUnknown,
            "output only",
            events(|batch| batch.set_layout(Layout::AddressTicks)),
        ),
        (Reason::LayoutMismatch, "not a camera", events(|batch| batch.set_layout(Layout::Camera))),
        (Reason::Unimplemented, "LAYOUT_EVT21", events(|batch| batch.set_layout(Layout::Evt21))),
    ]
}

/// Messages out of place, likewise.
fn bad_messages() -> [(Reason, &'static str, Request); 8] {
    [
        (
            Reason::Unimplemented,
            "payload_sha256",
            events(|batch| batch.payload_sha256 = vec![0; 32].into()),
        ),
        (Reason::SequenceGap, "batch 2 was expected", events(|batch| batch.sequence = 3)),
        (Reason::SequenceConflict, "other bytes", events(|batch| batch.sequence = 1)),
        (Reason::PromiseBackwards, "999 us", events(|batch| batch.promise_us = Some(999))),
        (Reason::FieldInvalid, "base time", events(|batch| batch.base_time_us = u64::MAX)),
        (Reason::OpenedTwice, "open comes once", Request::Open(open("touch"))),
        (
            Reason::LayoutMismatch,
            "frames of 0 values",
            Request::Frames(v1::FrameBatch { sequence: 2, ..v1::FrameBatch::default() }),
        ),
        (
            Reason::LayoutMismatch,
            "takes events, no frames",
            Request::Frames(v1::FrameBatch {
                sequence: 2,
                channels: 1,
                payload: vec![0; 4].into(),
                ..v1::FrameBatch::default()
            }),
        ),
    ]
}

#[tokio::test]
async fn every_bad_message_is_refused_by_name_and_the_daemon_lives_on() {
    let server = Server::start().await;
    let cases = bad_payloads().into_iter().chain(bad_messages());
    for (reason, words, bad) in cases {
        let error = fails(&server, bad).await;
        assert_eq!(error.reason(), reason, "{error:?}");
        assert!(error.message.contains(words), "{error:?}");
    }
    let backwards = Request::Heartbeat(v1::Heartbeat { promise_us: 1 });
    assert_eq!(fails(&server, backwards).await.reason(), Reason::PromiseBackwards);
    let control = Request::Control(v1::ControlEvent::default());
    assert_eq!(fails(&server, control).await.reason(), Reason::Unimplemented);
    server.assert_well().await;
}

#[tokio::test]
async fn a_bad_event_is_named_by_batch_position_and_number() {
    let server = Server::start().await;
    let outside = batch(2, 1_000, &[(1_000, 1), (1_100, 64), (1_200, 2)]);
    let error = fails(&server, Request::Events(outside)).await;
    assert_eq!(error.reason(), Reason::AddressOutside);
    let place = (error.sequence, error.position_in_batch, error.event_number);
    assert_eq!(place, (2, Some(1), Some(4)));
    assert!(error.message.contains("address 64"), "{error:?}");

    let late = batch(2, 0, &[(1_000, 1), (999, 2)]);
    let error = fails(&server, Request::Events(late)).await;
    assert_eq!((error.reason(), error.position_in_batch), (Reason::Late, Some(1)));
    assert!(error.message.contains("999 us") && error.message.contains("1000 us"), "{error:?}");
}

/// Everything before the bad event is applied, even of its own batch. Seen to fail with the batch
/// taken back as a whole.
#[tokio::test]
async fn what_comes_before_a_bad_event_is_applied() {
    let server = Server::start().await;
    let record = server
        .run(open("touch"), vec![batch(1, 0, &[(0, 1), (100, 2), (200, 64), (300, 3)])])
        .await;
    let firsts: Vec<_> = record.spikes.iter().map(|spike| spike.3).filter(|at| *at < 64).collect();
    assert_eq!(firsts, [1, 2]);
    assert_eq!((record.last().accepted, record.last().events_accepted), (0, 2));
}

#[tokio::test]
async fn dropped_events_are_counted_by_cause_and_told_once_a_cause() {
    let server = Server::start().await;
    let batches = vec![
        promising(batch(1, 0, &[(0, 1), (100, 64), (200, 65)]), 5_000),
        batch(2, 0, &[(4_999, 1), (5_000, 2), (1, 3), (6_000, 99)]),
    ];
    let record = server.run(drops(), batches).await;
    let reasons: Vec<_> = record.errors.iter().map(v1::Error::reason).collect();
    assert_eq!(reasons, [Reason::AddressOutside, Reason::Late]);
    assert!(record.errors.iter().all(|error| !error.fatal));
    assert_eq!(record.reason(), v1::EndReason::Completed);
    let last = record.last();
    let drops = last.drops.unwrap();
    assert_eq!((drops.outside, drops.late, last.events_accepted), (3, 2, 2));
}

#[tokio::test]
async fn duplicates_are_counted_and_change_nothing() {
    let server = Server::start().await;
    let first = batch(1, 0, &[(0, 1)]);
    let second = batch(2, 0, &[(100, 2)]);
    let batches = vec![first.clone(), first.clone(), second.clone(), first, second.clone(), second];
    let record = server.run(open("touch"), batches).await;
    let last = record.last();
    assert_eq!((last.accepted, last.duplicates, last.events_accepted), (2, 4, 2));
    assert_eq!(record.errors, []);
}

#[tokio::test]
async fn a_pixel_off_the_sensor_is_named() {
    let server = Server::start().await;
    let sensor = v1::SensorSize { port: "camera".into(), width: 34, height: 30 };
    let open = v1::Open { sensors: vec![sensor], ..open("eye") };
    // x = 34, y = 5, ON.
    let payload = vec![0, 0, 0, 0, 34, 0, 5, 0x80];
    let camera = v1::EventBatch {
        sequence: 1,
        layout: Layout::Camera.into(),
        count: 1,
        payload: payload.into(),
        ..v1::EventBatch::default()
    };
    let record: Record = server.run(open, vec![camera]).await;
    let error = &record.errors[0];
    assert_eq!(error.reason(), Reason::AddressOutside);
    assert!(error.message.contains("pixel (34, 5) is outside the 34x30 sensor"), "{error:?}");
}

#[tokio::test]
async fn evt2_words_may_be_cut_anywhere() {
    let server = Server::start().await;
    let sensor = v1::SensorSize { port: "camera".into(), width: 34, height: 30 };
    let mut open = v1::Open { sensors: vec![sensor], ..open("eye") };
    open.origin = Some(v1::Origin { origin: Some(v1::origin::Origin::FirstBatch(true)) });
    // TIME_HIGH 1000 (64 ms), then events at low time 3 and 5.
    let word = |kind: u32, rest: u32| (kind << 28 | rest).to_le_bytes();
    let bytes =
        [word(8, 1_000), word(1, 3 << 22 | 7 << 11 | 9), word(0, 5 << 22 | 8 << 11 | 2)].concat();
    let cut = |at: &[usize]| {
        let mut ends = at.to_vec();
        ends.push(bytes.len());
        let mut from = 0;
        let batches = ends.into_iter().zip(1..).map(|(end, sequence)| {
            let payload = bytes[from..end].to_vec();
            from = end;
            v1::EventBatch {
                sequence,
                layout: Layout::Evt2.into(),
                count: u32::try_from(payload.len()).unwrap(),
                payload: payload.into(),
                ..v1::EventBatch::default()
            }
        });
        batches.collect::<Vec<_>>()
    };
    let whole = server.run(open.clone(), cut(&[])).await;
    // ON at (7, 9), then OFF at (8, 2), a tick after each; the origin is the first event's time.
    let on = 30 * 34 + 9 * 34 + 7;
    let expected = [(0, 1, 0, on, 1), (1, 1, 0, 2 * 34 + 8, 1)];
    let mut spikes = whole.spikes.clone();
    spikes.sort_unstable_by_key(|spike| std::cmp::Reverse(spike.3));
    assert_eq!(
        spikes.iter().map(|s| (s.1, s.3)).collect::<Vec<_>>(),
        expected.iter().map(|s| (s.1, s.3)).collect::<Vec<_>>()
    );
    for at in 1..bytes.len() {
        let record = server.run(open.clone(), cut(&[at])).await;
        assert_eq!(record.spikes, whole.spikes, "cut at byte {at}");
    }
}

#[tokio::test]
async fn input_beyond_the_credit_is_refused() {
    let server = Server::with(|limits| limits.queue_events = 100).await;
    let events: Vec<_> = (0..60).map(|at| (1_000 + at, 1)).collect();
    // Nothing is promised, so the queue only fills.
    let batches = vec![batch(1, 0, &events), batch(2, 0, &events)];
    let record = server.run(open("touch"), batches).await;
    assert_eq!(record.errors[0].reason(), Reason::CreditExceeded, "{record:?}");
    assert_eq!(record.last().events_accepted, 60);
}

#[tokio::test]
async fn a_queue_that_only_a_promise_can_empty_says_so() {
    let server = Server::with(|limits| limits.queue_events = 100).await;
    let events: Vec<_> = (0..100).map(|at| (1_000 + at, 1)).collect();
    let mut producer = server.open(open("touch")).await.unwrap();
    producer.send(Request::Events(batch(1, 0, &events)));
    while producer.record.errors.is_empty() {
        assert!(producer.next().await.is_some());
    }
    let error = &producer.record.errors[0];
    assert_eq!((error.reason(), error.fatal), (Reason::PromiseStalled, false));
    // The promise moves, credit flows, and the next batch fits.
    producer.send(Request::Heartbeat(v1::Heartbeat { promise_us: 2_000 }));
    producer.acknowledged(|ack| ack.credit.unwrap().events == 200).await;
    producer.send(Request::Events(batch(2, 2_000, &[(2_000, 5)])));
    producer.send(Request::End(v1::EndOfInput {}));
    let record = producer.finish().await;
    assert_eq!(record.reason(), v1::EndReason::Completed);
    assert_eq!(record.last().events_accepted, 101);
}

#[tokio::test]
async fn a_burst_above_the_port_s_multiplicity_ends_the_session_or_is_counted() {
    let server = Server::start().await;
    let burst = vec![(50, 1); 1_001];
    let record = server.run(open("touch"), vec![batch(1, 0, &burst)]).await;
    assert_eq!(record.errors[0].reason(), Reason::Multiplicity, "{record:?}");
    assert_eq!(record.reason(), v1::EndReason::Failed);
    let record = server.run(drops(), vec![batch(1, 0, &burst)]).await;
    assert_eq!(record.reason(), v1::EndReason::Completed);
    let last = record.last();
    assert_eq!((last.drops.unwrap().multiplicity, last.events_accepted), (1, 1_000));
}

/// P3: an entry of a multiplicity stands for as many events, wherever they are counted.
#[tokio::test]
async fn counted_entries_are_counted_as_the_events_they_stand_for() {
    let server = Server::start().await;
    let mut payload = Vec::new();
    let entry = |time, index| CountedAddressEvent { time, index, multiplicity: 200 };
    let mut events = vec![entry(10, 1); 6];
    events.push(entry(20, CHANNELS + 5));
    address::encode_counted(&events, 0, &mut payload).unwrap();
    let counted = v1::EventBatch {
        sequence: 1,
        layout: Layout::CountedAddress.into(),
        count: 7,
        payload: payload.into(),
        ..v1::EventBatch::default()
    };
    let record = server.run(drops(), vec![counted]).await;
    let last = record.last();
    let drops = last.drops.unwrap();
    assert_eq!((last.events_accepted, drops.multiplicity, drops.outside), (1_000, 200, 200));
}
