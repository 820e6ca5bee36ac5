//! From the core's output to what crosses the wire: numbered batches of spikes, and decisions.
//!
//! Runs of spikes of one port become one batch, times as offsets from its first spike: in µs where
//! a tick is a whole number of µs, else in ticks. Invariant: how many positions a spike takes
//! depends on the spike alone, never on the batch that it falls into, so positions don't depend on
//! how the simulation was cut into turns.

use std::sync::Arc;

use bytes::Bytes;
use sim_core::{Decision, Output, Spike, Tick, TickLength};
use spiked_proto::{
    layout::EVENT_BYTES,
    v1::{self, Layout, stream_response::Message},
};

/// Keeps a payload at half of the 256 KiB that a batch may have.
const SPIKES_MAX: usize = 16_384;
const COUNTED_MULTIPLICITY_MAX: u32 = u8::MAX as u32;
const COUNTED_ADDRESS_MAX: u32 = (1 << 24) - 1;

/// One message to the reader.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    /// Shared with the watchers.
    pub(crate) message: Arc<Message>,
    /// Every tick below it is closed, and its output is this item or before it.
    pub(crate) closed: Tick,
}

impl Item {
    /// What it takes in the outbox \[bytes\], about.
    pub(crate) fn bytes(&self) -> usize {
        match self.message.as_ref() {
            Message::Spikes(batch) => size_of::<Message>() + batch.payload.len(),
            _ => size_of::<Message>(),
        }
    }
}

/// Numbers and encodes the output of one session.
#[derive(Debug)]
pub(crate) struct Encoder {
    tick: TickLength,
    /// The next output position.
    position: u64,
    batch: Option<Batch>,
}

/// A batch of spikes in the making.
#[derive(Debug)]
struct Batch {
    port: u32,
    base: Tick,
    first_position: u64,
    /// Some spike has a multiplicity above one.
    counted: bool,
    /// Some address does not fit a counted spike.
    wide: bool,
    /// (offset, address, multiplicity), one a position.
    spikes: Vec<(u32, u32, u32)>,
}

impl Encoder {
    /// An encoder whose next output has this position.
    pub(crate) const fn new(tick: TickLength, position: u64) -> Self {
        Self { tick, position, batch: None }
    }

    /// The next output position.
    pub(crate) const fn position(&self) -> u64 {
        self.position
    }

    /// Encodes a run of output, in order, and hands each message on.
    pub(crate) fn encode(
        &mut self,
        outputs: impl Iterator<Item = Output>,
        origin_us: u64,
        mut hand_on: impl FnMut(Message),
    ) {
        for output in outputs {
            match output {
                Output::Spike(spike) => {
                    if let Some(full) = self.add(&spike, origin_us) {
                        hand_on(full);
                    }
                }
                Output::Decision(decision) => {
                    if let Some(batch) = self.batch.take() {
                        hand_on(batch.finish(self.tick, origin_us));
                    }
                    hand_on(Message::Decision(self.decision(&decision, origin_us)));
                }
            }
        }
        if let Some(batch) = self.batch.take() {
            hand_on(batch.finish(self.tick, origin_us));
        }
    }

    /// Adds a spike; gives the batch before it, where it didn't fit in there.
    fn add(&mut self, spike: &Spike, origin_us: u64) -> Option<Message> {
        let port = u32::from(spike.port.0);
        let counted = spike.multiplicity > 1 && spike.address <= COUNTED_ADDRESS_MAX;
        let wide = spike.address > COUNTED_ADDRESS_MAX;
        let offset = self.batch.as_ref().and_then(|batch| {
            let fits = batch.port == port
                && batch.spikes.len() < SPIKES_MAX
                && !(batch.counted && wide || batch.wide && counted);
            if fits { offset(self.tick, batch.base, spike.tick) } else { None }
        });
        let full = match offset {
            Some(_) => None,
            None => self.batch.take().map(|batch| batch.finish(self.tick, origin_us)),
        };
        let batch = self.batch.get_or_insert_with(|| Batch {
            port,
            base: spike.tick,
            first_position: self.position,
            counted: false,
            wide: false,
            spikes: Vec::new(),
        });
        batch.counted |= counted;
        batch.wide |= wide;
        let each_max = if counted { COUNTED_MULTIPLICITY_MAX } else { 1 };
        let mut left = spike.multiplicity.max(1);
        while left > 0 {
            let each = left.min(each_max);
            batch.spikes.push((offset.unwrap_or(0), spike.address, each));
            self.position += 1;
            left -= each;
        }
        full
    }

    fn decision(&mut self, decision: &Decision, origin_us: u64) -> v1::Decision {
        let position = self.position;
        self.position += 1;
        v1::Decision {
            position,
            port: decision.port.0.into(),
            time_us: self.tick.start_us(decision.tick, origin_us),
            tick: decision.tick.0,
            class: decision.class,
            votes: decision.votes,
            votes_total: decision.votes_total,
            confidence_ppm: decision.verdict.map_or(0, |verdict| verdict.confidence_ppm),
            sample_ticks: decision.verdict.map_or(0, |verdict| verdict.ticks),
        }
    }
}

