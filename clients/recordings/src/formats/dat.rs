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
/// Bits of a column, and of a row.
const X_MASK: u32 = 0x3FFF;
const Y_SHIFT: u32 = 14;
/// Entries that are looked at together: few enough to be still at hand when they become events.
const BLOCK_ENTRIES: usize = 256;
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
fn halves(entry: &[u8; ENTRY_BYTES]) -> (u32, u32) {
    let both = u64::from_le_bytes(*entry);
    #[expect(clippy::cast_possible_truncation, reason = "the low half is asked for")]
    let low = both as u32;
    (low, (both >> 32) as u32)
}

/// The event at a time that data of version 2 stands for.
#[inline]
fn event(t_us: u64, data: u32) -> CameraEvent {
    // Side by side, so that both are stored at once.
    let places = data & X_MASK | data << 2 & X_MASK << 16;
    #[expect(clippy::cast_possible_truncation, reason = "the low half is asked for")]
    let [x, y] = [places as u16, (places >> 16) as u16];
    CameraEvent { t_us, x, y, on: data >> 28 != 0 }
}

impl Entries {
    /// Whether entries of version 2 are events on the sensor, whose times go on by less than half a turn:
    /// without a branch an entry.
    fn are_common(&self, entries: &[[u8; ENTRY_BYTES]]) -> bool {
        let ([first, ..], [.., last]) = (entries, entries) else { return false };
        let before_us = self.clock.latest_low_us();
        let ((first_us, _), (last_us, _)) = (halves(first), halves(last));
        if first_us < before_us || last_us.wrapping_sub(before_us) >= HALF_TURN_US {
            return false;
        }
        let [x_max, y_max] = self.sensor.0.map_or([i32::MAX; 2], |Geometry { width, height }| {
            [i32::from(width) - 1, (i32::from(height) - 1) << Y_SHIFT]
        });
        // Differences of which one is below zero: signs are gathered many at once.
        let beyond = entries.iter().fold(0, |beyond, entry| {
            let (_, data) = halves(entry);
            let (x, y) = (data & X_MASK, data & X_MASK << Y_SHIFT);
            beyond | (x_max - x.cast_signed()) | (y_max - y.cast_signed())
        });
        let back = entries.array_windows().fold(0, |back, [before, after]| {
            back | (i64::from(halves(after).0) - i64::from(halves(before).0))
        });
        beyond >= 0 && back >= 0
    }
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

    /// Block by block: the common case at once, anything else entry by entry.
    fn read_all(
        &mut self,
        entries: &[[u8; ENTRY_BYTES]],
        offset: u64,
        out: &mut Vec<CameraEvent>,
    ) -> Result<(), Fault> {
        out.reserve(entries.len());
        let is_usual = !self.is_first_version && !self.are_triggers;
        let mut at = offset;
        for block in entries.chunks(BLOCK_ENTRIES) {
            if is_usual && self.are_common(block) {
                let turns_us = self.clock.turns_us();
                out.extend(block.iter().map(|entry| {
                    let (low_us, data) = halves(entry);
                    event(turns_us | u64::from(low_us), data)
                }));
                if let Some(last) = block.last() {
                    self.clock.carry_on(halves(last).0);
                }
                self.counts.events += block.len() as u64;
            } else {
                for (index, entry) in (0..).zip(block) {
                    self.read(entry, at + index * ENTRY_BYTES as u64, out)?;
                }
            }
            at += (block.len() * ENTRY_BYTES) as u64;
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
