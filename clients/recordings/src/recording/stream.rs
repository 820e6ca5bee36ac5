//! Bytes in their order, chunk by chunk, and the decoder that they go through.

use std::{io::Read, ops::Range};

use crate::{CameraEvent, Fault, formats::Decode};

/// Bytes as they come, and their decoder.
pub(super) struct Stream<R> {
    pub(super) reader: R,
    pub(super) bytes_read: u64,
    pub(super) buffer: Box<[u8]>,
    /// Bytes in the buffer, behind the header, that have not been decoded.
    pub(super) ahead: Range<usize>,
    pub(super) decoder: Box<dyn Decode>,
}

impl<R: Read> Stream<R> {
    /// Decodes the next chunk; false at the end.
    pub(super) fn decode_chunk(&mut self, out: &mut Vec<CameraEvent>) -> Result<bool, Fault> {
        if self.decoder.holds_back() {
            self.decoder.decode(&[], self.bytes_read, out)?;
            return Ok(!self.decoder.is_over());
        }
        if self.ahead.is_empty() {
            self.ahead = 0..read(&mut self.reader, &mut self.buffer)?;
        }
        let chunk = &self.buffer[std::mem::take(&mut self.ahead)];
        let offset = self.bytes_read;
        self.bytes_read += chunk.len() as u64;
        if chunk.is_empty() {
            return self.decoder.finish(offset, out).map(|()| false);
        }
        self.decoder.decode(chunk, offset, out)?;
        Ok(!self.decoder.is_over())
    }
}

/// Reads until the buffer is full or the input ends.
pub(super) fn fill(reader: &mut impl Read, buffer: &mut [u8]) -> Result<usize, Fault> {
    let mut filled = 0;
    while filled < buffer.len() {
        match read(reader, &mut buffer[filled..])? {
            0 => break,
            more => filled += more,
        }
    }
    Ok(filled)
}

/// Reads what there is, at least one byte; 0 at the end.
fn read(reader: &mut impl Read, buffer: &mut [u8]) -> Result<usize, Fault> {
    loop {
        match reader.read(buffer) {
            Err(cause) if cause.kind() == std::io::ErrorKind::Interrupted => {}
            result => return Ok(result?),
        }
    }
}
