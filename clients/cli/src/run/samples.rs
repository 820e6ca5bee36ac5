//! `spiked run` with labelled samples: each through the network at rest, from its own beginning, and what
//! came of them.

use std::{
    convert::Infallible,
    future::pending,
    ops::Range,
    path::Path,
    pin::{Pin, pin},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use sha2::{Digest as _, Sha256};
use spiked_client::{
    AddressEvent, Client, OpenOptions, Producer, Reason, Session, Tables, hex, v1::Drops,
};
use spiked_recordings::samples::{Label, Sample, Samples};
use tokio::{sync::mpsc, time::timeout};

use super::{
    CLOSING_MAX, Fed, Harvest, Live, Speed, Stop, Table, abandon, asked, harvest::Totals, options,
    summary::dropped, tell, with_hint,
};
use crate::{
    args::RunArguments,
    failure::Failure,
    link::Link,
    network,
    numbers::{duration, grouped, rate, share},
    terminal,
};

/// Samples that wait to be sent.
const SAMPLES_AHEAD: usize = 4;
/// The port that gets an event as a sample begins, for networks that live in samples.
const BEGINS: &str = "sample";

/// Sends the samples that are asked for through a network, one after the other.
pub(super) async fn run(arguments: &RunArguments, path: &Path) -> Result<(), Failure> {
    refuse_what_is_for_recordings(arguments)?;
    let samples = Samples::open(path, arguments.split)?;
    let count = samples.count();
    let wanted = match arguments.sample {
        None => 0..count,
        Some(index) if index < count => index..index + 1,
        Some(index) => {
            return Err(Failure::used_wrongly(format!(
                "there is no sample {index}: {} has {count}, and the first is 0",
                path.display()
            )));
        }
    };
    let source = format!("{}, {}", path.display(), samples.format());
    let channels = samples.channels();
    let link = Link::open(&arguments.target.daemon).await?;
    let chosen =
        network::choose(&link.client, &arguments.target.network, arguments.target.nir).await?;
    let mut trials = Trials {
        client: &link.client,
        arguments,
        options: options(&chosen, &arguments.target),
        channels,
        live: Live::new(Some(wanted.end - wanted.start), None),
        wanted: wanted.clone(),
        table: None,
        tables: None,
        session: None,
        sums: Sums::default(),
    };
    let started = Instant::now();
    let mut was_asked = false;
    let asked = async {
        asked().await;
        was_asked = true;
    };
    let done = trials.run_all(read(samples, wanted), pin!(asked)).await;
    let wall = started.elapsed();
    trials.live.finish();
    if let Some(session_id) = trials.session.take() {
        abandon(&link.client, &session_id).await;
    }
    let told = match trials.tables.take() {
        Some(tables) => tell(&arguments.target, &trials.summary(&tables, &source, wall)),
        None => Ok(()),
    };
    drop(trials);
    let closed = link.close().await;
    if was_asked {
        return done;
    }
    done.and(told).and(closed)
}

fn refuse_what_is_for_recordings(arguments: &RunArguments) -> Result<(), Failure> {
    let given = [
        ("--geometry", arguments.geometry.is_some()),
        ("--batch", arguments.batch.is_some()),
        ("--reorder", arguments.reorder > 0),
        ("--frame-rate", arguments.frame_rate.is_some()),
        ("--speed", matches!(arguments.speed, Speed::Times(_))),
        ("--session", arguments.target.session.is_some()),
        ("--durable", arguments.target.durable.is_some()),
    ];
    match given.into_iter().find(|(_, is_given)| *is_given) {
        None => Ok(()),
        Some((flag, _)) => Err(Failure::used_wrongly(format!(
            "{flag} is for recordings, not for labelled samples, each of which has a session of its own"
        ))),
    }
}

/// Reads on a thread of its own, up to the first sample that is damaged, or until nobody takes them.
fn read(mut samples: Samples, wanted: Range<u64>) -> mpsc::Receiver<Result<Sample, Failure>> {
    let (sender, taken) = mpsc::channel(SAMPLES_AHEAD);
    thread::spawn(move || {
        for index in wanted {
            let sample = samples.read(index).map_err(Failure::from);
            let is_over = sample.is_err();
            if sender.blocking_send(sample).is_err() || is_over {
                return;
            }
        }
    });
    taken
}

/// One session after the other.
struct Trials<'a> {
    client: &'a Client,
    arguments: &'a RunArguments,
    options: OpenOptions,
    channels: u32,
    live: Live,
    /// Those that are asked for.
    wanted: Range<u64>,
    table: Option<Table>,
    /// Of the first session; those of the others are the same.
    tables: Option<Arc<Tables>>,
    /// The session that is open.
    session: Option<String>,
    sums: Sums,
}

