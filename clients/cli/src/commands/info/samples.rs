//! What a file of labelled samples holds.

use std::collections::BTreeSet;

use indicatif::ProgressBar;
use spiked_recordings::samples::{Label, Sample, Samples};

use crate::{
    args::InfoArguments,
    failure::Failure,
    numbers::{grouped, seconds},
    terminal,
};

/// Names of classes that are shown.
const NAMES_MAX: usize = 4;

/// What was read of the samples.
#[derive(Default)]
struct Sums {
    samples: u64,
    spikes: u64,
    /// Of one sample, the fewest and the most.
    extremes: Option<(u64, u64)>,
    longest_us: u64,
    labels: BTreeSet<Label>,
    speakers: BTreeSet<String>,
    backward_steps: u64,
}

impl Sums {
    fn add(&mut self, sample: Sample) {
        let spikes = sample.spikes.len() as u64;
        self.samples += 1;
        self.spikes += spikes;
        let (fewest, most) = self.extremes.unwrap_or((spikes, spikes));
        self.extremes = Some((fewest.min(spikes), most.max(spikes)));
        self.longest_us = self.longest_us.max(sample.last_us());
        self.backward_steps += sample.backward_steps;
        self.labels.insert(sample.label);
        self.speakers.extend(sample.speaker);
    }
}

/// Reads samples to their end, or to the first that is damaged, and sums them up.
pub(super) fn info(arguments: &InfoArguments) -> Result<(), Failure> {
    if arguments.geometry.is_some() {
        let message = "--geometry is for recordings of cameras, not for labelled samples";
        return Err(Failure::used_wrongly(message));
    }
    let mut samples = Samples::open(&arguments.file, arguments.split)?;
    let bar = bar(samples.count());
    let mut sums = Sums::default();
    let read = (0..samples.count()).try_for_each(|index| {
        sums.add(samples.read(index)?);
        bar.set_position(index);
        Ok(())
    });
    bar.finish_and_clear();
    terminal::print(&report(&samples, &sums))?;
    read
}

/// A bar over samples; hidden for a few, which are read at once.
pub(crate) fn bar(samples: u64) -> ProgressBar {
    if samples < 1_000 { ProgressBar::hidden() } else { terminal::file_bar(Some(samples)) }
}

fn report(samples: &Samples, sums: &Sums) -> String {
    let mut rows = vec![
        ("file", samples.name().to_owned().into()),
        ("format", samples.format().to_string().into()),
        ("samples", of_split(samples).into()),
        ("channels", grouped(samples.channels().into()).into()),
        ("labels", labels(samples, sums).into()),
    ];
    if !sums.speakers.is_empty() {
        rows.push(("speakers", grouped(sums.speakers.len() as u64).into()));
    }
    let of_each = sums
        .extremes
        .map(|(fewest, most)| format!(", {} to {} in a sample", grouped(fewest), grouped(most)));
    let of_each = of_each.unwrap_or_default();
    rows.push(("spikes", format!("{}{of_each}", grouped(sums.spikes)).into()));
    rows.push(("longest", seconds(sums.longest_us).into()));
    if sums.backward_steps > 0 {
        let steps = grouped(sums.backward_steps);
        let told = format!("{steps} spikes were earlier than the one before, and put in order");
        rows.push(("order", told.into()));
    }
    terminal::table(rows)
}

fn of_split(samples: &Samples) -> String {
    let count = grouped(samples.count());
    let Some(split) = samples.split() else { return count };
    match samples.splits().iter().find(|other| **other != split) {
        Some(other) => format!("{count} for {split}; --split {other} shows the others"),
        None => format!("{count} for {split}"),
    }
}

fn labels(samples: &Samples, sums: &Sums) -> String {
    let different = grouped(sums.labels.len() as u64);
    let names: Vec<String> = if samples.classes().is_empty() {
        sums.labels.iter().take(NAMES_MAX + 1).map(ToString::to_string).collect()
    } else {
        samples.classes().to_vec()
    };
    let shown = names.iter().take(NAMES_MAX).map(String::as_str).collect::<Vec<_>>().join(", ");
    let more = if names.len() > NAMES_MAX { ", ..." } else { "" };
    format!("{different} different ({shown}{more})")
}
