//! Streams that break and come back.

use std::time::Duration;

use spiked_proto::v1::{self, Reason, stream_request::Message as Request};
use tokio::time::timeout;
use tonic::Code;

use super::{batches, finish, joined, named, next_position, outlive_history, resuming, until};
use crate::{
    recorded::{output, recording, truth},
    support::{Random, Server, batch},
};

/// After so long without a message, no more is coming.
const QUIET: Duration = Duration::from_millis(20);

/// P1, P2 and P8: a client that breaks off at random moments, sends again what was not
/// acknowledged (and some that was) and reads on from where it was, sees the undisturbed output.
/// Seen to fail with output sent from the newest position, and with duplicates applied again.
#[tokio::test]
async fn a_client_that_breaks_off_anywhere_resumes_without_loss_or_repetition() {
    let server = Server::start().await;
    let recording = recording(4_000);
    let (expected, batches) = (truth(&recording), batches(&recording, 40));
    for seed in 0..12 {
        let mut random = Random::new(seed);
        let mut records = Vec::new();
        // It may break off before it has sent anything, and wants to be waited for all the same.
        let lease_us = Some(30_000_000);
        let mut open = v1::Open { lease_us, ..named(&format!("resumed-{seed}")) };
        let mut producer = server.open(open.clone()).await.unwrap();
        for _ in 0..4 {
            let accepted = producer.record.opened.as_ref().unwrap().accepted;
            let count = random.below(40);
            // Some are sent that the daemon has; it knows them.
            let from = accepted.saturating_sub(random.below(5));
            for batch in batches
                .iter()
                .filter(|batch| batch.sequence > from)
                .take(usize::try_from(count).unwrap())
            {
                producer.send(Request::Events(batch.clone()));
            }
            // It reads some of what comes; when nothing more does, it breaks off as well.
            for _ in 0..random.below(30) {
                let Ok(Some(_)) = timeout(QUIET, producer.next()).await else { break };
            }
            let record = producer.record.clone();
            open = resuming(&record, Some(next_position(&record)));
            records.push(record);
            drop(producer);
            producer = server.open(open.clone()).await.unwrap();
            assert!(producer.record.opened.as_ref().unwrap().rejoined);
        }
        let accepted = producer.record.opened.as_ref().unwrap().accepted;
        let last = finish(producer, &batches, accepted).await;
        assert_eq!(last.reason(), v1::EndReason::Completed, "{last:?}");
        assert_eq!(last.errors, []);
        records.push(last);
        assert!(joined(&records) == expected, "seed {seed}: the output differs");
    }
}

#[tokio::test]
async fn of_two_that_resume_with_one_token_one_wins_and_the_other_is_told() {
    let server = Server::start().await;
    let first = server.open(named("contested")).await.unwrap();
    let refused = server.open(named("contested")).await.err().unwrap();
    assert_eq!(refused.code(), Code::FailedPrecondition, "without a token: {refused}");
    let mut forged = resuming(&first.record, None);
    forged.resume_token = vec![7; 16].into();
    let refused = server.open(forged).await.err().unwrap();
    assert_eq!(refused.code(), Code::PermissionDenied, "{refused}");
    assert!(refused.message().contains("REASON_RESUME_TOKEN"), "{refused}");

    let second = server.open(resuming(&first.record, None)).await.unwrap();
    let told = first.finish().await;
    assert_eq!(told.reason(), v1::EndReason::Superseded);
    second.send(Request::End(v1::EndOfInput {}));
    assert_eq!(second.finish().await.reason(), v1::EndReason::Completed);
}

#[tokio::test]
async fn output_that_is_kept_no_longer_is_refused_with_the_first_that_is() {
    let server = Server::start().await;
    let mut producer = server.open(named("forgotten")).await.unwrap();
    outlive_history(&mut producer).await;
    let record = producer.record.clone();
    drop(producer);
    let refused = server.open(resuming(&record, Some(0))).await.err().unwrap();
    assert_eq!(refused.code(), Code::OutOfRange, "{refused}");
    assert!(refused.message().contains("position 0 is kept no longer: the first that is, is"));
    assert!(refused.message().contains(Reason::OutputLost.as_str_name()), "{refused}");
    let from = next_position(&record);
    let producer = server.open(resuming(&record, Some(from))).await.unwrap();
    assert_eq!(producer.record.opened.as_ref().unwrap().output_position, from);
}

/// Whether a reader reports what it has received changes no bit of the output.
#[tokio::test]
async fn a_reader_that_reports_and_one_that_never_does_read_the_same() {
    let server = Server::start().await;
    let recording = recording(30_000);
    let (expected, batches) = (truth(&recording), batches(&recording, 300));
    for reports in [false, true] {
        let mut producer = server.open(named(&format!("reports-{reports}"))).await.unwrap();
        for batch in &batches {
            producer.send(Request::Events(batch.clone()));
        }
        producer.send(Request::End(v1::EndOfInput {}));
        while producer.next().await.is_some() {
            if reports {
                let output_position = next_position(&producer.record);
                producer.send(Request::Received(v1::Received { output_position }));
            }
        }
        assert!(output(&producer.record) == expected, "reports: {reports}");
    }
}

