//! The report as one page that needs nothing else: figures, a percentile plot, a timeline.
//!
//! Plots are SVG, drawn here: a page that is kept for years should not depend on a script of others.

mod plot;

use std::{fmt::Write as _, time::Duration};

use spiked_load::{Report, measure::Interval};

use self::plot::{Line, Plot, Scale};
use crate::numbers::{duration, grouped, short};

/// Percentiles that the plot goes through: as far as a load of some minutes can tell.
const NINES: [(f64, &str); 7] = [
    (0.301, "50 %"),
    (1.0, "90 %"),
    (2.0, "99 %"),
    (3.0, "99.9 %"),
    (4.0, "99.99 %"),
    (5.0, "99.999 %"),
    (6.0, "99.9999 %"),
];

/// Kinds of latencies in the order in which they are shown, and what they are called.
const LATENCIES: [(&str, &str); 8] = [
    ("simulated", "batch, from the intended moment to simulated"),
    ("simulated_from_sending", "batch, from sending to simulated"),
    ("accepted", "batch, from the intended moment to accepted"),
    ("spike", "spike or decision, from the intended moment"),
    ("daemon_queue", "daemon: waiting for the simulation"),
    ("daemon_core", "daemon: a turn of the simulation"),
    ("daemon_wire", "daemon: from accepted to on the way out"),
    ("own_lateness", "the generator's own lateness"),
];

pub(super) fn written(report: &Report) -> String {
    let settings = &report.settings;
    let title = format!("spiked load: {}", settings.network);
    let mut body = String::new();
    let heading =
        format!("<h1>{}</h1>\n<p class=\"sub\">{}</p>\n", escaped(&title), subtitle(report));
    body.push_str(&heading);
    for why in &report.invalid {
        writeln!(body, "<p class=\"bad\">Not valid: {}</p>", escaped(why))
            .expect("memory takes it");
    }
    body.push_str(&section("Figures", &table(&figures(report))));
    body.push_str(&section("Latencies", &latencies(report)));
    body.push_str(&section("Percentiles", &percentiles(report)));
    body.push_str(&section("Latency by time", &latency_timeline(report)));
    body.push_str(&section("Events by time", &events_timeline(report)));
    if report.intervals.iter().any(|interval| interval.daemon_resident_bytes > 0) {
        body.push_str(&section("Memory of the daemon", &memory_timeline(report)));
    }
    if !report.faults.is_empty() {
        body.push_str(&section("Faults", &faults(report)));
    }
    if !report.assertions.is_empty() {
        body.push_str(&section("Assertions", &assertions(report)));
    }
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{}</title>\n<style>{}</style>\n</head>\n<body>\n<main>\n{body}</main>\n</body>\n</html>\n",
        escaped(&title),
        include_str!("style.css"),
    )
}

fn subtitle(report: &Report) -> String {
    let machine = &report.machine;
    escaped(&format!(
        "{} sessions over {} connections, {} s, spiked {}, {} ({} cores), {}",
        report.settings.sessions,
        report.settings.connections,
        report.settings.length_s,
        report.version,
        machine.processor,
        machine.cores,
        machine.system,
    ))
}

fn figures(report: &Report) -> Vec<(&'static str, String)> {
    let Report { counts, compared, cost, .. } = report;
    let paced = match (report.settings.speed, report.settings.rate) {
        (Some(speed), _) => format!("{speed} times as recorded"),
        (_, Some(rate)) => format!("{} events/s in all", short(rate)),
        _ => String::new(),
    };
    let difference = &compared.difference;
    let mut rows = vec![
        ("sources", report.settings.sources.join(", ")),
        ("pace", paced),
        ("events due, sent, simulated", {
            let events = [counts.events_due, counts.events_sent, counts.events_simulated];
            events.map(grouped).join(", ")
        }),
        ("events a second, simulated", short(report.rate_simulated)),
        ("dropped", grouped(counts.events_dropped)),
        ("backlog at the end", {
            let grows = if report.backlog.grows { ", and it grows" } else { "" };
            format!("{} events{grows}", grouped(report.backlog.events))
        }),
        ("spikes, decisions", format!("{}, {}", grouped(counts.spikes), grouped(counts.decisions))),
        ("output compared", {
            format!(
                "{} sessions: {} lost, {} surplus, {} reordered of {}",
                compared.sessions,
                difference.lost,
                difference.surplus,
                difference.reordered,
                grouped(difference.compared)
            )
        }),
        ("processor time of a million events, generator", {
            format!("{:.3} s", cost.generator_cpu_s_per_million)
        }),
    ];
    if let Some(seconds) = cost.daemon_cpu_s_per_million {
        rows.push(("processor time of a million events, daemon", format!("{seconds:.3} s")));
    }
    if let Some(bytes) = cost.daemon_resident_bytes {
        rows.push(("memory of the daemon", format!("{:.1} MB", bytes as f64 / 1e6)));
    }
    rows
}

