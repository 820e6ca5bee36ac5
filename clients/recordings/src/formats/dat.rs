//! Prophesee DAT: behind the text header two bytes, the kind of entries and their size, then entries.
//!
//! | version | an entry of 8 bytes, little-endian |
//! |---|---|
//! | 2 | `u32` t \[µs\]; `u32` with x in bits 13 to 0, y in 27 to 14, polarity in 31 to 28 |
//! | 1 | the same with x in bits 8 to 0, y in 16 to 9, polarity in 17 |
//!
//! Kind 0x00 and 0x0C are camera events, 0x0E external triggers. Times go round every 71.6 minutes.

use super::records::{Record, Records, Sensor};
use crate::{CameraEvent, Fault, Geometry, WordCounts, clock::Clock32};

/// The two bytes before the first entry.
pub(super) const PREFIX_BYTES: usize = 2;
const ENTRY_BYTES: usize = 8;
const KINDS_OF_EVENTS: [u8; 2] = [0x00, 0x0C];
const KIND_OF_TRIGGERS: u8 = 0x0E;
/// A step of this or more is one back.
const HALF_TURN_US: u32 = 1 << 31;

/// The reader of what follows the two bytes, which begin at an offset.
pub(super) fn reader(
    [kind, size]: [u8; PREFIX_BYTES],
    offset: u64,
    version: Option<&str>,
    geometry: Option<Geometry>,
) -> Result<Records<Entries, ENTRY_BYTES>, Fault> {
    let damaged = |offset, what, value: u8, expected| {
        Err(Fault::Damaged { offset, what, value: value.into(), expected })
    };
    if !KINDS_OF_EVENTS.contains(&kind) && kind != KIND_OF_TRIGGERS {
        return damaged(
            offset,
            "kind of entries",
            kind,
            "expected 0, 12 (events) or 14 (triggers)",
        );
    }
    if usize::from(size) != ENTRY_BYTES {
        return damaged(offset + 1, "size of an entry", size, "expected 8");
    }
    let is_first_version = match version {
        Some("1") => true,
        None | Some("2") => false,
        Some(other) => {
            let (key, value) = ("Version".to_owned(), other.to_owned());
            return Err(Fault::HeaderValue { key, value, expected: "expected 1 or 2" });
        }
    };
    Ok(Records::new(Entries {
        is_first_version,
        are_triggers: kind == KIND_OF_TRIGGERS,
        clock: Clock32::default(),
        sensor: Sensor(geometry),
        counts: WordCounts::default(),
    }))
}

pub(super) struct Entries {
    is_first_version: bool,
    are_triggers: bool,
    clock: Clock32,
    sensor: Sensor,
    counts: WordCounts,
}

/// Time bits and data of an entry.
#[inline]
fn halves(&[t0, t1, t2, t3, d0, d1, d2, d3]: &[u8; ENTRY_BYTES]) -> (u32, u32) {
    (u32::from_le_bytes([t0, t1, t2, t3]), u32::from_le_bytes([d0, d1, d2, d3]))
}

/// The event at a time that data of version 2 stands for.
#[inline]
fn event(t_us: u64, data: u32) -> CameraEvent {
    let [x, y] = [(data & 0x3FFF) as u16, (data >> 14 & 0x3FFF) as u16];
    CameraEvent { t_us, x, y, on: data >> 28 != 0 }
}

impl Record<ENTRY_BYTES> for Entries {
    #[inline]
    fn read(
        &mut self,
        entry: &[u8; ENTRY_BYTES],
        offset: u64,
        out: &mut Vec<CameraEvent>,
    ) -> Result<(), Fault> {
        let (low_us, data) = halves(entry);
        let t_us = self.clock.carry_on(low_us);
        if self.are_triggers {
            self.counts.triggers += 1;
            return Ok(());
        }
        let event = match self.is_first_version {
            false => event(t_us, data),
            true => {
                let [x, y] = [(data & 0x1FF) as u16, (data >> 9 & 0xFF) as u16];
                CameraEvent { t_us, x, y, on: data >> 17 & 1 != 0 }
            }
        };
        self.sensor.check(event.x, event.y, offset)?;
        self.counts.events += 1;
        out.push(event);
        Ok(())
    }

    /// The common case at once, without a branch an entry: times that go on, pixels on the
    /// sensor. Anything else is read again, entry by entry.
    fn read_all(
        &mut self,
        entries: &[[u8; ENTRY_BYTES]],
        offset: u64,
        out: &mut Vec<CameraEvent>,
    ) -> Result<(), Fault> {
        let before = out.len();
        let (turns_us, sensor) = (self.clock.turns_us(), self.sensor);
        let (mut is_common, mut last_us) =
            (!self.is_first_version && !self.are_triggers, self.clock.latest_low_us());
        out.extend(entries.iter().map(|entry| {
            let (low_us, data) = halves(entry);
            let event = event(turns_us | u64::from(low_us), data);
            let goes_on = low_us >= last_us && low_us - last_us < HALF_TURN_US;
            is_common &= goes_on && sensor.has(event.x, event.y);
            last_us = low_us;
            event
        }));
        if is_common {
            self.clock.carry_on(last_us);
            self.counts.events += entries.len() as u64;
            return Ok(());
        }
        out.truncate(before);
        let mut at = offset;
        for entry in entries {
            self.read(entry, at, out)?;
            at += ENTRY_BYTES as u64;
        }
        Ok(())
    }

    fn set_geometry(&mut self, geometry: Geometry) {
        self.sensor = Sensor(Some(geometry));
    }

    fn counts(&self) -> &WordCounts {
        &self.counts
    }
}
