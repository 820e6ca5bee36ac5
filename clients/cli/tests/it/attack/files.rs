//! More connections than the process may have files.

use std::{
    thread,
    time::{Duration, Instant},
};

use super::{Ground, peer::Peer};
use crate::process::Daemon;

const FILES: usize = 48;

/// The daemon waits for files rather than spinning, and those that it has go on. Seen to fail
/// without the pause, with 1.96 s of processor time in 2 s.
#[test]
fn run_out() {
    let daemon = Daemon::start_with_files(FILES);
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
