//! A container that runs as the guide says: without rights, and with the output of a run here.

use anyhow::{Context as _, ensure};
use serde_json::Value;

use super::Bench;
use crate::docker::container::{Container, Network, Volume, Wanted, free_port, mount};
use crate::docker::shell::obey;
use crate::docker::stream::{digest, run};

pub(super) fn check(bench: &Bench) -> anyhow::Result<()> {
    certificates(bench)?;
    let data = Volume::new(bench)?;
    let more = vec![
        mount(&bench.folder.join("tls"), "/tls"),
        "--env=SPIKED_TLS_CERTIFICATE=/tls/daemon.pem".to_owned(),
        "--env=SPIKED_TLS_KEY=/tls/daemon.key".to_owned(),
    ];
    let wanted = Wanted { image: bench.images.ours, data: &data.name, more };
    let container = Container::start(bench, &wanted, free_port()?)?;
    container.healthy()?;
    has_no_rights(&container)?;
    let address = format!("https://{}", container.address());
    let authority = bench.folder.join("tls/ca.pem").display().to_string();
    let said = run(bench, &["--address", &address, "--ca", &authority])?;
    ensure!(digest(&said)? == digest(&bench.summary)?, "not the output of a run here:\n{said}");
    // What the engine made to mount the certificates at, and nothing else.
    let changed = container.does(&["diff"])?;
    ensure!(changed == "A /tls", "this was written beside the volumes:\n{changed}");
    let log = container.log()?;
    for line in log.lines() {
        let line: Value = serde_json::from_str(line).with_context(|| format!("no JSON: {line}"))?;
        ensure!(line["level"].is_string(), "a line of the log without its level: {line}");
    }
    ensure!(log.contains("\"serving\""), "the log does not say that it serves:\n{log}");
    finds_names(bench)
}

/// Certificates as the guide makes them.
fn certificates(bench: &Bench) -> anyhow::Result<()> {
    let mut script = std::process::Command::new("sh");
    script.arg(bench.root.join("docker/make-certificates.sh"));
    obey(script.arg(bench.folder.join("tls")).args(["127.0.0.1", "localhost"])).map(drop)
}

/// As the kernel sees its process, whatever it was started with.
fn has_no_rights(container: &Container<'_>) -> anyhow::Result<()> {
    for (name, expected) in [
        ("Uid", "65532\t65532\t65532\t65532"),
        ("Gid", "65532\t65532\t65532\t65532"),
        ("CapEff", "0000000000000000"),
        ("CapBnd", "0000000000000000"),
        ("NoNewPrivs", "1"),
        ("Seccomp", "2"),
    ] {
        let found = container.status(name)?;
        ensure!(found == expected, "{name} of its process is {found:?}, not {expected:?}");
    }
    let written = container.run_inside(&["generate", "dvs", "/usr/x.es"])?;
    ensure!(written.status != Some(0), "a file was written to its root");
    let reason = written.stderr.to_lowercase();
    ensure!(reason.contains("read-only"), "its root is not read-only: {reason}");
    Ok(())
}

/// The C library is linked in, and has to find names without the files of a system.
fn finds_names(bench: &Bench) -> anyhow::Result<()> {
    let data = Volume::new(bench)?;
    let network = Network::new(bench)?;
    let more = vec![
        "--env=SPIKED_INSECURE=true".to_owned(),
        format!("--network={}", network.name),
        "--network-alias=the-daemon".to_owned(),
    ];
    let wanted = Wanted { image: bench.images.ours, data: &data.name, more };
    let container = Container::start(bench, &wanted, free_port()?)?;
    container.healthy()?;
    let told = container.run_inside(&["healthcheck", "--address", "the-daemon:7411"])?;
    ensure!(told.status == Some(0), "it isn't found by its name: {}{}", told.stdout, told.stderr);
    let told = container.run_inside(&["healthcheck", "--address", "nobody:7411"])?;
    ensure!(told.status == Some(1), "a name that nobody has is found: {}", told.stdout);
    Ok(())
}
