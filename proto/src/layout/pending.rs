//! The bytes of a word whose end has not arrived.
//!
//! Invariant: fewer than `N` bytes wait, and the places behind them are zero, so that equal
//! states have equal bytes in a snapshot.

use super::state::{Reader, StateError, Writer};

/// The start of an `N`-byte word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pending<const N: usize> {
    bytes: [u8; N],
    length: usize,
}

impl<const N: usize> Pending<N> {
    /// Size in a snapshot, in bytes.
    pub(super) const STATE_BYTES: usize = N + 1;

    pub(super) const fn new() -> Self {
        Self { bytes: [0; N], length: 0 }
    }

    pub(super) const fn length(&self) -> usize {
        self.length
    }

    /// Completes the waiting word from the front of `bytes`, if one waits and they suffice; gives
    /// it and the bytes behind it. Without a waiting word all bytes are still to be read.
    pub(super) fn complete<'a>(&mut self, bytes: &'a [u8]) -> (Option<[u8; N]>, &'a [u8]) {
        if self.length == 0 {
            return (None, bytes);
        }
        let (front, behind) = bytes.split_at(bytes.len().min(N - self.length));
        self.append(front);
        if self.length < N {
            return (None, behind);
        }
        let word = self.bytes;
        *self = Self::new();
        (Some(word), behind)
    }

    /// Appends bytes that still leave the word incomplete, or just complete it.
    pub(super) fn append(&mut self, bytes: &[u8]) {
        let end = self.length + bytes.len();
        self.bytes[self.length..end].copy_from_slice(bytes);
        self.length = end;
    }

    #[expect(clippy::cast_possible_truncation, reason = "the length is below a word's few bytes")]
    pub(super) fn save(&self, writer: &mut Writer<'_>) {
        writer.put(&[self.length as u8]);
        writer.put(&self.bytes);
    }

    pub(super) fn load(reader: &mut Reader<'_>) -> Result<Self, StateError> {
        let [length] = reader.take();
        let bytes: [u8; N] = reader.take();
        let length = usize::from(length);
        if length >= N || bytes[length..].iter().any(|&byte| byte != 0) {
            return Err(StateError::Field { field: "pending bytes", value: length as u64 });
        }
        Ok(Self { bytes, length })
    }
}
