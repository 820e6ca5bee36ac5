//! The linear integrate-and-fire neuron, event-driven and exact.
//!
//! `tau v' = -(v - rest) + drive + sum of I_r(t)`, with delta, exponential and alpha currents
//! (network/neurons/lif.rs has the description). All of it is linear, so a neuron follows a closed
//! form between its arrivals (Rotter and Diesmann 1999), and the first crossing of the threshold is
//! found on that form, however short the excursion (the problem: Hanuschkin et al. 2010; Krishnan
//! et al. 2018).
//!
//! State is re-based at a neuron's own arrivals and crossings only. Four parts:
//!
//! * `course`: where a neuron is after some time, from a table for whole ticks;
//! * `bound`: a time before which it certainly doesn't cross, cheaply;
//! * `crossing`: the exact search for a crossing within one tick;
//! * `cell`: one neuron, which puts them together;
//! * `swept` and `sweep`: dense populations, re-based at every tick;
//! * `usual`: the same for many neurons to which nothing out of the ordinary happens.
//!
//! The search for a crossing in (T - 1, T] depends on the state and on T alone, and a bound only
//! skips ticks in which the search finds nothing: how often a neuron is looked at changes no bit.
//!
//! Potentials are relative to rest \[mV\], times in ticks.

mod bound;
mod cell;
mod course;
mod crossing;
mod parameters;
pub(crate) mod population;
pub(crate) mod sweep;
pub(crate) mod swept;
pub(crate) mod usual;

pub(crate) use cell::{Cell, Watch};
pub(crate) use parameters::Linear;

#[cfg(test)]
mod tests;
