//! Watchers of output, decisions, input and probes: from now or from a position, without a trace.

use std::collections::BTreeMap;

use spiked_proto::{
    layout::address,
    v1::{self, stream_request::Message as Request, watch_session_response::Message},
};
use tonic::{Code, Streaming};

use super::{batches, finish, joined, named};
use crate::{
    recorded::{Window, recording, truth},
    support::{Server, TICK_NS, batch, open},
};

async fn watch(
    server: &Server,
    request: v1::WatchSessionRequest,
) -> Streaming<v1::WatchSessionResponse> {
    server.sessions().await.watch_session(request).await.unwrap().into_inner()
}

fn of(session_id: &str, watched: v1::Watched) -> v1::WatchSessionRequest {
    let session_id = session_id.into();
    v1::WatchSessionRequest { session_id, watched: watched.into(), ..Default::default() }
}

async fn all(mut watching: Streaming<v1::WatchSessionResponse>) -> Vec<Message> {
    let mut messages = Vec::new();
    while let Some(response) = watching.message().await.unwrap() {
        messages.push(response.message.unwrap());
    }
    messages
}

/// A watcher of input saw exactly the events of a recording.
fn assert_input_is(messages: &[Message], recording: &[Window]) {
    let mut input = BTreeMap::new();
    for message in messages {
        let Message::Events(batch) = message else { continue };
        let (payload, base) = (&batch.payload, batch.base_time_us);
        for event in address::decode(payload, base, batch.count.into()).unwrap() {
            *input.entry((event.time, event.index)).or_insert(0_u64) += 1;
        }
    }
    let mut sent = BTreeMap::new();
    for event in recording.iter().flat_map(|(events, _)| events) {
        *sent.entry(*event).or_insert(0_u64) += 1;
    }
    let counts = |events: &BTreeMap<_, u64>| (events.len(), events.values().sum::<u64>());
    assert_eq!(counts(&input), counts(&sent));
    assert!(input == sent, "a watcher of input sees what was sent");
}

#[tokio::test]
async fn watchers_of_every_kind_see_their_part_and_change_no_bit() {
    let server = Server::start().await;
    let recording = recording(4_000);
    let (expected, batches) = (truth(&recording), batches(&recording, 100));
    let mut producer = server.open(named("seen")).await.unwrap();
    let probe = v1::Probe {
        population: "second".into(),
        neurons: vec![5, 6],
        period_ticks: 100,
        ..Default::default()
    };
    let probes = v1::WatchSessionRequest { probe: Some(probe), ..of("seen", v1::Watched::Probes) };
    let watching = [
        of("seen", v1::Watched::Output),
        of("seen", v1::Watched::Decisions),
        of("seen", v1::Watched::Input),
        probes,
    ];
    let mut seen = Vec::new();
    for request in watching {
        let watching = watch(&server, request).await;
        seen.push(tokio::spawn(all(watching)));
    }
    for batch in &batches {
        // No faster than the watchers, who are in this thread, can read.
        producer.send(Request::Events(batch.clone()));
        producer.acknowledged(|ack| ack.accepted == batch.sequence).await;
    }
    let record = finish(producer, &batches, u64::MAX).await;
    assert!(joined(std::slice::from_ref(&record)) == expected, "watching changes no bit");
    let mut kinds = Vec::new();
    for seen in seen {
        let messages = seen.await.unwrap();
        assert!(matches!(messages.first(), Some(Message::Opened(_))));
        assert!(matches!(messages.last(), Some(Message::Ended(_))), "{:?}", messages.last());
        let missed = messages.iter().any(|message| matches!(message, Message::Missed(_)));
        assert!(!missed, "whoever reads at once misses nothing here");
        kinds.push(messages);
    }
    let decisions = |messages: &[Message]| {
        messages.iter().filter(|message| matches!(message, Message::Decision(_))).count()
    };
    let spikes: u32 = kinds[0]
        .iter()
        .map(|message| if let Message::Spikes(batch) = message { batch.count } else { 0 })
        .sum();
    assert_eq!(spikes as usize, record.spikes.len());
    assert_eq!(decisions(&kinds[0]), record.decisions.len());
    assert_eq!(decisions(&kinds[1]), record.decisions.len());
    assert_eq!(kinds[1].len(), record.decisions.len() + 2);

    assert_input_is(&kinds[2], &recording);

    let readings: Vec<_> = kinds[3]
        .iter()
        .filter_map(|message| if let Message::Probe(read) = message { Some(read) } else { None })
        .collect();
    let ticks: Vec<_> = readings.iter().map(|reading| reading.tick).collect();
    let last = record.last().simulated_to_tick;
    assert_eq!(ticks, (0..=last).step_by(100).collect::<Vec<_>>());
    assert!(readings.iter().all(|r| r.values.len() == 2 && r.time_us == r.tick * TICK_NS / 1_000));
    let at = |tick: u64| readings[usize::try_from(tick / 100).unwrap()].values[0];
    assert!(at(0).abs() < 1e-9 && at(1_000) > 0.1, "a drive charges it: {}", at(1_000));
}

