//! NIR files, the interchange format of trained networks, as descriptions.
//!
//! The path of a file: `hdf5` reads bytes into a graph value, `graph` takes subgraphs apart,
//! `signal` folds the linear nodes between neurons into synapses, `neuron` gives each
//! population its equation under a [`Profile`], and `lower` puts them together. `docs/nir.md`
//! tells users what each profile assumes; the same goes into a network's notes.

#[cfg(test)]
mod fuzz;
mod graph;
mod hdf5;
mod linear;
mod lower;
mod neuron;
mod notes;
mod profile;
mod replay;
mod signal;

use std::{fs::File, io::Read as _, path::Path};

pub use profile::Profile;
pub use replay::{Fired, ReplayError, replay};

use super::text::{Described, Places};

/// The step of whoever says none \[ns\].
pub const STEP_DEFAULT_NS: u64 = 100_000;

/// How a file is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// What it leaves open.
    pub profile: Profile,
    /// Length of a framework's step \[ns\], 1 to 1 000 000 000.
    pub step_ns: u64,
}

/// Why a NIR file cannot be had.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}{}: {message}", .node.as_ref().map(|node| format!(": node {node:?}")).unwrap_or_default())]
pub struct NirError {
    /// As it was asked for.
    pub file: String,
    /// The node concerned; none where the file as a whole is meant.
    pub node: Option<String>,
    /// What is wrong.
    pub message: String,
}

/// What is wrong with a node or a file, before the file's name is known.
#[derive(Debug)]
struct Refusal {
    node: Option<String>,
    message: String,
}

impl Refusal {
    fn file(message: String) -> Self {
        Self { node: None, message }
    }

    fn node(node: &str, message: String) -> Self {
        Self { node: (!node.is_empty()).then(|| node.into()), message }
    }
}

/// Reads a file into a network that is called like it.
///
/// # Errors
///
/// A file that cannot be read, is not NIR, or holds a graph that cannot be run, with the node.
pub fn read(path: &Path, options: Options) -> Result<Described, NirError> {
    let file = path.display().to_string();
    let refused = |message: String| NirError { file: file.clone(), node: None, message };
    let cannot = |error: std::io::Error| refused(format!("cannot be read: {error}"));
    // Asked before opening: opening a pipe would wait for its other end.
    if !path.metadata().map_err(cannot)?.is_file() {
        return Err(refused("is no file".into()));
    }
    let mut bytes = Vec::new();
    let limited = File::open(path).map_err(cannot)?.take(hdf5::FILE_BYTES_MAX + 1);
    { limited }.read_to_end(&mut bytes).map_err(cannot)?;
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    read_bytes(&bytes, &file, &stem, options)
}

/// Reads the bytes of a file into a network called `name`; errors call the file `file`.
///
/// # Errors
///
/// As [`read`].
pub fn read_bytes(
    bytes: &[u8],
    file: &str,
    name: &str,
    options: Options,
) -> Result<Described, NirError> {
    let lowered = hdf5::read(bytes).and_then(|graph| {
        let nodes = graph::flatten(&graph)?;
        lower::lower(&nodes, &graph.unread, name, options)
    });
    match lowered {
        Ok(lower::Lowered { network, blobs }) => {
            Ok(Described { network, blobs, places: Places::default() })
        }
        Err(Refusal { node, message }) => Err(NirError { file: file.into(), node, message }),
    }
}
