//! A live stream and its session outlive the container's death and its end.

use std::time::{Duration, Instant};

use anyhow::ensure;

use super::Bench;
use crate::docker::container::{Container, Volume, free_port};
use crate::docker::stream::Stream;

/// In the middle of a stream.
const AMID: Duration = Duration::from_millis(1_500);
/// What `docker stop` waits unless told otherwise; then it kills.
const GRACE: Duration = Duration::from_secs(10);

/// Killed where it stands, it is started again on the same volume.
pub(super) fn kill(bench: &Bench) -> anyhow::Result<()> {
    let data = Volume::new(bench)?;
    let container = Container::open(bench, bench.images.ours, &data.name, free_port()?)?;
    let mut stream = Stream::begin(bench, &container.address(), "killed")?;
    stream.goes_on_until(AMID)?;
    container.does(&["kill", "--signal=KILL"])?;
    container.does(&["start"])?;
    container.healthy()?;
    stream.ends_like_a_run_here(bench)?;
    let log = container.log()?;
    let woke = "a session goes on where its journal ends";
    ensure!(log.contains(woke), "the session was not made again:\n{log}");
    Ok(())
}

/// Stopped in the middle of a stream, it saves the session in time.
pub(super) fn stop(bench: &Bench) -> anyhow::Result<()> {
    let data = Volume::new(bench)?;
    let container = Container::open(bench, bench.images.ours, &data.name, free_port()?)?;
    let mut stream = Stream::begin(bench, &container.address(), "drained")?;
    stream.goes_on_until(AMID)?;
    let asked = Instant::now();
    container.does(&["stop"])?;
    let took = asked.elapsed();
    let status = container.inspect("{{.State.ExitCode}}")?;
    ensure!(status == "0", "it ended with {status} after {took:?}");
    ensure!(took < GRACE, "it took {took:?}");
    ensure!(container.saved("drained")?, "the session was not saved:\n{}", container.log()?);
    container.does(&["start"])?;
    container.healthy()?;
    stream.ends_like_a_run_here(bench)
}
