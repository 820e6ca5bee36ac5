//! Messages that are too long, or no messages.

use super::{
    Ground, SOON,
    frames::{LIST, STREAM, data, open, request, streams, wrapped_as},
    peer::Peer,
};

const MEBIBYTE: usize = 1 << 20;

/// Says each of these in place of a stream's first message and in a session that is open; every one
/// of the streams is ended. A session whose stream broke waits to be resumed; it takes some 55 KiB.
fn refused(name: &str, said: &[Vec<u8>]) {
    Ground::new().through(name, 16 + said.len() as u64 / 8, |ground| {
        let mut peer = Peer::polite(ground.address());
        let mut ends = 0;
        // Some at a time: a connection has a bound on streams, too.
        let mut fresh = streams(u32::MAX / 2);
        for some in said.chunks(16) {
            for (message, opens) in
                some.iter().flat_map(|message| [(message, false), (message, true)])
            {
                let stream = fresh.next().expect("many");
                let way = if opens { open(stream) } else { request(stream, STREAM) };
                peer.say(&[way, data(stream, message)].concat());
            }
            ends += 2 * some.len();
            let heard = peer.hears(SOON, |tally| tally.ended >= ends || tally.closed);
            let (ended, farewell) = peer.tally(|tally| (tally.ended, tally.farewell.clone()));
            assert!(heard && ended == ends, "{name}: {ended} of {ends} ended, {farewell:?}");
        }
        peer
    });
}

/// Refused for the length alone, before the rest of them came. Seen to fail without the bound.
#[test]
fn beyond_the_bound() {
    let claims = [MEBIBYTE + 1, 1 << 30, u32::MAX as usize];
    refused("long messages", &claims.map(|claimed| wrapped_as(claimed, &[0; 64])));
}

#[test]
fn that_are_none() {
    let mut said = vec![
        // A field that runs past the end, a wire type that there is none of, a varint without end.
        wrapped_as(3, &[0x0a, 0x7f, 0]),
        wrapped_as(2, &[0x0f, 0]),
        wrapped_as(12, &[0xff; 12]),
        // Compressed, where nothing was agreed on; a flag that there is none of.
        vec![1, 0, 0, 0, 0],
        vec![7, 0, 0, 0, 0],
        // Nothing said, and a text that isn't UTF-8.
        wrapped_as(0, &[]),
        wrapped_as(5, &[0x0a, 0x03, 0x1a, 0x01, 0xff]),
    ];
    let mut random = 1_u32;
    said.extend((0..500).map(|length| {
        let bytes: Vec<u8> = (0..length % 200)
            .map(|_| {
                random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                random.to_be_bytes()[0]
            })
            .collect();
        wrapped_as(bytes.len(), &bytes)
    }));
    refused("malformed messages", &said);
}

/// Messages that are never finished: what came of them is held, up to a message for each stream.
#[test]
fn that_never_end() {
    const STREAMS: u32 = 64;
    Ground::new().through("unfinished messages", 64 + 16, |ground| {
        let mut peer = Peer::polite(ground.address());
        streams(STREAMS).for_each(|stream| assert!(peer.say(&request(stream, LIST))));
        let message = wrapped_as(MEBIBYTE, &vec![0; MEBIBYTE - 1]);
        for piece in message.chunks(16 << 10) {
            streams(STREAMS).for_each(|stream| assert_eq!(peer.send(stream, [piece], SOON), 1));
        }
        assert_eq!(
            peer.tally(|tally| tally.ended + tally.resets.len()),
            0,
            "all wait for the rest"
        );
        peer
    });
}
