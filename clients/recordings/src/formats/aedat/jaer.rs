//! AEDAT 1 and 2, of jAER: text lines, then entries of an address and a time, **big-endian**.
//!
//! | version | an entry |
//! |---|---|
//! | 1 | `u16` address, `i32` t \[µs\] |
//! | 2 | `u32` address, `i32` t \[µs\] |
//!
//! | chip | an address |
//! |---|---|
//! | DVS128 | bit 15 special; y in bits 14 to 8, x in 7 to 1, polarity in 0 |
//! | DAVIS | bit 31 an image or inertial sample; else y in 30 to 22, x in 21 to 12, polarity in 11, bit 10 special |
//!
//! Rows count from the bottom, columns of a DAVIS from the right; events leave here from the top left.
//! Times go round every 71.6 minutes.

use super::{entries, lines, sensor_of};
use crate::{
    CameraEvent, Fault, Geometry, WordCounts,
    clock::Clock32,
    formats::{
        Beginning, Decode, Format,
        records::{Record, Records},
    },
};

pub(in crate::formats) fn begin(
    first: &[u8],
    is_whole_file: bool,
    format: Format,
) -> Result<Beginning, Fault> {
    let (lines, length) = lines(first, is_whole_file)?;
    let header = entries(&lines);
    let chip = header.iter().find(|(key, _)| key == "AEChip").map(|(_, chip)| chip.as_str());
    // Version 1 is older than any other chip.
    let named = chip.unwrap_or(if format == Format::Aedat1 { "DVS128" } else { "" });
    let layout =
        if named.to_ascii_uppercase().contains("DAVIS") { Layout::Davis } else { Layout::Dvs128 };
    let Some(sensor) = sensor_of(named) else {
        let (key, value) = ("AEChip".to_owned(), named.to_owned());
        return Err(Fault::HeaderValue { key, value, expected: "expected DVS128 or a DAVIS" });
    };
    let (clock, counts) = (Clock32::default(), WordCounts::default());
    let entries = Entries { layout, sensor, clock, counts };
    let decoder: Box<dyn Decode> = match format {
        Format::Aedat1 => Box::new(Records::<_, 6>::new(entries)),
        _ => Box::new(Records::<_, 8>::new(entries)),
    };
    Ok(Beginning { format, geometry: Some(sensor), header, length, decoder })
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Layout {
    Dvs128,
    Davis,
}

struct Entries {
    layout: Layout,
    sensor: Geometry,
    clock: Clock32,
    counts: WordCounts,
}

impl Entries {
    #[inline]
    fn take(
        &mut self,
        address: u32,
        time: u32,
        offset: u64,
        out: &mut Vec<CameraEvent>,
    ) -> Result<(), Fault> {
        let t_us = self.clock.carry_on(time);
        #[expect(clippy::cast_possible_truncation, reason = "10 bits at most")]
        let bits = |from: u32, count: u32| (address >> from & ((1 << count) - 1)) as u16;
        let (is_other, is_special) = match self.layout {
            Layout::Dvs128 => (false, bits(15, 1) != 0),
            Layout::Davis => (bits(31, 1) != 0, bits(10, 1) != 0),
        };
        if is_other || is_special {
            self.counts.other += u64::from(is_other);
            self.counts.triggers += u64::from(!is_other);
            return Ok(());
        }
        let [x, y, polarity] = match self.layout {
            Layout::Dvs128 => [bits(1, 7), bits(8, 7), bits(0, 1)],
            Layout::Davis => [bits(12, 10), bits(22, 9), bits(11, 1)],
        };
        let geometry = self.sensor;
        if !geometry.contains(x, y) {
            return Err(Fault::PixelOffSensor { x, y, geometry, offset });
        }
        let x = if self.layout == Layout::Davis { geometry.width - 1 - x } else { x };
        self.counts.events += 1;
        out.push(CameraEvent { t_us, x, y: geometry.height - 1 - y, on: polarity != 0 });
        Ok(())
    }
}

impl Record<6> for Entries {
    #[inline]
    fn read(
        &mut self,
        &[a0, a1, t0, t1, t2, t3]: &[u8; 6],
        offset: u64,
        out: &mut Vec<CameraEvent>,
    ) -> Result<(), Fault> {
        let (address, time) = (u16::from_be_bytes([a0, a1]), u32::from_be_bytes([t0, t1, t2, t3]));
        self.take(address.into(), time, offset, out)
    }

    fn set_geometry(&mut self, geometry: Geometry) {
        self.sensor = geometry;
    }

    fn counts(&self) -> &WordCounts {
        &self.counts
    }
}

impl Record<8> for Entries {
    #[inline]
    fn read(
        &mut self,
        &[a0, a1, a2, a3, t0, t1, t2, t3]: &[u8; 8],
        offset: u64,
        out: &mut Vec<CameraEvent>,
    ) -> Result<(), Fault> {
        let address = u32::from_be_bytes([a0, a1, a2, a3]);
        self.take(address, u32::from_be_bytes([t0, t1, t2, t3]), offset, out)
    }

    fn set_geometry(&mut self, geometry: Geometry) {
        self.sensor = geometry;
    }

    fn counts(&self) -> &WordCounts {
        &self.counts
    }
}
