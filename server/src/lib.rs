//! The spiked daemon, as a library: spiking networks on live event streams, over gRPC.
//!
//! [`Daemon::bind`] takes the port, [`Daemon::serve`] serves until it is asked to end. Both belong
//! on a single-threaded runtime: it carries the network alone, while simulations run on threads of
//! their own, and one thread spends a third less processor time an event than several would.
//!
//! ```
//! use spiked_server::{Config, Daemon};
//!
//! let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
//! runtime.block_on(async {
//!     let config = Config { listen: "127.0.0.1:0".parse()?, ..Config::default() };
//!     let daemon = Daemon::bind(config).await?;
//!     let address = daemon.local_address().clone();
//!     assert!(address.tcp().is_some_and(|address| address.port() > 0));
//!     // Here a client would connect to `address`; this one asks to end at once.
//!     daemon.serve(async {}).await
//! })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod config;
mod cores;
mod error;
mod guard;
pub mod networks;
mod service;
mod session;
pub mod shutdown;
pub mod telemetry;

use std::{io, net::SocketAddr, path::Path, sync::Arc, time::Duration};

use tokio::{select, sync::oneshot, task::JoinSet, time::timeout};

pub use config::{Config, Limits, Listen, NetworksMode};
pub use cores::Cores;
pub use error::StartError;
pub use guard::{Address, FreshToken, Scope};
pub use session::archive;

use crate::{
    guard::{Bodies, Connections, Ended, Guard, Listener, Naming, Tls, Tokens},
    networks::Repository,
    service::{Health, Services},
    session::{
        data::Data,
        journal::{self, Disk, Metered},
        pool::Pool,
        registry::Registry,
    },
    telemetry::{
        calls::Traces,
        http::{self, Pages, Readiness, Stage},
        metrics::Sources,
        process::Process,
    },
};

/// Sees what hostile bytes make a reader hold.
#[cfg(test)]
#[global_allocator]
static MEMORY: spiked_fuzz::Counting = spiked_fuzz::Counting;

/// A daemon whose port is bound.
pub struct Daemon {
    config: Config,
    address: Address,
    listener: Listener,
    repository: Arc<Repository>,
    registry: Arc<Registry>,
    tokens: Arc<Tokens>,
    tls: Option<Arc<Tls>>,
    connections: Arc<Connections>,
    ended: Arc<Ended>,
    readiness: Arc<Readiness>,
    /// Where metrics are served, and what serves them.
    metrics: Option<(SocketAddr, JoinSet<()>)>,
    /// Its threads end with the daemon.
    pool: Pool,
}

impl Daemon {
    /// Checks the configuration, reads the networks, starts the simulation threads and binds the
    /// port.
    ///
    /// # Errors
    ///
    /// The first of these that could not be done, in one line.
    pub async fn bind(config: Config) -> Result<Self, StartError> {
        config.check()?;
        let tokens = Arc::new(Tokens::open(config.tokens.as_deref())?);
        let tls = Tls::open(&config)?;
        let journals = Arc::default();
        let open_data = |path| open_data(path, &journals);
        let data = config.data.as_deref().map(open_data).transpose()?;
        let (networks, mode) = (config.networks.as_deref(), config.networks_mode());
        let mut repository = Repository::bounded(networks, mode, config.limits.plan_bytes)?;
        if let Some(data) = &data {
            let (volume, folder) = data.networks();
            repository.keep_in(volume, folder)?;
            let (volume, folder) = data.running();
            repository.keep_running_in(volume, folder);
        }
        let repository = Arc::new(repository);
        let listener = Listener::bind(&config.listen).await?;
        let address = listener
            .address()
            .map_err(|source| StartError::Listen { address: config.listen.to_string(), source })?;
        let cores = config.simulation_cores.as_ref();
        let pool = Pool::start(config.simulation_threads, config.limits.sessions, cores)
            .map_err(StartError::Threads)?;
        let limits = config.limits.clone();
        let registry = Registry::new(repository.clone(), pool.queue().clone(), data, limits);
        let unusable = |source| unusable(config.data.as_deref(), source);
        let registry = registry.map_err(unusable)?;
        registry.set_quotas(tokens.quotas());
        let Limits { connections, connections_per_address, .. } = config.limits;
        let connections = Connections::new(connections, connections_per_address);
        let ended = Arc::<Ended>::default();
        let readiness = Arc::<Readiness>::default();
        let sources = Sources {
            registry: registry.clone(),
            repository: repository.clone(),
            connections: connections.clone(),
            ended: ended.clone(),
            journals,
            process: Process::starts(),
        };
        let pages = Pages { sources: Arc::new(sources), readiness: readiness.clone() };
        // Before sessions are made again: whoever looks after the daemon sees it recover.
        let metrics = serve_metrics(config.metrics, pages).await?;
        registry.recover().await.map_err(unusable)?;
        Ok(Self {
            config,
            address,
            listener,
            repository,
            registry,
            tokens,
            tls,
            connections,
            ended,
            readiness,
            metrics,
            pool,
        })
    }

