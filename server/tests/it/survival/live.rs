//! Live pace against a real clock: jitter changes no spike, silence holds nothing up.

use std::time::{Duration, Instant};

use spiked_proto::v1::{self, stream_request::Message as Request};
use tokio::time::sleep;

use super::{PATIENCE, named};
use crate::support::{Producer, Random, Record, Server, TICK_NS, batch};

pub(super) fn live(id: &str, lateness: Duration) -> v1::Open {
    v1::Open {
        pace: v1::Pace::Live.into(),
        lateness_us: u64::try_from(lateness.as_micros()).unwrap(),
        ..named(id)
    }
}

/// A sensor that sends 2 ms of events every 2 ms, each message held up by a jitter of its own; like
/// a connection, it keeps the order.
async fn stream(producer: &Producer, jitter_max: Duration) {
    let mut random = Random::new(17);
    let began = Instant::now();
    for window in 0..100_u64 {
        let base_us = window * 2_000;
        let address = u32::try_from(window % 64).unwrap();
        let events: Vec<_> = (0..40).map(|at| (base_us + at * 50, address)).collect();
        let jitter = jitter_max.mul_f64(random.below(1_000) as f64 / 1_000.0);
        let due = Duration::from_micros(base_us + 2_000) + jitter;
        sleep(due.saturating_sub(began.elapsed())).await;
        producer.send(Request::Events(batch(window + 1, base_us, &events)));
    }
}

/// (tick, address) of every spike.
pub(super) fn what(record: &Record) -> Vec<(u64, u32)> {
    record.spikes.iter().map(|spike| (spike.1, spike.3)).collect()
}

/// 10 ms of jitter and a lateness of 40 ms (the machine's own hiccups come on top): the spikes are
/// those of the recording fed at once.
#[tokio::test]
async fn ten_milliseconds_of_jitter_change_no_spike() {
    let server = Server::start().await;
    let calm = {
        let producer = server.open(named("calm")).await.unwrap();
        for window in 0..100_u64 {
            let base_us = window * 2_000;
            let address = u32::try_from(window % 64).unwrap();
            let events: Vec<_> = (0..40).map(|at| (base_us + at * 50, address)).collect();
            producer.send(Request::Events(batch(window + 1, base_us, &events)));
        }
        producer.send(Request::End(v1::EndOfInput {}));
        producer.finish().await
    };
    let producer = server.open(live("jittery", Duration::from_millis(40))).await.unwrap();
    stream(&producer, Duration::from_millis(10)).await;
    producer.send(Request::End(v1::EndOfInput {}));
    let jittery = producer.finish().await;
    assert_eq!(jittery.last().drops.unwrap(), v1::Drops::default());
    assert!(what(&calm).len() > 300);
    assert!(what(&jittery).starts_with(&what(&calm)) || what(&calm) == what(&jittery));
}

/// What the daemon may take beyond the lateness.
const BEYOND: Duration = Duration::from_millis(5);
/// For the same on its way, of a session that is told the time. More is the machine's doing.
const QUIET: Duration = Duration::from_millis(2);
/// Decisions that are waited for.
const DECISIONS: usize = 4;

/// A sensor sends for 2 ms and falls silent; its spikes travel for 70 ms and are voted on for 20 ms
/// more. All of that comes with the clock: every decision within the lateness and 5 ms of its time. A
/// session beside it that is told the time shows when the machine itself holds things up, with other
/// tests beside; then it is tried again. Seen to fail with a watermark 8 ms behind.
#[tokio::test]
async fn a_silent_sensor_holds_no_decision_back() {
    const LATENESS: Duration = Duration::from_millis(10);
    const QUIET_ATTEMPTS: usize = 5;
    let server = Server::start().await;
    let ticks = decided(&server).await;
    let (began, mut slowest, mut quiet) = (Instant::now(), Vec::new(), 0);
    while quiet < QUIET_ATTEMPTS && began.elapsed() < PATIENCE {
        let attempt = slowest.len();
        let (live, control) = (format!("silent-{attempt}"), format!("told-{attempt}"));
        let (silence, control) =
            tokio::join!(silence(&server, &live, LATENESS), told(&server, &control, &ticks));
        assert!(silence.all.len() > 20, "{} outputs", silence.all.len());
        let soonest = silence.all.iter().min().unwrap();
        assert!(*soonest >= LATENESS - Duration::from_millis(1), "{soonest:?} is too soon");
        let decision = *silence.decisions.iter().max().unwrap();
        if decision <= LATENESS + BEYOND {
            return;
        }
        quiet += usize::from(control <= QUIET);
        slowest.push((decision, control));
    }
    panic!("the slowest decisions, and those of a session that was told the time: {slowest:?}");
}

