//! Networks, from their text or the wire to a plan: what they say, what is refused, what is kept.

#![expect(clippy::unwrap_used, reason = "helpers of tests, which may")]

use std::fs;
use std::path::Path;

use spiked_server::networks::text::{self, Described, TextError};

mod built_in;
mod convert;
mod documentation;
mod errors;
mod fields;
mod hostile;
mod models;
mod nir;
mod repository;
mod swept_edge;
mod text_form;

/// Reads a text in a folder of its own, beside some files.
fn read_beside(text: &str, files: &[(&str, &[u8])]) -> Result<Described, TextError> {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        fs::write(folder.path().join(name), bytes).unwrap();
    }
    read_in(folder.path(), text)
}

fn read_in(folder: &Path, text: &str) -> Result<Described, TextError> {
    fs::write(folder.join("network.toml"), text).unwrap();
    text::read(folder)
}

fn read(text: &str) -> Result<Described, TextError> {
    read_beside(text, &[])
}

/// A `.npy` file of one extent or more.
fn npy(descr: &str, shape: &[usize], elements: &[u8]) -> Vec<u8> {
    let extents: String = shape.iter().map(|extent| format!("{extent}, ")).collect();
    let header =
        format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({extents}), }}\n");
    let length = u16::try_from(header.len()).unwrap().to_le_bytes();
    [b"\x93NUMPY\x01\x00", length.as_slice(), header.as_bytes(), elements].concat()
}

fn f32s(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

fn u32s(values: &[u32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

/// A `.npz` file, as numpy's `savez` and `savez_compressed` write it.
fn npz(compressed: bool, arrays: &[(&str, Vec<u8>)]) -> Vec<u8> {
    use std::io::Write as _;
    let method =
        if compressed { zip::CompressionMethod::Deflated } else { zip::CompressionMethod::Stored };
    let options = zip::write::SimpleFileOptions::default().compression_method(method);
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in arrays {
        archive.start_file(format!("{name}.npy"), options).unwrap();
        archive.write_all(bytes).unwrap();
    }
    archive.finish().unwrap().into_inner()
}
