//! Clocks that jump: a sensor's steps backwards in the middle of a live stream.

use std::time::{Duration, Instant};

use spiked_proto::v1::{self, Reason, stream_request::Message as Request};
use tokio::time::sleep;

use super::{
    live::{live, what},
    named,
};
use crate::support::{Producer, Record, Server, batch};

/// Longer than the machine's own hiccups, and shorter than the step.
const LATENESS: Duration = Duration::from_millis(80);
const STEP_BACK_US: u64 = 180_000;
const WINDOW_US: u64 = 2_000;
const WINDOW_EVENTS: u64 = 40;
const WINDOWS: u64 = 150;
/// While these are sent, the sensor's clock is back.
const STEPPED: std::ops::Range<u64> = 110..120;

/// Each at what the sensor's clock says.
fn windows() -> impl Iterator<Item = (u64, v1::EventBatch)> {
    (0..WINDOWS).map(|window| {
        let back_us = if STEPPED.contains(&window) { STEP_BACK_US } else { 0 };
        let base_us = window * WINDOW_US - back_us;
        let address = u32::try_from(window % 64).unwrap();
        let events: Vec<_> = (0..WINDOW_EVENTS).map(|at| (base_us + at * 50, address)).collect();
        (window, batch(window + 1, base_us, &events))
    })
}

async fn stream(producer: &Producer) {
    let began = Instant::now();
    for (window, batch) in windows() {
        let due = Duration::from_micros((window + 1) * WINDOW_US);
        sleep(due.saturating_sub(began.elapsed())).await;
        producer.send(Request::Events(batch));
    }
    producer.send(Request::End(v1::EndOfInput {}));
}

/// What the windows below a number give that the step leaves out, fed at once.
async fn calm(server: &Server, below: u64) -> Vec<(u64, u32)> {
    let kept = windows().filter(|(window, _)| *window < below && !STEPPED.contains(window));
    let batches = kept.zip(1..).map(|((_, batch), sequence)| v1::EventBatch { sequence, ..batch });
    let record = server.run(named(&format!("calm-{below}")), batches.collect()).await;
    what(&record)
}

fn is_begun_by(whole: &Record, calm: &[(u64, u32)]) -> bool {
    what(whole).starts_with(calm)
}

/// What was stamped by the clock that had stepped back is late, dropped and counted, each event of it;
/// no other bit changes.
#[tokio::test]
async fn of_a_sensor_whose_clock_steps_back_nothing_else_is_lost() {
    let server = Server::start().await;
    let producer = server.open(live("back", LATENESS)).await.unwrap();
    stream(&producer).await;
    let record = producer.finish().await;
    assert_eq!(record.reason(), v1::EndReason::Completed);
    let late = (STEPPED.end - STEPPED.start) * WINDOW_EVENTS;
    let last = record.last();
    assert_eq!(last.drops.unwrap(), v1::Drops { late, ..v1::Drops::default() });
    assert_eq!(last.events_accepted, WINDOWS * WINDOW_EVENTS - late);
    let told: Vec<_> = record.errors.iter().map(|error| (error.reason(), error.sequence)).collect();
    assert_eq!(told, [(Reason::Late, STEPPED.start + 1)], "the first of its cause is told");
    let calm = calm(&server, WINDOWS).await;
    assert!(calm.len() > 300);
    assert!(is_begun_by(&record, &calm), "the rest is as it would have been");
}

/// Where late events are fatal, the first of them ends the session by name, after all before it.
#[tokio::test]
async fn a_clock_that_steps_back_ends_a_session_that_was_opened_to_end_then() {
    let server = Server::start().await;
    let open = v1::Open { late_event: v1::EventPolicy::Fail.into(), ..live("fatal", LATENESS) };
    let producer = server.open(open).await.unwrap();
    stream(&producer).await;
    let record = producer.finish().await;
    assert_eq!(record.reason(), v1::EndReason::Failed);
    let [error] = record.errors.as_slice() else { panic!("{:?}", record.errors) };
    assert_eq!(error.reason(), Reason::Late);
    assert_eq!((error.sequence, error.position_in_batch), (STEPPED.start + 1, Some(0)));
    assert_eq!(error.event_number, Some(STEPPED.start * WINDOW_EVENTS + 1));
    assert_eq!(record.last().events_accepted, STEPPED.start * WINDOW_EVENTS);
    let calm = calm(&server, STEPPED.start).await;
    assert!(is_begun_by(&record, &calm), "everything before it counts");
    server.assert_well().await;
}
