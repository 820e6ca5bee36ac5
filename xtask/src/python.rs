//! The Python package: installed into an environment of its own as its users install it, checked by mypy
//! and tested against the daemon that was built for the other tests.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, bail};

use crate::cargo;
use crate::libtest::Tally;
use crate::report::Report;
use crate::skips::Skip;
use crate::workspace::Workspace;

/// Installs the others. PyTorch brings gigabytes, which it fetches and lays in half the time that pip takes.
const INSTALLER: &str = "uv==0.13.9";

/// Pinned, so that what passes today passes tomorrow: what builds and checks, what the package may use,
/// what reads its files back, what its examples run in, and what networks come from.
const PACKAGES: [&str; 17] = [
    "maturin==1.16.0",
    "pytest==9.2.0",
    "mypy==2.4.1",
    "numpy==2.4.6",
    "matplotlib==3.11.2",
    "pandas==3.1.1",
    "h5py==3.16.0",
    "pynwb==4.2.0",
    "libsonata==0.2.2",
    "nwbinspector==0.7.2",
    "nbclient==0.11.0",
    "ipykernel==7.4.0",
    "gymnasium==1.4.0",
    "mujoco==4.0.0",
    "nir==1.0.8",
    "torch==2.15.0",
    "dcls==0.1.1",
];

/// Installs, checks and tests; what pytest counted goes into the report.
pub(crate) fn check(workspace: &Workspace, report: &mut Report) -> anyhow::Result<()> {
    let root = &workspace.root;
    let environment = root.join("target/python");
    let python = environment.join("bin/python");
    if let Err(error) = install_packages(&environment, &python) {
        // An index that cannot be reached is no fault of ours, and a skip all the same.
        let why = format!("the packages cannot be installed: {error:#}");
        println_skip(&why);
        report.skips.push(Skip { name: "python".into(), why });
        return Ok(());
    }
    let mut install = Command::new(&python);
    install
        .args(["-m", "pip", "install", "--quiet", "--no-build-isolation", "--force-reinstall"])
        .args(["--no-deps", "clients/python"])
        .env("MATURIN_PEP517_ARGS", "--profile dev")
        .env("PATH", path_with(&environment)?)
        .env("CARGO_TARGET_DIR", root.join("target"));
    cargo::run(install.current_dir(root)).context("the package cannot be installed")?;
    // The examples are programs of their own, each checked by itself.
    for what in [&["-p", "spiked"][..], &["examples"]] {
        let mut mypy = Command::new(&python);
        mypy.args(["-m", "mypy", "--strict", "--cache-dir", "../../target/mypy"]).args(what);
        cargo::run(mypy.current_dir(root.join("clients/python")))?;
    }
    run_tests(root, &python, report)
}

fn install_packages(environment: &Path, python: &Path) -> anyhow::Result<()> {
    if !python.exists() {
        cargo::run(Command::new("python3").args(["-m", "venv"]).arg(environment))?;
    }
    let mut installer = Command::new(python);
    installer.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", INSTALLER]);
    cargo::run(&mut installer)?;
    let mut install = Command::new(environment.join("bin/uv"));
    install.args(["pip", "install", "--quiet", "--python"]).arg(python).args(PACKAGES);
    // On the file system of what it installs, so that files are linked, not copied.
    cargo::run(install.env("UV_CACHE_DIR", environment.with_extension("uv")))
}

/// maturin is called by name.
fn path_with(environment: &Path) -> anyhow::Result<std::ffi::OsString> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::iter::once(environment.join("bin")).chain(std::env::split_paths(&path));
    std::env::join_paths(folders).context("the path of programs cannot be set")
}

fn run_tests(root: &Path, python: &Path, report: &mut Report) -> anyhow::Result<()> {
    let program = root.join("target/debug/spiked");
    if !program.exists() {
        cargo::run(cargo::cargo(["build", "-p", "spiked"]).current_dir(root))?;
    }
    let mut pytest = Command::new(python);
    pytest
        .args(["-m", "pytest", "-q", "-s", "-p", "no:cacheprovider", "tests"])
        .env("PYSPIKED_PROGRAM", program)
        .env("MPLBACKEND", "agg")
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .current_dir(root.join("clients/python"));
    let output = pytest.output().context("pytest cannot be run")?;
    let text = String::from_utf8_lossy(&output.stdout);
    print_all(&text);
    print_all(&String::from_utf8_lossy(&output.stderr));
    let skips: Vec<Skip> = text.lines().filter_map(Skip::printed).collect();
    let last = text.lines().rev().find(|line| line.contains(" in ")).unwrap_or_default();
    let counted = |what: &str| count(last, what);
    let tally =
        Tally { passed: counted("passed"), failed: counted("failed"), skipped: skips.len() };
    report.count(tally);
    report.skips.extend(skips);
    if !output.status.success() || tally.passed == 0 {
        bail!("{last}");
    }
    Ok(())
}

/// The number before a word, as in `24 passed, 1 skipped in 1.81s`.
fn count(line: &str, what: &str) -> usize {
    let mut words = line.split([' ', ',']).filter(|word| !word.is_empty());
    let mut before = "";
    words
        .find_map(|word| {
            let number = (word == what).then(|| before.trim_matches('=').parse().ok()).flatten();
            before = word;
            number
        })
        .unwrap_or(0)
}

#[expect(clippy::print_stdout, reason = "what a stage says goes to the reader")]
fn print_all(text: &str) {
    print!("{text}");
}

#[expect(clippy::print_stdout, reason = "a skip must be seen")]
fn println_skip(why: &str) {
    println!("SKIPPED python: {why}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pytests_last_line_is_counted() {
        let line = "2 failed, 24 passed, 1 skipped in 1.81s";
        assert_eq!(
            [count(line, "passed"), count(line, "failed"), count(line, "error")],
            [24, 2, 0]
        );
        assert_eq!(count("===== 3 passed in 0.10s =====", "passed"), 3);
    }
}
