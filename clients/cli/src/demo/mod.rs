//! `spiked demo`: a synthetic camera streamed through the daemon into a network that sees which way
//! its texture moves.
//!
//! In real time, one batch a millisecond. The reading half compares each decision with what was
//! played; whether enough of them were right is the exit status.

mod network;
mod score;
mod stage;
mod view;

use std::{
    cell::{Cell, RefCell},
    time::{Duration, Instant},
};

use spiked_client::{
    Error, Item, OpenOptions, Output, Producer,
    v1::{Acknowledgement, Decision},
};
use spiked_sensors::{Motion, Truth, truth::Switch};
use spiked_server::shutdown::signalled;
use tokio::sync::{mpsc, watch};

use self::{
    score::{RIGHT_SHARE_MIN, SCORED_STEPS_MIN, Score},
    stage::{STEP_US, Step},
    view::View,
};
use crate::{
    args::{DaemonArguments, DemoArguments},
    failure::Failure,
    link::Link,
    numbers::{grouped, rate},
    run::latency_line,
    terminal,
};

/// How long it plays \[steps\].
const STEPS: u64 = 8_000;
/// A machine that cannot keep up plays less, rather than longer.
const PLAYING_MAX: Duration = Duration::from_secs(14);
/// How far what is sent may be ahead of what is simulated \[steps\].
const STEPS_AHEAD_MAX: u64 = 100;

/// Plays, shows, and judges.
pub(crate) async fn demo(arguments: DemoArguments) -> Result<(), Failure> {
    let steps = stage::play(arguments.seed, STEPS)?;
    let daemon = DaemonArguments {
        address: arguments.address,
        credentials: arguments.credentials,
        networks: None,
    };
    let link = Link::open(&daemon).await?;
    let chosen = network::choose(&link.client, arguments.reverse_delays).await?;
    let options = OpenOptions { network_version: chosen.version, ..OpenOptions::new(&chosen.name) };
    let (producer, output) = link.client.open(options.with_latency()).await?.split();
    let latencies = producer.latencies().cloned();

    let played = Played::default();
    let (simulated, reached) = watch::channel(0);
    let mut audience = Audience {
        played: &played,
        simulated,
        view: View::new(latencies.clone()),
        score: Score::default(),
        next_step: 0,
        position: Acknowledgement::default(),
    };
    let asked = signalled().map_err(Failure::failed)?;
    let started = Instant::now();
    let outcome = tokio::select! {
        (played, watched) = async {
            tokio::join!(play(steps, producer, reached, &played), audience.watch(output))
        } => watched.and(played),
        () = asked => Err(Failure::interrupted()),
    };
    audience.view.finish();
    outcome?;
    let text = summary(&audience, started.elapsed());
    let latency = latencies.map(|latencies| latency_line(&latencies.histogram_ns()));
    terminal::print(&format!("{text}latency     {}\n", latency.unwrap_or_default()))?;
    link.close().await?;
    judge(&audience.score)
}

/// What was played so far: written by the playing half, read by the watching half.
#[derive(Default)]
struct Played {
    truth: RefCell<Truth>,
    steps: Cell<u64>,
    events: Cell<u64>,
}

impl Played {
    fn note(&self, step: &Step) {
        self.truth.borrow_mut().note(step.number, step.motion);
        self.steps.set(step.number + 1);
        self.events.set(self.events.get() + step.events.len() as u64);
    }

    /// The change that a step was played with; `None` for steps that weren't played.
    fn at(&self, step: u64) -> Option<Switch> {
        let switch = self.truth.borrow().switch_before(step);
        switch.filter(|_| step < self.steps.get())
    }
}

