//! A folder as WHISKiT writes it: `whisker_ID.csv` with the names, and `dynamics/{Fx,…,Mz}.csv` with a
//! line a frame and a column a whisker, each column ended by a comma.

use std::{
    fs::File,
    io::{BufRead as _, BufReader, Read as _},
    path::Path,
};

use super::{COMPONENTS, Said, WHISKERS_MAX, checked};
use crate::{Error, Fault};

/// The file of names.
pub(super) const IDS: &str = "whisker_ID.csv";
/// The folder of forces and moments.
pub(super) const DYNAMICS: &str = "dynamics";
/// The folder of positions and contacts, which are not read.
const KINEMATICS: &str = "kinematics";
/// A file each, `NAME.csv`.
pub(super) const COMPONENT_NAMES: [&str; COMPONENTS] = ["Fx", "Fy", "Fz", "Mx", "My", "Mz"];
/// A line has at most so many bytes for a whisker, and a file of names.
const COLUMN_BYTES_MAX: u64 = 64;

/// The six files, side by side.
#[derive(Debug)]
pub(super) struct Folder {
    files: Vec<Lines>,
    whiskers: usize,
    /// Of one frame.
    frame: Vec<f32>,
    /// Of the six files together.
    bytes_total: u64,
}

/// One component's file.
#[derive(Debug)]
struct Lines {
    name: String,
    reader: BufReader<File>,
    line: Vec<u8>,
    /// Lines that were read.
    number: u64,
    /// Their bytes.
    bytes: u64,
}

impl Folder {
    pub(super) fn open(path: &Path) -> Result<(Self, Said), Error> {
        let whiskers = names(&path.join(IDS))?;
        let dynamics = path.join(DYNAMICS);
        let open = |component| Lines::open(&dynamics.join(format!("{component}.csv")));
        let files = COMPONENT_NAMES.into_iter().map(open).collect::<Result<Vec<_>, _>>()?;
        let length = |file: &Lines| file.reader.get_ref().metadata().map_or(0, |file| file.len());
        let bytes_total = files.iter().map(length).sum();
        let frame = vec![0.0; whiskers.len() * COMPONENTS];
        let folder = Self { files, whiskers: whiskers.len(), frame, bytes_total };
        let is_there = path.join(KINEMATICS).is_dir();
        let unread = is_there.then(|| KINEMATICS.to_owned()).into_iter().collect();
        Ok((folder, Said { whiskers, period_ns: None, frames: None, unread }))
    }

    /// Bytes of all files, and how many of them were read.
    pub(super) fn bytes(&self) -> (u64, u64) {
        (self.bytes_total, self.files.iter().map(|file| file.bytes).sum())
    }

    /// Appends so many frames, or those that are left, or those before what is wrong; that comes with
    /// the next call then.
    pub(super) fn read(&mut self, frames_max: usize, values: &mut Vec<f32>) -> Result<(), Error> {
        for frame in 0..frames_max {
            match self.next() {
                Ok(true) => values.extend_from_slice(&self.frame),
                Ok(false) => break,
                Err(error) if frame == 0 => return Err(error),
                // The line at fault stands where it was, and is read again.
                Err(_) => break,
            }
        }
        Ok(())
    }

    /// Reads one frame; false at the end.
    fn next(&mut self) -> Result<bool, Error> {
        for file in &mut self.files {
            file.fill(self.whiskers).map_err(|fault| file.fault(fault))?;
        }
        let ended = self.files.iter().position(|file| file.line.is_empty());
        if let Some(ended) = ended {
            if self.files.iter().all(|file| file.line.is_empty()) {
                return Ok(false);
            }
            let frames = self.files[ended].number;
            return Err(self.files[ended].fault(Fault::FewerFrames { frames }));
        }
        // A line that was cut may look whole; those beside it show that it isn't.
        let ending = self.files.iter().map(Lines::ending).max().unwrap_or_default();
        if let Some(file) = self.files.iter().find(|file| file.ending() != ending) {
            return Err(file.fault(Fault::LineCut { line: file.number + 1 }));
        }
        for (component, file) in self.files.iter_mut().enumerate() {
            let column = self.frame.iter_mut().skip(component).step_by(COMPONENTS);
            file.parse(self.whiskers, column).map_err(|fault| file.fault(fault))?;
        }
        for file in &mut self.files {
            file.number += 1;
            file.bytes += file.line.len() as u64;
            file.line.clear();
        }
        Ok(true)
    }
}

/// The names, with commas or ends of lines between them.
fn names(path: &Path) -> Result<Vec<String>, Error> {
    let with = |fault| Error { name: path.display().to_string(), fault };
    let read = || {
        let mut text = Vec::new();
        let bytes_max = COLUMN_BYTES_MAX * WHISKERS_MAX as u64;
        File::open(path)?.take(bytes_max).read_to_end(&mut text)?;
        let text = String::from_utf8_lossy(&text);
        let names = text.split([',', '\n']).map(str::trim).filter(|name| !name.is_empty());
        checked(names.map(str::to_owned).collect())
    };
    read().map_err(with)
}

impl Lines {
    fn open(path: &Path) -> Result<Self, Error> {
        let name = path.display().to_string();
        match File::open(path) {
            Ok(file) => Ok(Self {
                name,
                reader: BufReader::with_capacity(1 << 16, file),
                line: Vec::new(),
                number: 0,
                bytes: 0,
            }),
            Err(error) => Err(Error { name, fault: error.into() }),
        }
    }

    fn fault(&self, fault: Fault) -> Error {
        Error { name: self.name.clone(), fault }
    }

    /// Reads the next line, unless one is there that was not used.
    fn fill(&mut self, whiskers: usize) -> Result<(), Fault> {
        if self.line.is_empty() {
            let bytes_max = COLUMN_BYTES_MAX * (whiskers as u64 + 1);
            self.reader.by_ref().take(bytes_max).read_until(b'\n', &mut self.line)?;
        }
        Ok(())
    }

    /// Whether the line has its end, and a comma before it.
    fn ending(&self) -> (bool, bool) {
        (self.line.ends_with(b"\n"), self.line.trim_ascii_end().ends_with(b","))
    }

    fn parse<'a>(
        &self,
        whiskers: usize,
        values: impl Iterator<Item = &'a mut f32>,
    ) -> Result<(), Fault> {
        let line = self.number + 1;
        let text = self.line.trim_ascii_end();
        let text = text.strip_suffix(b",").unwrap_or(text);
        let found = text.split(|&byte| byte == b',').count();
        if found != whiskers {
            return Err(Fault::ShortLine { line, found, needed: whiskers });
        }
        for ((number, column), value) in (1..).zip(text.split(|&byte| byte == b',')).zip(values) {
            let parsed = str::from_utf8(column).ok().and_then(|column| column.trim().parse().ok());
            *value = parsed.ok_or_else(|| Fault::FrameValue {
                line,
                column: number,
                text: String::from_utf8_lossy(&column[..column.len().min(40)]).into_owned(),
            })?;
        }
        Ok(())
    }
}
