//! Synthetic sensors with ground truth beside: sources of events that need no file.
//!
//! The event camera looks at a random texture that moves as it is told ([`camera`]), through
//! [`Motion`]s that a [`Trajectory`] may choose; [`Truth`] keeps what was played. Another, with noise, hot
//! pixels and latency, looks at gratings, bars and images ([`contrast`]). [`motif`] hides
//! patterns of precise delays among spikes, and [`whiskers`] feel what sweeps past them. Everything is a
//! function of settings and seed: no clock, no file, no randomness from outside.

pub mod camera;
pub mod contrast;
mod error;
pub mod motif;
pub mod motion;
pub mod random;
pub mod texture;
pub mod trajectory;
pub mod truth;
pub mod whiskers;

pub use camera::{MovingTexture, Recording, Settings, movie, record};
pub use error::Error;
pub use motion::Motion;
pub use trajectory::{Switching, Trajectory};
pub use truth::Truth;
