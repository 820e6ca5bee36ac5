//! Whether a daemon serves, as gRPC's own health service tells it.

use tonic::Code;
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};

use crate::{Client, Error};

impl Client {
    /// Whether something serves: the daemon as a whole (the empty name), a service, or a network
    /// (`network/NAME`). `None`: there is nothing of that name. It takes no token.
    ///
    /// # Errors
    ///
    /// A connection that broke.
    pub async fn is_serving(&self, name: &str) -> Result<Option<bool>, Error> {
        let mut health = HealthClient::new(self.channel.clone());
        match health.check(HealthCheckRequest { service: name.to_owned() }).await {
            Ok(answer) => Ok(Some(answer.into_inner().status == i32::from(ServingStatus::Serving))),
            Err(status) if status.code() == Code::NotFound => Ok(None),
            Err(status) => Err(status.into()),
        }
    }
}
