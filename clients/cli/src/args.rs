//! What can be asked for, with examples.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use spiked_client::Geometry;
use spiked_recordings::{
    DatagramLayout,
    samples::Split,
    write::{Kind, aedat4::Compression},
};
use spiked_server::{Scope, networks::nir::Profile};

use crate::{
    commands::GenerateArguments,
    run::{Span, Speed},
    sessions::SessionsArguments,
    stream::SourceAddress,
};

const EXIT_STATUS: &str = "Exit status: 0 done, 1 it failed, 2 used wrongly, 130 interrupted.";

/// Spiking networks on live event streams.
#[derive(Debug, Parser)]
#[command(
    name = "spiked",
    version,
    about,
    arg_required_else_help = true,
    max_term_width = 100,
    after_help = "Examples:
  spiked demo                          see it work, without any file
  spiked info street.raw               what a recording holds
  spiked run motion street.es          a recording through a network
  spiked run brunel --for 10s          a network that needs none
  spiked serve --networks my-networks  a daemon for others

Exit status: 0 done, 1 it failed, 2 used wrongly, 130 interrupted."
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Runs the daemon until it is asked to end.
    Serve(ServeArguments),
    /// Shows what a recording holds.
    Info(InfoArguments),
    /// Sends a recording through a network.
    Run(RunArguments),
    /// Sends what comes in live through a network, from UDP, TCP or standard input.
    Stream(StreamArguments),
    /// Shows a network that sees which way a texture moves; needs no file.
    Demo(DemoArguments),
    /// Lists the networks that can be run, describes one, loads and unloads them.
    Networks(NetworksArguments),
    /// Checks whether a network would run, and what it would cost.
    Check(CheckArguments),
    /// Prints the configuration that `spiked serve` would have, and where each value comes from.
    Config(ConfigArguments),
    /// Makes a token for `spiked serve --tokens`.
    Token(TokenArguments),
    /// Shows a daemon's sessions, and takes, forks, rewinds, watches and closes them.
    Sessions(SessionsArguments),
    /// Asks whether a daemon, or one of its networks, serves.
    Healthcheck(HealthcheckArguments),
    /// Finds the profile under which a NIR file does what a framework recorded.
    Verify(VerifyArguments),
    /// Writes a recording in another format.
    Convert(ConvertArguments),
    /// Makes a recording of a sensor that nobody needs to own.
    Generate(GenerateArguments),
}

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  spiked serve
  spiked serve --listen 127.0.0.1:0 --networks my-networks --log json
  spiked serve --listen unix:/run/spiked.sock --data /var/lib/spiked
  spiked serve --listen 0.0.0.0:7411 --tls-certificate robot.pem --tls-key robot.key
  spiked serve --config spiked.toml --set limits.sessions=64

Settings come from the file, then from the environment (SPIKED_LIMITS_SESSIONS=64), then from flags;
the later ones win. `spiked config` prints all of them.

One line on standard output says where it listens, once it does, and a second one where metrics are,
if they are. SIGTERM and Ctrl-C end it cleanly, with status 0. Tokens and certificates are read again
when their files change, and on SIGHUP.")]
pub(crate) struct ServeArguments {
    #[command(flatten)]
    pub(crate) sources: ConfigSources,
    /// Where to listen: HOST:PORT or unix:/PATH; port 0 takes any that is free
    /// [default: 127.0.0.1:7411].
    #[arg(long, value_name = "ADDR")]
    pub(crate) listen: Option<String>,
    /// A folder of networks, one folder each, beside those that come along.
    #[arg(long, value_name = "DIR")]
    pub(crate) networks: Option<PathBuf>,
    /// A folder for durable sessions and snapshots; without one both end with the daemon.
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// A file of bearer tokens; without one whoever connects may do everything.
    #[arg(long, value_name = "FILE")]
    pub(crate) tokens: Option<PathBuf>,
    /// A file of the daemon's certificate, as PEM, with those up to its authority; clients then
    /// connect to https://HOST:PORT.
    #[arg(long, value_name = "FILE")]
    pub(crate) tls_certificate: Option<PathBuf>,
    /// A file of that certificate's key, as PEM.
    #[arg(long, value_name = "FILE")]
    pub(crate) tls_key: Option<PathBuf>,
    /// A file of authorities, as PEM; clients must then show a certificate of theirs.
    #[arg(long, value_name = "FILE")]
    pub(crate) tls_client_ca: Option<PathBuf>,
    /// Where to serve metrics and health over HTTP: HOST:PORT [default: nowhere].
    #[arg(long, value_name = "ADDR")]
    pub(crate) metrics: Option<String>,
    /// Serve metrics beyond this machine, to whoever asks.
    #[arg(long)]
    pub(crate) metrics_insecure: bool,
    /// Simulation threads [default: one per core].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=64))]
    pub(crate) threads: Option<u16>,
    /// How the log on standard error is written [default: text].
    #[arg(long, value_enum)]
    pub(crate) log: Option<Log>,
    /// Listen beyond this machine without TLS, although everybody there could then use the daemon.
    #[arg(long)]
    pub(crate) insecure: bool,
    /// End also when standard input ends, as it does with the program that holds its other end.
    #[arg(long)]
    pub(crate) until_stdin_ends: bool,
}

