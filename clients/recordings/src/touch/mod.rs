//! Recordings of touch: six values a whisker and frame, Fx, Fy, Fz \[mN\] and Mx, My, Mz \[µN·m\].
//!
//! A folder as WHISKiT writes it (Zweifel et al. 2021), or a NumPy archive with an array of the shape
//! `[frames, whiskers, 6]`, for example the sweeps of Chung et al. (2025). They are read a portion at
//! a time. What a simulator leaves where it failed is mended as the latter do: NaN becomes 0, and a
//! magnitude above [`ABSURD`] the value before it; both are counted.

mod archive;
mod whiskers;
mod whiskit;
pub mod write;

use std::{
    fmt,
    fs::{self, File},
    io::Read as _,
    path::Path,
};

use self::{archive::Archive, whiskit::Folder};
use crate::{Error, Fault};

/// Values of a whisker in a frame.
pub const COMPONENTS: usize = 6;
/// A greater magnitude is no force and no moment \[mN, µN·m\].
pub const ABSURD: f32 = 1_000.0;
/// Whiskers of one recording, at most.
pub const WHISKERS_MAX: usize = 256;
/// Values that are read at once, about.
const PORTION_VALUES: usize = 1 << 16;
const ZIP: &[u8] = b"PK\x03\x04";

/// How a recording of touch is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TouchFormat {
    /// A folder of text files, one a component.
    Whiskit,
    /// An archive of NumPy arrays.
    Npz,
}

impl TouchFormat {
    /// Time between frames where a recording doesn't say it \[ns\]: WHISKiT steps 1 000 times a second,
    /// the published sweeps are sampled at 110 Hz.
    #[must_use]
    pub const fn period_ns(self) -> u64 {
        match self {
            Self::Whiskit => 1_000_000,
            Self::Npz => 9_090_909,
        }
    }
}

impl fmt::Display for TouchFormat {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Whiskit => "WHISKiT folder",
            Self::Npz => "NumPy archive of frames (.npz)",
        })
    }
}

/// What a recording held so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TouchCounts {
    /// Frames.
    pub frames: u64,
    /// Values that were no number, and became 0.
    pub not_numbers: u64,
    /// Values beyond [`ABSURD`], which became the value before.
    pub absurd: u64,
}

/// An open recording of touch.
#[derive(Debug)]
pub struct TouchRecording {
    name: String,
    format: TouchFormat,
    whiskers: Vec<String>,
    period_ns: Option<u64>,
    frames_total: Option<u64>,
    unread: Vec<String>,
    source: Source,
    /// The last frame that was given, mended.
    last: Vec<f32>,
    counts: TouchCounts,
}

#[derive(Debug)]
enum Source {
    Folder(Folder),
    Archive(Archive),
}

/// What a source says of itself when it is opened.
struct Said {
    whiskers: Vec<String>,
    period_ns: Option<u64>,
    frames: Option<u64>,
    unread: Vec<String>,
}

/// Whether a path is a recording of touch rather than of events: a folder as WHISKiT's are, or an archive
/// with an array of frames. What cannot be opened is neither, and a pipe is left as it is.
#[must_use]
pub fn is_touch(path: &Path) -> bool {
    if path.is_dir() {
        return path.join(whiskit::DYNAMICS).is_dir() || path.join(whiskit::IDS).is_file();
    }
    if !path.is_file() {
        return false;
    }
    let mut magic = [0; ZIP.len()];
    let begins = File::open(path).and_then(|mut file| file.read_exact(&mut magic));
    begins.is_ok() && magic == *ZIP && archive::holds_frames(path)
}

