//! Peers that never read what they are sent, up to a shut window of TCP.

use super::{
    Ground, SOON,
    frames::{
        DATA, END_STREAM, LIST, batch, data, frame, greeting, open_of, request, streams, wrapped_as,
    },
    peer::Peer,
    silence::KEEPALIVE,
};
use crate::process::Daemon;

/// Eight channels drive 4 096 cells, all of which fire in each tick: what comes out is many times what
/// goes in.
const FAN: &str = r#"
name = "fan"
tick = "1 ms"
input.line.channels = 8
population.cells = { shape = 4096, neuron = { accumulator = { threshold = 1.0 } } }
projection.out = { from = "line", to = "cells", random = { in_degree = 1, weight = 1.0, delay = "1 ms" } }
"#;
/// What a session may hold whose output nobody takes: 10 MiB of that as it is counted, wherever it waits
/// on its way; what HTTP/2 has taken of it; its state, its input and the allocator's share. 10 to 14 MiB
/// were seen.
const SESSION_MIB: u64 = 18;
/// Each of eight ticks, so 32 768 spikes, which are 256 KiB.
const BATCHES: u32 = 256;

pub(super) fn fan() -> Ground {
    let networks = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(networks.path().join("fan")).expect("made");
    std::fs::write(networks.path().join("fan/network.toml"), FAN).expect("written");
    let folder = networks.path().to_str().expect("plain");
    Ground::of(Daemon::start_with(&["--listen", "127.0.0.1:0", "--networks", folder]))
}

/// Opens sessions and feeds each, whether or not its windows let it.
fn feed(peer: &mut Peer, sessions: u32, batches: u32) {
    for stream in streams(sessions) {
        assert!(peer.say(&open_of(stream, "fan")));
    }
    for place in 0..batches {
        let round: Vec<u8> =
            streams(sessions).flat_map(|stream| data(stream, &batch(place, 64))).collect();
        assert!(peer.say(&round), "it is cut off in batch {place}");
    }
}

/// Sessions on four connections that read, but have given their streams no window.
#[test]
fn two_hundred_sessions_without_a_window() {
    const CONNECTIONS: u64 = 4;
    const SESSIONS: u32 = 50;
    let more_mib = CONNECTIONS * u64::from(SESSIONS) * SESSION_MIB;
    fan().through("200 stalled readers", more_mib, |ground| {
        let greeted = |_| {
            let mut peer = Peer::silent(ground.address());
            peer.say(&greeting(0));
            peer.listen(true);
            assert!(peer.keeps_up(SOON), "it is greeted");
            feed(&mut peer, SESSIONS, BATCHES / 2);
            peer
        };
        let mut peers: Vec<_> = (0..CONNECTIONS).map(greeted).collect();
        std::thread::sleep(SOON);
        for peer in &mut peers {
            assert!(peer.keeps_up(SOON), "it is cut off");
            assert_eq!(peer.tally(|tally| tally.ended), 0, "each of them waits for its reader");
        }
        peers
    });
}

/// A peer whose windows of HTTP/2 are wide open and whose socket is never read. The daemon gives it up
/// when its writes make no way. Seen to fail without the bound on writes, with keepalive alone.
#[test]
fn sessions_on_a_socket_that_nobody_reads() {
    const SESSIONS: u32 = 8;
    fan().through("an unread socket", u64::from(SESSIONS) * SESSION_MIB, |ground| {
        let mut peer = Peer::deaf(ground.address());
        feed(&mut peer, SESSIONS, BATCHES);
        ground.assert_alone_within(KEEPALIVE + SOON);
        peer
    });
}

/// Calls whose answers nobody reads.
#[test]
fn answers_on_a_socket_that_nobody_reads() {
    const CALLS: u32 = 200_000;
    Ground::new().through("unread answers", 16, |ground| {
        let mut peer = Peer::deaf(ground.address());
        peer.repeat(CALLS, |place| {
            let stream = 2 * place + 1;
            let nothing = frame(DATA, END_STREAM, stream, &wrapped_as(0, &[]));
            [request(stream, LIST), nothing].concat()
        });
        ground.assert_alone_within(KEEPALIVE + SOON);
        peer
    });
}
