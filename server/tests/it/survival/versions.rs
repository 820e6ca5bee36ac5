//! Sessions stay on the network that they were opened with: it may be edited in its folder, or taken
//! away, while they run, rest, or lie on disk.

use std::{fs, path::Path, time::Duration};

use spiked_proto::v1::{self, stream_request::Message as Request};
use spiked_server::NetworksMode;

use super::{finish, joined, next_position, resuming};
use crate::{
    recorded::output,
    support::{Producer, Record, Server, batch, open},
};

const BATCHES: u64 = 40;

/// A network of eight channels whose weights lie beside its text.
fn write(networks: &Path, delay_ms: u32, weight: f32) {
    let folder = networks.join("relay");
    fs::create_dir_all(&folder).unwrap();
    let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (8, 8), }";
    let mut array = b"\x93NUMPY\x01\x00".to_vec();
    array.extend(u16::try_from(header.len() + 1).unwrap().to_le_bytes());
    array.extend(header.as_bytes());
    array.push(b'\n');
    for place in 0..64 {
        let value = if place % 9 == 0 { weight } else { 0.0 };
        array.extend(value.to_le_bytes());
    }
    fs::write(folder.join("weights.npy"), array).unwrap();
    let text = format!(
        "name = \"relay\"\ntick = \"100 us\"\ninput.line.channels = 8\n\
         population.echo = {{ shape = 8, neuron = {{ accumulator = {{ threshold = 1.0 }} }} }}\n\
         [projection.hold]\nfrom = \"line\"\nto = \"echo\"\n\
         dense = {{ weights = \"weights.npy\", delay = \"{delay_ms} ms\" }}\n"
    );
    fs::write(folder.join("network.toml"), text).unwrap();
}

/// A daemon that follows the folder of networks.
async fn following(networks: &Path, data: Option<&Path>) -> Server {
    Server::configured(|config| {
        config.networks = Some(networks.to_owned());
        config.networks_mode = Some(NetworksMode::Poll);
        config.networks_poll = Some(Duration::from_millis(10));
        config.data = data.map(Path::to_owned);
        config.limits.shutdown_grace = Duration::from_millis(20);
    })
    .await
}

/// One event a millisecond, channel after channel; each batch promises its time.
fn batches() -> Vec<v1::EventBatch> {
    let one = |number: u64| {
        let channel = u32::try_from(number % 8).unwrap();
        let base_us = number * 1_000;
        let promise_us = Some(base_us + 1_000);
        v1::EventBatch { promise_us, ..batch(number, base_us, &[(base_us + 100, channel)]) }
    };
    (1..=BATCHES).map(one).collect()
}

/// Opens a session of the folder's network and feeds half of the batches.
async fn half_fed(server: &Server, id: &str, durability: v1::Durability) -> Producer {
    let mut producer = server
        .open(v1::Open { session_id: id.into(), durability: durability.into(), ..open("relay") })
        .await
        .unwrap();
    for batch in &batches()[..20] {
        producer.send(Request::Events(batch.clone()));
    }
    let is_durable = durability != v1::Durability::None;
    producer.acknowledged(|ack| ack.accepted == 20 && (!is_durable || ack.durable == 20)).await;
    producer
}

/// The plan that the daemon's network of that name has now, if there is one.
async fn plan(server: &Server) -> Option<bytes::Bytes> {
    let request = v1::DescribeNetworkRequest { name: "relay".into(), ..Default::default() };
    let described = server.networks().await.describe_network(request).await;
    described.ok()?.into_inner().cost.map(|cost| cost.plan_sha256)
}

