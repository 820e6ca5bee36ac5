//! A chunk of an MCAP file: records one behind the other, packed together.

use std::io::Read;

use super::{
    RECORD_BYTES_MAX,
    records::{HEAD_BYTES, Packed, head},
    unreadable,
};
use crate::Fault;

/// A chunk's records, unpacked.
#[derive(Default)]
pub(super) struct Chunk {
    /// Where the chunk begins in the file.
    pub(super) offset: u64,
    records: Vec<u8>,
    /// Bytes that have been read.
    taken: usize,
}

impl Chunk {
    /// Unpacks the chunk that begins at an offset, in the place of the one before it.
    pub(super) fn unpack(&mut self, chunk: &Packed<'_>, offset: u64) -> Result<(), Fault> {
        let Packed { size, checksum, compression, records: packed } = *chunk;
        self.offset = offset;
        self.taken = 0;
        self.records.clear();
        let too_large = || format!("it claims {size} bytes, expected 268435456 at most");
        let fault = |problem: String| Fault::Compressed { offset, problem };
        if size > RECORD_BYTES_MAX {
            return Err(fault(too_large()));
        }
        // One byte more than it claims tells that there are more.
        let into = &mut self.records;
        let unpacked = match compression {
            "" => packed.take(size + 1).read_to_end(into),
            "lz4" => lz4_flex::frame::FrameDecoder::new(packed).take(size + 1).read_to_end(into),
            "zstd" => zstd::stream::read::Decoder::with_buffer(packed)
                .and_then(|decoder| decoder.take(size + 1).read_to_end(into)),
            other => return Err(fault(format!("{other:?} is neither lz4 nor zstd"))),
        };
        unpacked.map_err(|error| fault(error.to_string()))?;
        let there = self.records.len() as u64;
        if there != size {
            let more = if there > size { "more than that" } else { "fewer" };
            return Err(fault(format!("it claims {size} bytes and holds {more}")));
        }
        if checksum != 0 && checksum != crc32fast::hash(&self.records) {
            return Err(fault("its checksum differs".into()));
        }
        Ok(())
    }

    /// The next record: its opcode and what it holds.
    pub(super) fn next_record(&mut self) -> Result<Option<(u8, &[u8])>, Fault> {
        let rest = &self.records[self.taken..];
        if rest.is_empty() {
            return Ok(None);
        }
        let whole = head(rest).and_then(|(opcode, length)| {
            let end = HEAD_BYTES.checked_add(usize::try_from(length).ok()?)?;
            Some((opcode, rest.get(HEAD_BYTES..end)?, end))
        });
        let Some((opcode, content, end)) = whole else {
            let problem = format!("a chunk whose record at byte {} has no end in it", self.taken);
            return Err(unreadable(self.offset, problem));
        };
        self.taken += end;
        Ok(Some((opcode, content)))
    }
}
