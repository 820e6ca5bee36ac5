//! TLS 1.3: what the daemon shows, whose certificates it asks for, and both anew when files change.
//!
//! Each reading makes a configuration of its own, and with it an empty store of sessions to resume:
//! nothing of an old file opens a new connection. Connections that are open keep what they began
//! with. New files that make no sense leave the old ones in force.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
};

use rustls::{
    RootCertStore, ServerConfig,
    crypto::{CryptoProvider, ring},
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    server::{NoClientAuth, WebPkiClientVerifier, danger::ClientCertVerifier},
    version::TLS13,
};
use tokio_rustls::TlsAcceptor;

use crate::{Config, StartError, config::read_short};

/// The one protocol that is spoken above TLS.
const ALPN_H2: &[u8] = b"h2";

/// The files that TLS needs.
#[derive(Clone, Debug)]
struct Files {
    certificate: PathBuf,
    key: PathBuf,
    client_ca: Option<PathBuf>,
}

/// TLS as the files say it.
pub(crate) struct Tls {
    files: Files,
    config: RwLock<Arc<ServerConfig>>,
}

impl Tls {
    /// Reads the files, if there are any.
    pub(crate) fn open(config: &Config) -> Result<Option<Arc<Self>>, StartError> {
        let (Some(certificate), Some(key)) = (&config.tls_certificate, &config.tls_key) else {
            return Ok(None);
        };
        let files = Files {
            certificate: certificate.clone(),
            key: key.clone(),
            client_ca: config.tls_client_ca.clone(),
        };
        let config = RwLock::new(Arc::new(files.read()?));
        Ok(Some(Arc::new(Self { files, config })))
    }

    /// Takes the handshakes that begin from here on until the files change.
    pub(super) fn acceptor(&self) -> TlsAcceptor {
        // It is replaced as a whole, so a poisoned one is whole.
        let config = self.config.read().unwrap_or_else(PoisonError::into_inner);
        TlsAcceptor::from(config.clone())
    }

    fn reload(&self) -> Result<(), StartError> {
        let config = Arc::new(self.files.read()?);
        *self.config.write().unwrap_or_else(PoisonError::into_inner) = config;
        Ok(())
    }
}

/// Reads the files again when they change and on SIGHUP, for ever.
///
/// # Errors
///
/// Signals that cannot be received.
pub(crate) fn follow(tls: Arc<Tls>) -> Result<impl Future<Output = ()> + use<>, StartError> {
    let Files { certificate, key, client_ca } = tls.files.clone();
    let files = [certificate, key].into_iter().chain(client_ca).collect();
    super::follow::follow(files, move || match tls.reload() {
        Ok(()) => tracing::info!("read the files of TLS"),
        Err(error) => tracing::error!(%error, "the certificates stay as they were"),
    })
}

impl Files {
    fn read(&self) -> Result<ServerConfig, StartError> {
        let provider = Arc::new(ring::default_provider());
        let clients =
            self.client_ca.as_deref().map(|file| verifier(file, &provider)).transpose()?;
        let chain = certificates(&self.certificate)?;
        let builder = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&TLS13])
            .map_err(|error| refused(&self.certificate, error))?;
        let mut config = builder
            .with_client_cert_verifier(clients.unwrap_or_else(|| Arc::new(NoClientAuth)))
            .with_single_cert(chain, key(&self.key)?)
            .map_err(|error| {
                refused(&self.certificate, format!("with {}: {error}", self.key.display()))
            })?;
        config.alpn_protocols = vec![ALPN_H2.to_vec()];
        Ok(config)
    }
}

/// Asks for a certificate of the file's authorities.
fn verifier(
    file: &Path,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ClientCertVerifier>, StartError> {
    let mut roots = RootCertStore::empty();
    for authority in certificates(file)? {
        roots.add(authority).map_err(|error| refused(file, error))?;
    }
    let verifier =
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone()).build();
    let verifier = verifier.map_err(|error| refused(file, error))?;
    Ok(verifier)
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, StartError> {
    let text = read_short(file)?;
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text.as_bytes()).collect();
    let certificates = certificates.map_err(|error| refused(file, error))?;
    if certificates.is_empty() {
        return Err(refused(file, "holds no certificate"));
    }
    Ok(certificates)
}

fn key(file: &Path) -> Result<PrivateKeyDer<'static>, StartError> {
    use rustls::pki_types::pem::Error::NoItemsFound;
    let text = read_short(file)?;
    PrivateKeyDer::from_pem_slice(text.as_bytes()).map_err(|error| match error {
        NoItemsFound => refused(file, "holds no key"),
        error => refused(file, error),
    })
}

fn refused(file: &Path, problem: impl ToString) -> StartError {
    StartError::Config { place: file.display().to_string(), problem: problem.to_string() }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use rcgen::{CertifiedKey, generate_simple_self_signed};

    use super::*;

    fn opened(folder: &Path, with_client_ca: bool) -> Result<Option<Arc<Tls>>, String> {
        let config = Config {
            tls_certificate: Some(folder.join("a.pem")),
            tls_key: Some(folder.join("a.key")),
            tls_client_ca: with_client_ca.then(|| folder.join("ca.pem")),
            ..Config::default()
        };
        Tls::open(&config).map_err(|error| error.to_string())
    }

    #[test]
    fn files_that_make_no_sense_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let put = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        let made = || generate_simple_self_signed(["robot".to_owned()]).unwrap();
        let CertifiedKey { cert, signing_key } = made();
        let refusal = |with_client_ca| opened(folder.path(), with_client_ca).err().unwrap();

        assert!(refusal(false).contains("a.pem: No such file"), "{}", refusal(false));
        put("a.pem", "nothing");
        put("a.key", &made().signing_key.serialize_pem());
        assert!(refusal(false).contains("a.pem: holds no certificate"), "{}", refusal(false));
        put("a.pem", &cert.pem());
        let other = refusal(false);
        assert!(other.contains("a.pem: with ") && other.contains("a.key: "), "{other}");
        assert!(other.contains("KeyMismatch"), "{other}");
        put("a.key", &cert.pem());
        assert!(refusal(false).contains("a.key: holds no key"), "{}", refusal(false));
        put("a.key", &signing_key.serialize_pem());
        assert!(opened(folder.path(), false).unwrap().is_some());
        put("ca.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
        assert!(refusal(true).contains("ca.pem: "), "{}", refusal(true));
        put("ca.pem", &cert.pem());
        assert!(opened(folder.path(), true).unwrap().is_some());
        assert!(Tls::open(&Config::default()).unwrap().is_none());
    }
}
