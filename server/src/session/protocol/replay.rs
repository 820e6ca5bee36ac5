//! A journal's records, made into input again.
//!
//! What was decided then is not decided again, so that the simulation is given the same.

use super::{Accepting, Actions, Admitted, Gate, Protocol, Record};

impl Protocol {
    /// Takes a record as it took effect. `false` if it does not fit what came before.
    pub(crate) fn replay(&mut self, record: &Record, out: &mut Actions) -> bool {
        let known = |producer: usize| producer < self.producers.len();
        let fits = match record {
            &Record::Batch { producer, dropped, ref batch } if known(producer) => {
                self.replay_batch(producer, dropped, batch, out)
            }
            &Record::Promise { producer, time_us } if known(producer) => {
                let fits = self.producers[producer].check_promise(0, time_us).is_ok();
                if fits {
                    self.promise(producer, time_us, out);
                }
                fits
            }
            &Record::Watermark { time_us } => {
                self.raise(time_us, out);
                true
            }
            &Record::End { producer, failed: false } if known(producer) => {
                self.end_producer(producer, out);
                true
            }
            Record::End { failed: true, .. } => {
                self.finish(true, out);
                true
            }
            Record::Handed => {
                self.hand(out);
                true
            }
            Record::Dropped => self.drop_oldest(),
            Record::Set(setting) => {
                self.set(setting.clone(), out);
                true
            }
            _ => false,
        };
        if !self.pending.is_empty() {
            self.seal(0, 0, 0, 0, 0);
        }
        // They were journaled when they were made.
        out.records.clear();
        fits
    }

    /// The journal is read to its end: what it held has been granted once, however long the simulation
    /// takes to make it again, and there is room for more besides.
    pub(crate) fn grant_replayed(&mut self) {
        for producer in &mut self.producers {
            producer.grant_anew(self.capacity);
        }
    }

    fn replay_batch(
        &mut self,
        producer: usize,
        dropped: bool,
        batch: &spiked_proto::v1::EventBatch,
        out: &mut Actions,
    ) -> bool {
        let floor_us = self.promised_us;
        let gate = Gate {
            settings: &self.settings,
            capacity: self.capacity,
            floor_us,
            idle: false,
            replayed: true,
        };
        match self.producers[producer].admit(batch, &gate) {
            Ok(Admitted::Next { digest, charge }) => {
                let accepting = Accepting { batch, digest, charge, dropped, floor_us };
                self.accept(producer, &accepting, out);
                true
            }
            // A snapshot may be a little ahead of the journal's first records.
            Ok(Admitted::Duplicate) => true,
            Err(_) => false,
        }
    }
}
