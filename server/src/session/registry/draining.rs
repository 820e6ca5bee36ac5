//! The end of the daemon: no new sessions, and each that runs is saved or ends.

use std::sync::atomic::Ordering::Release;

use super::{Registry, lock};
use crate::error::{Error, HAS_ENDED};

impl Registry {
    /// From here on no session is opened. Those without a producer are saved, or end.
    pub(crate) async fn drain(&self) {
        // Ordering: Release pairs with the Acquire in `check_admission`.
        self.draining.store(true, Release);
        let sessions: Vec<_> = lock(&self.sessions).values().cloned().collect();
        for session in sessions.iter().filter(|session| !session.info().has_producer) {
            session.shut_down().await;
        }
    }

    /// A session that has just ended while the daemon does was saved, or ended with it: who comes back to
    /// it is to ask the next daemon, and not to give up.
    pub(crate) fn excused(&self, error: Error) -> Error {
        match error {
            Error::SessionConflict { problem: HAS_ENDED, .. } => {
                self.check_not_draining().err().unwrap_or(error)
            }
            error => error,
        }
    }

    /// Waits until no session is left.
    pub(crate) async fn emptied(&self) {
        loop {
            let gone = self.gone.notified();
            if lock(&self.sessions).is_empty() {
                return;
            }
            gone.await;
        }
    }

    /// Saves all durable sessions and ends the others; says how many there were.
    pub(crate) async fn end_all(&self) -> usize {
        let sessions: Vec<_> = lock(&self.sessions).values().cloned().collect();
        for session in &sessions {
            session.shut_down().await;
        }
        sessions.len()
    }
}
