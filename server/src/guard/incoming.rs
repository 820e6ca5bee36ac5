//! Accepting connections: within the caps, and without spinning when files run out.

use std::{convert::Infallible, io, sync::Arc, time::Duration};

use futures::{Stream, stream};
use tokio::time::sleep;

use super::{
    connection::Connection,
    limits::{Connections, Permit},
    listener::{Listener, Socket},
    watch::Watch,
};
use crate::config::Limits;

/// How long to wait for files to be closed when none is left.
const FILES_PAUSE: Duration = Duration::from_millis(100);

/// The connections that may come in.
pub(crate) fn incoming(
    listener: Listener,
    connections: Arc<Connections>,
    limits: &Limits,
) -> impl Stream<Item = Result<Connection, Infallible>> + use<> {
    let (preface_deadline, idle_deadline) = (limits.preface_deadline, limits.idle_deadline);
    let gate = Arc::new((listener, connections));
    stream::unfold(gate, move |gate| async move {
        let (socket, permit) = next(&gate.0, &gate.1).await;
        let watch = Watch::new(preface_deadline, idle_deadline);
        Some((Ok(Connection::new(socket, permit, watch)), gate))
    })
}

async fn next(listener: &Listener, connections: &Arc<Connections>) -> (Socket, Permit) {
    loop {
        let (socket, address) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                pause_after(&error).await;
                continue;
            }
        };
        match connections.admit(address) {
            Some(permit) => return (socket, permit),
            // Closing it tells the client more than letting it wait.
            None => tracing::warn!(?address, "refused a connection: all places are taken"),
        }
    }
}

/// A connection that failed while it was accepted concerns nobody else. Without files, accepting
/// would fail at once, over and over.
async fn pause_after(error: &io::Error) {
    use rustix::io::Errno;
    let files_out = [Errno::MFILE, Errno::NFILE].map(|errno| Some(errno.raw_os_error()));
    if files_out.contains(&error.raw_os_error()) {
        tracing::warn!("no file is left for another connection");
        sleep(FILES_PAUSE).await;
    } else {
        tracing::debug!(%error, "a connection failed while it was accepted");
    }
}
