//! Where words go: results to stdout, everything else to stderr, and moving lines only where a
//! person looks.

use std::{
    borrow::Cow,
    io::{self, IsTerminal as _, Write as _},
    time::Duration,
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::failure::Failure;

/// A bar and its line are redrawn so often \[Hz\].
const DRAWS_HZ: u8 = 10;
/// Files below this are read before a bar could be seen \[bytes\].
const BAR_BYTES_MIN: u64 = 4 << 20;

/// A line about how things go, to stderr. Nobody there to read it is no reason to stop.
pub(crate) fn say(line: impl AsRef<str>) {
    let _ = writeln!(io::stderr(), "{}", line.as_ref());
}

/// A result, to stdout.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    let written = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
    written.map_err(|error| Failure::output("standard output", &error))
}

/// Whether a person looks at moving lines.
pub(crate) fn is_watched() -> bool {
    io::stderr().is_terminal()
}

/// A line that is drawn over itself; nothing where nobody looks.
pub(crate) fn live_line() -> ProgressBar {
    let style =
        ProgressStyle::with_template("{wide_msg}").unwrap_or_else(|_| ProgressStyle::default_bar());
    let line = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(DRAWS_HZ));
    line.with_style(style)
}

/// A bar over a file, with room for a line behind it; nothing where nobody looks.
pub(crate) fn file_bar(bytes_total: Option<u64>) -> ProgressBar {
    let template = if bytes_total.is_some() {
        "{bar:24} {percent:>3} % {elapsed_precise} {wide_msg}"
    } else {
        "{spinner} {bytes} {elapsed_precise} {wide_msg}"
    };
    let style =
        ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    let target = ProgressDrawTarget::stderr_with_hz(DRAWS_HZ);
    ProgressBar::with_draw_target(bytes_total, target).with_style(style)
}

/// A bar for reading only; hidden for files that are read at once.
pub(crate) fn reading_bar(bytes_total: Option<u64>) -> ProgressBar {
    if bytes_total.is_some_and(|bytes| bytes < BAR_BYTES_MIN) {
        return ProgressBar::hidden();
    }
    file_bar(bytes_total)
}

/// Lines of a name and a value, the values below one another.
pub(crate) fn table<'a>(rows: impl IntoIterator<Item = (&'a str, Cow<'a, str>)>) -> String {
    let rows: Vec<_> = rows.into_iter().collect();
    let width = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    rows.iter().map(|(name, value)| format!("{name:<width$}  {value}\n")).collect()
}

/// How often lines are refreshed.
pub(crate) const REFRESH: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stand_below_one_another() {
        let rows = [("a", Cow::from("1")), ("long", Cow::from("2"))];
        assert_eq!(table(rows), "a     1\nlong  2\n");
    }
}
