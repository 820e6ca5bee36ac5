//! How many connections there are, in all and from each address.
//!
//! A connection holds a [`Permit`] and gives its place back when it is dropped. Counting happens
//! once a connection, never once an event, so a mutex does.

use std::{
    collections::HashMap,
    io,
    net::IpAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use super::flood::Flooded;

/// The counts, shared with every permit.
#[derive(Debug)]
pub(crate) struct Connections {
    counts: Mutex<Counts>,
    total_max: usize,
    each_max: usize,
    /// Refused because all places are taken, and because those of an address are.
    refused_total: AtomicU64,
    refused_each: AtomicU64,
    /// Cut off for a flood, of streams given up and of frames that carry nothing.
    flooded_resets: AtomicU64,
    flooded_controls: AtomicU64,
}

/// Connections that there are, and what became of others, by cause.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) open: u64,
    pub(crate) refused: [(&'static str, u64); 2],
    pub(crate) flooded: [(&'static str, u64); 2],
}

#[derive(Debug, Default)]
struct Counts {
    total: usize,
    each: HashMap<IpAddr, usize>,
}

/// A connection's place.
#[derive(Debug)]
pub(crate) struct Permit {
    connections: Arc<Connections>,
    address: Option<IpAddr>,
}

impl Connections {
    pub(crate) fn new(total_max: usize, each_max: usize) -> Arc<Self> {
        Arc::new(Self {
            counts: Mutex::default(),
            total_max,
            each_max,
            refused_total: AtomicU64::new(0),
            refused_each: AtomicU64::new(0),
            flooded_resets: AtomicU64::new(0),
            flooded_controls: AtomicU64::new(0),
        })
    }

    /// How many there are, and were.
    pub(crate) fn tally(&self) -> Tally {
        let open = self.counts.lock().unwrap_or_else(PoisonError::into_inner).total as u64;
        // Ordering: Relaxed all, figures.
        Tally {
            open,
            refused: [
                ("total", self.refused_total.load(Relaxed)),
                ("address", self.refused_each.load(Relaxed)),
            ],
            flooded: [
                ("resets", self.flooded_resets.load(Relaxed)),
                ("controls", self.flooded_controls.load(Relaxed)),
            ],
        }
    }

    /// A place for a connection from `address` (none for a Unix socket), if there is one.
    pub(super) fn admit(self: &Arc<Self>, address: Option<IpAddr>) -> Option<Permit> {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.total >= self.total_max {
            // Ordering: Relaxed, a figure; as below.
            self.refused_total.fetch_add(1, Relaxed);
            return None;
        }
        if let Some(address) = address {
            let each = counts.each.entry(address).or_default();
            if *each >= self.each_max {
                self.refused_each.fetch_add(1, Relaxed);
                return None;
            }
            *each += 1;
        }
        counts.total += 1;
        Some(Permit { connections: self.clone(), address })
    }
}

impl Permit {
    /// The connection breaks off on this; counts it if it is a flood.
    pub(super) fn count(&self, error: &io::Error) {
        let flooded = error.get_ref().and_then(|inner| inner.downcast_ref::<Flooded>());
        let counter = match flooded {
            Some(Flooded::Resets) => &self.connections.flooded_resets,
            Some(Flooded::Controls) => &self.connections.flooded_controls,
            None => return,
        };
        // Ordering: Relaxed, a figure.
        counter.fetch_add(1, Relaxed);
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut counts = self.connections.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.total -= 1;
        let Some(address) = self.address else { return };
        if let Some(each) = counts.each.get_mut(&address) {
            *each -= 1;
            if *each == 0 {
                counts.each.remove(&address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_bounded_and_come_back() {
        let connections = Connections::new(3, 2);
        let (left, right) = (Some(IpAddr::from([127, 0, 0, 1])), Some(IpAddr::from([10, 0, 0, 1])));
        let held = [connections.admit(left), connections.admit(left)];
        assert!(held.iter().all(Option::is_some));
        assert!(connections.admit(left).is_none(), "one address has had its share");
        let other = connections.admit(right);
        assert!(other.is_some());
        assert!(connections.admit(None).is_none(), "all places are taken");
        drop(held);
        assert!(connections.admit(left).is_some());
        assert_eq!(connections.counts.lock().unwrap().each.len(), 1);
        let refused = connections.tally().refused;
        assert_eq!(refused, [("total", 1), ("address", 1)]);
    }

    #[test]
    fn floods_are_counted_by_what_they_are_and_other_ends_are_not() {
        let connections = Connections::new(1, 1);
        let permit = connections.admit(None).unwrap();
        permit.count(&io::Error::new(io::ErrorKind::InvalidData, Flooded::Controls));
        permit.count(&io::Error::new(io::ErrorKind::TimedOut, "no preface"));
        permit.count(&io::Error::from(io::ErrorKind::ConnectionReset));
        assert_eq!(connections.tally().flooded, [("resets", 0), ("controls", 1)]);
        assert_eq!(connections.tally().open, 1);
    }
}
