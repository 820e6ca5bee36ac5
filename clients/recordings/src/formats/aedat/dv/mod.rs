//! AEDAT 4, of DV: a header and packets as FlatBuffers, the packets plain, as LZ4 or as Zstandard.
//!
//! Behind the line `#!AER-DAT4.0` stands a header (size, then `IOHE`): compression, place of a table that
//! ends the data, and an XML that names the streams. A packet is `i32` stream, `i32` size, then its bytes:
//! an `EVTS` of one stream holds events of 16 bytes, `i64` t \[µs\], `i16` x, `i16` y, `u8` polarity. Times
//! are as the file has them, since 1970 in those of DV. Of several cameras the first is read; packets of
//! other streams (frames, inertial samples, triggers) are skipped and counted. A recorder that crashed
//! leaves no table: then what is not whole at the end is dropped, and counted.
//!
//! A server of DV (`NetworkWriter` of dv-processing) sends the same without the line in front and the table
//! behind.

mod packets;
mod streams;

use std::io::{ErrorKind, Read};

use self::{packets::Packets, streams::Streams};
use super::flatbuffer::Table;
use crate::{
    Fault,
    formats::{Beginning, Format},
};

pub(in crate::formats) const LINE: &[u8] = b"#!AER-DAT4.0\r\n";
/// The header's size, in bytes.
const SIZE_BYTES: usize = 4;
/// A server's header is shorter than this, in bytes.
const HEADER_BYTES_MAX: usize = 1 << 16;
/// The table's place in a file that was not ended.
const NO_TABLE: i64 = -1;

/// The largest packet that is taken, so that no more is ever held in memory \[bytes\].
#[derive(Clone, Copy, Debug)]
struct Bound {
    bytes: u64,
    expected: &'static str,
}

/// No recorder makes packets that large.
const OF_FILES: Bound = Bound { bytes: 1 << 28, expected: "expected 0 to 268435456" };
/// Four million events. Several packets of a server may wait for whoever takes them.
const OF_SERVERS: Bound = Bound { bytes: 1 << 26, expected: "expected 0 to 67108864" };

/// How packets are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Compression {
    None,
    Lz4,
    Zstandard,
}

impl Compression {
    fn new(code: i32) -> Option<Self> {
        match code {
            0 => Some(Self::None),
            1 | 2 => Some(Self::Lz4),
            3 | 4 => Some(Self::Zstandard),
            _ => None,
        }
    }
}

pub(in crate::formats) fn begin(first: &[u8]) -> Result<Beginning, Fault> {
    let cut = || Fault::HeaderCut { length: first.len() as u64 };
    let behind = first.strip_prefix(LINE).ok_or_else(cut)?;
    let size = u32::from_le_bytes(*behind.first_chunk().ok_or_else(cut)?);
    let size = usize::try_from(size).unwrap_or(usize::MAX);
    let Some(buffer) = behind[SIZE_BYTES..].get(..size) else {
        return Err(if first.len() < LINE.len() + SIZE_BYTES + size.min(first.len()) {
            cut()
        } else {
            Fault::HeaderTooLong { limit: first.len() }
        });
    };
    let header = Header::read(buffer, LINE.len() + SIZE_BYTES)?;
    let data_end = u64::try_from(header.table).ok();
    Ok(header.beginning(LINE.len() + SIZE_BYTES + size, data_end, OF_FILES))
}

/// Takes a server's header in, up to its last byte.
pub(in crate::formats) fn receive(server: &mut impl Read) -> Result<Beginning, Fault> {
    let mut header = vec![0; SIZE_BYTES];
    fill(server, &mut header, 0)?;
    let size = header.first_chunk().map_or(0, |size| u32::from_le_bytes(*size));
    let size = usize::try_from(size).unwrap_or(usize::MAX);
    if size > HEADER_BYTES_MAX {
        return Err(Fault::HeaderTooLong { limit: HEADER_BYTES_MAX });
    }
    header.resize(SIZE_BYTES + size, 0);
    fill(server, &mut header, SIZE_BYTES)?;
    let told = Header::read(&header[SIZE_BYTES..], SIZE_BYTES)?;
    Ok(told.beginning(header.len(), None, OF_SERVERS))
}

/// Reads until a buffer is full, of which so many bytes are there.
fn fill(server: &mut impl Read, buffer: &mut [u8], mut there: usize) -> Result<(), Fault> {
    while there < buffer.len() {
        match server.read(&mut buffer[there..]) {
            Ok(0) => return Err(Fault::HeaderCut { length: there as u64 }),
            Ok(more) => there += more,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// What stands in front of the packets.
struct Header {
    code: i32,
    compression: Compression,
    table: i64,
    streams: Streams,
}

impl Header {
    /// Reads a header that lies at an offset.
    fn read(buffer: &[u8], offset: usize) -> Result<Self, Fault> {
        let offset = offset as u64;
        let damaged = |what, value: i64, expected| Fault::Damaged { offset, what, value, expected };
        let header = Table::root(buffer)
            .ok_or_else(|| damaged("offset of the header", 0, "which lies outside of it"))?;
        let code = header.int32(0).unwrap_or(0);
        let compression = Compression::new(code)
            .ok_or_else(|| damaged("compression", code.into(), "expected 0 to 4"))?;
        let table = header.int64(1).unwrap_or(NO_TABLE);
        let streams = Streams::read(header.text(2).unwrap_or_default());
        Ok(Self { code, compression, table, streams })
    }

    fn beginning(self, length: usize, data_end: Option<u64>, bound: Bound) -> Beginning {
        let Self { code, compression, streams, .. } = self;
        let mut header = vec![("compression".to_owned(), format!("{code}"))];
        header.extend(streams.source.map(|source| ("source".to_owned(), source)));
        let camera = (streams.camera, streams.geometry);
        let packets = Packets::new(compression, camera, length as u64, data_end, bound);
        Beginning {
            format: Format::Aedat4,
            geometry: streams.geometry,
            header,
            length,
            decoder: Box::new(packets),
        }
    }
}
