//! The data folder is saved and put back with the guide's own commands.

use std::fs;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, ensure};

use super::Bench;
use crate::docker::container::{Container, Volume, free_port};
use crate::docker::shell::obey;
use crate::docker::stream::Stream;

const AMID: Duration = Duration::from_millis(1_500);
const GUIDE: &str = "docs/deploying.md";
const SECTION: &str = "\n## Back-up and restore\n";
/// What the guide calls its container, and an image that has a shell and tar.
const CONTAINER: &str = "spiked";
const DEBIAN: &str = "debian";

/// In the middle of a stream the folder is saved, lost, and put back.
pub(super) fn check(bench: &Bench) -> anyhow::Result<()> {
    let guide = fs::read_to_string(bench.root.join(GUIDE))?;
    let commands = commands(&guide).context("the guide has no commands for this")?;
    let [stop, save, start, stop_again, restore, start_again] = commands[..] else {
        anyhow::bail!("the guide's commands are others: {commands:?}");
    };
    let data = Volume::new(bench)?;
    let container = Container::open(bench, bench.images.ours, &data.name, free_port()?)?;
    let obeyed = |command: &str| obey(&mut as_written(bench, command, &container));
    let mut stream = Stream::begin(bench, &container.address(), "restored")?;
    stream.goes_on_until(AMID)?;

    obeyed(stop)?;
    obeyed(save)?;
    lose(bench, &data)?;
    // Nothing is there that the stream could go on with: what goes on later comes from the copy.
    let empty = Container::open(bench, bench.images.ours, &data.name, free_port()?)?;
    ensure!(!empty.sessions()?.contains("restored"), "the session is there without its folder");
    drop(empty);
    obeyed(stop_again)?;
    obeyed(restore)?;
    obeyed(start_again)?;
    container.healthy()?;
    stream.ends_like_a_run_here(bench)?;
    ensure!(start == start_again, "the daemon is started in two ways: {start:?}");
    Ok(())
}

/// The lines of the section's examples.
fn commands(guide: &str) -> Option<Vec<&str>> {
    let (_, section) = guide.split_once(SECTION)?;
    let (section, _) = section.split_once("\n## ")?;
    Some(section.lines().filter_map(|line| line.trim_start().strip_prefix("$ ")).collect())
}

/// One of them, to be run in the check's folder, with the names that things have here.
fn as_written(bench: &Bench, command: &str, container: &Container<'_>) -> Command {
    let words = command.split(' ').map(|word| match word {
        "docker" => bench.engine.client(),
        CONTAINER => container.name.clone(),
        DEBIAN => bench.images.debian.clone(),
        other => other.to_owned(),
    });
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(words.collect::<Vec<_>>().join(" ")).current_dir(&bench.folder);
    bench.engine.address(&mut shell);
    shell
}

/// As a disk that broke: the volume is there, and nothing in it.
fn lose(bench: &Bench, data: &Volume<'_>) -> anyhow::Result<()> {
    let mut run = bench.engine.docker(["run", "--rm"]);
    run.arg(format!("--volume={}:/data", data.name)).arg(&bench.images.debian);
    obey(run.args(["find", "/data", "-mindepth", "1", "-delete"])).map(drop)
}
