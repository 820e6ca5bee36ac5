//! Uploaded arrays, kept in memory by the SHA-256 of their bytes until a network uses them.
//!
//! Bounded: an array, all arrays together, and the uploads that are open at once. A finished array
//! that nobody has asked for longest makes room for the next: a network that is loaded has its own
//! copy, and whoever finds an array gone uploads it again.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use sha2::{Digest as _, Sha256};
use spiked_proto::hex;

use super::Error;
use super::limits::{BLOB_BYTES_MAX, BLOBS_BYTES_MAX, UPLOADS_OPEN_MAX};

const UPLOADS_OPEN: &str = "blob uploads at once";
const UPLOADS_BYTES: &str = "all blobs together [bytes]";

/// Whether a bound of this name is one that uploads under way reach: it has room once they end.
pub(crate) fn is_of_uploads(what: &str) -> bool {
    [UPLOADS_OPEN, UPLOADS_BYTES].contains(&what)
}

/// The store; clones share it.
#[derive(Clone, Debug, Default)]
pub struct Blobs(Arc<Mutex<Store>>);

#[derive(Debug, Default)]
struct Store {
    stored: BTreeMap<[u8; 32], Stored>,
    /// Of all in `stored` \[bytes\].
    stored_bytes: u64,
    uploads_open: usize,
    /// Of open uploads, at the length that they declared \[bytes\].
    uploads_bytes: u64,
    /// Rises with every use; the smallest is what nobody has asked for longest.
    uses: u64,
}

#[derive(Debug)]
struct Stored {
    bytes: Bytes,
    last_use: u64,
}

impl Blobs {
    /// Begins an upload of `size_bytes` bytes whose hash will be `sha256`.
    ///
    /// # Errors
    ///
    /// [`Error::Blob`] for what is no hash, [`Error::Limit`] where it would be too much.
    pub fn begin(&self, sha256: &[u8], size_bytes: u64) -> Result<Upload, Error> {
        let sha256 = hash_of(sha256)?;
        if size_bytes > BLOB_BYTES_MAX {
            let what = "the length of a blob [bytes]";
            return Err(Error::Limit { what, given: size_bytes, limit: BLOB_BYTES_MAX });
        }
        self.store().admit(size_bytes)?;
        let received = Vec::new();
        Ok(Upload { store: self.clone(), sha256, size_bytes, received, hasher: Sha256::new() })
    }

    /// Stores an array that is at hand in one piece; returns its hash.
    ///
    /// # Errors
    ///
    /// [`Error::Limit`] where it would be too much.
    pub fn insert(&self, bytes: &[u8]) -> Result<[u8; 32], Error> {
        let sha256: [u8; 32] = Sha256::digest(bytes).into();
        let mut upload = self.begin(&sha256, bytes.len() as u64)?;
        upload.push(bytes)?;
        upload.finish()?;
        Ok(sha256)
    }

    /// The array of that hash.
    #[must_use]
    pub fn get(&self, sha256: &[u8; 32]) -> Option<Bytes> {
        let mut store = self.store();
        store.uses += 1;
        let now = store.uses;
        let stored = store.stored.get_mut(sha256)?;
        stored.last_use = now;
        Some(stored.bytes.clone())
    }

    fn store(&self) -> MutexGuard<'_, Store> {
        // Nothing under this lock panics half-way through a change.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store {
    /// Makes room for an upload and counts it.
    fn admit(&mut self, size_bytes: u64) -> Result<(), Error> {
        if self.uploads_open >= UPLOADS_OPEN_MAX {
            return Err(Error::Limit {
                what: UPLOADS_OPEN,
                given: self.uploads_open as u64 + 1,
                limit: UPLOADS_OPEN_MAX as u64,
            });
        }
        let given = self.uploads_bytes + size_bytes;
        if given > BLOBS_BYTES_MAX {
            return Err(Error::Limit { what: UPLOADS_BYTES, given, limit: BLOBS_BYTES_MAX });
        }
        while self.stored_bytes + given > BLOBS_BYTES_MAX {
            self.forget_one();
        }
        self.uploads_open += 1;
        self.uploads_bytes = given;
        Ok(())
    }

    fn forget_one(&mut self) {
        let oldest = self.stored.iter().min_by_key(|(_, stored)| stored.last_use);
        let Some(sha256) = oldest.map(|(sha256, _)| *sha256) else {
            return;
        };
        if let Some(forgotten) = self.stored.remove(&sha256) {
            self.stored_bytes -= forgotten.bytes.len() as u64;
        }
    }

    fn keep(&mut self, sha256: [u8; 32], bytes: Bytes) {
        self.uses += 1;
        let length = bytes.len() as u64;
        let stored = Stored { bytes, last_use: self.uses };
        if self.stored.insert(sha256, stored).is_none() {
            self.stored_bytes += length;
        }
    }
}

/// An array on its way in. Dropping it unfinished gives its place back.
#[derive(Debug)]
pub struct Upload {
    store: Blobs,
    sha256: [u8; 32],
    size_bytes: u64,
    /// Grows with what really came, not with what was declared.
    received: Vec<u8>,
    hasher: Sha256,
}

