//! What stands between the network and the services: TLS, who may connect, how many, how long a
//! connection may stay silent, what requests may hold while they arrive, and who may call what.

mod bodies;
mod caller;
mod connection;
mod ended;
mod flood;
mod follow;
mod fresh;
mod handshake;
mod heads;
mod incoming;
mod layer;
mod limits;
mod listener;
mod message;
mod named;
mod scopes;
mod tls;
mod tokens;
mod turn;
mod watch;
mod writing;

pub(crate) use bodies::Bodies;
pub(crate) use caller::{Caller, tenant};
pub(crate) use ended::Ended;
pub use fresh::FreshToken;
pub(crate) use incoming::incoming;
pub(crate) use layer::Guard;
pub(crate) use limits::Connections;
pub use listener::Address;
pub(crate) use listener::Listener;
pub(crate) use named::Naming;
pub use scopes::Scope;
pub(crate) use tls::{Tls, follow as follow_tls};
pub(crate) use tokens::{Tokens, follow as follow_tokens};

use std::time::Duration;

use tonic::transport::Server;

/// A message that a client may send \[bytes\].
pub(crate) const DECODE_MAX: usize = 1 << 20;

const CONNECTION_WINDOW: u32 = 4 << 20;
const STREAM_WINDOW: u32 = 512 << 10;
const FRAME_MAX: u32 = 256 << 10;
const STREAMS_MAX: u32 = 64;
/// Streams that the client reset before the daemon looked at them.
const PENDING_RESETS_MAX: usize = 20;
/// Streams that the client made the HTTP/2 library reset.
const LOCAL_RESETS_MAX: usize = 64;
const HEADERS_MAX: u32 = 8 << 10;
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(20);
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(10);

/// A server with every bound of HTTP/2 that is off by default, and large frames, which cost a
/// fifth to two fifths less processor time. The windows are explicit: adaptive ones would override
/// them, and a stalled reader holds a stream's window in memory.
pub(crate) fn server() -> Server {
    Server::builder()
        .initial_connection_window_size(CONNECTION_WINDOW)
        .initial_stream_window_size(STREAM_WINDOW)
        .max_frame_size(FRAME_MAX)
        .max_concurrent_streams(STREAMS_MAX)
        .http2_max_pending_accept_reset_streams(Some(PENDING_RESETS_MAX))
        .http2_max_local_error_reset_streams(Some(LOCAL_RESETS_MAX))
        .http2_max_header_list_size(HEADERS_MAX)
        .http2_keepalive_interval(Some(KEEPALIVE_INTERVAL))
        .http2_keepalive_timeout(Some(KEEPALIVE_TIMEOUT))
}