/// Where settings come from besides a command's own flags.
#[derive(Args, Debug)]
pub(crate) struct ConfigSources {
    /// A TOML file of settings.
    #[arg(long, value_name = "FILE", env = "SPIKED_CONFIG")]
    pub(crate) config: Option<PathBuf>,
    /// One setting by its name; may be given several times.
    #[arg(long, value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
}

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  spiked config
  spiked config --config spiked.toml --set limits.sessions=64
  spiked config > spiked.toml          a file with every setting, to be changed")]
pub(crate) struct ConfigArguments {
    #[command(flatten)]
    pub(crate) sources: ConfigSources,
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

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  spiked token --name robot --tenant lab --scope stream --scope read

The first line is the token, which is for the client (SPIKED_TOKEN, or --token-file) and kept
nowhere. Behind it stands the entry for the daemon's file (spiked serve --tokens FILE).")]
pub(crate) struct TokenArguments {
    /// What the token is called in the file and in refusals.
    #[arg(long, value_name = "NAME", default_value = "token")]
    pub(crate) name: String,
    /// Whose sessions it opens and sees.
    #[arg(long, value_name = "NAME", default_value = "local")]
    pub(crate) tenant: String,
    /// What it allows: read, stream or admin; may be given several times [default: read and
    /// stream].
    #[arg(long = "scope", value_name = "SCOPE")]
    pub(crate) scopes: Vec<Scope>,
}

/// How a log is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Log {
    /// Lines for people.
    Text,
    /// One JSON object a line.
    Json,
}

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  spiked info street.es
  spiked info --geometry 640x480 evt2.raw
  spiked info shd_train.h5
  spiked info n-tidigits.hdf5 --split test")]
pub(crate) struct InfoArguments {
    /// The recording, in any format that is known by its content: events, touch, or labelled samples.
    pub(crate) file: PathBuf,
    /// Which samples of a file that has those for training and for tests: train or test [default: train,
    /// where it is there].
    #[arg(long, value_name = "SPLIT")]
    pub(crate) split: Option<Split>,
    /// Size of the sensor, where the file's header names none.
    #[arg(long, value_name = "WxH")]
    pub(crate) geometry: Option<Geometry>,
}

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  spiked healthcheck
  spiked healthcheck --address unix:/run/spiked.sock --network motion

One line says what it is; the exit status is 0 if it serves, and 1 if not, or if nothing is heard
within 3 s. It takes no token.")]
pub(crate) struct HealthcheckArguments {
    /// The daemon: HOST:PORT, https://HOST:PORT or unix:/PATH.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:7411")]
    pub(crate) address: String,
    /// One of its networks, instead of the daemon.
    #[arg(long, value_name = "NAME")]
    pub(crate) network: Option<String>,
    #[command(flatten)]
    pub(crate) credentials: Credentials,
}

/// How to be let in by a daemon, and how to know it.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct Credentials {
    /// A file that holds the token for the daemon [default: what SPIKED_TOKEN holds].
    #[arg(long, value_name = "FILE", global = true)]
    pub(crate) token_file: Option<PathBuf>,
    /// A file of authorities, as PEM, one of which has signed the daemon's certificate
    /// [default: SPIKED_CA, or those that the system trusts].
    #[arg(long, value_name = "FILE", global = true)]
    pub(crate) ca: Option<PathBuf>,
    /// A file of this client's certificate, as PEM, for a daemon that asks for one
    /// [default: SPIKED_CERTIFICATE].
    #[arg(long, value_name = "FILE", global = true)]
    pub(crate) certificate: Option<PathBuf>,
    /// A file of that certificate's key, as PEM [default: SPIKED_KEY].
    #[arg(long, value_name = "FILE", global = true)]
    pub(crate) key: Option<PathBuf>,
}

