//! Labels beside a recording: what was to be seen in which span of it.
//!
//! A text of lines with commas between, as DVS-Gesture has it (Amir et al. 2017): first the names of the
//! columns `class`, `startTime_usec` and `endTime_usec`, in any order, then a line a segment. Times are those
//! of the recording \[µs\].

use std::{
    fs::File,
    io::Read as _,
    path::{Path, PathBuf},
};

use crate::{CameraEvent, Error, Fault};

/// A file of labels is no longer than this, in bytes: a million segments.
const FILE_BYTES_MAX: usize = 1 << 25;
/// The ending of its name, behind the recording's own without its.
const ENDING: &str = "_labels.csv";
const COLUMNS: [&str; 3] = ["class", "startTime_usec", "endTime_usec"];

/// A span of time: from its start on, and before its end \[µs\].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Its first µs.
    pub start_us: u64,
    /// The first µs behind it.
    pub end_us: u64,
}

impl Span {
    /// Whether a time lies in it.
    #[must_use]
    pub const fn contains(&self, t_us: u64) -> bool {
        self.start_us <= t_us && t_us < self.end_us
    }

    /// Leaves of events those that lie in it.
    pub fn cut(&self, events: &mut Vec<CameraEvent>) {
        events.retain(|event| self.contains(event.t_us));
    }
}

/// A labelled span of a recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// What was to be seen; of DVS-Gesture 1 to 11.
    pub label: u32,
    /// When.
    pub span: Span,
}

/// Where the labels of a recording belong: `NAME_labels.csv` beside `NAME.aedat`. `None` for a path
/// without a name.
#[must_use]
pub fn place(recording: &Path) -> Option<PathBuf> {
    let mut name = recording.file_stem()?.to_os_string();
    name.push(ENDING);
    Some(recording.with_file_name(name))
}

/// Where the labels of a recording are, if they are beside it.
#[must_use]
pub fn beside(recording: &Path) -> Option<PathBuf> {
    place(recording).filter(|path| path.is_file())
}

/// Reads a file of labels, in its order.
///
/// # Errors
///
/// A file that is missing or larger than 32 MiB, or the first line that is no segment.
pub fn read(path: impl AsRef<Path>) -> Result<Vec<Segment>, Error> {
    let path = path.as_ref();
    let read = || {
        let file = File::open(path)?;
        if file.metadata()?.is_dir() {
            return Err(Fault::Directory);
        }
        let mut bytes = Vec::new();
        file.take(FILE_BYTES_MAX as u64 + 1).read_to_end(&mut bytes)?;
        parse(&bytes)
    };
    read().map_err(|fault| Error { name: path.display().to_string(), fault })
}

/// The segments of a text.
///
/// # Errors
///
/// As for [`read`].
pub fn parse(bytes: &[u8]) -> Result<Vec<Segment>, Fault> {
    if bytes.len() > FILE_BYTES_MAX {
        return Err(Fault::LabelsTooLong { limit: FILE_BYTES_MAX });
    }
    let text = String::from_utf8_lossy(bytes);
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(&text);
    let lines = text.lines().zip(1..).filter(|(line, _)| !line.trim().is_empty());
    let mut lines = lines.map(|(line, number)| (fields(line), number));
    let (names, number) = lines.next().ok_or(Fault::Empty)?;
    let columns = Columns::read(&names, number)?;
    lines.map(|(fields, number)| columns.segment(&fields, number)).collect()
}

fn fields(line: &str) -> Vec<&str> {
    line.split(',').map(str::trim).collect()
}

/// Where the values of a segment stand.
struct Columns([usize; 3]);

impl Columns {
    fn read(names: &[&str], line: u64) -> Result<Self, Fault> {
        let place = |name: &str| names.iter().position(|other| other.eq_ignore_ascii_case(name));
        let [label, start, end] = COLUMNS.map(place);
        match (label, start, end) {
            (Some(label), Some(start), Some(end)) => Ok(Self([label, start, end])),
            _ => Err(Fault::Line {
                line,
                column: "names of columns",
                text: names.join(","),
                expected: "expected class, startTime_usec and endTime_usec",
            }),
        }
    }

    fn segment(&self, fields: &[&str], line: u64) -> Result<Segment, Fault> {
        let needed = self.0.iter().max().map_or(0, |last| last + 1);
        if fields.len() < needed {
            return Err(Fault::ShortLine { line, found: fields.len(), needed });
        }
        let [label, start, end] = self.0.map(|place| fields[place]);
        let wrong = |column, text: &str, expected| Fault::Line {
            line,
            column,
            text: text.to_owned(),
            expected,
        };
        let whole = |which: usize, text: &str| {
            let wrong = |_| wrong(COLUMNS[which], text, "expected a whole number of 0 or more");
            text.parse::<u64>().map_err(wrong)
        };
        let (start_us, end_us) = (whole(1, start)?, whole(2, end)?);
        let label = u32::try_from(whole(0, label)?)
            .map_err(|_| wrong(COLUMNS[0], label, "expected no more than 4294967295"))?;
        if end_us < start_us {
            return Err(wrong(COLUMNS[2], end, "expected none before the segment's start"));
        }
        Ok(Segment { label, span: Span { start_us, end_us } })
    }
}
