//! The listening socket, TCP or Unix.

use std::{
    fmt, io,
    net::{IpAddr, SocketAddr},
    os::unix::fs::FileTypeExt as _,
    path::{Path, PathBuf},
};

use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio_rustls::server::TlsStream;

use crate::{Listen, StartError};

/// Where the daemon can be reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// TCP, with the port that the system chose if it was left to it.
    Tcp(SocketAddr),
    /// A Unix socket.
    Unix(PathBuf),
}

impl Address {
    /// The TCP address, unless it is a Unix socket.
    #[must_use]
    pub fn tcp(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(address) => Some(*address),
            Self::Unix(_) => None,
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(formatter),
            Self::Unix(path) => write!(formatter, "unix:{}", path.display()),
        }
    }
}

/// A bound socket. A Unix socket's file goes when it is dropped.
#[derive(Debug)]
pub(crate) enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener, PathBuf),
}

/// An accepted socket, with the way that bytes take through it.
#[derive(Debug)]
pub(super) enum Socket {
    Tcp(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
    Unix(UnixStream),
}

impl Listener {
    /// Binds.
    pub(crate) async fn bind(listen: &Listen) -> Result<Self, StartError> {
        let failed = |source| StartError::Listen { address: listen.to_string(), source };
        match listen {
            Listen::Tcp(address) => TcpListener::bind(address).await.map(Self::Tcp).map_err(failed),
            Listen::Unix(path) => {
                make_way(path).await?;
                let listener = UnixListener::bind(path).map_err(failed)?;
                Ok(Self::Unix(listener, path.clone()))
            }
        }
    }

    /// Where it can be reached.
    pub(crate) fn address(&self) -> io::Result<Address> {
        match self {
            Self::Tcp(listener) => listener.local_addr().map(Address::Tcp),
            Self::Unix(_, path) => Ok(Address::Unix(path.clone())),
        }
    }

    /// The next connection, and whom it is from, where that says something.
    pub(super) async fn accept(&self) -> io::Result<(Socket, Option<IpAddr>)> {
        match self {
            Self::Tcp(listener) => {
                let (socket, peer) = listener.accept().await?;
                // The server builder's setting has no effect on sockets that it is handed.
                socket.set_nodelay(true)?;
                Ok((Socket::Tcp(socket), Some(peer.ip())))
            }
            Self::Unix(listener, _) => {
                let (socket, _) = listener.accept().await?;
                Ok((Socket::Unix(socket), None))
            }
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if let Self::Unix(_, path) = self {
            // A file that somebody else has removed is gone as well.
            let _ = std::fs::remove_file(path);
        }
    }
}

/// Removes a socket that nobody listens on, as a daemon that was killed leaves it.
async fn make_way(path: &Path) -> Result<(), StartError> {
    let Ok(found) = std::fs::symlink_metadata(path) else {
        return Ok(());
    };
    let taken = |problem| Err(StartError::SocketTaken { path: path.to_owned(), problem });
    if !found.file_type().is_socket() {
        return taken("a file that is no socket is there");
    }
    if UnixStream::connect(path).await.is_ok() {
        return taken("somebody listens there already");
    }
    std::fs::remove_file(path).map_err(|source| StartError::Listen {
        address: format!("unix:{}", path.display()),
        source,
    })
}
