//! Scripted attacks on a real daemon, in raw HTTP/2.
//!
//! Through each of them a session on another connection goes on streaming and gets exactly its
//! spikes, the daemon's memory stays under a bound, and afterwards it is as it was: its sockets are
//! closed and a session on a new connection runs.

mod bodies;
mod files;
mod floods;
pub(crate) mod frames;
mod honest;
mod messages;
pub(crate) mod peer;
mod readers;
mod secured;
mod silence;
mod streams;
mod unread;
mod watchers;
mod wire;

use std::{
    thread,
    time::{Duration, Instant},
};

use self::{
    honest::{Honest, small},
    peer::Peer,
    wire::Way,
};
use crate::{process::Daemon, tls::Place};

/// The slowest answer of the session that goes on: far beyond what was measured, for the machine
/// that tests run on may be busy with anything.
const SLOWEST: Duration = Duration::from_secs(5);
/// For what the daemon does at once.
const SOON: Duration = Duration::from_secs(5);

/// A daemon, and how it was before anybody attacked.
struct Ground {
    daemon: Daemon,
    way: Way,
    /// What it reads certificates from.
    files: Option<Place>,
    resident_mib: u64,
    sockets: usize,
}

impl Ground {
    fn new() -> Self {
        Self::of(Daemon::start())
    }

    /// The first session loads what every later one finds.
    fn of(daemon: Daemon) -> Self {
        let way = Way::from(&daemon.address);
        Self::reached(daemon, way)
    }

    fn reached(daemon: Daemon, way: Way) -> Self {
        let sockets = daemon.sockets();
        small(&way).expect("it is well before the attack");
        let resident_mib = daemon.status("VmRSS") >> 10;
        Self { daemon, way, files: None, resident_mib, sockets }
    }

    fn address(&self) -> &Way {
        &self.way
    }

    /// The daemon has closed all connections but that of the session that goes on.
    fn assert_alone_within(&self, patience: Duration) {
        let sockets = self.sockets + 1;
        let alone = comes_down(&self.daemon, sockets, patience);
        assert!(alone, "{} sockets, {sockets} expected", self.daemon.sockets());
    }

    /// Attacks, while a session goes on. What the attack gives back is held until the daemon was
    /// looked at; `more_mib` is what it may take at its peak beyond what it took before.
    fn through<T: Told>(self, name: &str, more_mib: u64, attack: impl FnOnce(&Self) -> T) {
        let honest = Honest::start(self.address());
        let start = Instant::now();
        let held = attack(&self);
        let attacked = start.elapsed();
        let told = held.told();
        let streamed = honest.finish();
        let peak_mib = self.daemon.status("VmHWM") >> 10;
        let Self { daemon, way, files, resident_mib, sockets } = self;
        #[expect(clippy::print_stderr, reason = "figures of a run")]
        {
            eprintln!(
                "{name}: {attacked:.1?}, {told}, {resident_mib} MiB before, {peak_mib} MiB at \
                 most, {} batches beside it, the slowest in {:.1?}",
                streamed.batches, streamed.slowest
            );
        }
        assert!(streamed.slowest < SLOWEST, "{name}: {:?}", streamed.slowest);
        assert!(peak_mib <= resident_mib + more_mib, "{name}: {resident_mib} to {peak_mib} MiB");
        drop(held);
        assert!(comes_down(&daemon, sockets, SOON), "{name}: {} sockets", daemon.sockets());
        small(&way).expect("it recovers");
        drop(files);
    }
}

/// Waits until the daemon has no more than so many sockets.
fn comes_down(daemon: &Daemon, sockets: usize, patience: Duration) -> bool {
    let start = Instant::now();
    while daemon.sockets() > sockets && start.elapsed() < patience {
        thread::sleep(Duration::from_millis(5));
    }
    daemon.sockets() <= sockets
}

/// What attackers were told, in few words.
trait Told {
    fn told(&self) -> String;
}

impl Told for Peer {
    fn told(&self) -> String {
        self.tally(ToString::to_string)
    }
}

impl Told for Vec<Peer> {
    fn told(&self) -> String {
        format!("{} peers held", self.len())
    }
}
