//! How much of a gRPC message that isn't whole yet has come.
//!
//! | compressed, 1 | length, 4 | message, length bytes |
//!
//! Bodies may be cut anywhere.

const PREFIX_BYTES: usize = 5;

/// Where in its messages a body is.
#[derive(Debug, Default)]
pub(super) struct Message {
    prefix: [u8; PREFIX_BYTES],
    prefix_has: usize,
    left: usize,
    came: u64,
}

impl Message {
    /// The next bytes of the body; what then has come of the message under way \[bytes\].
    pub(super) fn take(&mut self, mut bytes: &[u8]) -> u64 {
        while !bytes.is_empty() {
            let wanted = if self.left > 0 { self.left } else { PREFIX_BYTES - self.prefix_has };
            let (taken, rest) = bytes.split_at(wanted.min(bytes.len()));
            bytes = rest;
            self.came += taken.len() as u64;
            if self.left > 0 {
                self.left -= taken.len();
            } else {
                self.prefix[self.prefix_has..][..taken.len()].copy_from_slice(taken);
                self.prefix_has += taken.len();
                if self.prefix_has < PREFIX_BYTES {
                    break;
                }
                self.prefix_has = 0;
                let [_, length @ ..] = self.prefix;
                self.left = u32::from_be_bytes(length) as usize;
            }
            if self.left == 0 {
                self.came = 0;
            }
        }
        self.came
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_under_way_is_the_same_wherever_the_bytes_are_cut() {
        // A message of three bytes, an empty one, and two of the nine bytes of a third.
        let bytes = [0, 0, 0, 0, 3, 7, 7, 7, 1, 0, 0, 0, 0, 0, 0, 0, 0, 9, 7, 7];
        for cut in 0..=bytes.len() {
            let mut message = Message::default();
            message.take(&bytes[..cut]);
            assert_eq!(message.take(&bytes[cut..]), 7, "cut at byte {cut}");
        }
        let mut message = Message::default();
        let came: Vec<u64> = bytes.iter().map(|byte| message.take(&[*byte])).collect();
        assert_eq!(came, [1, 2, 3, 4, 5, 6, 7, 0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 5, 6, 7]);
    }
}
