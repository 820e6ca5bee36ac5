//! What goes into the shipped binary: the crates that are linked into `spiked`, as cargo resolves them.
//!
//! `cargo tree` knows which features the binary alone turns on; `cargo metadata` knows where a crate's
//! files lie and under which licence it is; the lock file knows its checksum. Build scripts, macros and
//! what only tests need are left out, for nothing of them is in the binary.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, ensure};
use serde::Deserialize;

use crate::cargo::{self, cargo};
use crate::workspace::Workspace;

/// The package whose binary is shipped.
const SHIPPED: &str = "spiked";

/// A crate by name and version.
pub(crate) type Id = (String, String);

/// One crate of the binary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Linked {
    pub(crate) id: Id,
    /// As SPDX writes it, where the crate says so.
    pub(crate) licence: Option<String>,
    /// Where its files lie.
    pub(crate) folder: PathBuf,
    /// SHA-256 of its archive, in hexadecimal; none for crates of the workspace.
    pub(crate) checksum: Option<String>,
    pub(crate) needs: BTreeSet<Id>,
}

/// All crates of the binary, ordered by name and version.
pub(crate) fn linked(workspace: &Workspace) -> anyhow::Result<Vec<Linked>> {
    let mut tree = cargo(["tree", "--locked", "-p", SHIPPED, "--prefix", "depth"]);
    tree.args(["-e", "normal,no-proc-macro", "--format", "{p}", "--charset", "ascii"]);
    let edges = edges(&cargo::output(tree.current_dir(&workspace.root))?)?;
    // Else crates would be fetched that only other systems need.
    let host = cargo::output(Command::new("rustc").args(["--print", "host-tuple"]))?;
    let mut metadata = cargo(["metadata", "--locked", "--format-version", "1"]);
    metadata.args(["--filter-platform", host.trim()]);
    let described = cargo::output(metadata.current_dir(&workspace.root))?;
    let Metadata { packages } =
        serde_json::from_str(&described).context("cargo metadata printed what isn't its format")?;
    let lock = fs::read_to_string(workspace.root.join("Cargo.lock"))?;
    let checksums = checksums(&lock);
    let described: BTreeMap<Id, Package> =
        packages.into_iter().map(|one| ((one.name.clone(), one.version.clone()), one)).collect();
    let crates = edges.into_iter().map(|(id, needs)| {
        let package = described.get(&id).with_context(|| format!("{} is unknown", id.0))?;
        let folder = package.manifest_path.parent().unwrap_or(Path::new("")).to_owned();
        let checksum = checksums.get(&id).cloned();
        let licence = package.license.as_deref().map(as_spdx);
        Ok(Linked { id, licence, folder, checksum, needs })
    });
    crates.collect()
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
    license: Option<String>,
    manifest_path: PathBuf,
}

/// Reads a tree whose lines begin with their depth, as `1anyhow v1.0.0 (*)`.
fn edges(tree: &str) -> anyhow::Result<BTreeMap<Id, BTreeSet<Id>>> {
    let mut edges = BTreeMap::<Id, BTreeSet<Id>>::new();
    let mut above: Vec<Id> = Vec::new();
    for line in tree.lines().filter(|line| !line.is_empty()) {
        let digits = line.bytes().take_while(u8::is_ascii_digit).count();
        let depth: usize =
            line[..digits].parse().with_context(|| format!("no depth in {line:?}"))?;
        let mut words = line[digits..].split_whitespace();
        let (name, version) = (words.next(), words.next().and_then(|word| word.strip_prefix('v')));
        let (name, version) = name.zip(version).with_context(|| format!("no crate in {line:?}"))?;
        let id = (name.to_owned(), version.to_owned());
        ensure!(depth <= above.len(), "a crate without one above it: {line:?}");
        above.truncate(depth);
        if let Some(parent) = above.last() {
            edges.entry(parent.clone()).or_default().insert(id.clone());
        }
        edges.entry(id.clone()).or_default();
        above.push(id);
    }
    ensure!(!edges.is_empty(), "cargo tree printed nothing");
    Ok(edges)
}

/// The checksums of a lock file.
fn checksums(lock: &str) -> BTreeMap<Id, String> {
    let packages = lock.split("[[package]]").skip(1);
    packages
        .filter_map(|package| {
            let value = |key: &str| {
                let lines = package.lines();
                let mut values =
                    lines.filter_map(|line| line.strip_prefix(key)?.strip_prefix(" = "));
                Some(values.next()?.trim_matches('"').to_owned())
            };
            Some(((value("name")?, value("version")?), value("checksum")?))
        })
        .collect()
}

/// Some crates still write `MIT/Apache-2.0` for either of the two.
fn as_spdx(licence: &str) -> String {
    licence.split('/').map(str::trim).collect::<Vec<_>>().join(" OR ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(name: &str, version: &str) -> Id {
        (name.to_owned(), version.to_owned())
    }

    /// Catches a parent that stays when the tree goes back up.
    #[test]
    fn a_tree_is_read_with_who_needs_whom() {
        let tree = "0spiked v0.1.0 (/src)\n1a v1.0.0\n2b v2.0.0\n1c v3.0.0\n2b v2.0.0 (*)\n";
        let edges = edges(tree).unwrap();
        assert_eq!(edges.len(), 4);
        assert_eq!(edges[&id("spiked", "0.1.0")], [id("a", "1.0.0"), id("c", "3.0.0")].into());
        assert_eq!(edges[&id("c", "3.0.0")], [id("b", "2.0.0")].into());
        assert_eq!(edges[&id("b", "2.0.0")], BTreeSet::new());
    }

    #[test]
    fn a_tree_that_is_none_is_refused() {
        for tree in ["", "spiked v0.1.0", "0spiked", "0spiked v1.0.0\n2b v2.0.0"] {
            assert!(edges(tree).is_err(), "{tree:?}");
        }
    }

    #[test]
    fn checksums_belong_to_their_package() {
        let lock = "version = 4\n\n[[package]]\nname = \"a\"\nversion = \"1.0.0\"\nchecksum = \"ab\"\n\n\
                    [[package]]\nname = \"ours\"\nversion = \"0.1.0\"\n";
        assert_eq!(checksums(lock), [(id("a", "1.0.0"), "ab".to_owned())].into());
    }

    #[test]
    fn a_slash_between_licences_means_either() {
        assert_eq!(as_spdx("MIT/Apache-2.0"), "MIT OR Apache-2.0");
        assert_eq!(as_spdx("MIT AND (MIT OR ISC)"), "MIT AND (MIT OR ISC)");
    }
}
