//! The door: order, encoders, filters, and from sensor time to ticks.

pub(crate) mod door;
pub(crate) mod encode;
pub(crate) mod filter;
pub(crate) mod offer;
pub(crate) mod tray;
