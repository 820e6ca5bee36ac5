//! `spiked load`: recorded and synthetic streams as load, measured, compared and judged.
//!
//! The work is done by the library [`spiked_load`]; here are the daemon that it needs, what a person
//! sees meanwhile, and where the report goes.

mod compare;
mod daemon;
mod knee;
mod page;
mod summary;
mod view;

use std::{cell::Cell, path::Path, sync::Arc, time::Duration};

use spiked_client::{Client, Durability, Overload};
use spiked_load::{Assertion, Load, Look, Outcome, Pace, Report, STREAMS_MAX, Source, Spec, run};
use spiked_server::shutdown::signalled;
use tokio::sync::watch;

use self::{daemon::OwnDaemon, view::View};
use crate::{
    args::{LoadCommand, LoadTestArguments},
    commands::open_output,
    credentials::connect,
    failure::Failure,
    network,
    run::Speed,
    terminal,
};

/// Warm-up, where none is said: a tenth of the load, at most so long.
const WARMUP_MAX: Duration = Duration::from_secs(2);
/// The slowest and the fastest that a recording is played.
const SPEEDS: std::ops::RangeInclusive<f64> = 0.1..=1_000.0;

/// What helps where a session's batches do not fit the daemon's queue.
const LESS_AT_ONCE: &str = "a smaller --batch or --gather, or a larger limits.queue_events or limits.queue_bytes of the daemon";

/// Plays a load, or compares two.
pub(crate) async fn load(arguments: LoadTestArguments) -> Result<(), Failure> {
    if let Some(LoadCommand::Compare(arguments)) = &arguments.then {
        return compare::compare(arguments);
    }
    let pace = pace(&arguments)?;
    let sources = sources(&arguments)?;
    let daemon = match &arguments.address {
        Some(_) => None,
        None => Some(OwnDaemon::start(&arguments)?),
    };
    let client = match (&daemon, &arguments.address) {
        (Some(daemon), _) => Client::connect(&daemon.address).await?,
        (None, Some(address)) => connect(address, &arguments.credentials).await?,
        (None, None) => return Err(Failure::used_wrongly("neither a daemon nor its address")),
    };
    let given = arguments.network.as_deref().unwrap_or_default();
    let chosen = network::choose(&client, given, arguments.nir).await?;
    let length = arguments.duration.duration();
    let warmup = arguments.warmup.map_or((length / 10).min(WARMUP_MAX), |span| span.duration());
    if warmup >= length {
        return Err(Failure::used_wrongly("--warmup leaves nothing of --duration"));
    }
    let load = Load {
        network: chosen.name,
        version: chosen.version,
        port: arguments.port.clone().or(chosen.camera),
        sources,
        pace,
        sessions: arguments.sessions as usize,
        connections: connections(&arguments)?,
        length,
        warmup,
        gather: arguments.gather.duration(),
        batch_events_max: arguments.batch as usize,
        overload: arguments.overload.map_or(Overload::Block, Into::into),
        durability: arguments.durable.map_or(Durability::None, Into::into),
        compared: arguments.compared as usize,
        faults: arguments.fault.clone(),
        seed: arguments.seed,
        own_lateness_max: arguments.own_lateness_max.duration(),
        daemon_pid: arguments.daemon_pid.or(daemon.as_ref().map(OwnDaemon::id)),
    };
    if arguments.search {
        knee::find(&arguments, &load, &client).await?;
    } else {
        let (outcome, stopped) = play(&load, &client, &arguments.assertions).await?;
        write(&arguments, &outcome)?;
        if stopped {
            terminal::say(ended_early(&outcome.report));
        }
        if stopped && is_unmeasured(&outcome.report) {
            return Err(Failure::interrupted());
        }
        judge(&outcome.report)?;
    }
    drop(client);
    match daemon {
        Some(daemon) => daemon.end().await,
        None => Ok(()),
    }
}

fn pace(arguments: &LoadTestArguments) -> Result<Pace, Failure> {
    match (arguments.rate, arguments.speed) {
        (Some(rate), _) => Ok(Pace::Rate(rate)),
        (None, None) => Ok(Pace::Speed(1.0)),
        (None, Some(Speed::Times(times))) if SPEEDS.contains(&times) => Ok(Pace::Speed(times)),
        (None, Some(Speed::Times(_))) => {
            Err(Failure::used_wrongly("--speed: a load is played from 0.1x to 1000x"))
        }
        (None, Some(Speed::Asap)) => Err(Failure::used_wrongly(
            "--speed asap: a load has a schedule; --search finds the highest rate",
        )),
    }
}

fn connections(arguments: &LoadTestArguments) -> Result<usize, Failure> {
    let needed = (arguments.sessions as usize).div_ceil(STREAMS_MAX);
    let given = arguments.connections.map_or(needed, |given| given as usize);
    if given >= needed {
        return Ok(given);
    }
    Err(Failure::used_wrongly(format!(
        "--connections {given}: {} sessions need at least {needed}, for a connection has {STREAMS_MAX}",
        arguments.sessions
    )))
}

