//! Durable sessions across the daemon's end: saved, made again, and damaged on disk.

use std::{fs, path::Path};

use spiked_proto::v1::{self, stream_request::Message as Request};
use tonic::Code;

use super::{batches, finish, joined, named, next_position, resuming, until};
use crate::{
    recorded::{recording, truth},
    support::{Record, Server},
};

fn durable(id: &str, durability: v1::Durability) -> v1::Open {
    v1::Open { durability: durability.into(), ..named(id) }
}

/// Half of the recording before the daemon ends, half after it has begun again; the client goes on
/// from what it was told, and sees the undisturbed output.
#[tokio::test]
async fn a_durable_session_is_saved_when_the_daemon_ends_and_goes_on_when_it_is_opened() {
    let recording = recording(4_000);
    let (expected, batches) = (truth(&recording), batches(&recording, 40));
    let half = batches.len() / 2;
    for durability in [v1::Durability::Never, v1::Durability::Interval, v1::Durability::Each] {
        let data = tempfile::tempdir().unwrap();
        let mut server = Server::on(data.path(), |limits| {
            limits.shutdown_grace = std::time::Duration::from_millis(50);
            // Snapshots are taken on the way.
            limits.journal_snapshot_bytes = 2_000;
        })
        .await;
        let mut producer = server.open(durable("kept", durability)).await.unwrap();
        for batch in &batches[..half] {
            producer.send(Request::Events(batch.clone()));
        }
        producer.acknowledged(|ack| ack.durable == half as u64).await;
        let output_position = next_position(&producer.record);
        producer.send(Request::Received(v1::Received { output_position }));
        server.stop();
        let before = producer.finish().await;
        assert_eq!(before.reason(), v1::EndReason::Saved, "{durability:?}");
        server.join().await;

        let server = Server::on(data.path(), |_| ()).await;
        let mut sessions = server.sessions().await;
        let listed = sessions.list_sessions(v1::ListSessionsRequest {}).await.unwrap();
        assert!(listed.into_inner().sessions[0].at_rest);
        let open = resuming(&before, Some(next_position(&before)));
        let producer = server.open(open).await.unwrap();
        let opened = producer.record.opened.as_ref().unwrap();
        assert_eq!((opened.accepted, opened.durable), (half as u64, half as u64));
        let after = finish(producer, &batches, half as u64).await;
        assert_eq!(after.reason(), v1::EndReason::Completed);
        assert!(joined(&[before, after]) == expected, "{durability:?}: the output differs");
        until(&server, |sessions| sessions.is_empty()).await;
        assert!(!session_folder(data.path(), "kept").exists(), "what completed leaves nothing");
    }
}

fn session_folder(data: &Path, id: &str) -> std::path::PathBuf {
    data.join("sessions/local").join(id)
}

/// A session that is saved because its lease ran out rests on disk; it can be opened again, or
/// closed, which deletes it.
#[tokio::test]
async fn a_durable_session_rests_when_its_lease_runs_out() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::on(data.path(), |_| ()).await;
    let open = v1::Open { lease_us: Some(20_000), ..durable("rests", v1::Durability::Never) };
    drop(server.open(open).await.unwrap());
    until(&server, |sessions| sessions.iter().any(|session| session.at_rest)).await;
    let mut sessions = server.sessions().await;
    let request = v1::CloseSessionRequest { session_id: "rests".into() };
    let closed = sessions.close_session(request.clone()).await.unwrap().into_inner();
    assert!(closed.session.unwrap().at_rest);
    assert!(!session_folder(data.path(), "rests").exists());
    assert_eq!(sessions.close_session(request).await.unwrap_err().code(), Code::NotFound);
}

async fn saved(data: &Path, id: &str) -> Record {
    let mut server =
        Server::on(data, |limits| limits.shutdown_grace = std::time::Duration::from_millis(20))
            .await;
    let mut producer = server.open(durable(id, v1::Durability::Never)).await.unwrap();
    let batches = batches(&recording(1_000), 100);
    for batch in &batches {
        producer.send(Request::Events(batch.clone()));
    }
    producer.acknowledged(|ack| ack.durable == batches.len() as u64).await;
    server.stop();
    let record = producer.finish().await;
    server.join().await;
    record
}

/// A journal that is damaged in its snapshot, or is of a network that is gone, is refused when it is
/// opened, by file and reason; the daemon starts and the others go on.
#[tokio::test]
async fn what_is_damaged_on_disk_is_said_and_harms_nobody() {
    let data = tempfile::tempdir().unwrap();
    let record = saved(data.path(), "hurt").await;
    let folder = session_folder(data.path(), "hurt");
    let snapshot = folder.join("00000000000000000000.snapshot");
    let mut bytes = fs::read(&snapshot).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&snapshot, bytes).unwrap();
    let server = Server::on(data.path(), |_| ()).await;
    let status = server.open(resuming(&record, None)).await.err().unwrap();
    assert!(status.message().contains("checksum"), "{status}");
    server.assert_well().await;
}

