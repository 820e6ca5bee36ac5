//! An open recording: reads a file in chunks and gives out its events.
//!
//! A fault does not swallow what came before it: the events in front of it are given out first,
//! the error comes with the next call, and after it the recording is at its end. Offsets count
//! bytes from the start of the file, header included.

mod stream;

use std::{fmt, fs::File, io::Read, ops::Range, path::Path};

use self::stream::{Stream, fill};

use crate::{
    CameraEvent, Error, Fault, Format, Geometry, Notes, WordCounts,
    formats::{self, Beginning, FromFile, Opened},
};

/// Read at once, in bytes: events decoded from it still fit into a core's second cache.
const CHUNK_BYTES: usize = 1 << 16;

/// Opens a recording, whatever its format. A file without a magic number whose name ends in `.bin` is
/// taken for one of an ATIS camera (N-MNIST, N-Caltech101).
///
/// # Errors
///
/// A file that is missing, empty, of no known format, or whose header makes no sense.
pub fn open(path: impl AsRef<Path>) -> Result<Recording, Error> {
    survey(path)?.refused_without_camera()
}

/// The same to see what a recording holds: one without a camera's events is no error here. It gives out
/// none, and [`Recording::notes`] says how many others there are.
///
/// # Errors
///
/// As for [`open`].
pub fn survey(path: impl AsRef<Path>) -> Result<Recording, Error> {
    let path = path.as_ref();
    let name = path.display().to_string();
    let opened = || {
        let file = File::open(path)?;
        let metadata = file.metadata()?;
        if metadata.is_dir() {
            return Err(Fault::Directory);
        }
        let bytes_total = metadata.is_file().then_some(metadata.len());
        // A pipe can be read once, in its order.
        let opener = if bytes_total.is_some() { formats::opener(&file)? } else { None };
        match opener {
            Some(open) => {
                open(path, file).map(|opened| Recording::of_file(opened, &name, bytes_total))
            }
            None => {
                let begin = match path.extension().is_some_and(|extension| extension == "bin") {
                    true => formats::begin_bin,
                    false => formats::begin,
                };
                Recording::begin(file, &name, bytes_total, begin)
            }
        }
    };
    opened().map_err(|fault| Error { name: name.clone(), fault })
}

/// How a format is found and its header read.
type Begin = fn(&[u8], bool) -> Result<Beginning, Fault>;

/// A recording in the middle of being read, from a file or anything else that can be read.
pub struct Recording<R = File> {
    source: Source<R>,
    name: String,
    bytes_total: Option<u64>,
    format: Format,
    geometry: Option<Geometry>,
    geometry_is_stated: bool,
    header: Vec<(String, String)>,
    largest_pixel: Option<(u16, u16)>,
    /// Events that were read to learn what the file says of itself.
    ready: Vec<CameraEvent>,
    ended: bool,
    fault: Option<Fault>,
}

/// Where events come from.
enum Source<R> {
    /// Bytes in the order of the file.
    Stream(Stream<R>),
    /// A file that is read in an order of its own.
    File(Box<dyn FromFile>),
}

impl<R: Read> Recording<R> {
    /// Reads a recording from anywhere. The name is for messages; the total length, if it is
    /// known, for a progress bar.
    ///
    /// # Errors
    ///
    /// As for [`open`].
    pub fn new(
        reader: R,
        name: impl Into<String>,
        bytes_total: Option<u64>,
    ) -> Result<Self, Error> {
        Self::survey(reader, name, bytes_total)?.refused_without_camera()
    }

    /// The same to see what a recording holds, as [`survey`] does.
    ///
    /// # Errors
    ///
    /// As for [`survey`].
    pub fn survey(
        reader: R,
        name: impl Into<String>,
        bytes_total: Option<u64>,
    ) -> Result<Self, Error> {
        let name = name.into();
        let begun = Self::begin(reader, &name, bytes_total, formats::begin);
        begun.map_err(|fault| Error { name, fault })
    }

    /// Reads what a server of DV sends over a connection (`NetworkWriter` of dv-processing), as it comes:
    /// returns once its header is there. The end of the connection is the end of the recording.
    ///
    /// # Errors
    ///
    /// The connection breaks or ends within the header, or the header makes no sense.
    pub fn of_dv_server(mut connection: R, name: impl Into<String>) -> Result<Self, Error> {
        let name = name.into();
        let begun = formats::receive(&mut connection).and_then(|beginning| {
            let buffer = vec![0; CHUNK_BYTES].into_boxed_slice();
            Self::go_on(connection, (buffer, 0..0), beginning, &name, None)
        });
        begun.map_err(|fault| Error { name, fault })
    }

    fn begin(
        mut reader: R,
        name: &str,
        bytes_total: Option<u64>,
        begin: Begin,
    ) -> Result<Self, Fault> {
        let mut buffer = vec![0; CHUNK_BYTES].into_boxed_slice();
        let filled = fill(&mut reader, &mut buffer)?;
        let beginning = begin(&buffer[..filled], filled < buffer.len())?;
        let ahead = beginning.length..filled;
        Self::go_on(reader, (buffer, ahead), beginning, name, bytes_total)
    }

    /// Goes on behind a header, with what of the buffer has not been decoded.
    fn go_on(
        reader: R,
        (buffer, ahead): (Box<[u8]>, Range<usize>),
        beginning: Beginning,
        name: &str,
        bytes_total: Option<u64>,
    ) -> Result<Self, Fault> {
        let Beginning { format, geometry, header, length, decoder } = beginning;
        let mut stream = Stream { reader, bytes_read: length as u64, buffer, ahead, decoder };
        let (mut ready, mut ended) = (Vec::new(), Ok(false));
        while stream.decoder.is_opening() && matches!(ended, Ok(false)) {
            ended = stream.decode_chunk(&mut ready).map(|goes_on| !goes_on);
        }
        let (said_geometry, said) = stream.decoder.said();
        let opened = (format, geometry.or(said_geometry), [header, said].concat());
        let mut recording = Self::of(Source::Stream(stream), opened, name, bytes_total);
        (recording.ready, recording.ended) = (ready, !matches!(ended, Ok(false)));
        recording.fault = ended.err();
        match recording.fault.take_if(|_| recording.ready.is_empty()) {
            Some(fault) => Err(fault),
            None => Ok(recording),
        }
    }

