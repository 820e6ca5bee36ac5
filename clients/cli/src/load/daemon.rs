//! A daemon for the load alone, in a process of its own: what it takes of the machine is told apart
//! from what the load takes.

use std::{
    env,
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
};

use tempfile::TempDir;

use crate::{args::LoadTestArguments, failure::Failure};

/// What the line begins with that says where a daemon listens.
const LISTENS: &str = "spiked listens on ";

/// A daemon that ends with this process, however that ends.
pub(super) struct OwnDaemon {
    child: Option<Child>,
    id: u32,
    pub(super) address: String,
    /// Journals lie here, if there are any.
    _data: Option<TempDir>,
}

impl OwnDaemon {
    pub(super) fn start(arguments: &LoadTestArguments) -> Result<Self, Failure> {
        let program = env::current_exe().map_err(Failure::failed)?;
        let mut command = Command::new(program);
        command.args(["serve", "--listen", "127.0.0.1:0", "--until-stdin-ends"]);
        // What goes wrong is told; what goes well is the report.
        command.args(["--set", "log.filter=warn"]);
        if let Some(networks) = &arguments.networks {
            command.arg("--networks").arg(networks);
        }
        let data =
            arguments.durable.map(|_| TempDir::new()).transpose().map_err(Failure::failed)?;
        if let Some(data) = &data {
            command.arg("--data").arg(data.path());
        }
        // Ctrl-C is for the load, which ends its daemon itself.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = child.map_err(Failure::failed)?;
        let mut line = String::new();
        if let Some(stdout) = child.stdout.as_mut() {
            BufReader::new(stdout).read_line(&mut line).map_err(Failure::failed)?;
        }
        match line.trim().strip_prefix(LISTENS) {
            Some(address) => {
                let (address, id) = (address.to_owned(), child.id());
                Ok(Self { child: Some(child), id, address, _data: data })
            }
            None => {
                // It said on standard error why.
                let _ = child.wait();
                Err(Failure::failed("the daemon for the load did not start"))
            }
        }
    }

    pub(super) fn id(&self) -> u32 {
        self.id
    }

    /// Asks it to end, and waits. Meanwhile the runtime closes the connections, which the daemon waits for.
    pub(super) async fn end(mut self) -> Result<(), Failure> {
        let Some(mut child) = self.child.take() else { return Ok(()) };
        drop(child.stdin.take());
        let waiting = tokio::task::spawn_blocking(move || child.wait());
        let status = waiting.await.map_err(Failure::failed)?.map_err(Failure::failed)?;
        if status.success() {
            return Ok(());
        }
        Err(Failure::failed(format!("the daemon for the load broke down: {status}")))
    }
}

impl Drop for OwnDaemon {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            // One that has ended already needs nothing.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
