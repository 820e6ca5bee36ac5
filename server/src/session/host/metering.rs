//! What the tenant may send a second, as this session feels it.
//!
//! Where input may wait, credit is given no further than what the tenant has left, so whoever keeps to
//! its credit is slowed and nothing breaks. Elsewhere nobody waits for credit: what comes while
//! nothing is left meets the overload policy.

use std::time::Duration;

use spiked_proto::v1;
use tokio::time::Instant;

use super::Host;
use crate::{
    error::Error,
    session::{positions::Level, settings::Overload},
};

/// How often credit is given again while more comes to be left.
const PERIOD: Duration = Duration::from_millis(20);

impl Host {
    /// A batch, on the tenant's account.
    pub(super) fn take_batch(&mut self, seat: usize, batch: &v1::EventBatch, level: Level) {
        let over_rate = !self.may_wait() && self.has_nothing_left();
        let level = Level { over_rate, ..level };
        let before = self.charged(seat);
        self.protocol.batch(seat, batch, &level, &mut self.actions);
        if !over_rate {
            let after = self.charged(seat);
            let (events, bytes) = (after.events - before.events, after.bytes - before.bytes);
            self.meter.charge(v1::Credit { events, bytes }, Instant::now());
        }
    }

    /// Gives as much credit as the tenant has left.
    pub(super) fn grant(&mut self) {
        let left = self.meter.left(Instant::now());
        if self.may_wait() {
            self.protocol
                .allow(left.map(|left| v1::Credit { events: left.events, bytes: left.bytes }));
        }
        let waits = self.may_wait() && self.seats.iter().any(super::Seat::is_attached);
        self.grant_due = match left {
            Some(left) if left.grows && waits => Some(Instant::now() + PERIOD),
            _ => None,
        };
    }

    /// A step is taken whole or not at all, and nobody waits for credit within it.
    pub(super) fn check_rate(&self, request: &v1::StepSessionRequest) -> Result<(), Error> {
        let now = Instant::now();
        if !self.may_wait() || self.meter.left(now).is_none() {
            return Ok(());
        }
        let wanted = request.events.iter().fold(v1::Credit::default(), |sum, batch| v1::Credit {
            events: sum.events + self.protocol.charge_of(0, batch),
            bytes: sum.bytes + batch.payload.len() as u64,
        });
        let retry_after = self.meter.wait_for(wanted, now);
        if wanted == v1::Credit::default() || retry_after == Some(Duration::ZERO) {
            return Ok(());
        }
        let v1::Credit { events, bytes } = wanted;
        Err(Error::Rate { tenant: self.meter.tenant().to_owned(), events, bytes, retry_after })
    }

    fn may_wait(&self) -> bool {
        self.protocol.settings().overload == Overload::Block
    }

    fn has_nothing_left(&self) -> bool {
        let left = self.meter.left(Instant::now());
        left.is_some_and(|left| left.events == 0 || left.bytes == 0)
    }

    fn charged(&self, seat: usize) -> v1::Credit {
        let status = self.protocol.status(seat);
        v1::Credit { events: status.charged_events, bytes: status.charged_bytes }
    }
}
