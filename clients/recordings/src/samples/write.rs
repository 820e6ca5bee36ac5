//! Writes the spikes of samples, at addresses: text of `t_us,address`, or a NumPy archive of `t` (`<i8`,
//! µs) and `address` (`<u4`).

use std::{fmt, io::Write};

use super::AddressEvent;
use crate::write::{
    Kind, WriteError,
    npz::{Arrays, Column},
};

/// Of a spike in the temporary file of an archive.
const SPIKE_BYTES: usize = 12;
const COLUMNS: [Column; 2] = [
    Column { name: "t", kind: "<i8", at: 0, bytes: 8 },
    Column { name: "address", kind: "<u4", at: 8, bytes: 4 },
];

/// Writes spikes in a format that was chosen while the program runs.
pub struct Writer<W>(Sink<W>);

enum Sink<W> {
    Csv(W, Vec<u8>),
    Npz(Arrays<W, SPIKE_BYTES>),
}

impl<W> fmt::Debug for Writer<W> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Writer").finish()
    }
}

impl<W: Write> Writer<W> {
    /// Begins; `None` for a format that is of cameras.
    ///
    /// # Errors
    ///
    /// The sink refuses, or no temporary file can be made.
    pub fn new(kind: Kind, mut sink: W) -> Result<Option<Self>, WriteError> {
        Ok(match kind {
            Kind::Csv => {
                sink.write_all(b"t_us,address\n")?;
                Some(Self(Sink::Csv(sink, Vec::new())))
            }
            Kind::Npz => Some(Self(Sink::Npz(Arrays::new(sink)?))),
            _ => None,
        })
    }

    /// Writes further spikes.
    ///
    /// # Errors
    ///
    /// The sink refuses, or a time is beyond what NumPy's integers hold.
    pub fn write(&mut self, spikes: &[AddressEvent]) -> Result<(), WriteError> {
        match &mut self.0 {
            Sink::Csv(sink, lines) => {
                lines.clear();
                for AddressEvent { time, index } in spikes {
                    writeln!(lines, "{time},{index}")?;
                }
                sink.write_all(lines)?;
            }
            Sink::Npz(arrays) => {
                for (position, &AddressEvent { time, index }) in spikes.iter().enumerate() {
                    if i64::try_from(time).is_err() {
                        return Err(WriteError::Gap { position, t_us: time, last_us: 0 });
                    }
                    let mut spike = [0; SPIKE_BYTES];
                    spike[..8].copy_from_slice(&time.to_le_bytes());
                    spike[8..].copy_from_slice(&index.to_le_bytes());
                    arrays.put(&spike)?;
                }
            }
        }
        Ok(())
    }

    /// Ends the file, and gives its sink back.
    ///
    /// # Errors
    ///
    /// The sink refuses.
    pub fn finish(self) -> Result<W, WriteError> {
        match self.0 {
            Sink::Csv(mut sink, _) => {
                sink.flush()?;
                Ok(sink)
            }
            Sink::Npz(arrays) => arrays.finish(&COLUMNS),
        }
    }
}
