//! Generic events: bytes of any meaning, each with a time. They are counted, and never held.

use super::{OVERFLOW, PADDING};
use crate::{CameraEvent, Fault, Geometry, Notes, formats::Decode};

/// Seven bits each: no length needs more.
const LENGTH_BYTES_MAX: u32 = 9;

/// What comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    Time,
    /// So many bytes of the length are there.
    Length {
        bytes: u32,
        length: u64,
    },
    /// Bytes of the event that are still to come.
    Content {
        left: u64,
    },
}

pub(super) struct Reader {
    at: At,
    /// Where the event began.
    offset: u64,
    events: u64,
}

impl Default for Reader {
    fn default() -> Self {
        Self { at: At::Time, offset: 0, events: 0 }
    }
}

impl Decode for Reader {
    fn decode(
        &mut self,
        mut bytes: &[u8],
        mut offset: u64,
        _: &mut Vec<CameraEvent>,
    ) -> Result<(), Fault> {
        while let Some(&first) = bytes.first() {
            let mut taken = 1;
            self.at = match self.at {
                At::Time => {
                    self.offset = offset;
                    match first {
                        PADDING | OVERFLOW => At::Time,
                        _ => At::Length { bytes: 0, length: 0 },
                    }
                }
                At::Length { bytes: LENGTH_BYTES_MAX, .. } => {
                    return Err(Fault::Damaged {
                        offset: self.offset,
                        what: "length of an event",
                        value: i64::MAX,
                        expected: "which needs more than 9 bytes",
                    });
                }
                At::Length { bytes, length } => {
                    let length = length | (u64::from(first >> 1) << (7 * bytes));
                    match (first & 1, length) {
                        (1, _) => At::Length { bytes: bytes + 1, length },
                        (_, 0) => self.end(),
                        (_, left) => At::Content { left },
                    }
                }
                At::Content { left } => {
                    let here = left.min(bytes.len() as u64);
                    taken = usize::try_from(here).unwrap_or(bytes.len());
                    if here < left { At::Content { left: left - here } } else { self.end() }
                }
            };
            bytes = &bytes[taken..];
            offset += taken as u64;
        }
        Ok(())
    }

    fn finish(&mut self, offset: u64, _: &mut Vec<CameraEvent>) -> Result<(), Fault> {
        let held = usize::try_from(offset - self.offset).unwrap_or(usize::MAX);
        let missing = match self.at {
            At::Time => return Ok(()),
            At::Length { .. } => 1,
            At::Content { left } => usize::try_from(left).unwrap_or(usize::MAX),
        };
        Err(Fault::Truncated { offset: self.offset, held, whole: held.saturating_add(missing) })
    }

    fn set_geometry(&mut self, _: Geometry) {}

    fn holds(&self) -> Option<&'static str> {
        Some("generic events, which are bytes of any meaning")
    }

    fn notes(&self) -> Notes {
        let besides = vec![(self.events, "generic events".to_owned())];
        Notes { besides, ..Notes::default() }
    }
}

impl Reader {
    /// The event is whole.
    fn end(&mut self) -> At {
        self.events += 1;
        At::Time
    }
}
