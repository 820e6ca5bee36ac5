//! `cargo xtask docker-test`: the files of `docker/`, built and run by a real engine.
//!
//! The image is built from the unchanged Dockerfile, then one check after the other runs containers of it
//! and looks at them from outside, with the image's program as the client on this machine. What a
//! check starts, it removes; an engine that was started here is stopped at the end.

mod base;
mod checks;
mod container;
mod engine;
mod images;
mod python;
mod scrape;
mod shell;
mod stream;

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Instant;

use anyhow::{Context as _, bail};

use self::checks::{CHECKS, Check, TWICE};
use self::engine::Engine;
use self::images::Images;
use self::shell::obey;
use crate::libtest::Tally;
use crate::report::Report;
use crate::skips::Skip;
use crate::workspace::Workspace;

/// One that comes along, and whose output depends on everything before.
const NETWORK: &str = "demo";

/// What is built soonest: the checks ask nothing of `dist` that this lacks.
pub(crate) const PROFILE: &str = "quick";

/// What the checks work with.
struct Bench {
    engine: Engine,
    images: Images,
    root: PathBuf,
    /// The image's own program, which needs nothing of a system, run on this machine.
    client: PathBuf,
    /// Where a check leaves its files; empty when it begins.
    folder: PathBuf,
    recording: PathBuf,
    /// What a run of the recording on this machine says and tells.
    summary: String,
    told: PathBuf,
    names: AtomicU32,
}

impl Bench {
    /// A name that nothing else of this engine has.
    fn name(&self, what: &str) -> String {
        // Ordering: Relaxed. Only the number counts.
        let number = self.names.fetch_add(1, Relaxed);
        format!("spiked-test-{}-{what}-{number}", std::process::id())
    }

    /// The client, about to be run.
    fn spiked<const N: usize>(&self, arguments: [&str; N]) -> Command {
        let mut command = Command::new(&self.client);
        command.args(arguments);
        command
    }
}

/// The stage: all checks but the costly one.
pub(crate) fn check(workspace: &Workspace, report: &mut Report) -> anyhow::Result<()> {
    test(workspace, &[], PROFILE, report)
}

/// Runs the named checks, or all, for their own sake; whether all passed and none was skipped.
pub(crate) fn alone(
    workspace: &Workspace,
    names: &[String],
    profile: &str,
) -> anyhow::Result<bool> {
    let mut report = Report::default();
    let tested = test(workspace, names, profile, &mut report);
    if let Some(tally) = report.tally {
        writeln!(io::stdout(), "{tally}")?;
    }
    tested.map(|()| report.skips.is_empty())
}

/// Runs the named checks, or all; where no engine can run, that is a skip.
fn test(
    workspace: &Workspace,
    names: &[String],
    profile: &str,
    report: &mut Report,
) -> anyhow::Result<()> {
    let folder = workspace.root.join("target/docker");
    let engine = match Engine::find_or_start(&folder.join("engine")) {
        Ok(engine) => engine,
        Err(error) => {
            let why = format!("no Docker engine: {error:#}").replace('\n', " ");
            writeln!(io::stdout(), "SKIPPED docker: {why}")?;
            report.skips.push(Skip { name: "docker".into(), why });
            return Ok(());
        }
    };
    let bench = prepare(workspace, engine, &folder, profile)?;
    let mut tally = Tally { passed: 0, failed: 0, skipped: 0 };
    let mut failed = Vec::new();
    let named = |check: &&Check| names.is_empty() || names.iter().any(|name| name == check.name);
    let costly = Some(&TWICE).filter(|check| names.iter().any(|name| name == check.name));
    for check in CHECKS.iter().filter(named).chain(costly) {
        if run(&bench, check)? {
            tally.passed += 1;
        } else {
            tally.failed += 1;
            failed.push(check.name);
        }
    }
    report.count(tally);
    if !failed.is_empty() {
        bail!("{} failed: {}", failed.len(), failed.join(", "));
    }
    Ok(())
}

/// The names of the checks, and what each is about.
pub(crate) fn names() -> clap::builder::PossibleValuesParser {
    let value = |check: &Check| clap::builder::PossibleValue::new(check.name).help(check.about);
    CHECKS.iter().chain([&TWICE]).map(value).into()
}

/// Everything before the first check: base images, ours, the client, a recording.
fn prepare(
    workspace: &Workspace,
    engine: Engine,
    folder: &Path,
    profile: &str,
) -> anyhow::Result<Bench> {
    let root = workspace.root.clone();
    step("engine", || engine.version())?;
    let dockerfile = root.join("docker/Dockerfile");
    step("base images", || base::prepare(&engine, &dockerfile, folder))?;
    let images = step("images", || Images::build(&engine, &root, folder, profile))?;
    let client = folder.join("spiked");
    images.copy_out(&engine, images.ours, "/usr/local/bin/spiked", &client)?;
    let (recording, told) = (folder.join("moves.es"), folder.join("moves.csv"));
    let _ = fs::remove_file(&recording);
    let mut generate = Command::new(&client);
    generate.args(["generate", "dvs"]).arg(&recording);
    obey(generate.args(["--size", "64x64", "--selectivity", "2", "--for", "4s"]))?;
    let mut here = Command::new(&client);
    here.args(["run", NETWORK]).arg(&recording).arg("--output").arg(&told);
    let summary = obey(&mut here)?;
    let work = folder.join("work");
    let names = AtomicU32::new(0);
    Ok(Bench { engine, images, root, client, folder: work, recording, summary, told, names })
}

/// Runs a check in an empty folder; whether it passed.
fn run(bench: &Bench, check: &Check) -> anyhow::Result<bool> {
    if bench.folder.exists() {
        fs::remove_dir_all(&bench.folder)?;
    }
    fs::create_dir_all(&bench.folder)?;
    let began = Instant::now();
    let outcome = (check.run)(bench);
    let seconds = began.elapsed().as_secs_f64();
    match outcome {
        Ok(()) => writeln!(io::stdout(), "docker {:<10} {seconds:>6.1} s  passed", check.name)?,
        Err(error) => {
            writeln!(
                io::stdout(),
                "docker {:<10} {seconds:>6.1} s  FAILED: {error:#}",
                check.name
            )?;
            print_logs(&bench.folder)?;
            return Ok(false);
        }
    }
    Ok(true)
}

/// What the containers of a failed check have said.
fn print_logs(folder: &Path) -> anyhow::Result<()> {
    for entry in fs::read_dir(folder)?.flatten() {
        let path = entry.path();
        if path.extension().is_some_and(|end| end == "log") {
            let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            for line in fs::read_to_string(&path)?.lines() {
                writeln!(io::stdout(), "  {name}: {line}")?;
            }
        }
    }
    Ok(())
}

/// Does a part of the preparation, and says how long it took.
fn step<T>(what: &str, work: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<T> {
    let began = Instant::now();
    let done = work().with_context(|| what.to_owned())?;
    writeln!(io::stdout(), "docker {what:<12} {:>6.1} s", began.elapsed().as_secs_f64())?;
    Ok(done)
}
