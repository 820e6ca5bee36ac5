//! How many connections there are, in all and from each address.
//!
//! A connection holds a [`Permit`] and gives its place back when it is dropped. Counting happens
//! once a connection, never once an event, so a mutex does.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
};

/// The counts, shared with every permit.
#[derive(Debug)]
pub(super) struct Connections {
    counts: Mutex<Counts>,
    total_max: usize,
    each_max: usize,
}

#[derive(Debug, Default)]
struct Counts {
    total: usize,
    each: HashMap<IpAddr, usize>,
}

/// A connection's place.
#[derive(Debug)]
pub(super) struct Permit {
    connections: Arc<Connections>,
    address: Option<IpAddr>,
}

impl Connections {
    pub(super) fn new(total_max: usize, each_max: usize) -> Arc<Self> {
        Arc::new(Self { counts: Mutex::default(), total_max, each_max })
    }

    /// A place for a connection from `address` (none for a Unix socket), if there is one.
    pub(super) fn admit(self: &Arc<Self>, address: Option<IpAddr>) -> Option<Permit> {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.total >= self.total_max {
            return None;
        }
        if let Some(address) = address {
            let each = counts.each.entry(address).or_default();
            if *each >= self.each_max {
                return None;
            }
            *each += 1;
        }
        counts.total += 1;
        Some(Permit { connections: self.clone(), address })
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
    }
}
