//! An archive of NumPy arrays: `t`, `x`, `y` and `p` of one length, or one array of records with these
//! fields.
//!
//! Names may be the longer ones of text files (`timestamps`, `polarity`, …). Times of whole numbers are µs,
//! others seconds; a polarity above 0 is ON. The arrays are read side by side, a portion at a time.

pub(crate) mod array;

use std::{
    fs::File,
    io::{Read, Seek as _, SeekFrom},
    path::Path,
};

use flate2::read::DeflateDecoder;
use zip::{CompressionMethod, ZipArchive};

use self::array::{Described, Element, Header};
use super::{Format, FromFile, Opened, records::Sensor};
use crate::{CameraEvent, Fault, Geometry, WordCounts};

/// Events that are read at once.
const PORTION_EVENTS: u64 = 16_384;

const NAMES: [&[&str]; 4] = [
    &["t", "t_us", "ts", "time", "timestamp", "timestamps"],
    &["x"],
    &["y"],
    &["p", "pol", "polarity", "polarities", "on"],
];
const MEANT: [&str; 4] = ["t", "x", "y", "p"];

pub(super) fn open(path: &Path, file: File) -> Result<Opened, Fault> {
    let parts = parts(path, file)?;
    let arrays = parts.into_iter().map(|part| Array::open(&part.name, part.reader));
    let events = Events::of(arrays.collect::<Result<_, _>>()?)?;
    let header = vec![("events".to_owned(), events.left.to_string())];
    Ok(Opened { format: Format::Npz, geometry: None, header, events: Box::new(events) })
}

/// An array of an archive, at its first byte.
pub(crate) struct Part {
    pub(crate) name: String,
    pub(crate) reader: Box<dyn Read + Send>,
}

/// The arrays of an archive, each to be read by itself.
pub(crate) fn parts(path: &Path, file: File) -> Result<Vec<Part>, Fault> {
    let mut archive = ZipArchive::new(file).map_err(archive_fault)?;
    let mut parts = Vec::new();
    for index in 0..archive.len() {
        let entry = archive.by_index(index).map_err(archive_fault)?;
        let raw = String::from_utf8_lossy(entry.name_raw()).into_owned();
        let Some(name) = raw.strip_suffix(".npy") else { continue };
        let (method, bytes) = (entry.compression(), entry.compressed_size());
        let start = entry.data_start();
        drop(entry);
        let damaged = || Fault::Archive { problem: format!("where {raw} begins is not said") };
        let mut part = File::open(path)?;
        part.seek(SeekFrom::Start(start.ok_or_else(damaged)?))?;
        let part = part.take(bytes);
        let reader: Box<dyn Read + Send> = match method {
            CompressionMethod::Stored => Box::new(part),
            CompressionMethod::Deflated => Box::new(DeflateDecoder::new(part)),
            other => return Err(array_fault(name, format!("is compressed by {other:?}"))),
        };
        parts.push(Part { name: name.to_owned(), reader });
    }
    Ok(parts)
}

fn archive_fault(error: zip::result::ZipError) -> Fault {
    Fault::Archive { problem: error.to_string() }
}

pub(crate) fn array_fault(name: &str, problem: String) -> Fault {
    Fault::Array { name: name.to_owned(), problem }
}

/// An array of an archive, at its first element.
struct Array {
    name: String,
    header: Header,
    reader: Box<dyn Read + Send>,
    /// Elements that are read and not given out.
    bytes: Vec<u8>,
}

impl Array {
    fn open(name: &str, mut reader: Box<dyn Read + Send>) -> Result<Self, Fault> {
        let header = Described::read(&mut reader).and_then(|described| Header::of(&described));
        let header = header.map_err(|problem| array_fault(name, problem))?;
        Ok(Self { name: name.to_owned(), header, reader, bytes: Vec::new() })
    }

    /// Reads so many elements; says how many bytes that was.
    fn fill(&mut self, count: u64) -> Result<u64, Fault> {
        let bytes = count * self.header.element_bytes as u64;
        self.bytes.clear();
        let read = self.reader.by_ref().take(bytes).read_to_end(&mut self.bytes)?;
        if (read as u64) < bytes {
            return Err(array_fault(&self.name, "ends before its last element".into()));
        }
        Ok(bytes)
    }
}

/// Where a value of an event stands: in which array, and there in which bytes of an element.
struct Column {
    array: usize,
    at: usize,
    element: Element,
}

impl Column {
    fn value(&self, arrays: &[Array], number: usize) -> f64 {
        let array = &arrays[self.array];
        self.element.value(&array.bytes[number * array.header.element_bytes + self.at..])
    }

