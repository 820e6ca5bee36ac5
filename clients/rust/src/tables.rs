//! What a session's opening returns: its ports, who has which address, how long a tick is.

use crate::v1;

/// An open session's ports and clock.
#[derive(Clone, Debug)]
pub struct Tables {
    /// The session's id.
    pub session_id: String,
    /// Proves to a later stream that it continues this session.
    pub resume_token: bytes::Bytes,
    /// The network.
    pub network: String,
    /// Its version.
    pub network_version: String,
    /// SHA-256 of its plan.
    pub plan_sha256: Vec<u8>,
    /// Length of a tick \[ns\].
    pub tick_ns: u64,
    /// Input ports, by index.
    pub inputs: Vec<InputPort>,
    /// Output ports, by index.
    pub outputs: Vec<OutputPort>,
    /// The next output position at opening.
    pub output_position: u64,
    /// Version of the equations' arithmetic; equal versions give equal bits.
    pub dynamics_version: u32,
    /// The session was there before.
    pub rejoined: bool,
}

/// Where events go in.
#[derive(Clone, Debug, PartialEq)]
pub struct InputPort {
    /// Its name.
    pub name: String,
    /// The shape that addresses index, before the filters.
    pub shape: Vec<u32>,
    /// The shape that the network sees, after the filters.
    pub filtered_shape: Vec<u32>,
    /// For a port of frames: its whiskers and what their spikes stand for.
    pub frames: Option<v1::FrameTable>,
}

impl InputPort {
    /// Which whisker a spike of the encoder is from, and what kind of spike it is, from its place in
    /// the filtered shape; so also for a population of that shape behind the port. `None` where there
    /// is no whisker.
    #[must_use]
    pub fn whisker(&self, place: &[u32]) -> Option<(&str, &str)> {
        let frames = self.frames.as_ref()?;
        let (&[channel, row, column], kinds) = (place, u32::try_from(frames.kinds.len()).ok()?)
        else {
            return None;
        };
        let (side, kind) = (channel.checked_div(kinds)?, channel.checked_rem(kinds)?);
        let at = |whisker: &&v1::Whisker| {
            (whisker.side, whisker.row, whisker.column) == (side, row, column)
        };
        let whisker = frames.whiskers.iter().find(at)?;
        Some((&whisker.name, frames.kinds.get(kind as usize)?))
    }
}

/// Where spikes or decisions come out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutputPort {
    /// Its name.
    pub name: String,
    /// For spikes: which population has which addresses, in address order.
    pub ranges: Vec<v1::AddressRange>,
    /// For decisions: the name of each class.
    pub labels: Vec<String>,
}

/// Which neuron an address is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place<'a> {
    /// Its population.
    pub population: &'a str,
    /// Its coordinates there, for example \[channel, y, x\].
    pub coordinates: Vec<u32>,
}

impl Tables {
    pub(crate) fn new(opened: v1::Opened) -> Self {
        let input = |table: v1::InputTable| InputPort {
            name: table.name,
            shape: table.shape,
            filtered_shape: table.filtered_shape,
            frames: table.frames,
        };
        let output = |table: v1::OutputTable| OutputPort {
            name: table.name,
            ranges: table.ranges,
            labels: table.labels,
        };
        Self {
            session_id: opened.session_id,
            resume_token: opened.resume_token,
            network: opened.network,
            network_version: opened.network_version,
            plan_sha256: opened.plan_sha256.into(),
            tick_ns: opened.tick_ns,
            inputs: opened.inputs.into_iter().map(input).collect(),
            outputs: opened.outputs.into_iter().map(output).collect(),
            output_position: opened.output_position,
            dynamics_version: opened.dynamics_version,
            rejoined: opened.rejoined,
        }
    }

    /// The index of an input port.
    #[must_use]
    pub fn input(&self, name: &str) -> Option<u32> {
        let index = self.inputs.iter().position(|port| port.name == name)?;
        u32::try_from(index).ok()
    }

    /// Which neuron an address of an output port is.
    #[must_use]
    pub fn place(&self, port: u32, address: u32) -> Option<Place<'_>> {
        let ranges = &self.outputs.get(usize::try_from(port).ok()?)?.ranges;
        let behind = ranges.partition_point(|range| range.first_address <= address);
        let range = &ranges[behind.checked_sub(1)?];
        let coordinates = coordinates(address - range.first_address, &range.shape)?;
        Some(Place { population: &range.population, coordinates })
    }

    /// The name of a class of an output port that decides.
    #[must_use]
    pub fn label(&self, port: u32, class: u32) -> Option<&str> {
        let labels = &self.outputs.get(usize::try_from(port).ok()?)?.labels;
        labels.get(usize::try_from(class).ok()?).map(String::as_str)
    }

    pub(crate) fn clock(&self) -> Clock {
        Clock { tick_ns: self.tick_ns }
    }
}

