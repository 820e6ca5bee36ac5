//! `spiked sessions`: what a daemon runs, and what can be done with it.

mod archive;
mod latencies;
mod parameters;
mod show;
mod watch;
mod weights;

use bytes::Bytes;
use clap::{Args, Subcommand};
use spiked_client::{Client, hex};

use crate::{args::Credentials, credentials::connect, failure::Failure, terminal};

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  spiked sessions                             all sessions of the daemon on this machine
  spiked sessions show left-arm
  spiked sessions snapshot left-arm           prints the snapshot's name
  spiked sessions fork left-arm --as twin     a second session that goes on from here
  spiked sessions rewind left-arm 1f4a…       back to a snapshot; a name may be cut short
  spiked sessions watch left-arm --decisions
  spiked sessions watch left-arm --probe cells:0,7 --every 100 > membranes.csv
  spiked sessions weights left-arm feed > weights.csv
  spiked sessions weights left-arm feed --set weights.csv
  spiked sessions parameters left-arm cells.threshold
  spiked sessions set left-arm cells.threshold -52.5 cells.drive 12
  spiked sessions close left-arm --address unix:/run/spiked.sock
  spiked sessions lying --data /var/lib/spiked
  spiked sessions export left-arm --data /var/lib/spiked left-arm.zip
  spiked sessions import left-arm.zip --data /var/lib/other")]
pub(crate) struct SessionsArguments {
    #[command(subcommand)]
    command: Option<SessionsCommand>,
    /// The daemon: HOST:PORT, https://HOST:PORT or unix:/PATH.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:7411", global = true)]
    address: String,
    #[command(flatten)]
    credentials: Credentials,
}

#[derive(Debug, Subcommand)]
enum SessionsCommand {
    /// Lists all sessions: those that run, and those that rest on disk.
    List,
    /// Says where one session stands.
    Show {
        /// Its id.
        session: String,
    },
    /// Takes a session's whole state; the session goes on.
    Snapshot {
        /// Its id.
        session: String,
    },
    /// Lists the snapshots that are kept.
    Snapshots,
    /// Forgets a snapshot.
    Forget {
        /// Its name, or the beginning of it.
        snapshot: String,
    },
    /// Makes a session from a snapshot.
    Restore {
        /// The snapshot's name, or the beginning of it.
        snapshot: String,
        /// Id of the session [default: the daemon chooses].
        #[arg(long = "as", value_name = "ID", default_value = "", hide_default_value = true)]
        id: String,
        /// Threads to spread it over. No number changes a result.
        #[arg(long, value_name = "N", default_value_t = 1)]
        threads: u32,
    },
    /// Makes a second session that goes on from where one stands.
    Fork {
        /// Id of the one.
        session: String,
        /// Id of the other [default: the daemon chooses].
        #[arg(long = "as", value_name = "ID", default_value = "", hide_default_value = true)]
        id: String,
    },
    /// Takes a session back to a snapshot; its streams end and may be opened again.
    Rewind {
        /// Its id.
        session: String,
        /// The snapshot's name, or the beginning of it.
        snapshot: String,
    },
    /// Ends a session; what lies on disk of it is deleted.
    Close {
        /// Its id.
        session: String,
    },
    /// Prints what a session does, as comma-separated text, without slowing it.
    Watch(watch::WatchArguments),
    /// Prints a projection's weights as comma-separated text, or sets them.
    Weights(weights::WeightsArguments),
    /// Prints a population's parameters as comma-separated text.
    Parameters(parameters::ParametersArguments),
    /// Sets parameters of a population, all at once.
    Set(parameters::SetArguments),
    /// Lists the durable sessions that lie in a data folder, whichever build made them.
    Lying(archive::LyingArguments),
    /// Writes a durable session, with its network, from a data folder into a file; it stays there as well.
    Export(archive::ExportArguments),
    /// Puts such a session into a data folder, where it rests until it is opened.
    Import(archive::ImportArguments),
    /// Says how long a session's batches waited and ran.
    Latencies {
        /// Its id.
        session: String,
    },
}

