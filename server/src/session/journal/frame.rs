//! One record as bytes: length and checksum, then kind, fields, and a batch as the wire has it.
//!
//! ```text
//! u32 length of the body   u32 CRC-32 of the body   body: u8 kind, u16 producer, u8 flag, …
//! ```
//! Little-endian. A body is never empty, so a run of zeros is no record. Between records stand marks,
//! which say up to which byte of the segment all was safe when what follows was written.

use std::sync::Arc;

use prost::Message as _;
use spiked_proto::v1;

use crate::session::{protocol::Record, tuning::Setting};

const HEAD: usize = 8;
/// No record is longer: a batch of at most 1 MiB with its fields, or less of weights or parameters.
const BODY_MAX: usize = (1 << 20) + 256;

const BATCH: u8 = 1;
const PROMISE: u8 = 2;
const WATERMARK: u8 = 3;
const END: u8 = 4;
const HANDED: u8 = 5;
const DROPPED: u8 = 6;
const SET: u8 = 7;
const MARK: u8 = 8;
/// A mark's body: kind, three zeros, bytes.
const MARK_BODY: usize = 12;

/// Appends a record.
pub(super) fn append(record: &Record, out: &mut Vec<u8>) {
    let start = out.len();
    out.extend_from_slice(&[0; HEAD]);
    let mut fields = |kind: u8, producer: usize, flag: bool| {
        out.push(kind);
        out.extend_from_slice(&u16::try_from(producer).unwrap_or(u16::MAX).to_le_bytes());
        out.push(flag.into());
    };
    match record {
        Record::Batch { producer, dropped, batch } => {
            fields(BATCH, *producer, *dropped);
            batch.encode_raw(out);
        }
        Record::Promise { producer, time_us } => {
            fields(PROMISE, *producer, false);
            out.extend_from_slice(&time_us.to_le_bytes());
        }
        Record::Watermark { time_us } => {
            fields(WATERMARK, 0, false);
            out.extend_from_slice(&time_us.to_le_bytes());
        }
        Record::End { producer, failed } => fields(END, *producer, *failed),
        Record::Handed => fields(HANDED, 0, false),
        Record::Dropped => fields(DROPPED, 0, false),
        Record::Set(setting) => {
            fields(SET, 0, setting.is_parameters());
            setting.append_to(out);
        }
    }
    seal(start, out);
}

/// Appends a mark: so many bytes of the segment are safe.
pub(super) fn append_mark(safe: u64, out: &mut Vec<u8>) {
    let start = out.len();
    out.extend_from_slice(&[0; HEAD]);
    out.extend_from_slice(&[MARK, 0, 0, 0]);
    out.extend_from_slice(&safe.to_le_bytes());
    seal(start, out);
}

/// Fills in length and checksum.
fn seal(start: usize, out: &mut [u8]) {
    let body = start + HEAD;
    let length = u32::try_from(out.len() - body).unwrap_or(u32::MAX);
    let checksum = crc32fast::hash(&out[body..]);
    out[start..start + 4].copy_from_slice(&length.to_le_bytes());
    out[start + 4..body].copy_from_slice(&checksum.to_le_bytes());
}

/// What lies at the beginning of some bytes.
#[derive(Debug, PartialEq)]
pub(super) enum Next {
    /// A record, and how many bytes it takes.
    Record(Record, usize),
    /// A mark, and how many bytes it takes.
    Mark(usize),
    /// Nothing more.
    Nothing,
    /// No whole record.
    Torn,
}

/// The most bytes that a mark anywhere in some bytes calls safe; 0 if there is none.
pub(super) fn marked_in(bytes: &[u8]) -> u64 {
    let marks = bytes.windows(HEAD + MARK_BODY).filter_map(mark);
    marks.max().unwrap_or(0)
}

/// What the mark at the beginning of some bytes calls safe.
fn mark(bytes: &[u8]) -> Option<u64> {
    let (length, rest) = bytes.split_first_chunk()?;
    let (checksum, rest) = rest.split_first_chunk()?;
    let (body, _) = rest.split_first_chunk::<MARK_BODY>()?;
    let (kind, safe) = body.split_first_chunk::<4>()?;
    let is_mark = *kind == [MARK, 0, 0, 0]
        && u32::from_le_bytes(*length) as usize == MARK_BODY
        && u32::from_le_bytes(*checksum) == crc32fast::hash(body);
    is_mark.then(|| safe.try_into().ok().map(u64::from_le_bytes))?
}

/// Reads one record.
pub(super) fn next(bytes: &[u8]) -> Next {
    if bytes.is_empty() {
        return Next::Nothing;
    }
    if mark(bytes).is_some() {
        return Next::Mark(HEAD + MARK_BODY);
    }
    let whole = (|| {
        let (length, rest) = bytes.split_first_chunk()?;
        let (checksum, rest) = rest.split_first_chunk()?;
        let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
        if length == 0 || length > BODY_MAX {
            return None;
        }
        let body = rest.get(..length)?;
        let matches = crc32fast::hash(body) == u32::from_le_bytes(*checksum);
        let record = matches.then(|| decode(body)).flatten()?;
        Some((record, HEAD + length))
    })();
    whole.map_or(Next::Torn, |(record, length)| Next::Record(record, length))
}

fn decode(body: &[u8]) -> Option<Record> {
    let (&[kind, low, high, flag], rest) = body.split_first_chunk()?;
    let producer = usize::from(u16::from_le_bytes([low, high]));
    let flag = match flag {
        0 => false,
        1 => true,
        _ => return None,
    };
    let time = || Some(u64::from_le_bytes(rest.try_into().ok()?));
    Some(match kind {
        BATCH => {
            let batch = v1::EventBatch::decode(rest).ok()?;
            Record::Batch { producer, dropped: flag, batch }
        }
        PROMISE => Record::Promise { producer, time_us: time()? },
        WATERMARK => Record::Watermark { time_us: time()? },
        END => Record::End { producer, failed: flag },
        HANDED => Record::Handed,
        DROPPED => Record::Dropped,
        SET => Record::Set(Arc::new(Setting::decode(flag, rest)?)),
        _ => return None,
    })
}