impl Trials<'_> {
    /// Up to the last one, or until the user asks for the end.
    async fn run_all(
        &mut self,
        mut samples: mpsc::Receiver<Result<Sample, Failure>>,
        mut asked: Pin<&mut impl Future<Output = ()>>,
    ) -> Result<(), Failure> {
        loop {
            let next = tokio::select! {
                next = samples.recv() => next,
                () = &mut asked => return Err(Failure::interrupted()),
            };
            let Some(sample) = next.transpose()? else { return Ok(()) };
            let session = self.open_unless(asked.as_mut()).await?;
            self.session = Some(session.tables().session_id.clone());
            tokio::select! {
                done = self.run_one(session, &sample) => done?,
                () = &mut asked => return Err(Failure::interrupted()),
            }
            self.session = None;
            self.live.read(self.sums.samples);
        }
    }

    async fn run_one(&mut self, session: Session, sample: &Sample) -> Result<(), Failure> {
        let tables = session.tables().clone();
        let ports = Ports::of(&tables, self.arguments.target.port.as_deref(), self.channels)?;
        if self.tables.is_none() {
            self.begin(&tables)?;
        }
        if let Some(table) = &mut self.table {
            table.begin_sample(sample.index, &sample.label);
        }
        let (producer, output) = session.split();
        let mut harvest = Harvest::new(self.table.take(), self.live.clone());
        let mut fed = Fed::default();
        let reaped = tokio::select! {
            // The session's own end is the end, whatever is still to be sent.
            reaped = harvest.reap(output) => reaped,
            never = async {
                fed.note(feed(producer, ports, &sample.spikes).await);
                pending::<Infallible>().await
            } => match never {},
        };
        self.table = harvest.give_table_back();
        reaped.and(fed.outcome)?;
        self.live.end(&harvest.totals.position);
        self.sums.add(sample, &harvest.totals, &tables);
        Ok(())
    }

    /// What the first session says holds for all of them.
    fn begin(&mut self, tables: &Arc<Tables>) -> Result<(), Failure> {
        self.options.network_version.clone_from(&tables.network_version);
        let output = self.arguments.target.output.as_deref();
        self.table = output.map(|path| Table::of_samples(path, tables)).transpose()?;
        self.tables = Some(Arc::clone(tables));
        Ok(())
    }

    /// Opens a session. Asked for the end meanwhile, it waits a moment and closes it: the daemon would
    /// wait for somebody to come back to one that nobody closes.
    async fn open_unless(
        &mut self,
        asked: Pin<&mut impl Future<Output = ()>>,
    ) -> Result<Session, Failure> {
        let mut opening = pin!(self.open());
        tokio::select! {
            opened = &mut opening => return opened,
            () = asked => {}
        }
        if let Ok(Ok(session)) = timeout(CLOSING_MAX, opening).await {
            abandon(self.client, &session.tables().session_id).await;
        }
        Err(Failure::interrupted())
    }

    async fn open(&self) -> Result<Session, Failure> {
        let opened = self.client.open(self.options.clone()).await;
        opened.map_err(|error| match error.reason() {
            // A size is missing, so there is a camera.
            Some(Reason::PortShape) => Failure::from(error)
                .with_hint("this network is for events of a camera, not for samples"),
            reason => with_hint(reason, error.into()),
        })
    }

    /// Names and values, one a line; the names stay as they are, for scripts.
    fn summary(&self, tables: &Tables, source: &str, wall: Duration) -> String {
        let sums = &self.sums;
        let plan = hex(tables.plan_sha256.get(..8).unwrap_or_default());
        let tick = duration(Duration::from_nanos(tables.tick_ns));
        let network =
            format!("{} {} (plan {plan}), ticks of {tick}", tables.network, tables.network_version);
        let core = Duration::from_nanos(sums.core_ns);
        let of_each = sums.extremes.map(|(fewest, most)| {
            format!(", {} to {} of a sample", grouped(fewest), grouped(most))
        });
        let first_missing = self.wanted.start + sums.samples;
        let early = match first_missing < self.wanted.end {
            true => format!(", ended before sample {first_missing} was over"),
            false => String::new(),
        };
        let mut rows = vec![
            ("network", network.into()),
            ("samples", format!("{} of {source}{early}", grouped(sums.samples)).into()),
            ("events", grouped(sums.events).into()),
        ];
        rows.extend(dropped(Some(&sums.drops)).map(|line| ("dropped", line.into())));
        rows.push(("deliveries", grouped(sums.deliveries).into()));
        let spikes = format!("{}{}", grouped(sums.spikes), of_each.unwrap_or_default());
        rows.push(("spikes", spikes.into()));
        rows.push(("decisions", grouped(sums.decisions).into()));
        if sums.decided > 0 {
            let share = share(sums.right, sums.samples);
            let (right, samples) = (grouped(sums.right), grouped(sums.samples));
            let undecided = match sums.samples - sums.decided {
                0 => String::new(),
                count => format!("; {} ended undecided", grouped(count)),
            };
            let line = format!(
                "{right} of {samples} samples ({share}), by each one's last decision{undecided}"
            );
            rows.push(("right", line.into()));
        }
        rows.push(("wall time", format!("{:.3} s", wall.as_secs_f64()).into()));
        rows.push(("core time", format!("{:.3} s", core.as_secs_f64()).into()));
        let rates =
            (rate(sums.samples, wall, "samples"), rate(sums.deliveries, core, "deliveries"));
        rows.push(("rates", format!("{}, {} of core time", rates.0, rates.1).into()));
        rows.push(("digest", format!("sha256:{}", hex(&sums.digest.clone().finalize())).into()));
        terminal::table(rows)
    }
}

