//! Prophesee DAT, version 2. Its layout stands where it is read.
//!
//! Times are written with 32 bits, and readers carry them on: events must not be out of order, nor
//! further apart, than by half an hour.

use std::io::Write;

use super::{WriteError, on_sensor};
use crate::{CameraEvent, Geometry};

const KIND_CD: u8 = 0x0C;
const ENTRY_BYTES: u8 = 8;
/// Half the range of the times.
const STEP_US_MAX: u64 = 1 << 31;
/// Pixels have 14 bits a side.
const SIDE_MAX: u16 = 1 << 14;

/// Writes a DAT file of camera events.
#[derive(Debug)]
pub struct Writer<W> {
    sink: W,
    geometry: Geometry,
    last_us: Option<u64>,
    bytes: Vec<u8>,
}

impl<W: Write> Writer<W> {
    /// Writes the header.
    ///
    /// # Errors
    ///
    /// The sink refuses.
    pub fn new(mut sink: W, geometry: Geometry) -> Result<Self, WriteError> {
        let Geometry { width, height } = geometry;
        write!(sink, "% Data file containing CD events.\n% Version 2\n")?;
        write!(sink, "% Width {width}\n% Height {height}\n")?;
        sink.write_all(&[KIND_CD, ENTRY_BYTES])?;
        Ok(Self { sink, geometry, last_us: None, bytes: Vec::new() })
    }

    /// Writes further events.
    ///
    /// # Errors
    ///
    /// The first event that the format cannot hold, or the sink refuses.
    pub fn write(&mut self, events: &[CameraEvent]) -> Result<(), WriteError> {
        let (events, fault) = on_sensor(events, Some(self.geometry));
        self.bytes.clear();
        let encoded = events
            .iter()
            .enumerate()
            .try_for_each(|(position, &event)| self.encode(position, event));
        self.sink.write_all(&self.bytes)?;
        encoded?;
        fault.map_or(Ok(()), Err)
    }

    fn encode(&mut self, position: usize, event: CameraEvent) -> Result<(), WriteError> {
        let CameraEvent { t_us, x, y, on } = event;
        if x.max(y) >= SIDE_MAX {
            return Err(WriteError::PixelTooLarge { position, x, y, bits: 14 });
        }
        // A reader takes the first time as it stands.
        let last_us = self.last_us.unwrap_or(0);
        if last_us.saturating_sub(t_us) >= STEP_US_MAX {
            return Err(WriteError::Backward { position, t_us, last_us });
        }
        let first_turn_needed = self.last_us.is_none() && t_us > u64::from(u32::MAX);
        if first_turn_needed
            || self.last_us.is_some() && t_us.saturating_sub(last_us) >= STEP_US_MAX
        {
            return Err(WriteError::Gap { position, t_us, last_us });
        }
        #[expect(clippy::cast_possible_truncation, reason = "readers carry the rest on")]
        let low_us = t_us as u32;
        let data = u32::from(on) << 28 | u32::from(y) << 14 | u32::from(x);
        self.bytes.extend_from_slice(&low_us.to_le_bytes());
        self.bytes.extend_from_slice(&data.to_le_bytes());
        self.last_us = Some(last_us.max(t_us));
        Ok(())
    }

    /// Hands on what the sink still holds, and gives it back.
    ///
    /// # Errors
    ///
    /// The sink refuses.
    pub fn finish(mut self) -> Result<W, WriteError> {
        self.sink.flush()?;
        Ok(self.sink)
    }
}
