//! Events as comma-separated text: `t_us,x,y,polarity`, polarity 1 for ON and 0 for OFF.

use std::io::Write;

use super::WriteError;
use crate::CameraEvent;

/// Writes events as lines of text.
#[derive(Debug)]
pub struct Writer<W> {
    sink: W,
    lines: Vec<u8>,
}

impl<W: Write> Writer<W> {
    /// Writes the header line.
    ///
    /// # Errors
    ///
    /// The sink refuses.
    pub fn new(mut sink: W) -> Result<Self, WriteError> {
        sink.write_all(b"t_us,x,y,polarity\n")?;
        Ok(Self { sink, lines: Vec::new() })
    }

    /// Writes further events.
    ///
    /// # Errors
    ///
    /// The sink refuses.
    pub fn write(&mut self, events: &[CameraEvent]) -> Result<(), WriteError> {
        self.lines.clear();
        for &CameraEvent { t_us, x, y, on } in events {
            writeln!(self.lines, "{t_us},{x},{y},{}", u8::from(on))?;
        }
        Ok(self.sink.write_all(&self.lines)?)
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