fn sources(arguments: &LoadTestArguments) -> Result<Vec<Arc<Source>>, Failure> {
    let make = |spec: &Spec| {
        let source = Source::make(spec, arguments.geometry, arguments.seed);
        source.map(Arc::new).map_err(refused)
    };
    let sources = arguments.recording.iter().map(make).collect::<Result<Vec<_>, _>>()?;
    for cut in sources.iter().filter(|source| source.is_cut()) {
        let (name, events) = (cut.name(), cut.len());
        terminal::say(format!("note: of {name} the first {events} events are played"));
    }
    Ok(sources)
}

/// Plays a load, shows how it goes, and looks at the assertions. True where it was ended early.
async fn play(
    load: &Load,
    client: &Client,
    assertions: &[Assertion],
) -> Result<(Outcome, bool), Failure> {
    let view = View::new(load);
    let (stop, stopped) = watch::channel(false);
    let asked = Cell::new(false);
    let look = |look: &Look| view.show(look);
    let outcome = tokio::select! {
        outcome = run(load, client, stopped, &look) => outcome,
        gone = insistence(&stop, &asked) => return Err(gone),
    };
    view.finish();
    let mut outcome = outcome.map_err(refused)?;
    let report = &mut outcome.report;
    report.assertions = assertions.iter().map(|assertion| assertion.check(report)).collect();
    Ok((outcome, asked.get()))
}

/// Waits for Ctrl-C twice: the first ends the load early, the second waits for nobody.
async fn insistence(stop: &watch::Sender<bool>, asked: &Cell<bool>) -> Failure {
    for _ in 0..2 {
        match signalled() {
            Ok(signal) => signal.await,
            Err(error) => {
                terminal::say(format!("warning: Ctrl-C cannot be heard: {error}"));
                std::future::pending::<()>().await;
            }
        }
        if asked.replace(true) {
            break;
        }
        // Where everybody has ended already, the report is on its way.
        let _ = stop.send(true);
    }
    Failure::interrupted()
}

/// Writes the report to wherever it is wanted, and says what it comes to.
fn write(arguments: &LoadTestArguments, outcome: &Outcome) -> Result<(), Failure> {
    let report = &outcome.report;
    let to_stdout = arguments.json.as_deref().is_some_and(|path| path.as_os_str() == "-");
    let text = summary::text(report);
    if to_stdout {
        terminal::say(text.trim_end());
    } else {
        terminal::print(&text)?;
    }
    put(arguments.json.as_deref(), || report.to_json().into_bytes())?;
    put(arguments.html.as_deref(), || page::written(report).into_bytes())?;
    put(arguments.csv.as_deref(), || report.to_csv().into_bytes())?;
    put(arguments.hgrm.as_deref(), || outcome.to_hgrm().into_bytes())?;
    put(arguments.hlog.as_deref(), || outcome.to_hlog())
}

fn put(path: Option<&Path>, content: impl FnOnce() -> Vec<u8>) -> Result<(), Failure> {
    let Some(path) = path else { return Ok(()) };
    let mut file = open_output(path)?;
    let written = file.write_all(&content()).and_then(|()| file.flush());
    written.map_err(|error| Failure::output(&crate::commands::shown(path), &error))
}

/// Ctrl-C came before the end of the warm-up.
fn is_unmeasured(report: &Report) -> bool {
    report.latencies_us.get("simulated").is_none_or(|each| each.count == 0)
}

fn ended_early(report: &Report) -> &'static str {
    if is_unmeasured(report) {
        return "note: ended early, during the warm-up: nothing was measured";
    }
    "note: ended early: the figures are of what there was until then"
}

/// What the exit status says.
fn judge(report: &Report) -> Result<(), Failure> {
    if let Some(broken) = report.assertions.iter().find(|each| !each.holds) {
        return Err(Failure::failed(format!("not {}: {}", broken.text, broken.found)));
    }
    if let Some(fault) = report.faults.iter().find(|fault| !fault.holds) {
        let (name, expected, observed) = (fault.fault.name(), &fault.expected, &fault.observed);
        return Err(Failure::failed(format!("{name}: expected that {expected}; {observed}")));
    }
    if !report.compared.difference.is_none() {
        return Err(Failure::failed("the output under load is not that without load"));
    }
    if !report.conserved {
        return Err(Failure::failed("events were sent that were neither taken nor dropped"));
    }
    match report.invalid.first() {
        Some(why) => Err(Failure::failed(format!("the figures are not valid: {why}")).with_hint(
            "fewer sessions, larger batches or a lower rate; or another machine for the load",
        )),
        None => Ok(()),
    }
}

fn refused(error: spiked_load::Error) -> Failure {
    use spiked_load::Error;
    match error {
        Error::Client(spiked_client::Error::PromiseStalled { .. }) | Error::NoRoom { .. } => {
            Failure::failed(error).with_hint(LESS_AT_ONCE)
        }
        Error::Client(error) => error.into(),
        Error::Recording(error) => error.into(),
        Error::NoGeometry { .. } => Failure::used_wrongly(error)
            .with_hint("say how large it is, for example --geometry 640x480"),
        Error::Empty { .. }
        | Error::SourceText { .. }
        | Error::Assertion { .. }
        | Error::NoRelay { .. }
        | Error::NoReport { .. }
        | Error::Sensor(_) => Failure::used_wrongly(error),
        Error::EndedEarly { .. } | Error::File { .. } | Error::System { .. } => {
            Failure::failed(error)
        }
    }
}
