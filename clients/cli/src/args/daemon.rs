//! The daemon: how it is started and configured, and how it is reached.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use spiked_server::Scope;

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  spiked serve
  spiked serve --listen 127.0.0.1:0 --networks my-networks --log json
  spiked serve --listen unix:/run/spiked.sock --data /var/lib/spiked
  spiked serve --listen 0.0.0.0:7411 --tls-certificate robot.pem --tls-key robot.key
  spiked serve --config spiked.toml --set limits.sessions=64

Settings come from the file, then from the environment (SPIKED_LIMITS_SESSIONS=64), then from flags;
the later ones win. `spiked config` prints all of them.

One line on standard output says where it listens, once it does, and a second one where metrics are,
if they are; with log.output=stdout the log says it instead. SIGTERM and Ctrl-C end it cleanly, with status 0. Tokens and certificates are read again
when their files change, and on SIGHUP.")]
pub(crate) struct ServeArguments {
    #[command(flatten)]
    pub(crate) sources: ConfigSources,
    /// Where to listen: HOST:PORT or unix:/PATH; port 0 takes any that is free
    /// [default: 127.0.0.1:7411].
    #[arg(long, value_name = "ADDR")]
    pub(crate) listen: Option<String>,
    /// A folder of networks, one folder each, beside those that come along.
    #[arg(long, value_name = "DIR")]
    pub(crate) networks: Option<PathBuf>,
    /// A folder for durable sessions and snapshots; without one both end with the daemon.
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// A file of bearer tokens; without one whoever connects may do everything.
    #[arg(long, value_name = "FILE")]
    pub(crate) tokens: Option<PathBuf>,
    /// A file of the daemon's certificate, as PEM, with those up to its authority; clients then
    /// connect to https://HOST:PORT.
    #[arg(long, value_name = "FILE")]
    pub(crate) tls_certificate: Option<PathBuf>,
    /// A file of that certificate's key, as PEM.
    #[arg(long, value_name = "FILE")]
    pub(crate) tls_key: Option<PathBuf>,
    /// A file of authorities, as PEM; clients must then show a certificate of theirs.
    #[arg(long, value_name = "FILE")]
    pub(crate) tls_client_ca: Option<PathBuf>,
    /// Where to serve metrics and health over HTTP: HOST:PORT [default: nowhere].
    #[arg(long, value_name = "ADDR")]
    pub(crate) metrics: Option<String>,
    /// Serve metrics beyond this machine, to whoever asks.
    #[arg(long)]
    pub(crate) metrics_insecure: bool,
    /// Simulation threads [default: one per core].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=64))]
    pub(crate) threads: Option<u16>,
    /// How the log on standard error is written [default: text].
    #[arg(long, value_enum)]
    pub(crate) log: Option<Log>,
    /// Listen beyond this machine without TLS, although everybody there could then use the daemon.
    #[arg(long)]
    pub(crate) insecure: bool,
    /// End also when standard input ends, as it does with the program that holds its other end.
    #[arg(long)]
    pub(crate) until_stdin_ends: bool,
}

/// Where settings come from besides a command's own flags.
#[derive(Args, Debug)]
pub(crate) struct ConfigSources {
    /// A TOML file of settings.
    #[arg(long, value_name = "FILE", env = "SPIKED_CONFIG")]
    pub(crate) config: Option<PathBuf>,
    /// One setting by its name; may be given several times.
    #[arg(long, value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
}

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  spiked config
  spiked config --config spiked.toml --set limits.sessions=64
  spiked config > spiked.toml          a file with every setting, to be changed")]
pub(crate) struct ConfigArguments {
    #[command(flatten)]
    pub(crate) sources: ConfigSources,
}

/// How a log is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Log {
    /// Lines for people.
    Text,
    /// One JSON object a line.
    Json,
}

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  spiked token --name robot --tenant lab --scope stream --scope read

The first line is the token, which is for the client (SPIKED_TOKEN, or --token-file) and kept
nowhere. Behind it stands the entry for the daemon's file (spiked serve --tokens FILE).")]
pub(crate) struct TokenArguments {
    /// What the token is called in the file and in refusals.
    #[arg(long, value_name = "NAME", default_value = "token")]
    pub(crate) name: String,
    /// Whose sessions it opens and sees.
    #[arg(long, value_name = "NAME", default_value = "local")]
    pub(crate) tenant: String,
    /// What it allows: read, stream or admin; may be given several times [default: read and
    /// stream].
    #[arg(long = "scope", value_name = "SCOPE")]
    pub(crate) scopes: Vec<Scope>,
}

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  spiked healthcheck
  spiked healthcheck --address unix:/run/spiked.sock --network motion
  SPIKED_METRICS=127.0.0.1:9464 spiked healthcheck

Without --address it asks the daemon that the file and the environment describe: whether it is ready,
on its port of metrics where it has one, which takes neither certificate nor token; else over gRPC.

One line says what it is; the exit status is 0 if it serves, and 1 if not, or if nothing is heard
within 3 s. It takes no token.")]
pub(crate) struct HealthcheckArguments {
    /// The daemon: HOST:PORT, https://HOST:PORT or unix:/PATH [default: the one that is configured
    /// here].
    #[arg(long, value_name = "ADDR")]
    pub(crate) address: Option<String>,
    #[command(flatten)]
    pub(crate) sources: ConfigSources,
    /// One of its networks, instead of the daemon.
    #[arg(long, value_name = "NAME")]
    pub(crate) network: Option<String>,
    #[command(flatten)]
    pub(crate) credentials: Credentials,
}

/// How to be let in by a daemon, and how to know it.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct Credentials {
    /// A file that holds the token for the daemon [default: what SPIKED_TOKEN holds].
    #[arg(long, value_name = "FILE", global = true)]
    pub(crate) token_file: Option<PathBuf>,
    /// A file of authorities, as PEM, one of which has signed the daemon's certificate
    /// [default: SPIKED_CA, or those that the system trusts].
    #[arg(long, value_name = "FILE", global = true)]
    pub(crate) ca: Option<PathBuf>,
    /// A file of this client's certificate, as PEM, for a daemon that asks for one
    /// [default: SPIKED_CERTIFICATE].
    #[arg(long, value_name = "FILE", global = true)]
    pub(crate) certificate: Option<PathBuf>,
    /// A file of that certificate's key, as PEM [default: SPIKED_KEY].
    #[arg(long, value_name = "FILE", global = true)]
    pub(crate) key: Option<PathBuf>,
}

/// Which daemon, and which networks it has.
#[derive(Args, Debug)]
pub(crate) struct DaemonArguments {
    /// A running daemon: HOST:PORT, https://HOST:PORT or unix:/PATH [default: one started inside this process].
    #[arg(long, value_name = "ADDR")]
    pub(crate) address: Option<String>,
    #[command(flatten)]
    pub(crate) credentials: Credentials,
    /// A folder of networks for the daemon inside this process.
    #[arg(long, value_name = "DIR", conflicts_with = "address")]
    pub(crate) networks: Option<PathBuf>,
}
