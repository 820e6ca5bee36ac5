//! What is measured of a session, and the bound on what one network may take.

use hdrhistogram::{Histogram, serialization::Deserializer};
use spiked_proto::v1::{self, Reason, stream_request::Message as Request};
use tonic::{Code, Status};

use crate::support::{Server, batch, eye, open, touch};

/// A session's latencies come as HDR histograms, one entry a batch where it is batches that are timed.
#[tokio::test]
async fn latencies_are_told_as_histograms() {
    const BATCHES: u64 = 50;
    let server = Server::start().await;
    let timed = v1::Open { session_id: "timed".into(), ..open("touch") };
    let mut producer = server.open(timed).await.unwrap();
    for sequence in 1..=BATCHES {
        let promise_us = Some(sequence * 1_000);
        let batch = batch(sequence, (sequence - 1) * 1_000, &[((sequence - 1) * 1_000, 3)]);
        producer.send(Request::Events(v1::EventBatch { promise_us, ..batch }));
        producer.acknowledged(|ack| ack.simulated_to_us == sequence * 1_000).await;
    }
    let request = v1::GetLatenciesRequest { session_id: "timed".into() };
    let told = server.sessions().await.get_latencies(request).await.unwrap().into_inner();
    let read = |bytes: &[u8]| -> Histogram<u64> {
        Deserializer::new().deserialize(&mut &bytes[..]).unwrap()
    };
    let (queue, core, wire) = (read(&told.queue), read(&told.core), read(&told.wire));
    assert_eq!((queue.len(), wire.len()), (BATCHES, BATCHES));
    assert!(core.len() >= BATCHES, "{} turns", core.len());
    assert!(core.min() > 0 && wire.max() >= queue.min(), "in nanoseconds");
    assert!(wire.max() < 60_000_000_000, "{} ns", wire.max());
    let listed = server.sessions().await.list_sessions(v1::ListSessionsRequest {}).await.unwrap();
    assert_eq!(listed.into_inner().sessions.len(), 1, "and the session goes on");
}

fn assert_too_large(status: &Status, limit: u64) {
    let words = status.message();
    assert!(words.contains(&limit.to_string()), "{status}");
    assert!(words.contains("byte"), "{status}");
}

/// What would take more than `limits.plan_bytes` is refused where that shows: when it is loaded, tried, or
/// opened for a sensor of some size; whatever is smaller runs on.
#[tokio::test]
async fn a_network_beyond_its_bound_is_refused_with_the_bound() {
    const BOUND: u64 = 4 << 20;
    let server = Server::with(|limits| limits.plan_bytes = BOUND).await;
    let mut large = touch();
    large.name = "large".into();
    for population in &mut large.populations {
        population.shape = vec![v1::Extent { extent: Some(v1::extent::Extent::Size(1 << 20)) }];
    }
    large.projections.clear();
    let mut networks = server.networks().await;
    let request = v1::LoadNetworkRequest { network: Some(large.clone()), ..<_>::default() };
    let refused = networks.load_network(request).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument, "{refused}");
    assert!(refused.message().contains(Reason::NetworkInvalid.as_str_name()), "{refused}");
    assert_too_large(&refused, BOUND);
    let request = v1::DryRunRequest { network: Some(large), sensors: Vec::new() };
    let problems = networks.dry_run(request).await.unwrap().into_inner().problems;
    assert!(problems.iter().any(|problem| problem.message.contains(&BOUND.to_string())));

    let seen_by = |width, height| v1::Open {
        sensors: vec![v1::SensorSize { port: "camera".into(), width, height }],
        ..open(&eye().name)
    };
    let refused = server.open(seen_by(4_096, 4_096)).await.err().unwrap();
    assert_eq!(refused.code(), Code::InvalidArgument, "{refused}");
    assert_too_large(&refused, BOUND);
    drop(server.open(seen_by(16, 16)).await.unwrap());
    server.assert_well().await;
}
