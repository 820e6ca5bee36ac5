//! `cargo xtask fuzz`: gives the readers of strangers' bytes as many hostile inputs as wanted.
//!
//! Each target is a test whose name is that of the target; `cargo xtask test` runs it for a
//! moment. Here it runs for long, one target at a time, and says how far it is. A process that a
//! signal ends (a stack or a memory that ran out) can't say at which input: its mark does.

use std::fs;
use std::io::{self, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail};
use clap::builder::{PossibleValue, PossibleValuesParser};

use crate::cargo::{self, cargo};
use crate::workspace::Workspace;

/// A reader, and the test that gives it its inputs.
pub(crate) struct Target {
    pub(crate) name: &'static str,
    package: &'static str,
    /// Which of the package's test binaries.
    binary: &'static [&'static str],
}

const fn target(name: &'static str, package: &'static str) -> Target {
    Target { name, package, binary: &["--test", "fuzz"] }
}

/// One that lives within its library.
const fn within(name: &'static str, package: &'static str) -> Target {
    Target { name, package, binary: &["--lib"] }
}

const fn server(name: &'static str) -> Target {
    within(name, "spiked-server")
}

/// Every reader of bytes that strangers wrote.
pub(crate) const TARGETS: &[Target] = &[
    target("camera_events", "spiked-proto"),
    target("address_events", "spiked-proto"),
    target("frame_batches", "spiked-proto"),
    target("geometries", "spiked-proto"),
    target("evt2_words", "spiked-proto"),
    target("evt2_states", "spiked-proto"),
    target("evt3_words", "spiked-proto"),
    target("evt3_states", "spiked-proto"),
    target("recording_files", "spiked-recordings"),
    target("recordings_in_portions", "spiked-recordings"),
    target("bin_files", "spiked-recordings"),
    target("npz_files", "spiked-recordings"),
    target("touch_folders", "spiked-recordings"),
    target("touch_archives", "spiked-recordings"),
    target("hdf5_files", "spiked-recordings"),
    within("blosc_chunks", "spiked-recordings"),
    within("ecf_chunks", "spiked-recordings"),
    target("sample_files", "spiked-recordings"),
    target("mcap_files", "spiked-recordings"),
    target("dv_servers", "spiked-recordings"),
    target("label_files", "spiked-recordings"),
    target("core_snapshots", "sim-core"),
    target("sampled_snapshots", "sim-core"),
    within("spike_batches", "spiked-client"),
    within("daemon_streams", "spiked-client"),
    within("watched_messages", "spiked-client"),
    within("step_answers", "spiked-client"),
    within("daemon_statuses", "spiked-client"),
    server("connection_frames"),
    server("token_files"),
    server("config_files"),
    server("config_variables"),
    server("session_opens"),
    server("producer_messages"),
    server("tuning_requests"),
    server("protocol_states"),
    server("session_snapshots"),
    server("journal_records"),
    server("journal_folders"),
    server("network_messages"),
    server("network_texts"),
    server("synapse_files"),
    server("npy_arrays"),
    server("npz_archives"),
    server("nir_files"),
    server("nir_graphs"),
];

/// What is asked of each target.
pub(crate) struct Wanted {
    pub(crate) inputs: u64,
    pub(crate) from: u64,
    pub(crate) seed: u64,
    pub(crate) threads: u64,
}

pub(crate) fn names() -> PossibleValuesParser {
    TARGETS.iter().map(|target| PossibleValue::new(target.name)).into()
}

/// Runs the named targets, or all; whether none failed.
pub(crate) fn fuzz(
    workspace: &Workspace,
    names: &[String],
    wanted: &Wanted,
) -> anyhow::Result<bool> {
    let mut failed = Vec::new();
    let named = |target: &&Target| names.is_empty() || names.iter().any(|name| name == target.name);
    for target in TARGETS.iter().filter(named) {
        if let Err(error) = target.run(&workspace.root, wanted) {
            writeln!(io::stdout(), "{} FAILED: {error:#}", target.name)?;
            failed.push(target.name);
        }
    }
    if !failed.is_empty() {
        writeln!(io::stdout(), "failed: {}", failed.join(", "))?;
    }
    Ok(failed.is_empty())
}

