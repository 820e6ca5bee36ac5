//! Which format a file is in, found from its first bytes, and the reader for the rest.
//!
//! One file a format. A reader of events is a resumable machine behind [`Decode`]: it takes the
//! bytes after the header in chunks cut anywhere. A seventh format is a file here, a variant of
//! [`Format`] and a line in [`begin`].

mod event_stream;
mod evt2;
mod evt3;
mod prophesee;

use std::fmt;

use crate::{CameraEvent, Fault, Geometry, WordCounts, error::FirstBytes};

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

    /// The file ends at `offset`.
    fn finish(&self, offset: u64) -> Result<(), Fault>;

    /// Events from here on have to be on a sensor of this size.
    fn set_geometry(&mut self, geometry: Geometry);

    /// What became of the words, where a format has them.
    fn counts(&self) -> Option<&WordCounts> {
        None
    }
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
    let not_readable = |format| Err(Fault::NotReadable { format });
    match first {
        [] => Err(Fault::Empty),
        [b'%', ..] => prophesee::begin(first, is_whole_file),
        _ if first.starts_with(event_stream::MAGIC) => event_stream::begin(first),
        _ if first.starts_with(b"\x89HDF\r\n\x1a\n") => not_readable(Format::Hdf5),
        _ => match first.strip_prefix(b"#!AER-DAT") {
            Some([b'1', ..]) => not_readable(Format::Aedat1),
            Some([b'2', ..]) => not_readable(Format::Aedat2),
            Some([b'3', ..]) => not_readable(Format::Aedat3),
            Some([b'4', ..]) => not_readable(Format::Aedat4),
            _ => Err(unknown(first)),
        },
    }
}

fn unknown(first: &[u8]) -> Fault {
    Fault::Unknown { first: FirstBytes::of(first) }
}
