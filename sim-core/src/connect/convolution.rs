//! Convolution with delays: pruned tap lists, shared by all places, never materialised.
//!
//! `B(c, t, y, x) = sum over p, d, dy, dx of K(c, p, d, dy, dx) A(p, t - d, y - dy, x - dx)`
//! (Grimaldi and Perrinet 2023). An event visits the delays one by one and, at each, adds the taps
//! of that delay around its place. All that is due in a tick lands in one plane of sums, which
//! stays in the cache; no plane a delay is kept.
//!
//! A tap is four channels wide: the quad's offset from the event's own base, and four weights.
//! What lands outside the population lands in its margin, and is not counted as a delivery.

use std::ops::Range;

use super::{Emission, taps::Tap};
use crate::{
    network::description::{self, Border},
    sums::{Grid, LANES, Margin, Plane, Touched, to_u32},
};

/// An event's place, worked out once for all delays.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    /// The quad from which tap offsets count; meaningless where a torus wraps.
    base: u32,
    /// Source place ÷ stride.
    y: u16,
    x: u16,
    /// In channel and phase: which tap lists apply.
    list: u16,
    /// Every tap lands inside the population.
    interior: bool,
    multiplicity: u32,
}

/// The smallest rectangle that holds all taps, relative to the event.
#[derive(Clone, Copy, Debug)]
struct Reach {
    dy_min: i32,
    dy_max: i32,
    dx_min: i32,
    dx_max: i32,
}

#[derive(Clone, Debug)]
pub(crate) struct Convolution {
    source: [u32; 3],
    stride: u32,
    wraps: bool,
    grid: Grid,
    reach: Reach,
    delays_ticks: Vec<u32>,
    /// Tap lists a delay: in channels × phases.
    lists: usize,
    /// Quads of list (delay, list): `starts[delay * lists + list]..` the next.
    starts: Vec<u32>,
    offsets: Vec<u32>,
    weights: Vec<[i32; LANES]>,
    /// A list's taps with dy and dx below a place, for counting what lands inside: one table of
    /// (reach rows + 1) × (reach columns + 1) a list.
    below: Vec<u32>,
    taps_max: Vec<u64>,
    synapses: u64,
}

/// What the plan knows before a convolution is compiled.
pub(crate) struct Target<'a> {
    pub(crate) grid: &'a Grid,
    /// Axonal and dendritic delay \[ticks\].
    pub(crate) delay_ticks: u32,
    pub(crate) quantum: f64,
}

impl Reach {
    fn of(taps: &[Tap]) -> Self {
        let start = Self { dy_min: 0, dy_max: 0, dx_min: 0, dx_max: 0 };
        taps.iter().fold(start, |reach, tap| Self {
            dy_min: reach.dy_min.min(tap.dy),
            dy_max: reach.dy_max.max(tap.dy),
            dx_min: reach.dx_min.min(tap.dx),
            dx_max: reach.dx_max.max(tap.dx),
        })
    }

    fn rows(&self) -> usize {
        self.dy_min.abs_diff(self.dy_max) as usize + 1
    }

    fn columns(&self) -> usize {
        self.dx_min.abs_diff(self.dx_max) as usize + 1
    }
}

/// The margin that taps need around a target.
pub(crate) fn margin(
    kernel: &description::Convolution,
    taps: &[Tap],
    source: [u32; 2],
    target: [u32; 2],
) -> Margin {
    let reach = Reach::of(taps);
    if kernel.border == Border::Wrap {
        // Nothing lands there, but a tap's offset must tell its row from its column even where a
        // kernel goes round a small torus more than once.
        let right = to_u32(reach.columns()).saturating_sub(target[1]);
        return Margin { right, ..Margin::default() };
    }
    let last = |axis: usize| (source[axis] - 1) / kernel.stride;
    let beyond = |axis: usize, furthest: i32| {
        u32::try_from(i64::from(last(axis)) + i64::from(furthest) + 1 - i64::from(target[axis]))
            .unwrap_or(0)
    };
    Margin {
        top: reach.dy_min.unsigned_abs(),
        bottom: beyond(0, reach.dy_max),
        left: reach.dx_min.unsigned_abs(),
        right: beyond(1, reach.dx_max),
    }
}

