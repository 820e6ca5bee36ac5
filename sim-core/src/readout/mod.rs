//! What turns spikes into decisions.

pub(crate) mod vote;
