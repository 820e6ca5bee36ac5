//! Labelled samples as one stream of spikes, one sample behind another, with their labels beside.

use std::{
    io::Write,
    path::PathBuf,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
};

use spiked_recordings::{
    labels,
    samples::{Sample, Samples, Timeline, write::Writer},
};

use super::{Output, kind, refuse, refused, shown};
use crate::{args::ConvertArguments, commands::info::samples_bar, failure::Failure, terminal};

/// Between a sample's end and the next one's start, unless told otherwise \[µs\].
const GAP_US: u64 = 100_000;
/// The columns of labels that recordings have beside them, then what else is known of a sample.
const COLUMNS: &str = "class,startTime_usec,endTime_usec,sample,name,speaker\n";

/// Writes samples up to the first that is damaged.
pub(super) fn convert(
    arguments: &ConvertArguments,
    asked_to_end: &AtomicBool,
) -> Result<(), Failure> {
    refuse(
        "recordings of cameras, not for labelled samples",
        &[
            ("--geometry", arguments.geometry.is_some()),
            ("--from-zero", arguments.from_zero),
            ("--segment", arguments.segment.is_some()),
        ],
    )?;
    refuse("recordings of touch", &[("--frame-rate", arguments.frame_rate.is_some())])?;
    let kind = kind(&arguments.output, arguments.to)?;
    let mut samples = Samples::open(&arguments.file, arguments.split)?;
    let name = shown(&arguments.output);
    let mut output = Output::create(&arguments.output)?;
    let writer = Writer::new(kind, output.sink()).map_err(|error| refused(&name, error))?;
    let mut writer = writer.ok_or_else(|| {
        let message = format!("{name} would be {kind}, which has no place for spikes of samples");
        Failure::used_wrongly(message).with_hint("--to csv or --to npz")
    })?;
    let mut beside = Labels::create(arguments)?;
    let read = {
        let mut sink = beside.sink();
        let read = copy(&mut samples, &mut writer, &mut sink, arguments, asked_to_end)?;
        sink.flush().map_err(|error| Failure::output("labels", &error))?;
        read
    };
    writer.finish().map_err(|error| refused(&name, error))?;
    output.keep(&arguments.output)?;
    beside.keep()?;
    read
}

/// Copies the samples that were asked for; inside, what is wrong with one.
fn copy(
    samples: &mut Samples,
    writer: &mut Writer<impl Write>,
    labels: &mut impl Write,
    arguments: &ConvertArguments,
    asked_to_end: &AtomicBool,
) -> Result<Result<(), Failure>, Failure> {
    let wanted =
        arguments.sample.map_or(0..samples.count(), |index| index..index.saturating_add(1));
    let bar = samples_bar(samples.count());
    let mut timeline = Timeline::new(arguments.gap.map_or(GAP_US, |gap| gap.0));
    let unwritten = |error| Failure::output("labels", &error);
    labels.write_all(COLUMNS.as_bytes()).map_err(unwritten)?;
    for index in wanted {
        // Ordering: Relaxed, as where it is set.
        if asked_to_end.load(Relaxed) {
            bar.finish_and_clear();
            return Err(Failure::interrupted());
        }
        let mut sample = match samples.read(index) {
            Ok(sample) => sample,
            Err(error) => {
                bar.finish_and_clear();
                return Ok(Err(error.into()));
            }
        };
        let placed = timeline.place(&mut sample).ok_or_else(|| {
            Failure::failed(format!("sample {index} would end later than NumPy's integers tell"))
                .with_hint("a shorter --gap leaves room for more")
        })?;
        writer.write(&sample.spikes).map_err(|error| refused("spikes", error))?;
        let (label, start, end) =
            (plain(&sample.label.to_string()), placed.start_us, placed.end_us);
        let (name, speaker) = (plain(name(samples, &sample)), sample.speaker.as_deref().map(plain));
        let speaker = speaker.unwrap_or_default();
        writeln!(labels, "{label},{start},{end},{index},{name},{speaker}").map_err(unwritten)?;
        bar.set_position(index);
    }
    bar.finish_and_clear();
    Ok(Ok(()))
}

/// What a sample's class is called, or the sample itself.
fn name<'a>(samples: &'a Samples, sample: &'a Sample) -> &'a str {
    samples.class_name(&sample.label).or(sample.key.as_deref()).unwrap_or_default()
}

/// A field that ends no other.
fn plain(text: &str) -> String {
    text.replace(|letter: char| letter.is_control() || [',', '"'].contains(&letter), " ")
}

/// Where labels go: beside a file, and nowhere where spikes go to standard output.
struct Labels(Option<(Output, PathBuf)>);

impl Labels {
    fn create(arguments: &ConvertArguments) -> Result<Self, Failure> {
        let is_piped = arguments.output.as_os_str() == "-";
        let place = labels::place(&arguments.output).filter(|_| !is_piped);
        let Some(place) = place else {
            terminal::say(
                "note: standard output takes the spikes alone; a file has its labels beside",
            );
            return Ok(Self(None));
        };
        let output = Output::create(&place)?;
        Ok(Self(Some((output, place))))
    }

    fn sink(&mut self) -> Box<dyn Write + '_> {
        match &mut self.0 {
            Some((output, _)) => output.sink(),
            None => Box::new(std::io::sink()),
        }
    }

    fn keep(self) -> Result<(), Failure> {
        match self.0 {
            Some((output, place)) => output.keep(&place),
            None => Ok(()),
        }
    }
}
