//! What received something in a tick, so that only that is looked at.

use super::layout::{LANES, LANES_U32, Layout, to_u32};

/// What received something in this tick, each once: neurons where they lie flat, quads in a grid.
#[derive(Clone, Debug)]
pub(crate) struct Touched {
    seen: Vec<u64>,
    list: Vec<u32>,
    /// Lanes of one receptor.
    lanes: u32,
    /// Quads, not neurons, are told apart.
    by_quad: bool,
}

impl Touched {
    pub(crate) fn new(layout: &Layout) -> Self {
        let lanes = layout.quads() * LANES;
        let by_quad = matches!(layout, Layout::Grid(_));
        let bits = if by_quad { layout.quads() } else { lanes };
        Self { seen: vec![0; bits.div_ceil(64)], list: Vec::new(), lanes: to_u32(lanes), by_quad }
    }

    /// A quad of a grid.
    #[inline]
    pub(crate) fn quad(&mut self, quad: u32) {
        debug_assert!(self.by_quad, "neurons that lie flat are told apart");
        self.mark(quad);
    }

    /// A slot of any receptor.
    #[inline]
    pub(crate) fn slot(&mut self, slot: u32) {
        let slot = if slot < self.lanes { slot } else { slot % self.lanes };
        self.mark(if self.by_quad { slot / LANES_U32 } else { slot });
    }

    #[inline]
    fn mark(&mut self, what: u32) {
        let (word, bit) = (what as usize / 64, 1_u64 << (what % 64));
        if self.seen[word] & bit == 0 {
            self.seen[word] |= bit;
            self.list.push(what);
        }
    }

    /// Whether quads are told apart, not neurons.
    pub(crate) const fn is_by_quad(&self) -> bool {
        self.by_quad
    }

    /// Forgets everything; the list is handed out for a last look.
    pub(crate) fn take(&mut self, into: &mut Vec<u32>) {
        for &what in &self.list {
            self.seen[what as usize / 64] = 0;
        }
        into.clear();
        std::mem::swap(&mut self.list, into);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sums::{Grid, Margin};

    #[test]
    fn touches_each_neuron_or_quad_once() {
        let grid = Grid { channels: 4, height: 10, width: 10, margin: Margin::default() };
        let layouts = [Layout::Flat { size: 400 }, Layout::Grid(grid)];
        for (layout, expected) in layouts.iter().zip([vec![8, 9, 399], vec![2, 99]]) {
            let mut touched = Touched::new(layout);
            // Of a second receptor, too.
            for slot in [8, 9, 399, 8, 408, 799] {
                touched.slot(slot);
            }
            let mut list = Vec::new();
            touched.take(&mut list);
            assert_eq!(list, expected);
            touched.slot(8);
            touched.take(&mut list);
            assert_eq!(list, expected[..1]);
        }
    }
}
