//! Peers that open sessions and don't read.

use super::{
    Ground,
    frames::{batch, data, greeting, open, streams},
    peer::Peer,
};

const SESSIONS: u32 = 16;
/// In batches of 8 KiB \[batches a session\].
const BATCHES: u32 = 400;

/// As much as the connection's window takes, into sessions whose output nobody takes.
fn feed(peer: &mut Peer) {
    for stream in streams(SESSIONS) {
        peer.say(&open(stream));
    }
    for place in 0..BATCHES {
        let batch = batch(place, 1_024);
        for stream in streams(SESSIONS) {
            if !peer.say(&data(stream, &batch)) {
                return;
            }
        }
    }
}

/// Readers that answer and read but give their streams no window.
#[test]
fn without_a_window() {
    Ground::new().through("no window", 200, |ground| {
        let mut peer = Peer::silent(ground.address());
        peer.listen(true);
        peer.say(&greeting(0));
        feed(&mut peer);
        peer
    });
}

/// Readers that leave everything in their socket.
#[test]
fn that_take_nothing_from_their_socket() {
    Ground::new().through("deaf readers", 200, |ground| {
        let mut peer = Peer::silent(ground.address());
        peer.say(&greeting(1 << 20));
        feed(&mut peer);
        peer
    });
}
