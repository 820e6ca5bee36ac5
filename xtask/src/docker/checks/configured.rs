//! Settings from a file that is mounted, with the environment over it.

use std::fs;

use anyhow::{Context as _, ensure};

use super::Bench;
use crate::docker::container::{Container, Volume, Wanted, free_port, mount};
use crate::docker::shell::listen;
use crate::docker::stream::{Stream, digest, run};

const SETTINGS: &str = "\
insecure = true

[limits]
sessions = 1
lease = \"7s\"
";

pub(super) fn check(bench: &Bench) -> anyhow::Result<()> {
    let config = bench.folder.join("config");
    fs::create_dir_all(&config)?;
    fs::write(config.join("spiked.toml"), SETTINGS)?;
    let data = Volume::new(bench)?;
    let more = vec![
        mount(&config, "/etc/spiked"),
        "--env=SPIKED_CONFIG=/etc/spiked/spiked.toml".to_owned(),
        "--env=SPIKED_LIMITS_LEASE=9s".to_owned(),
    ];
    let wanted = Wanted { image: bench.images.ours, data: &data.name, more };
    let container = Container::start(bench, &wanted, free_port()?)?;
    container.healthy()?;
    let printed = container.run_inside(&["config"])?;
    ensure!(printed.status == Some(0), "no settings: {}", printed.stderr);
    for (key, value, whence) in [
        ("insecure", "true", "/etc/spiked/spiked.toml"),
        ("sessions", "1", "/etc/spiked/spiked.toml"),
        ("lease", "\"9s\"", "SPIKED_LIMITS_LEASE"),
    ] {
        let setting = format!("{key} = {value}");
        let line = printed.stdout.lines().find(|line| line.starts_with(&setting));
        let line = line.with_context(|| format!("no {setting:?} in:\n{}", printed.stdout))?;
        ensure!(line.contains(whence), "{setting:?} is not from {whence}: {line}");
    }
    one_session_alone(bench, &container)
}

/// The file's limit is the daemon's: a second stream is refused, and by name.
fn one_session_alone(bench: &Bench, container: &Container<'_>) -> anyhow::Result<()> {
    let first = Stream::begin(bench, &container.address(), "the-only-one")?;
    container.has_session("the-only-one")?;
    let mut second = bench.spiked(["run", crate::docker::NETWORK]);
    second.arg(&bench.recording).args(["--address", &container.address()]);
    let second = listen(&mut second)?;
    ensure!(second.status == Some(1), "a second was opened: {}", second.stdout);
    ensure!(second.stderr.contains("sessions"), "why not, it does not say: {}", second.stderr);
    first.ends_like_a_run_here(bench)?;
    let said = run(bench, &["--address", &container.address()])?;
    ensure!(digest(&said)? == digest(&bench.summary)?, "not the output of a run here:\n{said}");
    Ok(())
}
