//! Spikes of one output port, read out of the packed payload that carried them.

use bytes::Bytes;
use spiked_proto::layout::address::{self, AddressEvent, CountedAddressEvent};

use crate::{Error, Layout, tables::Clock, v1};

/// A neuron fired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spike {
    /// Start of its tick [µs, sender's clock, rounded down].
    pub time_us: u64,
    /// Its tick, counted from the session's origin.
    pub tick: u64,
    /// Index of the output port.
    pub port: u32,
    /// Which neuron, in the port's own address space; see [`Tables::place`](crate::Tables::place).
    pub address: u32,
    /// Threshold crossings within the tick; at least 1.
    pub multiplicity: u32,
}

/// Spikes of one output port, in order.
#[derive(Clone, Debug)]
pub struct Spikes {
    port: u32,
    first_position: u64,
    base_tick: u64,
    origin_us: u64,
    clock: Clock,
    unit: Unit,
    counted: bool,
    count: u32,
    payload: Bytes,
}

/// What the offsets of a payload count.
#[derive(Clone, Copy, Debug)]
enum Unit {
    Microseconds,
    Ticks,
}

impl Spikes {
    pub(crate) fn new(batch: v1::SpikeBatch, clock: Clock) -> Result<Self, Error> {
        let layout = batch.layout();
        let (unit, counted) = match layout {
            Layout::Address => (Unit::Microseconds, false),
            Layout::CountedAddress => (Unit::Microseconds, true),
            Layout::AddressTicks => (Unit::Ticks, false),
            Layout::CountedAddressTicks => (Unit::Ticks, true),
            _ => return Err(Error::Contract(format!("spikes in {layout:?}"))),
        };
        let broken = |error| Error::Contract(format!("a batch of spikes: {error}"));
        let count = u64::from(batch.count);
        if counted {
            let mut spikes = address::decode_counted(&batch.payload, 0, count).map_err(broken)?;
            spikes.try_for_each(|spike| spike.map(drop)).map_err(broken)?;
        } else {
            address::decode(&batch.payload, 0, count).map(drop).map_err(broken)?;
        }
        // One moment in both units gives the origin, to which all other times are exact.
        let elapsed_us = clock.elapsed_us(batch.base_tick);
        let origin_us = batch.base_time_us.checked_sub(elapsed_us).ok_or_else(|| {
            Error::Contract(format!("tick {} at {} µs", batch.base_tick, batch.base_time_us))
        })?;
        Ok(Self {
            port: batch.port,
            first_position: batch.first_position,
            base_tick: batch.base_tick,
            origin_us,
            clock,
            unit,
            counted,
            count: batch.count,
            payload: batch.payload,
        })
    }

    /// Index of the output port.
    #[must_use]
    pub fn port(&self) -> u32 {
        self.port
    }

    /// Output position of the first spike; the others follow without a gap.
    #[must_use]
    pub fn first_position(&self) -> u64 {
        self.first_position
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.count as usize
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The spikes, in order.
    pub fn iter(&self) -> impl Iterator<Item = Spike> + '_ {
        let count = u64::from(self.count);
        // One of the two is empty; both were seen to decode when the batch came.
        let counted = self.counted.then(|| address::decode_counted(&self.payload, 0, count));
        let plain = (!self.counted).then(|| address::decode(&self.payload, 0, count));
        let counted = counted.into_iter().flatten().flatten().flatten();
        let plain = plain.into_iter().flatten().flatten();
        counted
            .map(|CountedAddressEvent { time, index, multiplicity }| {
                self.spike(time, index, multiplicity.into())
            })
            .chain(plain.map(|AddressEvent { time, index }| self.spike(time, index, 1)))
    }

    fn spike(&self, offset: u64, address: u32, multiplicity: u32) -> Spike {
        let offset_ticks = match self.unit {
            Unit::Microseconds => offset.saturating_mul(1_000) / self.clock.tick_ns.max(1),
            Unit::Ticks => offset,
        };
        let tick = self.base_tick.saturating_add(offset_ticks);
        let time_us = self.origin_us.saturating_add(self.clock.elapsed_us(tick));
        Spike { time_us, tick, port: self.port, address, multiplicity }
    }
}

#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod tests {
    use super::*;

    fn batch(layout: Layout, events: &[CountedAddressEvent]) -> v1::SpikeBatch {
        let mut payload = Vec::new();
        if matches!(layout, Layout::CountedAddress | Layout::CountedAddressTicks) {
            address::encode_counted(events, 0, &mut payload).unwrap();
        } else {
            let plain =
                |event: &CountedAddressEvent| AddressEvent { time: event.time, index: event.index };
            let plain: Vec<_> = events.iter().map(plain).collect();
            address::encode(&plain, 0, &mut payload).unwrap();
        }
        v1::SpikeBatch {
            port: 2,
            base_time_us: 507,
            base_tick: 5,
            layout: layout.into(),
            count: u32::try_from(events.len()).unwrap(),
            payload: payload.into(),
            ..v1::SpikeBatch::default()
        }
    }

    fn event(time: u64, multiplicity: u8) -> CountedAddressEvent {
        CountedAddressEvent { time, index: 9, multiplicity }
    }

    fn read(layout: Layout, tick_ns: u64, events: &[CountedAddressEvent]) -> Vec<Spike> {
        Spikes::new(batch(layout, events), Clock { tick_ns }).unwrap().iter().collect()
    }

    #[test]
    fn offsets_in_microseconds_become_ticks() {
        let spikes = read(Layout::CountedAddress, 100_000, &[event(0, 1), event(200, 3)]);
        let expected = Spike { time_us: 707, tick: 7, port: 2, address: 9, multiplicity: 3 };
        assert_eq!(spikes[1], expected);
        assert_eq!(spikes[0], Spike { time_us: 507, tick: 5, multiplicity: 1, ..expected });
        assert_eq!(read(Layout::Address, 100_000, &[event(200, 3)])[0].multiplicity, 1);
    }

    /// Ticks of 300 ns from an origin of 506 µs: tick 5 starts at 507.5, tick 7 at 508.1 µs.
    /// Catches times made from the rounded base time.
    #[test]
    fn offsets_in_ticks_become_times_rounded_once() {
        for layout in [Layout::AddressTicks, Layout::CountedAddressTicks] {
            let spikes = read(layout, 300, &[event(0, 1), event(2, 1)]);
            let times: Vec<_> = spikes.iter().map(|spike| (spike.time_us, spike.tick)).collect();
            assert_eq!(times, [(507, 5), (508, 7)], "{layout:?}");
        }
    }

    #[test]
    fn refuses_what_is_no_batch_of_spikes() {
        let clock = Clock { tick_ns: 100_000 };
        let good = batch(Layout::Address, &[event(0, 1)]);
        let broken = [
            v1::SpikeBatch { count: 2, ..good.clone() },
            v1::SpikeBatch { layout: Layout::Camera.into(), ..good.clone() },
            v1::SpikeBatch { layout: Layout::CountedAddress.into(), ..good.clone() },
            v1::SpikeBatch { base_time_us: 499, ..good },
        ];
        for batch in broken {
            let error = Spikes::new(batch, clock).unwrap_err();
            assert!(matches!(error, Error::Contract(_)), "{error}");
        }
    }
}
