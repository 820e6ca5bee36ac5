//! Behaviour of the core as a whole, one module a subject.

mod delays;
mod exact;
mod extremes;
mod learned_delays;
mod motif;
mod noise;
mod parameters;
mod random;
mod rates;
mod reference;
mod refused;
mod same_result;
mod samples;
mod snapshots;
mod support;
mod swept;
mod textures;
mod touch;
mod weights;
