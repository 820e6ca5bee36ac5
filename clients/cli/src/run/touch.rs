//! `spiked run` with a recording of touch: frames to the network's port of frames, and what came of
//! them.

use std::{
    cell::Cell,
    convert::Infallible,
    future::pending,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use spiked_client::{Client, Frames, Origin, Producer, Reason, Session, Tables};
use spiked_recordings::touch::{COMPONENTS, TouchCounts, TouchRecording};
use tokio::sync::mpsc;

use super::{
    Fed, Harvest, Live, Stop, Summary, Table, abandon, insistence, options,
    speed::{Schedule, Speed},
    tell, with_hint,
};
use crate::{
    args::RunArguments,
    failure::Failure,
    link::Link,
    network::{self, Chosen},
    numbers::grouped,
};

/// Portions of frames that wait to be sent.
const PORTIONS_AHEAD: usize = 4;
/// Frames that are sent as time passes go in batches of so much real time \[µs\].
const GATHERING_US: f64 = 1_000.0;

/// Sends a recording of touch through a network.
pub(super) async fn run(arguments: &RunArguments, path: &Path) -> Result<(), Failure> {
    refuse_what_is_for_events(arguments)?;
    let recording = TouchRecording::open(path)?;
    let period_ns = frame_period_ns(arguments.frame_rate, &recording)?;
    let link = Link::open(&arguments.target.daemon).await?;
    let chosen =
        network::choose(&link.client, &arguments.target.network, arguments.target.nir).await?;
    let session = open(&link.client, &chosen, arguments).await?;
    let tables = session.tables().clone();
    let whiskers = Whiskers::of(&tables, arguments, &recording)?;
    let table = arguments.target.output.as_deref().map(|path| Table::create(path, &tables));
    let table = table.transpose()?;

    let format = recording.format();
    let (producer, output) = session.split();
    let span_us = recording.frames_total().map(|frames| frames.saturating_mul(period_ns) / 1_000);
    let live = span_us.map_or_else(|| Live::new(None, None), Live::of_time);
    let mut harvest = Harvest::new(table, live.clone());
    let asked_to_end = Cell::new(false);
    let mut feeder = Feeder {
        whiskers: &whiskers,
        period_ns,
        speed: arguments.speed,
        schedule: None,
        fed: Fed::default(),
        counts: TouchCounts::default(),
    };

    let started = Instant::now();
    let reaped = tokio::select! {
        reaped = harvest.reap(output) => reaped,
        never = async {
            feeder.feed(producer, read(recording)).await;
            pending::<Infallible>().await
        } => match never {},
        gone = insistence(&link.client, &tables.session_id, &asked_to_end) => Err(gone),
    };
    let wall = started.elapsed();
    live.finish();
    if reaped.is_err() && !asked_to_end.get() {
        abandon(&link.client, &tables.session_id).await;
    }
    let Feeder { fed, counts, .. } = feeder;
    let rate_hz = 1e9 / period_ns as f64;
    let source = ("recording", format!("{}, {format}, at {rate_hz:.4} Hz", path.display()));
    let notes = notes(&whiskers, counts);
    let summary = Summary {
        tables: &tables,
        source,
        sent: "frames",
        fed: &fed,
        notes,
        wall,
        latencies: None,
    };
    let told = tell(&arguments.target, &summary.text(&harvest.totals));
    link.close().await?;
    if asked_to_end.get() {
        return Err(Failure::interrupted());
    }
    reaped.and(fed.outcome).and(told)
}

fn refuse_what_is_for_events(arguments: &RunArguments) -> Result<(), Failure> {
    let given = [
        ("--geometry", arguments.geometry.is_some()),
        ("--batch", arguments.batch.is_some()),
        ("--reorder", arguments.reorder > 0),
    ];
    match given.into_iter().find(|(_, is_given)| *is_given) {
        None => Ok(()),
        Some((flag, _)) => {
            Err(Failure::used_wrongly(format!("{flag} is for recordings of events, not of touch")))
        }
    }
}

/// Time between the frames of a recording: what the user says, or the recording, or its format.
pub(crate) fn frame_period_ns(
    frame_rate_hz: Option<f64>,
    recording: &TouchRecording,
) -> Result<u64, Failure> {
    let Some(rate_hz) = frame_rate_hz else {
        return Ok(recording.period_ns().unwrap_or(recording.format().period_ns()));
    };
    if !(1e-3..=1e6).contains(&rate_hz) {
        let message = format!("--frame-rate {rate_hz}: expected 0.001 to 1e6 frames a second");
        return Err(Failure::used_wrongly(message));
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "1e3 to 1e12")]
    Ok((1e9 / rate_hz).round() as u64)
}

