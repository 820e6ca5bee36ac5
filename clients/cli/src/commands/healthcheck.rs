//! `spiked healthcheck`: whether a daemon, or one of its networks, serves; for those who look after it.

use std::time::Duration;

use tokio::time::timeout;

use crate::{args::HealthcheckArguments, credentials::connect, failure::Failure, terminal};

/// For all of it, so that whoever asks every few seconds never has two of them.
const PATIENCE: Duration = Duration::from_secs(3);

/// One line, and a status of 0 or 1: Docker knows no others.
pub(crate) async fn healthcheck(arguments: HealthcheckArguments) -> Result<(), Failure> {
    let address = &arguments.address;
    let (what, name) = match &arguments.network {
        Some(network) => (format!("network {network:?}"), format!("network/{network}")),
        None => ("daemon".to_owned(), String::new()),
    };
    let asking = async {
        let client = connect(address, &arguments.credentials).await?;
        Ok::<_, Failure>(client.is_serving(&name).await?)
    };
    let late = |_| Failure::failed(format!("{address} said nothing within {PATIENCE:?}"));
    let answer = timeout(PATIENCE, asking).await.map_err(late)?;
    match answer.map_err(Failure::unhealthy)? {
        Some(true) => terminal::print(&format!("the {what} serves\n")),
        Some(false) => Err(Failure::failed(format!("the {what} does not serve"))),
        None => Err(Failure::failed(format!("there is no {what}"))),
    }
}
