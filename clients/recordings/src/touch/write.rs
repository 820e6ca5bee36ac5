//! Writes a recording of touch as a NumPy archive: `frames` (`<f4`, [frame, whisker, component]),
//! `names`, `period_ns` and, where it is known, `contacts` ([frame, whisker]).

use std::io::Write;

use zip::{ZipWriter, write::SimpleFileOptions};

use super::COMPONENTS;
use crate::write::{WriteError, npz::header};

/// What is written.
#[derive(Clone, Copy, Debug)]
pub struct Frames<'a> {
    /// Names such as "RA0".
    pub whiskers: &'a [String],
    /// Time between frames \[ns\].
    pub period_ns: u64,
    /// [frame, whisker, component], whole frames.
    pub values: &'a [f32],
    /// Whether a whisker touches something, [frame, whisker]; empty where nobody knows.
    pub contacts: &'a [bool],
}

/// Writes an archive that [`super::TouchRecording`] reads; gives the sink back.
///
/// # Errors
///
/// The sink refuses.
pub fn archive<W: Write>(sink: W, frames: &Frames<'_>) -> Result<W, WriteError> {
    let &Frames { whiskers, period_ns, values, contacts } = frames;
    let count = values.len() / (whiskers.len() * COMPONENTS).max(1);
    let mut archive = ZipWriter::new_stream(sink);
    let options = SimpleFileOptions::default()
        .compression_method(zip::CompressionMethod::Stored)
        .large_file(true);
    let mut array =
        |name: &str, kind: &str, shape: &[usize], bytes: &mut dyn Iterator<Item = u8>| {
            archive.start_file(format!("{name}.npy"), options).map_err(std::io::Error::from)?;
            archive.write_all(&header(kind, shape))?;
            let mut portion = Vec::with_capacity(1 << 16);
            loop {
                portion.extend((&mut *bytes).take(1 << 16));
                if portion.is_empty() {
                    return Ok::<_, WriteError>(());
                }
                archive.write_all(&portion)?;
                portion.clear();
            }
        };
    let shape = [count, whiskers.len(), COMPONENTS];
    array("frames", "<f4", &shape, &mut values.iter().flat_map(|value| value.to_le_bytes()))?;
    let characters = whiskers.iter().map(|name| name.chars().count()).max().unwrap_or(1);
    let padded = |name: &String| {
        let letters = name.chars().map(u32::from).chain(std::iter::repeat(0));
        letters.take(characters).flat_map(u32::to_le_bytes).collect::<Vec<u8>>()
    };
    let mut names = whiskers.iter().flat_map(padded);
    array("names", &format!("<U{characters}"), &[whiskers.len()], &mut names)?;
    array("period_ns", "<u8", &[1], &mut period_ns.to_le_bytes().into_iter())?;
    if !contacts.is_empty() {
        let mut flags = contacts.iter().map(|&touches| u8::from(touches));
        array("contacts", "|b1", &shape[..2], &mut flags)?;
    }
    let mut sink = archive.finish().map_err(std::io::Error::from)?.into_inner();
    sink.flush()?;
    Ok(sink)
}
