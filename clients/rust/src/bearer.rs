//! The token that a client shows with every call.

use tonic::{
    Request, Status,
    metadata::{Ascii, MetadataValue},
    service::{Interceptor, interceptor::InterceptedService},
    transport::Channel,
};

use crate::Error;

/// A connection whose calls carry the token.
pub(crate) type Wire = InterceptedService<Channel, Bearer>;

/// A token, or none. It is marked as a secret, so that no debug output shows it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Bearer(Option<MetadataValue<Ascii>>);

impl Bearer {
    pub(crate) fn new(token: &str) -> Result<Self, Error> {
        let value = format!("Bearer {}", token.trim());
        let mut value: MetadataValue<Ascii> = value.parse().map_err(|_| Error::Token)?;
        value.set_sensitive(true);
        Ok(Self(Some(value)))
    }
}

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(token) = &self.0 {
            request.metadata_mut().insert("authorization", token.clone());
        }
        Ok(request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_sent_and_never_shown() {
        let mut bearer = Bearer::new("secret\n").unwrap();
        assert!(!format!("{bearer:?}").contains("secret"), "{bearer:?}");
        let request = bearer.call(Request::new(())).unwrap();
        assert_eq!(request.metadata().get("authorization").unwrap(), "Bearer secret");
        assert!(matches!(Bearer::new("a\nb"), Err(Error::Token)));
    }
}
