//! `.es`, Event Stream 2: a header of 20 bytes, then events of 5 and lone bytes that move time.
//!
//! | first byte | means |
//! |------------|-------|
//! | 0xFF       | 127 µs pass |
//! | 0xFE       | nothing, padding |
//! | other      | (byte >> 1) µs pass, ON = byte & 1, then u16 x and u16 y, little-endian |
//!
//! Time starts at 0. The file counts rows from the bottom; events leave here counted from the top.

use super::{Beginning, Decode, Format};
use crate::{CameraEvent, Fault, Geometry};

pub(super) const MAGIC: &[u8] = b"Event Stream";
const HEADER_BYTES: usize = 20;
const VERSION_MAJOR: u8 = 2;
const TYPE_DVS: u8 = 1;

const EVENT_BYTES: usize = 5;
const PADDING: u8 = 0xFE;
const OVERFLOW: u8 = 0xFF;
const OVERFLOW_US: u64 = 127;

pub(super) fn begin(first: &[u8]) -> Result<Beginning, Fault> {
    let Some(header) = first.first_chunk::<HEADER_BYTES>() else {
        return Err(Fault::HeaderCut { length: first.len() as u64 });
    };
    let [.., major, minor, patch, kind, w0, w1, h0, h1] = *header;
    let version = format!("{major}.{minor}.{patch}");
    if major != VERSION_MAJOR {
        return Err(header_value("version", version, "expected 2"));
    }
    if kind != TYPE_DVS {
        return Err(header_value("type", type_name(kind), "and only 1 (dvs) can be read yet"));
    }
    let geometry =
        Geometry { width: u16::from_le_bytes([w0, w1]), height: u16::from_le_bytes([h0, h1]) };
    if geometry.width == 0 || geometry.height == 0 {
        return Err(header_value("sensor size", geometry.to_string(), "where no pixel fits"));
    }
    Ok(Beginning {
        format: Format::EventStream,
        geometry: Some(geometry),
        header: vec![("version".into(), version), ("type".into(), type_name(kind))],
        length: HEADER_BYTES,
        decoder: Box::new(Reader { geometry, t_us: 0, pending: Vec::with_capacity(EVENT_BYTES) }),
    })
}

fn header_value(key: &str, value: String, expected: &'static str) -> Fault {
    Fault::HeaderValue { key: key.to_owned(), value, expected }
}

fn type_name(kind: u8) -> String {
    let name = match kind {
        0 => "generic",
        1 => "dvs",
        2 => "atis",
        4 => "color",
        _ => "unknown",
    };
    format!("{kind} ({name})")
}

struct Reader {
    geometry: Geometry,
    t_us: u64,
    /// The start of an event whose end has not arrived.
    pending: Vec<u8>,
}

impl Decode for Reader {
    fn decode(
        &mut self,
        bytes: &[u8],
        offset: u64,
        out: &mut Vec<CameraEvent>,
    ) -> Result<(), Fault> {
        let missing = match self.pending.len() {
            0 => 0,
            held => bytes.len().min(EVENT_BYTES - held),
        };
        let (completing, bytes) = bytes.split_at(missing);
        if missing > 0 {
            let event_offset = offset - self.pending.len() as u64;
            self.pending.extend_from_slice(completing);
            let event = std::mem::take(&mut self.pending);
            self.decode_whole(&event, event_offset, out)?;
        }
        self.decode_whole(bytes, offset + missing as u64, out)
    }

    fn finish(&mut self, offset: u64, _: &mut Vec<CameraEvent>) -> Result<(), Fault> {
        match self.pending.len() {
            0 => Ok(()),
            held => {
                Err(Fault::Truncated { offset: offset - held as u64, held, whole: EVENT_BYTES })
            }
        }
    }

    fn set_geometry(&mut self, geometry: Geometry) {
        self.geometry = geometry;
    }
}

impl Reader {
    /// Decodes all whole events; what is left of `bytes` waits.
    fn decode_whole(
        &mut self,
        bytes: &[u8],
        offset: u64,
        out: &mut Vec<CameraEvent>,
    ) -> Result<(), Fault> {
        let geometry = self.geometry;
        let mut t_us = self.t_us;
        let mut at = 0;
        while let Some(&first) = bytes.get(at) {
            if first >= PADDING {
                t_us += if first == OVERFLOW { OVERFLOW_US } else { 0 };
                at += 1;
                continue;
            }
            let Some(&[_, x0, x1, y0, y1]) = bytes[at..].first_chunk::<EVENT_BYTES>() else {
                self.pending.extend_from_slice(&bytes[at..]);
                break;
            };
            let (x, y) = (u16::from_le_bytes([x0, x1]), u16::from_le_bytes([y0, y1]));
            if !geometry.contains(x, y) {
                let offset = offset + at as u64;
                return Err(Fault::PixelOffSensor { x, y, geometry, offset });
            }
            t_us += u64::from(first >> 1);
            out.push(CameraEvent { t_us, x, y: geometry.height - 1 - y, on: first & 1 == 1 });
            at += EVENT_BYTES;
        }
        self.t_us = t_us;
        Ok(())
    }
}
