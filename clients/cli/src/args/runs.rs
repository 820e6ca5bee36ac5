//! What sends something through a network.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use spiked_client::{Durability, Geometry, Overload};
use spiked_recordings::{DatagramLayout, samples::Split};

use super::{Credentials, DaemonArguments, EXIT_STATUS, NirArguments};
use crate::{
    run::{Span, Speed},
    stream::SourceAddress,
};

#[derive(Args, Debug)]
#[command(after_help = format!("Examples:
  spiked run motion street.es
  spiked run motion evt2.raw --geometry 640x480 --speed 1x
  spiked run my-networks/edges street.es -o spikes.csv
  spiked run motion street.es -o - | head
  spiked run motion street.es --address robot:7411 --session left-eye --durable interval
  spiked run swept-edge sweep.npz
  spiked run my-networks/digits shd_test.h5
  spiked run my-networks/digits shd_test.h5 --sample 17 -o spikes.csv
  spiked run brunel --for 10s --threads 2
  spiked run trained.nir street.es --profile sinabs --step 1ms

Results go to standard output, or to standard error when the spikes go there (-o -). The digest is
the same for the same recording and network, however the recording was cut into batches. Ctrl-C
ends the run; the summary then says how far it came.

{EXIT_STATUS}"))]
pub(crate) struct RunArguments {
    #[command(flatten)]
    pub(crate) target: TargetArguments,
    /// The recording, in any format that is known by its content: events, touch, or labelled samples, each
    /// of which goes through the network at rest.
    #[arg(required_unless_present = "span")]
    pub(crate) file: Option<PathBuf>,
    /// Let a network without inputs run for so long, as it tells time (200ms, 10s).
    #[arg(
        long = "for",
        value_name = "TIME",
        conflicts_with_all = ["file", "speed", "geometry", "batch", "port", "reorder", "frame_rate", "sample",
            "split"]
    )]
    pub(crate) span: Option<Span>,
    /// As fast as possible (asap), or so many times as fast as it was recorded (1x, 0.5x).
    #[arg(long, default_value = "asap")]
    pub(crate) speed: Speed,
    /// Size of the sensor, where the file's header names none.
    #[arg(long, value_name = "WxH")]
    pub(crate) geometry: Option<Geometry>,
    /// Most events in a batch [default: 16384 asap, 1024 otherwise].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=130_000))]
    pub(crate) batch: Option<u32>,
    /// Take events that are out of order by up to so many microseconds.
    #[arg(long, value_name = "US", default_value_t = 0)]
    pub(crate) reorder: u64,
    /// Frames a second of a recording of touch [default: what it says; else 1000 of a folder, 110 of an
    /// archive].
    #[arg(long, value_name = "HZ")]
    pub(crate) frame_rate: Option<f64>,
    /// Only one of a file's labelled samples, from 0.
    #[arg(long, value_name = "N")]
    pub(crate) sample: Option<u64>,
    /// Which samples of a file that has those for training and for tests: train or test [default: train,
    /// where it is there].
    #[arg(long, value_name = "SPLIT")]
    pub(crate) split: Option<Split>,
}

/// Which session events go to, and where its output goes.
#[derive(Args, Debug)]
pub(crate) struct TargetArguments {
    /// A network by name, or the path of its folder, .toml or .nir file.
    pub(crate) network: String,
    #[command(flatten)]
    pub(crate) nir: NirArguments,
    #[command(flatten)]
    pub(crate) daemon: DaemonArguments,
    /// Id of the session, for `spiked sessions` [default: the daemon chooses].
    #[arg(long, value_name = "ID", requires = "address")]
    pub(crate) session: Option<String>,
    /// Have the daemon journal the session, and sync the journal never, at intervals, or before each
    /// batch is simulated.
    #[arg(long, value_name = "SYNC", requires = "address")]
    pub(crate) durable: Option<Durable>,
    /// Threads to spread the network over [default: 1]. No number changes a result.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=64))]
    pub(crate) threads: Option<u32>,
    /// Write spikes and decisions to a file as comma-separated text; - is standard output.
    #[arg(short, long, value_name = "OUT.csv")]
    pub(crate) output: Option<PathBuf>,
    /// The network's input port that the events go to [default: its camera].
    #[arg(long, value_name = "NAME")]
    pub(crate) port: Option<String>,
}

/// When a journal is synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Durable {
    /// Survives the daemon, not power loss.
    Never,
    /// Survives power loss but for the last instant.
    Interval,
    /// No output leaves before its input is safe.
    Each,
}

impl From<Durable> for Durability {
    fn from(durable: Durable) -> Self {
        match durable {
            Durable::Never => Self::Never,
            Durable::Interval => Self::Interval,
            Durable::Each => Self::Each,
        }
    }
}

