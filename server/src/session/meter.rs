//! What a tenant may have, and how much it has left of what it may send a second.
//!
//! A bucket of events and one of bytes, for all sessions of a tenant together. They fill with time, and
//! each accepted batch takes its share, below nothing if need be: credit that was given is honoured,
//! and the debt is paid before more is given. So a tenant's average never exceeds its rate. Asked once
//! a batch, never once an event, so a mutex does.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use spiked_proto::v1;
use tokio::time::Instant;

/// Every bucket holds the largest message that there can be, so that each gets its turn.
const EVENTS_LEAST: u64 = 128 << 10;
const BYTES_LEAST: u64 = 1 << 20;

/// What one tenant may have; nothing is no bound of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Quota {
    /// Sessions that run at once.
    pub(crate) sessions: Option<usize>,
    /// What its sessions may take together, about \[bytes\].
    pub(crate) memory_bytes: Option<u64>,
    pub(crate) events_a_second: Option<u64>,
    pub(crate) bytes_a_second: Option<u64>,
}

/// By the tenants' names.
pub(crate) type Quotas = BTreeMap<String, Quota>;

/// What may be sent at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Left {
    pub(crate) events: u64,
    pub(crate) bytes: u64,
    /// More will be left later.
    pub(crate) grows: bool,
}

/// What a tenant has left.
#[derive(Debug)]
pub(crate) struct Meter {
    tenant: String,
    buckets: Mutex<Buckets>,
}

#[derive(Debug, Default)]
struct Buckets {
    events: Option<Bucket>,
    bytes: Option<Bucket>,
}

#[derive(Debug)]
struct Bucket {
    per_second: u64,
    brim: f64,
    level: f64,
    filled: Instant,
}

impl Meter {
    /// A tenant that has sent nothing for long.
    pub(crate) fn new(tenant: &str, quota: Quota) -> Self {
        let meter = Self { tenant: tenant.to_owned(), buckets: Mutex::default() };
        meter.set(quota, Instant::now());
        meter
    }

    pub(crate) fn tenant(&self) -> &str {
        &self.tenant
    }

    /// Other rates hold from here on; what is owed stays owed.
    pub(crate) fn set(&self, quota: Quota, now: Instant) {
        let mut buckets = self.lock();
        Bucket::set(&mut buckets.events, quota.events_a_second, EVENTS_LEAST, now);
        Bucket::set(&mut buckets.bytes, quota.bytes_a_second, BYTES_LEAST, now);
    }

    /// What is left; nothing where there is no rate.
    pub(crate) fn left(&self, now: Instant) -> Option<Left> {
        let mut buckets = self.lock();
        let Buckets { events, bytes } = &mut *buckets;
        if events.is_none() && bytes.is_none() {
            return None;
        }
        let mut grows = false;
        let mut look = |bucket: &mut Option<Bucket>| {
            bucket.as_mut().map_or(u64::MAX, |bucket| {
                bucket.fill(now);
                grows |= bucket.level < bucket.brim;
                bucket.left()
            })
        };
        let (events, bytes) = (look(events), look(bytes));
        Some(Left { events, bytes, grows })
    }

    /// Takes what was sent.
    pub(crate) fn charge(&self, sent: v1::Credit, now: Instant) {
        let mut buckets = self.lock();
        let Buckets { events, bytes } = &mut *buckets;
        for (bucket, sent) in [(events, sent.events), (bytes, sent.bytes)] {
            if let Some(bucket) = bucket {
                bucket.fill(now);
                bucket.level -= number(sent);
            }
        }
    }

    /// How long until so much is left; nothing where it never will be.
    pub(crate) fn wait_for(&self, wanted: v1::Credit, now: Instant) -> Option<Duration> {
        let mut buckets = self.lock();
        let Buckets { events, bytes } = &mut *buckets;
        let waits = [(events, wanted.events), (bytes, wanted.bytes)].map(|(bucket, wanted)| {
            bucket.as_mut().map_or(Some(Duration::ZERO), |bucket| bucket.wait_for(wanted, now))
        });
        Some(waits[0]?.max(waits[1]?))
    }

