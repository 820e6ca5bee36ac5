//! Accepting connections: within the caps, and without spinning when files run out.

use std::{convert::Infallible, io, sync::Arc, time::Duration};

use futures::{Stream, stream};
use tokio::time::sleep;

use super::{connection::Connection, limits::Connections, listener::Listener};
use crate::config::Limits;

/// How long to wait for files to be closed when none is left.
const FILES_PAUSE: Duration = Duration::from_millis(100);

/// The connections that may come in.
pub(crate) fn incoming(
    listener: Listener,
    limits: &Limits,
) -> impl Stream<Item = Result<Connection, Infallible>> + use<> {
    let connections = Connections::new(limits.connections, limits.connections_per_address);
    let gate = Arc::new((listener, connections, limits.preface_deadline));
    stream::unfold(gate, |gate| async move {
        let connection = next(&gate.0, &gate.1, gate.2).await;
        Some((Ok(connection), gate))
    })
}

async fn next(
    listener: &Listener,
    connections: &Arc<Connections>,
    preface_deadline: Duration,
) -> Connection {
    loop {
        let (socket, address) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                pause_after(&error).await;
                continue;
            }
        };
        match connections.admit(address) {
            Some(permit) => return Connection::new(socket, permit, preface_deadline),
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
