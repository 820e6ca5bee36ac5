//! Writing recordings: one file a format, each with a `Writer` of the same shape.
//!
//! A writer is made over any [`std::io::Write`], takes events in portions and gives its sink back
//! at the end. At the first event that a format cannot hold it stops; those before are written.

pub mod aedat4;
mod any;
pub mod csv;
pub mod dat;
pub mod es;
pub mod evt2;
pub mod evt3;
pub mod npz;

use std::io;

use spiked_proto::layout::words::WordEncodeError;
use thiserror::Error;

use crate::{CameraEvent, Geometry};

pub use any::{Kind, Writer};

/// Why events could not be written. Positions count the events of the call.
#[derive(Debug, Error)]
pub enum WriteError {
    /// The sink refuses.
    #[error("cannot be written: {0}")]
    Io(#[from] io::Error),
    /// A format that holds the sensor's size, and no size.
    #[error("the format holds the sensor's size, which nobody knows")]
    NoGeometry,
    /// A pixel off the sensor that the header names.
    #[error("event {position}: pixel ({x}, {y}) outside the {geometry} sensor")]
    PixelOffSensor {
        /// The event's place among those given.
        position: usize,
        /// Its column.
        x: u16,
        /// Its row.
        y: u16,
        /// The sensor's size.
        geometry: Geometry,
    },
    /// A time before the last one, where a format writes only steps forward.
    #[error("event {position}: time {t_us} us is before the last, {last_us} us")]
    Backward {
        /// The event's place among those given.
        position: usize,
        /// Its time.
        t_us: u64,
        /// The time of the event before.
        last_us: u64,
    },
    /// A step in time that would take megabytes of padding.
    #[error("event {position}: time {t_us} us is too far after the last, {last_us} us")]
    Gap {
        /// The event's place among those given.
        position: usize,
        /// Its time.
        t_us: u64,
        /// The time of the event before, or 0.
        last_us: u64,
    },
    /// A column or row that needs more bits than the format has.
    #[error("event {position}: pixel ({x}, {y}) needs more than {bits} bits a side")]
    PixelTooLarge {
        /// The event's place among those given.
        position: usize,
        /// Its column.
        x: u16,
        /// Its row.
        y: u16,
        /// Bits that there are.
        bits: u32,
    },
    /// What a sensor's words cannot carry.
    #[error(transparent)]
    Words(#[from] WordEncodeError),
}

/// The events before the first that is off the sensor, and what to say of that one.
fn on_sensor(
    events: &[CameraEvent],
    sensor: Option<Geometry>,
) -> (&[CameraEvent], Option<WriteError>) {
    let off = sensor.and_then(|geometry| {
        let off = |event: &CameraEvent| !geometry.contains(event.x, event.y);
        events.iter().position(off).map(|position| (position, geometry))
    });
    match off {
        None => (events, None),
        Some((position, geometry)) => {
            let CameraEvent { x, y, .. } = events[position];
            let fault = WriteError::PixelOffSensor { position, x, y, geometry };
            (&events[..position], Some(fault))
        }
    }
}
