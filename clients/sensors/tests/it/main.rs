//! Behaviour of the synthetic sensors, seen from outside; one file a sensor.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod camera;
mod contrast;
mod whiskers;
