//! The images under test: ours, one of a newer build, and one whose arithmetic is another.

use std::cell::OnceCell;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, ensure};

use super::base;
use super::engine::Engine;
use super::shell::obey;

/// Where the version of the dynamics stands, and how.
const DYNAMICS_FILE: &str = "sim-core/src/math.rs";
const DYNAMICS: &str = "pub const DYNAMICS_VERSION: u32 = ";

/// Names of images; those that few checks need are built when one of them asks.
pub(super) struct Images {
    pub(super) ours: &'static str,
    /// One with a shell and Debian's small tools: what ours is built from.
    pub(super) debian: String,
    /// What `spiked --version` of ours names.
    pub(super) revision: String,
    profile: String,
    root: PathBuf,
    /// Where a changed copy of the sources is made.
    copy: PathBuf,
    newer: OnceCell<&'static str>,
    other: OnceCell<&'static str>,
}

impl Images {
    /// Builds ours.
    pub(super) fn build(
        engine: &Engine,
        root: &Path,
        folder: &Path,
        profile: &str,
    ) -> anyhow::Result<Self> {
        let dockerfile = fs::read_to_string(root.join("docker/Dockerfile"))?;
        let debian = base::bases(&dockerfile).into_iter().next();
        let git = obey(Command::new("git").args(["rev-parse", "HEAD"]).current_dir(root))?;
        let images = Self {
            ours: "spiked-test:ours",
            debian: debian.context("the Dockerfile begins with no image")?,
            revision: git,
            profile: profile.to_owned(),
            root: root.to_owned(),
            copy: folder.join("other-dynamics"),
            newer: OnceCell::new(),
            other: OnceCell::new(),
        };
        images.make(engine, root, images.ours, &images.revision)?;
        Ok(images)
    }

    /// Builds ours again, under another name.
    pub(super) fn build_again(&self, engine: &Engine, name: &str) -> anyhow::Result<()> {
        self.make(engine, &self.root, name, &self.revision)
    }

    /// Takes a file or a folder out of an image.
    pub(super) fn copy_out(
        &self,
        engine: &Engine,
        image: &str,
        path: &str,
        to: &Path,
    ) -> anyhow::Result<()> {
        let container = obey(&mut engine.docker(["create", image]))?;
        let from = format!("{container}:{path}");
        let copied = obey(engine.docker(["cp", &from]).arg(to));
        obey(&mut engine.docker(["rm", "--volumes", &container]))?;
        copied.map(drop)
    }

    /// The same sources, built as of another commit.
    pub(super) fn newer(&self, engine: &Engine) -> anyhow::Result<&'static str> {
        if self.newer.get().is_none() {
            self.make(engine, &self.root, "spiked-test:newer", "newer")?;
        }
        Ok(self.newer.get_or_init(|| "spiked-test:newer"))
    }

    /// Sources that say that their arithmetic is another.
    pub(super) fn other(&self, engine: &Engine) -> anyhow::Result<&'static str> {
        if self.other.get().is_none() {
            copy_sources(&self.root, &self.copy)?;
            let file = self.copy.join(DYNAMICS_FILE);
            let text = fs::read_to_string(&file)?;
            fs::write(&file, with_other_dynamics(&text)?)?;
            self.make(engine, &self.copy, "spiked-test:other", "other")?;
        }
        Ok(self.other.get_or_init(|| "spiked-test:other"))
    }

    fn make(
        &self,
        engine: &Engine,
        context: &Path,
        name: &str,
        revision: &str,
    ) -> anyhow::Result<()> {
        let arguments = [("PROFILE", &*self.profile), ("REVISION", revision)];
        base::build(engine, context, name, &arguments)
    }
}

/// Copies what git keeps or would keep.
fn copy_sources(root: &Path, to: &Path) -> anyhow::Result<()> {
    if to.exists() {
        fs::remove_dir_all(to)?;
    }
    let list = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
    let listed = obey(Command::new("git").args(list).current_dir(root))?;
    for path in listed.split_terminator('\0') {
        let (from, to) = (root.join(path), to.join(path));
        // What was deleted and not committed yet is still listed.
        if from.is_file() {
            fs::create_dir_all(to.parent().unwrap_or(root))?;
            fs::copy(&from, &to).with_context(|| format!("{path} can't be copied"))?;
        }
    }
    Ok(())
}

fn with_other_dynamics(text: &str) -> anyhow::Result<String> {
    let (before, behind) =
        text.split_once(DYNAMICS).context("nothing says the dynamics' version")?;
    let (version, behind) = behind.split_once(';').context("it has no end")?;
    ensure!(!behind.contains(DYNAMICS), "it is said twice");
    let version: u32 = version.parse().context("it is no number")?;
    Ok(format!("{before}{DYNAMICS}{};{behind}", version + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_dynamics_have_the_next_version() {
        let text = "//! x\npub const DYNAMICS_VERSION: u32 = 1;\nmore;\n";
        let other = with_other_dynamics(text).unwrap();
        assert_eq!(other, "//! x\npub const DYNAMICS_VERSION: u32 = 2;\nmore;\n");
        assert!(with_other_dynamics("nothing").is_err());
    }
}
