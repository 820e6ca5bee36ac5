//! Filters at the door. They see events in (time, address, arrival) order and work in µs.
//!
//! A chain maps an address of the port's own shape to one of the filtered shape, or drops it.

use crate::{
    network::{Filter, SensorSize},
    sums::to_u32,
};

/// An event as filters see it.
#[derive(Clone, Copy, Debug)]
struct Seen {
    time_us: u64,
    channel: u32,
    y: u32,
    x: u32,
}

/// [channels, height, width] of what passes a stage.
pub(crate) type Extents = [u32; 3];

/// One stage of a chain, with the extents of what it lets through.
#[derive(Clone, Debug)]
struct Stage {
    filter: Filter,
    out: Extents,
}

/// A port's filters, as the plan holds them.
#[derive(Clone, Debug)]
pub(crate) struct Chain {
    source: Extents,
    stages: Vec<Stage>,
}

/// What a port's filters remember: for each refractory stage, when each address last passed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Memory {
    /// Time of the last accepted event plus one \[µs\]; 0 for none.
    pub(crate) passed: Vec<Vec<u64>>,
}

impl Chain {
    /// Checks filters against what they see; on failure, the position of the filter and why.
    pub(crate) fn new(source: Extents, filters: &[Filter]) -> Result<Self, (usize, String)> {
        let mut stages: Vec<Stage> = Vec::new();
        let mut extents = source;
        for (position, filter) in filters.iter().enumerate() {
            extents = after(extents, filter).map_err(|problem| (position, problem))?;
            stages.push(Stage { filter: filter.clone(), out: extents });
        }
        Ok(Self { source, stages })
    }

    /// Whether every event passes as it is.
    pub(crate) fn is_empty(&self) -> bool {
        self.stages.is_empty()
    }

    /// The extents of what passes the whole chain.
    pub(crate) fn extents(&self) -> Extents {
        self.stages.last().map_or(self.source, |stage| stage.out)
    }

    /// Pixels after the filters.
    pub(crate) fn size(&self) -> SensorSize {
        let [_, height, width] = self.extents();
        SensorSize { width, height }
    }

    /// A memory in which nothing has passed.
    pub(crate) fn memory(&self) -> Memory {
        Memory { passed: self.memory_sizes().map(|size| vec![0; size]).collect() }
    }

    /// Size of [`Self::memory`] \[bytes\].
    pub(crate) fn memory_bytes(&self) -> u64 {
        self.memory_sizes().map(|size| (size * size_of::<u64>()) as u64).sum()
    }

    /// Addresses that each refractory stage remembers.
    fn memory_sizes(&self) -> impl Iterator<Item = usize> {
        let refractory = |stage: &&Stage| matches!(stage.filter, Filter::Refractory { .. });
        let size = |stage: &Stage| stage.out.iter().map(|&extent| extent as usize).product();
        self.stages.iter().filter(refractory).map(size)
    }

    /// The filtered address of an event, or `None` if a filter drops it.
    #[inline]
    pub(crate) fn pass(&self, memory: &mut Memory, time_us: u64, address: u32) -> Option<u32> {
        if self.stages.is_empty() {
            return Some(address);
        }
        let [_, height, width] = self.source;
        let (row, x) = (address / width, address % width);
        let mut seen = Seen { time_us, channel: row / height, y: row % height, x };
        let mut refractory = memory.passed.iter_mut();
        for stage in &self.stages {
            seen = match stage.filter {
                Filter::Crop { x, y, width, height } => crop(seen, [x, y, width, height])?,
                Filter::Downsample { factor } => {
                    Seen { x: seen.x / factor, y: seen.y / factor, ..seen }
                }
                Filter::Flip { horizontal, vertical, polarity } => {
                    flip(seen, stage.out, [polarity, vertical, horizontal])
                }
                Filter::Refractory { period_us } => {
                    let passed = refractory.next().expect("one memory a refractory stage");
                    rest(seen, &mut passed[flat(seen, stage.out) as usize], period_us)?
                }
            };
        }
        Some(flat(seen, self.extents()))
    }
}

fn flat(seen: Seen, [_, height, width]: Extents) -> u32 {
    (seen.channel * height + seen.y) * width + seen.x
}

fn crop(seen: Seen, [x, y, width, height]: [u32; 4]) -> Option<Seen> {
    let (x, y) = (seen.x.checked_sub(x)?, seen.y.checked_sub(y)?);
    (x < width && y < height).then_some(Seen { x, y, ..seen })
}