impl Target {
    fn run(&self, root: &Path, wanted: &Wanted) -> anyhow::Result<()> {
        let folder = root.join("target").join("fuzz");
        fs::create_dir_all(&folder)?;
        let mark = folder.join(self.name);
        let mut test = cargo(["test", "--quiet", "--package", self.package]);
        test.args(self.binary).args(["--", "--nocapture", self.name]).current_dir(root);
        test.env("SPIKED_FUZZ_MARK", &mark)
            .env("SPIKED_FUZZ_INPUTS", wanted.inputs.to_string())
            .env("SPIKED_FUZZ_FROM", wanted.from.to_string())
            .env("SPIKED_FUZZ_SEED", wanted.seed.to_string())
            .env("SPIKED_FUZZ_THREADS", wanted.threads.to_string());
        let told = format!("fuzz {}: {} of {} inputs", self.name, wanted.inputs, wanted.inputs);
        let mut finished = false;
        let ended = each_line(&mut test, |line| finished |= line.starts_with(&told));
        if ended.is_err() {
            return ended.with_context(|| at_the_end(&mark));
        }
        if !finished {
            bail!("no test of that name has run");
        }
        Ok(())
    }
}

/// Runs a command, showing what it prints as it comes.
fn each_line(command: &mut Command, mut take: impl FnMut(&str)) -> anyhow::Result<()> {
    let mut child = command.stdout(Stdio::piped()).spawn()?;
    let stdout = BufReader::new(child.stdout.take().context("standard output isn't piped")?);
    cargo::for_each_line(stdout, |line| {
        take(line);
        writeln!(io::stdout(), "{line}")
    })?;
    cargo::succeeded(command, child.wait()?)
}

/// Which inputs were being tried.
fn at_the_end(mark: &Path) -> String {
    let bytes = fs::read(mark).unwrap_or_default();
    let numbers = bytes.as_chunks().0.iter().map(|number| u64::from_le_bytes(*number).to_string());
    format!("it was at input {}", numbers.collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Names of targets in the sources of a folder.
    fn named_in(folder: &Path, found: &mut BTreeSet<String>) -> io::Result<()> {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() && !path.ends_with("target") {
                named_in(&path, found)?;
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path)?;
                for naming in ["Target::new(\"", "files_by_name(\""] {
                    let rest = text.split(naming).skip(1);
                    found.extend(rest.filter_map(|rest| Some(rest.split_once('"')?.0.to_owned())));
                }
                // Two decoders share the bodies of their targets.
                for shared in ["words(\"evt", "states(\"evt"] {
                    let rest = text.split(shared).skip(1).filter_map(|rest| rest.split_once('"'));
                    found.extend(rest.map(|(name, _)| format!("evt{name}")));
                }
            }
        }
        Ok(())
    }

    /// The page on testing says of each target what it reads, and how often it has.
    #[test]
    fn every_target_has_its_row_on_the_page() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let page = fs::read_to_string(root.join("docs/testing.md")).unwrap();
        let rows = page.split_once("\n| target | what is read |").unwrap().1;
        let (rows, _) = rows.split_once("\n\n").unwrap();
        let rows = rows.lines().filter_map(|row| row.strip_prefix("| `")?.split_once('`'));
        let mut rows: Vec<&str> = rows.map(|(name, _)| name).collect();
        let mut listed: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
        rows.sort_unstable();
        listed.sort_unstable();
        assert_eq!(rows, listed);
    }

    /// A target that isn't in the table is one that nobody runs.
    #[test]
    fn every_target_is_in_the_table() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let mut found = BTreeSet::new();
        for folder in ["proto", "sim-core", "server", "clients"] {
            named_in(&root.join(folder), &mut found).unwrap();
        }
        let listed: BTreeSet<String> =
            TARGETS.iter().map(|target| target.name.to_owned()).collect();
        assert_eq!(found, listed);
    }
}
