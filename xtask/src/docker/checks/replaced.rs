//! Another build takes over a volume that has sessions on it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use anyhow::ensure;

use super::Bench;
use crate::docker::container::{Container, Volume, free_port};
use crate::docker::shell::{Said, listen};
use crate::docker::stream::Stream;

const AMID: Duration = Duration::from_millis(1_500);

/// A newer build goes on with a session whose stream is open all the while.
pub(super) fn newer(bench: &Bench) -> anyhow::Result<()> {
    let newer = bench.images.newer(&bench.engine)?;
    let (data, port) = (Volume::new(bench)?, free_port()?);
    let old = Container::open(bench, bench.images.ours, &data.name, port)?;
    let mut stream = Stream::begin(bench, &old.address(), "carried-over")?;
    stream.goes_on_until(AMID)?;
    old.does(&["stop"])?;
    ensure!(old.saved("carried-over")?, "the session was not saved:\n{}", old.log()?);
    let new = Container::open(bench, newer, &data.name, port)?;
    let version = new.run_inside(&["--version"])?.stdout;
    ensure!(version.contains("(newer)"), "what took over is {version}");
    stream.ends_like_a_run_here(bench)
}

/// A build whose dynamics differ refuses the session by name, and serves what else there is. The session
/// is taken out, and goes on where its dynamics are, at another daemon.
pub(super) fn other(bench: &Bench) -> anyhow::Result<()> {
    let other = bench.images.other(&bench.engine)?;
    let (data, port) = (Volume::new(bench)?, free_port()?);
    let ours = Container::open(bench, bench.images.ours, &data.name, port)?;
    let mut stream = Stream::begin(bench, &ours.address(), "left-behind")?;
    stream.goes_on_until(AMID)?;
    ours.does(&["stop"])?;
    ensure!(ours.saved("left-behind")?, "the session was not saved:\n{}", ours.log()?);

    // The stream would be refused as well, and end: its client must not meet this one.
    let refusing = Container::open(bench, other, &data.name, free_port()?)?;
    let refused = open_again(bench, &refusing, "left-behind")?;
    ensure!(refused.status == Some(1), "it was opened: {}", refused.stdout);
    for word in ["session \"left-behind\"", "dynamics version 1", "this daemon has 2"] {
        ensure!(refused.stderr.contains(word), "no {word:?} in {}", refused.stderr);
    }
    let fresh = open_again(bench, &refusing, "fresh")?;
    ensure!(fresh.status == Some(0), "it serves nothing else: {}", fresh.stderr);
    refusing.does(&["stop"])?;

    let elsewhere = carry(bench, other, &data)?;
    let resumed = Container::open(bench, bench.images.ours, &elsewhere.name, port)?;
    stream.ends_like_a_run_here(bench)?;
    let log = resumed.log()?;
    ensure!(log.contains("left-behind"), "the session did not go on there:\n{log}");
    Ok(())
}

/// Asks for a session of this name.
fn open_again(bench: &Bench, container: &Container<'_>, session: &str) -> anyhow::Result<Said> {
    let mut run = bench.spiked(["run", crate::docker::NETWORK]);
    run.arg(&bench.recording).args(["--address", &container.address(), "--session", session]);
    listen(run.args(["--durable", "each"]))
}

/// Takes the session out of one volume with the build that refuses it, and puts it into another.
fn carry<'a>(bench: &'a Bench, image: &str, from: &Volume<'_>) -> anyhow::Result<Volume<'a>> {
    let (luggage, to) = (bench.folder.join("luggage"), Volume::new(bench)?);
    fs::create_dir(&luggage)?;
    // The image's user is nobody here.
    fs::set_permissions(&luggage, fs::Permissions::from_mode(0o777))?;
    for (image, data, words) in [
        (image, from, &["export", "left-behind", "/luggage/left-behind.zip"][..]),
        (bench.images.ours, &to, &["import", "/luggage/left-behind.zip"]),
    ] {
        let mut run = bench.engine.docker(["run", "--rm", "--read-only", "--cap-drop", "ALL"]);
        run.arg(format!("--volume={}:/data", data.name));
        run.arg(format!("--volume={}:/luggage", luggage.display()));
        let said = listen(run.arg(image).arg("sessions").args(words))?;
        ensure!(said.status == Some(0), "{words:?} failed: {}", said.stderr);
        ensure!(said.stdout.contains("dynamics version 1"), "{words:?} said {}", said.stdout);
    }
    Ok(to)
}