async fn open(
    client: &Client,
    chosen: &Chosen,
    arguments: &RunArguments,
) -> Result<Session, Failure> {
    let options = options(chosen, &arguments.target).with_origin(Origin::FirstBatch);
    client.open(options).await.map_err(|error| {
        let (reason, failure) = (error.reason(), Failure::from(error));
        match reason {
            // A size is missing, so there is a camera.
            Some(Reason::PortShape) => {
                failure.with_hint("this network is for events, not for touch")
            }
            reason => with_hint(reason, failure),
        }
    })
}

/// Which values of a recording's frame make a frame of the port.
struct Whiskers {
    port: u32,
    /// For each whisker of the port, its place in the recording.
    places: Vec<Option<usize>>,
    /// Whiskers of the recording that the port lacks.
    left_out: usize,
}

impl Whiskers {
    fn of(
        tables: &Tables,
        arguments: &RunArguments,
        recording: &TouchRecording,
    ) -> Result<Self, Failure> {
        let network = &tables.network;
        let named = arguments.target.port.as_deref();
        let takes = |port: &&spiked_client::InputPort| {
            named.map_or(port.frames.is_some(), |named| named == port.name)
        };
        let port = tables.inputs.iter().find(takes).ok_or_else(|| {
            Failure::used_wrongly(match named {
                Some(named) => format!("network {network:?} has no input port {named:?}"),
                None => format!("network {network:?} has no input port for frames"),
            })
        })?;
        let frames = port.frames.as_ref().ok_or_else(|| {
            Failure::used_wrongly(format!("input port {:?} takes events, no frames", port.name))
        })?;
        let names = recording.whiskers();
        let place = |name: &str| names.iter().position(|own| own == name);
        let places: Vec<_> = frames.whiskers.iter().map(|own| place(&own.name)).collect();
        let found = places.iter().flatten().count();
        if found == 0 {
            let wanted = frames.whiskers.first().map_or("", |whisker| &whisker.name);
            let message = format!(
                "no whisker of the recording ({}, ...) is one of port {:?} ({wanted}, ...)",
                names[0], port.name
            );
            return Err(Failure::used_wrongly(message));
        }
        let port = tables.input(&port.name).unwrap_or_default();
        Ok(Self { port, places, left_out: names.len() - found })
    }

    fn channels(&self) -> usize {
        self.places.len() * COMPONENTS
    }

    /// Frames as the port wants them; a whisker that isn't there feels nothing.
    fn arrange(&self, values: &[f32], whiskers: usize) -> Vec<f32> {
        let mut arranged = Vec::with_capacity(values.len());
        for frame in values.chunks_exact(whiskers * COMPONENTS) {
            for place in &self.places {
                match place {
                    Some(place) => {
                        arranged.extend_from_slice(&frame[place * COMPONENTS..][..COMPONENTS]);
                    }
                    None => arranged.extend([0.0; COMPONENTS]),
                }
            }
        }
        arranged
    }
}

/// Frames of a recording of so many whiskers.
struct Portion {
    values: Vec<f32>,
    whiskers: usize,
    counts: TouchCounts,
}

/// Reads to the end on a thread of its own, or until nobody takes it any more.
fn read(mut recording: TouchRecording) -> mpsc::Receiver<Result<Portion, Failure>> {
    let (portions, taken) = mpsc::channel(PORTIONS_AHEAD);
    thread::spawn(move || {
        loop {
            let mut values = Vec::new();
            let portion = match recording.next_frames(&mut values) {
                Ok(0) => return,
                Ok(_) => {
                    let (whiskers, counts) = (recording.whiskers().len(), recording.counts());
                    Ok(Portion { values, whiskers, counts })
                }
                Err(error) => Err(Failure::from(error)),
            };
            let is_over = portion.is_err();
            if portions.blocking_send(portion).is_err() || is_over {
                return;
            }
        }
    });
    taken
}

