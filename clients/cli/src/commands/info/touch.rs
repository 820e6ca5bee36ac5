//! What a recording of touch holds.

use std::path::Path;

use spiked_recordings::touch::{COMPONENTS, TouchRecording};

use super::told;
use crate::{
    failure::Failure,
    numbers::{grouped, seconds},
    terminal,
};

/// Reads frames to their end and sums them up.
pub(super) fn info(path: &Path) -> Result<(), Failure> {
    let mut recording = TouchRecording::open(path)?;
    let mut largest = [0.0_f32; COMPONENTS];
    let bar = terminal::reading_bar(Some(recording.bytes_total()));
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
        bar.set_position(recording.bytes_read());
    };
    bar.finish_and_clear();
    terminal::print(&report(path, &recording, largest))?;
    Ok(read?)
}

fn report(path: &Path, recording: &TouchRecording, largest: [f32; COMPONENTS]) -> String {
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
