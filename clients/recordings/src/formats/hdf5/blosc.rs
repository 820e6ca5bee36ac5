//! Chunks that Blosc 1 has packed (filter 32001; c-blosc's README_CHUNK_FORMAT).
//!
//! | byte | what |
//! |---|---|
//! | 0, 1 | versions of the format and of the packer's |
//! | 2 | flags: 1 bytes shuffled, 2 not packed at all, 4 bits shuffled, 16 blocks in one, high 3 bits the packer |
//! | 3 | bytes of an element |
//! | 4, 8, 12 | u32 little-endian: bytes unpacked, bytes of a block, bytes packed with this header |
//!
//! Then u32 for each block where it begins; there, for each of its parts, u32 of its length and the part. A
//! block but the last has a part for each byte of an element, unless it is in one or its parts were short.

use lz4_flex::block;

use super::{blosclz, shuffle};

const HEADER_BYTES: usize = 16;
/// Elements have at most so many bytes where blocks come in parts.
const PARTS_MAX: usize = 16;
/// And a part no fewer bytes than that.
const PART_BYTES_MIN: usize = 128;

const SHUFFLED: u8 = 1;
const NOT_PACKED: u8 = 2;
const BITS_SHUFFLED: u8 = 4;
const IN_ONE: u8 = 16;

/// Unpacks a chunk of at most so many bytes, or says what is wrong with it.
pub(super) fn unpack(chunk: &[u8], bytes_max: usize) -> Result<Vec<u8>, String> {
    let Some(header) = chunk.first_chunk::<HEADER_BYTES>() else {
        return Err(format!("has {} of a header's {HEADER_BYTES} bytes", chunk.len()));
    };
    let &[_, _, flags, element_bytes, ..] = header;
    let [bytes, block_bytes, packed_bytes] = [4, 8, 12].map(|at| number(chunk, at).unwrap_or(0));
    if bytes > bytes_max {
        return Err(format!("claims {bytes} bytes, expected {bytes_max} at most"));
    }
    let chunk = chunk.get(..packed_bytes).ok_or_else(|| {
        format!("claims {packed_bytes} bytes packed where there are {}", chunk.len())
    })?;
    if flags & NOT_PACKED != 0 {
        let plain = chunk.get(HEADER_BYTES..).and_then(|plain| plain.get(..bytes));
        return Ok(plain.ok_or("ends before its last byte")?.to_vec());
    }
    let element_bytes = usize::from(element_bytes);
    if bytes > 0 && (block_bytes == 0 || element_bytes == 0) {
        return Err(format!("has blocks of {block_bytes} bytes and elements of {element_bytes}"));
    }
    let packer = Packer::of(flags >> 5)?;
    let mut out = Vec::with_capacity(bytes);
    let mut block = Vec::new();
    while out.len() < bytes {
        let whole = block_bytes.min(bytes - out.len());
        let in_one = flags & IN_ONE != 0
            || whole < block_bytes
            || element_bytes > PARTS_MAX
            || block_bytes / element_bytes < PART_BYTES_MIN;
        let parts = if in_one { 1 } else { element_bytes };
        let begin = number(chunk, HEADER_BYTES + 4 * (out.len() / block_bytes));
        block.clear();
        unpack_block(
            chunk,
            begin.ok_or("ends inside its blocks' places")?,
            parts,
            whole / parts,
            packer,
            &mut block,
        )?;
        match flags {
            _ if block.len() != whole => {
                return Err(format!("has a block of {} bytes, expected {whole}", block.len()));
            }
            _ if flags & SHUFFLED != 0 && element_bytes > 1 => {
                shuffle::bytes(&block, element_bytes, &mut out);
            }
            _ if flags & BITS_SHUFFLED != 0 && whole >= element_bytes => {
                shuffle::bits(&block, element_bytes, &mut out);
            }
            _ => out.extend_from_slice(&block),
        }
    }
    Ok(out)
}

fn unpack_block(
    chunk: &[u8],
    begin: usize,
    parts: usize,
    part_bytes: usize,
    packer: Packer,
    block: &mut Vec<u8>,
) -> Result<(), String> {
    let mut at = begin;
    for _ in 0..parts {
        let length = number(chunk, at).ok_or("ends inside a block")?;
        at += 4;
        let packed = chunk.get(at..).and_then(|rest| rest.get(..length));
        let packed = packed.ok_or("ends inside a block")?;
        at += length;
        if length == part_bytes {
            block.extend_from_slice(packed);
        } else {
            packer.unpack(packed, part_bytes, block)?;
        }
    }
    Ok(())
}

/// The u32 at a place of a chunk.
fn number(chunk: &[u8], at: usize) -> Option<usize> {
    let &bytes = chunk.get(at..)?.first_chunk()?;
    usize::try_from(u32::from_le_bytes(bytes)).ok()
}

/// What packed the parts of a chunk.
#[derive(Clone, Copy)]
enum Packer {
    BloscLz,
    Lz4,
    Zlib,
    Zstandard,
}

impl Packer {
    fn of(code: u8) -> Result<Self, String> {
        match code {
            0 => Ok(Self::BloscLz),
            1 => Ok(Self::Lz4),
            3 => Ok(Self::Zlib),
            4 => Ok(Self::Zstandard),
            2 => Err("is packed by Snappy, expected BloscLZ, LZ4, zlib or Zstandard".into()),
            _ => Err(format!("is packed by number {code}, which Blosc does not have")),
        }
    }

    /// Appends exactly so many bytes.
    fn unpack(self, packed: &[u8], bytes: usize, out: &mut Vec<u8>) -> Result<(), String> {
        let begin = out.len();
        if let Self::BloscLz = self {
            return blosclz::unpack(packed, bytes, out);
        }
        out.resize(begin + bytes, 0);
        let to = &mut out[begin..];
        let written = match self {
            Self::BloscLz => bytes,
            Self::Lz4 => block::decompress_into(packed, to).map_err(|error| error.to_string())?,
            Self::Zlib => {
                let mut state = flate2::Decompress::new(true);
                let finish = flate2::FlushDecompress::Finish;
                state.decompress(packed, to, finish).map_err(|error| error.to_string())?;
                usize::try_from(state.total_out()).unwrap_or(usize::MAX)
            }
            Self::Zstandard => zstd::bulk::Decompressor::new()
                .and_then(|mut state| state.decompress_to_buffer(packed, to))
                .map_err(|error| error.to_string())?,
        };
        if written != bytes {
            return Err(format!("has a part of {written} bytes, expected {bytes}"));
        }
        Ok(())
    }
}