async fn until_plan_is_not(server: &Server, before: Option<&bytes::Bytes>) {
    let changed = async {
        while plan(server).await.as_ref() == before {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(super::PATIENCE, changed).await.expect("the folder is followed");
}

/// What an undisturbed session of the network in a folder gives.
async fn undisturbed(networks: &Path) -> Vec<[u64; 6]> {
    let server = Server::beside(networks).await;
    let record = server.run(open("relay"), batches()).await;
    assert_eq!(record.reason(), v1::EndReason::Completed);
    assert_eq!(record.spikes.len() as u64, BATCHES);
    output(&record)
}

async fn fork(server: &Server, of: &str, to: &str, workers: u32) -> Producer {
    let request = v1::ForkSessionRequest { session_id: of.into(), fork_id: to.into(), workers };
    server.sessions().await.fork_session(request).await.unwrap();
    server.open(v1::Open { session_id: to.into(), ..v1::Open::default() }).await.unwrap()
}

/// Edited or taken away: a running session is forked over more workers, taken back and made again of a
/// snapshot, and each gives what it would have given.
#[tokio::test]
async fn a_running_session_is_forked_and_rewound_whatever_became_of_its_network() {
    for is_removed in [false, true] {
        let networks = tempfile::tempdir().unwrap();
        write(networks.path(), 3, 1.0);
        let expected = undisturbed(networks.path()).await;
        let server = following(networks.path(), None).await;
        let producer = half_fed(&server, "old", v1::Durability::None).await;
        let mut sessions = server.sessions().await;
        let request = v1::SnapshotSessionRequest { session_id: "old".into() };
        let taken = sessions.snapshot_session(request).await.unwrap().into_inner();
        let before = plan(&server).await;
        match is_removed {
            true => fs::remove_dir_all(networks.path().join("relay")).unwrap(),
            false => write(networks.path(), 9, 0.6),
        }
        until_plan_is_not(&server, before.as_ref()).await;

        let future = |record: &Record| {
            let first = record.opened.as_ref().unwrap().output_position;
            let (given, from) = (output(record), |words: &&[u64; 6]| words[0] >= first);
            assert_eq!(given, expected.iter().filter(from).copied().collect::<Vec<_>>());
        };
        let branch = fork(&server, "old", "branch", 2).await;
        future(&finish(branch, &batches(), 20).await);
        let restore = v1::RestoreSessionRequest {
            snapshot_sha256: taken.snapshot_sha256.clone(),
            session_id: "restored".into(),
            workers: 2,
        };
        sessions.restore_session(restore).await.unwrap();
        let restored = v1::Open { session_id: "restored".into(), ..v1::Open::default() };
        future(&finish(server.open(restored).await.unwrap(), &batches(), 20).await);
        let rewind = v1::RewindSessionRequest {
            session_id: "old".into(),
            snapshot_sha256: taken.snapshot_sha256,
        };
        sessions.rewind_session(rewind).await.unwrap();
        let before = producer.finish().await;
        let again = server.open(resuming(&before, Some(taken.output_position))).await.unwrap();
        future(&finish(again, &batches(), 20).await);
    }
}

/// The network is edited while no daemon runs, or while one does: a durable session, and a snapshot that
/// was kept, go on with what they ran; new sessions have the new network. What nobody runs any more is
/// removed at the next start.
#[tokio::test]
async fn a_durable_session_outlives_the_network_that_it_was_opened_with() {
    for is_removed in [false, true] {
        let (networks, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        write(networks.path(), 3, 1.0);
        let expected = undisturbed(networks.path()).await;
        let mut server = following(networks.path(), Some(data.path())).await;
        let producer = half_fed(&server, "old", v1::Durability::Each).await;
        let request = v1::SnapshotSessionRequest { session_id: "old".into() };
        let taken = server.sessions().await.snapshot_session(request).await.unwrap().into_inner();
        server.stop();
        let before = producer.finish().await;
        assert_eq!(before.reason(), v1::EndReason::Saved);
        server.join().await;
        match is_removed {
            true => fs::remove_dir_all(networks.path().join("relay")).unwrap(),
            false => write(networks.path(), 9, 0.6),
        }

        let mut server = following(networks.path(), Some(data.path())).await;
        let open = resuming(&before, Some(next_position(&before)));
        let branch = fork(&server, "old", "branch", 1).await;
        let producer = server.open(open).await.unwrap();
        let after = finish(producer, &batches(), 20).await;
        assert_eq!(joined(&[before, after]), expected);
        let first = branch.record.opened.as_ref().unwrap().output_position;
        let branch = output(&finish(branch, &batches(), 20).await);
        assert_eq!(branch, expected.iter().copied().filter(|w| w[0] >= first).collect::<Vec<_>>());
        if !is_removed {
            let new = server.run(open_new(), batches()).await;
            assert!(new.spikes.is_empty(), "0.6 is too little for one event: {new:?}");
        }
        let running = || fs::read_dir(data.path().join("running")).unwrap().count();
        assert_eq!(running(), 1);
        let mut sessions = server.sessions().await;
        let snapshot_sha256 = taken.snapshot_sha256;
        sessions.delete_snapshot(v1::DeleteSnapshotRequest { snapshot_sha256 }).await.unwrap();
        drop(sessions);
        server.stop();
        server.join().await;
        let mut server = following(networks.path(), Some(data.path())).await;
        assert_eq!(running(), 0, "nobody needs it any more");
        server.stop();
        server.join().await;
    }
}

fn open_new() -> v1::Open {
    v1::Open { session_id: "new".into(), ..open("relay") }
}
