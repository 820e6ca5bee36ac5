//! Who may come in: how many sessions there are, and what they may take of the memory.
//!
//! Memory is what a session may take at most, about: its plan, which it may share with others; its
//! state; a full queue for each producer; output that waits for readers.

use std::{
    collections::{BTreeMap, HashSet},
    sync::{Arc, atomic::Ordering::Acquire},
};

use sim_core::{InputEvent, Plan};

use super::{Key, Registry, lock};
use crate::{
    error::{Error, Shortage},
    session::{
        handle::Session,
        link,
        meter::{Meter, Quota, Quotas},
        outlet, retained,
        settings::Capacity,
    },
};

/// Output that waits for readers, from the simulation to the connection \[bytes\].
const OUTPUT_BYTES: u64 =
    (link::OUTPUT_BYTES + retained::WAITING_BYTES + retained::HISTORY_BYTES + outlet::BYTES) as u64;

/// What one session may take.
struct Takes<'a> {
    plan: &'a Arc<Plan>,
    producers: usize,
}

impl Registry {
    /// Bounds tenants from here on; sessions that run already stay.
    pub(crate) fn set_quotas(&self, quotas: Quotas) {
        let now = tokio::time::Instant::now();
        for (tenant, meter) in lock(&self.meters).iter() {
            meter.set(quotas.get(tenant).copied().unwrap_or_default(), now);
        }
        *lock(&self.quotas) = quotas;
    }

    fn quota(&self, tenant: &str) -> Quota {
        lock(&self.quotas).get(tenant).copied().unwrap_or_default()
    }

    /// What all sessions of a tenant are measured by. There are no more than there are tenants.
    pub(super) fn meter(&self, tenant: &str) -> Arc<Meter> {
        let quota = self.quota(tenant);
        let mut meters = lock(&self.meters);
        let meter = meters.entry(tenant.to_owned());
        meter.or_insert_with(|| Arc::new(Meter::new(tenant, quota))).clone()
    }

    /// Before anything is made for a session.
    pub(super) fn check_admission(&self, tenant: &str) -> Result<(), Error> {
        self.check_not_draining()?;
        self.check_count(tenant, &lock(&self.sessions))
    }

    pub(super) fn check_not_draining(&self) -> Result<(), Error> {
        // Ordering: Acquire pairs with the Release in `drain`.
        if self.draining.load(Acquire) { Err(Error::ShuttingDown) } else { Ok(()) }
    }

    pub(super) fn check_count(
        &self,
        tenant: &str,
        sessions: &BTreeMap<Key, Arc<Session>>,
    ) -> Result<(), Error> {
        if sessions.len() >= self.limits.sessions {
            return Err(Error::Limit { what: "sessions", limit: self.limits.sessions as u64 });
        }
        let Some(quota) = self.quota(tenant).sessions else {
            return Ok(());
        };
        if sessions.keys().filter(|(owner, _)| owner == tenant).count() < quota {
            return Ok(());
        }
        Err(Error::Quota { what: "sessions", tenant: tenant.to_owned(), limit: quota as u64 })
    }

    /// Whether there is memory for one more session.
    pub(super) fn check_memory(
        &self,
        tenant: &str,
        plan: &Arc<Plan>,
        producers: usize,
        sessions: &BTreeMap<Key, Arc<Session>>,
    ) -> Result<(), Error> {
        let quota = self.quota(tenant).memory_bytes.map(|limit| (Some(tenant), limit));
        let daemon = self.limits.memory_bytes.map(|limit| (None, limit));
        let more = Takes { plan, producers };
        for (whose, limit) in quota.into_iter().chain(daemon) {
            let concerned =
                sessions.iter().filter(|((owner, _), _)| whose.is_none_or(|one| one == owner));
            let those = concerned
                .map(|(_, session)| Takes { plan: session.plan(), producers: session.producers() });
            let (taken, needed) = taken(those, &more, self.capacity());
            let available = limit.saturating_sub(taken);
            if needed > available {
                let tenant = whose.map(str::to_owned);
                return Err(Error::Memory(Shortage { tenant, needed, available, limit }));
            }
        }
        Ok(())
    }
}

/// What some sessions take together, and what one more would add.
fn taken<'a>(
    those: impl Iterator<Item = Takes<'a>>,
    more: &Takes<'a>,
    capacity: Capacity,
) -> (u64, u64) {
    let mut plans = HashSet::new();
    let mut sum = |takes: &Takes<'_>| {
        let is_first = plans.insert(Arc::as_ptr(takes.plan));
        let plan_bytes = if is_first { takes.plan.cost().plan_bytes } else { 0 };
        plan_bytes.saturating_add(takes.own_bytes(capacity))
    };
    let taken = those.fold(0_u64, |bytes, takes| bytes.saturating_add(sum(&takes)));
    (taken, sum(more))
}

impl Takes<'_> {
    /// Without its plan \[bytes\].
    fn own_bytes(&self, capacity: Capacity) -> u64 {
        let queue = capacity.events.saturating_mul(size_of::<InputEvent>() as u64);
        let queues = queue.saturating_mul(self.producers as u64);
        self.plan.cost().session_bytes.saturating_add(queues).saturating_add(OUTPUT_BYTES)
    }
}
