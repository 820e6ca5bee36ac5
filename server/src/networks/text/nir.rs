//! A network that lies beside its text as a NIR file, and how that is to be read.

use std::collections::BTreeMap;

use bytes::Bytes;
use spiked_proto::v1;

use super::files::Files;
use super::node::Node;
use crate::networks::limits::BLOB_BYTES_MAX;
use crate::networks::nir::{Options, Profile, STEP_DEFAULT_NS, read_bytes};

/// Reads `{ file = "trained.nir", profile = "snntorch", step = "100 us" }`.
pub(super) fn read(
    node: &Node<'_>,
    files: &dyn Files,
    name: &str,
) -> Option<(v1::Network, BTreeMap<[u8; 32], Bytes>)> {
    let table = node.table(&["file", "profile", "step"], &[])?;
    let file = table.need("file", "\"trained.nir\"");
    let profile = table.need("profile", "\"snntorch\"").and_then(|node| profile(&node));
    let step_ns = match table.get("step") {
        Some(node) => step_ns(&node),
        None => Some(STEP_DEFAULT_NS),
    };
    let (file, options) = (file?, Options { profile: profile?, step_ns: step_ns? });
    let path = file.text()?;
    let described =
        files.read(path, BLOB_BYTES_MAX).map_err(|problem| format!("{path}: {problem}")).and_then(
            |bytes| read_bytes(&bytes, path, name, options).map_err(|error| error.to_string()),
        );
    match described {
        Ok(described) => Some((described.network, described.blobs)),
        Err(problem) => file.refuse(problem),
    }
}

fn profile(node: &Node<'_>) -> Option<Profile> {
    node.text()?.parse().map_or_else(|problem: String| node.refuse(problem), Some)
}

fn step_ns(node: &Node<'_>) -> Option<u64> {
    let ns = node.nanoseconds()?;
    if (1..=1_000_000_000).contains(&ns) {
        return Some(ns);
    }
    node.refuse(format!("{ns} ns is not between 1 ns and 1 s"))
}
