//! Live pace: time follows the clock, events keep their sensor's time stamps.

use super::*;

const LATENESS_US: u64 = 2_000;

fn live() -> Protocol {
    let pace = Pace::Live { lateness_us: LATENESS_US, lag_max_us: 0 };
    protocol(Settings { pace, ..settings(Policy::Drop) })
}

const fn at(now_us: u64) -> Level {
    Level { now_us, ..BUSY }
}

#[test]
fn a_silent_sensor_is_waited_for_no_longer_than_the_lateness() {
    let (mut protocol, mut out) = (live(), Actions::default());
    protocol.tick(&at(50_000), &mut out);
    assert_eq!(protocol.promised_us(), 0, "nothing is known of the sensor's clock yet");
    protocol.batch(0, &batch(1, &[(7_000, 1)], None), &at(100_000), &mut out);
    assert_eq!(protocol.promised_us(), 0, "an event promises nothing");
    protocol.tick(&at(100_500), &mut out);
    assert_eq!(protocol.promised_us(), 5_500, "7 ms and half a millisecond, less the lateness");
    protocol.tick(&at(101_000), &mut out);
    assert_eq!(protocol.promised_us(), 6_000, "a whole tick later");
    protocol.tick(&at(60_000), &mut out);
    assert_eq!(protocol.promised_us(), 6_000, "a clock that goes back moves nothing");
}

#[test]
fn an_event_that_comes_too_late_is_dropped_and_counted() {
    let (mut protocol, mut out) = (live(), Actions::default());
    protocol.batch(0, &batch(1, &[(7_000, 1)], None), &at(100_000), &mut out);
    protocol.tick(&at(110_000), &mut out);
    assert_eq!(protocol.promised_us(), 15_000);
    protocol.batch(0, &batch(2, &[(14_999, 1), (15_000, 2)], None), &at(110_100), &mut out);
    assert_eq!(protocol.status(0).drops.late, 1);
    assert_eq!(out.chunk.events.last(), Some(&InputEvent::new(15_000, 2)));
}

/// The slower of two sensors is waited for, one that has ended is not.
#[test]
fn the_slowest_sensor_tells_the_time() {
    let pace = Pace::Live { lateness_us: LATENESS_US, lag_max_us: 0 };
    let producers = vec!["left".into(), "right".into()];
    let mut protocol = protocol(Settings { pace, producers, ..settings(Policy::Drop) });
    let mut out = Actions::default();
    protocol.batch(0, &batch(1, &[(9_000, 1)], None), &at(100_000), &mut out);
    protocol.batch(1, &batch(1, &[(5_000, 1)], None), &at(100_000), &mut out);
    protocol.tick(&at(100_000), &mut out);
    assert_eq!(protocol.promised_us(), 3_000);
    protocol.end(1, &at(100_000), &mut out);
    protocol.tick(&at(100_000), &mut out);
    assert_eq!(protocol.promised_us(), 7_000);
}

/// What the clock decided is in the record, so that reading it again decides the same.
#[test]
fn the_clocks_decisions_are_recorded() {
    let pace = Pace::Live { lateness_us: LATENESS_US, lag_max_us: 0 };
    let durability = Durability::Never;
    let mut protocol = protocol(Settings { pace, durability, ..settings(Policy::Drop) });
    let mut out = Actions::default();
    protocol.batch(0, &batch(1, &[(7_000, 1)], None), &at(0), &mut out);
    protocol.tick(&at(4_000), &mut out);
    assert_eq!(out.records.last(), Some(&Record::Watermark { time_us: 9_000 }));
}
