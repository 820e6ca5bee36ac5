//! A recording of touch as a NumPy archive: `frames` (`<f4`, [frame, whisker, component]), `names`,
//! `period_ns` and, where it is known, `contacts` ([frame, whisker]).
//!
//! An array's length stands before its elements, so frames wait in a temporary file until the end:
//! memory does not grow with the recording.

use std::{
    fs::File,
    io::{self, BufReader, BufWriter, Read, Seek as _, Write},
};

use zip::{ZipWriter, write::SimpleFileOptions};

use crate::{
    touch::COMPONENTS,
    write::{WriteError, npz::header},
};

/// Of the temporary file, on its way in and out.
const BUFFER_BYTES: usize = 1 << 18;

/// Writes an archive that [`TouchRecording`](crate::touch::TouchRecording) reads.
#[derive(Debug)]
pub struct Writer<W> {
    sink: W,
    whiskers: Vec<String>,
    period_ns: u64,
    waiting: BufWriter<File>,
    values: u64,
}

impl<W: Write> Writer<W> {
    /// Begins an archive of whiskers with names such as "RA0", so much time between frames \[ns\].
    ///
    /// # Errors
    ///
    /// No temporary file can be made.
    pub fn new(sink: W, whiskers: &[String], period_ns: u64) -> Result<Self, WriteError> {
        let waiting = BufWriter::with_capacity(BUFFER_BYTES, tempfile::tempfile()?);
        Ok(Self { sink, whiskers: whiskers.to_vec(), period_ns, waiting, values: 0 })
    }

    /// Takes the values of further frames, [frame, whisker, component], whole frames.
    ///
    /// # Errors
    ///
    /// The temporary file cannot grow.
    pub fn write(&mut self, values: &[f32]) -> Result<(), WriteError> {
        for value in values {
            self.waiting.write_all(&value.to_le_bytes())?;
        }
        self.values += values.len() as u64;
        Ok(())
    }

    /// Writes the archive, and gives its sink back. `contacts` say whether a whisker touches something,
    /// [frame, whisker]; empty where nobody knows.
    ///
    /// # Errors
    ///
    /// The sink refuses.
    pub fn finish(self, contacts: &[bool]) -> Result<W, WriteError> {
        let Self { sink, whiskers, period_ns, waiting, values } = self;
        let mut waiting = waiting.into_inner().map_err(io::IntoInnerError::into_error)?;
        waiting.rewind()?;
        let mut archive = ZipWriter::new_stream(sink);
        let options = SimpleFileOptions::default()
            .compression_method(zip::CompressionMethod::Stored)
            .large_file(true);
        let mut array = |name: &str, kind: &str, shape: &[usize], bytes: &mut dyn Read| {
            archive.start_file(format!("{name}.npy"), options).map_err(io::Error::from)?;
            archive.write_all(&header(kind, shape))?;
            io::copy(bytes, &mut archive)?;
            Ok::<_, WriteError>(())
        };
        let frame = (whiskers.len() * COMPONENTS).max(1);
        let frames = usize::try_from(values).unwrap_or(usize::MAX) / frame;
        let shape = [frames, whiskers.len(), COMPONENTS];
        let mut waiting = BufReader::with_capacity(BUFFER_BYTES, waiting);
        array("frames", "<f4", &shape, &mut waiting)?;
        let (kind, names) = text(&whiskers);
        array("names", &kind, &[whiskers.len()], &mut names.as_slice())?;
        array("period_ns", "<u8", &[1], &mut period_ns.to_le_bytes().as_slice())?;
        if !contacts.is_empty() {
            let flags: Vec<u8> = contacts.iter().map(|&touches| touches.into()).collect();
            array("contacts", "|b1", &shape[..2], &mut flags.as_slice())?;
        }
        let mut sink = archive.finish().map_err(io::Error::from)?.into_inner();
        sink.flush()?;
        Ok(sink)
    }
}

/// Names as NumPy keeps text: all of the longest one's length, four bytes a character.
fn text(names: &[String]) -> (String, Vec<u8>) {
    let characters = names.iter().map(|name| name.chars().count()).max().unwrap_or(1);
    let padded = |name: &String| {
        let letters = name.chars().map(u32::from).chain(std::iter::repeat(0));
        letters.take(characters).flat_map(u32::to_le_bytes).collect::<Vec<u8>>()
    };
    (format!("<U{characters}"), names.iter().flat_map(padded).collect())
}