impl Convolution {
    pub(crate) fn new(
        kernel: &description::Convolution,
        taps: Vec<Tap>,
        source: [u32; 3],
        target: &Target<'_>,
    ) -> Self {
        let lists = (source[0] * kernel.stride * kernel.stride) as usize;
        let reach = Reach::of(&taps);
        let delay = |index: u32| target.delay_ticks + index * kernel.delay_step_ticks;
        let mut compiled = Self {
            source,
            stride: kernel.stride,
            wraps: kernel.border == Border::Wrap,
            grid: target.grid.clone(),
            reach,
            delays_ticks: Vec::new(),
            lists,
            starts: vec![0],
            offsets: Vec::new(),
            weights: Vec::new(),
            below: Vec::new(),
            taps_max: Vec::new(),
            synapses: 0,
        };
        let mut taps: Vec<(Tap, i32)> = taps
            .into_iter()
            .map(|tap| (tap, quanta(tap.weight, target.quantum)))
            .filter(|(_, weight)| *weight != 0)
            .collect();
        taps.sort_unstable_by_key(|(tap, _)| {
            let list = (tap.in_channel, tap.phase);
            (tap.delay_index, list, tap.dy, tap.dx, tap.out_channel)
        });
        for group in taps.chunk_by(|a, b| a.0.delay_index == b.0.delay_index) {
            compiled.delays_ticks.push(delay(group[0].0.delay_index));
            compiled.push_delay(group);
        }
        compiled
    }

    /// Appends the lists of one delay.
    fn push_delay(&mut self, mut taps: &[(Tap, i32)]) {
        let phases = self.stride * self.stride;
        let mut taps_max = 0;
        for list in 0..to_u32(self.lists) {
            let own = |(tap, _): &(Tap, i32)| tap.in_channel * phases + tap.phase == list;
            let (mine, rest) = taps.split_at(taps.partition_point(own));
            taps = rest;
            self.push_list(mine);
            taps_max = taps_max.max(mine.len() as u64);
            self.synapses += mine.iter().map(|(tap, _)| self.places_hit(tap)).sum::<u64>();
        }
        self.taps_max.push(taps_max);
    }

    fn push_list(&mut self, taps: &[(Tap, i32)]) {
        let per_place = self.grid.quads_per_place();
        for (tap, weight) in taps {
            let row = tap.dy.abs_diff(self.reach.dy_min) as usize;
            let column = tap.dx.abs_diff(self.reach.dx_min) as usize;
            let (quad, lane) = (tap.out_channel as usize / LANES, tap.out_channel as usize % LANES);
            let offset = to_u32((row * self.grid.pitch() + column) * per_place + quad);
            let begun = *self.starts.last().expect("begins with one") as usize;
            if self.offsets.len() == begun || self.offsets.last() != Some(&offset) {
                self.offsets.push(offset);
                self.weights.push([0; LANES]);
            }
            let weights = self.weights.last_mut().expect("pushed just above");
            weights[lane] += weight;
        }
        self.starts.push(to_u32(self.offsets.len()));
        self.push_below(taps);
    }

    fn push_below(&mut self, taps: &[(Tap, i32)]) {
        let (rows, columns) = (self.reach.rows(), self.reach.columns());
        let pitch = columns + 1;
        let first = self.below.len();
        self.below.resize(first + (rows + 1) * pitch, 0);
        let below = &mut self.below[first..];
        for (tap, _) in taps {
            let row = tap.dy.abs_diff(self.reach.dy_min) as usize;
            let column = tap.dx.abs_diff(self.reach.dx_min) as usize;
            below[(row + 1) * pitch + column + 1] += 1;
        }
        for row in 1..=rows {
            for column in 1..=columns {
                let at = row * pitch + column;
                below[at] += below[at - 1] + below[at - pitch];
                below[at] -= below[at - pitch - 1];
            }
        }
    }

