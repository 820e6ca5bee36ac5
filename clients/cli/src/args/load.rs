//! Load tests.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use spiked_client::Geometry;
use spiked_load::{Assertion, Fault, Spec, figures};

use super::{Credentials, Durable, NirArguments, Overloaded};
use crate::run::{Span, Speed};

#[derive(Args, Debug)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    after_help = "Examples:
  spiked load --network motion --recording street.es --sessions 8 --duration 30s
  spiked load --network motion --recording noise:320x240@1M --rate 1M --assert 'p99 < 5ms'
  spiked load --network motion --recording street.es --speed 10x --address robot:7411 --html load.html
  spiked load --network motion --recording street.es --fault reconnects --fault slow-reader
  spiked load --network motion --recording noise:320x240 --rate 500k --search --assert 'p99 < 5ms'
  spiked load compare before.json after.json

Events leave by a schedule that waits for nobody: at the speed of the recording (--speed) or at a rate
(--rate, of all sessions together). Latency is counted from the moment at which a batch should have left.
Where the generator itself was the bottleneck, the figures are called not valid. The output of some
sessions is compared with that of the same input without load, item by item.

--recording takes a file, or a source that is made here: noise:WxH@RATE, pixel:WxH@RATE, texture:WxH
(noise:N@RATE for ports of N channels). Given several times, sessions take them in turn.

--assert takes p50, p90, p99, p99.9, mean or max (of a batch until it is simulated; behind sent.,
accepted., spike., own., queue., core. or wire. those of others), drops, lost, surplus, reordered,
refusals, spikes, rate, backlog, memory or growth.

--fault takes slow-reader, stalled-reader, resets, reconnects, churn, bursts, same-pixel or fan-out:
what goes wrong beside the load, each with what is expected of the daemon.

