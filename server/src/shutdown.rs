//! How the daemon ends: when it is asked to, in order, and by a deadline of its own.
//!
//! Not ready, no new sessions; open ones finish within the grace period or are told that they
//! end; connections close, or are left behind when a peer ignores that.

use std::{io, time::Duration};

use tokio::{
    select,
    signal::unix::{SignalKind, signal},
    time::timeout,
};

use crate::session::registry::Registry;

/// Time for sessions to be saved once the grace period is over.
const SESSIONS_END: Duration = Duration::from_secs(5);
/// Time for connections to close once no session is left.
pub(crate) const CONNECTIONS_CLOSE: Duration = Duration::from_secs(2);

/// Resolves at the first SIGTERM or SIGINT.
///
/// # Errors
///
/// The system's, when signals cannot be received.
pub fn signalled() -> io::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        select! {
            _ = terminate.recv() => tracing::info!("SIGTERM: ending"),
            _ = interrupt.recv() => tracing::info!("SIGINT: ending"),
        }
    })
}

/// Lets open sessions finish; ends those that don't within `grace`.
pub(crate) async fn drain(registry: &Registry, grace: Duration) {
    registry.drain().await;
    if timeout(grace, registry.emptied()).await.is_err() {
        let ended = registry.end_all().await;
        tracing::warn!(sessions = ended, "the grace period is over: sessions were saved or ended");
        if timeout(SESSIONS_END, registry.emptied()).await.is_err() {
            tracing::warn!("left sessions behind that did not end");
        }
    }
}
