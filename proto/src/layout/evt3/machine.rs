//! What an EVT3 stream carries from word to word, and what each word does to it.
//!
//! Invariant: `placed` says whether an event of a column on the sensor would be given out: time
//! and row are known, and the row is on the sensor. So the common words test one flag, and why an
//! event was dropped is worked out only where one is. Events given out are counted by the caller,
//! from the length of the output.

use super::{KIND_SHIFT, ON, PIXEL_MAX, TIME_BITS, TIME_MASK, kind};
use crate::layout::{
    Geometry, StateError,
    camera::CameraEvent,
    state::{Reader, Writer},
    time_high,
    words::WordCounts,
};

/// Every pixel that a word can name.
const WIDEST: Geometry = Geometry { width: PIXEL_MAX + 1, height: PIXEL_MAX + 1 };

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Machine {
    /// Time without TIME_LOW, from the first TIME_HIGH on.
    high: Option<u64>,
    t_us: u64,
    row: Option<u16>,
    placed: bool,
    /// Column of the next vector's first bit. Before the first base, one off every sensor.
    base_x: u16,
    base_on: bool,
    sensor: Geometry,
    pub(super) counts: WordCounts,
}

impl Machine {
    /// Size in a snapshot, in bytes.
    pub(super) const STATE_BYTES: usize = 9 + 2 + 9 + 2 + 1 + 4 + WordCounts::STATE_BYTES;

    pub(super) const fn new() -> Self {
        Self {
            high: None,
            t_us: 0,
            row: None,
            placed: false,
            base_x: u16::MAX,
            base_on: false,
            sensor: WIDEST,
            counts: WordCounts::from_array([0; 7]),
        }
    }

    pub(super) fn clip_to(&mut self, sensor: Geometry) {
        self.sensor = sensor;
        self.place();
    }

    #[inline]
    pub(super) fn read(&mut self, word: u16, out: &mut Vec<CameraEvent>) {
        match word >> KIND_SHIFT {
            kind::EVENT => self.emit(word & PIXEL_MAX, word & ON != 0, out),
            kind::ROW => {
                self.row = Some(word & PIXEL_MAX);
                self.place();
            }
            kind::VECTOR_BASE => {
                self.base_x = word & PIXEL_MAX;
                self.base_on = word & ON != 0;
            }
            kind::VECTOR_12 => self.emit_vector(word & 0xFFF, 12, out),
            kind::VECTOR_8 => self.emit_vector(word & 0xFF, 8, out),
            kind::TIME_LOW => self.set_time_low(word & TIME_MASK),
            kind::TIME_HIGH => self.set_time_high(word & TIME_MASK),
            kind::TRIGGER => self.counts.triggers += 1,
            kind::CONTINUED_4 | kind::OTHER | kind::CONTINUED_12 => self.counts.other += 1,
            _ => self.counts.unknown += 1,
        }
    }

    #[inline]
    fn emit(&mut self, x: u16, on: bool, out: &mut Vec<CameraEvent>) {
        match self.row {
            Some(y) if self.placed && x < self.sensor.width => {
                out.push(CameraEvent { t_us: self.t_us, x, y, on });
            }
            _ => self.count_dropped(1),
        }
    }

    #[expect(clippy::cast_possible_truncation, reason = "a bit's number is below 12")]
    #[inline]
    fn emit_vector(&mut self, mask: u16, columns: u16, out: &mut Vec<CameraEvent>) {
        let base_x = self.base_x;
        self.base_x = base_x.saturating_add(columns);
        let columns_inside = self.sensor.width.saturating_sub(base_x).min(columns);
        let (mut left, y) = match self.row {
            Some(y) if self.placed => (mask & ((1 << columns_inside) - 1), y),
            _ => (0, 0),
        };
        if left != mask {
            self.count_dropped((mask ^ left).count_ones());
        }
        while left != 0 {
            let x = base_x + left.trailing_zeros() as u16;
            out.push(CameraEvent { t_us: self.t_us, x, y, on: self.base_on });
            left &= left - 1;
        }
    }

    #[cold]
    fn count_dropped(&mut self, events: u32) {
        let counter = match (self.high, self.row) {
            (Some(_), Some(_)) => &mut self.counts.outside,
            _ => &mut self.counts.unplaced,
        };
        *counter += u64::from(events);
    }

    fn set_time_low(&mut self, word: u16) {
        self.t_us = self.t_us & !u64::from(TIME_MASK) | u64::from(word);
    }

    fn set_time_high(&mut self, word: u16) {
        let before = self.high.unwrap_or_default();
        let high = match self.high {
            None => u64::from(word),
            Some(before) => time_high::unwrapped::<TIME_BITS>(before, word.into()),
        };
        self.counts.backward += u64::from(high < before);
        if self.high != Some(high) {
            self.high = Some(high);
            self.t_us = high << TIME_BITS;
            self.place();
        }
    }

    fn place(&mut self) {
        let row_inside = self.row.is_some_and(|y| y < self.sensor.height);
        self.placed = self.high.is_some() && row_inside;
    }

    pub(super) fn save(&self, writer: &mut Writer<'_>) {
        writer.put_option(self.high);
        writer.put(&(self.t_us & u64::from(TIME_MASK)).to_le_bytes()[..2]);
        writer.put_option(self.row.map(u64::from));
        writer.put(&self.base_x.to_le_bytes());
        writer.put(&[u8::from(self.base_on)]);
        writer.put(&self.sensor.width.to_le_bytes());
        writer.put(&self.sensor.height.to_le_bytes());
        writer.put_counts(&self.counts);
    }

    pub(super) fn load(reader: &mut Reader<'_>) -> Result<Self, StateError> {
        let high = reader.take_option("time")?;
        let time_low = reader.take_u16("low part of time", TIME_MASK)?;
        let row = match reader.take_option("row")? {
            None => None,
            Some(row) => Some(
                u16::try_from(row)
                    .ok()
                    .filter(|&row| row <= PIXEL_MAX)
                    .ok_or(StateError::Field { field: "row", value: row })?,
            ),
        };
        let mut machine = Self {
            high,
            t_us: high.unwrap_or_default() << TIME_BITS | u64::from(time_low),
            row,
            placed: false,
            base_x: reader.take_u16("vector base", u16::MAX)?,
            base_on: reader.take_flag("vector polarity")?,
            sensor: Geometry {
                width: reader.take_u16("width", u16::MAX)?,
                height: reader.take_u16("height", u16::MAX)?,
            },
            counts: reader.take_counts()?,
        };
        machine.place();
        Ok(machine)
    }
}