/// Takes a row-major index apart; `None` beyond the shape.
fn coordinates(index: u32, shape: &[u32]) -> Option<Vec<u32>> {
    let mut rest = index;
    let mut coordinates = vec![0; shape.len()];
    for (coordinate, &extent) in coordinates.iter_mut().zip(shape).rev() {
        *coordinate = rest.checked_rem(extent)?;
        rest /= extent;
    }
    (rest == 0).then_some(coordinates)
}

/// How ticks lie on the sender's clock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    pub(crate) tick_ns: u64,
}

impl Clock {
    /// Ticks since the origin, as time on the sender's clock since the origin \[µs\], rounded down.
    pub(crate) fn elapsed_us(self, tick: u64) -> u64 {
        let elapsed_us = u128::from(tick) * u128::from(self.tick_ns) / 1_000;
        u64::try_from(elapsed_us).unwrap_or(u64::MAX)
    }

    /// Whether every tick that a promise closes is simulated. The acknowledgement gives one moment
    /// in both units, and with it the origin.
    pub(crate) fn has_closed(self, position: &v1::Acknowledgement, promise_us: u64) -> bool {
        let elapsed_us = self.elapsed_us(position.simulated_to_tick);
        let Some(origin_us) = position.simulated_to_us.checked_sub(elapsed_us) else {
            return false;
        };
        let promised_ns = u128::from(promise_us.saturating_sub(origin_us)) * 1_000;
        promised_ns / u128::from(self.tick_ns.max(1)) <= u128::from(position.simulated_to_tick)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tables() -> Tables {
        let range = |population: &str, first_address, shape: &[u32]| v1::AddressRange {
            population: population.into(),
            first_address,
            shape: shape.to_vec(),
        };
        Tables::new(v1::Opened {
            outputs: vec![
                v1::OutputTable {
                    name: "spikes".into(),
                    ranges: vec![range("a", 0, &[2, 3]), range("b", 6, &[2, 2, 2])],
                    labels: vec![],
                },
                v1::OutputTable { labels: vec!["E".into()], ..v1::OutputTable::default() },
            ],
            inputs: vec![v1::InputTable { name: "camera".into(), ..v1::InputTable::default() }],
            ..v1::Opened::default()
        })
    }

    #[test]
    fn an_address_is_a_place_in_a_population() {
        let tables = tables();
        let place = |address| tables.place(0, address);
        let at = |population, coordinates: &[u32]| {
            Some(Place { population, coordinates: coordinates.to_vec() })
        };
        assert_eq!(place(0), at("a", &[0, 0]));
        assert_eq!(place(5), at("a", &[1, 2]));
        assert_eq!(place(6), at("b", &[0, 0, 0]));
        assert_eq!(place(13), at("b", &[1, 1, 1]));
        assert_eq!(place(14), None);
        assert_eq!(tables.place(1, 0), None);
        assert_eq!(tables.place(9, 0), None);
    }

    #[test]
    fn ports_and_classes_have_names() {
        assert_eq!(tables().input("camera"), Some(0));
        assert_eq!(tables().input("ear"), None);
        assert_eq!(tables().label(1, 0), Some("E"));
        assert_eq!(tables().label(1, 1), None);
    }

    #[test]
    fn a_promise_closes_the_ticks_that_end_before_it() {
        let position = |simulated_to_us, simulated_to_tick| v1::Acknowledgement {
            simulated_to_us,
            simulated_to_tick,
            ..v1::Acknowledgement::default()
        };
        let millisecond = Clock { tick_ns: 1_000_000 };
        // Tick 3 starts at 3 507 µs for an origin of 507 µs.
        assert!(millisecond.has_closed(&position(3_507, 3), 4_506));
        assert!(!millisecond.has_closed(&position(3_507, 3), 4_507));
        // Ticks of 300 ns: 10 of them end at 3 µs, and a promise of 3 µs closes just these.
        let short = Clock { tick_ns: 300 };
        assert!(short.has_closed(&position(3, 10), 3));
        assert!(!short.has_closed(&position(2, 9), 3));
    }
}
