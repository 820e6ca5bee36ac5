//! The stages of `cargo xtask test`, as a table: a further check is a further line.
//!
//! Cheap stages come first. A failed one doesn't keep the others from running, so that one run
//! tells everything that is wrong.

use std::io::{self, BufRead, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Instant;

use anyhow::{Context as _, anyhow, bail, ensure};

use crate::cargo::{self, cargo};
use crate::libtest::{Outcome, Reader};
use crate::report::{Report, StageReport};
use crate::skips::{Allowed, Skip};
use crate::workspace::Workspace;
use crate::{arrows, docker, hygiene, python};

/// A check with a name. What tests it ran and skipped goes into the report.
pub(crate) struct Stage {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    run: fn(&Workspace, &mut Report) -> anyhow::Result<()>,
}

pub(crate) const STAGES: &[Stage] = &[
    Stage { name: "format", about: "rustfmt has nothing to change", run: check_format },
    Stage { name: "hygiene", about: "no registries, no paths of one machine", run: check_hygiene },
    Stage { name: "arrows", about: "crates depend on what they may", run: check_arrows },
    Stage { name: "clippy", about: "no warning in any target", run: check_clippy },
    Stage { name: "docs", about: "no warning in the documentation", run: check_docs },
    Stage { name: "digests", about: "the same bits for any processor", run: check_digests },
    Stage { name: "tests", about: "all tests, documentation's too", run: run_tests },
    Stage { name: "python", about: "the Python package, installed and tested", run: python::check },
    Stage { name: "docker", about: "image, compose and manifests", run: docker::check },
];

/// Runs the named stages, or all; whether all passed and nothing was skipped that may not be.
pub(crate) fn test(
    workspace: &Workspace,
    names: &[String],
    skips_allowed: Option<&Path>,
) -> anyhow::Result<bool> {
    let allowed = skips_allowed.map(Allowed::load).transpose()?;
    let mut report = Report { allowed, ..Report::default() };
    let named = |stage: &&Stage| names.is_empty() || names.iter().any(|name| name == stage.name);
    for stage in STAGES.iter().filter(named) {
        writeln!(io::stdout(), "== {}: {}", stage.name, stage.about)?;
        let started = Instant::now();
        let failure = (stage.run)(workspace, &mut report).err().map(|error| format!("{error:#}"));
        if let Some(why) = &failure {
            writeln!(io::stdout(), "{} FAILED: {why}", stage.name)?;
        }
        report.stages.push(StageReport { name: stage.name, took: started.elapsed(), failure });
    }
    write!(io::stdout(), "\n{report}")?;
    Ok(report.passed())
}

fn check_format(workspace: &Workspace, _: &mut Report) -> anyhow::Result<()> {
    ensure_component("fmt", "rustfmt")?;
    cargo::run(cargo(["fmt", "--all", "--check"]).current_dir(&workspace.root))
}

fn check_clippy(workspace: &Workspace, _: &mut Report) -> anyhow::Result<()> {
    ensure_component("clippy", "clippy")?;
    let mut clippy = cargo(["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]);
    cargo::run(clippy.current_dir(&workspace.root))
}

fn check_docs(workspace: &Workspace, _: &mut Report) -> anyhow::Result<()> {
    let mut doc = cargo(["doc", "--workspace", "--no-deps"]);
    cargo::run(doc.env("RUSTDOCFLAGS", "-D warnings").current_dir(&workspace.root))
}

/// The everyday build, with vectors of every width, and one for just this processor.
fn check_digests(workspace: &Workspace, _: &mut Report) -> anyhow::Result<()> {
    let run = ["run", "--release", "-p", "sim-core-digest"];
    cargo::run(cargo(run).current_dir(&workspace.root))?;
    let mut native = cargo(run);
    native.env("RUSTFLAGS", "-C target-cpu=native").args(["--target-dir", "target/native"]);
    cargo::run(native.current_dir(&workspace.root))
}

fn check_arrows(workspace: &Workspace, _: &mut Report) -> anyhow::Result<()> {
    all_clear("arrow between crates not allowed", &arrows::violations(&workspace.crates))
}

fn check_hygiene(workspace: &Workspace, _: &mut Report) -> anyhow::Result<()> {
    let found = hygiene::inspect(&workspace.root)?;
    for file in &found.long_files {
        writeln!(io::stdout(), "long, which wants a reason: {file}")?;
    }
    all_clear("problem in the repository", &found.problems)
}

/// Prints what a check has found and fails if that is anything.
fn all_clear(what: &str, found: &[String]) -> anyhow::Result<()> {
    for problem in found {
        writeln!(io::stdout(), "{what}: {problem}")?;
    }
    match found {
        [] => Ok(()),
        [only] => Err(anyhow!("{only}")),
        [first, rest @ ..] => Err(anyhow!("{first}, and {} more", rest.len())),
    }
}

fn run_tests(workspace: &Workspace, report: &mut Report) -> anyhow::Result<()> {
    // Built on its own, so that the compiler has the terminal to itself.
    cargo::run(cargo(["test", "--workspace", "--no-run"]).current_dir(&workspace.root))?;

    let mut tests = cargo(["test", "--workspace", "--no-fail-fast", "--", "--show-output"]);
    cargo::keep_colours(tests.current_dir(&workspace.root));
    let (outcome, finished) = watch(&mut tests)?;
    report.count(outcome.tally);
    report.skips.extend(outcome.skips);

    if outcome.tally.failed > 0 {
        bail!("{} failed: {}", outcome.tally.failed, outcome.failed_names.join(", "));
    }
    finished?;
    ensure!(outcome.tally.passed > 0, "no test ran");
    Ok(())
}

/// Runs the tests, showing their output as it comes; also whether they ended well.
fn watch(tests: &mut Command) -> anyhow::Result<(Outcome, anyhow::Result<()>)> {
    let mut child = tests.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let stdout = BufReader::new(child.stdout.take().context("standard output isn't piped")?);
    let stderr = BufReader::new(child.stderr.take().context("standard error isn't piped")?);

    let mut reader = Reader::default();
    let skips_on_stderr = thread::scope(|scope| {
        let on_stderr = scope.spawn(|| watch_stderr(stderr));
        cargo::for_each_line(stdout, |line| {
            if reader.take(line) { writeln!(io::stdout(), "{line}") } else { Ok(()) }
        })?;
        on_stderr.join().unwrap_or_else(|_| Err(io::Error::other("its reader panicked")))
    })
    .context("the output of the tests can't be read")?;
    let status = child.wait()?;
    Ok((reader.finish(skips_on_stderr), cargo::succeeded(tests, status)))
}

/// Shows what cargo says, and collects the skips told by what libtest doesn't capture.
fn watch_stderr(stderr: impl BufRead) -> io::Result<Vec<Skip>> {
    let mut skips = Vec::new();
    cargo::for_each_line(stderr, |line| {
        skips.extend(Skip::printed(line));
        writeln!(io::stderr(), "{line}")
    })?;
    Ok(skips)
}

/// Has rustup fetch a part of the toolchain that its minimal profile leaves out.
fn ensure_component(subcommand: &str, component: &str) -> anyhow::Result<()> {
    if cargo::output(&mut cargo([subcommand, "--version"])).is_ok() {
        return Ok(());
    }
    cargo::run(Command::new("rustup").args(["component", "add", component]))
        .with_context(|| format!("{component} is missing beside cargo"))
}
