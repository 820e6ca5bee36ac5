//! A connection to a daemon, with the settings that were measured.

use std::time::Duration;

use tonic::{
    metadata::{Ascii, MetadataValue},
    service::interceptor::InterceptedService,
    transport::Endpoint,
};

use crate::{Address, ConnectOptions, Error, OpenOptions, Session, bearer::Wire, tls};

/// Flow-control window of a connection and of one stream \[bytes\].
const CONNECTION_WINDOW: u32 = 4 << 20;
const STREAM_WINDOW: u32 = 1 << 20;
/// h2 writes one frame a system call, so frames are large \[bytes\].
const FRAME_BYTES_MAX: u32 = 256 << 10;
/// Largest message taken from a daemon \[bytes\].
pub(crate) const ANSWER_BYTES_MAX: usize = 16 << 20;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(20);
const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(10);

/// A connection to a daemon. Cloning shares it.
#[derive(Clone, Debug)]
pub struct Client {
    pub(crate) channel: Wire,
    address: Address,
    options: ConnectOptions,
}

impl Client {
    /// Connects to `HOST:PORT`, `http://HOST:PORT`, `https://HOST:PORT` or `unix:/PATH`.
    ///
    /// # Errors
    ///
    /// A text that is no address, nobody there, or somebody whom the system does not trust.
    pub async fn connect(address: &str) -> Result<Self, Error> {
        Self::connect_using(address, ConnectOptions::default()).await
    }

    /// The same, showing a token with every call.
    ///
    /// # Errors
    ///
    /// A text that is no address, a token that cannot be sent, or nobody there. Whether the daemon
    /// knows the token, the first call tells.
    pub async fn connect_with(address: &str, token: &str) -> Result<Self, Error> {
        Self::connect_using(address, ConnectOptions::default().with_token(token)?).await
    }

    /// The same, as the options say.
    ///
    /// # Errors
    ///
    /// A text that is no address, certificates for one that is reached without TLS, nobody there, or
    /// no TLS with whoever is. Whether the daemon takes the client's token and certificate, the
    /// first call tells.
    pub async fn connect_using(address: &str, options: ConnectOptions) -> Result<Self, Error> {
        Self::connect_to(address.parse()?, options).await
    }

    /// A connection of its own to the same daemon, for more streams than one connection may have.
    ///
    /// # Errors
    ///
    /// Nobody there any more, or somebody whom the system does not trust.
    pub async fn reconnect(&self) -> Result<Self, Error> {
        Self::connect_to(self.address.clone(), self.options.clone()).await
    }

    /// The same by another address, for example that of a relay, with the same credentials.
    ///
    /// # Errors
    ///
    /// A text that is no address, nobody there, or somebody whom the system does not trust.
    pub async fn reconnect_by(&self, address: &str) -> Result<Self, Error> {
        Self::connect_to(address.parse()?, self.options.clone()).await
    }

    /// The same to the daemon of a name, where several are behind the address.
    pub(crate) async fn reconnect_to(
        &self,
        daemon: Option<&MetadataValue<Ascii>>,
    ) -> Result<Self, Error> {
        let options = match daemon {
            Some(daemon) => self.options.clone().for_daemon(Some(daemon.clone())),
            None => self.options.clone(),
        };
        Self::connect_to(self.address.clone(), options).await
    }

    async fn connect_to(address: Address, options: ConnectOptions) -> Result<Self, Error> {
        match endpoint(&address, &options)?.connect().await {
            Ok(channel) => {
                let channel = InterceptedService::new(channel, options.bearer.clone());
                Ok(Self { channel, address, options })
            }
            Err(source) => Err(match tls::problem_below(&source) {
                Some(problem) => Error::Tls { problem },
                // What is no failure of the system's happened after somebody had answered.
                None if address.is_tls() && !tls::is_systems(&source) => {
                    Error::Tls { problem: tls::deepest(&source) }
                }
                None => Error::Unreachable { address, source },
            }),
        }
    }

    /// Where it is connected to.
    #[must_use]
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Opens or rejoins a session on a stream of its own.
    ///
    /// # Errors
    ///
    /// What the daemon refuses about the options, with its reason, or a connection that broke.
    pub async fn open(&self, options: OpenOptions) -> Result<Session, Error> {
        Session::open(self, &options).await
    }
}

fn endpoint(address: &Address, options: &ConnectOptions) -> Result<Endpoint, Error> {
    let refused = |_| Error::Address { address: address.to_string() };
    let endpoint = Endpoint::from_shared(address.uri().to_owned()).map_err(refused)?;
    let endpoint = endpoint
        .connect_timeout(CONNECT_TIMEOUT)
        .tcp_nodelay(true)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .initial_stream_window_size(STREAM_WINDOW)
        .max_frame_size(FRAME_BYTES_MAX)
        .http2_keep_alive_interval(KEEP_ALIVE_INTERVAL)
        .keep_alive_timeout(KEEP_ALIVE_TIMEOUT);
    if address.is_tls() {
        return endpoint.tls_config(options.tls()).map_err(|error| {
            let problem = tls::problem_below(&error).unwrap_or_else(|| tls::deepest(&error));
            Error::Tls { problem }
        });
    }
    if options.needs_tls() {
        return Err(Error::WithoutTls { address: address.clone() });
    }
    Ok(endpoint)
}