    fn whole(&self, arrays: &[Array], number: usize) -> Option<u64> {
        let array = &arrays[self.array];
        self.element.whole(&array.bytes[number * array.header.element_bytes + self.at..])
    }
}

struct Events {
    arrays: Vec<Array>,
    t: Column,
    x: Column,
    y: Column,
    p: Column,
    /// Events to come.
    left: u64,
    given: u64,
    bytes_read: u64,
    sensor: Sensor,
    counts: WordCounts,
}

impl Events {
    fn of(arrays: Vec<Array>) -> Result<Self, Fault> {
        let found = |names: &[&str], meant: &str| {
            let of_array = arrays.iter().enumerate().find_map(|(array, each)| {
                let is_it = names.contains(&each.name.as_str()) && each.header.fields.len() == 1;
                is_it.then(|| Column { array, at: 0, element: each.header.fields[0].element })
            });
            let of_field = || {
                arrays.iter().enumerate().find_map(|(array, each)| {
                    let mut fields = each.header.fields.iter();
                    let field = fields.find(|field| names.contains(&field.name.as_str()))?;
                    Some(Column { array, at: field.at, element: field.element })
                })
            };
            of_array.or_else(of_field).ok_or_else(|| {
                let there: Vec<_> = arrays.iter().map(|array| array.name.as_str()).collect();
                let problem = format!("isn't there: it holds {}", there.join(", "));
                array_fault(meant, problem)
            })
        };
        let [t, x, y, p] = [0, 1, 2, 3].map(|which| found(NAMES[which], MEANT[which]));
        let (t, x, y, p) = (t?, x?, y?, p?);
        let left = arrays[t.array].header.length;
        for column in [&x, &y, &p] {
            let other = &arrays[column.array];
            if other.header.length != left {
                let (name, length) = (&arrays[t.array].name, other.header.length);
                let problem = format!("has {length} elements, but {name:?} has {left}");
                return Err(array_fault(&other.name, problem));
            }
        }
        let (sensor, counts) = (Sensor(None), WordCounts::default());
        Ok(Self { arrays, t, x, y, p, left, given: 0, bytes_read: 0, sensor, counts })
    }

    /// The event at a place of the portion.
    fn event(&self, number: usize) -> Result<CameraEvent, Fault> {
        let arrays = self.arrays.as_slice();
        let wrong = |column: &Column, expected: &str| {
            let event = self.given + number as u64;
            let value = column.value(arrays, number);
            let problem = format!("has {value} as element {event}, {expected}");
            array_fault(&arrays[column.array].name, problem)
        };
        let pixel = |column: &Column| {
            let side = column.whole(arrays, number).and_then(|side| u16::try_from(side).ok());
            side.ok_or_else(|| wrong(column, "expected a whole number from 0 to 65535"))
        };
        let t_us = if self.t.element.is_whole() {
            self.t.whole(arrays, number)
        } else {
            let t_us = (self.t.value(arrays, number) * 1e6).round();
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "in range")]
            (0.0..1e18).contains(&t_us).then_some(t_us as u64)
        };
        let t_us = t_us.ok_or_else(|| wrong(&self.t, "expected a time of 0 or more"))?;
        let on = self.p.value(arrays, number) > 0.0;
        Ok(CameraEvent { t_us, x: pixel(&self.x)?, y: pixel(&self.y)?, on })
    }
}

impl FromFile for Events {
    fn next(&mut self, out: &mut Vec<CameraEvent>) -> Result<bool, Fault> {
        let count = self.left.min(PORTION_EVENTS);
        let mut used = [self.t.array, self.x.array, self.y.array, self.p.array];
        used.sort_unstable();
        for (place, &array) in used.iter().enumerate() {
            if !used[..place].contains(&array) {
                self.bytes_read += self.arrays[array].fill(count)?;
            }
        }
        let mut number = 0;
        while (number as u64) < count {
            let event = self.event(number)?;
            self.sensor.check(event.x, event.y, self.given + number as u64)?;
            self.counts.events += 1;
            out.push(event);
            number += 1;
        }
        self.given += count;
        self.left -= count;
        Ok(self.left > 0)
    }

    fn bytes_read(&self) -> u64 {
        self.bytes_read
    }

    fn set_geometry(&mut self, geometry: Geometry) {
        self.sensor = Sensor(Some(geometry));
    }

    fn counts(&self) -> Option<&WordCounts> {
        Some(&self.counts)
    }
}
