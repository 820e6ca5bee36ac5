//! What can be asked for, with examples.

mod daemon;
mod files;
mod load;
mod networks;
mod runs;

use std::sync::LazyLock;

use clap::{Parser, Subcommand};

pub(crate) use self::{
    daemon::{
        ConfigArguments, ConfigSources, Credentials, DaemonArguments, HealthcheckArguments, Log,
        ServeArguments, TokenArguments,
    },
    files::{ConvertArguments, InfoArguments},
    load::{CompareArguments, LoadCommand, LoadTestArguments},
    networks::{
        CheckArguments, LoadArguments, NetworkChange, NetworksArguments, NirArguments,
        UnloadArguments, VerifyArguments,
    },
    runs::{
        DemoArguments, Durable, Overloaded, RunArguments, StreamArguments, StreamPace,
        TargetArguments,
    },
};
use crate::{commands::GenerateArguments, sessions::SessionsArguments};

const EXIT_STATUS: &str = "Exit status: 0 done, 1 it failed, 2 used wrongly, 130 interrupted.";

/// The version, and the commit where whoever built it named one (`SPIKED_REVISION`).
static VERSION: LazyLock<String> = LazyLock::new(|| {
    let revision = option_env!("SPIKED_REVISION").filter(|revision| !revision.is_empty());
    let revision = revision.map(|revision| format!(" ({revision})")).unwrap_or_default();
    format!("{}{revision}", env!("CARGO_PKG_VERSION"))
});

/// Spiking networks on live event streams.
#[derive(Debug, Parser)]
#[command(
    name = "spiked",
    version = VERSION.as_str(),
    about,
    arg_required_else_help = true,
    max_term_width = 100,
    after_help = "Examples:
  spiked demo                          see it work, without any file
  spiked info street.raw               what a recording holds
  spiked run motion street.es          a recording through a network
  spiked run brunel --for 10s          a network that needs none
  spiked serve --networks my-networks  a daemon for others

Exit status: 0 done, 1 it failed, 2 used wrongly, 130 interrupted."
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Runs the daemon until it is asked to end.
    Serve(ServeArguments),
    /// Shows what a recording holds.
    Info(InfoArguments),
    /// Sends a recording through a network.
    Run(RunArguments),
    /// Sends what comes in live through a network, from UDP, TCP or standard input.
    Stream(StreamArguments),
    /// Shows a network that sees which way a texture moves; needs no file.
    Demo(DemoArguments),
    /// Lists the networks that can be run, describes one, loads and unloads them.
    Networks(NetworksArguments),
    /// Checks whether a network would run, and what it would cost.
    Check(CheckArguments),
    /// Prints the configuration that `spiked serve` would have, and where each value comes from.
    Config(ConfigArguments),
    /// Makes a token for `spiked serve --tokens`.
    Token(TokenArguments),
    /// Shows a daemon's sessions, and takes, forks, rewinds, watches and closes them.
    Sessions(SessionsArguments),
    /// Asks whether a daemon, or one of its networks, serves.
    Healthcheck(HealthcheckArguments),
    /// Finds the profile under which a NIR file does what a framework recorded.
    Verify(VerifyArguments),
    /// Writes a recording in another format.
    Convert(ConvertArguments),
    /// Loads a daemon with recorded or synthetic streams, and says how it fared.
    Load(Box<LoadTestArguments>),
    /// Makes a recording of a sensor that nobody needs to own.
    Generate(GenerateArguments),
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_arguments_are_well_formed() {
        Arguments::command().debug_assert();
    }
}
