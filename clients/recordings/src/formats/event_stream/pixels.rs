//! Events of a pixel: of dvs, atis and color. All have a first byte that tells the time, then x and y.

use std::marker::PhantomData;

use super::{OVERFLOW, PADDING};
use crate::{CameraEvent, Fault, Geometry, Notes, formats::Decode};

/// What a first byte tells.
pub(super) enum First {
    /// Time that passes \[µs\], and nothing else.
    Time(u64),
    /// An event, after so many µs.
    Event(u64, Kind),
}

/// Which event.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    /// A camera's: ON or OFF.
    Change(bool),
    /// Another one, which is counted.
    Other,
}

/// A type of events.
pub(super) trait Layout: Send {
    /// An event's length, with its first byte.
    const BYTES: usize;
    /// What its other events are called.
    const OTHERS: &'static str;
    /// What it holds, if no camera's events.
    const HOLDS: Option<&'static str> = None;

    fn first(byte: u8) -> First;
}

pub(super) struct Dvs;

impl Layout for Dvs {
    const BYTES: usize = 5;
    const OTHERS: &'static str = "other events";

    #[inline]
    fn first(byte: u8) -> First {
        match byte {
            OVERFLOW => First::Time(127),
            PADDING => First::Time(0),
            _ => First::Event(u64::from(byte >> 1), Kind::Change(byte & 1 == 1)),
        }
    }
}

pub(super) struct Atis;

impl Layout for Atis {
    const BYTES: usize = 5;
    const OTHERS: &'static str = "threshold crossings of exposure";

    #[inline]
    fn first(byte: u8) -> First {
        let (us, is_exposure, is_on) = (u64::from(byte >> 2), byte & 1 == 1, byte & 2 != 0);
        match us {
            63 => First::Time(63 * u64::from(byte & 3)),
            _ if is_exposure => First::Event(us, Kind::Other),
            _ => First::Event(us, Kind::Change(is_on)),
        }
    }
}

pub(super) struct Color;

impl Layout for Color {
    const BYTES: usize = 8;
    const OTHERS: &'static str = "events of color";
    const HOLDS: Option<&'static str> = Some("events of color, which have no polarity");

    #[inline]
    fn first(byte: u8) -> First {
        match byte {
            OVERFLOW => First::Time(254),
            PADDING => First::Time(0),
            _ => First::Event(byte.into(), Kind::Other),
        }
    }
}

pub(super) struct Reader<L> {
    geometry: Geometry,
    t_us: u64,
    /// The start of an event whose end has not arrived.
    pending: Vec<u8>,
    others: u64,
    layout: PhantomData<L>,
}

impl<L: Layout> Decode for Reader<L> {
    fn decode(
        &mut self,
        bytes: &[u8],
        offset: u64,
        out: &mut Vec<CameraEvent>,
    ) -> Result<(), Fault> {
        let missing = match self.pending.len() {
            0 => 0,
            held => bytes.len().min(L::BYTES - held),
        };
        let (completing, bytes) = bytes.split_at(missing);
        if missing > 0 {
            let event_offset = offset - self.pending.len() as u64;
            self.pending.extend_from_slice(completing);
            let event = std::mem::take(&mut self.pending);
            self.decode_whole(&event, event_offset, out)?;
        }
        self.decode_whole(bytes, offset + missing as u64, out)
    }

    fn finish(&mut self, offset: u64, _: &mut Vec<CameraEvent>) -> Result<(), Fault> {
        match self.pending.len() {
            0 => Ok(()),
            held => Err(Fault::Truncated { offset: offset - held as u64, held, whole: L::BYTES }),
        }
    }

    fn set_geometry(&mut self, geometry: Geometry) {
        self.geometry = geometry;
    }

    fn holds(&self) -> Option<&'static str> {
        L::HOLDS
    }

    fn notes(&self) -> Notes {
        let besides = vec![(self.others, L::OTHERS.to_owned())];
        Notes { besides, ..Notes::default() }
    }
}

impl<L: Layout> Reader<L> {
    pub(super) fn new(geometry: Geometry) -> Self {
        let pending = Vec::with_capacity(L::BYTES);
        Self { geometry, t_us: 0, pending, others: 0, layout: PhantomData }
    }

    /// Decodes all whole events; what is left of `bytes` waits.
    fn decode_whole(
        &mut self,
        bytes: &[u8],
        offset: u64,
        out: &mut Vec<CameraEvent>,
    ) -> Result<(), Fault> {
        let geometry = self.geometry;
        let mut t_us = self.t_us;
        let mut at = 0;
        while let Some(&first) = bytes.get(at) {
            let (us, kind) = match L::first(first) {
                First::Time(us) => {
                    t_us += us;
                    at += 1;
                    continue;
                }
                First::Event(us, kind) => (us, kind),
            };
            let Some(&[_, x0, x1, y0, y1, ..]) = bytes.get(at..at + L::BYTES) else {
                self.pending.extend_from_slice(&bytes[at..]);
                break;
            };
            let (x, y) = (u16::from_le_bytes([x0, x1]), u16::from_le_bytes([y0, y1]));
            if !geometry.contains(x, y) {
                let offset = offset + at as u64;
                return Err(Fault::PixelOffSensor { x, y, geometry, offset });
            }
            t_us += us;
            match kind {
                Kind::Change(on) => {
                    out.push(CameraEvent { t_us, x, y: geometry.height - 1 - y, on });
                }
                Kind::Other => self.others += 1,
            }
            at += L::BYTES;
        }
        self.t_us = t_us;
        Ok(())
    }
}
