//! The way to a daemon: a running one, or one started inside this process, over loopback.

use std::{
    net::Ipv4Addr,
    path::PathBuf,
    thread::{self, JoinHandle},
};

use spiked_client::Client;
use spiked_server::{Config, Daemon, Listen};
use tokio::sync::oneshot;

use crate::{args::DaemonArguments, credentials::connect, failure::Failure, runtime};

/// A connection to a daemon, and the daemon if it is our own.
pub(crate) struct Link {
    pub(crate) client: Client,
    daemon: Option<OwnDaemon>,
}

impl Link {
    /// Connects to the daemon that the arguments name, or starts one.
    pub(crate) async fn open(arguments: &DaemonArguments) -> Result<Self, Failure> {
        if let Some(address) = &arguments.address {
            let client = connect(address, &arguments.credentials).await?;
            return Ok(Self { client, daemon: None });
        }
        let (daemon, address) = OwnDaemon::start(arguments.networks.clone()).await?;
        Ok(Self { client: Client::connect(&address).await?, daemon: Some(daemon) })
    }

    /// Hangs up, and ends the daemon if it is our own.
    pub(crate) async fn close(self) -> Result<(), Failure> {
        let Self { client, daemon } = self;
        drop(client);
        match daemon {
            Some(daemon) => daemon.end().await,
            None => Ok(()),
        }
    }
}

/// A daemon on a thread of its own, with a runtime of its own.
struct OwnDaemon {
    stop: oneshot::Sender<()>,
    ended: oneshot::Receiver<Result<(), Failure>>,
    thread: JoinHandle<()>,
}

impl OwnDaemon {
    async fn start(networks: Option<PathBuf>) -> Result<(Self, String), Failure> {
        let (stop, stopped) = oneshot::channel();
        let (bound, address) = oneshot::channel();
        let (end, ended) = oneshot::channel();
        // Any free port of this machine, for this machine only.
        let listen = Listen::Tcp((Ipv4Addr::LOCALHOST, 0).into());
        let config = Config { listen, networks, ..Config::default() };
        let spawned = thread::Builder::new().name("spiked-daemon".into()).spawn(move || {
            // Nobody waits for the result where the command has ended already.
            let _ = end.send(serve(config, bound, stopped));
        });
        let thread = spawned.map_err(Failure::failed)?;
        match address.await {
            Ok(address) => Ok((Self { stop, ended, thread }, address)),
            // The daemon ended without listening, and says why.
            Err(_) => match ended.await {
                Ok(Err(failure)) => Err(failure),
                _ => Err(Failure::failed("the daemon inside this process did not start")),
            },
        }
    }

    async fn end(self) -> Result<(), Failure> {
        // It may have failed by itself; then its result says so.
        let _ = self.stop.send(());
        let result = self.ended.await;
        let joined = self.thread.join();
        match (result, joined) {
            (Ok(result), Ok(())) => result,
            _ => Err(Failure::failed("the daemon inside this process broke down")),
        }
    }
}

fn serve(
    config: Config,
    bound: oneshot::Sender<String>,
    stopped: oneshot::Receiver<()>,
) -> Result<(), Failure> {
    let runtime = runtime::one_thread().map_err(Failure::failed)?;
    runtime.block_on(async {
        let daemon = Daemon::bind(config).await.map_err(Failure::failed)?;
        if bound.send(daemon.local_address().to_string()).is_err() {
            return Ok(());
        }
        let stop = async {
            // A command that ended early hangs up, which is as good as a word.
            let _ = stopped.await;
        };
        daemon.serve(stop).await.map_err(Failure::failed)
    })
}
