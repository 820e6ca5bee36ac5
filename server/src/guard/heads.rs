//! The heads of HTTP/2 frames, read as the bytes go by.
//!
//! | length, 3 | kind, 1 | flags, 1 | stream, 4 | payload, length bytes |
//!
//! Reads may be cut anywhere; payloads are skipped, not looked at.

pub(super) const DATA: u8 = 0;
pub(super) const HEADERS: u8 = 1;
pub(super) const RST_STREAM: u8 = 3;

const HEAD_BYTES: usize = 9;
const END_STREAM: u8 = 1;
/// The highest bit of a stream's number is reserved.
const STREAM_BITS: u32 = 0x7fff_ffff;

/// What a frame says before its payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) length: u32,
    pub(super) kind: u8,
    pub(super) flags: u8,
    pub(super) stream: u32,
}

impl Head {
    fn of(bytes: [u8; HEAD_BYTES]) -> Self {
        let [high, middle, low, kind, flags, a, b, c, d] = bytes;
        Self {
            length: u32::from_be_bytes([0, high, middle, low]),
            kind,
            flags,
            stream: u32::from_be_bytes([a, b, c, d]) & STREAM_BITS,
        }
    }

    /// Whether its sender says no more on this stream.
    pub(super) fn ends_stream(self) -> bool {
        matches!(self.kind, DATA | HEADERS) && self.flags & END_STREAM != 0
            || self.kind == RST_STREAM
    }
}

/// Where in a frame one direction of a connection is.
#[derive(Debug, Default)]
pub(super) struct Heads {
    head: [u8; HEAD_BYTES],
    head_has: usize,
    payload_left: usize,
}

impl Heads {
    /// Skips the payload that is under way and takes the next head; `None` when the bytes are used
    /// up. What is left of the bytes is kept in them.
    pub(super) fn next(&mut self, bytes: &mut &[u8]) -> Option<Head> {
        let skipped = self.payload_left.min(bytes.len());
        *bytes = &bytes[skipped..];
        self.payload_left -= skipped;
        if self.payload_left > 0 {
            return None;
        }
        let taken = (HEAD_BYTES - self.head_has).min(bytes.len());
        let (of_head, rest) = bytes.split_at(taken);
        self.head[self.head_has..self.head_has + taken].copy_from_slice(of_head);
        *bytes = rest;
        self.head_has += taken;
        if self.head_has < HEAD_BYTES {
            return None;
        }
        let head = Head::of(self.head);
        self.head_has = 0;
        self.payload_left = head.length as usize;
        Some(head)
    }
}

#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod tests {
    use super::*;

    fn all(heads: &mut Heads, mut bytes: &[u8]) -> Vec<Head> {
        std::iter::from_fn(|| heads.next(&mut bytes)).collect()
    }

    #[test]
    fn heads_are_the_same_wherever_the_bytes_are_cut() {
        let frames = [
            &[0, 0, 3, DATA, 0, 0, 0, 0, 1, 7, 7, 7][..],
            &[0, 0, 0, 4, 1, 0, 0, 0, 0],
            &[0, 1, 0, HEADERS, 5, 0x80, 0, 0, 3],
            &[0; 256],
            &[0, 0, 4, RST_STREAM, 0, 0, 0, 0, 3, 0, 0, 0, 8],
        ];
        let bytes = frames.concat();
        let expected = [(3, DATA, 0, 1), (0, 4, 1, 0), (256, HEADERS, 5, 3), (4, RST_STREAM, 0, 3)]
            .map(|(length, kind, flags, stream)| Head { length, kind, flags, stream });
        for cut in 0..=bytes.len() {
            let mut heads = Heads::default();
            let mut came = all(&mut heads, &bytes[..cut]);
            came.extend(all(&mut heads, &bytes[cut..]));
            assert_eq!(came, expected, "cut at byte {cut}");
        }
        assert_eq!(expected.map(Head::ends_stream), [false, false, true, true]);
    }
}
