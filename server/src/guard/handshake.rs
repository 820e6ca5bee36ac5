//! TLS handshakes, each beside all others.

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::{Instant, timeout_at},
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

/// What is read of a client that is refused, before the socket is closed: a TCP socket that is
/// closed with bytes unread is reset, and the alert that says why may be lost on its way.
const REFUSED_BYTES_MAX: u64 = 64 << 10;

/// The connection once both sides agree; nothing when they don't, or not in time.
pub(super) async fn shake_hands(
    acceptor: TlsAcceptor,
    socket: TcpStream,
    deadline: Instant,
) -> Option<TlsStream<TcpStream>> {
    let shaken = timeout_at(deadline, async {
        match acceptor.accept(socket).into_fallible().await {
            Ok(stream) => Some(stream),
            Err((error, socket)) => {
                tracing::debug!(%error, "a TLS handshake failed");
                hear_out(socket).await;
                None
            }
        }
    });
    shaken.await.unwrap_or_else(|_| {
        tracing::debug!("closed a connection: no TLS handshake was over in time");
        None
    })
}

/// Says that nothing more will come, and waits until the client has hung up.
async fn hear_out(mut socket: TcpStream) {
    // A client that is gone has heard all that it will.
    if socket.shutdown().await.is_ok() {
        let mut unread = socket.take(REFUSED_BYTES_MAX);
        let _ = tokio::io::copy(&mut unread, &mut tokio::io::sink()).await;
    }
}
