//! `.es`, Event Stream 2, of type dvs. Its layout stands where it is read.
//!
//! Times count from 0 and only go forward, 127 µs to a byte where nothing happens: write a
//! recording that begins late with times counted from its start.

use std::io::Write;

use super::WriteError;
use crate::{CameraEvent, Geometry};

const OVERFLOW: u8 = 0xFF;
const OVERFLOW_US: u64 = 127;

/// 34 MB of padding.
const GAP_US_MAX: u64 = u32::MAX as u64;

/// Writes an Event Stream of type dvs.
#[derive(Debug)]
pub struct Writer<W> {
    sink: W,
    geometry: Geometry,
    last_us: u64,
    bytes: Vec<u8>,
}

impl<W: Write> Writer<W> {
    /// Writes the header.
    ///
    /// # Errors
    ///
    /// The sink refuses.
    pub fn new(mut sink: W, geometry: Geometry) -> Result<Self, WriteError> {
        sink.write_all(b"Event Stream\x02\x00\x00\x01")?;
        sink.write_all(&geometry.width.to_le_bytes())?;
        sink.write_all(&geometry.height.to_le_bytes())?;
        Ok(Self { sink, geometry, last_us: 0, bytes: Vec::new() })
    }

    /// Writes further events.
    ///
    /// # Errors
    ///
    /// The first event that the format cannot hold, or the sink refuses.
    pub fn write(&mut self, events: &[CameraEvent]) -> Result<(), WriteError> {
        self.bytes.clear();
        let encoded = events
            .iter()
            .enumerate()
            .try_for_each(|(position, &event)| self.encode(position, event));
        self.sink.write_all(&self.bytes)?;
        encoded
    }

    #[expect(clippy::cast_possible_truncation, reason = "the step is below 127 µs by then")]
    fn encode(&mut self, position: usize, event: CameraEvent) -> Result<(), WriteError> {
        let CameraEvent { t_us, x, y, on } = event;
        let (geometry, last_us) = (self.geometry, self.last_us);
        if !geometry.contains(x, y) {
            return Err(WriteError::PixelOffSensor { position, x, y, geometry });
        }
        let Some(mut step_us) = t_us.checked_sub(last_us) else {
            return Err(WriteError::Backward { position, t_us, last_us });
        };
        if step_us > GAP_US_MAX {
            return Err(WriteError::Gap { position, t_us, last_us });
        }
        while step_us >= OVERFLOW_US {
            self.bytes.push(OVERFLOW);
            step_us -= OVERFLOW_US;
        }
        self.bytes.push((step_us as u8) << 1 | u8::from(on));
        self.bytes.extend_from_slice(&x.to_le_bytes());
        self.bytes.extend_from_slice(&(geometry.height - 1 - y).to_le_bytes());
        self.last_us = t_us;
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
