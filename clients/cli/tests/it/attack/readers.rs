//! Peers that open sessions and don't read.

use std::time::Duration;

use super::{
    Ground,
    frames::{batch, greeting, open, streams},
    peer::Peer,
};

const SESSIONS: u32 = 4;
/// Of 8 KiB each, and as much comes out \[batches a session\].
const BATCHES: u32 = 12_288;
/// What a session may hold: 1 048 576 events of 16 bytes, in a vector that doubles and is copied, so
/// 48 MiB; 4 MiB of output, and what is on the way. 27 to 61 MiB were seen. Each is sent twelve times
/// as many events.
const SESSION_MIB: u64 = 80;

/// Longer than the daemon takes to widen a window that it will widen.
const STALLED: Duration = Duration::from_millis(500);

/// Into sessions whose output nobody takes, without regard for their credit.
fn feed(peer: &mut Peer) {
    assert!(peer.say(&streams(SESSIONS).flat_map(open).collect::<Vec<u8>>()));
    for stream in streams(SESSIONS) {
        peer.send(stream, (0..BATCHES).map(|place| batch(place, 1_024)), STALLED);
    }
}

/// Readers that answer and read but give their streams no window. Seen to fail without the bounds
/// on a producer's queue, with 1 043 MiB more.
#[test]
fn without_a_window() {
    Ground::new().through("no window", u64::from(SESSIONS) * SESSION_MIB, |ground| {
        let mut peer = Peer::silent(ground.address());
        peer.say(&greeting(0));
        peer.listen(true);
        feed(&mut peer);
        peer
    });
}
