//! Index i to index i, one weight and one delay for all.

use super::Emission;
use crate::sums::{Layout, Quads, Touched};

#[derive(Debug)]
pub(crate) struct OneToOne {
    delay_ticks: [u32; 1],
    /// \[quanta\]
    weight: i32,
    size: u32,
    layout: Layout,
}

impl OneToOne {
    pub(crate) fn new(delay_ticks: u32, weight: i32, size: u32, layout: Layout) -> Self {
        Self { delay_ticks: [delay_ticks], weight, size, layout }
    }

    pub(crate) fn delays_ticks(&self) -> &[u32] {
        &self.delay_ticks
    }

    pub(crate) fn synapses(&self) -> u64 {
        u64::from(self.size)
    }

    pub(crate) fn deliver(&self, emissions: &[Emission], sums: &mut Quads) -> u64 {
        for emission in emissions {
            sums.add(self.layout.slot(emission.index), self.weight, emission.multiplicity);
        }
        emissions.len() as u64
    }

    pub(crate) fn touch(&self, emissions: &[Emission], touched: &mut Touched) {
        for emission in emissions {
            touched.slot(self.layout.slot(emission.index));
        }
    }
}
