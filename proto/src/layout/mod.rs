//! Packed batches of events, and the cameras' own words.
//!
//! A batch crosses the wire as one payload of bytes in one of these layouts. The 8-byte layouts
//! (`camera`, `address`) are stateless: times are offsets from the batch's base time. The words
//! of Prophesee sensors (`evt2`, `evt3`) carry time and place from word to word, so their
//! decoders are resumable values: a payload may end anywhere, even in the middle of a word.
//! `frames` carry the values of analogue sensors.
//! Everything is little-endian and nothing assumes that a payload is aligned.

pub mod address;
pub mod camera;
pub mod evt2;
pub mod evt3;
pub mod frames;
pub mod words;

mod geometry;
mod packed;
mod pending;
mod state;
mod time_high;

pub use geometry::{Geometry, GeometryError};
pub use packed::{EVENT_BYTES, PackedError};
pub use state::StateError;