struct Feeder<'a> {
    whiskers: &'a Whiskers,
    period_ns: u64,
    speed: Speed,
    schedule: Option<Schedule>,
    fed: Fed,
    counts: TouchCounts,
}

impl Feeder<'_> {
    /// Sends everything, then ends the input.
    async fn feed(
        &mut self,
        mut producer: Producer,
        mut portions: mpsc::Receiver<Result<Portion, Failure>>,
    ) {
        let mut sent = Ok(());
        while let (Ok(()), Some(portion)) = (&sent, portions.recv().await) {
            sent = match portion {
                Ok(portion) => {
                    self.counts = portion.counts;
                    let values = self.whiskers.arrange(&portion.values, portion.whiskers);
                    self.send(&mut producer, &values).await
                }
                Err(failure) => Err(Stop::Failed(failure)),
            };
        }
        self.fed.complete = sent.is_ok();
        self.fed.note(sent);
        // Also behind a fault: what came before it is processed.
        let ended = producer.finish().await.map_err(Stop::from);
        self.fed.note(ended);
    }

    async fn send(&mut self, producer: &mut Producer, values: &[f32]) -> Result<(), Stop> {
        let channels = self.whiskers.channels();
        for batch in values.chunks(self.frames_at_once() * channels) {
            let frames = (batch.len() / channels) as u64;
            let base_ns = u128::from(self.fed.events) * u128::from(self.period_ns);
            let last_ns = base_ns + u128::from(self.period_ns) * u128::from(frames - 1);
            let last_us = u64::try_from(last_ns / 1_000).unwrap_or(u64::MAX);
            self.wait_until_due(last_us).await;
            let batch = Frames {
                base_ns,
                period_ns: self.period_ns,
                channels: u32::try_from(channels).unwrap_or(u32::MAX),
                values: batch,
            };
            producer.send_frames(self.whiskers.port, batch, None).await?;
            if self.schedule.is_some() {
                producer.flush().await?;
            }
            self.fed.times_us = Some((0, last_us));
            self.fed.events += frames;
            self.fed.batches += 1;
        }
        Ok(())
    }

    fn frames_at_once(&self) -> usize {
        match self.speed {
            Speed::Asap => usize::MAX / self.whiskers.channels(),
            Speed::Times(times) => {
                let frames = GATHERING_US * times * 1e3 / self.period_ns as f64;
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "few")]
                let frames = frames.clamp(1.0, 1e6) as usize;
                frames
            }
        }
    }

    async fn wait_until_due(&mut self, last_us: u64) {
        let Speed::Times(times) = self.speed else { return };
        let schedule =
            *self.schedule.get_or_insert_with(|| Schedule::new(times, Instant::now(), 0));
        let due = schedule.due(last_us);
        tokio::time::sleep_until(due.into()).await;
        let late: Duration = Instant::now().saturating_duration_since(due);
        self.fed.lateness_max = self.fed.lateness_max.max(Some(late));
    }
}

/// What was mended, and what found no place.
fn notes(whiskers: &Whiskers, counts: TouchCounts) -> Vec<(&'static str, String)> {
    let mut notes = Vec::new();
    let missing = whiskers.places.iter().filter(|place| place.is_none()).count();
    let whole = [(missing, "not in the recording, feel nothing"), (whiskers.left_out, "left out")];
    let told: Vec<String> = whole
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
    if !told.is_empty() {
        notes.push(("whiskers", told.join(", ")));
    }
    let TouchCounts { not_numbers, absurd, .. } = counts;
    if not_numbers + absurd > 0 {
        let line =
            format!("{} no numbers, {} absurd values", grouped(not_numbers), grouped(absurd));
        notes.push(("mended", line));
    }
    notes
}