fn latencies(report: &Report) -> String {
    let mut text =
        "<table><tr><th></th><th>p50</th><th>p90</th><th>p99</th><th>p99.9</th><th>most</th>\
                    <th>of</th></tr>\n"
            .to_owned();
    for (name, title) in LATENCIES {
        let Some(each) = report.latencies_us.get(name).filter(|each| each.count > 0) else {
            continue;
        };
        let cells = [each.p50, each.p90, each.p99, each.p999, each.max]
            .map(|us| duration(Duration::from_secs_f64(us / 1e6)));
        let cells: String = cells.iter().map(|cell| format!("<td>{cell}</td>")).collect();
        writeln!(text, "<tr><th>{title}</th>{cells}<td>{}</td></tr>", grouped(each.count))
            .expect("memory takes it");
    }
    text + "</table>"
}

/// Latency over the share that was slower: a straight tail is a good one.
fn percentiles(report: &Report) -> String {
    let named = [
        ("simulated", "from the intended moment"),
        ("simulated_from_sending", "from sending"),
        ("spike", "to the spike"),
        ("own_lateness", "the generator's own lateness"),
    ];
    let lines = named.into_iter().filter_map(|(name, label)| {
        let curve = report.curves.get(name)?;
        // The longest is as far out as there are measurements.
        let count = report.latencies_us.get(name).map_or(1, |each| each.count.max(1)) as f64;
        let nines = |share: f64| -(1.0 - share).max(1.0 / count).log10();
        let points = curve.iter().map(|point| (nines(point.share), point.us / 1e3)).collect();
        Some(Line { label: label.into(), points })
    });
    let lines: Vec<_> = lines.collect();
    let most = lines.iter().flat_map(|line| &line.points).map(|point| point.0).fold(0.0, f64::max);
    let marks = NINES.iter().map(|&(at, name)| (at, name.to_owned()));
    let marks = marks.filter(|(at, _)| *at <= most).collect();
    Plot { x_marks: marks, y_unit: "ms", y: Scale::Logarithmic, lines }.svg()
}

fn latency_timeline(report: &Report) -> String {
    timeline(
        report,
        "ms",
        Scale::Logarithmic,
        &[
            ("p50", &|each| each.p50_us / 1e3),
            ("p99", &|each| each.p99_us / 1e3),
            ("most", &|each| each.max_us / 1e3),
        ],
    )
}

fn events_timeline(report: &Report) -> String {
    timeline(
        report,
        "events",
        Scale::Linear,
        &[
            ("due a second", &|each| each.events_due as f64 / each.length_s),
            ("simulated a second", &|each| each.events_simulated as f64 / each.length_s),
            ("backlog", &|each| each.backlog_events as f64),
        ],
    )
}

fn memory_timeline(report: &Report) -> String {
    timeline(
        report,
        "MB",
        Scale::Linear,
        &[("resident", &|each| each.daemon_resident_bytes as f64 / 1e6)],
    )
}

type Value<'a> = (&'a str, &'a dyn Fn(&Interval) -> f64);

fn timeline(report: &Report, y_unit: &'static str, y: Scale, values: &[Value<'_>]) -> String {
    let end_s = report.intervals.last().map_or(1.0, |interval| interval.end_s);
    let lines = values.iter().map(|(label, value)| {
        let points = report.intervals.iter().filter(|each| each.length_s > 0.0);
        let points = points.map(|each| (each.end_s, value(each))).collect();
        Line { label: (*label).to_owned(), points }
    });
    let marks = (0..=4).map(|part| {
        let at = end_s * f64::from(part) / 4.0;
        (at, format!("{at:.0} s"))
    });
    Plot { x_marks: marks.collect(), y_unit, y, lines: lines.collect() }.svg()
}

fn faults(report: &Report) -> String {
    let rows = report.faults.iter().map(|fault| {
        let class = if fault.holds { "good" } else { "bad" };
        let holds = if fault.holds { "as expected" } else { "not as expected" };
        format!(
            "<tr><th>{}</th><td class=\"{class}\">{holds}</td><td class=\"words\">{}</td>\
             <td class=\"words\">{}</td></tr>\n",
            fault.fault.name(),
            escaped(&fault.expected),
            escaped(&fault.observed)
        )
    });
    format!("<table>\n{}</table>", rows.collect::<String>())
}

fn assertions(report: &Report) -> String {
    let rows = report.assertions.iter().map(|each| {
        let class = if each.holds { "good" } else { "bad" };
        format!(
            "<tr><th>{}</th><td class=\"{class}\">{}</td></tr>\n",
            escaped(&each.text),
            escaped(&each.found)
        )
    });
    format!("<table>\n{}</table>", rows.collect::<String>())
}

fn section(title: &str, content: &str) -> String {
    format!("<section>\n<h2>{title}</h2>\n{content}\n</section>\n")
}

fn table(rows: &[(&str, String)]) -> String {
    let rows = rows.iter().map(|(name, value)| {
        format!("<tr><th>{name}</th><td class=\"words\">{}</td></tr>\n", escaped(value))
    });
    format!("<table>\n{}</table>", rows.collect::<String>())
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_users_cannot_become_markup() {
        assert_eq!(escaped("<a href=\"x\">&"), "&lt;a href=&quot;x&quot;&gt;&amp;");
    }
}
