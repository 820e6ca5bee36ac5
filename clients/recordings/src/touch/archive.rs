//! A NumPy archive with an array of the shape `[frames, whiskers, 6]`, and beside it, where it is said,
//! `names` (one a whisker) and `period_ns`.

use std::{fmt, fs::File, io::Read, path::Path};

use super::{COMPONENTS, Said, WHISKERS_MAX, checked, whiskers};
use crate::{
    Fault,
    formats::{
        columns::Element,
        npz::{
            Part,
            array::{Described, element},
            array_fault, parts,
        },
    },
};

/// Characters of a name; NumPy takes four bytes for each.
const NAME_CHARACTERS_MAX: usize = 64;

/// The array of frames, at the next frame.
pub(super) struct Archive {
    name: String,
    reader: Box<dyn Read + Send>,
    element: Element,
    whiskers: usize,
    frames: u64,
    /// Frames to come.
    left: u64,
    bytes: Vec<u8>,
}

impl fmt::Debug for Archive {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, whiskers, left, .. } = self;
        write!(formatter, "Archive({name}: {left} frames of {whiskers} whiskers)")
    }
}

/// Whether there is such an array in a file that is an archive.
pub(super) fn holds_frames(path: &Path) -> bool {
    let parts = File::open(path).map_err(Fault::from).and_then(|file| parts(path, file));
    let is_frames = |mut part: Part| Described::read(&mut part.reader).is_ok_and(|it| is_it(&it));
    parts.is_ok_and(|parts| parts.into_iter().any(is_frames))
}

fn is_it(described: &Described) -> bool {
    matches!(described.shape.as_slice(), [_, _, components] if *components == COMPONENTS as u64)
}

impl Archive {
    pub(super) fn open(path: &Path) -> Result<(Self, Said), Fault> {
        let (mut found, mut names, mut period_ns) = (None, None, None);
        let mut there = Vec::new();
        for mut part in parts(path, File::open(path)?)? {
            let described = Described::read(&mut part.reader)
                .map_err(|problem| array_fault(&part.name, problem))?;
            match part.name.as_str() {
                "names" => names = Some(read_names(part, &described)?),
                "period_ns" => period_ns = Some(read_period(part, &described)?),
                _ if is_it(&described) && found.is_none() => found = Some((part, described)),
                _ => there.push(part.name),
            }
        }
        let Some((part, described)) = found else {
            let problem =
                format!("isn't there, of the shape [frames, whiskers, 6]: it holds {there:?}");
            return Err(array_fault("frames", problem));
        };
        let (archive, whiskers) = Self::of(part, &described)?;
        let named = match names {
            Some(names) if names.len() as u64 != whiskers => {
                let problem = format!("names {} whiskers of {whiskers}", names.len());
                return Err(Fault::Whiskers { problem });
            }
            Some(names) => names,
            None => whiskers::by_number(whiskers).ok_or_else(|| Fault::Whiskers {
                problem: format!("has {whiskers} whiskers and no array \"names\" that names them"),
            })?,
        };
        let frames = Some(archive.left);
        Ok((archive, Said { whiskers: checked(named)?, period_ns, frames, unread: there }))
    }

    fn of(part: Part, described: &Described) -> Result<(Self, u64), Fault> {
        let refused = |problem| array_fault(&part.name, problem);
        let element = element(described.kind()).map_err(refused)?;
        if element.is_whole() || described.descr.starts_with('[') {
            let problem = format!("holds {:?}, expected floats", described.kind());
            return Err(array_fault(&part.name, problem));
        }
        if described.is_fortran {
            let problem = "is in Fortran's order, expected C's".into();
            return Err(array_fault(&part.name, problem));
        }
        let (frames, whiskers) = (described.shape[0], described.shape[1]);
        if !(1..=WHISKERS_MAX as u64).contains(&whiskers) {
            let problem = format!("has {whiskers} whiskers, expected 1 to {WHISKERS_MAX}");
            return Err(array_fault(&part.name, problem));
        }
        let Part { name, reader } = part;
        #[expect(clippy::cast_possible_truncation, reason = "bounded above")]
        let own = whiskers as usize;
        let (left, bytes) = (frames, Vec::new());
        let archive = Self { name, reader, element, whiskers: own, frames, left, bytes };
        Ok((archive, whiskers))
    }

    /// Bytes of all frames, and how many of them were read.
    pub(super) fn bytes(&self) -> (u64, u64) {
        let frame = (self.whiskers * COMPONENTS * self.element.bytes()) as u64;
        let read = self.frames.saturating_sub(self.left);
        (self.frames.saturating_mul(frame), read.saturating_mul(frame))
    }

    /// Appends so many frames, or those that are left.
    pub(super) fn read(&mut self, frames_max: usize, values: &mut Vec<f32>) -> Result<(), Fault> {
        let frames = self.left.min(frames_max as u64);
        let (each, frame) =
            (self.element.bytes(), self.whiskers * COMPONENTS * self.element.bytes());
        self.bytes.clear();
        let bytes = frames * frame as u64;
        let read = self.reader.by_ref().take(bytes).read_to_end(&mut self.bytes)?;
        let whole = read / frame * frame;
        if whole == 0 && frames > 0 {
            self.left = 0;
            return Err(array_fault(&self.name, "ends before its last frame".into()));
        }
        #[expect(clippy::cast_possible_truncation, reason = "a force needs no more")]
        let value = |bytes: &[u8]| self.element.value(bytes) as f32;
        values.extend(self.bytes[..whole].chunks_exact(each).map(value));
        self.left -= (whole / frame) as u64;
        Ok(())
    }
}

/// Text of a fixed length, four bytes a character.
fn read_names(mut part: Part, described: &Described) -> Result<Vec<String>, Fault> {
    let characters = described.kind().strip_prefix("<U").and_then(|length| length.parse().ok());
    let count = match described.shape.as_slice() {
        [count] if *count <= WHISKERS_MAX as u64 => *count,
        _ => return Err(array_fault("names", format!("has the shape {:?}", described.shape))),
    };
    let fits = characters.filter(|length| (1..=NAME_CHARACTERS_MAX).contains(length));
    let characters: usize = fits.ok_or_else(|| {
        array_fault("names", format!("holds {:?}, expected text", described.kind()))
    })?;
    let bytes = count * 4 * characters as u64;
    let mut held = Vec::new();
    let read = part.reader.by_ref().take(bytes).read_to_end(&mut held)?;
    if (read as u64) < bytes {
        return Err(array_fault("names", "ends before its last name".into()));
    }
    let name = |name: &[u8]| -> String {
        let (characters, _) = name.as_chunks::<4>();
        let known =
            |word: &[u8; 4]| char::from_u32(u32::from_le_bytes(*word)).unwrap_or('\u{fffd}');
        characters.iter().map(known).take_while(|&character| character != '\0').collect()
    };
    Ok(held.chunks_exact(4 * characters).map(name).collect())
}

/// One whole number.
fn read_period(mut part: Part, described: &Described) -> Result<u64, Fault> {
    let refused = |problem| array_fault("period_ns", problem);
    let element = element(described.kind()).map_err(refused)?;
    if described.shape.iter().product::<u64>() != 1 {
        return Err(refused(format!("has the shape {:?}, expected one value", described.shape)));
    }
    let mut bytes = vec![0; element.bytes()];
    part.reader.read_exact(&mut bytes).map_err(|_| refused("ends before its value".into()))?;
    let period_ns = element.whole(&bytes).filter(|period_ns| (1..=1 << 40).contains(period_ns));
    period_ns.ok_or_else(|| refused(format!("is {} ns", element.value(&bytes))))
}
