//! Which format a file is in, found from its first bytes, and the reader for the rest.
//!
//! One file a format. A reader of events is at best a resumable machine behind [`Decode`]: it takes the
//! bytes after the header in chunks cut anywhere, so that pipes can be read. A format whose parts lie
//! anywhere in the file is read by a [`FromFile`]. Another format is a file here, a variant of
//! [`Format`], and a line in [`begin`] or in [`opener`].

mod aedat;
mod atis_bin;
pub(crate) mod columns;
mod dat;
mod event_stream;
mod evt2;
mod evt21;
mod evt3;
mod evt4;
pub(crate) mod hdf5;
mod mcap;
pub(crate) mod npz;
mod prophesee;
mod records;
mod rows;
mod text;

use std::{
    fmt,
    fs::File,
    io::{ErrorKind, Read, Seek as _},
    path::Path,
};

use crate::{CameraEvent, Fault, Geometry, Notes, WordCounts, error::FirstBytes};

/// A format of event recordings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// `.es`, Event Stream 2.
    EventStream,
    /// Prophesee RAW with EVT2 words.
    Evt2,
    /// Prophesee RAW with EVT2.1 words.
    Evt21,
    /// Prophesee RAW with EVT3 words.
    Evt3,
    /// Prophesee RAW with EVT4 words.
    Evt4,
    /// Prophesee DAT.
    Dat,
    /// AEDAT 1, of jAER.
    Aedat1,
    /// AEDAT 2, of jAER.
    Aedat2,
    /// AEDAT 3, of cAER.
    Aedat3,
    /// AEDAT 4, of DV.
    Aedat4,
    /// HDF5, as Prophesee and the DSEC dataset use it.
    Hdf5,
    /// MCAP, as ROS 2 records events in it.
    Mcap,
    /// `.bin` of an ATIS camera, as N-MNIST and N-Caltech101 use it.
    AtisBin,
    /// Lines of comma-separated text.
    Csv,
    /// An archive of NumPy arrays.
    Npz,
}

impl fmt::Display for Format {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::EventStream => "Event Stream (.es)",
            Self::Evt2 => "Prophesee RAW EVT2",
            Self::Evt21 => "Prophesee RAW EVT2.1",
            Self::Evt3 => "Prophesee RAW EVT3",
            Self::Evt4 => "Prophesee RAW EVT4",
            Self::Dat => "Prophesee DAT",
            Self::Aedat1 => "AEDAT 1",
            Self::Aedat2 => "AEDAT 2",
            Self::Aedat3 => "AEDAT 3",
            Self::Aedat4 => "AEDAT 4",
            Self::Hdf5 => "HDF5",
            Self::Mcap => "MCAP (ROS 2)",
            Self::AtisBin => "ATIS bin (N-MNIST)",
            Self::Csv => "comma-separated text",
            Self::Npz => "NumPy archive (.npz)",
        })
    }
}

/// Reads the events behind a header.
pub(crate) trait Decode: Send {
    /// Reads on: `bytes` begin at `offset` of the file. Appends events up to the first fault; an
    /// event or word whose end is missing waits for the next call.
    fn decode(
        &mut self,
        bytes: &[u8],
        offset: u64,
        out: &mut Vec<CameraEvent>,
    ) -> Result<(), Fault>;

    /// The file ends at `offset`; appends what only its end makes whole.
    fn finish(&mut self, offset: u64, out: &mut Vec<CameraEvent>) -> Result<(), Fault>;

    /// Events from here on have to be on a sensor of this size.
    fn set_geometry(&mut self, geometry: Geometry);

    /// What became of the words, where a format has them.
    fn counts(&self) -> Option<&WordCounts> {
        None
    }

    /// Nothing of what follows is events.
    fn is_over(&self) -> bool {
        false
    }

    /// It has more to give of the bytes that it was given: it gets none before it was asked again.
    fn holds_back(&self) -> bool {
        false
    }

    /// What the file says of itself is still to come, in a format that has no header for it.
    fn is_opening(&self) -> bool {
        false
    }

    /// What the file said of itself behind its header.
    fn said(&self) -> (Option<Geometry>, Vec<(String, String)>) {
        (None, Vec::new())
    }

