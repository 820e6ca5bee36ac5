//! The determinism law through the wire: batching, order within promises, snapshots and watchers
//! change no bit of the output.

use spiked_proto::v1::{self, stream_request::Message as Request};
use tokio_stream::StreamExt as _;

use crate::{
    recorded::{cut, output, recording, truth},
    support::{Random, Record, Server, open, spikes},
};

/// Seen to fail with the last event of each batch dropped in `protocol::input`, and with offsets
/// one tick too long in `session::output`.
#[tokio::test]
async fn any_cutting_gives_the_core_s_own_output() {
    let server = Server::start().await;
    let recording = recording(6_000);
    let expected = truth(&recording);
    assert!(expected.len() > 1_000, "{} outputs prove little", expected.len());
    let mut random = Random::new(3);
    for size in [Some(1), Some(7), Some(1_024), Some(16_384), None] {
        let batches =
            cut(&recording, || size.unwrap_or_else(|| usize::try_from(random.below(300)).unwrap()));
        let sent = batches.len() as u64;
        let record = server.run(open("touch"), batches).await;
        assert_eq!(record.errors, [], "batches of {size:?}");
        assert!(output(&record) == expected, "batches of {size:?} change the output");
        assert_eq!(record.reason(), v1::EndReason::Completed);
        assert_eq!((record.last().accepted, record.last().events_accepted), (sent, 6_000));
        assert_eq!(record.ended.unwrap().output_position, expected.len() as u64);
    }
}

#[tokio::test]
async fn any_order_within_the_promises_gives_the_same_output() {
    let server = Server::start().await;
    let recording = recording(6_000);
    let expected = truth(&recording);
    let mut random = Random::new(11);
    let mut shuffled = recording.clone();
    for (events, _) in &mut shuffled {
        for last in (1..events.len()).rev() {
            events.swap(last, usize::try_from(random.below(last as u64 + 1)).unwrap());
        }
    }
    assert!(shuffled != recording);
    let record = server.run(open("touch"), cut(&shuffled, || 100)).await;
    assert!(output(&record) == expected);
}

/// Seen to fail with the protocol's or the encoder's position left out of the snapshot.
#[tokio::test]
async fn a_session_restored_anywhere_continues_to_the_same_output() {
    let server = Server::start().await;
    let recording = recording(3_000);
    let expected = truth(&recording);
    let batches = cut(&recording, || 20);
    for (run, at) in
        [1, 2, batches.len() / 3, batches.len() / 2, batches.len()].into_iter().enumerate()
    {
        let id = format!("first-{run}");
        let mut first =
            server.open(v1::Open { session_id: id.clone(), ..open("touch") }).await.unwrap();
        for batch in &batches[..at] {
            first.send(Request::Events(batch.clone()));
        }
        first.acknowledged(|ack| ack.accepted == at as u64).await;
        let mut sessions = server.sessions().await;
        let request = v1::SnapshotSessionRequest { session_id: id.clone() };
        let snapshot = sessions.snapshot_session(request).await.unwrap().into_inner();
        assert_eq!(snapshot.accepted, at as u64);
        // All output before the snapshot belongs to the first session's reader.
        let simulated_to = snapshot.simulated_to_tick;
        first.acknowledged(|ack| ack.simulated_to_tick >= simulated_to).await;
        let mut before = output(&first.record);
        before.retain(|output| output[0] < snapshot.output_position);
        assert_eq!(before.len() as u64, snapshot.output_position);

        let id = format!("second-{run}");
        let request = v1::RestoreSessionRequest {
            workers: 0,
            snapshot_sha256: snapshot.snapshot_sha256,
            session_id: id.clone(),
        };
        let info = sessions.restore_session(request).await.unwrap().into_inner().session.unwrap();
        assert_eq!(info.position.unwrap().accepted, at as u64);
        let second = v1::Open { session_id: id, ..v1::Open::default() };
        let second = server.run(second, batches[at..].to_vec()).await;
        let opened = second.opened.as_ref().unwrap();
        assert!(opened.rejoined);
        assert_eq!(opened.accepted, at as u64);
        assert_eq!(opened.output_position, snapshot.output_position);
        before.extend(output(&second));
        assert!(before == expected, "a snapshot after batch {at} changes the output");
    }
}

#[tokio::test]
async fn a_watcher_sees_the_output_and_changes_none_of_it() {
    let server = Server::start().await;
    let recording = recording(3_000);
    let expected = truth(&recording);
    let session_id = "watched".to_owned();
    let mut producer =
        server.open(v1::Open { session_id: session_id.clone(), ..open("touch") }).await.unwrap();
    let request = v1::WatchSessionRequest { session_id, ..v1::WatchSessionRequest::default() };
    let watching = server.sessions().await.watch_session(request).await.unwrap().into_inner();
    let watcher = tokio::spawn(watching.collect::<Vec<_>>());
    for batch in cut(&recording, || 50) {
        let sequence = batch.sequence;
        producer.send(Request::Events(batch));
        // In step, so that the watcher never falls behind.
        producer.acknowledged(|ack| ack.accepted == sequence).await;
    }
    producer.send(Request::End(v1::EndOfInput {}));
    let record = producer.finish().await;
    assert!(output(&record) == expected);

    let mut seen = Record::default();
    for message in watcher.await.unwrap() {
        use v1::watch_session_response::Message;
        match message.unwrap().message.unwrap() {
            Message::Opened(opened) => seen.opened = Some(opened),
            Message::Spikes(batch) => seen.spikes.extend(spikes(&batch)),
            Message::Decision(decision) => seen.decisions.push(decision),
            Message::Ended(ended) => seen.ended = Some(ended),
            other => panic!("{other:?}"),
        }
    }
    assert!(seen.opened.is_some());
    assert!(output(&seen) == expected);
    assert_eq!(seen.reason(), v1::EndReason::Completed);
}
