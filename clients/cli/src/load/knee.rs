//! `spiked load --search`: rates are tried one after the other, until the knee is found.

use spiked_client::Client;
use spiked_load::{
    Load, Pace,
    search::{self, Failed, Found, Probe},
};

use super::{play, put, summary};
use crate::{args::LoadTestArguments, failure::Failure, terminal};

/// Searches, and says of each rate how it went. Ctrl-C ends it with what was found until then, and so
/// does a rate at which no load can be played.
pub(super) async fn find(
    arguments: &LoadTestArguments,
    load: &Load,
    client: &Client,
) -> Result<(), Failure> {
    let to_stdout = arguments.json.as_deref().is_some_and(|path| path.as_os_str() == "-");
    let tell = |text: &str| {
        if to_stdout {
            terminal::say(text.trim_end());
            return Ok(());
        }
        terminal::print(text)
    };
    let mut settings = None;
    let from = arguments.rate.unwrap_or_default();
    let (found, failure) = search::search(from, async |rate| {
        // What is compared takes as long as the load, and its output is the same at any rate.
        let load = Load { pace: Pace::Rate(rate), compared: 0, ..load.clone() };
        let (outcome, stopped) = play(&load, client, &arguments.assertions).await?;
        if stopped {
            return Ok(None);
        }
        let probe = Probe::of(rate, &outcome.report);
        settings.get_or_insert(outcome.report.settings);
        tell(&summary::probe(&probe))?;
        Ok::<_, Failure>(Some(probe))
    })
    .await;
    let assertions = arguments.assertions.iter().map(ToString::to_string).collect();
    let found = Found { settings, assertions, ..found };
    put(arguments.json.as_deref(), || found.to_json().into_bytes())?;
    if let Some(failed) = &found.failed {
        tell(&summary::failed(failed))?;
    }
    if let Some(knee) = found.knee {
        tell(&summary::knee(knee, found.stopped || found.failed.is_some()))?;
    }
    match (failure, found.failed) {
        (Some(failure), Some(Failed { rate, .. })) => Err(failure.at(&summary::rate(rate))),
        _ if found.knee.is_some() => Ok(()),
        _ if found.stopped => Err(Failure::interrupted()),
        _ => Err(Failure::failed("no rate that was tried was served well")),
    }
}
