//! Accepting connections: within the caps, and without spinning when files run out.
//!
//! TLS handshakes go on beside accepting and beside one another. Each holds the place that its
//! connection was given, so there are never more of them than connections may be.

use std::{convert::Infallible, io, sync::Arc, time::Duration};

use futures::{Stream, StreamExt as _, future::ready, stream};
use tokio::time::{Instant, sleep};

use super::{
    connection::Connection,
    handshake::shake_hands,
    limits::{Connections, Permit},
    listener::{Listener, Socket},
    tls::Tls,
    watch::Watch,
};
use crate::config::Limits;

/// How long to wait for files to be closed when none is left.
const FILES_PAUSE: Duration = Duration::from_millis(100);

/// The connections that may come in.
pub(crate) fn incoming(
    listener: Listener,
    tls: Option<Arc<Tls>>,
    connections: Arc<Connections>,
    limits: &Limits,
) -> impl Stream<Item = Result<Connection, Infallible>> + use<> {
    let (preface_deadline, idle_deadline) = (limits.preface_deadline, limits.idle_deadline);
    // One more than there can be: accepting never waits for a handshake, and what has no place is
    // closed rather than left waiting.
    let handshakes_max = limits.connections.saturating_add(1);
    let accepted = stream::unfold(Arc::new((listener, connections)), |gate| async move {
        Some((next(&gate.0, &gate.1).await, gate))
    });
    accepted
        .map(move |(socket, permit)| {
            let deadline = Instant::now() + preface_deadline;
            let tls = tls.clone();
            async move {
                let socket = secured(socket, tls.as_deref(), deadline).await?;
                Some(Ok(Connection::new(socket, permit, Watch::new(deadline, idle_deadline))))
            }
        })
        .buffer_unordered(handshakes_max)
        .filter_map(ready)
}

/// The socket as HTTP/2 is to be spoken on it.
async fn secured(socket: Socket, tls: Option<&Tls>, deadline: Instant) -> Option<Socket> {
    match (socket, tls) {
        (Socket::Tcp(socket), Some(tls)) => {
            let stream = shake_hands(tls.acceptor(), socket, deadline).await?;
            Some(Socket::Tls(Box::new(stream)))
        }
        (socket, _) => Some(socket),
    }
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
