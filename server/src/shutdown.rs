//! How the daemon ends: when it is asked to, in order, and by a deadline of its own.
//!
//! Not ready, no new sessions; open ones finish within the grace period or are told that they
//! end; connections close, or are left behind when a peer ignores that.

use std::{io, time::Duration};

use spiked_proto::v1;
use tokio::{
    select,
    signal::unix::{SignalKind, signal},
    time::timeout,
};

use crate::session::registry::Registry;

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
    registry.drain();
    if timeout(grace, registry.emptied()).await.is_err() {
        let ended = registry.end_all(v1::EndReason::Shutdown, "the daemon shuts down");
        tracing::warn!(sessions = ended, "the grace period is over: sessions were ended");
    }
}
