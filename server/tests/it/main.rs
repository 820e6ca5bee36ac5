//! The behaviour of the daemon, one module each.

mod networks;
