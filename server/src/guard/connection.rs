//! One accepted connection: bytes pass through, and what they say (below TLS, where there is any) is
//! watched.
//!
//! The server below sets no deadline before the preface's 24 bytes are there, none on connections
//! without streams, and no bound on frames that carry nothing; see [`Watch`].

use std::{
    io,
    pin::{Pin, pin},
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tonic::transport::server::Connected;

use super::{limits::Permit, listener::Socket, watch::Watch, writing::Writing};

/// A connection with its place, and what it is held to.
#[derive(Debug)]
pub(crate) struct Connection {
    socket: Socket,
    watch: Watch,
    writing: Writing,
    /// Gives the place back when the connection ends.
    permit: Permit,
}

impl Connection {
    pub(super) fn new(socket: Socket, permit: Permit, watch: Watch) -> Self {
        Self { socket, watch, writing: Writing::default(), permit }
    }

    fn received(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.watch.received(bytes).inspect_err(|error| self.permit.count(error))
    }

    fn sent(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.watch.sent(bytes).inspect_err(|error| self.permit.count(error))
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        ready!(self.watch.poll_turn(context));
        let before = buffer.filled().len();
        let polled = match &mut self.socket {
            Socket::Tcp(socket) => pin!(socket).poll_read(context, buffer),
            Socket::Tls(socket) => pin!(socket).poll_read(context, buffer),
            Socket::Unix(socket) => pin!(socket).poll_read(context, buffer),
        };
        match polled {
            Poll::Ready(Ok(())) => Poll::Ready(self.received(&buffer.filled()[before..])),
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => self.watch.poll_overdue(context).map(Err),
        }
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = match &mut self.socket {
            Socket::Tcp(socket) => pin!(socket).poll_write(context, bytes),
            Socket::Tls(socket) => pin!(socket).poll_write(context, bytes),
            Socket::Unix(socket) => pin!(socket).poll_write(context, bytes),
        };
        let written = ready!(self.writing.poll(written, context))?;
        Poll::Ready(self.sent(&bytes[..written]).map(|()| written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = match &mut self.socket {
            Socket::Tcp(socket) => pin!(socket).poll_flush(context),
            Socket::Tls(socket) => pin!(socket).poll_flush(context),
            Socket::Unix(socket) => pin!(socket).poll_flush(context),
        };
        self.writing.poll(flushed, context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.socket {
            Socket::Tcp(socket) => pin!(socket).poll_shutdown(context),
            Socket::Tls(socket) => pin!(socket).poll_shutdown(context),
            Socket::Unix(socket) => pin!(socket).poll_shutdown(context),
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = match &mut self.socket {
            Socket::Tcp(socket) => pin!(socket).poll_write_vectored(context, bytes),
            Socket::Tls(socket) => pin!(socket).poll_write_vectored(context, bytes),
            Socket::Unix(socket) => pin!(socket).poll_write_vectored(context, bytes),
        };
        let written = ready!(self.writing.poll(written, context))?;
        let mut left = written;
        for slice in bytes {
            let sent = left.min(slice.len());
            left -= sent;
            self.sent(&slice[..sent])?;
        }
        Poll::Ready(Ok(written))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }
}

impl Connected for Connection {
    type ConnectInfo = ();

    fn connect_info(&self) {}
}
