//! Scripted attacks on a real daemon, in raw HTTP/2.
//!
//! Through each of them a session on another connection goes on streaming and gets exactly its
//! spikes, the daemon's memory stays under a bound, and afterwards it is as it was: its sockets are
//! closed and a session on a new connection runs.

mod files;
mod floods;
mod frames;
mod honest;
mod messages;
mod peer;
mod readers;
mod silence;
mod streams;

use std::{
    thread,
    time::{Duration, Instant},
};

use self::honest::{Honest, small};
use crate::process::Daemon;

/// The slowest answer of the session that goes on: far beyond what was measured, for the machine
/// that tests run on may be busy with anything.
const SLOWEST: Duration = Duration::from_secs(5);
/// For what the daemon does at once.
const SOON: Duration = Duration::from_secs(5);

/// A daemon, and how it was before anybody attacked.
struct Ground {
    daemon: Daemon,
    resident_mib: u64,
    sockets: usize,
}

impl Ground {
    fn new() -> Self {
        Self::of(Daemon::start())
    }

    /// The first session loads what every later one finds.
    fn of(daemon: Daemon) -> Self {
        small(&daemon.address).expect("it is well before the attack");
        let sockets = settled(&daemon);
        let resident_mib = daemon.status("VmRSS") >> 10;
        Self { daemon, resident_mib, sockets }
    }

    fn address(&self) -> &str {
        &self.daemon.address
    }

    /// Attacks, while a session goes on. What the attack gives back is held until the daemon was
    /// looked at; `more_mib` is what it may take at its peak beyond what it took before.
    fn through<T>(self, name: &str, more_mib: u64, attack: impl FnOnce(&Self) -> T) {
        let honest = Honest::start(self.address());
        let start = Instant::now();
        let held = attack(&self);
        let attacked = start.elapsed();
        let streamed = honest.finish();
        let peak_mib = self.daemon.status("VmHWM") >> 10;
        let Self { daemon, resident_mib, sockets } = self;
        #[expect(clippy::print_stderr, reason = "figures of a run")]
        {
            eprintln!(
                "{name}: {attacked:.1?}, {resident_mib} MiB before, {peak_mib} MiB at most, {} \
                 batches beside it, the slowest in {:.1?}",
                streamed.batches, streamed.slowest
            );
        }
        assert!(streamed.slowest < SLOWEST, "{name}: {:?}", streamed.slowest);
        assert!(peak_mib <= resident_mib + more_mib, "{name}: {resident_mib} to {peak_mib} MiB");
        drop(held);
        let soon = Instant::now() + SOON;
        while daemon.sockets() > sockets {
            assert!(
                Instant::now() < soon,
                "{name}: {} sockets, {sockets} before",
                daemon.sockets()
            );
            thread::sleep(Duration::from_millis(10));
        }
        small(&daemon.address).expect("it recovers");
    }
}

/// The daemon's own sockets, once its last client's is closed.
fn settled(daemon: &Daemon) -> usize {
    let mut fewest = daemon.sockets();
    let soon = Instant::now() + SOON;
    // Its listener alone.
    while fewest > 1 && Instant::now() < soon {
        thread::sleep(Duration::from_millis(5));
        fewest = fewest.min(daemon.sockets());
    }
    fewest
}
