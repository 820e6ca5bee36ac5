//! What is due when.

mod arrivals;
mod near;
mod wheel;

pub(crate) use arrivals::{Arrivals, Delivery, Graded, REACH};
pub(crate) use wheel::Wheel;
