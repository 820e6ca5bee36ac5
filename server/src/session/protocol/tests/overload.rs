//! What each overload policy drops, and that all of it is counted.

use super::*;

const ROOM: u64 = 200;

fn overloaded(overload: Overload) -> Protocol {
    let settings = Settings { overload, ..settings(Policy::Drop) };
    Protocol::new(settings, &plan(), room(ROOM))
}

/// A batch of `count` events at a time, with a promise of that time.
fn burst(sequence: u64, time_us: u64, count: usize) -> v1::EventBatch {
    batch(sequence, &vec![(time_us, 1); count], Some(time_us))
}

proptest! {
    /// P3: whatever the load and the simulation's pace, what was sent was applied, or dropped and
    /// counted, or waits; promises are handed on in order; and what waits is bounded.
    #[test]
    fn everything_sent_is_applied_dropped_or_waiting(
        policy in prop_oneof![Just(Overload::DropOldest), Just(Overload::DropNewest)],
        deeds in prop::collection::vec((1_usize..150, 0_u64..3, any::<bool>()), 1..40),
    ) {
        let mut protocol = overloaded(policy);
        let (mut out, mut sent, mut simulated_us) = (Actions::default(), 0_u64, 0);
        for (sequence, (count, lag, idle)) in (1_u64..).zip(deeds) {
            let level = Level { idle, ..closed(simulated_us) };
            protocol.batch(0, &burst(sequence, sequence * 10, count), &level, &mut out);
            sent += count as u64;
            simulated_us = simulated_us.max((sequence * 10).saturating_sub(lag * 20));
            let status = protocol.status(0);
            prop_assert_eq!(status.accepted, sequence);
            prop_assert_eq!(status.events_counted + status.drops.overload, sent);
            let handed = out.chunk.events.len() as u64;
            prop_assert!(handed <= status.events_applied);
            prop_assert!(status.events_applied - handed <= ROOM, "what waits is bounded");
            protocol = Protocol::load(&protocol.save(), &plan(), room(ROOM)).unwrap();
        }
        protocol.end(0, &BUSY, &mut out);
        // An idle simulation takes all that is left, piece by piece.
        for _ in 0..100 {
            protocol.look_after(&Level { idle: true, ..closed(u64::MAX) }, &mut out);
        }
        let status = protocol.status(0);
        let applied = applied(&out);
        prop_assert_eq!(applied.events.len() as u64, status.events_counted);
        prop_assert!(applied.promises.is_sorted_by_key(|&(_, promise_us)| promise_us));
        prop_assert!(applied.end.is_some());
        for (before, promise_us) in applied.promises {
            prop_assert!(applied.events[before..].iter().all(|event| event.time_us >= promise_us));
        }
    }
}

#[test]
fn the_oldest_goes_first_and_the_newest_goes_first() {
    let times = |out: &Actions| {
        let mut times: Vec<_> = out.chunk.events.iter().map(|event| event.time_us).collect();
        times.dedup();
        times
    };
    // The first two fill the window that the simulation is given; of the others one has room.
    for (policy, kept) in
        [(Overload::DropOldest, [1, 4].as_slice()), (Overload::DropNewest, &[1, 2])]
    {
        let (mut protocol, mut out) = (overloaded(policy), Actions::default());
        for sequence in 1..=4 {
            protocol.batch(0, &burst(sequence, sequence, 90), &BUSY, &mut out);
        }
        for _ in 0..10 {
            protocol.look_after(&IDLE, &mut out);
        }
        assert_eq!(times(&out), kept, "{policy:?}");
        assert_eq!(protocol.status(0).drops.overload, 180, "{policy:?}");
        assert_eq!(protocol.promised_us(), 4, "promises stay");
    }
}

#[test]
fn the_input_may_end_instead() {
    let (mut protocol, mut out) = (overloaded(Overload::Fail), Actions::default());
    protocol.batch(0, &burst(1, 1, 150), &BUSY, &mut out);
    protocol.batch(0, &burst(2, 2, 51), &BUSY, &mut out);
    assert_eq!(reasons(&out), [Reason::Overload]);
    assert!(out.errors[0].1.fatal && protocol.has_ended(0));
    assert_eq!(out.chunk.events.len(), 150);
}

#[test]
fn a_session_too_far_behind_real_time_meets_the_policy() {
    let pace = Pace::Live { lateness_us: 1, lag_max_us: 1_000 };
    let settings = Settings { pace, overload: Overload::DropNewest, ..settings(Policy::Drop) };
    let mut protocol = Protocol::new(settings, &plan(), room(ROOM));
    let mut out = Actions::default();
    let lag = |lag_us| Level { lag_us, ..BUSY };
    protocol.batch(0, &burst(1, 1, 3), &lag(1_000), &mut out);
    protocol.batch(0, &burst(2, 2, 3), &lag(1_001), &mut out);
    assert_eq!((out.chunk.events.len(), protocol.status(0).drops.overload), (3, 3));
}