impl Batch {
    fn finish(self, tick: TickLength, origin_us: u64) -> Message {
        let mut payload = Vec::with_capacity(self.spikes.len() * EVENT_BYTES);
        for (offset, address, multiplicity) in &self.spikes {
            let high = if self.counted { multiplicity << 24 } else { 0 };
            payload.extend_from_slice(&offset.to_le_bytes());
            payload.extend_from_slice(&(address | high).to_le_bytes());
        }
        let layout = match (self.counted, in_us(tick)) {
            (false, true) => Layout::Address,
            (true, true) => Layout::CountedAddress,
            (false, false) => Layout::AddressTicks,
            (true, false) => Layout::CountedAddressTicks,
        };
        Message::Spikes(v1::SpikeBatch {
            first_position: self.first_position,
            port: self.port,
            base_time_us: tick.start_us(self.base, origin_us),
            base_tick: self.base.0,
            layout: layout.into(),
            count: u32::try_from(self.spikes.len()).unwrap_or(u32::MAX),
            payload: Bytes::from(payload),
        })
    }
}

const fn in_us(tick: TickLength) -> bool {
    tick.ns().is_multiple_of(1_000)
}

/// The offset of a tick from a batch's base, where it fits.
fn offset(tick: TickLength, base: Tick, at: Tick) -> Option<u32> {
    let ticks = at.0.checked_sub(base.0)?;
    let each = if in_us(tick) { tick.ns() / 1_000 } else { 1 };
    u32::try_from(ticks.checked_mul(each)?).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use sim_core::{OutputId, Rank};
    use spiked_proto::layout::address;

    use super::*;

    fn spike(tick: u64, port: u16, address: u32, multiplicity: u32) -> Output {
        let (tick, port) = (Tick(tick), OutputId(port));
        Output::Spike(Spike { tick, rank: Rank(0), port, address, multiplicity })
    }

    fn encode(encoder: &mut Encoder, outputs: &[Output]) -> Vec<Message> {
        let mut messages = Vec::new();
        encoder.encode(outputs.iter().copied(), 1_000, |message| messages.push(message));
        messages
    }

    /// (position, time or tick, port, address, multiplicity) of all spikes.
    fn read(messages: &[Message]) -> Vec<(u64, u64, u32, u32, u32)> {
        let mut read = Vec::new();
        for message in messages {
            let Message::Spikes(batch) = message else { panic!("only spikes here") };
            let counted =
                matches!(batch.layout(), Layout::CountedAddress | Layout::CountedAddressTicks);
            let in_ticks =
                matches!(batch.layout(), Layout::AddressTicks | Layout::CountedAddressTicks);
            let base = if in_ticks { batch.base_tick } else { batch.base_time_us };
            let (payload, count) = (&batch.payload, batch.count.into());
            let events: Vec<_> = if counted {
                let events = address::decode_counted(payload, base, count).unwrap();
                events.map(Result::unwrap).map(|e| (e.time, e.index, e.multiplicity)).collect()
            } else {
                let events = address::decode(payload, base, count).unwrap();
                events.map(|event| (event.time, event.index, 1)).collect()
            };
            let numbered = (batch.first_position..).zip(events);
            read.extend(numbered.map(|(at, (t, i, m))| (at, t, batch.port, i, u32::from(m))));
        }
        read
    }

    #[test]
    fn a_tick_that_is_no_whole_number_of_microseconds_counts_in_ticks() {
        let mut encoder = Encoder::new(TickLength::from_ns(300).unwrap(), 0);
        let messages = encode(&mut encoder, &[spike(4, 0, 9, 1), spike(5, 0, 9, 2)]);
        assert_eq!(read(&messages), [(0, 4, 0, 9, 1), (1, 5, 0, 9, 2)]);
    }

    #[test]
    fn a_batch_never_grows_beyond_its_bound() {
        let mut encoder = Encoder::new(TickLength::MICROSECOND, 0);
        let outputs = vec![spike(3, 0, 1, 1); SPIKES_MAX + 1];
        assert_eq!(encode(&mut encoder, &outputs).len(), 2);
    }

    proptest! {
        /// Positions, times and multiplicities are the same however output is cut into turns,
        /// and nothing is lost. Seen to fail with `first_position` taken at a batch's end.
        #[test]
        fn cutting_changes_nothing(
            spikes in prop::collection::vec(
                (0..4_u64, 0..2_u16, prop_oneof![0..9_u32, Just(1 << 24)], 1..600_u32), 0..60),
            cut in 0..60_usize,
            far in any::<bool>(),
        ) {
            let mut tick = 0;
            let outputs: Vec<_> = spikes.iter().map(|&(step, port, address, multiplicity)| {
                tick += if far { step << 31 } else { step };
                spike(tick, port, address, multiplicity)
            }).collect();
            let mut whole = Encoder::new(TickLength::MILLISECOND, 5);
            let expected = read(&encode(&mut whole, &outputs));
            let mut parts = Encoder::new(TickLength::MILLISECOND, 5);
            let (first, second) = outputs.split_at(cut.min(outputs.len()));
            let mut read_in_parts = read(&encode(&mut parts, first));
            read_in_parts.extend(read(&encode(&mut parts, second)));
            prop_assert_eq!(&read_in_parts, &expected);
            prop_assert_eq!(parts.position(), 5 + expected.len() as u64);
            let sent: u64 = spikes.iter().map(|spike| u64::from(spike.3)).sum();
            prop_assert_eq!(expected.iter().map(|read| u64::from(read.4)).sum::<u64>(), sent);
        }
    }
}
