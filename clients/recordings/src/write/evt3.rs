//! Prophesee RAW with EVT3 words, behind a header of the newer form.

use std::io::Write;

use spiked_proto::layout::evt3::Encoder;

use super::{WriteError, on_sensor};
use crate::{CameraEvent, Geometry};

/// Writes a RAW file with EVT3 words.
#[derive(Debug)]
pub struct Writer<W> {
    sink: W,
    geometry: Option<Geometry>,
    encoder: Encoder,
    words: Vec<u8>,
}

impl<W: Write> Writer<W> {
    /// Writes the header, with the sensor's size if it is given.
    ///
    /// # Errors
    ///
    /// The sink refuses.
    pub fn new(mut sink: W, geometry: Option<Geometry>) -> Result<Self, WriteError> {
        writeln!(sink, "% evt 3.0")?;
        if let Some(Geometry { width, height }) = geometry {
            writeln!(sink, "% format EVT3;height={height};width={width}")?;
            writeln!(sink, "% geometry {width}x{height}")?;
        }
        writeln!(sink, "% end")?;
        Ok(Self { sink, geometry, encoder: Encoder::new(), words: Vec::new() })
    }

    /// Writes further events.
    ///
    /// # Errors
    ///
    /// The first event that the format cannot hold, or the sink refuses.
    pub fn write(&mut self, events: &[CameraEvent]) -> Result<(), WriteError> {
        let (events, fault) = on_sensor(events, self.geometry);
        self.words.clear();
        let encoded = self.encoder.encode(events, &mut self.words);
        self.sink.write_all(&self.words)?;
        encoded?;
        fault.map_or(Ok(()), Err)
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
