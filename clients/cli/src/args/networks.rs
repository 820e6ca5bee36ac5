//! Networks: what there is, what it costs, and how a file of one is read.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use spiked_client::Geometry;
use spiked_server::networks::nir::Profile;

use super::{Credentials, DaemonArguments};
use crate::run::Span;

#[derive(Args, Debug)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:
  spiked networks
  spiked networks motion --geometry 320x240
  spiked networks --networks my-networks
  spiked networks load my-networks/edges"
)]
pub(crate) struct NetworksArguments {
    #[command(subcommand)]
    pub(crate) change: Option<NetworkChange>,
    /// Describe this one.
    pub(crate) network: Option<String>,
    #[command(flatten)]
    pub(crate) daemon: DaemonArguments,
    /// Size of the sensor, where the network leaves it open.
    #[arg(long, value_name = "WxH")]
    pub(crate) geometry: Option<Geometry>,
    /// The input port of that size.
    #[arg(long, value_name = "NAME", default_value = "camera")]
    pub(crate) port: String,
}

/// What is done to a running daemon's networks.
#[derive(Debug, Subcommand)]
pub(crate) enum NetworkChange {
    /// Makes a network available in a daemon.
    Load(LoadArguments),
    /// Takes a network away from a daemon.
    Unload(UnloadArguments),
}

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  spiked check my-networks/edges
  spiked check my-networks/edges/network.toml --geometry 320x240
  spiked check trained.nir --profile snntorch --step 100us")]
pub(crate) struct CheckArguments {
    /// The path of a network's folder, .toml or .nir file.
    pub(crate) network: PathBuf,
    #[command(flatten)]
    pub(crate) nir: NirArguments,
    #[command(flatten)]
    pub(crate) daemon: DaemonArguments,
    /// Size of the sensor, where the network leaves it open.
    #[arg(long, value_name = "WxH")]
    pub(crate) geometry: Option<Geometry>,
}

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  spiked networks load my-networks/edges --as 2
  spiked networks load trained.nir --profile snntorch --address robot:7411
  spiked networks load edges                    from the daemon's folder (networks_mode = \"explicit\")

Prints the network's name and version. A daemon with a data folder (spiked serve --data) has a network
that was sent to it for good, another one until it ends.")]
pub(crate) struct LoadArguments {
    /// The path of a network's folder, .toml or .nir file; or the name of one in the daemon's folder.
    pub(crate) network: String,
    /// Its version [default: 1; from the daemon's folder, the newest].
    #[arg(long = "as", value_name = "VERSION", default_value = "", hide_default_value = true)]
    pub(crate) version: String,
    #[command(flatten)]
    pub(crate) nir: NirArguments,
    /// The daemon: HOST:PORT, https://HOST:PORT or unix:/PATH.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:7411")]
    pub(crate) address: String,
    #[command(flatten)]
    pub(crate) credentials: Credentials,
}

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  spiked networks unload edges
  spiked networks unload edges 2 --address robot:7411

Live sessions stay on it. Refused where a durable session needs it to come back.")]
pub(crate) struct UnloadArguments {
    /// Its name.
    pub(crate) network: String,
    /// Its version [default: the newest].
    #[arg(default_value = "", hide_default_value = true)]
    pub(crate) version: String,
    /// The daemon: HOST:PORT, https://HOST:PORT or unix:/PATH.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:7411")]
    pub(crate) address: String,
    #[command(flatten)]
    pub(crate) credentials: Credentials,
}

/// How a .nir file is read.
#[derive(Args, Clone, Copy, Debug, Default)]
pub(crate) struct NirArguments {
    /// How a .nir file is read: exact-pulse, exact-dirac, euler, norse, snntorch,
    /// snntorch-subtract or sinabs.
    #[arg(long, value_name = "NAME")]
    pub(crate) profile: Option<Profile>,
    /// Length of a .nir file's step [default: 100us].
    #[arg(long, value_name = "TIME", requires = "profile")]
    pub(crate) step: Option<Span>,
}

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  spiked verify trained.nir --io recorded.npz
  spiked verify trained.nir --io recorded.npz --profile snntorch --step 100us --json

The .npz file holds `input` and `spikes` as [step, unit], and may hold `hidden_spikes` and the length
of a step in seconds, `dt`. Where no profile reproduces the spikes, the nearest one's first difference
is shown.

Exit status: 0 a profile reproduces them, 1 none does, 2 used wrongly.")]
pub(crate) struct VerifyArguments {
    /// The network.
    pub(crate) file: PathBuf,
    /// What the framework recorded.
    #[arg(long, value_name = "IO.npz")]
    pub(crate) io: PathBuf,
    /// Try this profile only.
    #[arg(long, value_name = "NAME")]
    pub(crate) profile: Option<Profile>,
    /// Length of a step [default: the recording's dt, else 100us].
    #[arg(long, value_name = "TIME")]
    pub(crate) step: Option<Span>,
    /// One JSON object instead of lines.
    #[arg(long)]
    pub(crate) json: bool,
}
