//! Clients that speak TLS by themselves, step by step.

use std::{io, sync::Arc, time::Duration};

use rustls::{
    ClientConfig, HandshakeKind, RootCertStore, SupportedProtocolVersion,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject as _},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::{sleep, timeout},
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use crate::process::Daemon;

/// HTTP/2's preface and empty settings.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(20);

/// A client that speaks this version alone, perhaps with a certificate.
pub(crate) fn config(
    ca: &[u8],
    identity: Option<(&[u8], &[u8])>,
    version: &'static SupportedProtocolVersion,
) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(ca).expect("an authority")).expect("a sound one");
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[version])
        .expect("a version")
        .with_root_certificates(roots);
    let mut config = match identity {
        Some((pem, key)) => {
            let certificate = CertificateDer::from_pem_slice(pem).expect("a certificate");
            let key = PrivateKeyDer::from_pem_slice(key).expect("a key");
            builder.with_client_auth_cert(vec![certificate], key).expect("both fit")
        }
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = vec![b"h2".to_vec()];
    config
}

async fn shake_hands(
    socket: TcpStream,
    config: impl Into<Arc<ClientConfig>>,
) -> io::Result<TlsStream<TcpStream>> {
    let name = ServerName::try_from("127.0.0.1").expect("an address");
    TlsConnector::from(config.into()).connect(name, socket).await
}

/// Connects and waits for the daemon's first word of HTTP/2.
async fn served(
    daemon: &Daemon,
    config: impl Into<Arc<ClientConfig>>,
) -> io::Result<TlsStream<TcpStream>> {
    let socket = TcpStream::connect(&daemon.address).await?;
    let mut stream = shake_hands(socket, config).await?;
    stream.write_all(PREFACE).await?;
    let mut head = [0; 9];
    stream.read_exact(&mut head).await?;
    assert_eq!(head[3], 4, "its settings come first");
    Ok(stream)
}

/// Whether a client of this kind is served.
pub(super) async fn connect(daemon: &Daemon, config: &ClientConfig) -> io::Result<()> {
    served(daemon, config.clone()).await.map(drop)
}

/// How the two agreed.
pub(super) async fn kind(daemon: &Daemon, config: &Arc<ClientConfig>) -> io::Result<HandshakeKind> {
    let stream = served(daemon, config.clone()).await?;
    Ok(stream.get_ref().1.handshake_kind().expect("it is over"))
}

/// Sends this and waits until the daemon hangs up.
pub(super) async fn closed(address: String, sent: &'static [u8]) {
    let mut socket = TcpStream::connect(address).await.expect("connected");
    socket.write_all(sent).await.expect("sent");
    let mut left = Vec::new();
    let ended = timeout(PATIENCE, socket.read_to_end(&mut left)).await;
    assert!(ended.is_ok(), "still open after {sent:?}");
}

/// Agrees on TLS after a while, says nothing more and waits until the daemon hangs up.
pub(super) async fn late_and_silent(address: String, config: ClientConfig, after: Duration) {
    let socket = TcpStream::connect(address).await.expect("connected");
    sleep(after).await;
    let mut stream = shake_hands(socket, config).await.expect("agreed");
    let mut left = Vec::new();
    let ended = timeout(PATIENCE, stream.read_to_end(&mut left)).await;
    assert!(ended.is_ok(), "still open although it says nothing");
}
