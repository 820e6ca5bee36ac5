//! `spiked info`: what a recording holds, in a few lines.

mod samples;
mod touch;

use std::{collections::BTreeSet, path::Path};

use spiked_recordings::{Recording, Summary, labels, samples::is_samples, touch::is_touch};

pub(super) use self::samples::bar as samples_bar;
use crate::{
    args::InfoArguments,
    failure::Failure,
    numbers::{grouped, seconds, share, short},
    sensor, terminal,
};

/// What some formats' headers say of what was read, under the names that they have there.
const SAID: [&str; 3] = ["topic", "type", "encoding"];

/// Reads a recording to its end and sums it up. What was read before a fault is shown as well.
pub(crate) fn info(arguments: &InfoArguments) -> Result<(), Failure> {
    if is_samples(&arguments.file) {
        return samples::info(arguments);
    }
    if arguments.split.is_some() {
        return Err(Failure::used_wrongly("--split is for files of labelled samples"));
    }
    if is_touch(&arguments.file) {
        return touch::info(&arguments.file);
    }
    let mut recording = sensor::survey(&arguments.file, arguments.geometry)?;
    let bar = terminal::reading_bar(recording.bytes_total());
    let (mut summary, mut events) = (Summary::default(), Vec::new());
    let read = loop {
        match recording.next_events(&mut events) {
            Ok(0) => break Ok(()),
            Ok(_) => summary.add(&events),
            Err(error) => break Err(error),
        }
        events.clear();
        bar.set_position(recording.bytes_read());
    };
    bar.finish_and_clear();
    let beside = labels_beside(&arguments.file);
    let labels = beside.as_ref().and_then(|beside| beside.as_ref().ok());
    terminal::print(&report(&recording, &summary, labels))?;
    read?;
    beside.transpose()?;
    Ok(())
}

/// What the labels say that lie beside a recording, if there are such.
fn labels_beside(recording: &Path) -> Option<Result<String, Failure>> {
    let path = labels::beside(recording)?;
    let segments = match labels::read(&path) {
        Ok(segments) => segments,
        Err(error) => return Some(Err(error.into())),
    };
    let classes: BTreeSet<u32> = segments.iter().map(|segment| segment.label).collect();
    let (count, classes) = (grouped(segments.len() as u64), grouped(classes.len() as u64));
    let first_us = segments.iter().map(|segment| segment.span.start_us).min();
    let last_us = segments.iter().map(|segment| segment.span.end_us).max();
    let span = first_us.zip(last_us);
    let span = span.map(|(first, last)| format!(", {} to {}", seconds(first), seconds(last)));
    let span = span.unwrap_or_default();
    Some(Ok(format!("{count} segments of {classes} classes{span}, in {}", path.display())))
}

fn report(recording: &Recording, summary: &Summary, labels: Option<&String>) -> String {
    let mut rows = vec![
        ("file", recording.name().to_owned().into()),
        ("format", recording.format().to_string().into()),
        ("sensor", sensor_line(recording, summary).into()),
    ];
    for name in SAID {
        let said = recording.header().iter().find(|(key, _)| key == name);
        rows.extend(said.map(|(_, value)| (name, value.into())));
    }
    rows.extend(recording.holds().map(|holds| ("holds", holds.into())));
    rows.push(("events", grouped(summary.events).into()));
    if let Some((first_us, last_us)) = summary.times_us {
        rows.push(("first", seconds(first_us).into()));
        rows.push(("last", seconds(last_us).into()));
        rows.push(("span", seconds(summary.span_us()).into()));
    }
    if let Some(rate_hz) = summary.rate_hz() {
        rows.push(("rate", format!("{} events/s", short(rate_hz)).into()));
    }
    if summary.events > 0 {
        let off = summary.events - summary.on;
        let shares = (share(summary.on, summary.events), share(off, summary.events));
        rows.push(("polarity", format!("{} ON, {} OFF", shares.0, shares.1).into()));
    }
    if let Some((x, y)) = summary.largest_pixel {
        rows.push(("largest pixel", format!("({x}, {y})").into()));
    }
    if summary.backward_steps > 0 {
        let steps = grouped(summary.backward_steps);
        rows.push(("order", format!("{steps} events are earlier than the one before").into()));
    }
    rows.extend(labels.map(|labels| ("labels", labels.into())));
    rows.extend(besides(recording).map(|besides| ("besides", besides.into())));
    rows.extend(lost(recording).map(|lost| ("lost", lost.into())));
    terminal::table(rows)
}

fn sensor_line(recording: &Recording, summary: &Summary) -> String {
    match (recording.geometry(), summary.largest_pixel) {
        (Some(geometry), _) => geometry.to_string(),
        (None, None) => "not named in the header".into(),
        (None, Some(largest)) => {
            let (x, y) = largest;
            let (width, height) = sensor::guess(largest);
            format!(
                "not named in the header; the largest pixel is ({x}, {y}), \
                 so perhaps --geometry {width}x{height}"
            )
        }
    }
}

/// What is no camera event, where there is such.
fn besides(recording: &Recording) -> Option<String> {
    let counts = recording.counts().copied().unwrap_or_default();
    let counted = [(counts.triggers, "triggers"), (counts.other, "entries of other kinds")];
    told(&with_notes(&counted, &recording.notes().besides))
}

/// Words of a sensor that became no event, where there are such.
fn lost(recording: &Recording) -> Option<String> {
    let counts = recording.counts().copied().unwrap_or_default();
    let counted = [
        (counts.unplaced, "invalid, or before the first time"),
        (counts.outside, "off the sensor"),
        (counts.unknown, "words of unknown kind"),
        (counts.backward, "times that step back"),
    ];
    told(&with_notes(&counted, &recording.notes().lost))
}

/// What is counted of every format, and what only this one knows.
fn with_notes<'a>(counted: &[(u64, &'a str)], notes: &'a [(u64, String)]) -> Vec<(u64, &'a str)> {
    let notes = notes.iter().map(|(count, what)| (*count, what.as_str()));
    counted.iter().copied().chain(notes).collect()
}

/// Counts that aren't zero.
pub(crate) fn told(kinds: &[(u64, &str)]) -> Option<String> {
    let told: Vec<String> = kinds
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, kind)| format!("{} {kind}", grouped(*count)))
        .collect();
    (!told.is_empty()).then(|| told.join(", "))
}