Ctrl-C ends the load early, with a report of what there was; a second one does not wait.
Exit status: 0 done, 1 an assertion does not hold, a fault or the output is not as expected, or the
figures are not valid; 2 used wrongly, 130 interrupted."
)]
pub(crate) struct LoadTestArguments {
    #[command(subcommand)]
    pub(crate) then: Option<LoadCommand>,
    /// A network by name, or the path of its folder, .toml or .nir file.
    #[arg(long, value_name = "NETWORK", required = true)]
    pub(crate) network: Option<String>,
    #[command(flatten)]
    pub(crate) nir: NirArguments,
    /// A recording, or a source that is made here (noise:320x240@1M); may be given several times.
    #[arg(long, value_name = "FILE", required = true, num_args = 1..)]
    pub(crate) recording: Vec<Spec>,
    /// Size of the sensor, where a recording's header names none.
    #[arg(long, value_name = "WxH")]
    pub(crate) geometry: Option<Geometry>,
    /// The network's input port that the events go to [default: its camera, or the first].
    #[arg(long, value_name = "NAME")]
    pub(crate) port: Option<String>,
    /// A running daemon: HOST:PORT, https://HOST:PORT or unix:/PATH [default: one started for this, as a
    /// process of its own].
    #[arg(long, value_name = "ADDR")]
    pub(crate) address: Option<String>,
    #[command(flatten)]
    pub(crate) credentials: Credentials,
    /// A folder of networks for the daemon that is started for this.
    #[arg(long, value_name = "DIR", conflicts_with = "address")]
    pub(crate) networks: Option<PathBuf>,
    /// The process of the daemon at --address, where it runs on this machine: its processor time and
    /// memory are reported.
    #[arg(long, value_name = "PID", requires = "address")]
    pub(crate) daemon_pid: Option<u32>,
    /// So many times as fast as recorded (0.1x to 1000x) [default: 1x].
    #[arg(long, value_name = "X", conflicts_with = "rate")]
    pub(crate) speed: Option<Speed>,
    /// So many events a second of all sessions together, like 200k or 1M.
    #[arg(long, value_name = "R", value_parser = rate)]
    pub(crate) rate: Option<f64>,
    /// Sessions at once.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) sessions: u32,
    /// Connections that they share, at most 64 sessions each [default: as few as it takes].
    #[arg(long, value_name = "M", value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub(crate) connections: Option<u32>,
    /// How long events are due.
    #[arg(long, value_name = "TIME", default_value = "10s")]
    pub(crate) duration: Span,
    /// How long nothing is measured at the beginning [default: a tenth of the duration, at most 2s].
    #[arg(long, value_name = "TIME")]
    pub(crate) warmup: Option<Span>,
    /// How long a batch's first event may wait for its last.
    #[arg(long, value_name = "TIME", default_value = "1ms")]
    pub(crate) gather: Span,
    /// Most events in a batch.
    #[arg(long, value_name = "N", default_value_t = 1_024, value_parser = clap::value_parser!(u32).range(1..=130_000))]
    pub(crate) batch: u32,
    /// What becomes of events that come faster than they are simulated [default: block].
    #[arg(long, value_enum, value_name = "POLICY")]
    pub(crate) overload: Option<Overloaded>,
    /// Have the daemon journal the sessions, and sync the journals so.
    #[arg(long, value_name = "SYNC")]
    pub(crate) durable: Option<Durable>,
    /// Sessions whose output is compared with that of the same input without load.
    #[arg(long, value_name = "N", default_value_t = 4)]
    pub(crate) compared: u32,
    /// What goes wrong beside the load; may be given several times.
    #[arg(long, value_name = "FAULT")]
    pub(crate) fault: Vec<Fault>,
    /// What the report must say; may be given several times.
    #[arg(long = "assert", value_name = "EXPR")]
    pub(crate) assertions: Vec<Assertion>,
    /// Search for the highest rate, from --rate on, at which the assertions hold, nothing is dropped and
    /// no backlog grows; each rate is tried for --duration. Of the reports there is --json.
    #[arg(long, requires = "rate", requires = "assertions",
        conflicts_with_all = ["html", "csv", "hgrm", "hlog"])]
    pub(crate) search: bool,
    /// By how much the generator may be late itself, at p99, before the figures are called not valid.
    #[arg(long, value_name = "TIME", default_value = "1ms")]
    pub(crate) own_lateness_max: Span,
    /// Other random numbers in what is made here.
    #[arg(long, default_value_t = 0)]
    pub(crate) seed: u64,
    /// Write everything as JSON, for `spiked load compare` among others; - is standard output.
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    /// Write one page with plots that needs nothing else.
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,
    /// Write the intervals as comma-separated text.
    #[arg(long, value_name = "FILE")]
    pub(crate) csv: Option<PathBuf>,
    /// Write the distribution of latencies as tools for HDR histograms plot it.
    #[arg(long, value_name = "FILE")]
    pub(crate) hgrm: Option<PathBuf>,
    /// Write the histograms of all intervals as an HDR log.
    #[arg(long, value_name = "FILE")]
    pub(crate) hlog: Option<PathBuf>,
}

/// What else is done with loads.
#[derive(Debug, Subcommand)]
pub(crate) enum LoadCommand {
    /// Says what got worse from one report to another, and ends with 1 if anything did.
    Compare(CompareArguments),
}

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  spiked load --network motion --recording street.es --json before.json
  spiked load --network motion --recording street.es --json after.json
  spiked load compare before.json after.json

Each interval of a load is one observation; the ratio of the medians is given with 99 % confidence.
What is certain and beyond the tolerance is called better or worse.
Exit status: 0 nothing got worse, 1 something did, 2 used wrongly.")]
pub(crate) struct CompareArguments {
    /// The report of the first load, as --json wrote it.
    pub(crate) before: PathBuf,
    /// The report of the second.
    pub(crate) after: PathBuf,
    /// The share by which figures may differ in any case.
    #[arg(long, value_name = "SHARE", default_value_t = 0.15)]
    pub(crate) tolerance: f64,
}

fn rate(text: &str) -> Result<f64, String> {
    let rate = figures::parse(text).filter(|rate| (1.0..=1e9).contains(rate));
    rate.ok_or_else(|| "expected a rate from 1 to 1G events a second, like 200k or 1M".into())
}
