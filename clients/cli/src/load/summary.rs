//! What a load came to, in a few lines.

use std::{borrow::Cow, time::Duration};

use spiked_load::{
    Report,
    report::Percentiles,
    search::{Failed, Probe},
};

use crate::{
    numbers::{duration, grouped, short},
    terminal,
};

/// Kinds of latencies that are told, and what they are called.
const LATENCIES: [(&str, &str); 7] = [
    ("simulated", "latency"),
    ("simulated_from_sending", "from sending"),
    ("accepted", "accepted"),
    ("spike", "to the spike"),
    ("daemon_queue", "in the queue"),
    ("daemon_core", "in the core"),
    ("own_lateness", "own lateness"),
];

/// Names and values, one a line.
pub(super) fn text(report: &Report) -> String {
    let mut rows: Vec<(&str, Cow<'_, str>)> = vec![
        ("network", report.settings.network.as_str().into()),
        ("sources", report.settings.sources.join(", ").into()),
        ("load", load(report).into()),
        ("events", events(report).into()),
        ("backlog", backlog(report).into()),
        ("dropped", dropped(report).into()),
    ];
    for (kind, name) in LATENCIES {
        if let Some(each) = report.latencies_us.get(kind).filter(|each| each.count > 0) {
            rows.push((name, latency(each).into()));
        }
    }
    let (spikes, decisions) = (grouped(report.counts.spikes), grouped(report.counts.decisions));
    rows.push(("output", format!("{spikes} spikes, {decisions} decisions").into()));
    rows.push(("compared", compared(report).into()));
    rows.push(("generator", generator(report).into()));
    if let Some(daemon) = daemon(report) {
        rows.push(("daemon", daemon.into()));
    }
    rows.extend(report.refusals.iter().map(|refusal| ("refused", refusal.as_str().into())));
    for fault in &report.faults {
        let held = if fault.holds { "as expected" } else { "NOT as expected" };
        rows.push((fault.fault.name(), format!("{held}: {}", fault.observed).into()));
    }
    for each in &report.assertions {
        let held = if each.holds { "holds" } else { "does NOT hold" };
        rows.push(("assert", format!("{} {held}: {}", each.text, each.found).into()));
    }
    let valid = if report.invalid.is_empty() { "yes".into() } else { report.invalid.join("; ") };
    rows.push(("valid", valid.into()));
    terminal::table(rows)
}

fn load(report: &Report) -> String {
    let settings = &report.settings;
    let paced = match (settings.speed, settings.rate) {
        (Some(speed), _) => format!("{speed} times as recorded"),
        (_, Some(rate)) => format!("{} events/s", short(rate)),
        _ => String::new(),
    };
    format!(
        "{paced} for {} s, {} sessions over {} connections",
        settings.length_s, settings.sessions, settings.connections
    )
}

fn events(report: &Report) -> String {
    let counts = &report.counts;
    format!(
        "{} due, {} sent, {} simulated ({} events/s of {})",
        grouped(counts.events_due),
        grouped(counts.events_sent),
        grouped(counts.events_simulated),
        short(report.rate_simulated),
        short(report.rate_due),
    )
}

fn backlog(report: &Report) -> String {
    let grows = if report.backlog.grows { ", and it grows" } else { "" };
    format!("{} events at the end{grows}", grouped(report.backlog.events))
}

fn dropped(report: &Report) -> String {
    let causes = report.drops.iter().filter(|(_, count)| **count > 0);
    let told: Vec<_> =
        causes.map(|(cause, count)| format!("{} by {cause}", grouped(*count))).collect();
    if told.is_empty() { "none".into() } else { told.join(", ") }
}

fn latency(each: &Percentiles) -> String {
    let us = |us: f64| duration(Duration::from_secs_f64(us / 1e6));
    format!(
        "p50 {}, p99 {}, p99.9 {}, most {} of {}",
        us(each.p50),
        us(each.p99),
        us(each.p999),
        us(each.max),
        grouped(each.count)
    )
}

fn compared(report: &Report) -> String {
    let (compared, difference) = (&report.compared, &report.compared.difference);
    let inexact = match compared.inexact {
        0 => String::new(),
        sessions => format!("; {sessions} sessions lost events by overload and cannot be"),
    };
    if compared.sessions == 0 {
        return format!("no session{inexact}");
    }
    format!(
        "{} sessions, {} items of output: {} lost, {} surplus, {} reordered{inexact}",
        compared.sessions,
        grouped(difference.compared),
        grouped(difference.lost),
        grouped(difference.surplus),
        grouped(difference.reordered)
    )
}

fn generator(report: &Report) -> String {
    let cost = &report.cost;
    format!(
        "{:.3} s of processor time for a million events, {:.0} MB",
        cost.generator_cpu_s_per_million,
        cost.generator_resident_bytes as f64 / 1e6
    )
}

fn daemon(report: &Report) -> Option<String> {
    let seconds = report.cost.daemon_cpu_s_per_million?;
    let megabytes = report.cost.daemon_resident_bytes? as f64 / 1e6;
    Some(format!("{seconds:.3} s of processor time for a million events, {megabytes:.0} MB"))
}

/// A rate that was tried.
pub(super) fn probe(probe: &Probe) -> String {
    let verdict = if probe.holds { "holds" } else { "too much" };
    let (rate, simulated) = (short(probe.rate), short(probe.rate_simulated));
    format!("{rate:>8} events/s  {verdict:<8}  {simulated} simulated  {}\n", probe.why)
}

/// A rate that could not be tried to the end.
pub(super) fn failed(failed: &Failed) -> String {
    format!("{:>8} events/s  failed    {}\n", short(failed.rate), failed.why)
}

/// A rate, as errors name it.
pub(super) fn rate(rate: f64) -> String {
    format!("{} events/s", short(rate))
}

/// The highest rate that was served well.
pub(super) fn knee(rate: f64, stopped: bool) -> String {
    let more = if stopped { " or more: the search was ended early" } else { "" };
    format!("knee  {} events/s{more}\n", short(rate))
}
