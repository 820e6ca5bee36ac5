//! `spiked convert`: a recording as comma-separated text.

use std::{
    fs::File,
    io::{self, BufWriter, Write},
    path::Path,
};

use spiked_recordings::write::{WriteError, csv::Writer};

use crate::{args::ConvertArguments, failure::Failure, sensor, terminal};

const BUFFER_BYTES: usize = 1 << 18;

/// Reads a recording and writes what it reads. What comes before a fault is written.
pub(crate) fn convert(arguments: &ConvertArguments) -> Result<(), Failure> {
    let mut recording = sensor::open(&arguments.file, arguments.geometry)?;
    let name = shown(&arguments.output);
    let refused = |error| refused(&name, error);
    let sink = open(&arguments.output)?;
    let mut writer = Writer::new(sink).map_err(refused)?;
    let bar = terminal::reading_bar(recording.bytes_total());
    let mut events = Vec::new();
    let read = loop {
        match recording.next_events(&mut events) {
            Ok(0) => break Ok(()),
            Ok(_) => writer.write(&events).map_err(refused)?,
            Err(error) => break Err(error),
        }
        events.clear();
        bar.set_position(recording.bytes_read());
    };
    bar.finish_and_clear();
    writer.finish().map_err(refused)?;
    Ok(read?)
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

fn refused(name: &str, error: WriteError) -> Failure {
    match error {
        WriteError::Io(error) => Failure::output(name, &error),
        other => Failure::failed(format!("cannot write {name}: {other}")),
    }
}