impl TouchRecording {
    /// Opens a folder or an archive.
    ///
    /// # Errors
    ///
    /// What is there isn't a recording of touch; the error names the file and what is wrong with it.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let name = path.display().to_string();
        let is_folder = fs::metadata(path)
            .map_err(|error| Error { name: name.clone(), fault: error.into() })?
            .is_dir();
        let (format, source, said) = if is_folder {
            let (folder, said) = Folder::open(path)?;
            (TouchFormat::Whiskit, Source::Folder(folder), said)
        } else {
            let opened = Archive::open(path);
            let (archive, said) = opened.map_err(|fault| Error { name: name.clone(), fault })?;
            (TouchFormat::Npz, Source::Archive(archive), said)
        };
        let last = vec![0.0; said.whiskers.len() * COMPONENTS];
        let Said { whiskers, period_ns, frames: frames_total, unread } = said;
        let counts = TouchCounts::default();
        Ok(Self { name, format, whiskers, period_ns, frames_total, unread, source, last, counts })
    }

    /// How it is kept.
    #[must_use]
    pub const fn format(&self) -> TouchFormat {
        self.format
    }

    /// Names such as "RA0", in the order of a frame's values.
    #[must_use]
    pub fn whiskers(&self) -> &[String] {
        &self.whiskers
    }

    /// Time between frames, where the recording says it \[ns\].
    #[must_use]
    pub const fn period_ns(&self) -> Option<u64> {
        self.period_ns
    }

    /// Frames in all, where the recording says it.
    #[must_use]
    pub const fn frames_total(&self) -> Option<u64> {
        self.frames_total
    }

    /// What else the recording holds that is not read, by name: other arrays, kinematics.
    #[must_use]
    pub fn unread(&self) -> &[String] {
        &self.unread
    }

    /// Bytes of all frames as they are kept, for a progress bar.
    #[must_use]
    pub fn bytes_total(&self) -> u64 {
        self.bytes().0
    }

    /// How many of them were read.
    #[must_use]
    pub fn bytes_read(&self) -> u64 {
        self.bytes().1
    }

    fn bytes(&self) -> (u64, u64) {
        match &self.source {
            Source::Folder(folder) => folder.bytes(),
            Source::Archive(archive) => archive.bytes(),
        }
    }

    /// What was read so far.
    #[must_use]
    pub const fn counts(&self) -> TouchCounts {
        self.counts
    }

    /// Appends the values of further frames, [frame, whisker, component]; says how many frames that
    /// were, 0 at the end.
    ///
    /// # Errors
    ///
    /// What is wrong with the recording, behind the frames before it.
    pub fn next_frames(&mut self, values: &mut Vec<f32>) -> Result<usize, Error> {
        let first = values.len();
        let whole = self.last.len();
        let frames_max = (PORTION_VALUES / whole).max(1);
        match &mut self.source {
            Source::Folder(folder) => folder.read(frames_max, values)?,
            Source::Archive(archive) => archive
                .read(frames_max, values)
                .map_err(|fault| Error { name: self.name.clone(), fault })?,
        }
        for frame in values[first..].chunks_exact_mut(whole) {
            for (value, last) in frame.iter_mut().zip(&mut self.last) {
                if value.is_nan() {
                    self.counts.not_numbers += 1;
                    *value = 0.0;
                } else if value.abs() > ABSURD {
                    self.counts.absurd += 1;
                    *value = *last;
                }
                *last = *value;
            }
        }
        let frames = (values.len() - first) / whole;
        self.counts.frames += frames as u64;
        Ok(frames)
    }
}

/// Names that a recording gives, each once and of the form side, row, column.
fn checked(names: Vec<String>) -> Result<Vec<String>, Fault> {
    if !(1..=WHISKERS_MAX).contains(&names.len()) {
        return Err(Fault::Whiskers { problem: format!("names {} whiskers", names.len()) });
    }
    for (place, name) in names.iter().enumerate() {
        if !whiskers::is_name(name) {
            let problem = format!("names a whisker {name:?}, expected one such as RA0");
            return Err(Fault::Whiskers { problem });
        }
        if names[..place].contains(name) {
            return Err(Fault::Whiskers { problem: format!("names {name} twice") });
        }
    }
    Ok(names)
}