impl Upload {
    /// Takes the next bytes.
    ///
    /// # Errors
    ///
    /// [`Error::Blob`] when there are more than declared.
    pub fn push(&mut self, chunk: &[u8]) -> Result<(), Error> {
        let received = self.received.len() as u64 + chunk.len() as u64;
        if received > self.size_bytes {
            return Err(self.refused(format!(
                "is longer than declared: {received} bytes where {} were announced",
                self.size_bytes
            )));
        }
        self.hasher.update(chunk);
        self.received.extend_from_slice(chunk);
        Ok(())
    }

    /// Keeps the array; returns its length \[bytes\].
    ///
    /// # Errors
    ///
    /// [`Error::Blob`] when bytes are missing or the hash is another.
    pub fn finish(mut self) -> Result<u64, Error> {
        let received = self.received.len() as u64;
        if received != self.size_bytes {
            return Err(self
                .refused(format!("is incomplete: {received} of {} bytes came", self.size_bytes)));
        }
        let found: [u8; 32] = std::mem::take(&mut self.hasher).finalize().into();
        if found != self.sha256 {
            return Err(self.refused(format!("has other bytes: their hash is {}", hex(&found))));
        }
        let bytes = Bytes::from(std::mem::take(&mut self.received));
        self.store.store().keep(self.sha256, bytes);
        Ok(received)
    }

    fn refused(&self, problem: String) -> Error {
        Error::Blob { sha256: hex(&self.sha256), problem }
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        let mut store = self.store.store();
        store.uploads_open -= 1;
        store.uploads_bytes -= self.size_bytes;
    }
}

/// The hash that some bytes from a message are.
pub(crate) fn hash_of(bytes: &[u8]) -> Result<[u8; 32], Error> {
    bytes.try_into().map_err(|_| Error::Blob {
        sha256: hex(&bytes[..bytes.len().min(32)]),
        problem: format!("is named by {} bytes, where a SHA-256 has 32", bytes.len()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sha256(bytes: &[u8]) -> [u8; 32] {
        Sha256::digest(bytes).into()
    }

    /// Catches a hash that is not compared, and a length that is not.
    #[test]
    fn keeps_an_array_only_if_its_bytes_are_what_was_announced() {
        let blobs = Blobs::default();
        let hash = sha256(b"abcdef");
        let send = |declared: u64, chunks: &[&[u8]]| {
            let mut upload = blobs.begin(&hash, declared)?;
            chunks.iter().try_for_each(|chunk| upload.push(chunk))?;
            upload.finish()
        };
        for (declared, chunks, expected) in [
            (6, &[b"abc".as_slice(), b"xyz"][..], "has other bytes"),
            (6, &[b"abc"], "3 of 6 bytes came"),
            (6, &[b"abc", b"defg"], "7 bytes where 6 were announced"),
            (7, &[b"abc", b"def"], "6 of 7 bytes came"),
        ] {
            let error = send(declared, chunks).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
            assert_eq!(blobs.get(&hash), None);
        }
        assert_eq!(send(6, &[b"ab", b"", b"cdef"]).unwrap(), 6);
        assert_eq!(blobs.get(&hash).unwrap(), b"abcdef".as_slice());
        assert_eq!(send(6, &[b"abcdef"]).unwrap(), 6, "twice is harmless");
        assert_eq!(blobs.store().stored_bytes, 6);
    }

    #[test]
    fn refuses_what_is_too_large_before_a_byte_of_it_comes() {
        let blobs = Blobs::default();
        let error = blobs.begin(&[0; 32], BLOB_BYTES_MAX + 1).unwrap_err();
        assert!(matches!(error, Error::Limit { given, .. } if given == BLOB_BYTES_MAX + 1));
        assert!(matches!(blobs.begin(b"short", 1), Err(Error::Blob { .. })));
    }

    #[test]
    fn open_uploads_are_bounded_in_number_and_length_and_give_their_place_back() {
        let blobs = Blobs::default();
        let begin = |size| blobs.begin(&[7; 32], size);
        let mut open: Vec<Upload> = (0..UPLOADS_OPEN_MAX).map(|_| begin(1).unwrap()).collect();
        assert!(matches!(begin(1), Err(Error::Limit { .. })));
        open.clear();
        open.extend((0..4).map(|_| begin(BLOB_BYTES_MAX).unwrap()));
        assert!(matches!(begin(1), Err(Error::Limit { .. })));
        open.pop();
        assert!(begin(1).is_ok());
    }

    #[test]
    fn what_nobody_has_asked_for_longest_makes_room() {
        let blobs = Blobs::default();
        let [first, second] = [b"first", b"secon"].map(|bytes| blobs.insert(bytes).unwrap());
        assert!(blobs.get(&first).is_some());
        // Stands for a store that is full but for the two: only five bytes are free.
        let mut open: Vec<Upload> =
            (0..3).map(|_| blobs.begin(&[7; 32], BLOB_BYTES_MAX).unwrap()).collect();
        open.push(blobs.begin(&[7; 32], BLOB_BYTES_MAX - 5).unwrap());
        assert!(blobs.get(&second).is_none());
        assert!(blobs.get(&first).is_some());
    }
}
