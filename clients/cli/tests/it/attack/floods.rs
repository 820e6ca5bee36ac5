//! Floods of frames that cost their sender nothing.

use super::{
    Ground, SOON, Told,
    frames::{
        CONTINUATION, DATA, HEADERS, LIST, SETTINGS, STREAM, batch, data, frame, greeting, open,
        ping, request, request_with, reset, streams, window,
    },
    peer::Peer,
};

/// More than any budget of frames.
const MANY: u32 = 200_000;

/// A peer that sends the same frame again and again is cut off.
fn cut_off(ground: Ground, name: &str, before: &[u8], bytes: impl Fn(u32) -> Vec<u8>) {
    ground.through(name, 16, |ground| {
        let mut peer = Peer::polite(ground.address());
        peer.say(before);
        let sent = peer.repeat(MANY, bytes);
        assert!(peer.is_closed_within(SOON).is_some(), "{name}: all {sent} were taken");
        peer
    });
}

/// This flood and the next three were seen to fail with the frames not counted.
#[test]
fn pings() {
    pings_on(Ground::new());
}

pub(super) fn pings_on(ground: Ground) {
    cut_off(ground, "pings", &[], |place| ping(u64::from(place)));
}

#[test]
fn settings() {
    settings_on(Ground::new());
}

pub(super) fn settings_on(ground: Ground) {
    cut_off(ground, "settings", &[], |_| frame(SETTINGS, 0, 0, &[]));
}

#[test]
fn window_updates() {
    cut_off(Ground::new(), "window updates", &[], |_| window(0, 1));
}

#[test]
fn frames_of_an_unknown_kind() {
    cut_off(Ground::new(), "unknown frames", &[], |_| frame(0xbe, 0, 0, &[]));
}

/// HTTP/2's library counts these, too.
#[test]
fn empty_data() {
    cut_off(Ground::new(), "empty data", &request(1, STREAM), |_| data(1, &[]));
}

/// A header block that never ends; HTTP/2's library ends it. Seen to fail with a list of headers of any
/// length, where another of its bounds is met.
#[test]
fn continuations() {
    continuations_on(Ground::new());
}

pub(super) fn continuations_on(ground: Ground) {
    ground.through("continuations", 16, |ground| {
        let mut peer = Peer::polite(ground.address());
        // With its head in one piece: an answer to the daemon's settings in between is another offence.
        let block = |place| match place {
            0 => frame(HEADERS, 0, 1, &[]),
            _ => frame(CONTINUATION, 0, 1, &[0, 1, b'a', 1, b'b']),
        };
        let sent = peer.repeat(MANY, block);
        assert!(peer.is_closed_within(SOON).is_some(), "all {sent} were taken");
        let farewell = peer.tally(|tally| tally.farewell.clone());
        assert_eq!(farewell.as_deref(), Some("too_many_continuations"));
        peer
    });
}

/// Whole batches, a byte in each frame: dear, but no offence. All of them are taken. Seen to fail without
/// a bound on the frames of one turn, and, with all cores busy, one time in twenty when the session waits
/// for its turn behind the connection.
#[test]
fn batches_in_frames_of_a_byte() {
    frames_of_a_byte_on(Ground::new());
}

pub(super) fn frames_of_a_byte_on(ground: Ground) {
    const BATCHES: u32 = 3_000;
    ground.through("frames of a byte", 16, |ground| {
        let mut peer = Peer::polite(ground.address());
        assert!(peer.say(&open(1)));
        // As clients do, who have no credit before: while a session is opened nobody takes its events.
        assert!(peer.hears(SOON, |tally| tally.of(DATA) > 0), "it is opened");
        let bytes: Vec<u8> = (0..BATCHES).flat_map(|place| batch(place, 1)).collect();
        let sent = peer.send(1, bytes.chunks(1), SOON);
        assert_eq!(u32::try_from(bytes.len()), Ok(sent), "it is cut off: {}", peer.told());
        assert!(peer.keeps_up(SOON), "it is cut off after all");
        peer
    });
}

/// Pings whose answers nobody reads. Seen to fail with the frames not counted.
#[test]
fn pings_of_a_peer_that_reads_nothing() {
    Ground::new().through("deaf pings", 16, |ground| {
        let mut peer = Peer::silent(ground.address());
        peer.say(&greeting(0));
        peer.repeat(MANY, |place| ping(u64::from(place)));
        ground.assert_alone_within(SOON);
        peer
    });
}

/// Rapid reset: streams that are opened and given up in one breath. Seen to fail without a bound on
/// resets before the stream is accepted.
#[test]
fn resets_before_the_stream_is_looked_at() {
    rapid_reset_on(Ground::new());
}

pub(super) fn rapid_reset_on(ground: Ground) {
    ground.through("rapid reset", 16, |ground| {
        let mut peer = Peer::polite(ground.address());
        peer.repeat(MANY, |place| {
            let stream = 2 * place + 1;
            [request(stream, LIST), reset(stream)].concat()
        });
        assert!(peer.is_closed_within(SOON).is_some());
        let farewell = peer.tally(|tally| tally.farewell.clone());
        assert_eq!(farewell.as_deref(), Some("too_many_resets"));
        peer
    });
}

/// Slower, so that each call is begun before it is given up. Seen to fail with resets not counted.
#[test]
fn resets_of_streams_that_are_under_way() {
    const PACED: u32 = 20_000;
    Ground::new().through("paced reset", 16, |ground| {
        let mut peer = Peer::polite(ground.address());
        for stream in streams(PACED) {
            // It keeps up with the request, so that it was looked at.
            if !peer.say(&request(stream, STREAM))
                || !peer.keeps_up(SOON)
                || !peer.say(&reset(stream))
            {
                break;
            }
        }
        assert!(peer.is_closed_within(SOON).is_some(), "all {PACED} were taken");
        peer
    });
}

/// Requests that are wrong, so that the daemon resets them. Seen to fail without a bound on such
/// resets.
#[test]
fn resets_that_the_daemon_is_provoked_to() {
    Ground::new().through("provoked reset", 16, |ground| {
        let mut peer = Peer::polite(ground.address());
        let sent = peer.repeat(MANY, |place| {
            // What HTTP/2 has no use for makes a request malformed, for its stream alone.
            request_with(2 * place + 1, LIST, &[("connection", "close")])
        });
        assert!(peer.is_closed_within(SOON).is_some(), "all {sent} were taken");
        let farewell = peer.tally(|tally| tally.farewell.clone());
        assert_eq!(farewell.as_deref(), Some("too_many_internal_resets"));
        peer
    });
}
