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

impl Record<ENTRY_BYTES> for Entries {
    #[inline]
    fn read(
        &mut self,
        &[t0, t1, t2, t3, d0, d1, d2, d3]: &[u8; ENTRY_BYTES],
        offset: u64,
        out: &mut Vec<CameraEvent>,
    ) -> Result<(), Fault> {
        let t_us = self.clock.carry_on(u32::from_le_bytes([t0, t1, t2, t3]));
        let data = u32::from_le_bytes([d0, d1, d2, d3]);
        if self.are_triggers {
            self.counts.triggers += 1;
            return Ok(());
        }
        let bits = |from: u32, count: u32| data >> from & ((1 << count) - 1);
        let [x, y, polarity] = match self.is_first_version {
            true => [bits(0, 9), bits(9, 8), bits(17, 1)],
            false => [bits(0, 14), bits(14, 14), bits(28, 4)],
        };
        #[expect(clippy::cast_possible_truncation, reason = "14 bits at most")]
        let [x, y] = [x as u16, y as u16];
        self.sensor.check(x, y, offset)?;
        self.counts.events += 1;
        out.push(CameraEvent { t_us, x, y, on: polarity != 0 });
        Ok(())
    }

    fn set_geometry(&mut self, geometry: Geometry) {
        self.sensor = Sensor(Some(geometry));
    }

    fn counts(&self) -> &WordCounts {
        &self.counts
    }
}
