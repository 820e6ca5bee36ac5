//! `spiked info`: what a recording holds, in a few lines.

use std::path::Path;

use spiked_recordings::{
    Recording, Summary,
    touch::{COMPONENTS, TouchRecording, is_touch},
};

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
    if is_touch(&arguments.file) {
        return touch(&arguments.file);
    }
    let mut recording = sensor::open(&arguments.file, arguments.geometry)?;
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
    terminal::print(&report(&recording, &summary))?;
    Ok(read?)
}

/// The same of a recording of touch.
fn touch(path: &Path) -> Result<(), Failure> {
    let mut recording = TouchRecording::open(path)?;
    let mut largest = [0.0_f32; COMPONENTS];
    let mut values = Vec::new();
    let read = loop {
        match recording.next_frames(&mut values) {
            Ok(0) => break Ok(()),
            Ok(_) => {
                for whisker in values.chunks_exact(COMPONENTS) {
                    for (largest, value) in largest.iter_mut().zip(whisker) {
                        *largest = largest.max(value.abs());
                    }
                }
            }
            Err(error) => break Err(error),
        }
        values.clear();
    };
    terminal::print(&touch_report(path, &recording, largest))?;
    Ok(read?)
}

fn touch_report(path: &Path, recording: &TouchRecording, largest: [f32; COMPONENTS]) -> String {
    let counts = recording.counts();
    let format = recording.format();
    let (period_ns, said) = match recording.period_ns() {
        Some(period_ns) => (period_ns, ""),
        None => (format.period_ns(), ", which is not said (--frame-rate of spiked run)"),
    };
    let rate_hz = 1e9 / period_ns as f64;
    let span = seconds(counts.frames.saturating_mul(period_ns) / 1_000);
    let whiskers = recording.whiskers();
    let names = match whiskers {
        [first, .., last] => format!("{} from {first} to {last}", whiskers.len()),
        names => names.join(""),
    };
    let [fx, fy, fz, mx, my, mz] = largest;
    let mut rows = vec![
        ("file", path.display().to_string().into()),
        ("format", format.to_string().into()),
        ("whiskers", names.into()),
        ("frames", grouped(counts.frames).into()),
        ("rate", format!("{rate_hz:.4} Hz{said}").into()),
        ("span", span.into()),
        ("largest force", format!("{fx:.4}, {fy:.4}, {fz:.4} mN").into()),
        ("largest moment", format!("{mx:.4}, {my:.4}, {mz:.4} µN·m").into()),
    ];
    let mended = [(counts.not_numbers, "no numbers"), (counts.absurd, "absurd values")];
    rows.extend(told(&mended).map(|mended| ("mended", mended.into())));
    terminal::table(rows)
}

fn report(recording: &Recording, summary: &Summary) -> String {
    let mut rows = vec![
        ("file", recording.name().to_owned().into()),
        ("format", recording.format().to_string().into()),
        ("sensor", sensor_line(recording, summary).into()),
    ];
    for name in SAID {
        let said = recording.header().iter().find(|(key, _)| key == name);
        rows.extend(said.map(|(_, value)| (name, value.into())));
    }
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
fn told(kinds: &[(u64, &str)]) -> Option<String> {
    let told: Vec<String> = kinds
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, kind)| format!("{} {kind}", grouped(*count)))
        .collect();
    (!told.is_empty()).then(|| told.join(", "))
}