#[derive(Args, Debug)]
#[command(after_help = format!("Examples:
  spiked stream motion udp://0.0.0.0:3333 --geometry 640x480
  spiked stream motion udp://0.0.0.0:7777 --layout t32_x16_y15_on1 --geometry 640x480 -o -
  metavision_raw | spiked stream motion - --address robot:7411 --durable interval
  spiked stream motion - < street.es
  spiked stream motion tcp://camera:7777 --reconnect 1min
  spiked stream motion udp://0.0.0.0:3333 --geometry 640x480 --lag-max 50ms --overload drop-newest
  spiked stream swept-edge sweep.npz           as if it happened now

A source with a clock of its own keeps it: sensor times stay as they are, and when the sensor falls
silent, time goes on (--pace live, as for UDP and TCP). From standard input time goes on with the events
(--pace logical), unless told otherwise. What is dropped, late or lost is counted and told.

Ctrl-C ends the input: the network runs on for what is under way, and the summary says what came. A
second Ctrl-C does not wait. {EXIT_STATUS}"))]
pub(crate) struct StreamArguments {
    #[command(flatten)]
    pub(crate) target: TargetArguments,
    /// Where events come from: udp://HOST:PORT to listen there, tcp://HOST:PORT of a server of DV
    /// (AEDAT 4), - for standard input, in any format that is known by its content, or a recording of
    /// events or touch, which is played as fast as it was recorded.
    pub(crate) source: SourceAddress,
    /// How datagrams are to be read: spif (with times or without), t64_x16_y16_on8 or
    /// t32_x16_y15_on1.
    #[arg(long, value_name = "LAYOUT", default_value = "spif")]
    pub(crate) layout: DatagramLayout,
    /// Size of the sensor; needed where the source doesn't tell.
    #[arg(long, value_name = "WxH")]
    pub(crate) geometry: Option<Geometry>,
    /// What the network's time follows [default: live for UDP and TCP, logical otherwise].
    #[arg(long, value_enum)]
    pub(crate) pace: Option<StreamPace>,
    /// How long an event is waited for under --pace live; later ones are dropped and counted.
    #[arg(long, value_name = "TIME", default_value = "5ms")]
    pub(crate) lateness: Span,
    /// What becomes of events that come faster than they are simulated [default: drop-oldest under
    /// --pace live, block otherwise].
    #[arg(long, value_enum, value_name = "POLICY")]
    pub(crate) overload: Option<Overloaded>,
    /// How far behind the clock the network may be under --pace live; events that find it further behind
    /// meet --overload [default: any].
    #[arg(long, value_name = "TIME")]
    pub(crate) lag_max: Option<Span>,
    /// How long to try to connect again when the connection to the daemon breaks.
    #[arg(long, value_name = "TIME", default_value = "15s", requires = "address")]
    pub(crate) patience: Span,
    /// How long to try to connect again when the connection to a server of DV ends [default: its end is
    /// the end of the input].
    #[arg(long, value_name = "TIME")]
    pub(crate) reconnect: Option<Span>,
    /// Frames a second of a recording of touch, as for `spiked run`.
    #[arg(long, value_name = "HZ")]
    pub(crate) frame_rate: Option<f64>,
    /// Take events that are out of order by up to so many microseconds, under --pace logical.
    #[arg(long, value_name = "US", default_value_t = 0)]
    pub(crate) reorder: u64,
}

/// What a stream's time follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum StreamPace {
    /// The clock, with the sensor's times.
    Live,
    /// The events.
    Logical,
}

/// What becomes of events that come too fast.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Overloaded {
    /// The source is held up.
    Block,
    /// Those that have waited longest are dropped and counted.
    DropOldest,
    /// Those that come are dropped and counted.
    DropNewest,
    /// The stream ends with an error.
    Fail,
}

impl From<Overloaded> for Overload {
    fn from(overloaded: Overloaded) -> Self {
        match overloaded {
            Overloaded::Block => Self::Block,
            Overloaded::DropOldest => Self::DropOldest,
            Overloaded::DropNewest => Self::DropNewest,
            Overloaded::Fail => Self::Fail,
        }
    }
}

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  spiked demo
  spiked demo --seed 7
  spiked demo --reverse-delays   the same network with its delays turned round: it sees the
                                 opposite of what moves, and the demo fails

Status 0 means that the direction was right, give or take 30 degrees, in at least 0.80 of the
milliseconds that begin 40 ms or more after a change.")]
pub(crate) struct DemoArguments {
    /// Another texture, and other turns.
    #[arg(long, default_value_t = 0)]
    pub(crate) seed: u64,
    /// Turn the network's delays round: the shortest becomes the longest.
    #[arg(long)]
    pub(crate) reverse_delays: bool,
    /// A running daemon: HOST:PORT, https://HOST:PORT or unix:/PATH [default: one started inside this process].
    #[arg(long, value_name = "ADDR")]
    pub(crate) address: Option<String>,
    #[command(flatten)]
    pub(crate) credentials: Credentials,
}