#[tokio::test]
async fn a_watcher_may_come_late_and_read_from_the_beginning() {
    let server = Server::start().await;
    let mut producer = server.open(named("late")).await.unwrap();
    let events = [(0, 3), (100, 4), (200, 5)];
    let promise_us = Some(10_000);
    let batch = v1::EventBatch { promise_us, ..batch(1, 0, &events) };
    producer.send(Request::Events(batch));
    producer.acknowledged(|ack| ack.simulated_to_us == 10_000).await;
    let from = |position| v1::WatchSessionRequest {
        from_position: Some(position),
        ..of("late", v1::Watched::Output)
    };
    let (whole, rest) = (watch(&server, from(0)).await, watch(&server, from(2)).await);
    producer.send(Request::End(v1::EndOfInput {}));
    let record = producer.finish().await;
    let first = |messages: &[Message]| {
        messages.iter().find_map(|message| match message {
            Message::Spikes(batch) => Some((batch.first_position, batch.count)),
            _ => None,
        })
    };
    assert!(record.spikes.len() >= 3);
    assert_eq!(first(&all(whole).await), Some((0, 3)));
    assert_eq!(first(&all(rest).await), Some((2, 1)), "the rest of a batch");
}

#[tokio::test]
async fn what_cannot_be_watched_is_refused() {
    let server = Server::start().await;
    let open =
        v1::OpenSessionRequest { open: Some(v1::Open { session_id: "s".into(), ..open("touch") }) };
    let mut sessions = server.sessions().await;
    sessions.open_session(open).await.unwrap();
    let probe = |probe| v1::WatchSessionRequest { probe, ..of("s", v1::Watched::Probes) };
    let good = v1::Probe {
        population: "first".into(),
        neurons: vec![1],
        period_ticks: 1,
        ..Default::default()
    };
    let bad = [
        (v1::WatchSessionRequest { watched: 99, ..of("s", v1::Watched::Output) }, "watched"),
        (probe(None), "probe: is missing"),
        (probe(Some(v1::Probe { population: "third".into(), ..good.clone() })), "\"third\""),
        (probe(Some(v1::Probe { neurons: vec![64], ..good.clone() })), "neuron 64 of 64"),
        (probe(Some(v1::Probe { neurons: vec![], ..good.clone() })), "probe.neurons"),
        (probe(Some(v1::Probe { period_ticks: 0, ..good })), "probe.period_ticks"),
    ];
    for (request, words) in bad {
        let status = sessions.watch_session(request).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument, "{status}");
        assert!(status.message().contains(words), "{status}");
    }
    // A refused watcher takes no place.
    let listed = sessions.list_sessions(v1::ListSessionsRequest {}).await.unwrap().into_inner();
    assert_eq!(listed.sessions[0].watchers, 0);
}