/// A durable session that went back to a snapshot is what is on disk from then on. Seen to fail with
/// the old journal left beside the new one.
#[tokio::test]
async fn a_durable_session_that_was_rewound_goes_on_from_there_after_the_daemon_ends() {
    let recording = recording(4_000);
    let (expected, batches) = (truth(&recording), batches(&recording, 40));
    let third = batches.len() / 3;
    let data = tempfile::tempdir().unwrap();
    let config = |limits: &mut spiked_server::Limits| {
        limits.shutdown_grace = std::time::Duration::from_millis(50);
        limits.journal_snapshot_bytes = 2_000;
    };
    let mut server = Server::on(data.path(), config).await;
    let mut producer = server.open(durable("back", v1::Durability::Never)).await.unwrap();
    for batch in &batches[..third] {
        producer.send(Request::Events(batch.clone()));
    }
    producer.acknowledged(|ack| ack.accepted == third as u64).await;
    let mut sessions = server.sessions().await;
    let request = v1::SnapshotSessionRequest { session_id: "back".into() };
    let snapshot = sessions.snapshot_session(request).await.unwrap().into_inner();
    for batch in &batches[third..2 * third] {
        producer.send(Request::Events(batch.clone()));
    }
    producer.acknowledged(|ack| ack.accepted == 2 * third as u64).await;
    let request = v1::RewindSessionRequest {
        session_id: "back".into(),
        snapshot_sha256: snapshot.snapshot_sha256,
    };
    sessions.rewind_session(request).await.unwrap();
    let before = producer.finish().await;
    server.stop();
    server.join().await;

    let server = Server::on(data.path(), |_| ()).await;
    let open = resuming(&before, Some(snapshot.output_position));
    let producer = server.open(open).await.unwrap();
    assert_eq!(producer.record.opened.as_ref().unwrap().accepted, third as u64);
    let after = finish(producer, &batches, third as u64).await;
    assert_eq!(after.reason(), v1::EndReason::Completed);
    let expected: Vec<_> =
        expected.into_iter().filter(|words| words[0] >= snapshot.output_position).collect();
    assert!(crate::recorded::output(&after) == expected);
}

#[tokio::test]
async fn two_daemons_cannot_share_a_data_folder() {
    let data = tempfile::tempdir().unwrap();
    let _first = Server::on(data.path(), |_| ()).await;
    let config = spiked_server::Config {
        listen: "127.0.0.1:0".parse().unwrap(),
        data: Some(data.path().to_owned()),
        ..Default::default()
    };
    let error = spiked_server::Daemon::bind(config).await.err().unwrap().to_string();
    assert!(error.contains("another daemon uses it"), "{error}");
}

/// Snapshots bound the journal of a session however often the daemon begins again. Seen to fail with
/// what a daemon before had written not counted.
#[tokio::test]
async fn the_journal_is_bounded_over_restarts() {
    const LIVES: usize = 12;
    let data = tempfile::tempdir().unwrap();
    let batches = batches(&recording(4_000), 40);
    let each = batches.len() / LIVES;
    let mut before: Option<Record> = None;
    for life in 0..LIVES {
        let mut server = Server::on(data.path(), |limits| {
            limits.shutdown_grace = std::time::Duration::from_millis(20);
            // More than one life writes.
            limits.journal_snapshot_bytes = 4_000;
        })
        .await;
        let open = match &before {
            None => durable("long", v1::Durability::Never),
            Some(record) => resuming(record, Some(next_position(record))),
        };
        let mut producer = server.open(open).await.unwrap();
        for batch in &batches[life * each..(life + 1) * each] {
            producer.send(Request::Events(batch.clone()));
            // One after another, so that there are several writes.
            producer.acknowledged(|ack| ack.durable >= batch.sequence).await;
        }
        let output_position = next_position(&producer.record);
        producer.send(Request::Received(v1::Received { output_position }));
        server.stop();
        let record = producer.finish().await;
        assert_eq!(record.reason(), v1::EndReason::Saved);
        // What it read before is counted by position alone.
        before = Some(Record { opened: record.opened.clone(), ..record });
        server.join().await;
    }
    let files = fs::read_dir(session_folder(data.path(), "long")).unwrap().map(Result::unwrap);
    let journals = files.filter(|file| file.path().extension().is_some_and(|end| end == "journal"));
    let total: u64 = journals.map(|file| file.metadata().unwrap().len()).sum();
    assert!(total < 12_000, "{total} bytes");
}
