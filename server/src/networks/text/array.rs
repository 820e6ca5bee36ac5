//! Arrays in files beside the text: read, checked, and kept as blobs of the contract.
//!
//! An array is named by a file, or by a file and the array's name in it.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use bytes::Bytes;
use sha2::{Digest as _, Sha256};
use spiked_proto::v1::{ArrayRef, ElementType};

use super::files::Files;
use super::node::Node;
use super::npy::{self, Npy};
use crate::networks::limits::{BLOB_BYTES_MAX, NETWORK_BYTES_MAX};

/// The arrays of a network, as they are gathered.
pub(super) struct Arrays<'a> {
    files: &'a dyn Files,
    blobs: RefCell<BTreeMap<[u8; 32], Bytes>>,
    bytes: Cell<u64>,
}

impl<'a> Arrays<'a> {
    pub(super) fn new(files: &'a dyn Files) -> Self {
        Self { files, blobs: RefCell::default(), bytes: Cell::new(0) }
    }

    pub(super) fn into_blobs(self) -> BTreeMap<[u8; 32], Bytes> {
        self.blobs.into_inner()
    }

    /// An array of weights.
    pub(super) fn weights(&self, named: &Named<'_>) -> Option<ArrayRef> {
        let Named { node, file, .. } = named;
        let bytes = self.npy(named)?;
        let read = Npy::read(&bytes).and_then(|array| Ok((array.weights()?, array.shape)));
        match read {
            Ok(((element, bytes), shape)) => self.keep(node, element, shape, bytes),
            Err(message) => node.refuse(format!("{file} {message}")),
        }
    }

    /// An array of whole numbers, each times `factor`.
    pub(super) fn wholes(&self, named: &Named<'_>, factor: u32) -> Option<ArrayRef> {
        let Named { node, file, .. } = named;
        let bytes = self.npy(named)?;
        let read = Npy::read(&bytes).and_then(|array| Ok((array.wholes()?, array.shape)));
        let (wholes, shape) = match read {
            Ok(read) => read,
            Err(message) => return node.refuse(format!("{file} {message}")),
        };
        let times: Option<Vec<u32>> =
            wholes.iter().map(|whole| whole.checked_mul(factor)).collect();
        let Some(times) = times else {
            return node.refuse(format!("{file} holds a delay of more than {} ticks", u32::MAX));
        };
        let kept = self.keep_wholes(node, &times)?;
        Some(ArrayRef { shape, ..kept })
    }

    /// Keeps whole numbers in one row.
    pub(super) fn keep_wholes(&self, node: &Node<'_>, wholes: &[u32]) -> Option<ArrayRef> {
        let bytes = wholes.iter().flat_map(|whole| whole.to_le_bytes()).collect();
        self.keep(node, ElementType::U32, row(node, wholes.len())?, bytes)
    }

    /// Keeps weights in one row.
    pub(super) fn keep_row(&self, node: &Node<'_>, weights: &[f64]) -> Option<ArrayRef> {
        self.keep_weights(node, weights, row(node, weights.len())?)
    }

    /// Keeps weights of any shape.
    pub(super) fn keep_weights(
        &self,
        node: &Node<'_>,
        weights: &[f64],
        shape: Vec<u32>,
    ) -> Option<ArrayRef> {
        let bytes = weights.iter().flat_map(|weight| weight.to_le_bytes()).collect();
        self.keep(node, ElementType::F64, shape, bytes)
    }

    /// A file that is no array, as text.
    pub(super) fn text(&self, node: &Node<'_>, name: &str) -> Option<String> {
        let bytes = self.read(node, name)?;
        String::from_utf8(bytes).ok().or_else(|| node.refuse(format!("{name} is not UTF-8")))
    }

    fn keep(
        &self,
        node: &Node<'_>,
        element: ElementType,
        shape: Vec<u32>,
        bytes: Vec<u8>,
    ) -> Option<ArrayRef> {
        let total = self.bytes.get() + bytes.len() as u64;
        self.bytes.set(total);
        if bytes.len() as u64 > BLOB_BYTES_MAX {
            let length = bytes.len();
            return node.refuse(format!("is {length} bytes, at most {BLOB_BYTES_MAX} an array"));
        }
        if total > NETWORK_BYTES_MAX {
            return node.refuse(format!(
                "makes {total} bytes of arrays, at most {NETWORK_BYTES_MAX} a network"
            ));
        }
        let sha256: [u8; 32] = Sha256::digest(&bytes).into();
        self.blobs.borrow_mut().entry(sha256).or_insert_with(|| bytes.into());
        let sha256 = Bytes::copy_from_slice(&sha256);
        Some(ArrayRef { sha256, element_type: element.into(), shape })
    }

    /// The bytes of a `.npy` file, or of one in a `.npz` file.
    fn npy(&self, named: &Named<'_>) -> Option<Vec<u8>> {
        let Named { node, file, array } = named;
        match (extension(file), array) {
            ("npy", None) => self.read(node, file),
            ("npy", Some(_)) => node.refuse(format!("{file} is one array and has no names inside")),
            ("npz", _) => match npy::member_of_npz(&self.read(node, file)?, *array) {
                Ok(bytes) => Some(bytes),
                Err(message) => node.refuse(format!("{file} {message}")),
            },
            _ => node.refuse(format!("{file:?} where a .npy or .npz file belongs")),
        }
    }

    fn read(&self, node: &Node<'_>, name: &str) -> Option<Vec<u8>> {
        // An array may be as long as a blob, and has a header.
        match self.files.read(name, BLOB_BYTES_MAX + (1 << 16)) {
            Ok(bytes) => Some(bytes),
            Err(message) => node.refuse(format!("{} {message}", self.files.shown(name))),
        }
    }
}

/// An array as the text names it.
pub(super) struct Named<'a> {
    /// Where problems are shown.
    pub(super) node: Node<'a>,
    pub(super) file: &'a str,
    /// Which of a `.npz` file's.
    pub(super) array: Option<&'a str>,
}

impl<'a> Named<'a> {
    /// Reads "kernel.npy" or { file = "arrays.npz", array = "kernel" }.
    pub(super) fn read(node: &Node<'a>) -> Option<Self> {
        let node = node.clone();
        if !node.is_table() {
            return Some(Self { file: node.text()?, array: None, node });
        }
        let table = node.table(&["file", "array"], &[])?;
        let file = table.need("file", "\"arrays.npz\"").and_then(|file| file.text());
        let array = match table.get("array") {
            Some(array) => Some(array.text()?),
            None => None,
        };
        Some(Self { file: file?, array, node })
    }
}

/// Whether a text names a file of an array.
pub(super) fn is_array(text: &str) -> bool {
    matches!(extension(text), "npy" | "npz")
}

/// What a file's name ends in.
pub(super) fn extension(name: &str) -> &str {
    name.rsplit_once('.').map_or("", |(_, extension)| extension)
}

/// The shape of a row.
fn row(node: &Node<'_>, length: usize) -> Option<Vec<u32>> {
    match u32::try_from(length) {
        Ok(length) => Some(vec![length]),
        Err(_) => node.refuse(format!("has {length} entries, at most {}", u32::MAX)),
    }
}
