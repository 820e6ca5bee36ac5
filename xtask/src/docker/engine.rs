//! The Docker engine: one that runs already, or one of our own.
//!
//! Where none answers, Debian's is installed and started with a data folder and a socket of its own, both
//! below `target`. What was started here is stopped here; nothing else is.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, ensure};

use super::shell::{listen, obey, until, watch};

/// Its own client, which fits it; others on the path may be newer and lack their plugins.
const DEBIANS_CLIENT: &str = "/usr/bin/docker";
const BEGINS: Duration = Duration::from_secs(60);
const ENDS: Duration = Duration::from_secs(30);

/// An engine that answers.
pub(super) struct Engine {
    client: PathBuf,
    /// Where it listens, if not where clients look by themselves.
    socket: Option<PathBuf>,
    own: Option<Child>,
}

impl Engine {
    /// Finds one, or starts one whose files are in `folder`.
    pub(super) fn find_or_start(folder: &Path) -> anyhow::Result<Self> {
        let found = Self { client: "docker".into(), socket: None, own: None };
        if found.version().is_ok() {
            return Ok(found);
        }
        need("dockerd", "docker.io")?;
        Self::start(folder)
    }

    fn start(folder: &Path) -> anyhow::Result<Self> {
        fs::create_dir_all(folder)?;
        // The path of a socket is short by nature, that of a working copy may not be.
        let run = std::env::temp_dir().join(format!("spiked-engine-{}", std::process::id()));
        fs::create_dir_all(&run)?;
        let socket = run.join("docker.sock");
        let log = File::create(folder.join("dockerd.log"))?;
        let mut dockerd = Command::new("dockerd");
        dockerd
            .arg("--data-root")
            .arg(folder.join("data"))
            .arg("--exec-root")
            .arg(run.join("exec"));
        dockerd.arg("--pidfile").arg(run.join("pid"));
        dockerd.arg("--host").arg(format!("unix://{}", socket.display()));
        dockerd.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let child = dockerd.spawn().context("dockerd didn't start")?;
        let client = Path::new(DEBIANS_CLIENT);
        let client = if client.exists() { client.into() } else { "docker".into() };
        let mut engine = Self { client, socket: Some(socket), own: Some(child) };
        let log = folder.join("dockerd.log");
        until("the engine answers", BEGINS, || {
            let ended = engine.own.as_mut().and_then(|child| child.try_wait().transpose());
            let last = || fs::read_to_string(&log).unwrap_or_default();
            ensure!(ended.is_none(), "dockerd ended:\n{}", last());
            Ok(engine.version().ok())
        })?;
        Ok(engine)
    }

    /// Whether it was started here.
    pub(super) fn is_own(&self) -> bool {
        self.own.is_some()
    }

    /// What runs, in words.
    pub(super) fn version(&self) -> anyhow::Result<String> {
        obey(&mut self.docker(["version", "--format", "{{.Server.Version}}"]))
    }

    /// The client's program, for a shell.
    pub(super) fn client(&self) -> String {
        self.client.display().to_string()
    }

    /// The client, about to be run.
    pub(super) fn docker<S: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = S>,
    ) -> Command {
        let mut command = Command::new(&self.client);
        command.args(arguments);
        self.address(&mut command);
        command
    }

    /// Tells a program where the engine is.
    pub(super) fn address(&self, command: &mut Command) {
        if let Some(socket) = &self.socket {
            command.env("DOCKER_HOST", format!("unix://{}", socket.display()));
        }
        command.env("DOCKER_BUILDKIT", "1");
    }

    /// Whether there is an image of this name.
    pub(super) fn has_image(&self, name: &str) -> bool {
        let inspected = listen(&mut self.docker(["image", "inspect", name]));
        inspected.is_ok_and(|said| said.status == Some(0))
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        let Some(mut child) = self.own.take() else { return };
        // Asked, so that it ends its containers and lets go of what it has mounted.
        let _ = Command::new("kill").arg(child.id().to_string()).status();
        let ended = until("the engine ends", ENDS, || Ok(child.try_wait()?));
        if ended.is_err() {
            let _ = child.kill();
            let _ = child.wait();
        }
        if let Some(run) = self.socket.as_deref().and_then(Path::parent) {
            let _ = fs::remove_dir_all(run);
        }
    }
}

/// Has Debian's package of a program installed, where there is no such program.
pub(super) fn need(program: &str, package: &str) -> anyhow::Result<()> {
    let which = listen(Command::new("which").arg(program))?;
    if which.status == Some(0) {
        return Ok(());
    }
    let user = obey(Command::new("id").arg("--user"))?;
    ensure!(user == "0", "{program} is missing, and only root could install {package}");
    let apt = |arguments: &[&str]| {
        let mut apt = Command::new("apt-get");
        apt.args(["--quiet=2", "--yes", "-o", "Dpkg::Use-Pty=0"]).args(arguments);
        watch(apt.env("DEBIAN_FRONTEND", "noninteractive"))
    };
    apt(&["update"])?;
    apt(&["install", "--no-install-recommends", package])
}