/// Which daemon, and which networks it has.
#[derive(Args, Debug)]
pub(crate) struct DaemonArguments {
    /// A running daemon: HOST:PORT, https://HOST:PORT or unix:/PATH [default: one started inside this process].
    #[arg(long, value_name = "ADDR")]
    pub(crate) address: Option<String>,
    #[command(flatten)]
    pub(crate) credentials: Credentials,
    /// A folder of networks for the daemon inside this process.
    #[arg(long, value_name = "DIR", conflicts_with = "address")]
    pub(crate) networks: Option<PathBuf>,
}

#[derive(Args, Debug)]
#[command(after_help = format!("Examples:
  spiked run motion street.es
  spiked run motion evt2.raw --geometry 640x480 --speed 1x
  spiked run my-networks/edges street.es -o spikes.csv
  spiked run motion street.es -o - | head
  spiked run motion street.es --address robot:7411 --session left-eye --durable interval
  spiked run swept-edge sweep.npz
  spiked run brunel --for 10s --threads 2
  spiked run trained.nir street.es --profile sinabs --step 1ms

Results go to standard output, or to standard error when the spikes go there (-o -). The digest is
the same for the same recording and network, however the recording was cut into batches. Ctrl-C
ends the run; the summary then says how far it came.

{EXIT_STATUS}"))]
pub(crate) struct RunArguments {
    #[command(flatten)]
    pub(crate) target: TargetArguments,
    /// The recording, in any format that is known by its content: events, or touch.
    #[arg(required_unless_present = "span")]
    pub(crate) file: Option<PathBuf>,
    /// Let a network without inputs run for so long, as it tells time (200ms, 10s).
    #[arg(
        long = "for",
        value_name = "TIME",
        conflicts_with_all = ["file", "speed", "geometry", "batch", "port", "reorder", "frame_rate"]
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

#[derive(Args, Debug)]
#[command(after_help = format!("Examples:
  spiked stream motion udp://0.0.0.0:3333 --geometry 640x480
  spiked stream motion udp://0.0.0.0:7777 --layout t32_x16_y15_on1 --geometry 640x480 -o -
  metavision_raw | spiked stream motion - --address robot:7411 --durable interval
  spiked stream motion - < street.es
  spiked stream motion tcp://camera:7777 --reconnect 1min
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

#[derive(Args, Debug)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:
  spiked networks
  spiked networks motion --geometry 320x240
  spiked networks --networks my-networks
  spiked networks load my-networks/edges"
)]
pub(crate) struct NetworksArguments {
    #[command(subcommand)]
    pub(crate) change: Option<NetworkChange>,
    /// Describe this one.
    pub(crate) network: Option<String>,
    #[command(flatten)]
    pub(crate) daemon: DaemonArguments,
    /// Size of the sensor, where the network leaves it open.
    #[arg(long, value_name = "WxH")]
    pub(crate) geometry: Option<Geometry>,
    /// The input port of that size.
    #[arg(long, value_name = "NAME", default_value = "camera")]
    pub(crate) port: String,
}

/// What is done to a running daemon's networks.
#[derive(Debug, Subcommand)]
pub(crate) enum NetworkChange {
    /// Makes a network available in a daemon.
    Load(LoadArguments),
    /// Takes a network away from a daemon.
    Unload(UnloadArguments),
}

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  spiked check my-networks/edges
  spiked check my-networks/edges/network.toml --geometry 320x240
  spiked check trained.nir --profile snntorch --step 100us")]
pub(crate) struct CheckArguments {
    /// The path of a network's folder, .toml or .nir file.
    pub(crate) network: PathBuf,
    #[command(flatten)]
    pub(crate) nir: NirArguments,
    #[command(flatten)]
    pub(crate) daemon: DaemonArguments,
    /// Size of the sensor, where the network leaves it open.
    #[arg(long, value_name = "WxH")]
    pub(crate) geometry: Option<Geometry>,
}

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  spiked networks load my-networks/edges --as 2
  spiked networks load trained.nir --profile snntorch --address robot:7411
  spiked networks load edges                    from the daemon's folder (networks_mode = \"explicit\")

Prints the network's name and version. A daemon with a data folder (spiked serve --data) has a network
that was sent to it for good, another one until it ends.")]
pub(crate) struct LoadArguments {
    /// The path of a network's folder, .toml or .nir file; or the name of one in the daemon's folder.
    pub(crate) network: String,
    /// Its version [default: 1; from the daemon's folder, the newest].
    #[arg(long = "as", value_name = "VERSION", default_value = "", hide_default_value = true)]
    pub(crate) version: String,
    #[command(flatten)]
    pub(crate) nir: NirArguments,
    /// The daemon: HOST:PORT, https://HOST:PORT or unix:/PATH.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:7411")]
    pub(crate) address: String,
    #[command(flatten)]
    pub(crate) credentials: Credentials,
}

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  spiked networks unload edges
  spiked networks unload edges 2 --address robot:7411

