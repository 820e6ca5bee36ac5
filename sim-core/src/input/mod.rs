//! The door: order, filters, and from sensor time to ticks.

pub(crate) mod door;
pub(crate) mod filter;
