//! Connectivity: from the spikes of a source to sums at a target.
//!
//! A flight is what a source emitted in one tick, on its way through one projection. It visits the
//! projection's delays in rising order, one *step* each. Rows whose delays differ from source to
//! source travel as one cursor a spike instead, which makes its deliveries a window ahead. Beyond
//! that window, nothing is queued per synapse.

pub(crate) mod convolution;
pub(crate) mod drawn;
pub mod motion_kernel;
pub(crate) mod one_to_one;
pub(crate) mod prefetch;
pub(crate) mod prune;
pub(crate) mod rows;
pub(crate) mod short_term;
pub(crate) mod strength;
pub(crate) mod taps;

use convolution::{Convolution, Place};
use one_to_one::OneToOne;
use rows::Rows;
use strength::Unit;

use crate::sums::{Plane, Touched};

/// A neuron's or a port's index, and how often it fired in the tick; on its way along a projection
/// with short-term plasticity, the part of each weight that it delivers instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Emission {
    pub(crate) index: u32,
    pub(crate) multiplicity: u32,
}

/// A projection's synapses, compiled against its target's quantum and layout.
#[derive(Clone, Debug)]
pub(crate) enum Connect {
    OneToOne(OneToOne),
    Rows(Rows),
    Convolution(Convolution),
    /// Nothing on this worker.
    None,
}

impl Connect {
    /// The delays that a flight visits, rising \[ticks\]. Empty where cursors travel instead.
    pub(crate) fn delays_ticks(&self) -> &[u32] {
        match self {
            Self::OneToOne(one_to_one) => one_to_one.delays_ticks(),
            Self::Rows(rows) => rows.delays_ticks(),
            Self::Convolution(convolution) => convolution.delays_ticks(),
            Self::None => &[],
        }
    }

    /// The same synapses for emissions that count something else, which no convolution takes.
    pub(crate) fn counting(self, unit: Unit) -> Self {
        match self {
            Self::OneToOne(one_to_one) => Self::OneToOne(one_to_one.counting(unit)),
            Self::Rows(rows) => Self::Rows(rows.counting(unit)),
            other => other,
        }
    }

    /// Its rows, if it has any.
    pub(crate) fn rows(&self) -> Option<&Rows> {
        match self {
            Self::Rows(rows) => Some(rows),
            _ => None,
        }
    }

    /// What can be worked out once for all steps of a flight.
    pub(crate) fn place(&self, emissions: &[Emission], places: &mut Vec<Place>) {
        if let Self::Convolution(convolution) = self {
            places.extend(emissions.iter().map(|&emission| convolution.place(emission)));
        }
    }

    /// Adds one step of a flight to the sums; returns the number of deliveries.
    pub(crate) fn deliver(
        &self,
        step: usize,
        emissions: &[Emission],
        places: &[Place],
        sums: Plane<'_>,
    ) -> u64 {
        match self {
            Self::OneToOne(one_to_one) => one_to_one.deliver(emissions, sums),
            Self::Rows(rows) => rows.deliver(emissions, sums),
            Self::Convolution(convolution) => convolution.deliver(step, places, sums),
            Self::None => 0,
        }
    }

    /// Names what [`Self::deliver`] of the same step touched.
    pub(crate) fn touch(
        &self,
        step: usize,
        emissions: &[Emission],
        places: &[Place],
        touched: &mut Touched,
    ) {
        match self {
            Self::OneToOne(one_to_one) => one_to_one.touch(emissions, touched),
            Self::Rows(rows) => rows.touch(emissions, touched),
            Self::Convolution(convolution) => convolution.touch(step, places, touched),
            Self::None => (),
        }
    }

    /// Deliveries to expect of one step with so many emissions; an upper bound.
    pub(crate) fn expected(&self, step: usize, emissions: usize) -> u64 {
        match self {
            Self::OneToOne(_) => emissions as u64,
            Self::Rows(rows) => emissions as u64 * rows.mean_row(),
            Self::Convolution(convolution) => emissions as u64 * convolution.taps_max(step),
            Self::None => 0,
        }
    }

    /// Number of synapses, as if materialised.
    pub(crate) fn synapses(&self) -> u64 {
        match self {
            Self::OneToOne(one_to_one) => one_to_one.synapses(),
            Self::Rows(rows) => rows.synapses(),
            Self::Convolution(convolution) => convolution.synapses(),
            Self::None => 0,
        }
    }

    /// Resident size \[bytes\].
    pub(crate) fn bytes(&self) -> u64 {
        match self {
            Self::OneToOne(_) => size_of::<OneToOne>() as u64,
            Self::Rows(rows) => rows.bytes(),
            Self::Convolution(convolution) => convolution.bytes(),
            Self::None => 0,
        }
    }
}
