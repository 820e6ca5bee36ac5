//! More connections than the process may have files.

use std::{
    fs, thread,
    time::{Duration, Instant},
};

use spiked_client::Durability;

use super::{Ground, honest::Honest, peer::Peer};
use crate::process::Daemon;

const FILES: usize = 48;

/// The daemon waits for files rather than spinning, and those that it has go on. Seen to fail
/// without the pause, with 1.96 s of processor time in 2 s.
#[test]
fn run_out() {
    let daemon = Daemon::start_with_files(FILES, &[]);
    Ground::of(daemon).through("no files left", 16, |ground| {
        let peers: Vec<_> = (0..2 * FILES).map(|_| Peer::silent(ground.address())).collect();
        let taken = Instant::now();
        while ground.daemon.files() < FILES && taken.elapsed() < Duration::from_secs(2) {
            thread::sleep(Duration::from_millis(5));
        }
        assert!(ground.daemon.files() >= FILES, "the attack takes all there are");
        let (start, used) = (Instant::now(), ground.daemon.processor_time());
        thread::sleep(Duration::from_secs(2));
        let used = ground.daemon.processor_time() - used;
        assert!(used < start.elapsed() / 2, "it spins: {used:?} in {:?}", start.elapsed());
        peers
    });
}

/// A durable session needs files on its way, for segments and snapshots: without one it goes on in the
/// segment that it has. Seen to fail with the session ended when no segment could be begun.
#[test]
fn run_out_beside_a_durable_session() {
    let data = tempfile::tempdir().expect("a folder");
    let folder = data.path().to_str().expect("plain");
    let small = ["--data", folder, "--set", "limits.journal_snapshot_bytes=2000 B"];
    let daemon = Daemon::start_with_files(FILES, &small);
    let durable = Honest::durable(&daemon.address, Durability::Never);
    let longest_segment = || {
        let sessions = fs::read_dir(data.path().join("sessions/local")).into_iter().flatten();
        let files = sessions.flatten().flat_map(|session| fs::read_dir(session.path()));
        let segments = files
            .flatten()
            .flatten()
            .filter(|file| file.path().extension().is_some_and(|extension| extension == "journal"));
        segments.map(|file| file.metadata().map_or(0, |about| about.len())).max().unwrap_or(0)
    };
    let grows_to = |bytes: u64| {
        let start = Instant::now();
        while longest_segment() < bytes && start.elapsed() < 2 * super::SOON {
            thread::sleep(Duration::from_millis(5));
        }
        longest_segment() >= bytes
    };
    assert!(grows_to(2_000), "it is written");
    let peers: Vec<_> = (0..2 * FILES).map(|_| Peer::silent(&daemon.address)).collect();
    assert!(grows_to(10_000), "it goes on in one segment");
    drop(peers);
    let streamed = durable.finish();
    assert!(streamed.batches > 100, "{} batches", streamed.batches);
}
