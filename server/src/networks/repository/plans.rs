//! Plans that are kept for the next session: few, small, and the least recently used goes first.

use std::sync::Arc;

use sim_core::Plan;
use sim_core::network::SensorSize;

use crate::networks::limits::{PLANS_BYTES_MAX, PLANS_MAX};

/// A description, the sizes that its open ports were given, by port, and how far it is spread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Key {
    identity: [u8; 32],
    sensors: Vec<(String, SensorSize)>,
    workers: u32,
}

impl Key {
    pub(super) fn new(identity: [u8; 32], sensors: &[(String, SensorSize)], workers: u32) -> Self {
        let mut sensors = sensors.to_vec();
        sensors.sort_by(|(a, _), (b, _)| a.cmp(b));
        Self { identity, sensors, workers }
    }
}

/// The kept plans, most recently used last.
#[derive(Debug, Default)]
pub(super) struct Plans {
    kept: Vec<(Key, Arc<Plan>)>,
    bytes: u64,
}

impl Plans {
    pub(super) fn get(&mut self, key: &Key) -> Option<Arc<Plan>> {
        let index = self.kept.iter().position(|(kept, _)| kept == key)?;
        let used = self.kept.remove(index);
        let plan = Arc::clone(&used.1);
        self.kept.push(used);
        Some(plan)
    }

    pub(super) fn keep(&mut self, key: Key, plan: &Arc<Plan>) {
        self.forget(&key);
        let bytes = plan.cost().plan_bytes;
        while self.kept.len() >= PLANS_MAX
            || (self.bytes.saturating_add(bytes) > PLANS_BYTES_MAX && !self.kept.is_empty())
        {
            let (_, forgotten) = self.kept.remove(0);
            self.bytes = self.bytes.saturating_sub(forgotten.cost().plan_bytes);
        }
        // One that is larger than all kept ones may be lives as long as its sessions.
        if bytes <= PLANS_BYTES_MAX {
            self.bytes += bytes;
            self.kept.push((key, Arc::clone(plan)));
        }
    }

    /// Lets go of all; sessions keep theirs.
    pub(super) fn clear(&mut self) {
        self.kept.clear();
        self.bytes = 0;
    }

    /// Two callers may have made the same plan at the same time.
    fn forget(&mut self, key: &Key) {
        if let Some(index) = self.kept.iter().position(|(kept, _)| kept == key) {
            let (_, forgotten) = self.kept.remove(index);
            self.bytes = self.bytes.saturating_sub(forgotten.cost().plan_bytes);
        }
    }
}