    fn lock(&self) -> MutexGuard<'_, Buckets> {
        // Nothing panics while it holds them, so poisoned ones are whole.
        self.buckets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Bucket {
    fn set(bucket: &mut Option<Self>, per_second: Option<u64>, least: u64, now: Instant) {
        let Some(per_second) = per_second else {
            *bucket = None;
            return;
        };
        let brim = number(per_second.max(least));
        let level = match bucket {
            Some(bucket) => {
                bucket.fill(now);
                bucket.level.min(brim)
            }
            None => brim,
        };
        *bucket = Some(Self { per_second, brim, level, filled: now });
    }

    fn fill(&mut self, now: Instant) {
        let since = now.saturating_duration_since(self.filled).as_secs_f64();
        self.filled = self.filled.max(now);
        self.level = (self.level + since * number(self.per_second)).min(self.brim);
    }

    fn left(&self) -> u64 {
        // A cast of a float saturates: what is owed is nothing left.
        #[expect(clippy::cast_possible_truncation, reason = "as said")]
        let left = self.level as u64;
        left
    }

    fn wait_for(&mut self, wanted: u64, now: Instant) -> Option<Duration> {
        self.fill(now);
        let wanted = number(wanted);
        if wanted > self.brim {
            return None;
        }
        let missing = (wanted - self.level).max(0.0);
        Duration::try_from_secs_f64(missing / number(self.per_second.max(1))).ok()
    }
}

/// Rates and counts lie far below the 2^53 from which on this would round.
const fn number(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn quota(events_a_second: Option<u64>, bytes_a_second: Option<u64>) -> Quota {
        Quota { events_a_second, bytes_a_second, ..Quota::default() }
    }

    fn sent(events: u64, bytes: u64) -> v1::Credit {
        v1::Credit { events, bytes }
    }

    #[test]
    fn what_was_sent_beyond_is_paid_before_more_is_left() {
        let meter = Meter::new("t", quota(Some(1_000_000), None));
        let start = Instant::now();
        let left = |now| meter.left(now).unwrap();
        assert_eq!(left(start), Left { events: 1_000_000, bytes: u64::MAX, grows: false });
        meter.charge(sent(1_500_000, 99), start);
        assert_eq!(left(start), Left { events: 0, bytes: u64::MAX, grows: true });
        assert_eq!(left(start + SECOND / 4).events, 0);
        assert_eq!(left(start + SECOND).events, 500_000);
        let full = left(start + 100 * SECOND);
        assert_eq!((full.events, full.grows), (1_000_000, false), "time alone saves up a second");
    }

    #[test]
    fn the_largest_message_passes_at_any_rate() {
        let meter = Meter::new("t", quota(Some(10), Some(10)));
        let left = meter.left(Instant::now()).unwrap();
        assert!(left.events >= 130_000 && left.bytes >= 1 << 20, "{left:?}");
    }

    #[test]
    fn other_rates_hold_at_once_and_debts_stay() {
        let meter = Meter::new("t", quota(None, None));
        let start = Instant::now();
        assert_eq!(meter.left(start), None);
        meter.charge(sent(1 << 40, 1 << 40), start);
        meter.set(quota(Some(1_000_000), None), start);
        assert_eq!(meter.left(start).unwrap().events, 1_000_000);
        meter.charge(sent(3_000_000, 0), start);
        meter.set(quota(Some(2_000_000), None), start);
        assert_eq!(meter.wait_for(sent(0, 0), start), Some(SECOND));
        assert_eq!(meter.wait_for(sent(2_000_000, 0), start), Some(2 * SECOND));
        assert_eq!(meter.wait_for(sent(2_000_001, 0), start), None);
        meter.set(quota(None, None), start);
        assert_eq!(meter.left(start), None);
    }
}
