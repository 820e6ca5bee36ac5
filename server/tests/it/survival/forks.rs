//! Snapshots, forks and rewinds: the same future from the same state.

use spiked_proto::v1::{self, stream_request::Message as Request};
use tonic::Code;

use super::{batches, finish, joined, named, next_position, resuming};
use crate::{
    recorded::{output, recording, truth},
    support::{Record, Server},
};

/// Output of a record from a position on.
fn from(record: &Record, position: u64) -> Vec<[u64; 6]> {
    output(record).into_iter().filter(|words| words[0] >= position).collect()
}

#[tokio::test]
async fn a_fork_has_the_same_future() {
    let server = Server::start().await;
    let recording = recording(4_000);
    let (expected, batches) = (truth(&recording), batches(&recording, 50));
    let half = batches.len() as u64 / 2;
    let mut producer = server.open(named("trunk")).await.unwrap();
    for batch in batches.iter().take(usize::try_from(half).unwrap()) {
        producer.send(Request::Events(batch.clone()));
    }
    producer.acknowledged(|ack| ack.accepted == half).await;
    let request =
        v1::ForkSessionRequest { session_id: "trunk".into(), fork_id: "branch".into(), workers: 2 };
    let mut sessions = server.sessions().await;
    let fork = sessions.fork_session(request.clone()).await.unwrap().into_inner();
    let position = fork.session.unwrap().output_position;
    let taken = sessions.fork_session(request).await.unwrap_err();
    assert!(taken.message().contains("exists already"), "{taken}");

    let branch = v1::Open { session_id: "branch".into(), ..v1::Open::default() };
    let branch = server.open(branch).await.unwrap();
    assert_eq!(branch.record.opened.as_ref().unwrap().accepted, half);
    let branch = finish(branch, &batches, half).await;
    let trunk = finish(producer, &batches, half).await;
    assert!(joined(&[trunk]) == expected, "the trunk goes on as if nothing had happened");
    let future: Vec<_> = expected.into_iter().filter(|words| words[0] >= position).collect();
    assert!(from(&branch, 0) == future, "so does the branch");
}

#[tokio::test]
async fn a_session_goes_back_to_a_snapshot() {
    let server = Server::start().await;
    let recording = recording(4_000);
    let (expected, batches) = (truth(&recording), batches(&recording, 50));
    let third = batches.len() as u64 / 3;
    let mut producer = server.open(named("back")).await.unwrap();
    for batch in batches.iter().take(usize::try_from(third).unwrap()) {
        producer.send(Request::Events(batch.clone()));
    }
    producer.acknowledged(|ack| ack.accepted == third).await;
    let mut sessions = server.sessions().await;
    let request = v1::SnapshotSessionRequest { session_id: "back".into() };
    let snapshot = sessions.snapshot_session(request).await.unwrap().into_inner();
    let listed = sessions.list_snapshots(v1::ListSnapshotsRequest {}).await.unwrap().into_inner();
    assert_eq!(listed.snapshots.len(), 1);
    assert_eq!(listed.snapshots[0].snapshot_sha256, snapshot.snapshot_sha256);
    for batch in &batches[usize::try_from(third).unwrap()..] {
        producer.send(Request::Events(batch.clone()));
    }
    producer.acknowledged(|ack| ack.simulated_to_us == 500_000).await;

    let rewind = v1::RewindSessionRequest {
        session_id: "back".into(),
        snapshot_sha256: snapshot.snapshot_sha256.clone(),
    };
    let rewound = sessions.rewind_session(rewind.clone()).await.unwrap().into_inner();
    assert_eq!(rewound.session.unwrap().output_position, snapshot.output_position);
    let before = producer.finish().await;
    assert_eq!(before.reason(), v1::EndReason::Rewound);
    assert!(next_position(&before) > snapshot.output_position);
    // The token is still good; numbers and positions count on from the snapshot's.
    let again = server.open(resuming(&before, Some(snapshot.output_position))).await.unwrap();
    assert_eq!(again.record.opened.as_ref().unwrap().accepted, third);
    let again = finish(again, &batches, third).await;
    let expected: Vec<_> =
        expected.into_iter().filter(|words| words[0] >= snapshot.output_position).collect();
    assert!(output(&again) == expected);

    let name = snapshot.snapshot_sha256;
    let delete = v1::DeleteSnapshotRequest { snapshot_sha256: name };
    sessions.delete_snapshot(delete.clone()).await.unwrap();
    assert_eq!(sessions.delete_snapshot(delete).await.unwrap_err().code(), Code::NotFound);
    let status = sessions.rewind_session(rewind).await.unwrap_err();
    assert_eq!(status.code(), Code::NotFound, "{status}");
}