/// Where a sample's spikes go, and where its begin is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Ports {
    spikes: u32,
    begins: Option<u32>,
}

impl Ports {
    fn of(tables: &Tables, named: Option<&str>, channels: u32) -> Result<Self, Failure> {
        let addresses =
            |port: &spiked_client::InputPort| port.shape.iter().copied().map(u64::from).product();
        let network = &tables.network;
        let fits = |port: &&spiked_client::InputPort| {
            port.frames.is_none() && addresses(port) >= u64::from(channels)
        };
        let port = match named {
            None => tables.inputs.iter().find(fits).ok_or_else(|| {
                let most = tables.inputs.iter().map(addresses).max().unwrap_or(0);
                format!(
                    "network {network:?} has no input port for {channels} channels: its largest has \
                     {most}"
                )
            }),
            Some(named) => {
                let port = tables.inputs.iter().find(|port| port.name == named);
                let port =
                    port.ok_or_else(|| format!("network {network:?} has no input port {named:?}"));
                port.and_then(|port| match fits(&port) {
                    true => Ok(port),
                    false => Err(format!(
                        "input port {named:?} has {} channels, and the samples {channels}",
                        addresses(port)
                    )),
                })
            }
        };
        let port = port.map_err(Failure::used_wrongly)?;
        let begins = tables
            .inputs
            .iter()
            .find(|other| other.name == BEGINS && other.name != port.name && addresses(other) == 1);
        let index = |port: &spiked_client::InputPort| tables.input(&port.name);
        Ok(Self { spikes: index(port).unwrap_or_default(), begins: begins.and_then(index) })
    }
}

/// Sends a sample, whose time begins at 0, and ends the input.
async fn feed(mut producer: Producer, ports: Ports, spikes: &[AddressEvent]) -> Result<(), Stop> {
    if let Some(begins) = ports.begins {
        producer.send(begins, &[AddressEvent { time: 0, index: 0 }]).await?;
    }
    producer.send(ports.spikes, spikes).await?;
    producer.finish().await?;
    Ok(())
}

/// What came of the samples so far.
#[derive(Default)]
struct Sums {
    samples: u64,
    events: u64,
    deliveries: u64,
    core_ns: u64,
    spikes: u64,
    /// Of one sample, the fewest and the most.
    extremes: Option<(u64, u64)>,
    decisions: u64,
    /// Samples that were decided on, and rightly so.
    decided: u64,
    right: u64,
    drops: Drops,
    digest: Sha256,
}

impl Sums {
    fn add(&mut self, sample: &Sample, totals: &Totals, tables: &Tables) {
        let position = &totals.position;
        self.samples += 1;
        self.events += position.events_accepted;
        self.deliveries += position.deliveries;
        self.core_ns += position.core_ns;
        self.spikes += totals.spikes;
        let (fewest, most) = self.extremes.unwrap_or((totals.spikes, totals.spikes));
        self.extremes = Some((fewest.min(totals.spikes), most.max(totals.spikes)));
        self.decisions += totals.decisions;
        if let Some((port, class)) = totals.last_decision {
            self.decided += 1;
            let is_right = match &sample.label {
                Label::Class(number) => class == *number,
                Label::Text(text) => tables.label(port, class) == Some(text.as_str()),
            };
            self.right += u64::from(is_right);
        }
        add_drops(&mut self.drops, position.drops.as_ref());
        self.digest.update(totals.digest.finish());
    }
}

fn add_drops(sum: &mut Drops, drops: Option<&Drops>) {
    let Some(drops) = drops else { return };
    let Drops { late, outside, multiplicity, overload, words, values, between_samples, .. } = drops;
    sum.late += late;
    sum.outside += outside;
    sum.multiplicity += multiplicity;
    sum.overload += overload;
    sum.words += words;
    sum.values += values;
    sum.between_samples += between_samples;
}
