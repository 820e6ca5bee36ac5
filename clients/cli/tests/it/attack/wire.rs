//! The socket of a peer, with TLS or without, and the way to a daemon.

use std::{
    fs,
    io::{self, Read as _, Write as _},
    net::{Shutdown, TcpStream},
    sync::{Arc, Mutex},
    time::Duration,
};

use rustls::{ClientConfig, ClientConnection, pki_types::ServerName};
use spiked_client::{Client, ConnectOptions, Error};

/// A write that makes no way for so long gives up: the daemon reads no more.
const WRITE_PATIENCE: Duration = Duration::from_secs(2);

/// What bytes of HTTP/2 go through. One thread reads, another writes.
pub(super) trait Wire: Send + Sync {
    fn write(&self, bytes: &[u8]) -> io::Result<()>;
    /// Waits for bytes; none at the end.
    fn read(&self, bytes: &mut [u8]) -> io::Result<usize>;
    /// Ends reading and writing.
    fn close(&self);
    /// Bytes that the daemon has written and nobody has read, in its send queue and in ours to be read.
    fn unread(&self) -> u64;
}

impl Wire for TcpStream {
    fn write(&self, bytes: &[u8]) -> io::Result<()> {
        (&mut &*self).write_all(bytes)
    }

    fn read(&self, bytes: &mut [u8]) -> io::Result<usize> {
        (&mut &*self).read(bytes)
    }

    fn close(&self) {
        // One that is closed already is closed.
        let _ = self.shutdown(Shutdown::Both);
    }

    fn unread(&self) -> u64 {
        let port = format!(":{:04X}", self.local_addr().expect("a socket").port());
        let table = fs::read_to_string("/proc/net/tcp").expect("Linux tells");
        // Both ends of the connection are on this machine.
        let queues = table.lines().filter_map(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            let (local, remote) = (words.get(1)?, words.get(2)?);
            let (sent, received) = words.get(4)?.split_once(':')?;
            let waiting = match () {
                () if local.ends_with(&port) => received,
                () if remote.ends_with(&port) => sent,
                () => return None,
            };
            u64::from_str_radix(waiting, 16).ok()
        });
        queues.sum()
    }
}

/// A socket with TLS. Its reader waits without the lock.
struct Secured {
    socket: TcpStream,
    tls: Mutex<ClientConnection>,
}

impl Secured {
    fn shake_hands(mut socket: TcpStream, config: Arc<ClientConfig>) -> io::Result<Self> {
        let name = ServerName::try_from("127.0.0.1").expect("an address");
        let mut tls = ClientConnection::new(config, name).map_err(io::Error::other)?;
        while tls.is_handshaking() {
            tls.complete_io(&mut socket)?;
        }
        Ok(Self { socket, tls: Mutex::new(tls) })
    }
}

impl Wire for Secured {
    fn write(&self, bytes: &[u8]) -> io::Result<()> {
        let mut tls = self.tls.lock().expect("no panic");
        // Records before they are sent have a bound of their own.
        for piece in bytes.chunks(16 << 10) {
            tls.writer().write_all(piece)?;
            while tls.wants_write() {
                tls.write_tls(&mut &self.socket)?;
            }
        }
        Ok(())
    }

    fn read(&self, bytes: &mut [u8]) -> io::Result<usize> {
        let mut sealed = vec![0; bytes.len() / 2];
        loop {
            let mut tls = self.tls.lock().expect("no panic");
            match tls.reader().read(bytes) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                read => return read,
            }
            drop(tls);
            let count = (&mut &self.socket).read(&mut sealed)?;
            if count == 0 {
                return Ok(0);
            }
            let (mut sealed, mut opened) = (&sealed[..count], 0);
            let mut tls = self.tls.lock().expect("no panic");
            while !sealed.is_empty() {
                tls.read_tls(&mut sealed)?;
                let state = tls.process_new_packets().map_err(io::Error::other)?;
                // At once: rustls takes no more while 16 KiB lie there.
                let room = state.plaintext_bytes_to_read().min(bytes.len() - opened);
                tls.reader().read_exact(&mut bytes[opened..opened + room])?;
                opened += room;
            }
            if opened > 0 {
                return Ok(opened);
            }
        }
    }

    fn close(&self) {
        self.socket.close();
    }

    fn unread(&self) -> u64 {
        self.socket.unread()
    }
}

/// How a daemon is reached.
#[derive(Clone)]
pub(crate) struct Way {
    /// ADDRESS:PORT
    pub(super) address: String,
    tls: Option<(Arc<ClientConfig>, ConnectOptions)>,
}

impl From<&str> for Way {
    fn from(address: &str) -> Self {
        Self { address: address.to_owned(), tls: None }
    }
}

impl From<&String> for Way {
    fn from(address: &String) -> Self {
        address.as_str().into()
    }
}

impl From<&Self> for Way {
    fn from(way: &Self) -> Self {
        way.clone()
    }
}

impl Way {
    /// With TLS, for peers and for clients.
    pub(super) fn secured(address: &str, config: ClientConfig, options: ConnectOptions) -> Self {
        Self { tls: Some((Arc::new(config), options)), ..address.into() }
    }

    /// A socket on which HTTP/2 may begin.
    pub(super) fn wire(&self) -> Arc<dyn Wire> {
        let socket = TcpStream::connect(&self.address).expect("the daemon listens");
        socket.set_nodelay(true).expect("a socket");
        socket.set_write_timeout(Some(WRITE_PATIENCE)).expect("a socket");
        match &self.tls {
            Some((config, _)) => {
                Arc::new(Secured::shake_hands(socket, config.clone()).expect("both agree"))
            }
            None => Arc::new(socket),
        }
    }

    pub(super) async fn client(&self) -> Result<Client, Error> {
        match &self.tls {
            Some((_, options)) => {
                let address = format!("https://{}", self.address);
                Client::connect_using(&address, options.clone()).await
            }
            None => Client::connect(&self.address).await,
        }
    }
}