    /// The number of source places from which a tap lands inside the population.
    fn places_hit(&self, tap: &Tap) -> u64 {
        let axis = |axis: usize, phase: u32, shift: i32, target: u32| {
            let places = (self.source[axis] + self.stride - 1 - phase) / self.stride;
            if self.wraps {
                return u64::from(places);
            }
            let first = i64::from(-shift).max(0);
            let last = i64::from(places).min(i64::from(target) - i64::from(shift));
            u64::try_from(last - first).unwrap_or(0)
        };
        let (phase_y, phase_x) = (tap.phase / self.stride, tap.phase % self.stride);
        axis(1, phase_y, tap.dy, self.grid.height) * axis(2, phase_x, tap.dx, self.grid.width)
    }

    pub(crate) fn delays_ticks(&self) -> &[u32] {
        &self.delays_ticks
    }

    pub(crate) fn synapses(&self) -> u64 {
        self.synapses
    }

    pub(crate) fn taps_max(&self, step: usize) -> u64 {
        self.taps_max[step]
    }

    pub(crate) fn bytes(&self) -> u64 {
        (size_of_val(self.offsets.as_slice())
            + size_of_val(self.weights.as_slice())
            + size_of_val(self.below.as_slice())
            + size_of_val(self.starts.as_slice())) as u64
    }

    /// Works out where an event lies.
    pub(crate) fn place(&self, emission: Emission) -> Place {
        let [_, height, width] = self.source;
        let (row, x) = (emission.index / width, emission.index % width);
        let (channel, y) = (row / height, row % height);
        let phase = y % self.stride * self.stride + x % self.stride;
        let (y, x) = (y / self.stride, x / self.stride);
        let first = |at: u32, margin: u32, shift: i32| i64::from(at + margin) + i64::from(shift);
        let row = first(y, self.grid.margin.top, self.reach.dy_min);
        let column = first(x, self.grid.margin.left, self.reach.dx_min);
        let base = (row * self.grid.pitch() as i64 + column) * self.grid.quads_per_place() as i64;
        let fits = |at: u32, low: i32, high: i32, extent: u32| {
            i64::from(at) + i64::from(low) >= 0
                && i64::from(at) + i64::from(high) < i64::from(extent)
        };
        Place {
            base: u32::try_from(base).unwrap_or(0),
            y: narrow(y),
            x: narrow(x),
            list: narrow(channel * self.stride * self.stride + phase),
            interior: fits(y, self.reach.dy_min, self.reach.dy_max, self.grid.height)
                && fits(x, self.reach.dx_min, self.reach.dx_max, self.grid.width),
            multiplicity: emission.multiplicity,
        }
    }

    /// Adds the taps of one delay around each place; returns the deliveries made.
    pub(crate) fn deliver(&self, step: usize, places: &[Place], sums: Plane<'_>) -> u64 {
        match sums {
            Plane::Narrow(quads) => self.deliver_into(step, places, quads),
            Plane::Wide(quads) => self.deliver_into(step, places, quads),
        }
    }

    fn deliver_into<S: Sum>(&self, step: usize, places: &[Place], sums: &mut [[S; LANES]]) -> u64 {
        let mut delivered = 0;
        for place in places {
            let list = self.list(step, place);
            delivered += self.count(step, place);
            if self.wraps && !place.interior {
                self.deliver_wrapped(list, place, sums);
                continue;
            }
            let window = &mut sums[place.base as usize..];
            let (offsets, weights) = (&self.offsets[list.clone()], &self.weights[list]);
            if place.multiplicity == 1 {
                for (&offset, weights) in offsets.iter().zip(weights) {
                    S::add(&mut window[offset as usize], weights);
                }
            } else {
                for (&offset, weights) in offsets.iter().zip(weights) {
                    S::add_times(&mut window[offset as usize], weights, place.multiplicity);
                }
            }
        }
        delivered
    }

    fn deliver_wrapped<S: Sum>(&self, list: Range<usize>, place: &Place, sums: &mut [[S; LANES]]) {
        for at in list {
            let quad = self.wrapped(place, self.offsets[at]);
            S::add_times(&mut sums[quad], &self.weights[at], place.multiplicity);
        }
    }

