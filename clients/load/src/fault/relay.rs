//! A relay between a client and the daemon, on this machine, that breaks connections when told to: not
//! in order, but by a reset, as when a cable is cut and the other side forgets.

use std::{
    net::Ipv4Addr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use spiked_client::Address;
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    task::{AbortHandle, JoinHandle},
};

use crate::Error;

/// Passes bytes on until it is told to break.
#[derive(Debug)]
pub(crate) struct Relay {
    address: String,
    carried: Carried,
    listening: JoinHandle<()>,
}

type Carried = Arc<Mutex<Vec<AbortHandle>>>;

impl Relay {
    /// Listens on a port of its own.
    pub(crate) async fn to(daemon: &Address) -> Result<Self, Error> {
        let daemon = daemon.to_string();
        if daemon.contains("://") || daemon.starts_with("unix:") {
            return Err(Error::NoRelay { address: daemon });
        }
        let failed = |source| Error::System { what: "a relay cannot listen", source };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?.to_string();
        let carried = Carried::default();
        let listening = tokio::spawn(listen(listener, daemon, Arc::clone(&carried)));
        Ok(Self { address, carried, listening })
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Breaks every connection; says how many there were.
    pub(crate) fn break_all(&self) -> u64 {
        let mut carried = lock(&self.carried);
        let going = carried.drain(..).filter(|carried| !carried.is_finished());
        going.map(|carried| carried.abort()).count() as u64
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.listening.abort();
        self.break_all();
    }
}

async fn listen(listener: TcpListener, daemon: String, carried: Carried) {
    // Without file descriptors there are no connections either: whoever wants one is told.
    while let Ok((client, _)) = listener.accept().await {
        let daemon = daemon.clone();
        let carrying = tokio::spawn(async move {
            if let Ok(daemon) = TcpStream::connect(daemon).await {
                // How it ended is what both sides see.
                let _ = carry(client, daemon).await;
            }
        });
        lock(&carried).push(carrying.abort_handle());
    }
}

async fn carry(client: TcpStream, daemon: TcpStream) -> std::io::Result<()> {
    client.set_nodelay(true)?;
    daemon.set_nodelay(true)?;
    let mut both = Both { client, daemon, is_over: false };
    copy_bidirectional(&mut both.client, &mut both.daemon).await?;
    both.is_over = true;
    Ok(())
}

/// Two connections that are one. Where they are not over when they go, both are reset.
struct Both {
    client: TcpStream,
    daemon: TcpStream,
    is_over: bool,
}

impl Drop for Both {
    fn drop(&mut self) {
        if !self.is_over {
            // One that is gone already needs no reset.
            let _ = self.client.set_zero_linger();
            let _ = self.daemon.set_zero_linger();
        }
    }
}

fn lock(carried: &Carried) -> MutexGuard<'_, Vec<AbortHandle>> {
    carried.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    #[tokio::test]
    async fn passes_on_and_then_resets_both_sides() {
        let daemon = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let address = daemon.local_addr().expect("an address").to_string();
        let relay = Relay::to(&address.parse().expect("an address")).await.expect("it listens");
        let mut client = TcpStream::connect(relay.address()).await.expect("it listens");
        client.write_all(b"over").await.expect("written");
        let (mut carried, _) = daemon.accept().await.expect("it connects");
        let mut there = [0; 4];
        carried.read_exact(&mut there).await.expect("carried");
        assert_eq!(&there, b"over");
        assert_eq!(relay.break_all(), 1);
        for side in [&mut client, &mut carried] {
            let broken = side.read(&mut there).await.expect_err("it was reset");
            assert_eq!(broken.kind(), ErrorKind::ConnectionReset);
        }
        assert_eq!(relay.break_all(), 0);
    }
}
