//! `.bin` of an ATIS camera, as N-MNIST (34 x 34) and N-Caltech101 use it: entries of 5 bytes and
//! nothing else, so that only the name tells.
//!
//! x, y, then big-endian in 3 bytes the polarity (top bit) and t \[µs\] (23 bits). A row of 240 is no
//! event but says that 2^13 µs have passed that no time of the file counts.

use super::{
    Beginning, Format,
    records::{Record, Records, Sensor},
};
use crate::{CameraEvent, Fault, Geometry, WordCounts};

const ENTRY_BYTES: usize = 5;
const OVERFLOW_ROW: u8 = 240;
const OVERFLOW_US: u64 = 1 << 13;
const ON: u8 = 1 << 7;

pub(super) fn begin() -> Beginning {
    let entries = Entries { passed_us: 0, sensor: Sensor(None), counts: WordCounts::default() };
    Beginning {
        format: Format::AtisBin,
        geometry: None,
        header: Vec::new(),
        length: 0,
        decoder: Box::new(Records::new(entries)),
    }
}

struct Entries {
    passed_us: u64,
    sensor: Sensor,
    counts: WordCounts,
}

impl Record<ENTRY_BYTES> for Entries {
    #[inline]
    fn read(
        &mut self,
        &[x, y, high, middle, low]: &[u8; ENTRY_BYTES],
        offset: u64,
        out: &mut Vec<CameraEvent>,
    ) -> Result<(), Fault> {
        if y == OVERFLOW_ROW {
            self.passed_us += OVERFLOW_US;
            self.counts.other += 1;
            return Ok(());
        }
        let (x, y) = (x.into(), y.into());
        self.sensor.check(x, y, offset)?;
        let t_us = u64::from(u32::from_be_bytes([0, high & !ON, middle, low]));
        self.counts.events += 1;
        out.push(CameraEvent { t_us: self.passed_us + t_us, x, y, on: high & ON != 0 });
        Ok(())
    }

    fn set_geometry(&mut self, geometry: Geometry) {
        self.sensor = Sensor(Some(geometry));
    }

    fn counts(&self) -> &WordCounts {
        &self.counts
    }
}