    /// What it holds, if no camera's events: then it gives out none, and counts what there is.
    fn holds(&self) -> Option<&'static str> {
        None
    }

    /// What is told beside the counts of words.
    fn notes(&self) -> Notes {
        Notes::default()
    }
}

/// Reads the events of a file whose parts lie in an order of their own.
pub(crate) trait FromFile: Send {
    /// Appends the next portion of events; false once there are no more.
    fn next(&mut self, out: &mut Vec<CameraEvent>) -> Result<bool, Fault>;

    /// How far the file has been read, about, for a progress bar \[bytes\].
    fn bytes_read(&self) -> u64;

    /// Events from here on have to be on a sensor of this size.
    fn set_geometry(&mut self, geometry: Geometry);

    /// What became of the entries, where they are counted.
    fn counts(&self) -> Option<&WordCounts> {
        None
    }
}

/// What a file says of itself, and the reader of its events.
pub(crate) struct Opened {
    pub(crate) format: Format,
    pub(crate) geometry: Option<Geometry>,
    pub(crate) header: Vec<(String, String)>,
    pub(crate) events: Box<dyn FromFile>,
}

/// Opens a file of such a format.
pub(crate) type Opener = fn(&Path, File) -> Result<Opened, Fault>;

pub(crate) const HDF5: &[u8] = b"\x89HDF\r\n\x1a\n";
const ZIP: &[u8] = b"PK\x03\x04";

/// Who opens a file that cannot be read as it comes; the file stands at its beginning.
pub(crate) fn opener(mut file: &File) -> Result<Option<Opener>, Fault> {
    let mut first = [0; 8];
    let magic = match file.read_exact(&mut first) {
        Ok(()) => first.as_slice(),
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => &[],
        Err(error) => return Err(error.into()),
    };
    file.rewind()?;
    Ok(match magic {
        _ if magic.starts_with(ZIP) => Some(npz::open),
        _ if magic == HDF5 => Some(hdf5::open),
        _ => None,
    })
}

/// What a header says, and the reader for what follows.
pub(crate) struct Beginning {
    pub(crate) format: Format,
    pub(crate) geometry: Option<Geometry>,
    pub(crate) header: Vec<(String, String)>,
    /// Length of the header, in bytes.
    pub(crate) length: usize,
    pub(crate) decoder: Box<dyn Decode>,
}

/// Reads a header from the first bytes of a file, all of them if it is no longer than they are.
pub(crate) fn begin(first: &[u8], is_whole_file: bool) -> Result<Beginning, Fault> {
    match first {
        [] => Err(Fault::Empty),
        [b'%', ..] => prophesee::begin(first, is_whole_file),
        _ if first.starts_with(event_stream::MAGIC) => event_stream::begin(first),
        _ if first.starts_with(mcap::MAGIC) => Ok(mcap::begin()),
        _ if first.starts_with(HDF5) => Err(Fault::NeedsFile { format: Format::Hdf5 }),
        _ if first.starts_with(ZIP) => Err(Fault::NeedsFile { format: Format::Npz }),
        _ => match first.strip_prefix(b"#!AER-DAT") {
            Some([b'1', ..]) => aedat::jaer::begin(first, is_whole_file, Format::Aedat1),
            Some([b'2', ..]) => aedat::jaer::begin(first, is_whole_file, Format::Aedat2),
            Some([b'3', ..]) => aedat::caer::begin(first, is_whole_file),
            Some([b'4', ..]) => aedat::dv::begin(first),
            _ => text::begin(first, is_whole_file),
        },
    }
}

/// The same for a file whose name says that it may have no header at all.
pub(crate) fn begin_bin(first: &[u8], is_whole_file: bool) -> Result<Beginning, Fault> {
    match begin(first, is_whole_file) {
        Err(Fault::Unknown { .. }) => Ok(atis_bin::begin()),
        begun => begun,
    }
}

/// The same for what a server of DV sends: reads its header from the connection.
pub(crate) fn receive(server: &mut impl Read) -> Result<Beginning, Fault> {
    aedat::dv::receive(server)
}

fn unknown(first: &[u8]) -> Fault {
    Fault::Unknown { first: FirstBytes::of(first) }
}
