//! Authorities that sign certificates, for tests of TLS.

use std::path::{Path, PathBuf};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};

use crate::files::put;

/// All files are of this length, so that one can be put in another's place unseen.
const FILE_BYTES: usize = 1 << 10;

/// Somebody who signs.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    /// Its own certificate.
    pub(crate) pem: String,
}

/// A certificate and its key.
pub(crate) struct Signed {
    pub(crate) pem: String,
    pub(crate) key_pem: String,
}

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let mut params = CertificateParams::new([]).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().expect("a key");
        let pem = padded(params.self_signed(&key).expect("signed").pem());
        Self { issuer: Issuer::new(params, key), pem }
    }

    /// A certificate for a name or an address.
    pub(crate) fn sign(&self, name: &str) -> Signed {
        let params = CertificateParams::new([name.to_owned()]).expect("a name");
        let key = KeyPair::generate().expect("a key");
        let pem = padded(params.signed_by(&key, &self.issuer).expect("signed").pem());
        Signed { pem, key_pem: padded(key.serialize_pem()) }
    }

    /// Writes its own certificate.
    pub(crate) fn write(&self, file: PathBuf) -> String {
        put(&file, &self.pem);
        plain(&file)
    }
}

impl Signed {
    /// Writes `NAME.pem` and `NAME.key`; gives both paths.
    pub(crate) fn write(&self, folder: &Path, name: &str) -> [String; 2] {
        let files = [folder.join(format!("{name}.pem")), folder.join(format!("{name}.key"))];
        put(&files[0], &self.pem);
        put(&files[1], &self.key_pem);
        files.map(|file| plain(&file))
    }
}

fn plain(file: &Path) -> String {
    file.to_str().expect("plain").to_owned()
}

fn padded(mut pem: String) -> String {
    assert!(pem.len() <= FILE_BYTES, "{} bytes", pem.len());
    while pem.len() < FILE_BYTES {
        pem.push('\n');
    }
    pem
}