    fn of_file(opened: Opened, name: &str, bytes_total: Option<u64>) -> Self {
        let Opened { format, geometry, header, events } = opened;
        Self::of(Source::File(events), (format, geometry, header), name, bytes_total)
    }

    fn of(
        source: Source<R>,
        (format, geometry, header): (Format, Option<Geometry>, Vec<(String, String)>),
        name: &str,
        bytes_total: Option<u64>,
    ) -> Self {
        Self {
            source,
            name: name.to_owned(),
            bytes_total,
            format,
            geometry,
            geometry_is_stated: geometry.is_some(),
            header,
            largest_pixel: None,
            ready: Vec::new(),
            ended: false,
            fault: None,
        }
    }

    /// Appends the next portion of events and says how many; 0 at the end.
    ///
    /// # Errors
    ///
    /// What is wrong with the file where reading stands; after it the recording is at its end.
    pub fn next_events(&mut self, out: &mut Vec<CameraEvent>) -> Result<usize, Error> {
        let before = out.len();
        out.append(&mut self.ready);
        while out.len() == before && !self.ended {
            let goes_on = match &mut self.source {
                Source::Stream(stream) => stream.decode_chunk(out),
                Source::File(events) => events.next(out),
            };
            self.ended = !matches!(goes_on, Ok(true));
            self.fault = goes_on.err();
        }
        let portion = &out[before..];
        self.note_largest(portion);
        match self.fault.take_if(|_| portion.is_empty()) {
            Some(fault) => Err(Error { name: self.name.clone(), fault }),
            None => Ok(portion.len()),
        }
    }

    fn note_largest(&mut self, portion: &[CameraEvent]) {
        let largest = portion.iter().map(|event| (event.x, event.y));
        self.largest_pixel = largest
            .reduce(|(x, y), (other_x, other_y)| (x.max(other_x), y.max(other_y)))
            .into_iter()
            .chain(self.largest_pixel)
            .reduce(|(x, y), (other_x, other_y)| (x.max(other_x), y.max(other_y)));
    }

    /// Gives the size of the sensor for a file whose header names none. From here on, pixels off
    /// it are an error (EVT2) or dropped and counted (EVT3).
    ///
    /// # Errors
    ///
    /// The header names another size.
    pub fn set_geometry(&mut self, given: Geometry) -> Result<(), Error> {
        match self.geometry {
            Some(stated) if self.geometry_is_stated && stated != given => Err(Error {
                name: self.name.clone(),
                fault: Fault::GeometryDiffers { stated, given },
            }),
            _ => {
                self.geometry = Some(given);
                match &mut self.source {
                    Source::Stream(stream) => stream.decoder.set_geometry(given),
                    Source::File(events) => events.set_geometry(given),
                }
                Ok(())
            }
        }
    }
}

impl<R> fmt::Debug for Recording<R> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Recording")
            .field("name", &self.name)
            .field("format", &self.format)
            .field("geometry", &self.geometry)
            .field("bytes_read", &self.bytes_read())
            .finish_non_exhaustive()
    }
}

impl<R> Recording<R> {
    fn refused_without_camera(self) -> Result<Self, Error> {
        match self.holds() {
            Some(holds) => Err(Error { name: self.name, fault: Fault::NotCamera { holds } }),
            None => Ok(self),
        }
    }

    /// The recording's name, for messages.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The format, as the content says.
    #[must_use]
    pub const fn format(&self) -> Format {
        self.format
    }

    /// The size of the sensor, if the header names it or the caller gave it.
    #[must_use]
    pub const fn geometry(&self) -> Option<Geometry> {
        self.geometry
    }

    /// What the header says, key by key, in its order.
    #[must_use]
    pub fn header(&self) -> &[(String, String)] {
        &self.header
    }

    /// Bytes read so far, header included.
    #[must_use]
    pub fn bytes_read(&self) -> u64 {
        match &self.source {
            Source::Stream(stream) => stream.bytes_read,
            Source::File(events) => events.bytes_read(),
        }
    }

    /// Length of the file, in bytes, if it has one: a pipe has none.
    #[must_use]
    pub const fn bytes_total(&self) -> Option<u64> {
        self.bytes_total
    }

    /// The largest column and the largest row of the events so far, which may be of two events.
    #[must_use]
    pub const fn largest_pixel(&self) -> Option<(u16, u16)> {
        self.largest_pixel
    }

    /// What became of the words so far, where the format has a sensor's words.
    #[must_use]
    pub fn counts(&self) -> Option<&WordCounts> {
        match &self.source {
            Source::Stream(stream) => stream.decoder.counts(),
            Source::File(events) => events.counts(),
        }
    }

    /// What the recording holds instead of a camera's events, if it is a [`survey`] of such a one.
    #[must_use]
    pub fn holds(&self) -> Option<&'static str> {
        match &self.source {
            Source::Stream(stream) => stream.decoder.holds(),
            Source::File(_) => None,
        }
    }

    /// What else the recording held or lost so far, which only its format knows; counts may be 0.
    #[must_use]
    pub fn notes(&self) -> Notes {
        match &self.source {
            Source::Stream(stream) => stream.decoder.notes(),
            Source::File(_) => Notes::default(),
        }
    }
}
