//! The text form of a network: TOML with units, arrays in files beside it.
//!
//! `docs/networks.md` tells users how to write one. Everything wrong with a text is reported at
//! once, each with file, line, part and field; nothing is guessed, and unknown words are refused.
//! Tables come in the order of the file, which is the order of the description.

mod array;
mod convolution;
mod files;
mod frames;
#[cfg(test)]
mod fuzz;
mod motion;
mod network;
mod neuron;
mod nir;
mod node;
mod notes;
mod npy;
mod part;
mod projection;
mod quantity;
mod random;
mod readout;
mod synapses;
mod values;

use std::collections::BTreeMap;
use std::path::Path;

use bytes::Bytes;
use spiked_proto::v1;
use toml::de::DeTable;

pub(crate) use files::{Embedded, Files, Folder};
pub use notes::{Places, TextError, TextProblem};

use super::limits::TEXT_BYTES_MAX;
use notes::Notes;

/// What a network's file is called in its folder.
pub(crate) const FILE_NAME: &str = "network.toml";

/// A description with its arrays, ready to be loaded or sent.
#[derive(Clone, Debug)]
pub struct Described {
    /// The description.
    pub network: v1::Network,
    /// Its arrays, by the SHA-256 of their bytes.
    pub blobs: BTreeMap<[u8; 32], Bytes>,
    /// Where each field stands in the text, for problems that are found later.
    pub places: Places,
}

/// An array's shape, and its numbers in row-major order.
pub type NpzArray = (Vec<u32>, Vec<f64>);

/// The shape and the numbers, row-major, of one array of a `.npz` file; none where it isn't there.
///
/// # Errors
///
/// What is wrong with the file or the array, as the rest of a sentence about the file.
pub fn npz_array(file: &[u8], name: &str) -> Result<Option<NpzArray>, String> {
    if !npy::names_in_npz(file)?.iter().any(|found| found == name) {
        return Ok(None);
    }
    let member = npy::member_of_npz(file, Some(name))?;
    let about = |problem: String| format!("array {name:?} {problem}");
    let array = npy::Npy::read(&member).map_err(about)?;
    Ok(Some((array.shape.clone(), array.numbers().map_err(about)?)))
}

/// Reads a network from a folder that holds a `network.toml`, or from a `.toml` file.
///
/// # Errors
///
/// Everything that is wrong with it, with file and line.
pub fn read(path: &Path) -> Result<Described, TextError> {
    let file = if path.is_dir() { path.join(FILE_NAME) } else { path.to_owned() };
    read_from(&Folder::of(&file), &name_of(&file))
}

/// Reads `files.main()`; a text that doesn't say its name has `default_name`.
pub(crate) fn read_from(files: &dyn Files, default_name: &str) -> Result<Described, TextError> {
    let file = files.shown(files.main());
    let bytes = files
        .read(files.main(), TEXT_BYTES_MAX)
        .map_err(|message| TextError::of_file(&file, None, &message))?;
    let text = str::from_utf8(&bytes).map_err(|error| {
        let before = &bytes[..error.valid_up_to()];
        let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
        TextError::of_file(&file, Some(line), "is not UTF-8 from here on")
    })?;
    // A byte order mark, as some editors write it, is no part of the text.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);

    let notes = Notes::new(&file, text);
    let (document, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        notes.refuse_syntax(error.span().map_or(0, |span| span.start), error.message());
    }
    // What stands in a text with broken syntax is anybody's guess.
    notes.fail_if_any()?;
    let (network, blobs) = network::read(&notes, &document, files, default_name);
    notes.fail_if_any()?;
    Ok(Described { network, blobs, places: notes.into_places() })
}

/// The name that a file gives its network: its own, or that of its folder, or, in a folder that is
/// a version, of the folder above.
fn name_of(file: &Path) -> String {
    let as_text = |name: Option<&std::ffi::OsStr>| name.map(|n| n.to_string_lossy().into_owned());
    if file.file_name().is_none_or(|name| name != FILE_NAME) {
        return as_text(file.file_stem()).unwrap_or_default();
    }
    // "." and ".." have no name of their own.
    let absolute = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
    let is_version = |name: &str| name.chars().all(|c| c.is_ascii_digit() || c == '.');
    let folders = absolute.ancestors().skip(1).map(|folder| as_text(folder.file_name()));
    folders.flatten().find(|name| !is_version(name)).unwrap_or_default()
}
