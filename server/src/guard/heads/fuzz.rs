//! Hostile bytes on a connection, before anything else reads them: see `spiked-fuzz`.

use spiked_fuzz::Target;
use tokio::time::Instant;

use super::*;
use crate::guard::flood::Flood;

/// Frames are the same wherever the bytes are cut, and however many there are, few that carry
/// nothing pass.
#[test]
fn connection_frames() {
    let ping = [0, 0, 8, 6, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8];
    let reset = [0, 0, 4, RST_STREAM, 0, 0, 0, 0, 3, 0, 0, 0, 8];
    let headers = [0, 0, 2, HEADERS, 5, 0x80, 0, 0, 3, 1, 2];
    let data = [0, 0, 0, DATA, 1, 0, 0, 0, 1];
    let examples =
        vec![[&[3], &ping[..], &reset, &headers, &data].concat(), [&[1], &data[..]].concat()];
    Target::new("connection_frames", examples).bytes_max(2_048).run(|input| {
        let Some((&portion, bytes)) = input.split_first() else { return false };
        let now = Instant::now();
        let (mut whole, mut flood, mut rest) = (Heads::default(), Flood::default(), bytes);
        let (mut expected, mut taken) = (Vec::new(), 0_usize);
        while let Some(head) = whole.next(&mut rest) {
            taken += usize::from(flood.received(head, now).is_ok());
            let _ = flood.sent(head, now);
            expected.push(head);
        }
        assert!(expected.len() <= bytes.len() / HEAD_BYTES && taken <= expected.len());
        let (mut parts, mut found) = (Heads::default(), Vec::new());
        for mut portion in bytes.chunks(usize::from(portion % 32) + 1) {
            found.extend(std::iter::from_fn(|| parts.next(&mut portion)));
        }
        assert_eq!(found, expected);
        !expected.is_empty()
    });
}
