//! The workspace as cargo describes it: its root, its crates, and what they depend on.
//!
//! Read once from `cargo metadata --no-deps`, which resolves nothing and needs no network.

use std::path::PathBuf;

use anyhow::Context as _;
use serde::Deserialize;

use crate::cargo;

/// The part of `cargo metadata` that the stages look at.
#[derive(Debug, Deserialize)]
pub(crate) struct Workspace {
    #[serde(rename = "workspace_root")]
    pub(crate) root: PathBuf,
    #[serde(rename = "packages")]
    pub(crate) crates: Vec<Crate>,
}

/// One crate of the workspace.
#[derive(Debug, Deserialize)]
pub(crate) struct Crate {
    pub(crate) name: String,
    pub(crate) manifest_path: PathBuf,
    pub(crate) dependencies: Vec<Dependency>,
    pub(crate) targets: Vec<Target>,
}

/// One line of a crate's `Cargo.toml` that names another crate.
#[derive(Debug, Deserialize)]
pub(crate) struct Dependency {
    /// The crate's own name, also where the line gives it another.
    pub(crate) name: String,
    pub(crate) kind: Option<DependencyKind>,
}

/// Which table of `Cargo.toml` a dependency stands in, where it isn't the plain one.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum DependencyKind {
    Dev,
    Build,
}

/// A library, binary, test or benchmark of a crate.
#[derive(Debug, Deserialize)]
pub(crate) struct Target {
    pub(crate) name: String,
    pub(crate) kind: Vec<String>,
}

impl Workspace {
    /// Asks cargo about the workspace that the current folder belongs to.
    pub(crate) fn load() -> anyhow::Result<Self> {
        let mut command = cargo::cargo(["metadata", "--no-deps", "--format-version", "1"]);
        let described = cargo::output(&mut command)?;
        serde_json::from_str(&described).context("cargo metadata printed what isn't its format")
    }
}
