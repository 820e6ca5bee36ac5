//! The two messages that hold a camera's events, up to the events.
//!
//! | type | fields |
//! |---|---|
//! | event_camera_msgs/msg/EventPacket | header, `u32` height, `u32` width, `u64` seq, `u64` time_base \[ns\], encoding, `bool` is_bigendian, events as bytes |
//! | dvs_msgs/msg/EventArray | header, `u32` height, `u32` width, events: `u16` x, `u16` y, `i32` s, `u32` ns, `bool` polarity |
//!
//! A header is `i32` s, `u32` ns and a name.

use super::cdr::Cdr;
use crate::Geometry;

/// A message of which camera.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// event_camera_msgs/msg/EventPacket.
    Packet,
    /// dvs_msgs/msg/EventArray.
    Array,
}

/// The names of the fields of a type, in their order.
type Fields = &'static [&'static str];

impl Kind {
    /// The kind of a type by its name, which ROS 2 writes with `msg` in it and ROS 1 without.
    pub(super) fn of(type_name: &str) -> Option<Self> {
        match type_name {
            "event_camera_msgs/msg/EventPacket" | "event_camera_msgs/EventPacket" => {
                Some(Self::Packet)
            }
            "dvs_msgs/msg/EventArray" | "dvs_msgs/EventArray" => Some(Self::Array),
            _ => None,
        }
    }

    /// The fields that are read, and those of the events among them where they are messages.
    pub(super) const fn fields(self) -> (Fields, Option<(&'static str, Fields)>) {
        const PACKET: Fields = &[
            "header",
            "height",
            "width",
            "seq",
            "time_base",
            "encoding",
            "is_bigendian",
            "events",
        ];
        const ARRAY: Fields = &["header", "height", "width", "events"];
        const EVENT: Fields = &["x", "y", "ts", "polarity"];
        match self {
            Self::Packet => (PACKET, None),
            Self::Array => (ARRAY, Some(("dvs_msgs/Event", EVENT))),
        }
    }
}

/// A packet of events in an encoding of its own.
pub(super) struct Packet<'a> {
    pub(super) geometry: Option<Geometry>,
    /// Its number, by which losses are seen.
    pub(super) seq: u64,
    pub(super) time_base_ns: u64,
    pub(super) encoding: String,
    pub(super) is_big: bool,
    pub(super) events: &'a [u8],
}

/// An encoding is a word; what is longer is no name.
const ENCODING_BYTES_MAX: usize = 64;

impl<'a> Packet<'a> {
    /// What a message holds; or what is wrong with it.
    pub(super) fn read(message: &'a [u8]) -> Result<Self, String> {
        let mut fields = Cdr::new(message)?;
        let geometry = beginning(&mut fields)?;
        let seq = fields.u64().ok_or_else(|| ends("seq"))?;
        let time_base_ns = fields.u64().ok_or_else(|| ends("time_base"))?;
        let encoding = fields.bytes().ok_or_else(|| ends("encoding"))?;
        let encoding = encoding.strip_suffix(&[0]).unwrap_or(encoding);
        if encoding.len() > ENCODING_BYTES_MAX {
            return Err(format!("names its encoding by {} bytes", encoding.len()));
        }
        let is_big = fields.u8().ok_or_else(|| ends("is_bigendian"))? != 0;
        let events = fields.bytes().ok_or_else(|| ends("events"))?;
        let encoding = String::from_utf8_lossy(encoding).into_owned();
        Ok(Self { geometry, seq, time_base_ns, encoding, is_big, events })
    }
}

/// Events as messages, at the first of them.
pub(super) struct Array<'a> {
    pub(super) geometry: Option<Geometry>,
    pub(super) count: u32,
    pub(super) events: Cdr<'a>,
}

impl<'a> Array<'a> {
    /// What a message holds; or what is wrong with it.
    pub(super) fn read(message: &'a [u8]) -> Result<Self, String> {
        let mut fields = Cdr::new(message)?;
        let geometry = beginning(&mut fields)?;
        let count = fields.u32().ok_or_else(|| ends("events"))?;
        Ok(Self { geometry, count, events: fields })
    }
}

/// The header and the sensor's size, which is none where both sides are 0.
fn beginning(fields: &mut Cdr<'_>) -> Result<Option<Geometry>, String> {
    let stamp = fields.i32().zip(fields.u32());
    stamp.ok_or_else(|| ends("header.stamp"))?;
    fields.bytes().ok_or_else(|| ends("header.frame_id"))?;
    let height = fields.u32().ok_or_else(|| ends("height"))?;
    let width = fields.u32().ok_or_else(|| ends("width"))?;
    if (width, height) == (0, 0) {
        return Ok(None);
    }
    let side = |side: u32| u16::try_from(side).ok().filter(|&side| side > 0);
    match side(width).zip(side(height)) {
        Some((width, height)) => Ok(Some(Geometry { width, height })),
        None => Err(format!("is of a {width}x{height} sensor, expected 1 to 65535 a side")),
    }
}

fn ends(field: &str) -> String {
    format!("ends before its {field} does")
}

/// A camera's event as a message, with its time \[ns\]; `None` where the message ends before.
#[inline]
pub(super) fn event(fields: &mut Cdr<'_>) -> Option<(u16, u16, i64, bool)> {
    let (x, y) = (fields.u16()?, fields.u16()?);
    let (s, ns) = (fields.i32()?, fields.u32()?);
    let t_ns = i64::from(s) * 1_000_000_000 + i64::from(ns);
    Some((x, y, t_ns, fields.u8()? != 0))
}
