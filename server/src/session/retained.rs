//! A session's output as it is kept: numbered messages, from the oldest that somebody may still ask
//! for to the newest.
//!
//! Each reader has a place: what is sent next, and, if it reports, what it has received. Output
//! that a reporting reader has not received is never forgotten, and new output waits for it; of
//! readers that don't report, what was sent counts as received. A little history is kept beyond
//! that, for those who resume or watch. Pure: a value with methods.

use std::{collections::VecDeque, sync::Arc};

use spiked_proto::v1::stream_response::Message;

use super::output::Item;

/// History that is kept for whoever comes late \[bytes\].
pub(super) const HISTORY_BYTES: usize = 1 << 20;
/// Output that waits for readers \[bytes\], and messages of it; beyond, the session waits.
pub(super) const WAITING_BYTES: usize = 4 << 20;
const WAITING_ITEMS: usize = 4_096;

/// Where one reader stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Place {
    /// The next output to send.
    pub(crate) next: u64,
    /// Everything below was received, if the reader says so.
    pub(crate) received: Option<u64>,
}

impl Place {
    /// The first output that this reader may still need.
    pub(crate) fn needs(&self) -> u64 {
        self.received.map_or(self.next, |received| received.min(self.next))
    }
}

/// Kept output.
#[derive(Debug)]
pub(crate) struct Retained {
    items: VecDeque<Item>,
    /// Position after the newest.
    end: u64,
    bytes: usize,
    /// How many of the oldest nobody needs, and their bytes.
    spare: usize,
    spare_bytes: usize,
}

impl Retained {
    /// Nothing yet; the next output has this position.
    pub(crate) fn new(position: u64) -> Self {
        Self { items: VecDeque::new(), end: position, bytes: 0, spare: 0, spare_bytes: 0 }
    }

    /// The first position that is kept.
    pub(crate) fn start(&self) -> u64 {
        self.items
            .front()
            .map_or(self.end, |item| first_position(&item.message).unwrap_or(self.end))
    }

    /// The position after the newest.
    pub(crate) const fn end(&self) -> u64 {
        self.end
    }

    /// Whether more output may come.
    pub(crate) fn has_room(&self) -> bool {
        self.bytes - self.spare_bytes < WAITING_BYTES
            && self.items.len() - self.spare < WAITING_ITEMS
    }

    /// Appends numbered output.
    pub(crate) fn push(&mut self, item: Item) {
        let Some((first, count)) = positions(&item.message) else {
            return;
        };
        debug_assert_eq!(first, self.end, "output is numbered without a gap");
        self.end = first + count;
        self.bytes += item.bytes();
        self.items.push_back(item);
    }

    /// The message at a position, or the rest of it where the position lies inside.
    pub(crate) fn get(&self, position: u64) -> Option<Item> {
        let after = self.items.partition_point(|item| {
            positions(&item.message).is_some_and(|(first, count)| first + count <= position)
        });
        let item = self.items.get(after)?;
        let first = first_position(&item.message)?;
        let skip = position.saturating_sub(first);
        Some(match skip {
            0 => item.clone(),
            _ => Item { message: Arc::new(rest_of(&item.message, skip)), closed: item.closed },
        })
    }

    /// How many messages of some kind there are from a position on.
    pub(crate) fn count_from(&self, position: u64, counts: impl Fn(&Message) -> bool) -> u64 {
        let after = self.items.partition_point(|item| {
            positions(&item.message).is_some_and(|(first, count)| first + count <= position)
        });
        self.items.iter().skip(after).filter(|item| counts(&item.message)).count() as u64
    }

    /// Whether a position is no longer kept.
    pub(crate) fn is_gone(&self, position: u64) -> bool {
        position < self.start()
    }

    /// Forgets what nobody needs: everything below `needed` but for some history. Each message that
    /// goes is shown once more.
    pub(crate) fn forget(&mut self, needed: u64, mut gone: impl FnMut(&Message)) {
        while let Some(item) = self.items.get(self.spare)
            && positions(&item.message).is_some_and(|(first, count)| first + count <= needed)
        {
            self.spare_bytes += item.bytes();
            self.spare += 1;
        }
        while self.spare > 0
            && (self.spare_bytes > HISTORY_BYTES || self.spare > WAITING_ITEMS)
            && let Some(item) = self.items.pop_front()
        {
            gone(&item.message);
            let bytes = item.bytes();
            self.spare -= 1;
            self.spare_bytes -= bytes;
            self.bytes -= bytes;
        }
    }

