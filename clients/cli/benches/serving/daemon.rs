//! A daemon process, and what the system says of it.

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use spiked_load::measure::{Usage, of_process};

/// A process that says on a line where it listens.
pub(crate) struct Daemon {
    child: Child,
    pub(crate) address: String,
    /// From starting it to that line.
    pub(crate) started: Duration,
}

impl Daemon {
    pub(crate) fn start(arguments: &[&str]) -> Self {
        Self::of(Command::new(env!("CARGO_BIN_EXE_spiked")).arg("serve").args(arguments))
    }

    pub(crate) fn of(command: &mut Command) -> Self {
        let began = Instant::now();
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the daemon starts");
        let mut line = String::new();
        let stdout = child.stdout.as_mut().expect("a pipe");
        BufReader::new(stdout).read_line(&mut line).expect("a line");
        let address = line.trim().rsplit(' ').next().expect("an address").to_owned();
        Self { child, address, started: began.elapsed() }
    }

    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it ends");
    }

    /// Resident memory \[bytes\].
    pub(crate) fn resident(&self) -> u64 {
        self.usage().resident_bytes
    }

    /// Processor time so far \[s\].
    pub(crate) fn processor_s(&self) -> f64 {
        self.usage().cpu_s
    }

    fn usage(&self) -> Usage {
        of_process(self.child.id()).expect("it runs")
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
