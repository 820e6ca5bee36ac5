//! More streams and headers than anybody needs.

use super::{
    Ground, SOON,
    frames::{DATA, END_STREAM, LIST, STREAM, frame, request, request_with, wrapped_as},
    peer::Peer,
};

const STREAMS: u32 = 20_000;
/// What a connection may have open at once.
const STREAMS_MAX: usize = 64;
const REFUSED_STREAM: u32 = 7;

/// Streams that are opened and left. Seen to fail without a bound on streams.
#[test]
fn twenty_thousand_streams() {
    Ground::new().through("20 000 streams", 16, |ground| {
        let mut peer = Peer::polite(ground.address());
        peer.repeat(STREAMS, |place| request(2 * place + 1, STREAM));
        assert!(peer.is_closed_within(SOON).is_some(), "it goes on");
        // Beyond the bound each is refused, and so many refusals end the connection.
        let refused = peer.tally(|tally| tally.resets.get(&REFUSED_STREAM).copied());
        assert!(refused.is_some_and(|refused| refused <= STREAMS_MAX), "{refused:?} were refused");
        peer
    });
}

/// A list of headers above 8 KiB is refused; one below it is not. Seen to fail with the
/// 16 KiB of the HTTP library.
#[test]
fn headers_beyond_the_bound() {
    Ground::new().through("large headers", 16, |ground| {
        let mut peer = Peer::polite(ground.address());
        for (stream, bytes) in [(1, 4 << 10), (3, 12 << 10)] {
            let long = "x".repeat(bytes);
            peer.say(&request_with(stream, LIST, &[("x-long", &long)]));
            peer.say(&frame(DATA, END_STREAM, stream, &wrapped_as(0, &[])));
        }
        assert!(peer.hears(SOON, |tally| tally.answers.len() == 2));
        let answers = peer.tally(|tally| tally.answers.clone());
        assert_eq!(answers, [(1, true), (3, false)].into());
        peer
    });
}
