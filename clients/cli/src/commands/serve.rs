//! `spiked serve`: the daemon, until it is asked to end.

use spiked_server::{
    Config, Daemon, StartError, shutdown,
    telemetry::{self, Format},
};

use crate::{
    args::{Log, ServeArguments},
    failure::Failure,
    terminal,
};

/// What the log holds.
const LOGGED: &str = "info";

/// Serves; says on standard output where, once it does.
pub(crate) async fn serve(arguments: ServeArguments) -> Result<(), Failure> {
    let default = Config::default();
    let config = Config {
        listen: arguments.listen.parse().map_err(refused)?,
        networks: arguments.networks,
        data: arguments.data,
        simulation_threads: arguments.threads.map_or(default.simulation_threads, usize::from),
        insecure: arguments.insecure,
        ..default
    };
    let format = match arguments.log {
        Log::Text => Format::Text,
        Log::Json => Format::Json,
    };
    telemetry::init(format, LOGGED).map_err(Failure::failed)?;
    // From here on a signal is a wish, also one that comes right after the line below.
    let asked = shutdown::signalled().map_err(Failure::failed)?;
    let daemon = Daemon::bind(config).await.map_err(refused)?;
    terminal::print(&format!("spiked listens on {}\n", daemon.local_address()))?;
    daemon.serve(asked).await.map_err(Failure::failed)
}

/// What another argument would have avoided was used wrongly.
fn refused(error: StartError) -> Failure {
    match error {
        StartError::Setting { .. } | StartError::Exposed { .. } => Failure::used_wrongly(error),
        error => Failure::failed(error),
    }
}
