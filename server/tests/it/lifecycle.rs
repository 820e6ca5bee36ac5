//! Sessions and the daemon, from opening to end.

use std::time::Duration;

use spiked_proto::v1::{
    self, stream_request::Message as Request, stream_response::Message as Response,
};
use tokio::time::timeout;
use tonic::Code;

use crate::support::{Server, batch, open, touch};

const PATIENCE: Duration = Duration::from_secs(20);

fn named(session_id: &str) -> v1::Open {
    v1::Open { session_id: session_id.into(), ..open("touch") }
}

#[tokio::test]
async fn opening_twice_is_harmless_and_a_second_producer_is_refused() {
    let server = Server::start().await;
    let mut sessions = server.sessions().await;
    let request = || v1::OpenSessionRequest { open: Some(named("one")) };
    let first = sessions.open_session(request()).await.unwrap().into_inner().opened.unwrap();
    let again = sessions.open_session(request()).await.unwrap().into_inner().opened.unwrap();
    assert!(!first.rejoined && again.rejoined);
    assert_eq!(v1::Opened { rejoined: false, ..again }, first);

    let other = v1::Open { run_on_us: Some(5), ..named("one") };
    let status = server.open(other).await.err().unwrap();
    assert_eq!(status.code(), Code::FailedPrecondition, "{status}");
    let producer = server.open(named("one")).await.unwrap();
    let status = server.open(named("one")).await.err().unwrap();
    assert!(status.message().contains("has a producer already"), "{status}");
    producer.send(Request::End(v1::EndOfInput {}));
    assert_eq!(producer.finish().await.reason(), v1::EndReason::Completed);
}

#[tokio::test]
async fn the_opening_tells_ports_and_addresses() {
    let server = Server::start().await;
    let producer = server.open(open("touch")).await.unwrap();
    let opened = producer.record.opened.clone().unwrap();
    assert_eq!((opened.network.as_str(), opened.network_version.as_str()), ("touch", "1"));
    assert_eq!((opened.tick_ns, opened.origin_us), (100_000, Some(0)));
    assert_eq!(opened.plan_sha256.len(), 32);
    assert_eq!(opened.inputs[0].shape, [64]);
    let ranges: Vec<_> = opened.outputs[0]
        .ranges
        .iter()
        .map(|range| (range.population.as_str(), range.first_address))
        .collect();
    assert_eq!(ranges, [("first", 0), ("second", 64)]);
    assert_eq!(opened.credit.unwrap(), v1::Credit { events: 1 << 20, bytes: 16 << 20 });
}

#[tokio::test]
async fn sessions_are_listed_and_closed() {
    let server = Server::start().await;
    let mut sessions = server.sessions().await;
    let mut producer = server.open(named("b")).await.unwrap();
    let _idle =
        sessions.open_session(v1::OpenSessionRequest { open: Some(named("a")) }).await.unwrap();
    producer.send(Request::Events(batch(1, 0, &[(0, 1)])));
    producer.acknowledged(|ack| ack.accepted == 1).await;
    let list = sessions.list_sessions(v1::ListSessionsRequest {}).await.unwrap().into_inner();
    let ids: Vec<_> =
        list.sessions.iter().map(|info| (info.session_id.as_str(), info.has_producer)).collect();
    assert_eq!(ids, [("a", false), ("b", true)]);
    let request = |id: &str| v1::CloseSessionRequest { session_id: id.into() };
    let closed = sessions.close_session(request("b")).await.unwrap().into_inner();
    assert_eq!(closed.session.unwrap().position.unwrap().accepted, 1);
    assert_eq!(producer.finish().await.reason(), v1::EndReason::Closed);
    let status = sessions.close_session(request("b")).await.unwrap_err();
    assert_eq!(status.code(), Code::NotFound, "{status}");
}

#[tokio::test]
async fn a_session_without_a_lease_ends_when_its_stream_breaks() {
    let server = Server::start().await;
    let producer = server.open(v1::Open { lease_us: Some(0), ..named("lost") }).await.unwrap();
    drop(producer);
    let gone = async {
        loop {
            let mut sessions = server.sessions().await;
            let listed = sessions.list_sessions(v1::ListSessionsRequest {}).await.unwrap();
            if listed.into_inner().sessions.is_empty() {
                return;
            }
        }
    };
    timeout(PATIENCE, gone).await.expect("the session is gone");
    server.assert_well().await;
}

/// A quick turn is taken before anything is said: `accepted` alone would wake the reader for nothing.
#[tokio::test]
async fn most_small_batches_have_one_answer() {
    const BATCHES: u64 = 100;
    let server = Server::start().await;
    let mut producer = server.open(open("touch")).await.unwrap();
    let mut answered_once = 0;
    for sequence in 1..=BATCHES {
        let (from_us, promise_us) = ((sequence - 1) * 1_000, sequence * 1_000);
        let small = batch(sequence, from_us, &[(from_us, 3)]);
        producer.send(Request::Events(v1::EventBatch { promise_us: Some(promise_us), ..small }));
        let mut answers = 0;
        while producer.record.acknowledgement.is_none_or(|ack| ack.simulated_to_us < promise_us) {
            answers +=
                u64::from(matches!(producer.next().await, Some(Response::Acknowledgement(_))));
        }
        answered_once += u64::from(answers == 1);
    }
    // The first turns are not known to be quick yet.
    assert!(answered_once > BATCHES / 2, "{answered_once} of {BATCHES}");
}