    /// Where a tap lands on a torus.
    fn wrapped(&self, place: &Place, offset: u32) -> usize {
        let per_place = self.grid.quads_per_place();
        let (cell, quad) = (offset as usize / per_place, offset as usize % per_place);
        let around = |at: u16, cell: usize, shift: i32, extent: u32| {
            let at = i64::from(at) + cell as i64 + i64::from(shift);
            u32::try_from(at.rem_euclid(i64::from(extent))).expect("below a u32 extent")
        };
        let pitch = self.grid.pitch();
        let y = around(place.y, cell / pitch, self.reach.dy_min, self.grid.height);
        let x = around(place.x, cell % pitch, self.reach.dx_min, self.grid.width);
        self.grid.quad_of_place(y, x) + quad
    }

    /// Names what [`Self::deliver`] of the same step touches.
    pub(crate) fn touch(&self, step: usize, places: &[Place], touched: &mut Touched) {
        for place in places {
            let list = self.list(step, place);
            if self.wraps && !place.interior {
                for at in list {
                    touched.quad(to_u32(self.wrapped(place, self.offsets[at])));
                }
            } else {
                for &offset in &self.offsets[list] {
                    touched.quad(place.base + offset);
                }
            }
        }
    }

    fn list(&self, step: usize, place: &Place) -> Range<usize> {
        let list = step * self.lists + usize::from(place.list);
        self.starts[list] as usize..self.starts[list + 1] as usize
    }

    /// The taps of a list that land inside the population.
    fn count(&self, step: usize, place: &Place) -> u64 {
        let (rows, columns) = (self.reach.rows(), self.reach.columns());
        let size = (rows + 1) * (columns + 1);
        let list = step * self.lists + usize::from(place.list);
        let below = &self.below[list * size..(list + 1) * size];
        if place.interior || self.wraps {
            return u64::from(below[size - 1]);
        }
        let clip =
            |at: i64, extent: usize| usize::try_from(at.max(0)).unwrap_or(extent).min(extent);
        let range = |at: u16, low: i32, target: u32, extent: usize| {
            let first = -i64::from(at) - i64::from(low);
            (clip(first, extent), clip(first + i64::from(target), extent))
        };
        let (top, bottom) = range(place.y, self.reach.dy_min, self.grid.height, rows);
        let (left, right) = range(place.x, self.reach.dx_min, self.grid.width, columns);
        let corner = |row: usize, column: usize| u64::from(below[row * (columns + 1) + column]);
        corner(bottom, right) + corner(top, left) - corner(bottom, left) - corner(top, right)
    }
}

/// A weight in its target's quanta, rounded once.
#[expect(clippy::cast_possible_truncation, reason = "the quantum is chosen so that it fits")]
pub(crate) fn quanta(weight: f64, quantum: f64) -> i32 {
    (weight / quantum).round_ties_even() as i32
}

fn narrow(value: u32) -> u16 {
    u16::try_from(value).expect("validation bounds sources to 65 536 rows, columns and lists")
}

/// A sum's type. Additions wrap silently, because the plan has proved that they never do.
trait Sum: Sized {
    fn add(sums: &mut [Self; LANES], weights: &[i32; LANES]);
    fn add_times(sums: &mut [Self; LANES], weights: &[i32; LANES], times: u32);
}

impl Sum for i32 {
    #[inline]
    fn add(sums: &mut [Self; LANES], weights: &[i32; LANES]) {
        for (sum, weight) in sums.iter_mut().zip(weights) {
            *sum = sum.wrapping_add(*weight);
        }
    }

    #[inline]
    fn add_times(sums: &mut [Self; LANES], weights: &[i32; LANES], times: u32) {
        for (sum, weight) in sums.iter_mut().zip(weights) {
            *sum = sum.wrapping_add(weight.wrapping_mul(times.cast_signed()));
        }
    }
}

impl Sum for i64 {
    #[inline]
    fn add(sums: &mut [Self; LANES], weights: &[i32; LANES]) {
        for (sum, weight) in sums.iter_mut().zip(weights) {
            *sum = sum.wrapping_add(Self::from(*weight));
        }
    }

    #[inline]
    fn add_times(sums: &mut [Self; LANES], weights: &[i32; LANES], times: u32) {
        for (sum, weight) in sums.iter_mut().zip(weights) {
            *sum = sum.wrapping_add(Self::from(*weight).wrapping_mul(Self::from(times)));
        }
    }
}
