//! Files of entries that have one size each: what is cut off at the end of a chunk waits for the rest.

use super::Decode;
use crate::{CameraEvent, Fault, Geometry, WordCounts};

/// What an entry of `N` bytes says.
pub(super) trait Record<const N: usize>: Send {
    /// Reads the entry at an offset of the file, and appends its events.
    fn read(
        &mut self,
        entry: &[u8; N],
        offset: u64,
        out: &mut Vec<CameraEvent>,
    ) -> Result<(), Fault>;

    /// Reads entries that follow one another, the first at an offset.
    #[inline]
    fn read_all(
        &mut self,
        entries: &[[u8; N]],
        offset: u64,
        out: &mut Vec<CameraEvent>,
    ) -> Result<(), Fault> {
        out.reserve(entries.len());
        let mut at = offset;
        for entry in entries {
            self.read(entry, at, out)?;
            at += N as u64;
        }
        Ok(())
    }

    /// Events from here on have to be on a sensor of this size.
    fn set_geometry(&mut self, geometry: Geometry);

    /// What became of the entries.
    fn counts(&self) -> &WordCounts;
}

/// Entry after entry.
pub(super) struct Records<T, const N: usize> {
    record: T,
    /// The start of an entry whose end has not come; fewer than `N` bytes.
    held: Vec<u8>,
}

impl<T: Record<N>, const N: usize> Records<T, N> {
    pub(super) fn new(record: T) -> Self {
        Self { record, held: Vec::with_capacity(N) }
    }

    /// Reads on, and gives the bytes back of an entry that isn't whole.
    fn read_whole<'a>(
        &mut self,
        bytes: &'a [u8],
        offset: u64,
        out: &mut Vec<CameraEvent>,
    ) -> Result<&'a [u8], Fault> {
        let (entries, rest) = bytes.as_chunks::<N>();
        self.record.read_all(entries, offset, out)?;
        Ok(rest)
    }
}

impl<T: Record<N>, const N: usize> Decode for Records<T, N> {
    fn decode(
        &mut self,
        mut bytes: &[u8],
        mut offset: u64,
        out: &mut Vec<CameraEvent>,
    ) -> Result<(), Fault> {
        if !self.held.is_empty() {
            let missing = (N - self.held.len()).min(bytes.len());
            let begin = offset - self.held.len() as u64;
            self.held.extend_from_slice(&bytes[..missing]);
            (bytes, offset) = (&bytes[missing..], offset + missing as u64);
            if self.held.len() < N {
                return Ok(());
            }
            let whole = std::mem::take(&mut self.held);
            self.read_whole(&whole, begin, out)?;
        }
        let rest = self.read_whole(bytes, offset, out)?;
        self.held.extend_from_slice(rest);
        Ok(())
    }

    fn finish(&mut self, offset: u64, _: &mut Vec<CameraEvent>) -> Result<(), Fault> {
        match self.held.len() {
            0 => Ok(()),
            held => Err(Fault::Truncated { offset: offset - held as u64, held, whole: N }),
        }
    }

    fn set_geometry(&mut self, geometry: Geometry) {
        self.record.set_geometry(geometry);
    }

    fn counts(&self) -> Option<&WordCounts> {
        Some(self.record.counts())
    }
}

/// A sensor whose size may not be known.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sensor(pub(super) Option<Geometry>);

impl Sensor {
    /// Whether a pixel is on it, as far as that is known.
    #[inline]
    pub(super) fn has(self, x: u16, y: u16) -> bool {
        self.0.is_none_or(|geometry| geometry.contains(x, y))
    }

    /// Refuses a pixel that is not on it.
    #[inline]
    pub(super) fn check(self, x: u16, y: u16, offset: u64) -> Result<(), Fault> {
        match self.0 {
            Some(geometry) if !geometry.contains(x, y) => {
                Err(Fault::PixelOffSensor { x, y, geometry, offset })
            }
            _ => Ok(()),
        }
    }
}
