//! Peers that never read what they are sent, up to a shut window of TCP.

use std::{
    thread,
    time::{Duration, Instant},
};

use super::{
    Ground, SOON,
    frames::{
        DATA, END_STREAM, NETWORKS, batch, data, frame, greeting, open_of, request, streams,
        wrapped_as,
    },
    honest::run,
    peer::Peer,
    silence::KEEPALIVE,
    wire::Way,
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
/// Spikes of 8 bytes that take up what may wait for a reader: 4 MiB.
const FILLED: u64 = 512 << 10;
/// A session that makes nothing for so long has come to its bound.
const STILL: Duration = Duration::from_millis(500);
const PATIENCE: Duration = Duration::from_secs(60);

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

/// Waits until each session has made what fills its way to a reader, and none makes any more.
fn held_up(way: &Way, sessions: usize) {
    run(async {
        let client = way.client().await.expect("the daemon listens");
        let (since, mut before) = (Instant::now(), Vec::new());
        loop {
            let listed = client.list_sessions().await.expect("it answers");
            let fans = listed.iter().filter(|info| info.network == "fan");
            let made: Vec<u64> = fans.map(|info| info.output_position).collect();
            let are_full = made.len() == sessions && made.iter().all(|&made| made >= FILLED);
            if are_full && made == before {
                return;
            }
            assert!(since.elapsed() < PATIENCE, "{made:?} after {before:?}");
            before = made;
            tokio::time::sleep(STILL).await;
        }
    });
}

/// Sessions on four connections that read, but have given their streams no window. Seen to fail with
/// 20 MiB of output that may wait for a reader.
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
        held_up(ground.address(), SESSIONS as usize * peers.len());
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

/// So many calls more, all of which have the same answer.
fn call(peer: &mut Peer, before: u32, count: u32) {
    let nothing = wrapped_as(0, &[]);
    let calls = (before..before + count).flat_map(|place| {
        let stream = 2 * place + 1;
        [request(stream, NETWORKS), frame(DATA, END_STREAM, stream, &nothing)].concat()
    });
    assert!(peer.say(&calls.collect::<Vec<u8>>()));
}

/// Waits until so many bytes are unread, or until no more come; whether they came.
fn comes_to(peer: &Peer, bytes: u64) -> bool {
    let (mut unread, mut since) = (peer.unread(), Instant::now());
    while unread < bytes && since.elapsed() < STILL {
        thread::sleep(Duration::from_millis(1));
        let now = peer.unread();
        if now > unread {
            (unread, since) = (now, Instant::now());
        }
    }
    unread >= bytes
}

/// Calls whose answers nobody reads, never more at once than a connection may have, until the daemon's
/// writes make no way. It gives the peer up. Seen to fail without the bound on writes.
#[test]
fn answers_on_a_socket_that_nobody_reads() {
    const ONE_BY_ONE: u32 = 4;
    const AT_ONCE: u32 = 16;
    Ground::new().through("unread answers", 16, |ground| {
        let mut peer = Peer::deaf(ground.address());
        let mut ends = Vec::new();
        for place in 0..ONE_BY_ONE {
            call(&mut peer, place, 1);
            assert!(!comes_to(&peer, u64::MAX), "an answer has an end");
            ends.push(peer.unread());
        }
        // The first is longer, and so is one that tells a later second than the one before.
        let answer = ends.windows(2).map(|pair| pair[1] - pair[0]).min().expect("some");
        let (mut calls, begun) = (ONE_BY_ONE, ends[ends.len() - 1]);
        while comes_to(&peer, begun + u64::from(calls - ONE_BY_ONE) * answer) {
            call(&mut peer, calls, AT_ONCE);
            calls += AT_ONCE;
        }
        assert_eq!(ground.daemon.sockets(), ground.sockets + 2, "it is there, and waits");
        ground.assert_alone_within(KEEPALIVE + SOON);
        peer
    });
}
