//! A recording of touch as a folder like WHISKiT's: `whisker_ID.csv` with the names, and
//! `dynamics/{Fx,…,Mz}.csv` with a line a frame and a column a whisker, each column ended by a comma.
//!
//! Such a folder says nothing of the time between its frames.

use std::{
    fs::{self, File},
    io::{BufWriter, Write as _},
    path::Path,
};

use crate::{
    touch::{COMPONENTS, whiskit},
    write::WriteError,
};

const BUFFER_BYTES: usize = 1 << 16;

/// Writes a folder that [`TouchRecording`](crate::touch::TouchRecording) reads, and WHISKiT's own tools.
#[derive(Debug)]
pub struct Writer {
    files: [BufWriter<File>; COMPONENTS],
    /// Values of a frame.
    frame: usize,
    line: Vec<u8>,
}

impl Writer {
    /// Makes the files in a folder that is there, for whiskers with names such as "RA0".
    ///
    /// # Errors
    ///
    /// A file cannot be made.
    pub fn new(folder: &Path, whiskers: &[String]) -> Result<Self, WriteError> {
        let names: String = whiskers.iter().flat_map(|name| [name, ",\n"]).collect();
        fs::write(folder.join(whiskit::IDS), names)?;
        let dynamics = folder.join(whiskit::DYNAMICS);
        fs::create_dir(&dynamics)?;
        let make = |component| File::create(dynamics.join(format!("{component}.csv")));
        let [fx, fy, fz, mx, my, mz] = whiskit::COMPONENT_NAMES.map(make);
        let files = [fx?, fy?, fz?, mx?, my?, mz?];
        let files = files.map(|file| BufWriter::with_capacity(BUFFER_BYTES, file));
        Ok(Self { files, frame: whiskers.len() * COMPONENTS, line: Vec::new() })
    }

    /// Writes the values of further frames, [frame, whisker, component], whole frames. Each stands with as
    /// many digits as it takes to read it back to the last bit.
    ///
    /// # Errors
    ///
    /// A file cannot grow.
    pub fn write(&mut self, values: &[f32]) -> Result<(), WriteError> {
        for frame in values.chunks_exact(self.frame.max(1)) {
            for (component, file) in self.files.iter_mut().enumerate() {
                self.line.clear();
                for value in frame.iter().skip(component).step_by(COMPONENTS) {
                    write!(self.line, "{value},")?;
                }
                self.line.push(b'\n');
                file.write_all(&self.line)?;
            }
        }
        Ok(())
    }

    /// Ends the files.
    ///
    /// # Errors
    ///
    /// A file cannot grow.
    pub fn finish(mut self) -> Result<(), WriteError> {
        self.files.iter_mut().try_for_each(|file| Ok(file.flush()?))
    }
}