Live sessions stay on it. Refused where a durable session needs it to come back.")]
pub(crate) struct UnloadArguments {
    /// Its name.
    pub(crate) network: String,
    /// Its version [default: the newest].
    #[arg(default_value = "", hide_default_value = true)]
    pub(crate) version: String,
    /// The daemon: HOST:PORT, https://HOST:PORT or unix:/PATH.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:7411")]
    pub(crate) address: String,
    #[command(flatten)]
    pub(crate) credentials: Credentials,
}

/// How a .nir file is read.
#[derive(Args, Clone, Copy, Debug, Default)]
pub(crate) struct NirArguments {
    /// How a .nir file is read: exact-pulse, exact-dirac, euler, norse, snntorch,
    /// snntorch-subtract or sinabs.
    #[arg(long, value_name = "NAME")]
    pub(crate) profile: Option<Profile>,
    /// Length of a .nir file's step [default: 100us].
    #[arg(long, value_name = "TIME", requires = "profile")]
    pub(crate) step: Option<Span>,
}

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  spiked verify trained.nir --io recorded.npz
  spiked verify trained.nir --io recorded.npz --profile snntorch --step 100us --json

The .npz file holds `input` and `spikes` as [step, unit], and may hold `hidden_spikes` and the length
of a step in seconds, `dt`. Where no profile reproduces the spikes, the nearest one's first difference
is shown.

Exit status: 0 a profile reproduces them, 1 none does, 2 used wrongly.")]
pub(crate) struct VerifyArguments {
    /// The network.
    pub(crate) file: PathBuf,
    /// What the framework recorded.
    #[arg(long, value_name = "IO.npz")]
    pub(crate) io: PathBuf,
    /// Try this profile only.
    #[arg(long, value_name = "NAME")]
    pub(crate) profile: Option<Profile>,
    /// Length of a step [default: the recording's dt, else 100us].
    #[arg(long, value_name = "TIME")]
    pub(crate) step: Option<Span>,
    /// One JSON object instead of lines.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  spiked convert street.raw street.csv
  spiked convert street.aedat4 street.es --from-zero
  spiked convert street.raw street.aedat4 --compression zstd
  spiked convert street.dat street.raw --to evt2
  spiked convert street.es - | head
  spiked convert user01_led.aedat waves.es --segment 2 --from-zero
  spiked convert shd_train.h5 shd_train.npz        with the labels in shd_train_labels.csv
  spiked convert shd_train.h5 one.csv --sample 17

The name says the format: .raw (EVT3), .dat, .aedat4, .es, .csv or .npz. Ctrl-C leaves nothing under the
name; a recording that turns out to be damaged is written as far as it could be read. Labelled samples
(SHD, SSC, N-TIDIGITS18) become spikes at addresses, as csv or npz, one sample behind another.")]
pub(crate) struct ConvertArguments {
    /// The recording, in any format that is known by its content.
    pub(crate) file: PathBuf,
    /// Where to write; - is standard output.
    pub(crate) output: PathBuf,
    /// The format: evt2, evt3, dat, aedat4, es, csv or npz [default: what the name says; csv for -].
    #[arg(long, value_name = "FORMAT")]
    pub(crate) to: Option<Kind>,
    /// Compression of aedat4: none, lz4 or zstd.
    #[arg(long, value_name = "HOW", default_value_t = Compression::Lz4)]
    pub(crate) compression: Compression,
    /// Count times from the first event: for formats that begin at 0, and sensors that don't.
    #[arg(long)]
    pub(crate) from_zero: bool,
    /// Size of the sensor, where the file's header names none.
    #[arg(long, value_name = "WxH")]
    pub(crate) geometry: Option<Geometry>,
    /// Only the events of a segment, by its line in the labels beside the recording, from 0.
    #[arg(long, value_name = "N")]
    pub(crate) segment: Option<usize>,
    /// Only one of a file's labelled samples, from 0.
    #[arg(long, value_name = "N")]
    pub(crate) sample: Option<u64>,
    /// Which samples of a file that has those for training and for tests: train or test [default: train,
    /// where it is there].
    #[arg(long, value_name = "SPLIT")]
    pub(crate) split: Option<Split>,
    /// Time between one sample's last spike and the next one's start [default: 100ms].
    #[arg(long, value_name = "TIME")]
    pub(crate) gap: Option<Span>,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_arguments_are_well_formed() {
        Arguments::command().debug_assert();
    }
}
