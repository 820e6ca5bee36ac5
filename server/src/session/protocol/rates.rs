//! Credit that a tenant's rate holds back.

use spiked_proto::v1;

use super::{Producer, Protocol};

impl Protocol {
    /// Lets each producer go so much beyond what it has sent, or as far as the queue goes.
    pub(crate) fn allow(&mut self, left: Option<v1::Credit>) {
        let (overload, capacity) = (self.settings.overload, self.capacity);
        for producer in &mut self.producers {
            match left {
                Some(left) => producer.allow(left, overload, capacity),
                None => producer.allow_all(),
            }
        }
    }

    /// Whether a producer's credit is what its tenant has left, and not what the queue has room for.
    pub(crate) fn is_rate_limited(&self, producer: usize) -> bool {
        self.producers[producer].is_rate_limited(self.settings.overload, self.capacity)
    }

    /// Nobody has been told of any credit yet.
    pub(crate) fn allow_from_scratch(&mut self) {
        self.producers.iter_mut().for_each(Producer::allow_from_scratch);
    }

    /// What a producer's batch would take of its credit in events.
    pub(crate) fn charge_of(&self, producer: usize, batch: &v1::EventBatch) -> u64 {
        self.producers[producer].charge_of(batch)
    }
}
