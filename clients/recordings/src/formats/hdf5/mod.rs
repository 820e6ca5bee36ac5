//! HDF5, without the system's library: Prophesee's recordings and those of DSEC.
//!
//! | where | what | whose |
//! |---|---|---|
//! | `/CD/events` | records of x, y, p and t \[µs\], chunks packed by ECF | Prophesee |
//! | `/events/{x,y,p,t}` | an array each, t \[µs\] from `/t_offset` on, chunks packed by Blosc | DSEC |
//!
//! Labelled samples of spikes are read by [`samples`], from the rows, sequences and the heap here.
//!
//! Prophesee's attributes are the header of its RAW files. Arrays are read chunk by chunk, and a chunk may
//! have at most 256 MiB.

mod blosc;
mod blosclz;
mod dataset;
mod ecf;
#[cfg(test)]
mod fuzz;
mod heap;
pub(crate) mod rows;
pub(crate) mod sequences;
mod shuffle;

use std::{
    fs::File as StdFile,
    path::{Path, PathBuf},
};

use hdf5_pure::{AttrValue, Dataset, File, Group};

pub use self::{heap::HeapFault, sequences::SequenceFault};
use super::{
    Format, Opened,
    columns::{Array, Events},
    prophesee,
};
use crate::{Fault, Geometry, samples};

/// Names and values.
type Header = Vec<(String, String)>;

/// An open file, and where it is.
pub(crate) struct Hdf5 {
    pub(crate) file: File,
    pub(crate) path: PathBuf,
    pub(crate) bytes_total: u64,
}

impl Hdf5 {
    pub(crate) fn open(path: &Path) -> Result<Self, Fault> {
        let bytes_total = StdFile::open(path)?.metadata()?.len();
        let file = File::open_streaming(path).map_err(damaged)?;
        Ok(Self { file, path: path.to_owned(), bytes_total })
    }
}

pub(super) fn open(path: &Path, file: StdFile) -> Result<Opened, Fault> {
    let bytes_total = file.metadata()?.len();
    let hdf5 = File::open_streaming(path).map_err(damaged)?;
    let names = hdf5.root().groups().map_err(damaged)?;
    let has = |name: &str| names.iter().any(|other| other == name);
    let place = Place { path, bytes_total };
    if has("CD") {
        let (header, geometry) = attributes(&hdf5.root())?;
        let events = hdf5.dataset("CD/events").map_err(damaged)?;
        let events = place.array("/CD/events", &events)?;
        return opened("Prophesee", header, geometry, Events::of(vec![events], 0)?);
    }
    if has("events") {
        let arrays: Result<Vec<_>, _> = ["t", "x", "y", "p"]
            .map(|name| {
                let dataset = hdf5.dataset(&format!("events/{name}")).map_err(damaged)?;
                place.array(name, &dataset)
            })
            .into_iter()
            .collect();
        let datasets = hdf5.root().datasets().map_err(damaged)?;
        let has_offset = datasets.iter().any(|name| name == "t_offset");
        let offset_us = if has_offset { scalar(&hdf5, "t_offset")? } else { 0 };
        let header = vec![("t_offset".into(), format!("{offset_us} us"))];
        return opened("DSEC", header, None, Events::of(arrays?, offset_us)?);
    }
    if samples::layout(&names).is_some() {
        return Err(Fault::NotCamera { holds: "labelled samples of spikes" });
    }
    Err(damaged(format!("it holds neither /CD nor /events, but {names:?}")))
}

pub(crate) fn damaged(problem: impl ToString) -> Fault {
    Fault::Hdf5 { problem: problem.to_string() }
}

fn opened(
    layout: &str,
    mut header: Header,
    geometry: Option<Geometry>,
    events: Events,
) -> Result<Opened, Fault> {
    header.insert(0, ("layout".into(), layout.into()));
    header.push(("events".into(), events.left().to_string()));
    Ok(Opened { format: Format::Hdf5, geometry, header, events: Box::new(events) })
}

/// The one number of a dataset.
fn scalar(file: &File, name: &str) -> Result<i64, Fault> {
    let dataset = file.dataset(name).map_err(damaged)?;
    let shape = dataset.shape().map_err(damaged)?;
    if shape.iter().any(|&extent| extent != 1) {
        return Err(damaged(format!("{name} has the shape {shape:?}, expected one number")));
    }
    let numbers = dataset.read_i64().map_err(damaged)?;
    numbers.first().copied().ok_or_else(|| damaged(format!("{name} is empty")))
}

/// The texts among a group's attributes, by name, and the sensor's size if they tell it.
fn attributes(group: &Group) -> Result<(Header, Option<Geometry>), Fault> {
    let attributes = group.attrs().map_err(damaged)?;
    let texts = attributes.into_iter().filter_map(|(name, value)| match value {
        AttrValue::String(text) | AttrValue::VarLenString(text) => Some((name, text)),
        _ => None,
    });
    let mut header: Header = texts.collect();
    header.sort();
    let geometry = prophesee::geometry(&header)?;
    Ok((header, geometry))
}

/// A file of which arrays are read.
struct Place<'a> {
    path: &'a Path,
    bytes_total: u64,
}

impl Place<'_> {
    fn array(&self, name: &str, dataset: &Dataset) -> Result<Array, Fault> {
        let (header, elements) = dataset::open(name, dataset, self.path, self.bytes_total)?;
        Ok(Array::new(name, header, elements))
    }
}
