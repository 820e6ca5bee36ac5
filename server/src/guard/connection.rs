//! One accepted connection: bytes pass through, and silence before HTTP/2's preface ends it.
//!
//! The server below sets no deadline before the preface's 24 bytes are there, so a connection that
//! sends nothing would stay for ever. From byte 24 on, keepalive watches over it.

use std::{
    io,
    pin::{Pin, pin},
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Sleep, sleep},
};
use tonic::transport::server::Connected;

use super::{limits::Permit, listener::Socket};

const PREFACE_BYTES: usize = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".len();

/// A connection with its deadline and its place.
#[derive(Debug)]
pub(crate) struct Connection {
    socket: Socket,
    /// Until the preface is complete.
    deadline: Option<Pin<Box<Sleep>>>,
    preface_left: usize,
    /// Gives the place back when the connection ends.
    _permit: Permit,
}

impl Connection {
    pub(super) fn new(socket: Socket, permit: Permit, preface_deadline: Duration) -> Self {
        Self {
            socket,
            deadline: Some(Box::pin(sleep(preface_deadline))),
            preface_left: PREFACE_BYTES,
            _permit: permit,
        }
    }

    fn count(&mut self, read: usize) {
        self.preface_left = self.preface_left.saturating_sub(read);
        if self.preface_left == 0 {
            self.deadline = None;
        }
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = match &mut self.socket {
            Socket::Tcp(socket) => pin!(socket).poll_read(context, buffer),
            Socket::Unix(socket) => pin!(socket).poll_read(context, buffer),
        };
        let Some(deadline) = &mut self.deadline else {
            return polled;
        };
        if polled.is_pending() {
            ready!(deadline.as_mut().poll(context));
            tracing::debug!("a connection sent no HTTP/2 preface in time");
            let silent = "no HTTP/2 preface came in time";
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, silent)));
        }
        self.count(buffer.filled().len() - before);
        polled
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match &mut self.socket {
            Socket::Tcp(socket) => pin!(socket).poll_write(context, bytes),
            Socket::Unix(socket) => pin!(socket).poll_write(context, bytes),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.socket {
            Socket::Tcp(socket) => pin!(socket).poll_flush(context),
            Socket::Unix(socket) => pin!(socket).poll_flush(context),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.socket {
            Socket::Tcp(socket) => pin!(socket).poll_shutdown(context),
            Socket::Unix(socket) => pin!(socket).poll_shutdown(context),
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match &mut self.socket {
            Socket::Tcp(socket) => pin!(socket).poll_write_vectored(context, bytes),
            Socket::Unix(socket) => pin!(socket).poll_write_vectored(context, bytes),
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }
}

impl Connected for Connection {
    type ConnectInfo = ();

    fn connect_info(&self) {}
}
