//! Peers that say nothing, or stop saying anything.

use std::{
    thread,
    time::{Duration, Instant},
};

use super::{
    Ground, SOON,
    frames::{PREFACE, open, streams},
    peer::Peer,
};

/// How long a connection may take for HTTP/2's preface.
const PREFACE_DEADLINE: Duration = Duration::from_secs(5);
/// A ping after 20 s, and 10 s for its answer.
pub(super) const KEEPALIVE: Duration = Duration::from_secs(30);
/// Connections that one address may have.
const CONNECTIONS_EACH: usize = 256;

/// Connections that say nothing, or a part of the preface, are closed by the daemon. Seen to
/// fail without the deadline.
#[test]
fn before_the_preface() {
    before_the_preface_on(Ground::new());
}

pub(super) fn before_the_preface_on(ground: Ground) {
    let way = ground.way.clone();
    held_until_closed("silent connections", ground, |place| {
        let mut peer = Peer::silent(&way);
        peer.say(&PREFACE[..place % PREFACE.len()]);
        peer
    });
}

pub(super) fn held_until_closed(name: &str, ground: Ground, peer: impl Fn(usize) -> Peer) {
    ground.through(name, 16, |ground| {
        let peers: Vec<_> = (0..200).map(peer).collect();
        ground.assert_alone_within(PREFACE_DEADLINE + SOON);
        peers
    });
}

/// More connections than an address may have: the others are closed at once. Seen to fail
/// without the bound on connections of an address.
#[test]
fn of_too_many() {
    const MANY: usize = 1_000;
    Ground::new().through("1 000 connections", 32, |ground| {
        let mut peers: Vec<_> = (0..MANY).map(|_| Peer::polite(ground.address())).collect();
        // Among those that stay is the session that goes on.
        let refused = MANY + 1 - CONNECTIONS_EACH;
        let closed =
            |peers: &[Peer]| peers.iter().filter(|peer| peer.tally(|tally| tally.closed)).count();
        let soon = Instant::now() + SOON;
        while closed(&peers) < refused && Instant::now() < soon {
            thread::sleep(Duration::from_millis(20));
        }
        // The place of the session before them may not have been free yet.
        let closed = closed(&peers);
        assert!((refused..=refused + 1).contains(&closed), "{closed}, {refused} expected");
        assert!(ground.daemon.sockets() <= ground.sockets + CONNECTIONS_EACH);
        peers.retain(|peer| peer.tally(|tally| !tally.closed));
        peers
    });
}

/// Half-open peers: they opened sessions and are gone without a word. Seen to fail without
/// keepalive.
#[test]
fn of_a_peer_that_is_gone() {
    Ground::new().through("half-open peers", 16, |ground| {
        let peers: Vec<_> = (0..8)
            .map(|_| {
                let mut peer = Peer::absent(ground.address());
                assert!(peer.say(&streams(8).flat_map(open).collect::<Vec<u8>>()));
                peer
            })
            .collect();
        for peer in &peers {
            assert!(peer.is_closed_within(KEEPALIVE + SOON).is_some(), "still open");
        }
        peers
    });
}
