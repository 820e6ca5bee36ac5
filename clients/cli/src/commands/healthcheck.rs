//! `spiked healthcheck`: whether a daemon, or one of its networks, serves; for those who look after it.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

use spiked_server::{Config, Listen};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use super::serve;
use crate::{args::HealthcheckArguments, credentials::connect, failure::Failure, terminal};

/// For all of it, so that whoever asks every few seconds never has two of them.
const PATIENCE: Duration = Duration::from_secs(3);
/// What is read of an answer over HTTP \[bytes\].
const ANSWER_BYTES_MAX: u64 = 4 << 10;

/// One line, and a status of 0 or 1: Docker knows no others.
pub(crate) async fn healthcheck(arguments: HealthcheckArguments) -> Result<(), Failure> {
    let whom = Whom::of(&arguments).map_err(Failure::unhealthy)?;
    let late = |_| Failure::failed(format!("{} said nothing within {PATIENCE:?}", whom.address()));
    match &whom {
        Whom::Metrics(address) => timeout(PATIENCE, is_ready(*address)).await.map_err(late)?,
        Whom::Port(address) => {
            timeout(PATIENCE, serves(address, &arguments)).await.map_err(late)?
        }
    }
}

/// Who is asked.
enum Whom {
    /// The port of metrics, over HTTP.
    Metrics(SocketAddr),
    /// The port of the streams, over gRPC.
    Port(String),
}

impl Whom {
    fn of(arguments: &HealthcheckArguments) -> Result<Self, Failure> {
        if let Some(address) = &arguments.address {
            return Ok(Self::Port(address.clone()));
        }
        let effective = serve::sources(&arguments.sources)?;
        let config = effective.config();
        match (config.metrics, &arguments.network) {
            (Some(address), None) => Ok(Self::Metrics(from_here(address))),
            _ => Ok(Self::Port(port(config))),
        }
    }

    fn address(&self) -> String {
        match self {
            Self::Metrics(address) => address.to_string(),
            Self::Port(address) => address.clone(),
        }
    }
}

/// Where the daemon of this configuration takes calls, as a client writes it.
fn port(config: &Config) -> String {
    match &config.listen {
        Listen::Tcp(address) if config.tls_certificate.is_some() => {
            format!("https://{}", from_here(*address))
        }
        Listen::Tcp(address) => from_here(*address).to_string(),
        Listen::Unix(path) => format!("unix:{}", path.display()),
    }
}

/// An address that means all of this machine's is reached over loopback.
fn from_here(address: SocketAddr) -> SocketAddr {
    let loopback: IpAddr = match address {
        SocketAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
        SocketAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
    };
    let ip = if address.ip().is_unspecified() { loopback } else { address.ip() };
    SocketAddr::new(ip, address.port())
}

async fn serves(address: &str, arguments: &HealthcheckArguments) -> Result<(), Failure> {
    let (what, name) = match &arguments.network {
        Some(network) => (format!("network {network:?}"), format!("network/{network}")),
        None => ("daemon".to_owned(), String::new()),
    };
    let asking = async {
        let client = connect(address, &arguments.credentials).await?;
        Ok::<_, Failure>(client.is_serving(&name).await?)
    };
    match asking.await.map_err(Failure::unhealthy)? {
        Some(true) => terminal::print(&format!("the {what} serves\n")),
        Some(false) => Err(Failure::failed(format!("the {what} does not serve"))),
        None => Err(Failure::failed(format!("there is no {what}"))),
    }
}

/// Asks the page that says whether calls are answered.
async fn is_ready(address: SocketAddr) -> Result<(), Failure> {
    let asking = async {
        let mut stream = TcpStream::connect(address).await?;
        let request =
            format!("GET /readyz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut answer = Vec::new();
        stream.take(ANSWER_BYTES_MAX).read_to_end(&mut answer).await?;
        Ok::<_, std::io::Error>(String::from_utf8_lossy(&answer).into_owned())
    };
    let answer = asking.await.map_err(|error| Failure::failed(format!("{address}: {error}")))?;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    match head.split_whitespace().nth(1) {
        Some("200") => terminal::print("the daemon serves\n"),
        Some("503") => {
            Err(Failure::failed(format!("the daemon does not serve: it is {}", body.trim())))
        }
        _ => Err(Failure::failed(format!("{address} is no daemon's port of metrics"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_daemon_is_asked_where_it_can_be_reached_from_here() {
        for (listens, asked) in [
            ("0.0.0.0:7411", "127.0.0.1:7411"),
            ("[::]:7411", "[::1]:7411"),
            ("192.0.2.7:1", "192.0.2.7:1"),
            ("unix:/run/spiked.sock", "unix:/run/spiked.sock"),
        ] {
            let listen = listens.parse().expect("an address");
            assert_eq!(port(&Config { listen, ..Config::default() }), asked);
        }
        let listen = "0.0.0.0:7411".parse().expect("an address");
        let tls_certificate = Some("robot.pem".into());
        let config = Config { listen, tls_certificate, ..Config::default() };
        assert_eq!(port(&config), "https://127.0.0.1:7411");
    }
}
