//! `spiked load compare`: what got worse from one report to another.

use spiked_load::{
    Report,
    compare::{self, Change, Verdict},
};

use crate::{args::CompareArguments, failure::Failure, numbers::short, terminal};

pub(super) fn compare(arguments: &CompareArguments) -> Result<(), Failure> {
    if !(0.0..=10.0).contains(&arguments.tolerance) {
        return Err(Failure::used_wrongly("--tolerance: expected a share, like 0.15"));
    }
    let read = |path| Report::read(path).map_err(Failure::used_wrongly);
    let (before, after) = (read(&arguments.before)?, read(&arguments.after)?);
    if let Some(why) = compare::incomparable(&before, &after) {
        return Err(Failure::used_wrongly(why));
    }
    for (path, report) in [(&arguments.before, &before), (&arguments.after, &after)] {
        if let Some(why) = report.invalid.first() {
            terminal::say(format!("warning: {} is not valid: {why}", path.display()));
        }
    }
    if before.machine != after.machine {
        terminal::say("warning: the loads ran on different machines");
    }
    let changes = compare::compare(&before, &after, arguments.tolerance);
    terminal::print(&table(&changes))?;
    let worse: Vec<_> = changes.iter().filter(|change| change.verdict == Verdict::Worse).collect();
    match worse.first() {
        None => Ok(()),
        Some(change) => Err(Failure::failed(format!(
            "worse: {}, {:.2} to {:.2} times",
            change.figure, change.ratio.0, change.ratio.1
        ))),
    }
}

fn table(changes: &[Change]) -> String {
    let width = changes.iter().map(|change| change.figure.len()).max().unwrap_or(0);
    let mut text =
        format!("{:<width$}  {:>9}  {:>9}  ratio (99 %)\n", "median of", "before", "after");
    for change in changes {
        let (before, after) = (short(change.medians.0), short(change.medians.1));
        let (figure, (from, to)) = (&change.figure, change.ratio);
        text += &format!(
            "{figure:<width$}  {before:>9}  {after:>9}  {from:.2} to {to:.2}  {}\n",
            change.verdict
        );
    }
    text
}
