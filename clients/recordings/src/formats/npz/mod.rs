//! An archive of NumPy arrays, by the names of [`columns`](super::columns).

mod array;

use std::{
    fs::File,
    io::{Read, Seek as _, SeekFrom},
    path::Path,
};

use flate2::read::DeflateDecoder;
use zip::{CompressionMethod, ZipArchive};

use super::{
    Format, Opened,
    columns::{Array, Elements, Events, array_fault},
};
use crate::Fault;

pub(super) fn open(path: &Path, file: File) -> Result<Opened, Fault> {
    let mut archive = ZipArchive::new(file).map_err(archive_fault)?;
    let mut arrays = Vec::new();
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
        arrays.push(array(name, reader)?);
    }
    let events = Events::of(arrays, 0)?;
    let header = vec![("events".to_owned(), events.left().to_string())];
    Ok(Opened { format: Format::Npz, geometry: None, header, events: Box::new(events) })
}

fn archive_fault(error: zip::result::ZipError) -> Fault {
    Fault::Archive { problem: error.to_string() }
}

fn array(name: &str, mut reader: Box<dyn Read + Send>) -> Result<Array, Fault> {
    let header = array::header(&mut reader).map_err(|problem| array_fault(name, problem))?;
    Ok(Array::new(name, header, Box::new(Part(reader))))
}

/// The elements of an array, unpacked.
struct Part(Box<dyn Read + Send>);

impl Elements for Part {
    fn read(&mut self, bytes: u64, out: &mut Vec<u8>) -> Result<u64, Fault> {
        Ok(self.0.by_ref().take(bytes).read_to_end(out)? as u64)
    }
}
