//! How to connect: with which token, whom to trust, and as whom.

use std::fmt;

use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};
use tonic::{
    metadata::{Ascii, MetadataValue},
    transport::{Certificate, ClientTlsConfig, Identity},
};

use crate::{Error, bearer::Bearer};

/// How to connect. Nothing said: without a token, trusting whom the system trusts, as nobody.
#[derive(Clone, Default)]
pub struct ConnectOptions {
    pub(crate) bearer: Bearer,
    ca: Option<Certificate>,
    identity: Option<Identity>,
}

impl ConnectOptions {
    /// Shows a token with every call.
    ///
    /// # Errors
    ///
    /// A token that cannot be sent.
    pub fn with_token(self, token: &str) -> Result<Self, Error> {
        Ok(Self { bearer: self.bearer.with_token(token)?, ..self })
    }

    /// Asks for one of several daemons behind one address, by the name that [`Session::daemon`] gave.
    ///
    /// # Errors
    ///
    /// A name that cannot be sent.
    ///
    /// [`Session::daemon`]: crate::Session::daemon
    pub fn with_daemon(self, name: &str) -> Result<Self, Error> {
        let name = name.parse().map_err(|_| Error::Daemon { name: name.to_owned() })?;
        Ok(self.for_daemon(Some(name)))
    }

    /// The same for one daemon of several, or for any.
    pub(crate) fn for_daemon(self, daemon: Option<MetadataValue<Ascii>>) -> Self {
        Self { bearer: self.bearer.with_daemon(daemon), ..self }
    }

    /// Trusts these authorities, as PEM, instead of the system's.
    ///
    /// # Errors
    ///
    /// A text without certificates.
    pub fn with_ca(self, pem: &[u8]) -> Result<Self, Error> {
        check_certificates(pem)?;
        Ok(Self { ca: Some(Certificate::from_pem(pem)), ..self })
    }

    /// Shows a certificate, with those up to its authority, to a daemon that asks for one; all as
    /// PEM.
    ///
    /// # Errors
    ///
    /// A text without certificates, or one without a key.
    pub fn with_certificate(self, pem: &[u8], key_pem: &[u8]) -> Result<Self, Error> {
        check_certificates(pem)?;
        if PrivateKeyDer::from_pem_slice(key_pem).is_err() {
            return Err(Error::Pem { what: "key" });
        }
        Ok(Self { identity: Some(Identity::from_pem(pem, key_pem)), ..self })
    }

    /// Whether anything is said that has a meaning only with TLS.
    pub(crate) const fn needs_tls(&self) -> bool {
        self.ca.is_some() || self.identity.is_some()
    }

    pub(crate) fn tls(&self) -> ClientTlsConfig {
        let config = ClientTlsConfig::new();
        let config = match &self.ca {
            Some(ca) => config.ca_certificate(ca.clone()),
            None => config.with_native_roots(),
        };
        match &self.identity {
            Some(identity) => config.identity(identity.clone()),
            None => config,
        }
    }
}

impl fmt::Debug for ConnectOptions {
    /// Without the key.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("ConnectOptions")
            .field("bearer", &self.bearer)
            .field("has_ca", &self.ca.is_some())
            .field("has_certificate", &self.identity.is_some())
            .finish()
    }
}

fn check_certificates(pem: &[u8]) -> Result<(), Error> {
    let mut certificates = CertificateDer::pem_slice_iter(pem).peekable();
    if certificates.peek().is_none() || certificates.any(|certificate| certificate.is_err()) {
        return Err(Error::Pem { what: "certificate" });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use rcgen::{CertifiedKey, generate_simple_self_signed};

    use super::*;

    #[test]
    fn what_is_no_pem_is_refused_and_a_key_is_never_shown() {
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed(["robot".to_owned()]).unwrap();
        let (cert, key) = (cert.pem(), signing_key.serialize_pem());
        let options = ConnectOptions::default;
        let whole = options().with_ca(cert.as_bytes()).unwrap();
        let whole = whole.with_certificate(cert.as_bytes(), key.as_bytes()).unwrap();
        assert!(whole.needs_tls() && !options().needs_tls());
        let shown = format!("{whole:?}");
        let secret = key.lines().nth(1).unwrap();
        assert!(shown.contains("has_certificate: true") && !shown.contains(secret), "{shown}");
        let said = |result: Result<ConnectOptions, Error>| result.unwrap_err().to_string();
        let cut = &cert.as_bytes()[..cert.len() / 2];
        for (error, what) in [
            (said(options().with_ca(b"")), "no certificate"),
            (said(options().with_ca(cut)), "no certificate"),
            (said(options().with_ca(key.as_bytes())), "no certificate"),
            (said(options().with_certificate(cert.as_bytes(), cert.as_bytes())), "no key"),
        ] {
            assert!(error.contains(what), "{error}");
        }
    }
}
