//! What can be wrong with a recording. Offsets count bytes from the start of the file.

use std::{fmt, io};

use thiserror::Error;

use crate::{
    Format, Geometry,
    samples::{SampleFault, Split},
};

/// A recording that cannot be opened or read further, by name.
#[derive(Debug, Error)]
#[error("{name}: {fault}")]
pub struct Error {
    /// The file, as the caller named it.
    pub name: String,
    /// What is wrong with it.
    pub fault: Fault,
}

/// What is wrong with a recording.
#[derive(Debug, Error)]
pub enum Fault {
    /// There is nothing under this name.
    #[error("no such file")]
    Missing,
    /// The name is that of a directory.
    #[error("is a directory, not a recording")]
    Directory,
    /// The operating system refuses.
    #[error("cannot be read: {cause}")]
    Io {
        /// Why.
        cause: io::Error,
    },
    /// The file has no bytes.
    #[error("is empty")]
    Empty,
    /// The first bytes are those of no format known here.
    #[error("is in no known event format: it begins with {first}")]
    Unknown {
        /// Its first bytes.
        first: FirstBytes,
    },
    /// A format that cannot be read as it comes.
    #[error("is {format}, which can be read from a file only, not from a pipe")]
    NeedsFile {
        /// The format.
        format: Format,
    },
    /// The file ends before its header does.
    #[error("is cut inside its header: it ends after {length} bytes")]
    HeaderCut {
        /// Length of the file, in bytes.
        length: u64,
    },
    /// Header lines go on and on.
    #[error("has a header of more than {limit} bytes")]
    HeaderTooLong {
        /// Longest header that is read, in bytes.
        limit: usize,
    },
    /// A value in the header makes no sense.
    #[error("has {value:?} as {key} in its header, {expected}")]
    HeaderValue {
        /// Whose value.
        key: String,
        /// The value.
        value: String,
        /// What it should be.
        expected: &'static str,
    },
    /// The header says two different things about the size of the sensor.
    #[error("names two sensor sizes in its header, {first} and {second}")]
    TwoGeometries {
        /// The one that comes first.
        first: Geometry,
        /// The other.
        second: Geometry,
    },
    /// A Prophesee header that names no kind of words.
    #[error("names neither `evt` nor `format` in its header")]
    NoEncoding,
    /// The caller gives another size than the header.
    #[error("is of a {stated} sensor, as its header says, not {given}")]
    GeometryDiffers {
        /// The header's.
        stated: Geometry,
        /// The caller's.
        given: Geometry,
    },
    /// The file ends in the middle of an event or word.
    #[error("is cut: at byte {offset} there are {held} of {whole} bytes")]
    Truncated {
        /// Where the event or word begins.
        offset: u64,
        /// Bytes that are there.
        held: usize,
        /// Bytes that it takes.
        whole: usize,
    },
    /// A part of the file says something about itself that cannot be.
    #[error("has {value} as {what} at byte {offset}, {expected}")]
    Damaged {
        /// Where the part begins.
        offset: u64,
        /// Whose value.
        what: &'static str,
        /// The value.
        value: i64,
        /// What it should be.
        expected: &'static str,
    },
    /// A compressed part of the file cannot be decompressed.
    #[error("has a compressed part at byte {offset} that cannot be decompressed: {problem}")]
    Compressed {
        /// Where the part begins.
        offset: u64,
        /// What the decompressor says.
        problem: String,
    },
    /// A line of text that is no event.
    #[error("has {text:?} as {column} in line {line}, {expected}")]
    Line {
        /// Its number, from 1.
        line: u64,
        /// The column.
        column: &'static str,
        /// What stands there.
        text: String,
        /// What should.
        expected: &'static str,
    },
    /// A line of text with too few columns.
    #[error("has {found} of {needed} columns in line {line}")]
    ShortLine {
        /// Its number, from 1.
        line: u64,
        /// Columns that are there.
        found: usize,
        /// Columns that it takes.
        needed: usize,
    },
    /// An array of an archive that cannot be read as events.
    #[error("has an array {name:?} that {problem}")]
    Array {
        /// Its name.
        name: String,
        /// What is wrong with it.
        problem: String,
    },
    /// An archive that is damaged.
    #[error("cannot be read as an archive: {problem}")]
    Archive {
        /// What is wrong with it.
        problem: String,
    },
    /// Whiskers that cannot be told apart, or aren't named as whiskers are.
    #[error("{problem}")]
    Whiskers {
        /// What is wrong with them.
        problem: String,
    },
    /// A value of a frame that is no number.
    #[error("has {text:?} in column {column} of line {line}, expected a number")]
    FrameValue {
        /// Its line, from 1.
        line: u64,
        /// Its column, from 1.
        column: u64,
        /// What stands there.
        text: String,
    },
    /// A line that ends otherwise than those of the same frame.
    #[error("is cut in line {line}: the files beside it end theirs otherwise")]
    LineCut {
        /// Its number, from 1.
        line: u64,
    },
    /// A component's file that ends while others go on.
    #[error("ends after {frames} frames, before the files beside it")]
    FewerFrames {
        /// Frames that it has.
        frames: u64,
    },
    /// An HDF5 file that is damaged, or holds no events.
    #[error("cannot be read as HDF5: {problem}")]
    Hdf5 {
        /// What is wrong with it.
        problem: String,
    },
    /// A part of an MCAP file that makes no sense.
    #[error("cannot be read as MCAP at byte {offset}: {problem}")]
    Mcap {
        /// Where the part begins, or the chunk that it stands in.
        offset: u64,
        /// What is wrong with it.
        problem: String,
    },
    /// A file of another kind than a camera's events: at most a survey of it is read.
    #[error("holds {holds}: none of a camera's events")]
    NotCamera {
        /// What it holds.
        holds: &'static str,
    },
    /// A file of labels that is none.
    #[error("has more than {limit} bytes, and is no file of labels")]
    LabelsTooLong {
        /// The longest that is read, in bytes.
        limit: usize,
    },
    /// A file of messages, none of which is a camera's.
    #[error("has no topic whose events can be read, but {topics}")]
    NoCamera {
        /// Its topics with their types, or the first of them.
        topics: String,
    },
    /// A message that does not hold what its type says.
    #[error("has a message of {topic} at byte {offset} that {problem}")]
    Message {
        /// Its topic.
        topic: String,
        /// Where the message begins, or the chunk that it stands in.
        offset: u64,
        /// What is wrong with it.
        problem: String,
    },
    /// A sample that cannot be read.
    #[error("sample {index} {fault}")]
    Sample {
        /// Which, from 0.
        index: u64,
        /// What is wrong with it.
        fault: SampleFault,
    },
    /// Samples of a kind that the file doesn't have.
    #[error("has no samples for {asked}, {}", kinds(there))]
    NoSplit {
        /// What was asked for.
        asked: Split,
        /// What there is; nothing where a file has one kind only.
        there: Vec<Split>,
    },
    /// A pixel that isn't on the sensor; its row as the file counts it.
    #[error("has pixel ({x}, {y}) outside its {geometry} sensor, at byte {offset}")]
    PixelOffSensor {
        /// Column.
        x: u16,
        /// Row, from the top or from the bottom as the format has it.
        y: u16,
        /// The sensor's size.
        geometry: Geometry,
        /// Where the event begins.
        offset: u64,
    },
}

fn kinds(there: &[Split]) -> String {
    if there.is_empty() {
        return "all that it has are of one kind".into();
    }
    let names: Vec<_> = there.iter().map(|split| split.name()).collect();
    format!("but for {}", names.join(", "))
}

impl From<io::Error> for Fault {
    fn from(cause: io::Error) -> Self {
        match cause.kind() {
            io::ErrorKind::NotFound => Self::Missing,
            io::ErrorKind::IsADirectory => Self::Directory,
            _ => Self::Io { cause },
        }
    }
}

/// The first bytes of a file, shown as hexadecimal numbers and as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FirstBytes(Vec<u8>);

impl FirstBytes {
    const LENGTH_MAX: usize = 16;

    pub(crate) fn of(bytes: &[u8]) -> Self {
        Self(bytes[..bytes.len().min(Self::LENGTH_MAX)].to_vec())
    }
}

impl fmt::Display for FirstBytes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for byte in &self.0 {
            write!(formatter, "{byte:02x} ")?;
        }
        write!(formatter, "(\"{}\")", self.0.escape_ascii())
    }
}
