//! `cargo xtask bench`: runs the crates' benchmarks and prints their JSON lines, nothing else.
//!
//! Each benchmark is a program (`harness = false`) that prints one JSON object a line. The first
//! line of all describes the machine, for a figure without it means nothing. Whatever else a
//! benchmark prints goes to standard error, so standard output can be kept as a file as it is.

use std::fs;
use std::io::{self, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

use anyhow::{Context as _, ensure};
use clap::CommandFactory as _;
use clap::error::ErrorKind;
use serde_json::{Value, json};

use crate::cargo::{self, cargo};
use crate::workspace::Workspace;

/// One benchmark program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Bench<'a> {
    package: &'a str,
    name: &'a str,
}

/// Runs the benchmarks that are named by crate or by name, or all; whether all ended well.
pub(crate) fn bench(
    workspace: &Workspace,
    names: &[String],
    profile: &str,
) -> anyhow::Result<bool> {
    let all = benches(workspace);
    if let Some(unknown) = names.iter().find(|name| !all.iter().any(|bench| bench.is(name))) {
        refuse(unknown, &all);
    }
    print_line(&machine(&workspace.root, profile).to_string())?;
    let mut all_well = true;
    let chosen = |bench: &&Bench<'_>| names.is_empty() || names.iter().any(|name| bench.is(name));
    for bench in all.iter().filter(chosen) {
        if let Err(error) = run(bench, &workspace.root, profile) {
            all_well = false;
            writeln!(io::stderr(), "{} of {} FAILED: {error:#}", bench.name, bench.package)?;
        }
    }
    Ok(all_well)
}

/// Every benchmark of the workspace.
fn benches(workspace: &Workspace) -> Vec<Bench<'_>> {
    let mut found = Vec::new();
    for package in &workspace.crates {
        let targets = package.targets.iter().filter(|target| target.kind == ["bench"]);
        found.extend(targets.map(|target| Bench { package: &package.name, name: &target.name }));
    }
    found
}

impl Bench<'_> {
    /// Whether this is one that was asked for.
    fn is(&self, name: &str) -> bool {
        self.package == name || self.name == name
    }
}

/// Ends with the exit code of wrong usage.
fn refuse(unknown: &str, all: &[Bench<'_>]) -> ! {
    let known: Vec<_> =
        all.iter().map(|bench| format!("  {} {}", bench.package, bench.name)).collect();
    let message = format!("no crate and no benchmark is named {unknown}:\n{}", known.join("\n"));
    crate::Cli::command().error(ErrorKind::InvalidValue, message).exit()
}

/// Runs one benchmark and hands on its JSON lines as they come.
fn run(bench: &Bench<'_>, root: &Path, profile: &str) -> anyhow::Result<()> {
    let mut command = cargo(["bench", "--profile", profile, "-p", bench.package]);
    command.args(["--bench", bench.name]).current_dir(root).stdout(Stdio::piped());
    let mut child = command.spawn()?;
    let stdout = child.stdout.take().context("standard output isn't piped")?;

    let mut lines = 0_usize;
    cargo::for_each_line(BufReader::new(stdout), |line| {
        if !is_json_object(line) {
            return writeln!(io::stderr(), "{line}");
        }
        lines += 1;
        print_line(line)
    })?;
    cargo::succeeded(&command, child.wait()?)?;
    ensure!(lines > 0, "it printed no JSON line");
    Ok(())
}

fn is_json_object(line: &str) -> bool {
    serde_json::from_str::<Value>(line).is_ok_and(|value| value.is_object())
}

/// Where the figures come from. What can't be found out is null.
fn machine(root: &Path, profile: &str) -> Value {
    let git = |arguments: &[&str]| said(Command::new("git").args(arguments).current_dir(root));
    json!({"machine": {
        "cpu": fs::read_to_string("/proc/cpuinfo").ok().as_deref().and_then(cpu_model),
        "cores": thread::available_parallelism().ok(),
        "rustc": said(Command::new("rustc").arg("--version").current_dir(root)),
        "profile": profile,
        "commit": git(&["rev-parse", "HEAD"]),
        "uncommitted_changes": git(&["status", "--porcelain"]).map(|changes| !changes.is_empty()),
    }})
}

/// What a command says about itself, if it can be asked.
fn said(command: &mut Command) -> Option<String> {
    cargo::output(command).ok().map(|said| said.trim().to_owned())
}

/// The first processor's name in Linux's `/proc/cpuinfo`.
fn cpu_model(cpuinfo: &str) -> Option<String> {
    let mut pairs = cpuinfo.lines().filter_map(|line| line.split_once(':'));
    pairs.find(|(key, _)| key.trim() == "model name").map(|(_, name)| name.trim().to_owned())
}

fn print_line(line: &str) -> io::Result<()> {
    writeln!(io::stdout(), "{line}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Catches a choice by crate that takes in libraries and tests.
    #[test]
    fn finds_the_benchmarks_and_nothing_else() {
        let metadata = r#"{"workspace_root": "/r", "packages": [
            {"name": "sim-core", "manifest_path": "/r/sim-core/Cargo.toml", "dependencies": [],
             "targets": [{"name": "sim_core", "kind": ["lib"]}, {"name": "it", "kind": ["test"]},
                         {"name": "rows", "kind": ["bench"]}, {"name": "taps", "kind": ["bench"]}]},
            {"name": "xtask", "manifest_path": "/r/xtask/Cargo.toml", "dependencies": [],
             "targets": [{"name": "xtask", "kind": ["bin"]}]}]}"#;
        let workspace: Workspace = serde_json::from_str(metadata).unwrap();
        let [rows, taps] = ["rows", "taps"].map(|name| Bench { package: "sim-core", name });
        assert_eq!(benches(&workspace), [rows, taps]);
        assert!(rows.is("sim-core") && rows.is("rows") && !rows.is("taps") && !rows.is("sim"));
    }

    #[test]
    fn only_json_objects_pass() {
        assert!(is_json_object(r#"{"name": "rows", "deliveries_per_s": 1.5e8}"#));
        for line in ["", "running 0 tests", "3", "[1]", "{\"cut\": ", "{} {}"] {
            assert!(!is_json_object(line), "{line:?}");
        }
    }

    #[test]
    fn names_the_first_processor() {
        let cpuinfo = "processor\t: 0\nmodel\t\t: 85\nmodel name\t: Cpu: 9\nmodel name\t: other\n";
        assert_eq!(cpu_model(cpuinfo).as_deref(), Some("Cpu: 9"));
        assert_eq!(cpu_model("Features : neon\n"), None);
    }
}
