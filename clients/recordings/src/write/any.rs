//! A writer of whatever format, chosen while a program runs.

use std::{fmt, io::Write, path::Path, str::FromStr};

use super::{WriteError, aedat4, csv, dat, es, evt2, evt3, npz};
use crate::{CameraEvent, Geometry};

/// A format that can be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Prophesee RAW with EVT2 words.
    Evt2,
    /// Prophesee RAW with EVT3 words.
    Evt3,
    /// Prophesee DAT.
    Dat,
    /// AEDAT 4, of DV.
    Aedat4,
    /// `.es`, Event Stream 2.
    EventStream,
    /// Comma-separated text.
    Csv,
    /// An archive of NumPy arrays.
    Npz,
}

impl Kind {
    /// What a file's name says; `.raw` is EVT3.
    #[must_use]
    pub fn of_name(path: &Path) -> Option<Self> {
        let extension = path.extension()?.to_str()?.to_ascii_lowercase();
        match extension.as_str() {
            "raw" => Some(Self::Evt3),
            "dat" => Some(Self::Dat),
            "aedat4" => Some(Self::Aedat4),
            "es" => Some(Self::EventStream),
            "csv" | "txt" => Some(Self::Csv),
            "npz" => Some(Self::Npz),
            _ => None,
        }
    }

    /// Whether the sensor's size stands in the file.
    #[must_use]
    pub const fn needs_geometry(self) -> bool {
        matches!(self, Self::Dat | Self::Aedat4 | Self::EventStream)
    }
}

impl FromStr for Kind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "evt2" => Ok(Self::Evt2),
            "evt3" => Ok(Self::Evt3),
            "dat" => Ok(Self::Dat),
            "aedat4" => Ok(Self::Aedat4),
            "es" => Ok(Self::EventStream),
            "csv" => Ok(Self::Csv),
            "npz" => Ok(Self::Npz),
            _ => Err("expected evt2, evt3, dat, aedat4, es, csv or npz".into()),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Evt2 => "evt2",
            Self::Evt3 => "evt3",
            Self::Dat => "dat",
            Self::Aedat4 => "aedat4",
            Self::EventStream => "es",
            Self::Csv => "csv",
            Self::Npz => "npz",
        })
    }
}

/// What a writer of any format does.
trait Events {
    fn write(&mut self, events: &[CameraEvent]) -> Result<(), WriteError>;
    fn finish(self: Box<Self>) -> Result<(), WriteError>;
}

macro_rules! events {
    ($($format:ident),*) => {$(
        impl<W: Write> Events for $format::Writer<W> {
            fn write(&mut self, events: &[CameraEvent]) -> Result<(), WriteError> {
                self.write(events)
            }

            fn finish(self: Box<Self>) -> Result<(), WriteError> {
                (*self).finish().map(drop)
            }
        }
    )*};
}

events!(aedat4, csv, dat, es, evt2, evt3, npz);

/// Writes events in a format that was chosen while the program runs.
pub struct Writer<'a>(Box<dyn Events + 'a>);

impl fmt::Debug for Writer<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Writer").finish()
    }
}

impl<'a> Writer<'a> {
    /// Writes the header. Formats that hold the sensor's size need it; the compression is that of
    /// AEDAT 4, and nothing to others.
    ///
    /// # Errors
    ///
    /// No size where one is needed, or the sink refuses.
    pub fn new<W: Write + 'a>(
        kind: Kind,
        sink: W,
        geometry: Option<Geometry>,
        compression: aedat4::Compression,
    ) -> Result<Self, WriteError> {
        let needed = || geometry.ok_or(WriteError::NoGeometry);
        Ok(Self(match kind {
            Kind::Evt2 => Box::new(evt2::Writer::new(sink, geometry)?),
            Kind::Evt3 => Box::new(evt3::Writer::new(sink, geometry)?),
            Kind::Dat => Box::new(dat::Writer::new(sink, needed()?)?),
            Kind::Aedat4 => Box::new(aedat4::Writer::new(sink, needed()?, compression)?),
            Kind::EventStream => Box::new(es::Writer::new(sink, needed()?)?),
            Kind::Csv => Box::new(csv::Writer::new(sink)?),
            Kind::Npz => Box::new(npz::Writer::new(sink)?),
        }))
    }

    /// Writes further events.
    ///
    /// # Errors
    ///
    /// The first event that the format cannot hold, or the sink refuses.
    pub fn write(&mut self, events: &[CameraEvent]) -> Result<(), WriteError> {
        self.0.write(events)
    }

    /// Ends the file.
    ///
    /// # Errors
    ///
    /// The sink refuses.
    pub fn finish(self) -> Result<(), WriteError> {
        self.0.finish()
    }
}
