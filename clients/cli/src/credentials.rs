//! Being let in by a daemon that runs, and knowing it: files and variables.
//!
//! Files of certificates that a variable names are for daemons that are reached by TLS; for others
//! they are left alone. A flag is meant for the daemon at hand, so there it is a mistake.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use spiked_client::{Address, Client, ConnectOptions};

use crate::{args::Credentials, failure::Failure};

/// Connects to a running daemon.
pub(crate) async fn connect(address: &str, credentials: &Credentials) -> Result<Client, Failure> {
    let Credentials { token_file, ca, certificate, key } = credentials;
    let is_tls = address.parse::<Address>()?.is_tls();
    let file = |flag: &Option<PathBuf>, variable: &str| {
        let named = || variable_of(variable).filter(|_| is_tls).map(PathBuf::from);
        flag.clone().or_else(named)
    };
    let mut options = ConnectOptions::default();
    let token = match token_file {
        Some(file) => Some(String::from_utf8_lossy(&read(file)?).into_owned()),
        None => variable_of("SPIKED_TOKEN"),
    };
    if let Some(token) = token {
        options = options.with_token(&token)?;
    }
    if let Some(ca) = file(ca, "SPIKED_CA") {
        options = options.with_ca(&read(&ca)?).map_err(|error| in_file(&ca, error))?;
    }
    match (file(certificate, "SPIKED_CERTIFICATE"), file(key, "SPIKED_KEY")) {
        (Some(certificate), Some(key)) => {
            let (pem, key_pem) = (read(&certificate)?, read(&key)?);
            let files = format!("{}, {}", certificate.display(), key.display());
            options = options
                .with_certificate(&pem, &key_pem)
                .map_err(|error| in_file(Path::new(&files), error))?;
        }
        (None, None) => {}
        (Some(_), None) => return Err(alone("--certificate", "--key")),
        (None, Some(_)) => return Err(alone("--key", "--certificate")),
    }
    Ok(Client::connect_using(address, options).await?)
}

fn variable_of(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

fn read(file: &Path) -> Result<Vec<u8>, Failure> {
    fs::read(file).map_err(|error| Failure::used_wrongly(format!("{}: {error}", file.display())))
}

fn in_file(file: &Path, error: spiked_client::Error) -> Failure {
    Failure::used_wrongly(format!("{}: {error}", file.display()))
}

fn alone(given: &str, missing: &str) -> Failure {
    Failure::used_wrongly(format!("{given} FILE needs {missing} FILE"))
}