/// P8: what is on its way when the connection breaks at the very end is not lost to a reader that
/// reports: the session waits for its last report. Seen to fail with a session that was over when its
/// last message had been handed to the connection.
#[tokio::test]
async fn the_tail_is_kept_until_a_reader_that_reports_has_it() {
    let server = Server::start().await;
    let recording = recording(2_000);
    let (expected, batches) = (truth(&recording), batches(&recording, 100));
    let producer = server.open(named("tail")).await.unwrap();
    let record = producer.record.clone();
    producer.send(Request::Received(v1::Received { output_position: 0 }));
    for batch in &batches {
        producer.send(Request::Events(batch.clone()));
    }
    producer.send(Request::End(v1::EndOfInput {}));
    // All of it fits the connection's windows, and nothing of it is read.
    until(&server, |sessions| {
        let position = sessions.first().and_then(|session| session.position);
        position.is_none_or(|position| position.simulated_to_us > recording.last().unwrap().1)
    })
    .await;
    tokio::time::sleep(QUIET).await;
    drop(producer);
    let mut again = server.open(resuming(&record, Some(0))).await.unwrap();
    while again.record.ended.is_none() {
        assert!(again.next().await.is_some(), "it closed without an end");
    }
    assert!(output(&again.record) == expected);
    let listed = server.sessions().await.list_sessions(v1::ListSessionsRequest {}).await.unwrap();
    assert_eq!(listed.into_inner().sessions.len(), 1, "it waits for the report");
    let output_position = next_position(&again.record);
    again.send(Request::Received(v1::Received { output_position }));
    assert!(again.next().await.is_none());
    until(&server, |sessions| sessions.is_empty()).await;
}

/// A message that is too large breaks its stream; the session waits, and goes on.
#[tokio::test]
async fn a_message_too_large_breaks_the_stream_and_not_the_session() {
    let server = Server::start().await;
    let recording = recording(2_000);
    let (expected, batches) = (truth(&recording), batches(&recording, 100));
    let mut producer = server.open(named("large")).await.unwrap();
    producer.send(Request::Events(batches[0].clone()));
    producer.acknowledged(|ack| ack.accepted == 1).await;
    let payload = vec![0; 2 << 20].into();
    producer.send(Request::Events(v1::EventBatch { payload, ..batches[1].clone() }));
    let told = producer.finish().await;
    assert_eq!(told.reason(), v1::EndReason::Failed);
    let open = resuming(&told, Some(next_position(&told)));
    let producer = server.open(open).await.unwrap();
    let record = finish(producer, &batches, 1).await;
    assert_eq!(record.reason(), v1::EndReason::Completed);
    assert!(joined(&[told, record]) == expected);
}

/// Seen to fail with such sessions kept for as long as their lease.
#[tokio::test]
async fn a_session_that_nobody_fed_is_not_kept() {
    let server = Server::start().await;
    drop(server.open(named("untouched")).await.unwrap());
    until(&server, |sessions| sessions.is_empty()).await;
    let mut fed = server.open(named("fed")).await.unwrap();
    fed.send(Request::Events(batch(1, 0, &[])));
    fed.acknowledged(|ack| ack.accepted == 1).await;
    drop(fed);
    until(&server, |sessions| sessions.iter().any(|session| !session.has_producer)).await;
    assert!(server.open(named("fed")).await.is_ok(), "it waits");
}

#[tokio::test]
async fn a_session_that_nobody_comes_back_to_ends_with_its_lease() {
    let server = Server::start().await;
    let open = v1::Open { lease_us: Some(30_000), ..named("abandoned") };
    let producer = server.open(open).await.unwrap();
    let record = producer.record.clone();
    drop(producer);
    until(&server, |sessions| sessions.is_empty()).await;
    let refused = server.open(resuming(&record, None)).await.err().unwrap();
    assert_eq!(refused.code(), Code::NotFound, "{refused}");
    // One that is opened without a stream has a lease as well.
    let open = v1::Open { lease_us: Some(30_000), ..named("forgotten") };
    let request = v1::OpenSessionRequest { open: Some(open) };
    server.sessions().await.open_session(request).await.unwrap();
    until(&server, |sessions| sessions.is_empty()).await;
    server.assert_well().await;
}

/// A session that completes while its reader is away keeps the rest for it.
#[tokio::test]
async fn the_end_waits_for_a_reader_that_is_away() {
    let server = Server::start().await;
    let recording = recording(2_000);
    let (expected, batches) = (truth(&recording), batches(&recording, 100));
    let mut producer = server.open(named("away")).await.unwrap();
    for batch in &batches {
        producer.send(Request::Events(batch.clone()));
    }
    producer.acknowledged(|ack| ack.accepted == batches.len() as u64).await;
    producer.send(Request::End(v1::EndOfInput {}));
    let record = producer.record.clone();
    drop(producer);
    let open = resuming(&record, Some(next_position(&record)));
    let rest = finish(server.open(open).await.unwrap(), &batches, u64::MAX).await;
    assert_eq!(rest.reason(), v1::EndReason::Completed);
    assert!(joined(&[record, rest]) == expected);
    until(&server, |sessions| sessions.is_empty()).await;
}
