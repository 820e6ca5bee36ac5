//! Slow readers: watchers are told what they missed; the session's own reader misses nothing.

use spiked_proto::v1::{self, stream_request::Message as Request, watch_session_response::Message};

use crate::support::{Server, batch, open};

/// Time that gives many decisions, one message each.
const SILENCE_US: u64 = 60_000_000;

/// A drive that fires without input makes output for as long as promised.
async fn busy(server: &Server, session_id: &str, windows: u64) -> crate::support::Producer {
    let open = v1::Open { session_id: session_id.into(), ..open("touch") };
    let producer = server.open(open).await.unwrap();
    let mut sequence = 0;
    // A spike in "second" every 10 ms or so, and decisions around it.
    for window in 0..windows {
        let base_us = window * 100_000;
        let events: Vec<_> = (0..20).map(|at| (base_us + at * 200, 7)).collect();
        sequence += 1;
        producer.send(Request::Events(v1::EventBatch {
            promise_us: Some(base_us + 100_000),
            ..batch(sequence, base_us, &events)
        }));
    }
    producer
}

#[tokio::test]
async fn a_slow_watcher_is_told_how_much_it_missed() {
    let server = Server::start().await;
    let mut sessions = server.sessions().await;
    let request = v1::OpenSessionRequest {
        open: Some(v1::Open { session_id: "busy".into(), ..open("touch") }),
    };
    sessions.open_session(request).await.unwrap();
    let request =
        v1::WatchSessionRequest { session_id: "busy".into(), ..v1::WatchSessionRequest::default() };
    let mut watching = sessions.watch_session(request).await.unwrap().into_inner();
    // More than is kept for those who are slow.
    let producer = busy(&server, "busy", 6_000).await;
    producer.send(Request::Heartbeat(v1::Heartbeat { promise_us: 10 * SILENCE_US }));
    producer.send(Request::End(v1::EndOfInput {}));
    let record = producer.finish().await;
    assert_eq!(record.reason(), v1::EndReason::Completed);

    let (mut seen, mut missed, mut ended) = (0, 0, None);
    while let Some(response) = watching.message().await.unwrap() {
        match response.message.unwrap() {
            Message::Opened(_) => {}
            Message::Missed(lost) => missed += lost.messages,
            Message::Ended(end) => ended = Some(end),
            Message::Spikes(batch) => seen += u64::from(batch.count),
            Message::Decision(_) => seen += 1,
            other => panic!("a watcher of output is not told {other:?}"),
        }
    }
    let made = record.ended.unwrap().output_position;
    assert!(made > 2_000, "{made} outputs fit into any buffer");
    assert!(missed > 0 && seen < made, "missed {missed}, saw {seen} of {made}");
    assert_eq!(ended.unwrap().output_position, made);
}

/// What a watcher that reads nothing before the session's end saw then, and what it was told it missed.
async fn seen_and_missed(
    server: &Server,
    (session_id, windows): (&str, u64),
    request: v1::WatchSessionRequest,
) -> (u64, u64, crate::support::Record) {
    let mut sessions = server.sessions().await;
    let opened = v1::Open { session_id: session_id.into(), ..open("touch") };
    sessions.open_session(v1::OpenSessionRequest { open: Some(opened) }).await.unwrap();
    let request = v1::WatchSessionRequest { session_id: session_id.into(), ..request };
    let mut watching = sessions.watch_session(request).await.unwrap().into_inner();
    let producer = busy(server, session_id, windows).await;
    producer.send(Request::End(v1::EndOfInput {}));
    let record = producer.finish().await;
    let (mut seen, mut missed) = (0, 0);
    while let Some(response) = watching.message().await.unwrap() {
        match response.message.unwrap() {
            Message::Missed(lost) => missed += lost.messages,
            Message::Decision(_) | Message::Probe(_) => seen += 1,
            _ => {}
        }
    }
    (seen, missed, record)
}

#[tokio::test]
async fn a_watcher_of_decisions_misses_nothing_but_decisions() {
    let server = Server::start().await;
    let request = v1::WatchSessionRequest {
        watched: v1::Watched::Decisions.into(),
        ..v1::WatchSessionRequest::default()
    };
    let (seen, missed, record) = seen_and_missed(&server, ("decided", 60_000), request).await;
    assert!(missed > 0 && !record.spikes.is_empty(), "{missed} missed");
    assert_eq!(seen + missed, record.decisions.len() as u64, "{missed} missed");
}

#[tokio::test]
async fn a_watcher_of_a_probe_is_told_of_every_reading_that_it_missed() {
    let server = Server::start().await;
    let neurons = (0..16).collect();
    let (population, period_ticks) = ("first".into(), 1_000);
    let probe = v1::Probe { population, neurons, period_ticks, ..v1::Probe::default() };
    let request = v1::WatchSessionRequest {
        watched: v1::Watched::Probes.into(),
        probe: Some(probe),
        ..v1::WatchSessionRequest::default()
    };
    let (seen, missed, record) = seen_and_missed(&server, ("probed", 6_000), request).await;
    let readings = record.last().simulated_to_tick / period_ticks;
    assert!(missed > 0, "{seen} readings fit into any buffer");
    assert!((seen + missed).abs_diff(readings) <= 1, "{seen} and {missed} of {readings}");
}

/// Windows whose output is several megabytes: more than a connection takes that nobody reads.
const MANY_WINDOWS: u64 = 10_000;

/// Output that nobody reads stops the session, and credit with it; nothing is lost.
#[tokio::test]
async fn a_slow_reader_stops_the_session_and_loses_nothing() {
    let server = Server::start().await;
    let undisturbed = {
        let producer = busy(&server, "undisturbed", MANY_WINDOWS).await;
        producer.send(Request::End(v1::EndOfInput {}));
        producer.finish().await
    };
    let producer = busy(&server, "stalled", MANY_WINDOWS).await;
    producer.send(Request::End(v1::EndOfInput {}));
    // While it reads nothing, others are served.
    server.assert_well().await;
    let info = loop {
        let mut sessions = server.sessions().await;
        let listed = sessions.list_sessions(v1::ListSessionsRequest {}).await.unwrap();
        let sessions = listed.into_inner().sessions;
        let Some(stalled) = sessions.into_iter().find(|info| info.session_id == "stalled") else {
            panic!("a session whose reader is slow stays")
        };
        if stalled.position.unwrap().accepted == MANY_WINDOWS {
            break stalled;
        }
    };
    assert!(info.has_producer);
    let record = producer.finish().await;
    assert_eq!(record.spikes, undisturbed.spikes);
    assert_eq!(record.decisions, undisturbed.decisions);
    assert_eq!(record.reason(), v1::EndReason::Completed);
}
