//! An archive of NumPy arrays, by the names of [`columns`](super::columns).

pub(crate) mod array;

use std::{
    fs::File,
    io::{Read, Seek as _, SeekFrom},
    path::Path,
};

use flate2::read::DeflateDecoder;
use zip::{CompressionMethod, ZipArchive};

use self::array::{Described, header};
pub(crate) use super::columns::array_fault;
use super::{
    Format, Opened,
    columns::{Array, Elements, Events},
};
use crate::Fault;

pub(super) fn open(path: &Path, file: File) -> Result<Opened, Fault> {
    let arrays = parts(path, file)?.into_iter().map(array);
    let events = Events::of(arrays.collect::<Result<_, _>>()?, 0)?;
    let header = vec![("events".to_owned(), events.left().to_string())];
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

fn array(mut part: Part) -> Result<Array, Fault> {
    let header = Described::read(&mut part.reader).and_then(|described| header(&described));
    let header = header.map_err(|problem| array_fault(&part.name, problem))?;
    Ok(Array::new(&part.name.clone(), header, Box::new(part)))
}

impl Elements for Part {
    fn read(&mut self, bytes: u64, out: &mut Vec<u8>) -> Result<u64, Fault> {
        Ok(self.reader.by_ref().take(bytes).read_to_end(out)? as u64)
    }
}
