//! A session that was opened for somebody who has given up waiting for it: it is closed again, for
//! nobody else knows of it, and it would keep its place in the daemon for its whole lease.

use spiked_client::{Client, Tables};

use crate::pending::runtime;

/// Closes a session when it is dropped without having been taken.
pub(crate) struct Orphan {
    client: Client,
    /// None where the session was there before, and is others' as well.
    session_id: Option<String>,
}

impl Orphan {
    pub(crate) fn new(client: &Client, tables: &Tables) -> Self {
        let session_id = (!tables.rejoined).then(|| tables.session_id.clone());
        Self { client: client.clone(), session_id }
    }

    /// Somebody has it.
    pub(crate) fn taken(mut self) {
        self.session_id = None;
    }
}

impl Drop for Orphan {
    fn drop(&mut self) {
        if let Some(id) = self.session_id.take()
            && let Ok(runtime) = runtime()
        {
            let client = self.client.clone();
            // One that is gone already needs no closing.
            runtime.spawn(async move { drop(client.close_session(&id).await) });
        }
    }
}
