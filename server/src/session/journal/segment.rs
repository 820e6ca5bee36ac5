//! One file of records, with a head that says what they are of.

use super::{
    frame::{self, Next},
    volume::Volume,
};
use crate::session::protocol::Record;
use std::path::Path;

const MAGIC: &[u8; 8] = b"spiked-j";
const VERSION: u32 = 1;
/// Magic, version, dynamics version, plan hash, index, CRC-32 of all before.
const HEAD: usize = 8 + 4 + 4 + 32 + 8 + 4;

/// Why a segment cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Broken {
    #[error("{file}: {source}")]
    Io { file: String, source: std::io::Error },
    #[error("{file}: {problem}")]
    Damaged { file: String, problem: String },
}

impl Broken {
    pub(super) fn damaged(path: &Path, problem: impl Into<String>) -> Self {
        Self::Damaged { file: path.display().to_string(), problem: problem.into() }
    }

    pub(super) fn io(path: &Path, source: std::io::Error) -> Self {
        Self::Io { file: path.display().to_string(), source }
    }
}

/// The head of a segment that begins after `index` records.
pub(super) fn head(plan_sha256: &[u8; 32], index: u64) -> Vec<u8> {
    let mut head = Vec::with_capacity(HEAD);
    head.extend_from_slice(MAGIC);
    head.extend_from_slice(&VERSION.to_le_bytes());
    head.extend_from_slice(&sim_core::DYNAMICS_VERSION.to_le_bytes());
    head.extend_from_slice(plan_sha256);
    head.extend_from_slice(&index.to_le_bytes());
    head.extend_from_slice(&crc32fast::hash(&head).to_le_bytes());
    head
}

/// What a segment holds.
pub(super) struct Read {
    /// Its whole records.
    pub(super) records: Vec<Record>,
    /// Bytes of the file.
    pub(super) length: u64,
    /// Bytes up to the last whole record, where something else follows.
    pub(super) torn_at: Option<u64>,
}

/// Reads a segment that must begin after `index` records of this plan. What cannot be read at its end
/// may have been torn off; where it was safe before, the segment is damaged.
pub(super) fn read(
    volume: &dyn Volume,
    path: &Path,
    plan_sha256: &[u8; 32],
    index: u64,
) -> Result<Read, Broken> {
    let bytes = volume.read(path).map_err(|source| Broken::io(path, source))?;
    let Some(found) = bytes.get(..HEAD) else {
        // The head was torn: nothing was ever written behind it.
        return Ok(Read { records: Vec::new(), length: 0, torn_at: Some(0) });
    };
    if found != head(plan_sha256, index) {
        let why = "its head is not that of this session's next segment";
        return Err(Broken::damaged(path, why));
    }
    let length = bytes.len() as u64;
    let (mut at, mut records) = (HEAD, Vec::new());
    loop {
        match frame::next(&bytes[at..]) {
            Next::Record(record, length) => {
                records.push(record);
                at += length;
            }
            Next::Mark(length) => at += length,
            Next::Nothing => return Ok(Read { records, length, torn_at: None }),
            Next::Torn => {
                let (torn_at, safe) = (at as u64, frame::marked_in(&bytes[at..]));
                if safe > torn_at {
                    let why =
                        format!("damaged at byte {torn_at}: it was safe on disk up to byte {safe}");
                    return Err(Broken::damaged(path, why));
                }
                return Ok(Read { records, length, torn_at: Some(torn_at) });
            }
        }
    }
}
