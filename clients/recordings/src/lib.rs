//! Recordings of event cameras: open any file, read its events in portions, write files.
//!
//! The first station of an event that comes from a file: bytes in, [`CameraEvent`]s out, time in
//! µs as the file has it, rows counted from the top whatever the format says. The format is found
//! from the content, never from the name. A file may be larger than memory: it is read in chunks,
//! and whatever is wrong with it is an error that names the place, behind the events before it.
//!
//! ```no_run
//! # fn main() -> Result<(), spiked_recordings::Error> {
//! let mut recording = spiked_recordings::open("street.raw")?;
//! let (mut summary, mut events) = (spiked_recordings::Summary::default(), Vec::new());
//! while recording.next_events(&mut events)? > 0 {
//!     summary.add(&events);
//!     events.clear();
//! }
//! # Ok(()) }
//! ```

mod clock;
mod datagram;
mod error;
mod formats;
pub mod labels;
mod notes;
mod recording;
pub mod samples;
mod summary;
pub mod touch;
pub mod write;

pub use datagram::{DatagramCounts, DatagramLayout, DatagramReader};
pub use error::{Error, Fault};
pub use formats::Format;
pub use notes::Notes;
pub use recording::{Recording, open, survey};
pub use spiked_proto::layout::{Geometry, GeometryError, camera::CameraEvent, words::WordCounts};
pub use summary::Summary;

/// Sees what hostile bytes make a reader hold.
#[cfg(test)]
#[global_allocator]
static MEMORY: spiked_fuzz::Counting = spiked_fuzz::Counting;
