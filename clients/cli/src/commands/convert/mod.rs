//! `spiked convert`: a recording in another format.

mod samples;
mod touch;

use std::{
    fs::{self, File, Permissions},
    io::{self, BufWriter, Write},
    os::unix::fs::PermissionsExt as _,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

use spiked_recordings::{
    CameraEvent, Recording,
    labels::{self, Span},
    samples::is_samples,
    touch::is_touch,
    write::{Kind, WriteError, Writer},
};
use spiked_server::shutdown::signalled;
use tempfile::NamedTempFile;

use crate::{args::ConvertArguments, failure::Failure, sensor, terminal};

const BUFFER_BYTES: usize = 1 << 18;
/// As other programs make files, less what the user's mask takes away.
const MODE: u32 = 0o666;

/// Reads a recording and writes what it reads, until it ends or the user ends it.
pub(crate) async fn convert(arguments: ConvertArguments) -> Result<(), Failure> {
    until_interrupted(move |asked_to_end| convert_file(&arguments, asked_to_end)).await
}

/// Does what takes long on a thread of its own, and tells it when the user ends it.
pub(super) async fn until_interrupted(
    work: impl FnOnce(&AtomicBool) -> Result<(), Failure> + Send + 'static,
) -> Result<(), Failure> {
    // Before the work begins: from then on a signal is a wish, and leaves nothing half done behind.
    let signal = signalled();
    let interrupted = async {
        match signal {
            Ok(signal) => signal.await,
            // Then it ends the process, as it would have without us.
            Err(_) => std::future::pending().await,
        }
    };
    let asked = Arc::new(AtomicBool::new(false));
    let watched = asked.clone();
    let mut working = tokio::task::spawn_blocking(move || work(&watched));
    let done = tokio::select! {
        done = &mut working => done,
        () = interrupted => {
            // Ordering: Relaxed, a flag that guards nothing else.
            asked.store(true, Relaxed);
            working.await
        }
    };
    done.map_err(Failure::failed)?
}

/// What comes before a fault is written.
fn convert_file(arguments: &ConvertArguments, asked_to_end: &AtomicBool) -> Result<(), Failure> {
    if is_samples(&arguments.file) {
        return samples::convert(arguments, asked_to_end);
    }
    refuse(
        "labelled samples",
        &[
            ("--split", arguments.split.is_some()),
            ("--sample", arguments.sample.is_some()),
            ("--gap", arguments.gap.is_some()),
        ],
    )?;
    if is_touch(&arguments.file) {
        return touch::convert(arguments, asked_to_end);
    }
    refuse("recordings of touch", &[("--frame-rate", arguments.frame_rate.is_some())])?;
    let span = arguments.segment.map(|index| segment(&arguments.file, index)).transpose()?;
    let mut recording = sensor::open(&arguments.file, arguments.geometry)?;
    let kind = kind(&arguments.output, arguments.to)?;
    if kind.needs_geometry() {
        sensor::required(&mut recording, &arguments.file)?;
    }
    let name = shown(&arguments.output);
    let refused = |error| refused(&name, error);
    let mut output = Output::create(&arguments.output)?;
    let sink = output.sink();
    let geometry = recording.geometry();
    let mut writer = Writer::new(kind, sink, geometry, arguments.compression).map_err(refused)?;
    let how = (span, arguments.from_zero);
    let read = copy(&mut recording, &mut writer, how, asked_to_end, &name)?;
    writer.finish().map_err(refused)?;
    output.keep(&arguments.output)?;
    Ok(read?)
}

/// What is only for other recordings has not been asked for.
fn refuse(others: &str, flags: &[(&str, bool)]) -> Result<(), Failure> {
    match flags.iter().find(|(_, is_given)| *is_given) {
        Some((flag, _)) => Err(Failure::used_wrongly(format!("{flag} is for {others}"))),
        None => Ok(()),
    }
}

/// When a labelled segment of a recording is, by its number.
fn segment(file: &Path, index: usize) -> Result<Span, Failure> {
    let Some(path) = labels::beside(file) else {
        let place = labels::place(file).unwrap_or_default();
        let message =
            format!("--segment needs labels beside the recording, in {}", place.display());
        return Err(Failure::used_wrongly(message));
    };
    let segments = labels::read(&path)?;
    let found = segments.get(index).map(|segment| segment.span);
    found.ok_or_else(|| {
        let (path, count) = (path.display(), segments.len());
        Failure::used_wrongly(format!("{path} has {count} segments, and none of number {index}"))
            .with_hint("they are counted from 0")
    })
}

/// Copies all events, or those of a span; inside, what is wrong with the recording.
fn copy(
    recording: &mut Recording,
    writer: &mut Writer<'_>,
    (span, from_zero): (Option<Span>, bool),
    asked_to_end: &AtomicBool,
    name: &str,
) -> Result<Result<(), spiked_recordings::Error>, Failure> {
    let bar = terminal::reading_bar(recording.bytes_total());
    let (mut events, mut first_us) = (Vec::new(), None);
    // Ordering: Relaxed, as where it is set.
    while !asked_to_end.load(Relaxed) {
        match recording.next_events(&mut events) {
            Ok(0) => {
                bar.finish_and_clear();
                return Ok(Ok(()));
            }
            Ok(_) => {
                if let Some(span) = span {
                    span.cut(&mut events);
                }
                if from_zero {
                    count_from_zero(&mut events, &mut first_us)?;
                }
                writer.write(&events).map_err(|error| refused(name, error))?;
            }
            Err(error) => {
                bar.finish_and_clear();
                return Ok(Err(error));
            }
        }
        events.clear();
        bar.set_position(recording.bytes_read());
    }
    bar.finish_and_clear();
    Err(Failure::interrupted())
}

fn count_from_zero(events: &mut [CameraEvent], first_us: &mut Option<u64>) -> Result<(), Failure> {
    for event in events {
        let first_us = *first_us.get_or_insert(event.t_us);
        event.t_us = event.t_us.checked_sub(first_us).ok_or_else(|| {
            let t_us = event.t_us;
            let message = format!("an event at {t_us} µs is before the first, at {first_us} µs");
            Failure::failed(message).with_hint("without --from-zero times stay as they are")
        })?;
    }
    Ok(())
}

/// The format that is asked for, or that the name says; text for standard output.
pub(super) fn kind(path: &Path, asked: Option<Kind>) -> Result<Kind, Failure> {
    if let Some(kind) = asked.or_else(|| Kind::of_name(path)) {
        return Ok(kind);
    }
    if path.as_os_str() == "-" {
        return Ok(Kind::Csv);
    }
    let message = format!("the name {} says no format that can be written", path.display());
    Err(Failure::used_wrongly(message).with_hint("--to evt3 says which"))
}

/// Where a converted recording goes.
pub(super) enum Output {
    /// A file under another name, until it is whole.
    Whole(NamedTempFile),
    /// What is no file, or cannot be replaced by one.
    Direct(Box<dyn Write + Send>),
}

impl Output {
    pub(super) fn create(path: &Path) -> Result<Self, Failure> {
        let is_special = fs::metadata(path).is_ok_and(|there| !there.is_file());
        if path.as_os_str() == "-" || is_special {
            return open(path).map(Self::Direct);
        }
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or_else(|| Path::new("."));
        let mut builder = tempfile::Builder::new();
        builder.prefix(".spiked-").permissions(Permissions::from_mode(MODE));
        let file = builder.tempfile_in(folder);
        file.map(Self::Whole).map_err(|error| Failure::output(&shown(path), &error))
    }

    pub(super) fn sink(&mut self) -> Box<dyn Write + '_> {
        match self {
            Self::Whole(file) => Box::new(BufWriter::with_capacity(BUFFER_BYTES, file.as_file())),
            Self::Direct(sink) => Box::new(sink),
        }
    }

    /// Gives it its name.
    pub(super) fn keep(self, path: &Path) -> Result<(), Failure> {
        let Self::Whole(file) = self else {
            return Ok(());
        };
        let kept = file.persist(path);
        kept.map(drop).map_err(|error| Failure::output(&shown(path), &error.error))
    }
}

/// Opens a file, or standard output for `-`.
pub(crate) fn open(path: &Path) -> Result<Box<dyn Write + Send>, Failure> {
    if path.as_os_str() == "-" {
        return Ok(Box::new(BufWriter::with_capacity(BUFFER_BYTES, io::stdout())));
    }
    match File::create(path) {
        Ok(file) => Ok(Box::new(BufWriter::with_capacity(BUFFER_BYTES, file))),
        Err(error) => Err(Failure::output(&shown(path), &error)),
    }
}

/// A path's name for messages.
pub(crate) fn shown(path: &Path) -> String {
    if path.as_os_str() == "-" { "standard output".into() } else { path.display().to_string() }
}

pub(super) fn refused(name: &str, error: WriteError) -> Failure {
    let is_gap = matches!(error, WriteError::Gap { .. });
    let failure = match error {
        WriteError::Io(error) => return Failure::output(name, &error),
        other => Failure::failed(format!("cannot write {name}: {other}")),
    };
    if is_gap {
        return failure.with_hint("--from-zero counts times from the first event");
    }
    failure
}