/// How long after its time each output came, and each decision among them.
#[derive(Default)]
struct Silence {
    all: Vec<Duration>,
    decisions: Vec<Duration>,
}

/// Three events on each channel, the last of them at 1.849 ms.
fn burst() -> v1::EventBatch {
    let thrice = |at: u32| [0, 200, 400].map(|later| (u64::from(at) * 23 + later, at));
    batch(1, 0, &(0..64).flat_map(thrice).collect::<Vec<_>>())
}

/// When what a tick brings is due: when the sensor's clock, which said 1.849 ms when it was heard, has
/// passed it.
const fn due(tick: u64) -> Duration {
    Duration::from_micros((tick + 1) * TICK_NS / 1_000 - 1_849)
}

/// Whether it is long after the burst.
const fn is_late(tick: u64) -> bool {
    tick > 100
}

/// The ticks of the decisions that the burst comes to.
async fn decided(server: &Server) -> Vec<u64> {
    let record = server.run(named("decided"), vec![burst()]).await;
    let ticks = record.decisions.iter().map(|decision| decision.tick);
    ticks.filter(|&tick| is_late(tick)).take(DECISIONS).collect()
}

async fn silence(server: &Server, id: &str, lateness: Duration) -> Silence {
    let mut producer = server.open(live(id, lateness)).await.unwrap();
    let began = Instant::now();
    producer.send(Request::Events(burst()));
    let mut silence = Silence::default();
    while silence.decisions.len() < DECISIONS {
        producer.next().await.expect("the session goes on");
        let record = &mut producer.record;
        let spikes = record.spikes.drain(..).map(|spike| (spike.1, false));
        let decided = record.decisions.drain(..).map(|decision| (decision.tick, true));
        for (tick, is_decision) in spikes.chain(decided).filter(|&(tick, _)| is_late(tick)) {
            let delay = began.elapsed().saturating_sub(due(tick));
            silence.all.push(delay);
            silence.decisions.extend(is_decision.then_some(delay));
        }
    }
    silence
}

/// The slowest decision of a session that is told, at the time of each, that it has come.
async fn told(server: &Server, id: &str, ticks: &[u64]) -> Duration {
    let mut producer = server.open(named(id)).await.unwrap();
    let began = Instant::now();
    producer.send(Request::Events(burst()));
    let mut slowest = Duration::ZERO;
    for &tick in ticks {
        sleep(due(tick).saturating_sub(began.elapsed())).await;
        let promise_us = (tick + 1) * TICK_NS / 1_000;
        producer.send(Request::Heartbeat(v1::Heartbeat { promise_us }));
        while !producer.record.decisions.iter().any(|decision| decision.tick == tick) {
            producer.next().await.expect("the session goes on");
        }
        slowest = slowest.max(began.elapsed().saturating_sub(due(tick)));
    }
    slowest
}

#[tokio::test]
async fn an_event_later_than_the_lateness_is_dropped_and_counted() {
    let server = Server::start().await;
    let mut producer = server.open(live("late", Duration::from_millis(1))).await.unwrap();
    producer.send(Request::Events(batch(1, 0, &[(0, 7)])));
    producer.acknowledged(|ack| ack.simulated_to_us > 50_000).await;
    producer.send(Request::Events(batch(2, 0, &[(10, 8), (10_000_000, 9)])));
    producer.acknowledged(|ack| ack.accepted == 2).await;
    let ack = producer.record.acknowledgement.unwrap();
    assert_eq!((ack.drops.unwrap().late, ack.events_accepted), (1, 2));
}