/// Does what was asked for.
pub(crate) async fn sessions(arguments: SessionsArguments) -> Result<(), Failure> {
    let command = arguments.command.unwrap_or(SessionsCommand::List);
    // These are about a folder, which no daemon may be using.
    match &command {
        SessionsCommand::Lying(arguments) => return archive::list(arguments),
        SessionsCommand::Export(arguments) => return archive::export(arguments),
        SessionsCommand::Import(arguments) => return archive::import(arguments),
        _ => {}
    }
    let client = connect(&arguments.address, &arguments.credentials).await?;
    let text = match command {
        SessionsCommand::Lying(_) | SessionsCommand::Export(_) | SessionsCommand::Import(_) => {
            String::new()
        }
        SessionsCommand::List => show::listed(&client.list_sessions().await?),
        SessionsCommand::Show { session } => show::shown(&find(&client, &session).await?),
        SessionsCommand::Snapshot { session } => {
            hex(&client.snapshot_session(&session).await?.snapshot_sha256) + "\n"
        }
        SessionsCommand::Snapshots => show::snapshots(&client.list_snapshots().await?),
        SessionsCommand::Forget { snapshot } => {
            let name = snapshot_named(&client, &snapshot).await?;
            client.delete_snapshot(name).await?;
            String::new()
        }
        SessionsCommand::Restore { snapshot, id, threads } => {
            let name = snapshot_named(&client, &snapshot).await?;
            let made = client.restore_session_over(name, &id, threads).await?;
            made.session_id + "\n"
        }
        SessionsCommand::Fork { session, id } => {
            client.fork_session(&session, &id).await?.session_id + "\n"
        }
        SessionsCommand::Rewind { session, snapshot } => {
            let name = snapshot_named(&client, &snapshot).await?;
            show::shown(&client.rewind_session(&session, name).await?)
        }
        SessionsCommand::Close { session } => show::shown(&client.close_session(&session).await?),
        SessionsCommand::Watch(arguments) => return watch::watch(&client, &arguments).await,
        SessionsCommand::Weights(arguments) => return weights::weights(&client, &arguments).await,
        SessionsCommand::Parameters(arguments) => {
            return parameters::print(&client, &arguments).await;
        }
        SessionsCommand::Set(arguments) => parameters::set(&client, &arguments).await?,
        SessionsCommand::Latencies { session } => {
            latencies::told(&client.latencies(&session).await?)?
        }
    };
    terminal::print(&text)
}

async fn find(client: &Client, session: &str) -> Result<spiked_client::v1::SessionInfo, Failure> {
    let sessions = client.list_sessions().await?;
    let found = sessions.into_iter().find(|info| info.session_id == session);
    found.ok_or_else(|| Failure::used_wrongly(format!("no session {session:?}")))
}

/// The snapshot whose name begins so, if it is one alone.
async fn snapshot_named(client: &Client, begins: &str) -> Result<Bytes, Failure> {
    let snapshots = client.list_snapshots().await?;
    let wanted = begins.to_ascii_lowercase();
    let mut found =
        snapshots.iter().filter(|known| hex(&known.snapshot_sha256).starts_with(&wanted));
    match (found.next(), found.next()) {
        (Some(one), None) => Ok(one.snapshot_sha256.clone()),
        (None, _) => {
            Err(Failure::used_wrongly(format!("no snapshot's name begins with {begins:?}")))
        }
        (Some(_), Some(_)) => {
            Err(Failure::used_wrongly(format!("several snapshots' names begin with {begins:?}")))
        }
    }
}

/// From when on a change holds.
fn told(applied: &spiked_client::v1::Applied) -> String {
    match applied.at_us {
        Some(at_us) => format!("from tick {} ({at_us} us) on", applied.at_tick),
        None => format!("from tick {} on", applied.at_tick),
    }
}
