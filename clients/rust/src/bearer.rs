//! What a client shows with every call: its token, and which of several daemons it wants.

use tonic::{
    Request, Status,
    metadata::{Ascii, MetadataValue},
    service::{Interceptor, interceptor::InterceptedService},
    transport::Channel,
};

use crate::Error;

/// A connection whose calls carry the token.
pub(crate) type Wire = InterceptedService<Channel, Bearer>;

/// What carries the name of a daemon, in requests and in answers.
pub(crate) const DAEMON: &str = "spiked-daemon";

/// A token, or none. It is marked as a secret, so that no debug output shows it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Bearer {
    token: Option<MetadataValue<Ascii>>,
    daemon: Option<MetadataValue<Ascii>>,
}

impl Bearer {
    /// The same with a token.
    pub(crate) fn with_token(self, token: &str) -> Result<Self, Error> {
        let value = format!("Bearer {}", token.trim());
        let mut value: MetadataValue<Ascii> = value.parse().map_err(|_| Error::Token)?;
        value.set_sensitive(true);
        Ok(Self { token: Some(value), ..self })
    }

    /// The same for one daemon of several, or for any.
    pub(crate) fn with_daemon(self, daemon: Option<MetadataValue<Ascii>>) -> Self {
        Self { daemon, ..self }
    }
}

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(token) = &self.token {
            request.metadata_mut().insert("authorization", token.clone());
        }
        if let Some(daemon) = &self.daemon {
            request.metadata_mut().insert(DAEMON, daemon.clone());
        }
        Ok(request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_sent_and_never_shown() {
        let mut bearer = Bearer::default().with_token("secret\n").unwrap();
        assert!(!format!("{bearer:?}").contains("secret"), "{bearer:?}");
        let request = bearer.call(Request::new(())).unwrap();
        assert_eq!(request.metadata().get("authorization").unwrap(), "Bearer secret");
        assert!(matches!(Bearer::default().with_token("a\nb"), Err(Error::Token)));
    }
}