fn flip(seen: Seen, extents: Extents, mirrored: [bool; 3]) -> Seen {
    let place = |at: u32, axis: usize| if mirrored[axis] { extents[axis] - 1 - at } else { at };
    Seen { channel: place(seen.channel, 0), y: place(seen.y, 1), x: place(seen.x, 2), ..seen }
}

fn rest(seen: Seen, passed: &mut u64, period_us: u64) -> Option<Seen> {
    if *passed > 0 && seen.time_us - (*passed - 1) < period_us {
        return None;
    }
    *passed = seen.time_us.saturating_add(1);
    Some(seen)
}

/// What a filter makes of extents.
fn after([channels, height, width]: Extents, filter: &Filter) -> Result<Extents, String> {
    match *filter {
        Filter::Crop { x, y, width: columns, height: rows } => {
            let fits = |first: u32, count: u32, extent: u32| {
                count > 0 && first.checked_add(count).is_some_and(|end| end <= extent)
            };
            if fits(x, columns, width) && fits(y, rows, height) {
                return Ok([channels, rows, columns]);
            }
            Err(format!(
                "crop of {columns}x{rows} at ({x}, {y}) does not lie within {width}x{height}"
            ))
        }
        Filter::Downsample { factor: 0 } => Err("a factor of 0; at least 1 is needed".into()),
        Filter::Downsample { factor } => {
            Ok([channels, height.div_ceil(factor), width.div_ceil(factor)])
        }
        Filter::Flip { polarity: true, .. } if channels != 2 => {
            Err(format!("flips polarity, but there are {channels} channels"))
        }
        Filter::Flip { .. } | Filter::Refractory { .. } => Ok([channels, height, width]),
    }
}

/// The number of addresses of extents; `None` beyond 32 bits.
pub(crate) fn addresses(shape: &[u32]) -> Option<u32> {
    shape.iter().try_fold(1_u32, |size, &extent| size.checked_mul(extent))
}

/// Any row-major shape as [channels, height, width]: the last two extents are places.
pub(crate) fn extents_of(shape: &[u32]) -> Extents {
    match *shape {
        [] => [1, 1, 1],
        [width] => [1, 1, width],
        [height, width] => [1, height, width],
        [ref channels @ .., height, width] => {
            [to_u32(channels.iter().map(|&extent| extent as usize).product()), height, width]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(extents: Extents, channel: u32, y: u32, x: u32) -> u32 {
        flat(Seen { time_us: 0, channel, y, x }, extents)
    }

    #[test]
    fn crops_halves_and_mirrors_in_the_order_given() {
        let camera = [2, 6, 8];
        let filters = [
            Filter::Crop { x: 2, y: 1, width: 5, height: 4 },
            Filter::Downsample { factor: 2 },
            Filter::Flip { horizontal: true, vertical: false, polarity: true },
        ];
        let chain = Chain::new(camera, &filters).expect("fits");
        assert_eq!(chain.extents(), [2, 2, 3]);
        let mut memory = chain.memory();
        let mut pass = |channel, y, x| chain.pass(&mut memory, 0, address(camera, channel, y, x));
        assert_eq!(pass(0, 1, 2), Some(address([2, 2, 3], 1, 0, 2)));
        assert_eq!(pass(1, 4, 6), Some(address([2, 2, 3], 0, 1, 0)));
        assert_eq!([pass(0, 0, 2), pass(0, 5, 2), pass(0, 1, 1), pass(0, 1, 7)], [None; 4]);
    }

    #[test]
    fn an_address_rests_for_its_period_and_no_longer() {
        let chain = Chain::new([2, 1, 2], &[Filter::Refractory { period_us: 10 }]).expect("fits");
        let mut memory = chain.memory();
        let times = [0, 9, 10, 15, 20, 31];
        let passed = times.map(|time_us| chain.pass(&mut memory, time_us, 1).is_some());
        assert_eq!(passed, [true, false, true, false, true, true]);
        assert_eq!(chain.pass(&mut memory, 31, 3), Some(3), "each address rests alone");
    }

    #[test]
    fn refuses_what_does_not_fit_and_says_where() {
        let crop = Filter::Crop { x: 5, y: 0, width: 4, height: 2 };
        let refused = Chain::new([2, 6, 8], &[Filter::Downsample { factor: 1 }, crop]);
        assert_eq!(
            refused.expect_err("too wide"),
            (1, "crop of 4x2 at (5, 0) does not lie within 8x6".into())
        );
    }
}