    /// A reader needs output again that counted as spare.
    pub(crate) fn need(&mut self, position: u64) {
        while self.spare > 0
            && let Some(item) = self.items.get(self.spare - 1)
            && positions(&item.message).is_some_and(|(first, count)| first + count > position)
        {
            self.spare -= 1;
            self.spare_bytes -= item.bytes();
        }
    }
}

/// First position and number of positions of a message that has some.
pub(crate) fn positions(message: &Message) -> Option<(u64, u64)> {
    match message {
        Message::Spikes(batch) => Some((batch.first_position, batch.count.into())),
        Message::Decision(decision) => Some((decision.position, 1)),
        Message::Value(value) => Some((value.position, 1)),
        _ => None,
    }
}

fn first_position(message: &Message) -> Option<u64> {
    positions(message).map(|(first, _)| first)
}

/// A batch of spikes without its first `skip`.
fn rest_of(message: &Message, skip: u64) -> Message {
    let Message::Spikes(batch) = message else {
        return message.clone();
    };
    let mut batch = batch.clone();
    let skipped = u32::try_from(skip).unwrap_or(u32::MAX).min(batch.count);
    let bytes = skipped as usize * spiked_proto::layout::EVENT_BYTES;
    batch.payload = batch.payload.slice(bytes.min(batch.payload.len())..);
    batch.first_position += u64::from(skipped);
    batch.count -= skipped;
    Message::Spikes(batch)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use sim_core::Tick;
    use spiked_proto::v1;

    use super::*;

    fn batch(first_position: u64, count: u32) -> Item {
        let words = first_position..first_position + u64::from(count);
        let payload: Vec<u8> = words.flat_map(u64::to_le_bytes).collect();
        let payload = payload.into();
        let batch = v1::SpikeBatch { first_position, count, payload, ..v1::SpikeBatch::default() };
        Item { message: Arc::new(Message::Spikes(batch)), closed: Tick(first_position) }
    }

    fn read(item: &Item) -> Vec<u64> {
        let Message::Spikes(batch) = item.message.as_ref() else { panic!("only spikes here") };
        let words = batch.payload.chunks_exact(8);
        words.map(|word| u64::from_le_bytes(word.try_into().unwrap())).collect()
    }

    proptest! {
        /// From wherever a reader resumes, it reads everything from there on, once and in order,
        /// as long as it is kept; and what is needed is kept.
        #[test]
        fn whoever_resumes_reads_the_rest_exactly(
            counts in prop::collection::vec(1_u32..9_000, 1..200),
            received in 0.0..1.0_f64,
            back in 0.0..1.0_f64,
        ) {
            let mut retained = Retained::new(7);
            let mut end = 7;
            for &count in &counts {
                retained.push(batch(end, count));
                end += u64::from(count);
            }
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss,
                     clippy::cast_precision_loss, reason = "a share of a small number")]
            let share = |of: u64, share: f64| (of as f64 * share) as u64;
            let needed = 7 + share(end - 7, received);
            retained.forget(needed, |_| ());
            prop_assert!(retained.start() <= needed, "what is needed is kept");
            let from = retained.start() + share(end - retained.start(), back);
            retained.need(from);
            retained.forget(from, |_| ());
            let (mut next, mut words) = (from, Vec::new());
            while let Some(item) = retained.get(next) {
                let (first, count) = positions(&item.message).unwrap();
                prop_assert_eq!(first, next);
                words.extend(read(&item));
                next += count;
            }
            prop_assert_eq!(words, (from..end).collect::<Vec<_>>());
        }
    }

    #[test]
    fn output_waits_for_whoever_reports() {
        let mut retained = Retained::new(0);
        let mut end = 0;
        while retained.has_room() {
            retained.push(batch(end, 16_384));
            end += 16_384;
        }
        retained.forget(16_384, |_| ());
        assert!(retained.has_room());
        assert!(!retained.is_gone(0), "a little history stays");
        let place = Place { next: 9, received: Some(4) };
        assert_eq!(place.needs(), 4);
        assert_eq!(Place { received: None, ..place }.needs(), 9);
    }
}
