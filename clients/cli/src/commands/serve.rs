//! `spiked serve`: the daemon, until it is asked to end; and `spiked config`: how it would be set.

use std::{env, io, pin::pin, thread};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use spiked_server::{
    Daemon, StartError,
    config::Effective,
    shutdown,
    telemetry::{Output, Telemetry},
};
use tokio::{select, sync::oneshot};

use crate::{
    args::{ConfigArguments, ConfigSources, Log, ServeArguments},
    failure::Failure,
    terminal,
};

/// Serves; says on standard output where, once it does.
pub(crate) async fn serve(arguments: ServeArguments) -> Result<(), Failure> {
    let effective = effective(&arguments)?;
    let config = effective.config().clone();
    config.check().map_err(refused)?;
    // There the log says where, and nothing else may stand between its lines.
    let is_told_apart = config.log.output != Output::Stdout;
    let telemetry = Telemetry::init(&config.log, &config.traces).map_err(Failure::used_wrongly)?;
    raise_file_limit();
    // From here on a signal is a wish, also one that comes right after the line below.
    let signalled = shutdown::signalled().map_err(Failure::failed)?;
    let mut asked = pin!(async {
        select! {
            () = signalled => {}
            () = stdin_ended(), if arguments.until_stdin_ends => {}
        }
    });
    let daemon = select! {
        daemon = Daemon::bind(config) => daemon.map_err(refused)?,
        // Sessions may take long to be made again; they stay in their journals.
        () = &mut asked => {
            telemetry.end();
            return Ok(());
        }
    };
    if is_told_apart {
        tell_where(&daemon)?;
    }
    let served = daemon.serve(asked).await;
    telemetry.end();
    served.map_err(Failure::failed)
}

/// Says on standard output where it can be reached.
fn tell_where(daemon: &Daemon) -> Result<(), Failure> {
    terminal::print(&format!("spiked listens on {}\n", daemon.local_address()))?;
    match daemon.metrics_address() {
        Some(address) => terminal::print(&format!("spiked serves metrics on {address}\n")),
        None => Ok(()),
    }
}

/// Takes as many files as the system gives: a connection is one, a durable session two or three.
fn raise_file_limit() {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current == maximum {
        return;
    }
    // Where that is refused, the daemon goes on with what it has: connections wait for files.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
}

/// Resolves once nobody holds the other end of standard input any more.
async fn stdin_ended() {
    let (told, ended) = oneshot::channel();
    // A read cannot be given up; the thread ends with the process.
    thread::spawn(move || {
        let _ = io::copy(&mut io::stdin(), &mut io::sink());
        let _ = told.send(());
    });
    let _ = ended.await;
}

/// Prints the effective configuration as a file that reads back to the same.
pub(crate) fn print_config(arguments: &ConfigArguments) -> Result<(), Failure> {
    let effective = sources(&arguments.sources)?;
    effective.config().check().map_err(refused)?;
    terminal::print(&effective.to_string())
}

/// What the file, the environment and `--set` say.
pub(super) fn sources(sources: &ConfigSources) -> Result<Effective, Failure> {
    let mut effective = Effective::default();
    if let Some(file) = &sources.config {
        effective.read_file(file).map_err(refused)?;
    }
    effective.read_environment(env::vars()).map_err(refused)?;
    for setting in &sources.set {
        let (key, value) = setting
            .split_once('=')
            .ok_or_else(|| Failure::used_wrongly(format!("--set {setting}: write KEY=VALUE")))?;
        effective.read_flag("--set", key, value).map_err(refused)?;
    }
    Ok(effective)
}

/// The same, with the command's own flags, which win.
fn effective(arguments: &ServeArguments) -> Result<Effective, Failure> {
    let ServeArguments {
        sources: from,
        listen,
        networks,
        data,
        tokens,
        tls_certificate,
        tls_key,
        tls_client_ca,
        metrics,
        metrics_insecure,
        threads,
        log,
        insecure,
        until_stdin_ends: _,
    } = arguments;
    let mut effective = sources(from)?;
    let shown = |path: &std::path::PathBuf| path.display().to_string();
    let log = log.map(|log| match log {
        Log::Text => "text".to_owned(),
        Log::Json => "json".to_owned(),
    });
    let flags = [
        ("--listen", "listen", listen.clone()),
        ("--networks", "networks", networks.as_ref().map(shown)),
        ("--data", "data", data.as_ref().map(shown)),
        ("--tokens", "tokens", tokens.as_ref().map(shown)),
        ("--tls-certificate", "tls_certificate", tls_certificate.as_ref().map(shown)),
        ("--tls-key", "tls_key", tls_key.as_ref().map(shown)),
        ("--tls-client-ca", "tls_client_ca", tls_client_ca.as_ref().map(shown)),
        ("--metrics", "metrics", metrics.clone()),
        ("--metrics-insecure", "metrics_insecure", metrics_insecure.then(|| "true".to_owned())),
        ("--threads", "simulation_threads", threads.map(|threads| threads.to_string())),
        ("--log", "log.format", log),
        ("--insecure", "insecure", insecure.then(|| "true".to_owned())),
    ];
    for (flag, key, value) in flags {
        if let Some(value) = value {
            effective.read_flag(flag, key, &value).map_err(refused)?;
        }
    }
    Ok(effective)
}

/// What another argument would have avoided was used wrongly.
pub(super) fn refused(error: StartError) -> Failure {
    match error {
        StartError::Setting { .. }
        | StartError::Exposed { .. }
        | StartError::MetricsExposed { .. }
        | StartError::Config { .. } => Failure::used_wrongly(error),
        error => Failure::failed(error),
    }
}