    /// Where metrics are served, if they are.
    #[must_use]
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.metrics.as_ref().map(|(address, _)| *address)
    }

    /// Where the daemon can be reached.
    #[must_use]
    pub fn local_address(&self) -> &Address {
        &self.address
    }

    /// Serves until `shutdown` resolves; then lets open sessions finish within the grace period,
    /// ends the others, and returns.
    ///
    /// # Errors
    ///
    /// What made the server as a whole fail; what goes wrong in a session or a connection stays
    /// there.
    pub async fn serve(self, shutdown: impl Future<Output = ()>) -> Result<(), StartError> {
        let Self { config, address, listener, repository, registry, tokens, tls, .. } = self;
        // Metrics are served until the daemon has ended.
        let Self { connections, ended, readiness, metrics: _metrics, pool, .. } = self;
        // Ends with this call.
        let mut following = JoinSet::new();
        if let Some(follow_tokens) = guard::follow_tokens(&tokens, registry.clone())? {
            following.spawn(follow_tokens);
        }
        if let Some(tls) = &tls {
            following.spawn(guard::follow_tls(tls.clone())?);
        }
        let limits = config.limits.clone();
        let services = Services {
            registry: registry.clone(),
            repository: repository.clone(),
            limits,
            ended: ended.clone(),
        };
        let (routes, health) = service::routes(services)?;
        if let Some(period) = config.networks_period() {
            following.spawn(follow(repository, health.clone(), period));
        }
        health.set_serving(true).await;
        readiness.set(Stage::Ready);
        if lets_strangers_in(&config) {
            tracing::warn!(
                %address,
                "whoever reaches this address may do everything: --tokens or --tls-client-ca says who may"
            );
        }
        let (close, closing) = oneshot::channel::<()>();
        let is_secured = tls.is_some();
        let incoming = guard::incoming(listener, tls, connections, &config.limits);
        let serving = guard::server()
            .layer(Naming::new(config.name.as_deref()))
            .layer(Guard::new(tokens))
            .layer(Traces)
            .layer(Bodies::new(&config.limits, ended))
            .add_routes(routes)
            .serve_with_incoming_shutdown(incoming, async move { drop(closing.await) });
        let mut serving = std::pin::pin!(serving);
        tracing::info!(%address, tls = is_secured, threads = config.simulation_threads, "serving");
        select! {
            served = &mut serving => return served.map_err(failed),
            () = end(shutdown, &registry, (&health, &readiness), &config.limits) => {}
        }
        let _ = close.send(());
        match timeout(shutdown::CONNECTIONS_CLOSE, serving).await {
            Ok(served) => served.map_err(failed)?,
            Err(_) => tracing::warn!("left connections behind that did not close"),
        }
        drop(pool);
        tracing::info!("ended");
        Ok(())
    }
}

/// Whether people beyond this machine are asked neither for a token nor for a certificate.
fn lets_strangers_in(config: &Config) -> bool {
    let is_beyond = matches!(config.listen, Listen::Tcp(address) if !address.ip().is_loopback());
    is_beyond && config.tokens.is_none() && config.tls_client_ca.is_none()
}

/// Reads the folder of networks again whenever it has changed.
async fn follow(repository: Arc<Repository>, health: Arc<Health>, period: Duration) {
    loop {
        tokio::time::sleep(period).await;
        let repository = repository.clone();
        match tokio::task::spawn_blocking(move || repository.follow()).await {
            Ok(Ok(true)) => {
                health.follow_networks().await;
                tracing::info!("the folder of networks was read again");
            }
            Ok(Err(error)) => tracing::warn!(%error, "the folder of networks stays as it was"),
            _ => {}
        }
    }
}

fn open_data(path: &Path, journals: &Arc<journal::Tally>) -> Result<Data, StartError> {
    let volume = Arc::new(Metered::new(Disk, journals.clone()));
    Data::take(volume, path.to_owned()).map_err(|source| unusable(Some(path), source))
}

async fn serve_metrics(
    address: Option<SocketAddr>,
    pages: Pages,
) -> Result<Option<(SocketAddr, JoinSet<()>)>, StartError> {
    let Some(address) = address else {
        return Ok(None);
    };
    let (listener, bound) = http::bind(address).await?;
    let mut serving = JoinSet::new();
    serving.spawn(http::serve(listener, pages));
    tracing::info!(address = %bound, "serving metrics");
    Ok(Some((bound, serving)))
}

fn unusable(path: Option<&Path>, source: io::Error) -> StartError {
    StartError::Data { path: path.map(Path::to_owned).unwrap_or_default(), source }
}

/// Waits for the end to be asked for, then for the sessions.
async fn end(
    shutdown: impl Future<Output = ()>,
    registry: &Registry,
    (health, readiness): (&Health, &Readiness),
    limits: &Limits,
) {
    shutdown.await;
    readiness.set(Stage::Draining);
    health.set_serving(false).await;
    shutdown::drain(registry, limits.shutdown_grace).await;
}

fn failed(error: tonic::transport::Error) -> StartError {
    use std::error::Error as _;
    let cause = error.source().map(|source| format!(": {source}")).unwrap_or_default();
    StartError::Serve(format!("{error}{cause}"))
}
