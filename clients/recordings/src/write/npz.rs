//! An archive of NumPy arrays `t` (`<i8`, µs), `x` and `y` (`<u2`) and `p` (`|u1`, 1 for ON), of one
//! length: `numpy.load` gives them by name.
//!
//! An array's length stands before its elements, so they wait in a temporary file until the end, which
//! holds as much as the archive: memory does not grow with the recording.

use std::{
    fs::File,
    io::{BufReader, BufWriter, Read as _, Seek as _, Write},
};

use zip::{ZipWriter, write::SimpleFileOptions};

use super::WriteError;
use crate::CameraEvent;

/// A header of an array takes this many bytes, as NumPy pads it.
const HEADER_BYTES: usize = 128;
/// Of an event in the temporary file.
const EVENT_BYTES: usize = 13;

const COLUMNS: [Column; 4] = [
    Column { name: "t", kind: "<i8", at: 0, bytes: 8 },
    Column { name: "x", kind: "<u2", at: 8, bytes: 2 },
    Column { name: "y", kind: "<u2", at: 10, bytes: 2 },
    Column { name: "p", kind: "|u1", at: 12, bytes: 1 },
];

/// One array: its name, its type, and which bytes of an event in the temporary file are its elements.
pub(crate) struct Column {
    pub(crate) name: &'static str,
    pub(crate) kind: &'static str,
    pub(crate) at: usize,
    pub(crate) bytes: usize,
}

/// Writes an archive of arrays.
#[derive(Debug)]
pub struct Writer<W>(Arrays<W, EVENT_BYTES>);

impl<W: Write> Writer<W> {
    /// Makes the temporary file.
    ///
    /// # Errors
    ///
    /// No temporary file can be made.
    pub fn new(sink: W) -> Result<Self, WriteError> {
        Arrays::new(sink).map(Self)
    }

    /// Takes further events.
    ///
    /// # Errors
    ///
    /// A time beyond what NumPy's integers hold, or the temporary file cannot grow.
    pub fn write(&mut self, events: &[CameraEvent]) -> Result<(), WriteError> {
        for (position, &CameraEvent { t_us, x, y, on }) in events.iter().enumerate() {
            if i64::try_from(t_us).is_err() {
                return Err(WriteError::Gap { position, t_us, last_us: 0 });
            }
            let mut event = [0; EVENT_BYTES];
            event[..8].copy_from_slice(&t_us.to_le_bytes());
            event[8..10].copy_from_slice(&x.to_le_bytes());
            event[10..12].copy_from_slice(&y.to_le_bytes());
            event[12] = on.into();
            self.0.put(&event)?;
        }
        Ok(())
    }

    /// Writes the archive, and gives the sink back.
    ///
    /// # Errors
    ///
    /// The sink refuses.
    pub fn finish(self) -> Result<W, WriteError> {
        self.0.finish(&COLUMNS)
    }
}

/// Events of so many bytes each, which become an array a column.
#[derive(Debug)]
pub(crate) struct Arrays<W, const BYTES: usize> {
    sink: W,
    waiting: BufWriter<File>,
    events: usize,
}

impl<W: Write, const BYTES: usize> Arrays<W, BYTES> {
    pub(crate) fn new(sink: W) -> Result<Self, WriteError> {
        let waiting = BufWriter::with_capacity(1 << 18, tempfile::tempfile()?);
        Ok(Self { sink, waiting, events: 0 })
    }

    pub(crate) fn put(&mut self, event: &[u8; BYTES]) -> Result<(), WriteError> {
        self.waiting.write_all(event)?;
        self.events += 1;
        Ok(())
    }

    pub(crate) fn finish(self, columns: &[Column]) -> Result<W, WriteError> {
        let mut waiting = self.waiting.into_inner().map_err(std::io::IntoInnerError::into_error)?;
        let mut archive = ZipWriter::new_stream(self.sink);
        let options = SimpleFileOptions::default()
            .compression_method(zip::CompressionMethod::Stored)
            .large_file(true);
        for &Column { name, kind, at, bytes } in columns {
            archive.start_file(format!("{name}.npy"), options).map_err(refused)?;
            archive.write_all(&header(kind, &[self.events]))?;
            waiting.rewind()?;
            let mut reader = BufReader::with_capacity(1 << 18, &mut waiting);
            let (mut event, mut elements) = ([0; BYTES], Vec::with_capacity(1 << 16));
            for _ in 0..self.events {
                reader.read_exact(&mut event)?;
                elements.extend_from_slice(&event[at..at + bytes]);
                if elements.len() + bytes > elements.capacity() {
                    archive.write_all(&elements)?;
                    elements.clear();
                }
            }
            archive.write_all(&elements)?;
        }
        let mut sink = archive.finish().map_err(refused)?.into_inner();
        sink.flush()?;
        Ok(sink)
    }
}

fn refused(error: zip::result::ZipError) -> WriteError {
    WriteError::Io(error.into())
}

/// Version 1 of the format, with its dictionary padded as NumPy does.
pub(crate) fn header(kind: &str, shape: &[usize]) -> Vec<u8> {
    // A single extent has a comma behind it, too.
    let extents: String = shape.iter().map(|extent| format!("{extent}, ")).collect();
    let extents =
        if shape.len() == 1 { extents.trim_end() } else { extents.trim_end_matches(", ") };
    let dictionary =
        format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': ({extents}), }}");
    let mut header = b"\x93NUMPY\x01\x00".to_vec();
    header.extend_from_slice(&u16::try_from(HEADER_BYTES - 10).unwrap_or(u16::MAX).to_le_bytes());
    header.extend_from_slice(dictionary.as_bytes());
    header.resize(HEADER_BYTES - 1, b' ');
    header.push(b'\n');
    header
}
