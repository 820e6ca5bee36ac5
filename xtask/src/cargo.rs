//! Starting cargo, git and rustc, and turning how they end into errors that name the command.
//!
//! Children stay in our process group, so one Ctrl-C in the terminal ends them together with us.

use std::env;
use std::ffi::OsStr;
use std::io::{self, BufRead, IsTerminal as _};
use std::process::{Command, ExitStatus};

use anyhow::{Context as _, bail};

/// The cargo that runs us, with these arguments; its toolchain is then the one of every stage.
pub(crate) fn cargo<const N: usize>(arguments: [&str; N]) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments);
    command
}

/// Has cargo keep its colours although a pipe stands between it and the terminal.
pub(crate) fn keep_colours(command: &mut Command) {
    let plain = env::var_os("NO_COLOR").is_some() || env::var_os("CARGO_TERM_COLOR").is_some();
    if io::stderr().is_terminal() && !plain {
        command.env("CARGO_TERM_COLOR", "always");
    }
}

/// Runs a command that talks to the terminal itself.
pub(crate) fn run(command: &mut Command) -> anyhow::Result<()> {
    let status = command.status().with_context(|| format!("`{}` didn't start", line(command)))?;
    succeeded(command, status)
}

/// Runs a command and takes what it prints on standard output.
pub(crate) fn output(command: &mut Command) -> anyhow::Result<String> {
    let output = command.output().with_context(|| format!("`{}` didn't start", line(command)))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("`{}` ended with {}: {}", line(command), output.status, said.trim());
    }
    String::from_utf8(output.stdout)
        .with_context(|| format!("`{}` printed bytes that aren't UTF-8", line(command)))
}

/// An error where a command hasn't ended well.
pub(crate) fn succeeded(command: &Command, status: ExitStatus) -> anyhow::Result<()> {
    if !status.success() {
        bail!("`{}` ended with {status}", line(command));
    }
    Ok(())
}

/// Hands on a stream a line at a time. Tests may print any bytes, so those that aren't UTF-8 are
/// replaced.
pub(crate) fn for_each_line(
    mut stream: impl BufRead,
    mut take: impl FnMut(&str) -> io::Result<()>,
) -> io::Result<()> {
    let mut bytes = Vec::new();
    while stream.read_until(b'\n', &mut bytes)? > 0 {
        let line = String::from_utf8_lossy(&bytes);
        take(line.trim_end_matches(['\r', '\n']))?;
        bytes.clear();
    }
    Ok(())
}

/// A command as one would type it.
fn line(command: &Command) -> String {
    let program = std::path::Path::new(command.get_program());
    let program = program.file_name().unwrap_or(command.get_program());
    let words = std::iter::once(program).chain(command.get_args());
    words.map(OsStr::to_string_lossy).collect::<Vec<_>>().join(" ")
}
