//! Programs of the system that the tests with containers use: started, waited for, their words kept.

use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

/// How often something that is waited for is looked at.
const LOOK: Duration = Duration::from_millis(50);

/// What a program left behind.
#[derive(Clone, Debug)]
pub(super) struct Said {
    pub(super) status: Option<i32>,
    pub(super) stdout: String,
    pub(super) stderr: String,
}

/// Runs a program to its end, however that is.
pub(super) fn listen(command: &mut Command) -> anyhow::Result<Said> {
    let output = command.stdin(Stdio::null()).output();
    output.map(Said::of).with_context(|| format!("{command:?} didn't start"))
}

/// Runs a program that has to end well; gives what it printed.
pub(super) fn obey(command: &mut Command) -> anyhow::Result<String> {
    let said = listen(command)?;
    if said.status != Some(0) {
        let Said { status, stdout, stderr } = said;
        bail!("{command:?} ended with {status:?}:\n{stdout}\n{stderr}");
    }
    Ok(said.stdout.trim().to_owned())
}

/// Runs a program for long, its words going past, and keeps the last of them if it fails.
pub(super) fn watch(command: &mut Command) -> anyhow::Result<()> {
    let status = command.stdin(Stdio::null()).stdout(Stdio::inherit()).stderr(Stdio::inherit());
    let status = status.status().with_context(|| format!("{command:?} didn't start"))?;
    if !status.success() {
        bail!("{command:?} ended with {status}");
    }
    Ok(())
}

impl Said {
    pub(super) fn of(output: Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
        Self { status: output.status.code(), stdout, stderr }
    }
}

/// Looks again and again until there is something, or it is too late.
pub(super) fn until<T>(
    what: &str,
    patience: Duration,
    mut look: impl FnMut() -> anyhow::Result<Option<T>>,
) -> anyhow::Result<T> {
    let began = Instant::now();
    loop {
        if let Some(found) = look()? {
            return Ok(found);
        }
        if began.elapsed() > patience {
            bail!("{} s, and still not: {what}", patience.as_secs());
        }
        thread::sleep(LOOK);
    }
}
