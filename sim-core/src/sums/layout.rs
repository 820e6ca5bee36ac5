//! Where each neuron's sum lies in memory.
//!
//! Four neighbouring neurons make a *quad*, the unit of the vector loops. Populations that a
//! convolution or a winner-take-all reaches lie by place, channels innermost and padded to whole
//! quads, within a margin that takes what a kernel throws over the border; others lie flat.

/// Neurons in a quad.
pub(crate) const LANES: usize = 4;
pub(super) const LANES_U32: u32 = 4;
const _: () = assert!(LANES_U32 as usize == LANES);

/// Where each neuron of a population lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
    /// In index order.
    Flat { size: u32 },
    /// By place: [row, column, channel].
    Grid(Grid),
}

/// A [channels, height, width] population laid out by place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Grid {
    pub(crate) channels: u32,
    pub(crate) height: u32,
    pub(crate) width: u32,
    /// Places outside the population that a kernel may write to.
    pub(crate) margin: Margin,
}

/// Places beyond each border.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Margin {
    pub(crate) top: u32,
    pub(crate) bottom: u32,
    pub(crate) left: u32,
    pub(crate) right: u32,
}

impl Margin {
    /// The larger of the two at each border.
    pub(crate) fn union(self, other: Self) -> Self {
        Self {
            top: self.top.max(other.top),
            bottom: self.bottom.max(other.bottom),
            left: self.left.max(other.left),
            right: self.right.max(other.right),
        }
    }
}

impl Grid {
    /// Quads at one place.
    pub(crate) fn quads_per_place(&self) -> usize {
        (self.channels as usize).div_ceil(LANES)
    }

    /// Places from one row to the next.
    pub(crate) fn pitch(&self) -> usize {
        (self.margin.left + self.width + self.margin.right) as usize
    }

    fn rows(&self) -> usize {
        (self.margin.top + self.height + self.margin.bottom) as usize
    }

    /// The first quad of a place within the population.
    pub(crate) fn quad_of_place(&self, y: u32, x: u32) -> usize {
        let row = (y + self.margin.top) as usize;
        (row * self.pitch() + (x + self.margin.left) as usize) * self.quads_per_place()
    }

    /// The place that holds a quad; `None` in the margin.
    pub(crate) fn place_of_quad(&self, quad: usize) -> Option<(u32, u32)> {
        let place = quad / self.quads_per_place();
        let y = (place / self.pitch()).checked_sub(self.margin.top as usize)?;
        let x = (place % self.pitch()).checked_sub(self.margin.left as usize)?;
        let inside = y < self.height as usize && x < self.width as usize;
        inside.then(|| (to_u32(y), to_u32(x)))
    }

    /// The neuron of a channel at a place.
    pub(crate) fn index(&self, channel: u32, y: u32, x: u32) -> u32 {
        (channel * self.height + y) * self.width + x
    }
}

impl Layout {
    /// Quads in all.
    pub(crate) fn quads(&self) -> usize {
        match self {
            Self::Flat { size } => (*size as usize).div_ceil(LANES),
            Self::Grid(grid) => grid.rows() * grid.pitch() * grid.quads_per_place(),
        }
    }

    /// Where a neuron's sum lies: its position in lanes.
    pub(crate) fn slot(&self, index: u32) -> u32 {
        match self {
            Self::Flat { .. } => index,
            Self::Grid(grid) => {
                let (place, x) = (index / grid.width, index % grid.width);
                let (channel, y) = (place / grid.height, place % grid.height);
                to_u32(grid.quad_of_place(y, x) * LANES) + channel
            }
        }
    }

    /// The neuron whose sum lies in a slot; `None` in the margin and in padding.
    #[inline]
    pub(crate) fn neuron(&self, slot: u32) -> Option<u32> {
        match self {
            Self::Flat { size } => (slot < *size).then_some(slot),
            Self::Grid(grid) => {
                let (quad, lane) = (slot as usize / LANES, slot as usize % LANES);
                let (y, x) = grid.place_of_quad(quad)?;
                let channel = to_u32(quad % grid.quads_per_place() * LANES + lane);
                (channel < grid.channels).then(|| grid.index(channel, y, x))
            }
        }
    }
}

/// Narrows a size that the plan has bounded.
pub(crate) fn to_u32(value: usize) -> u32 {
    u32::try_from(value).expect("the plan bounds every population to 2^32 lanes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grid_finds_its_places_again() {
        let margin = Margin { top: 2, bottom: 1, left: 3, right: 0 };
        let grid = Grid { channels: 5, height: 4, width: 6, margin };
        let layout = Layout::Grid(grid.clone());
        for index in 0..5 * 4 * 6 {
            let slot = layout.slot(index) as usize;
            let (y, x) = grid.place_of_quad(slot / LANES).expect("inside");
            let first = grid.quad_of_place(y, x) * LANES;
            assert_eq!(grid.index(to_u32(slot - first), y, x), index);
        }
        let inside = (0..layout.quads()).filter(|&quad| grid.place_of_quad(quad).is_some());
        assert_eq!(inside.count(), 4 * 6 * 2);
    }
}
