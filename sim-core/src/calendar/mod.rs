//! What is due when.

mod wheel;

pub(crate) use wheel::Wheel;
