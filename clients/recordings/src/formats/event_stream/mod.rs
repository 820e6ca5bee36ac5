//! `.es`, Event Stream 2: a header, then events of one type whose times are steps from 0.
//!
//! | header | |
//! |---|---|
//! | `Event Stream` | 12 bytes |
//! | version | 3 bytes |
//! | type | `u8`: 0 generic, 1 dvs, 2 atis, 4 color |
//! | width, height | `u16` each, little-endian; not of generic events |
//!
//! | type | an event's first byte `b` | then |
//! |---|---|---|
//! | dvs | 0xFF: 127 µs pass; 0xFE: nothing; else b >> 1 µs pass, ON = b & 1 | `u16` x, `u16` y |
//! | atis | b >> 2 = 63: 63 (b & 3) µs pass; else b >> 2 µs pass, b & 1: exposure, b & 2: ON or the second | `u16` x, `u16` y |
//! | color | 0xFF: 254 µs pass; 0xFE: nothing; else b µs pass | `u16` x, `u16` y, r, g, b |
//! | generic | as color | its length, 7 bits a byte above a bit that says whether more follow, then so many bytes |
//!
//! The file counts rows from the bottom; events leave here counted from the top. An ATIS measures a pixel's
//! exposure by the time between two crossings of thresholds: these are counted, and its changes are events as
//! those of type dvs are. Events of color and generic ones have no polarity, and are no camera's.

mod generic;
mod pixels;

use self::pixels::{Atis, Color, Dvs, Reader};
use super::{Beginning, Decode, Format};
use crate::{Fault, Geometry};

pub(super) const MAGIC: &[u8] = b"Event Stream";
/// Magic, version and type.
const HEADER_BYTES: usize = 16;
/// Width and height behind it.
const SIZE_BYTES: usize = 4;
const VERSION_MAJOR: u8 = 2;

const TYPE_GENERIC: u8 = 0;
const TYPE_DVS: u8 = 1;
const TYPE_ATIS: u8 = 2;
const TYPE_COLOR: u8 = 4;

const PADDING: u8 = 0xFE;
const OVERFLOW: u8 = 0xFF;

pub(super) fn begin(first: &[u8]) -> Result<Beginning, Fault> {
    let cut = || Fault::HeaderCut { length: first.len() as u64 };
    let (header, rest) = first.split_first_chunk::<HEADER_BYTES>().ok_or_else(cut)?;
    let [.., major, minor, patch, kind] = *header;
    let version = format!("{major}.{minor}.{patch}");
    if major != VERSION_MAJOR {
        return Err(header_value("version", version, "expected 2"));
    }
    let type_name = type_name(kind);
    let header = vec![("version".into(), version), ("type".into(), type_name.clone())];
    let format = Format::EventStream;
    if kind == TYPE_GENERIC {
        let decoder = Box::new(generic::Reader::default());
        return Ok(Beginning { format, geometry: None, header, length: HEADER_BYTES, decoder });
    }
    let &[w0, w1, h0, h1] = rest.first_chunk::<SIZE_BYTES>().ok_or_else(cut)?;
    let (width, height) = (u16::from_le_bytes([w0, w1]), u16::from_le_bytes([h0, h1]));
    let geometry = Geometry { width, height };
    if width == 0 || height == 0 {
        return Err(header_value("sensor size", geometry.to_string(), "where no pixel fits"));
    }
    let decoder: Box<dyn Decode> = match kind {
        TYPE_DVS => Box::new(Reader::<Dvs>::new(geometry)),
        TYPE_ATIS => Box::new(Reader::<Atis>::new(geometry)),
        TYPE_COLOR => Box::new(Reader::<Color>::new(geometry)),
        _ => return Err(header_value("type", type_name, "expected 0, 1, 2 or 4")),
    };
    let length = HEADER_BYTES + SIZE_BYTES;
    Ok(Beginning { format, geometry: Some(geometry), header, length, decoder })
}

fn header_value(key: &str, value: String, expected: &'static str) -> Fault {
    Fault::HeaderValue { key: key.to_owned(), value, expected }
}

fn type_name(kind: u8) -> String {
    let name = match kind {
        TYPE_GENERIC => "generic",
        TYPE_DVS => "dvs",
        TYPE_ATIS => "atis",
        TYPE_COLOR => "color",
        _ => "unknown",
    };
    format!("{kind} ({name})")
}