#[tokio::test]
async fn the_first_batch_may_fix_the_origin() {
    let server = Server::start().await;
    let origin = Some(v1::Origin { origin: Some(v1::origin::Origin::FirstBatch(true)) });
    let base_us = 913_000_000;
    let batches = vec![batch(1, base_us, &[(base_us + 1_000, 3)])];
    let record = server.run(v1::Open { origin, ..open("touch") }, batches).await;
    assert_eq!(record.opened.as_ref().unwrap().origin_us, None);
    assert_eq!(record.spikes[0].1, 13, "a tick of 100 us, 1 ms after the origin, 3 ticks on");
    assert!(record.last().simulated_to_us > base_us);
}

#[tokio::test]
async fn input_that_never_came_ends_as_well() {
    let server = Server::start().await;
    let origin = Some(v1::Origin { origin: Some(v1::origin::Origin::FirstBatch(true)) });
    for open in [open("touch"), v1::Open { origin, ..open("touch") }] {
        let record = server.run(open, Vec::new()).await;
        assert_eq!(record.reason(), v1::EndReason::Completed);
        assert_eq!(record.spikes.len(), 0);
    }
}

/// The last event's spikes travel the longest path before the session ends. Seen to fail with
/// `run_to_us` not rounded up to whole ticks.
#[tokio::test]
async fn the_session_runs_on_for_the_longest_path() {
    let server = Server::start().await;
    // Only with the second spike does the second population fire, and that one lies in the middle
    // of the last tick.
    let events: Vec<_> = (0..2).flat_map(|at| [(10_000 + at * 200 + 50, 7); 2]).collect();
    let record = server.run(open("touch"), vec![batch(1, 0, &events)]).await;
    assert!(record.spikes.iter().any(|spike| spike.3 == 64 + 7), "{:?}", record.spikes);
    let open = v1::Open { run_on_us: Some(0), ..open("touch") };
    let record = server.run(open, vec![batch(1, 0, &events)]).await;
    assert!(record.spikes.iter().all(|spike| spike.3 < 64), "{:?}", record.spikes);
}

/// A network that is driven to fire for ever runs on as far as it was opened to, and no further.
#[tokio::test]
async fn a_network_that_never_rests_ends_where_it_was_opened_to_end() {
    const RUN_ON_US: u64 = 345_600;
    let mut restless = touch();
    restless.name = "restless".into();
    let Some(v1::population::Neuron::Lif(lif)) = &mut restless.populations[1].neuron else {
        panic!("leaky neurons")
    };
    lif.drive_mv = 2.0 * lif.threshold_mv;
    let server = Server::start().await;
    let request = v1::LoadNetworkRequest { network: Some(restless), ..Default::default() };
    server.networks().await.load_network(request).await.unwrap();
    let open = v1::Open { run_on_us: Some(RUN_ON_US), ..open("restless") };
    let record = server.run(open, vec![batch(1, 0, &[(10_050, 7)])]).await;
    assert_eq!(record.reason(), v1::EndReason::Completed);
    // The tick of the last event is over when it runs on.
    assert_eq!(record.last().simulated_to_us, 10_100 + RUN_ON_US);
    let last_tick = record.spikes.iter().map(|spike| spike.1).max().unwrap();
    assert!(last_tick > (10_100 + RUN_ON_US - 10_000) / 100, "it fires to the end: {last_tick}");
}

#[tokio::test]
async fn a_damaged_name_of_a_snapshot_is_unknown() {
    let server = Server::start().await;
    let mut sessions = server.sessions().await;
    let request = v1::RestoreSessionRequest {
        snapshot_sha256: vec![1; 32].into(),
        session_id: "x".into(),
        workers: 0,
    };
    let status = sessions.restore_session(request).await.unwrap_err();
    assert_eq!(status.code(), Code::NotFound);
    assert!(status.message().contains("REASON_SNAPSHOT_INVALID"), "{status}");
}

#[tokio::test]
async fn on_shutdown_open_sessions_finish_or_are_told() {
    let mut server = Server::with(|limits| limits.shutdown_grace = Duration::from_secs(10)).await;
    let busy = server.open(named("busy")).await.unwrap();
    server.stop();
    busy.send(Request::Events(batch(1, 0, &[(0, 3)])));
    busy.send(Request::End(v1::EndOfInput {}));
    assert_eq!(busy.finish().await.reason(), v1::EndReason::Completed, "it may finish");
    server.join().await;

    let mut server = Server::with(|limits| limits.shutdown_grace = Duration::from_millis(50)).await;
    let idle = server.open(named("idle")).await.unwrap();
    server.stop();
    assert_eq!(idle.finish().await.reason(), v1::EndReason::Shutdown, "it is told");
    server.join().await;
}
