//! Sessions that outlive their streams: what is resumed, shared, stepped, forked and saved gives the
//! output of an undisturbed run.

mod clocks;
mod comings;
mod contested;
mod forks;
mod lags;
mod leases;
mod live;
mod overload;
mod producers;
mod resume;
mod saved;
mod steps;
mod tuning;
mod versions;
mod watchers;

use std::time::Duration;

use spiked_proto::v1;

use crate::{
    recorded::{Window, output},
    support::{Producer, Record, Server, batch, open},
};

const PATIENCE: Duration = Duration::from_secs(30);

/// An `open` of the network "touch" under a name.
fn named(session_id: &str) -> v1::Open {
    v1::Open { session_id: session_id.into(), ..open("touch") }
}

/// An `open` that resumes what another stream of this session began.
fn resuming(before: &Record, output_from: Option<u64>) -> v1::Open {
    let opened = before.opened.as_ref().expect("it was open");
    v1::Open {
        session_id: opened.session_id.clone(),
        producer: opened.producer.clone(),
        resume_token: opened.resume_token.clone(),
        output_from,
        ..v1::Open::default()
    }
}

/// The next output position after what a record holds.
fn next_position(record: &Record) -> u64 {
    let last = output(record).last().map(|words| words[0] + 1);
    last.unwrap_or_else(|| record.opened.as_ref().expect("it was open").output_position)
}

/// Joins what several streams of one session read; nothing may come twice or be missing.
fn joined(records: &[Record]) -> Vec<[u64; 6]> {
    let mut all: Vec<_> = records.iter().flat_map(output).collect();
    all.sort_unstable();
    let positions: Vec<_> = all.iter().map(|words| words[0]).collect();
    assert_eq!(positions, (0..all.len() as u64).collect::<Vec<_>>(), "each position once");
    all
}

/// Feeds a whole recording from batch `from` on, and reads to the end.
async fn finish(producer: Producer, batches: &[v1::EventBatch], from: u64) -> Record {
    use v1::stream_request::Message as Request;
    for batch in batches.iter().filter(|batch| batch.sequence > from) {
        producer.send(Request::Events(batch.clone()));
    }
    producer.send(Request::End(v1::EndOfInput {}));
    producer.finish().await
}

/// Feeds and reads more than the history that is kept of what was read.
async fn outlive_history(producer: &mut Producer) {
    use v1::stream_request::Message as Request;
    for sequence in 1..=1_000_u64 {
        let base_us = sequence * 10_000;
        let events: Vec<_> = (0..1_000).map(|at| (base_us + at * 10, (at % 64) as u32)).collect();
        let promise_us = Some(base_us + 10_000);
        let batch = v1::EventBatch { promise_us, ..batch(sequence, base_us, &events) };
        producer.send(Request::Events(batch));
        producer.acknowledged(|ack| ack.simulated_to_us == base_us + 10_000).await;
    }
}

/// Cut into batches of about so many events.
fn batches(recording: &[Window], events: usize) -> Vec<v1::EventBatch> {
    crate::recorded::cut(recording, || events)
}

/// Waits until a condition holds of the sessions listed.
async fn until(server: &Server, holds: impl Fn(&[v1::SessionInfo]) -> bool) {
    let waiting = async {
        loop {
            let mut sessions = server.sessions().await;
            let listed = sessions.list_sessions(v1::ListSessionsRequest {}).await.unwrap();
            if holds(&listed.into_inner().sessions) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.expect("it comes about in time");
}