/// Sends each step when it is over, with the promise that it is.
async fn play(
    mut steps: mpsc::Receiver<Step>,
    mut producer: Producer,
    mut reached: watch::Receiver<u64>,
    played: &Played,
) -> Result<(), Failure> {
    let start = Instant::now();
    while start.elapsed() < PLAYING_MAX
        && let Some(step) = steps.recv().await
    {
        played.note(&step);
        let over_us = (step.number + 1) * STEP_US;
        tokio::time::sleep_until((start + Duration::from_micros(over_us)).into()).await;
        let room =
            reached.wait_for(|reached| step.number < reached + STEPS_AHEAD_MAX).await.is_ok();
        let sent = producer.send_batch(0, &step.events, Some(over_us)).await;
        if !room || matches!(sent, Err(Error::InputOver | Error::OutputDropped)) {
            // The reading half knows why.
            return Ok(());
        }
        sent?;
    }
    match producer.finish().await {
        Err(Error::InputOver | Error::OutputDropped) => Ok(()),
        finished => Ok(finished?),
    }
}

fn summary(audience: &Audience<'_>, wall: Duration) -> String {
    let (position, score) = (&audience.position, &audience.score);
    let core = Duration::from_nanos(position.core_ns);
    let share = format!(
        "{:.3} of {} steps within 30 degrees (needed: {RIGHT_SHARE_MIN:.2} of {SCORED_STEPS_MIN})",
        score.share(),
        grouped(score.scored),
    );
    let events = format!(
        "{} in {:.3} s, {}",
        grouped(position.events_accepted),
        wall.as_secs_f64(),
        rate(position.events_accepted, wall, "events"),
    );
    let deliveries = format!(
        "{}, {} of core time ({:.3} s)",
        grouped(position.deliveries),
        rate(position.deliveries, core, "deliveries"),
        core.as_secs_f64(),
    );
    let switches = audience.played.truth.borrow().switches().len() as u64;
    terminal::table([
        ("directions", grouped(switches).into()),
        ("right", share.into()),
        ("events", events.into()),
        ("deliveries", deliveries.into()),
        ("spikes", grouped(position.spikes).into()),
    ])
}

fn judge(score: &Score) -> Result<(), Failure> {
    if score.is_enough() {
        return Ok(());
    }
    Err(Failure::failed(format!(
        "the direction was right in {:.3} of {} steps, where {RIGHT_SHARE_MIN:.2} of at least \
         {SCORED_STEPS_MIN} are needed",
        score.share(),
        score.scored,
    )))
}

/// Watches what the network sees.
struct Audience<'a> {
    played: &'a Played,
    simulated: watch::Sender<u64>,
    view: View,
    score: Score,
    /// The next step to be scored.
    next_step: u64,
    position: Acknowledgement,
}

impl Audience<'_> {
    async fn watch(&mut self, mut output: Output) -> Result<(), Failure> {
        while let Some(item) = output.next().await {
            match item? {
                Item::Decision(decision) => {
                    let label = output.tables().label(decision.port, decision.class);
                    let seen = label.and_then(score::direction).ok_or_else(|| {
                        Failure::failed(format!("class {label:?} is no direction"))
                    })?;
                    self.decided(&decision, seen)?;
                }
                Item::Acknowledgement(position) => self.heard(position),
                Item::Error(refusal) => return Err(Failure::failed(refusal)),
                Item::Ended(ended) => {
                    self.heard(ended.r#final.unwrap_or_default());
                    return self.end();
                }
                _ => {}
            }
        }
        Err(Failure::failed("the daemon's output ended without an end"))
    }

    fn heard(&mut self, position: Acknowledgement) {
        self.simulated.send_replace(position.simulated_to_tick);
        self.view.position(&position);
        self.position = position;
    }

    fn decided(&mut self, decision: &Decision, seen: Motion) -> Result<(), Failure> {
        while self.next_step < decision.tick {
            self.score_next(None)?;
        }
        self.score_next(Some(seen))
    }

    /// Scores the next step, if it was played.
    fn score_next(&mut self, seen: Option<Motion>) -> Result<(), Failure> {
        let step = self.next_step;
        self.next_step += 1;
        let Some(played) = self.played.at(step) else {
            return Ok(());
        };
        self.score.add(step, played, seen);
        self.view.step(step, played, seen, &self.score)
    }

    fn end(&mut self) -> Result<(), Failure> {
        while self.next_step < self.played.steps.get() {
            self.score_next(None)?;
        }
        self.view.close()
    }
}
