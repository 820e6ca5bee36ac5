//! A live stream from outside: `spiked stream`, fed with a recording a slice at a time.

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Stdio};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};

use super::Bench;
use super::shell::{Said, obey, until};

/// Six seconds in all: longer than a daemon that is asked to end lets a stream go on, from any moment of the
/// first two seconds on.
const SLICES: usize = 120;
const PAUSE: Duration = Duration::from_millis(50);
/// Longer than any daemon is away here.
const PATIENCE: &str = "60s";
const ENDS: Duration = Duration::from_secs(90);

/// A stream under way.
pub(super) struct Stream {
    child: Child,
    feeding: Option<JoinHandle<std::io::Result<()>>>,
    began: Instant,
    spikes: PathBuf,
}

impl Stream {
    /// Opens a durable session and begins to feed it; takes six seconds.
    pub(super) fn begin(bench: &Bench, address: &str, session: &str) -> anyhow::Result<Self> {
        let spikes = bench.folder.join(format!("{session}.csv"));
        let mut command = bench.spiked(["stream", super::NETWORK, "-", "--pace", "logical"]);
        command.args(["--address", address, "--session", session, "--durable", "each"]);
        command.args(["--patience", PATIENCE, "--output"]).arg(&spikes);
        let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = piped.spawn()?;
        let stdin = child.stdin.take().context("standard input isn't piped")?;
        let recording = fs::read(&bench.recording)?;
        let feeding = thread::spawn(move || feed(stdin, &recording));
        Ok(Self { child, feeding: Some(feeding), began: Instant::now(), spikes })
    }

    /// Waits until so much of its time is over; it must be going on by then.
    pub(super) fn goes_on_until(&mut self, since_begin: Duration) -> anyhow::Result<()> {
        thread::sleep(since_begin.saturating_sub(self.began.elapsed()));
        match self.child.try_wait()? {
            None => Ok(()),
            Some(status) => bail!("the stream ended with {status} before anything was done to it"),
        }
    }

    /// Waits for its end; gives what it said.
    pub(super) fn end(mut self) -> anyhow::Result<(Said, PathBuf)> {
        until("the stream ends", ENDS, || Ok(self.child.try_wait()?))?;
        let feeding = self.feeding.take().context("it is fed once")?;
        let fed = feeding.join().map_err(|_| anyhow::anyhow!("feeding panicked"))?;
        let mut said = Said { status: None, stdout: String::new(), stderr: String::new() };
        std::io::Read::read_to_string(
            &mut self.child.stdout.take().context("a pipe")?,
            &mut said.stdout,
        )?;
        std::io::Read::read_to_string(
            &mut self.child.stderr.take().context("a pipe")?,
            &mut said.stderr,
        )?;
        said.status = self.child.wait()?.code();
        ensure!(said.status == Some(0), "the stream failed:\n{}\n{}", said.stdout, said.stderr);
        fed?;
        Ok((said, self.spikes.clone()))
    }

    /// Waits for its end, which must be that of a run here that nothing was done to.
    pub(super) fn ends_like_a_run_here(self, bench: &Bench) -> anyhow::Result<()> {
        let (said, spikes) = self.end()?;
        let (ours, theirs) = (fs::read(&bench.told)?, fs::read(spikes)?);
        ensure!(ours == theirs, "its spikes are not those of a run here:\n{}", said.stdout);
        let (here, there) = (digest(&bench.summary)?, digest(&said.stdout)?);
        ensure!(here == there, "digest {there} where a run here has {here}");
        Ok(())
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn feed(mut stdin: ChildStdin, recording: &[u8]) -> std::io::Result<()> {
    for slice in recording.chunks(recording.len() / SLICES + 1) {
        stdin.write_all(slice)?;
        stdin.flush()?;
        thread::sleep(PAUSE);
    }
    Ok(())
}

/// The digest of a summary.
pub(super) fn digest(summary: &str) -> anyhow::Result<&str> {
    let digest = summary.lines().find_map(|line| line.strip_prefix("digest"));
    digest.map(str::trim).with_context(|| format!("no digest in:\n{summary}"))
}

/// Runs the recording in a daemon at once; gives the summary.
pub(super) fn run(bench: &Bench, more: &[&str]) -> anyhow::Result<String> {
    let mut command = bench.spiked(["run", super::NETWORK]);
    obey(command.arg(&bench.recording).args(more))
}
