//! A recording of touch in its other form: as an archive of frames, or as a folder like WHISKiT's.

use std::{
    fs::{self, Permissions},
    io::{self, Write},
    os::unix::fs::PermissionsExt as _,
    path::Path,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
};

use spiked_recordings::{
    touch::{
        TouchFormat, TouchRecording,
        write::{archive, folder},
    },
    write::Kind,
};
use tempfile::TempDir;

use super::{Output, refuse, refused, shown};
use crate::{
    args::ConvertArguments, commands::info::told, failure::Failure, run::frame_period_ns, terminal,
};

/// As other programs make folders, less what the user's mask takes away.
const FOLDER_MODE: u32 = 0o777;

/// What comes before a fault is written.
pub(super) fn convert(
    arguments: &ConvertArguments,
    asked_to_end: &AtomicBool,
) -> Result<(), Failure> {
    refuse(
        "recordings of cameras, not of touch",
        &[
            ("--geometry", arguments.geometry.is_some()),
            ("--from-zero", arguments.from_zero),
            ("--segment", arguments.segment.is_some()),
        ],
    )?;
    let form = form(&arguments.output, arguments.to)?;
    let mut recording = TouchRecording::open(&arguments.file)?;
    let period_ns = frame_period_ns(arguments.frame_rate, &recording)?;
    let whiskers = recording.whiskers().to_vec();
    let name = shown(&arguments.output);
    let refused = |error| refused(&name, error);
    let read = match form {
        TouchFormat::Npz => {
            let mut output = Output::create(&arguments.output)?;
            let mut writer =
                archive::Writer::new(output.sink(), &whiskers, period_ns).map_err(refused)?;
            let write = |values: &[f32]| writer.write(values).map_err(refused);
            let read = copy(&mut recording, asked_to_end, write)?;
            writer.finish(&[]).and_then(|mut sink| Ok(sink.flush()?)).map_err(refused)?;
            output.keep(&arguments.output)?;
            read
        }
        TouchFormat::Whiskit => {
            let output = Folder::create(&arguments.output)?;
            let mut writer = folder::Writer::new(output.path(), &whiskers).map_err(refused)?;
            let write = |values: &[f32]| writer.write(values).map_err(refused);
            let read = copy(&mut recording, asked_to_end, write)?;
            writer.finish().map_err(refused)?;
            output.keep()?;
            read
        }
    };
    notes(&recording, form, period_ns).iter().for_each(terminal::say);
    Ok(read?)
}

/// What the name or the user says is to be written.
fn form(output: &Path, asked: Option<Kind>) -> Result<TouchFormat, Failure> {
    let is_folder = output.is_dir() || output.as_os_str().as_encoded_bytes().ends_with(b"/");
    match (asked, Kind::of_name(output)) {
        (Some(Kind::Npz), _) => Ok(TouchFormat::Npz),
        (None, _) if output.as_os_str() == "-" => Ok(TouchFormat::Npz),
        (None, _) if is_folder => Ok(TouchFormat::Whiskit),
        (None, Some(Kind::Npz)) => Ok(TouchFormat::Npz),
        (None, None) if output.extension().is_none() => Ok(TouchFormat::Whiskit),
        (asked, of_name) => {
            let kind = asked.or(of_name).map_or_else(
                || "of a format that nobody knows".to_owned(),
                |kind| format!("{kind}, which has no place for frames of touch"),
            );
            let message = format!("{} would be {kind}", shown(output));
            let hint = "OUT.npz is an archive, and a name without an ending a folder as WHISKiT \
                        writes it";
            Err(Failure::used_wrongly(message).with_hint(hint))
        }
    }
}

/// Copies all frames; inside, what is wrong with the recording.
fn copy(
    recording: &mut TouchRecording,
    asked_to_end: &AtomicBool,
    mut write: impl FnMut(&[f32]) -> Result<(), Failure>,
) -> Result<Result<(), spiked_recordings::Error>, Failure> {
    let bar = terminal::reading_bar(Some(recording.bytes_total()));
    let mut values = Vec::new();
    // Ordering: Relaxed, as where it is set.
    while !asked_to_end.load(Relaxed) {
        values.clear();
        match recording.next_frames(&mut values) {
            Ok(0) => {
                bar.finish_and_clear();
                return Ok(Ok(()));
            }
            Ok(_) => write(&values)?,
            Err(error) => {
                bar.finish_and_clear();
                return Ok(Err(error));
            }
        }
        bar.set_position(recording.bytes_read());
    }
    bar.finish_and_clear();
    Err(Failure::interrupted())
}

/// What is another in the copy, or isn't there.
fn notes(recording: &TouchRecording, form: TouchFormat, period_ns: u64) -> Vec<String> {
    let counts = recording.counts();
    let mended = told(&[(counts.not_numbers, "no numbers"), (counts.absurd, "absurd values")]);
    let unread = recording.unread();
    let unread = (!unread.is_empty()).then(|| unread.join(", "));
    let is_said = form == TouchFormat::Npz || period_ns == form.period_ns();
    let rate_hz = 1e9 / period_ns as f64;
    [
        mended.map(|mended| format!("note: mended were {mended}")),
        unread.map(|unread| format!("note: left out is what else the recording holds: {unread}")),
        (!is_said).then(|| {
            let own_hz = 1e9 / form.period_ns() as f64;
            format!(
                "note: a folder doesn't say its rate, and is taken for one of {own_hz} Hz: \
                 spiked run --frame-rate {rate_hz:.4}"
            )
        }),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// A folder under another name, until it is whole.
struct Folder<'a> {
    made: TempDir,
    path: &'a Path,
}

impl<'a> Folder<'a> {
    fn create(path: &'a Path) -> Result<Self, Failure> {
        let failed = |error: io::Error| Failure::output(&shown(path), &error);
        // One that is there and empty is as good as none; another is not ours to replace.
        let is_taken = match fs::read_dir(path) {
            Ok(mut entries) => entries.next().is_some(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => false,
            Err(error) => return Err(failed(error)),
        };
        if is_taken {
            let message = format!("{} is there already, and isn't empty", shown(path));
            return Err(Failure::used_wrongly(message));
        }
        let beside = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let mut builder = tempfile::Builder::new();
        builder.prefix(".spiked-").permissions(Permissions::from_mode(FOLDER_MODE));
        let made = builder.tempdir_in(beside.unwrap_or_else(|| Path::new(".")));
        Ok(Self { made: made.map_err(failed)?, path })
    }

    fn path(&self) -> &Path {
        self.made.path()
    }

    /// Gives it its name.
    fn keep(self) -> Result<(), Failure> {
        let renamed = fs::rename(self.made.path(), self.path);
        renamed.map_err(|error| Failure::output(&shown(self.path), &error))?;
        // What was made is elsewhere: there is nothing to take away.
        let _ = self.made.keep();
        Ok(())
    }
}
