//! An overload: more sessions than fit, each sent more than is simulated, and little memory.

use std::fs::File;
use std::process::{Child, Stdio};
use std::time::Duration;

use anyhow::{Context as _, ensure};

use super::Bench;
use crate::docker::container::{Container, Volume, Wanted, free_port};
use crate::docker::scrape::{Figures, page};
use crate::docker::shell::{obey, until};

/// What the container may take, and what of it sessions may \[MiB\].
const MEMORY_MIB: u64 = 160;
const SESSIONS_MIB: u64 = 96;
/// More than fit.
const CLIENTS: usize = 8;
const ENDS: Duration = Duration::from_secs(120);

pub(super) fn check(bench: &Bench) -> anyhow::Result<()> {
    let flood = bench.folder.join("flood.es");
    let mut generate = bench.spiked(["generate", "dvs"]);
    generate.arg(&flood).args(["--size", "64x64", "--selectivity", "2", "--for", "30s"]);
    obey(&mut generate)?;
    let (data, metrics) = (Volume::new(bench)?, free_port()?);
    let more = vec![
        "--env=SPIKED_INSECURE=true".to_owned(),
        "--env=SPIKED_METRICS=0.0.0.0:9464".to_owned(),
        format!("--env=SPIKED_LIMITS_MEMORY_BYTES={SESSIONS_MIB} MiB"),
        format!("--publish=127.0.0.1:{metrics}:9464"),
        format!("--memory={MEMORY_MIB}m"),
        format!("--memory-swap={MEMORY_MIB}m"),
        "--cpus=0.5".to_owned(),
    ];
    let wanted = Wanted { image: bench.images.ours, data: &data.name, more };
    let container = Container::start(bench, &wanted, free_port()?)?;
    container.healthy()?;
    let process = container.inspect("{{.State.Pid}}")?;

    let clients = (0..CLIENTS).map(|_| send_all(bench, &container, &flood));
    let clients = clients.collect::<anyhow::Result<Vec<_>>>()?;
    let (mut refused, mut done) = (0, 0);
    for client in clients {
        let said = client.end()?;
        match said.code {
            Some(0) => done += 1,
            _ => {
                let says_why = said.stderr.contains("bytes of the daemon are left");
                ensure!(says_why, "a client failed: {}", said.stderr);
                refused += 1;
            }
        }
    }
    ensure!(done > 0 && refused > 0, "{done} clients were served and {refused} refused");
    let figures = Figures::read(&page(&format!("127.0.0.1:{metrics}"), "/metrics")?);
    let dropped = figures.sum("spiked_events_dropped_total", "cause=\"overload\"");
    ensure!(dropped > 0.0, "nothing was dropped: that was no overload");
    ensure!(container.inspect("{{.State.Pid}}")? == process, "it was started again");
    ensure!(container.inspect("{{.State.OOMKilled}}")? == "false", "it took too much memory");
    container.healthy()?;
    let peak = container.status("VmHWM")?;
    let peak: u64 = peak.trim_end_matches(" kB").parse().context("no number")?;
    ensure!(peak < MEMORY_MIB << 10, "it took {peak} KiB");
    Ok(())
}

/// A client that sends as fast as it can.
struct Client(Child);

/// How one ended.
struct Ended {
    code: Option<i32>,
    stderr: String,
}

fn send_all(bench: &Bench, to: &Container<'_>, flood: &std::path::Path) -> anyhow::Result<Client> {
    let mut stream = bench.spiked(["stream", crate::docker::NETWORK, "-", "--pace", "logical"]);
    stream.args(["--overload", "drop-oldest", "--address", &to.address()]);
    let child = stream.stdin(File::open(flood)?).stdout(Stdio::null()).stderr(Stdio::piped());
    Ok(Client(child.spawn()?))
}

impl Client {
    fn end(mut self) -> anyhow::Result<Ended> {
        let status = until("a client ends", ENDS, || Ok(self.0.try_wait()?))?;
        let mut stderr = String::new();
        if let Some(mut pipe) = self.0.stderr.take() {
            std::io::Read::read_to_string(&mut pipe, &mut stderr)?;
        }
        Ok(Ended { code: status.code(), stderr })
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
