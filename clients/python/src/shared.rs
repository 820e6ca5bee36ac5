//! State that tasks and Python share: looked at under a lock, waited for without one.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// A state, and a bell that rings when it has changed.
#[derive(Default)]
pub(crate) struct Shared<S> {
    state: Mutex<S>,
    changed: Notify,
}

impl<S> Shared<S> {
    pub(crate) fn new(state: S) -> Self {
        Self { state: Mutex::new(state), changed: Notify::new() }
    }

    /// The state, to look at or to take from where nobody waits for that.
    pub(crate) fn lock(&self) -> MutexGuard<'_, S> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state, and lets everybody who waits look again.
    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut S) -> T) -> T {
        let value = change(&mut self.lock());
        self.changed.notify_waiters();
        value
    }

    /// Waits until the state has what is looked for. Giving up the wait changes nothing.
    pub(crate) async fn until<T>(&self, mut look: impl FnMut(&mut S) -> Option<T>) -> T {
        loop {
            let mut changed = std::pin::pin!(self.changed.notified());
            // Heard from here on, so that no change falls between the look and the wait.
            changed.as_mut().enable();
            let found = look(&mut self.lock());
            if let Some(found) = found {
                return found;
            }
            changed.await;
        }
    }
}
