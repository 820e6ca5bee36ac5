//! The closed loop: input in, run to a time, output back.

use std::time::Duration;

use spiked_proto::v1::{self, stream_request::Message as Request};
use tokio::time::timeout;
use tonic::Code;

use super::{batches, named};
use crate::{
    recorded::{PROMISE_US, output, recording, truth},
    support::{Record, Server, batch, spikes},
};

async fn opened(server: &Server, open: v1::Open) {
    let request = v1::OpenSessionRequest { open: Some(open) };
    server.sessions().await.open_session(request).await.unwrap();
}

/// Steps give, one after another, what a stream gives at once.
#[tokio::test]
async fn steps_give_what_a_stream_gives() {
    let server = Server::start().await;
    let recording = recording(4_000);
    let expected = truth(&recording);
    opened(&server, named("stepped")).await;
    let mut sessions = server.sessions().await;
    let mut record = Record::default();
    let mut batches = batches(&recording, usize::MAX).into_iter();
    // Beyond the recording, silence, as long as a stream's session would run on.
    for step in 1..=60 {
        let request = v1::StepSessionRequest {
            session_id: "stepped".into(),
            events: batches.next().into_iter().collect(),
            until_us: step * PROMISE_US,
            output_from: None,
        };
        let answer = sessions.step_session(request).await.unwrap().into_inner();
        for batch in &answer.spikes {
            record.spikes.extend(spikes(batch));
        }
        record.decisions.extend(&answer.decisions);
        let position = answer.acknowledgement.unwrap();
        assert_eq!(position.simulated_to_us, step * PROMISE_US);
        assert_eq!(answer.output_position, output(&record).last().map_or(0, |last| last[0] + 1));
    }
    let made = output(&record);
    assert!(made.len() > expected.len() / 2);
    let common = made.len().min(expected.len());
    assert!(made[..common] == expected[..common]);
}

/// A step that is sent again is recognised, and answered with the same output.
#[tokio::test]
async fn a_step_sent_again_is_answered_again_and_counts_once() {
    let server = Server::start().await;
    opened(&server, named("again")).await;
    let mut sessions = server.sessions().await;
    let request = v1::StepSessionRequest {
        session_id: "again".into(),
        events: vec![batch(1, 0, &[(0, 3), (50, 4)])],
        until_us: 5_000,
        output_from: Some(0),
    };
    let first = sessions.step_session(request.clone()).await.unwrap().into_inner();
    let again = sessions.step_session(request).await.unwrap().into_inner();
    assert_eq!(first.spikes.iter().map(|batch| batch.count).sum::<u32>(), 2);
    assert_eq!(again.spikes, first.spikes);
    let position = again.acknowledgement.unwrap();
    assert_eq!((position.duplicates, position.events_accepted), (1, 2));
}

/// A step's output may be larger than what waits for a reader. Seen to hang with the step's output
/// kept until the step is over.
#[tokio::test]
async fn a_step_with_much_output_comes_to_its_end() {
    const EVENTS: u64 = 100_000;
    let server = Server::start().await;
    opened(&server, named("much")).await;
    let mut sessions = server.sessions().await.max_decoding_message_size(16 << 20);
    // One event a channel and tick.
    let channel = |number: u64| u32::try_from(number % 64).unwrap();
    let event = |number: u64| (number / 64 * 100, channel(number));
    for part in 0..5_u64 {
        let events: Vec<_> = (part * EVENTS..(part + 1) * EVENTS).map(event).collect();
        let request = v1::StepSessionRequest {
            session_id: "much".into(),
            events: vec![batch(part + 1, 0, &events)],
            until_us: if part == 4 { 2_000_000 } else { 0 },
            output_from: None,
        };
        let step = timeout(super::PATIENCE, sessions.step_session(request));
        let answer = step.await.expect("it ends").unwrap().into_inner();
        let spikes: u64 = answer.spikes.iter().map(|batch| u64::from(batch.count)).sum();
        assert_eq!(spikes >= 5 * EVENTS, part == 4, "{spikes} spikes of part {part}");
    }
}

#[tokio::test]
async fn what_cannot_be_stepped_is_refused() {
    let server = Server::start().await;
    let mut sessions = server.sessions().await;
    let step = |id: &str| v1::StepSessionRequest {
        session_id: id.into(),
        until_us: 1_000,
        ..Default::default()
    };
    let status = sessions.step_session(step("none")).await.unwrap_err();
    assert_eq!(status.code(), Code::NotFound, "{status}");
    let _producer = server.open(named("streamed")).await.unwrap();
    let status = sessions.step_session(step("streamed")).await.unwrap_err();
    assert!(status.message().contains("has a producer already"), "{status}");
    let producers = vec!["left".into(), "right".into()];
    opened(&server, v1::Open { producers, ..named("two") }).await;
    let status = sessions.step_session(step("two")).await.unwrap_err();
    assert!(status.message().contains("another producer promises only 0 us"), "{status}");
    opened(&server, named("bad")).await;
    let bad = v1::StepSessionRequest { events: vec![batch(1, 0, &[(0, 64)])], ..step("bad") };
    let status = sessions.step_session(bad).await.unwrap_err();
    assert!(status.message().contains("REASON_ADDRESS_OUTSIDE"), "{status}");
}

