//! A container of the daemon, hardened as the guide says, and what can be asked of it.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, bail};

use super::Bench;
use super::shell::{Said, listen, obey, until};

const HEALTHY: Duration = Duration::from_secs(30);
const OPENED: Duration = Duration::from_secs(5);
/// What a container gets in which nothing may be changed and nobody may become anybody else.
pub(super) const HARDENED: [&str; 6] =
    ["--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--pids-limit=256"];

/// What a container is started with.
pub(super) struct Wanted<'a> {
    pub(super) image: &'a str,
    /// The volume or folder that is its data.
    pub(super) data: &'a str,
    /// Further arguments of `docker run`.
    pub(super) more: Vec<String>,
}

/// A container; it is removed when it is dropped, and its log kept for whoever asks why.
pub(super) struct Container<'a> {
    bench: &'a Bench,
    pub(super) name: String,
    pub(super) port: u16,
}

impl<'a> Container<'a> {
    /// Starts one whose port of streams is published on this machine's loopback.
    pub(super) fn start(bench: &'a Bench, wanted: &Wanted<'_>, port: u16) -> anyhow::Result<Self> {
        let name = bench.name("daemon");
        let mut run = bench.engine.docker(["run", "--detach", "--name", &name]);
        run.args(HARDENED).args(["--health-interval", "500ms", "--memory", "512m"]);
        run.args(["--publish", &format!("127.0.0.1:{port}:7411")]);
        run.args(["--volume", &format!("{}:/data", wanted.data)]);
        run.args(&wanted.more).arg(wanted.image);
        let container = Self { bench, name, port };
        obey(&mut run)?;
        Ok(container)
    }

    /// The same for everybody on this machine, without TLS, and well.
    pub(super) fn open(
        bench: &'a Bench,
        image: &str,
        data: &str,
        port: u16,
    ) -> anyhow::Result<Self> {
        let more = vec!["--env=SPIKED_INSECURE=true".to_owned()];
        let container = Self::start(bench, &Wanted { image, data, more }, port)?;
        container.healthy()?;
        Ok(container)
    }

    /// Waits until its health check says that it serves.
    pub(super) fn healthy(&self) -> anyhow::Result<()> {
        let state = "{{.State.Status}} {{with .State.Health}}{{.Status}}{{end}}";
        until("the container is healthy", HEALTHY, || match &*self.inspect(state)? {
            "running healthy" => Ok(Some(())),
            ended if ended.starts_with("exited") => bail!("it ended:\n{}", self.log()?),
            _ => Ok(None),
        })
    }

    /// What the engine knows of it, as a template says.
    pub(super) fn inspect(&self, template: &str) -> anyhow::Result<String> {
        obey(&mut self.bench.engine.docker(["inspect", "--format", template, &self.name]))
    }

    /// Where clients reach it.
    pub(super) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// All that it has said on standard output.
    pub(super) fn log(&self) -> anyhow::Result<String> {
        Ok(listen(&mut self.bench.engine.docker(["logs", &self.name]))?.stdout)
    }

    /// Whether its log says that it saved a session when it ended.
    pub(super) fn saved(&self, session: &str) -> anyhow::Result<bool> {
        let log = self.log()?;
        let is_that =
            |line: &&str| line.contains("\"a session is over\"") && line.contains("\"saved\":true");
        let mut lines = log.lines().filter(is_that);
        Ok(lines.any(|line| line.contains(&format!("\"session\":\"{session}\""))))
    }

    /// The sessions that it has, as a table.
    pub(super) fn sessions(&self) -> anyhow::Result<String> {
        let list = ["sessions", "list", "--address", &self.address()];
        obey(&mut self.bench.spiked(list))
    }

    /// Waits until a session of this name is there.
    pub(super) fn has_session(&self, name: &str) -> anyhow::Result<()> {
        until("the session is there", OPENED, || Ok(self.sessions()?.contains(name).then_some(())))
    }

    /// Something about it, as a command of the client.
    pub(super) fn does(&self, command: &[&str]) -> anyhow::Result<String> {
        obey(self.bench.engine.docker(command).arg(&self.name))
    }

    /// A line of the status that the kernel shows of its process, as `VmHWM`.
    pub(super) fn status(&self, name: &str) -> anyhow::Result<String> {
        let process = self.inspect("{{.State.Pid}}")?;
        let status = fs::read_to_string(format!("/proc/{process}/status"))?;
        let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        Ok(line.with_context(|| format!("no {name}"))?.trim().to_owned())
    }

    /// Another command of the image, in the container.
    pub(super) fn run_inside(&self, arguments: &[&str]) -> anyhow::Result<Said> {
        listen(self.bench.engine.docker(["exec", &self.name, "spiked"]).args(arguments))
    }
}

impl Drop for Container<'_> {
    fn drop(&mut self) {
        let said = listen(&mut self.bench.engine.docker(["logs", &self.name]));
        if let Ok(said) = said {
            let file = self.bench.folder.join(format!("{}.log", self.name));
            let _ = fs::write(file, said.stdout + &said.stderr);
        }
        let _ = listen(&mut self.bench.engine.docker(["rm", "--force", "--volumes", &self.name]));
    }
}

/// A volume for data, empty; it is removed when it is dropped.
pub(super) struct Volume<'a> {
    bench: &'a Bench,
    pub(super) name: String,
}

impl<'a> Volume<'a> {
    pub(super) fn new(bench: &'a Bench) -> anyhow::Result<Self> {
        let name = bench.name("data");
        obey(&mut bench.engine.docker(["volume", "create", &name]))?;
        Ok(Self { bench, name })
    }
}

impl Drop for Volume<'_> {
    fn drop(&mut self) {
        let _ = listen(&mut self.bench.engine.docker(["volume", "rm", "--force", &self.name]));
    }
}

/// A network of containers, where they have names; it is removed when it is dropped.
pub(super) struct Network<'a> {
    bench: &'a Bench,
    pub(super) name: String,
}

impl<'a> Network<'a> {
    pub(super) fn new(bench: &'a Bench) -> anyhow::Result<Self> {
        let name = bench.name("network");
        obey(&mut bench.engine.docker(["network", "create", &name]))?;
        Ok(Self { bench, name })
    }
}

impl Drop for Network<'_> {
    fn drop(&mut self) {
        let _ = listen(&mut self.bench.engine.docker(["network", "rm", &self.name]));
    }
}

/// A port that is free on loopback, to be published again by whatever takes a container's place.
pub(super) fn free_port() -> anyhow::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// The folder of a file of ours, as the engine wants it.
pub(super) fn mount(folder: &Path, inside: &str) -> String {
    format!("--volume={}:{inside}:ro", folder.display())
}
