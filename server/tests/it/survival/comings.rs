//! Watchers that come and go: no output bit changes, and none is refused without a reason.

use spiked_proto::v1::{
    self, Reason, session_service_client::SessionServiceClient, stream_request::Message as Request,
};
use tonic::{Code, transport::Channel};

use super::{batches, finish, joined, named, outlive_history, until};
use crate::{
    recorded::{recording, truth},
    support::{Random, Server, batch},
};

/// What may be watched, by turns.
fn any(session_id: &str, random: &mut Random) -> v1::WatchSessionRequest {
    let neurons = vec![u32::try_from(random.below(64)).unwrap()];
    let period_ticks = 1 + random.below(50);
    let probe = v1::Probe { population: "first".into(), neurons, period_ticks, ..<_>::default() };
    let (watched, from_position, probe) = match random.below(5) {
        0 => (v1::Watched::Output, None, None),
        1 => (v1::Watched::Output, Some(0), None),
        2 => (v1::Watched::Decisions, None, None),
        3 => (v1::Watched::Input, None, None),
        _ => (v1::Watched::Probes, None, Some(probe)),
    };
    let (session_id, watched) = (session_id.into(), watched.into());
    v1::WatchSessionRequest { session_id, watched, from_position, probe }
}

/// Comes, reads a little or nothing, and goes without a word, until the session is over; says how often.
async fn come_and_go(
    mut sessions: SessionServiceClient<Channel>,
    session_id: String,
    seed: u64,
) -> u32 {
    let mut random = Random::new(seed);
    let mut times = 0;
    loop {
        match sessions.watch_session(any(&session_id, &mut random)).await {
            Ok(watching) => {
                let mut watching = watching.into_inner();
                for _ in 0..random.below(6) {
                    if watching.message().await.unwrap().is_none() {
                        break;
                    }
                }
                times += 1;
            }
            Err(status) if status.code() == Code::NotFound => return times,
            Err(status) if status.message().contains("has just ended") => return times,
            Err(status) => panic!("{status}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn watchers_that_come_and_go_change_no_bit() {
    let server = Server::start().await;
    let recording = recording(8_000);
    let (expected, batches) = (truth(&recording), batches(&recording, 20));
    let mut producer = server.open(named("visited")).await.unwrap();
    let mut visitors = Vec::new();
    for seed in 0..6 {
        let sessions = server.sessions().await;
        visitors.push(tokio::spawn(come_and_go(sessions, "visited".into(), seed)));
    }
    for batch in &batches {
        producer.send(Request::Events(batch.clone()));
        producer.acknowledged(|ack| ack.accepted == batch.sequence).await;
    }
    let record = finish(producer, &batches, u64::MAX).await;
    assert_eq!(record.reason(), v1::EndReason::Completed);
    assert!(joined(std::slice::from_ref(&record)) == expected, "an output bit changed");
    for visitor in visitors {
        let times = visitor.await.unwrap();
        assert!(times > 3, "{times} visits prove little");
    }
    until(&server, |sessions| sessions.is_empty()).await;
}

/// As many as a session takes; one more is refused by a reason and takes no place, and the next one that
/// goes makes room.
#[tokio::test]
async fn one_watcher_too_many_is_refused_until_another_goes() {
    const MOST: usize = 64;
    let server = Server::start().await;
    let mut producer = server.open(named("crowded")).await.unwrap();
    let mut sessions = server.sessions().await;
    let request = v1::WatchSessionRequest { session_id: "crowded".into(), ..<_>::default() };
    let mut watching = Vec::new();
    // More streams than one connection may have, and the list below needs one as well.
    let mut others = [server.sessions().await, server.sessions().await];
    for place in 0..MOST {
        watching.push(others[place % 2].watch_session(request.clone()).await.unwrap());
    }
    let refused = sessions.watch_session(request.clone()).await.unwrap_err();
    assert_eq!(refused.code(), Code::ResourceExhausted, "{refused}");
    assert!(refused.message().contains(Reason::Limit.as_str_name()), "{refused}");
    assert!(refused.message().contains("watchers of a session"), "{refused}");
    watching.pop();
    until(&server, |sessions| sessions[0].watchers as usize == MOST - 1).await;
    watching.push(sessions.watch_session(request).await.unwrap());

    producer.send(Request::Events(batch(1, 0, &[(0, 3)])));
    producer.acknowledged(|ack| ack.accepted == 1).await;
    producer.send(Request::End(v1::EndOfInput {}));
    let record = producer.finish().await;
    assert_eq!((record.reason(), record.spikes.len()), (v1::EndReason::Completed, 1));
    for watching in watching {
        let mut watching = watching.into_inner();
        let mut last = None;
        while let Some(response) = watching.message().await.unwrap() {
            last = response.message;
        }
        assert!(matches!(last, Some(v1::watch_session_response::Message::Ended(_))), "{last:?}");
    }
}

/// Positions that are gone, and positions of what has none.
#[tokio::test]
async fn a_position_that_cannot_be_watched_from_is_refused_by_reason() {
    let server = Server::start().await;
    let mut producer = server.open(named("long")).await.unwrap();
    outlive_history(&mut producer).await;
    let mut sessions = server.sessions().await;
    let from = |watched: v1::Watched| v1::WatchSessionRequest {
        session_id: "long".into(),
        watched: watched.into(),
        from_position: Some(0),
        probe: Some(v1::Probe {
            population: "first".into(),
            neurons: vec![1],
            period_ticks: 1,
            ..<_>::default()
        }),
    };
    for watched in [v1::Watched::Output, v1::Watched::Decisions] {
        let gone = sessions.watch_session(from(watched)).await.unwrap_err();
        assert_eq!(gone.code(), Code::OutOfRange, "{gone}");
        assert!(gone.message().contains(Reason::OutputLost.as_str_name()), "{gone}");
    }
    for watched in [v1::Watched::Input, v1::Watched::Probes] {
        let unnumbered = sessions.watch_session(from(watched)).await.unwrap_err();
        assert_eq!(unnumbered.code(), Code::InvalidArgument, "{unnumbered}");
        assert!(unnumbered.message().contains("from_position"), "{unnumbered}");
    }
    let listed = sessions.list_sessions(v1::ListSessionsRequest {}).await.unwrap().into_inner();
    assert_eq!(listed.sessions[0].watchers, 0, "whoever is refused takes no place");
}