/// A step that has no time to run to is refused at once. Seen to wait for ever.
#[tokio::test]
async fn a_step_before_any_time_is_known_is_refused() {
    let server = Server::start().await;
    let origin = Some(v1::Origin { origin: Some(v1::origin::Origin::FirstBatch(true)) });
    opened(&server, v1::Open { origin, ..named("timeless") }).await;
    let mut sessions = server.sessions().await;
    let step = |events| v1::StepSessionRequest {
        session_id: "timeless".into(),
        events,
        until_us: 70_000,
        output_from: None,
    };
    let refused = timeout(super::PATIENCE, sessions.step_session(step(Vec::new()))).await;
    let status = refused.expect("it answers").unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument, "{status}");
    assert!(status.message().contains("first batch"), "{status}");
    let answer = sessions.step_session(step(vec![batch(1, 60_000, &[(60_000, 3)])])).await.unwrap();
    assert_eq!(answer.into_inner().spikes.len(), 1);
}

/// Whoever gave up a step may ask again at once, and is given all of its output. Seen to be refused
/// while the step went on for nobody.
#[tokio::test]
async fn a_step_whose_caller_left_stands_in_nobody_s_way() {
    const EVENTS: u64 = 68_000;
    let server = Server::start().await;
    let producers = vec!["left".into(), "deaf".into()];
    let lease_us = Some(50_000);
    opened(&server, v1::Open { producers, lease_us, ..named("slow") }).await;
    // A reader that reports nothing more holds the output of the step up, until it goes.
    let joining =
        v1::Open { session_id: "slow".into(), producer: "deaf".into(), ..v1::Open::default() };
    let mut deaf = server.open(joining).await.unwrap();
    let promise_us = Some(10_000_000);
    deaf.send(Request::Events(v1::EventBatch { promise_us, ..batch(1, 0, &[(0, 1)]) }));
    deaf.acknowledged(|ack| ack.accepted == 1).await;
    deaf.send(Request::Received(v1::Received { output_position: 0 }));
    let mut sessions = server.sessions().await.max_decoding_message_size(16 << 20);
    let mut step = v1::StepSessionRequest {
        session_id: "slow".into(),
        output_from: Some(0),
        ..v1::StepSessionRequest::default()
    };
    let event = |number: u64| (number / 64 * 100, u32::try_from(number % 64).unwrap());
    for part in 0..8_u64 {
        let events: Vec<_> = (part * EVENTS..(part + 1) * EVENTS).map(event).collect();
        step.events = vec![batch(part + 1, 0, &events)];
        if part < 7 {
            sessions.step_session(step.clone()).await.unwrap();
        }
    }
    step.until_us = 2_000_000;
    let given_up = timeout(Duration::from_millis(300), sessions.step_session(step.clone())).await;
    assert!(given_up.is_err(), "it takes longer than that");
    let again = tokio::spawn(async move { sessions.step_session(step).await });
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(!again.is_finished(), "it is answered while nothing moves: {:?}", again.await);
    drop(deaf);
    let answer = timeout(super::PATIENCE, again).await.expect("it ends").unwrap().unwrap();
    let answer = answer.into_inner();
    let spikes: u64 = answer.spikes.iter().map(|batch| u64::from(batch.count)).sum();
    assert_eq!((answer.spikes[0].first_position, spikes >= 8 * EVENTS), (0, true));
    assert_eq!(answer.acknowledgement.unwrap().duplicates, 1);
}

/// After the daemon began again it cannot know which output the last step's caller got: it asks,
/// rather than give some of it twice.
#[tokio::test]
async fn the_first_step_after_a_restart_says_what_it_has() {
    let data = tempfile::tempdir().unwrap();
    let open = v1::Open { durability: v1::Durability::Each.into(), ..named("looped") };
    let step = |sequence: u64, output_from| v1::StepSessionRequest {
        session_id: "looped".into(),
        events: vec![batch(sequence, sequence * 10_000, &[(sequence * 10_000, 3)])],
        until_us: sequence * 10_000 + 5_000,
        output_from,
    };
    let mut server = Server::on(data.path(), |_| ()).await;
    opened(&server, open).await;
    let first = server.sessions().await.step_session(step(1, None)).await.unwrap().into_inner();
    assert!(first.output_position > 0);
    server.stop();
    server.join().await;
    let server = Server::on(data.path(), |_| ()).await;
    let mut sessions = server.sessions().await;
    let status = sessions.step_session(step(2, None)).await.unwrap_err();
    assert!(status.message().contains("output_from"), "{status}");
    let from = Some(first.output_position);
    let second = sessions.step_session(step(2, from)).await.unwrap().into_inner();
    assert_eq!(second.spikes[0].first_position, first.output_position);
    let third = sessions.step_session(step(3, None)).await.unwrap().into_inner();
    assert_eq!(third.spikes[0].first_position, second.output_position);
}
