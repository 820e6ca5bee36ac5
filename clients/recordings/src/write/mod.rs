//! Writing recordings: one file a format, each with a `Writer` of the same shape.
//!
//! A writer is made over any [`std::io::Write`], takes events in portions and gives its sink back
//! at the end. At the first event that a format cannot hold it stops; those before are written.

pub mod csv;
pub mod es;
pub mod evt2;

use std::io;

use spiked_proto::layout::words::WordEncodeError;
use thiserror::Error;

use crate::Geometry;

/// Why events could not be written. Positions count the events of the call.
#[derive(Debug, Error)]
pub enum WriteError {
    /// The sink refuses.
    #[error("cannot be written: {0}")]
    Io(#[from] io::Error),
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
    /// What a sensor's words cannot carry.
    #[error(transparent)]
    Words(#[from] WordEncodeError),
}
