//! A Python of our own, with the packages that hold other people's schemas.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;

use super::shell::obey;

/// Pinned, so that what passes today passes tomorrow.
const PACKAGES: [&str; 2] =
    ["kubernetes-validate==1.37.0", "cyclonedx-python-lib[json-validation]==11.12.0"];

/// The interpreter of an environment below this folder, made once.
pub(super) fn interpreter(folder: &Path) -> anyhow::Result<PathBuf> {
    let environment = folder.join("python");
    let python = environment.join("bin/python");
    if !python.exists() {
        obey(Command::new("python3").args(["-m", "venv"]).arg(&environment))?;
    }
    let mut install = Command::new(&python);
    install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
    obey(install.args(PACKAGES)).context("packages with schemas")?;
    Ok(python)
}
