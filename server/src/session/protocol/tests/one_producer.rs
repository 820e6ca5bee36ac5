//! One producer, whatever it does.

use super::*;

/// What a producer may do, well or badly.
#[derive(Clone, Debug)]
enum Deed {
    /// The next batch: (time, address) of its events, some late or outside, and how far the
    /// promise moves.
    Next(Vec<(u64, u32)>, Option<u64>),
    /// A batch again, by how many back.
    Again(usize),
    /// A number used before, with other bytes.
    Forged,
    /// A number that is not due.
    Gap,
    Heartbeat(u64),
}

fn deed() -> impl Strategy<Value = Deed> {
    let events = prop::collection::vec((0_u64..200, 0..ADDRESSES + 2), 0..12);
    prop_oneof![
        6 => (events, prop::option::of(0_u64..60)).prop_map(|(events, by)| Deed::Next(events, by)),
        2 => (0_usize..70).prop_map(Deed::Again),
        1 => Just(Deed::Forged),
        1 => Just(Deed::Gap),
        1 => (0_u64..60).prop_map(Deed::Heartbeat),
    ]
}

/// The slow and obvious protocol under the policy `drop`: what is applied, and the counts.
#[derive(Default)]
struct Model {
    sent: Vec<v1::EventBatch>,
    applied: Vec<(u64, u32)>,
    promise_us: u64,
    late: u64,
    outside: u64,
    duplicates: u64,
    refused: u64,
    events_sent: u64,
}

impl Model {
    fn act(&mut self, deed: &Deed, protocol: &mut Protocol, out: &mut Actions) {
        match deed {
            Deed::Next(events, by) => {
                let promise_us = by.map(|by| self.promise_us + by);
                let next = batch(self.sent.len() as u64 + 1, events, promise_us);
                protocol.batch(0, &next, &BUSY, out);
                self.sent.push(next);
                self.events_sent += events.len() as u64;
                for &(time_us, at) in events {
                    if at >= ADDRESSES {
                        self.outside += 1;
                    } else if time_us < self.promise_us {
                        self.late += 1;
                    } else {
                        self.applied.push((time_us, at));
                    }
                }
                self.promise_us = promise_us.unwrap_or(self.promise_us);
            }
            Deed::Again(back) => {
                let Some(at) = self.sent.len().checked_sub(back + 1) else {
                    return;
                };
                protocol.batch(0, &self.sent[at], &BUSY, out);
                self.duplicates += 1;
            }
            Deed::Forged => {
                let Some(last) = self.sent.last() else { return };
                let forged = v1::EventBatch { base_time_us: 1, ..last.clone() };
                protocol.batch(0, &forged, &BUSY, out);
                self.refused += 1;
            }
            Deed::Gap => {
                protocol.batch(
                    0,
                    &batch(self.sent.len() as u64 + 2, &[(500, 1)], None),
                    &BUSY,
                    out,
                );
                self.refused += 1;
            }
            Deed::Heartbeat(by) => {
                self.promise_us += by;
                protocol.heartbeat(0, self.promise_us, &BUSY, out);
            }
        }
    }
}

proptest! {
    /// P1 and P3: whatever the producer does, each accepted batch counts exactly once and
    /// sent = applied + dropped. Seen to fail with duplicates applied again, and with the drops of
    /// the slow pass not counted.
    #[test]
    fn nothing_is_lost_and_nothing_counts_twice(deeds in prop::collection::vec(deed(), 0..60)) {
        let plan = plan();
        let mut protocol = protocol(settings(Policy::Drop));
        let (mut model, mut out) = (Model::default(), Actions::default());
        for deed in &deeds {
            model.act(deed, &mut protocol, &mut out);
            // A restored protocol goes on as if nothing had happened.
            protocol = Protocol::load(&protocol.save(), &plan, AMPLE).unwrap();
        }
        let applied: Vec<_> =
            out.chunk.events.iter().map(|event| (event.time_us, event.address)).collect();
        prop_assert_eq!(&applied, &model.applied);
        let status = protocol.status(0);
        prop_assert_eq!(status.accepted, model.sent.len() as u64);
        prop_assert_eq!(status.duplicates, model.duplicates);
        prop_assert_eq!(status.refused, model.refused);
        prop_assert_eq!((status.drops.late, status.drops.outside), (model.late, model.outside));
        prop_assert_eq!(status.events_applied, applied.len() as u64);
        prop_assert_eq!(status.events_seen, model.events_sent);
        let dropped = status.drops.late + status.drops.outside;
        prop_assert_eq!(model.events_sent, status.events_applied + dropped);
    }

    /// How a flow is cut into batches changes nothing of what is applied. Seen to fail with the
    /// promise applied before the batch's events.
    #[test]
    fn cutting_changes_nothing(
        windows in prop::collection::vec(
            (prop::collection::vec((0_u64..300, 0..ADDRESSES), 0..20), 0_u64..50), 1..12),
        cuts in prop::collection::vec(1_usize..9, 1..20),
    ) {
        let run = |sizes: &mut dyn FnMut() -> usize| {
            let mut protocol = protocol(settings(Policy::Drop));
            let (mut out, mut sequence, mut promise_us) = (Actions::default(), 0, 0);
            for (events, by) in &windows {
                promise_us += by;
                let mut rest = events.as_slice();
                loop {
                    let (now, later) = rest.split_at(sizes().min(rest.len()));
                    rest = later;
                    sequence += 1;
                    let promise_us = rest.is_empty().then_some(promise_us);
                    protocol.batch(0, &batch(sequence, now, promise_us), &BUSY, &mut out);
                    if rest.is_empty() {
                        break;
                    }
                }
            }
            protocol.end(0, &BUSY, &mut out);
            (applied(&out), protocol.status(0).drops)
        };
        let whole = run(&mut || usize::MAX);
        let mut sizes = cuts.iter().copied().cycle();
        prop_assert_eq!(run(&mut || sizes.next().unwrap()), whole);
    }

    /// P5: no batch panics or is applied beyond its port, whatever its fields and bytes say.
    #[test]
    fn any_bytes_are_taken_or_refused(
        layout in -1_i32..10,
        port in 0_u32..3,
        base_time_us in prop_oneof![Just(0), 0_u64..2_000, any::<u64>()],
        payload in prop::collection::vec(any::<u8>(), 0..200),
        truthful: bool,
        fail: bool,
        cut in 0_usize..200,
    ) {
        let policy = if fail { Policy::Fail } else { Policy::Drop };
        let mut protocol = protocol(settings(policy));
        let mut out = Actions::default();
        let (first, second) = payload.split_at(cut.min(payload.len()));
        for (sequence, payload) in [(1, first), (2, second)] {
            let words = matches!(layout, 4 | 6);
            let held = if words { payload.len() } else { payload.len() / 8 };
            let count = if truthful { u32::try_from(held).unwrap() } else { 3 };
            let payload = payload.to_vec().into();
            let batch = v1::EventBatch {
                sequence, port, base_time_us, layout, count, payload, ..v1::EventBatch::default()
            };
            protocol.batch(0, &batch, &BUSY, &mut out);
        }
        let bound = if port == 0 { ADDRESSES } else { 2 * 34 * 30 };
        prop_assert!(out.chunk.events.iter().all(|event| event.address < bound));
        prop_assert_eq!(out.chunk.events.len() as u64, protocol.status(0).events_applied);
        prop_assert!(out.errors.iter().filter(|(_, error)| error.fatal).count() <= 1);
    }

    /// A camera's words may be cut anywhere, and a snapshot taken at the cut.
    #[test]
    fn evt3_words_may_be_cut_and_frozen_anywhere(
        times in prop::collection::vec((0_u64..5_000, 0_u16..40, 0_u16..34, any::<bool>()), 1..40),
        cut in 0_usize..1_000,
    ) {
        let mut times = times;
        times.sort_unstable();
        let events: Vec<_> =
            times.iter().map(|&(t_us, x, y, on)| CameraEvent { t_us, x, y, on }).collect();
        let mut bytes = Vec::new();
        evt3::Encoder::new().encode(&events, &mut bytes).unwrap();
        let (first, second) = bytes.split_at(cut % (bytes.len() + 1));
        let run = |parts: &[&[u8]]| {
            let plan = plan();
            let mut protocol = protocol(settings(Policy::Drop));
            let mut out = Actions::default();
            for (sequence, part) in (1..).zip(parts) {
                protocol.batch(0, &v1::EventBatch {
                    sequence,
                    port: 1,
                    layout: Layout::Evt3.into(),
                    count: u32::try_from(part.len()).unwrap(),
                    payload: part.to_vec().into(),
                    ..v1::EventBatch::default()
                }, &BUSY, &mut out);
                protocol = Protocol::load(&protocol.save(), &plan, AMPLE).unwrap();
            }
            (out.chunk.events, protocol.status(0).drops)
        };
        let (whole, drops) = run(&[&bytes]);
        let outside = events.iter().filter(|event| event.x >= 34 || event.y >= 30).count();
        prop_assert_eq!((whole.len(), drops.outside), (events.len() - outside, outside as u64));
        prop_assert_eq!(run(&[first, second]), (whole, drops));
    }

    #[test]
    fn no_damaged_state_panics(at in 0_usize..2_000, change in 1_u8..) {
        let plan = plan();
        let mut bytes = protocol(settings(Policy::Fail)).save();
        let at = at % bytes.len();
        bytes[at] ^= change;
        let _ = Protocol::load(&bytes, &plan, AMPLE);
        prop_assert!(Protocol::load(&bytes[..at], &plan, AMPLE).is_err());
    }
}

#[test]
fn a_gap_is_told_once_until_the_producer_is_back() {
    let mut protocol = protocol(settings(Policy::Drop));
    let mut out = Actions::default();
    for sequence in [3, 4, 1, 3] {
        protocol.batch(0, &batch(sequence, &[], None), &BUSY, &mut out);
    }
    assert_eq!(reasons(&out), [Reason::SequenceGap, Reason::SequenceGap]);
    assert!(out.errors[0].1.message.contains("batch 3 where batch 1 was expected"));
}

#[test]
fn a_number_older_than_the_memory_counts_as_a_duplicate() {
    let mut protocol = protocol(settings(Policy::Fail));
    let mut out = Actions::default();
    for sequence in 1..=66 {
        protocol.batch(0, &batch(sequence, &[], None), &BUSY, &mut out);
    }
    let forged = |sequence| batch(sequence, &[(0, 1)], None);
    protocol.batch(0, &forged(2), &BUSY, &mut out);
    assert_eq!(protocol.status(0).duplicates, 1);
    protocol.batch(0, &forged(3), &BUSY, &mut out);
    assert_eq!(reasons(&out), [Reason::SequenceConflict]);
}

#[test]
fn after_a_fatal_error_nothing_is_taken_and_nothing_more_is_said() {
    let mut protocol = protocol(settings(Policy::Fail));
    let mut out = Actions::default();
    protocol.batch(0, &batch(1, &[(5, 1)], None), &BUSY, &mut out);
    protocol.batch(0, &batch(2, &[(6, 2), (7, ADDRESSES), (8, 3)], None), &BUSY, &mut out);
    protocol.batch(0, &batch(2, &[(9, 4)], None), &BUSY, &mut out);
    protocol.heartbeat(0, 100, &BUSY, &mut out);
    protocol.end(0, &BUSY, &mut out);
    assert_eq!(reasons(&out), [Reason::AddressOutside]);
    let times: Vec<_> = out.chunk.events.iter().map(|event| event.time_us).collect();
    assert_eq!(times, [5, 6]);
    assert!(matches!(out.chunk.ops.last(), Some(Op::End { failed: true, .. })));
    assert_eq!(protocol.status(0).accepted, 1);
}

/// The last promise, or the tick of the last event, rounded up, and the longest path further.
#[test]
fn the_end_of_input_runs_past_the_last_event_and_the_last_promise() {
    for (events, promise_us, end_us) in [
        (&[][..], 0, 7_000),
        (&[][..], 3_000, 10_000),
        (&[][..], 3_001, 11_000),
        (&[(999, 1)][..], 0, 8_000),
        (&[(1_000, 1)][..], 0, 9_000),
        (&[(1_000, 1)][..], 1_500, 9_000),
        (&[(1_000, 1)][..], 5_000, 12_000),
    ] {
        let mut protocol = protocol(settings(Policy::Fail));
        let mut out = Actions::default();
        protocol.batch(0, &batch(1, events, Some(promise_us.min(1_000))), &BUSY, &mut out);
        protocol.heartbeat(0, promise_us.max(promise_us.min(1_000)), &BUSY, &mut out);
        protocol.end(0, &BUSY, &mut out);
        let end = Op::End { run_to_us: Some(end_us), failed: false };
        assert_eq!(out.chunk.ops.last(), Some(&end), "{events:?}, promise {promise_us}");
    }
}

#[test]
fn the_first_batch_fixes_the_origin_and_a_heartbeat_before_it_still_counts() {
    let settings = Settings { origin: Origin::FirstBatch, ..settings(Policy::Drop) };
    let mut protocol = protocol(settings);
    let mut out = Actions::default();
    protocol.heartbeat(0, 5_000, &BUSY, &mut out);
    assert!(out.chunk.ops.is_empty());
    let first = v1::EventBatch { base_time_us: 4_000, ..batch(1, &[(500, 1), (1_000, 2)], None) };
    protocol.batch(0, &first, &BUSY, &mut out);
    assert_eq!(out.chunk.ops[..2], [Op::Origin { time_us: 4_000 }, Op::Promise { time_us: 5_000 }]);
    assert_eq!(out.chunk.events, [InputEvent::new(5_000, 2)]);
    assert_eq!(protocol.status(0).drops.late, 1);
}

/// Credit comes back with the time that is simulated, and is counted in events and bytes.
#[test]
fn credit_counts_events_and_bytes() {
    let mut protocol = Protocol::new(settings(Policy::Drop), &plan(), room(2));
    let mut out = Actions::default();
    protocol.batch(0, &batch(1, &[(1, 1), (2, 1)], None), &BUSY, &mut out);
    let status = protocol.status(0);
    assert_eq!((status.charged_events, status.charged_bytes), (2, 16));
    protocol.batch(0, &batch(2, &[(3, 1)], None), &closed(2), &mut out);
    assert_eq!(reasons(&out), [Reason::CreditExceeded], "the event at 2 waits");
    protocol.batch(0, &batch(2, &[(3, 1)], None), &closed(3), &mut out);
    assert_eq!((protocol.status(0).accepted, protocol.credit(0).events), (2, 4));
    let few = Capacity { events: 100, bytes: 25 };
    let mut protocol = Protocol::new(settings(Policy::Drop), &plan(), few);
    protocol.batch(0, &batch(1, &[(4, 1); 4], None), &BUSY, &mut out);
    assert_eq!(protocol.status(0).accepted, 0);
}

#[test]
fn a_stall_is_told_once_and_named_where_credit_is_exceeded() {
    let mut protocol = Protocol::new(settings(Policy::Drop), &plan(), room(2));
    let mut out = Actions::default();
    protocol.batch(0, &batch(1, &[(5, 1), (6, 1)], None), &BUSY, &mut out);
    protocol.look_after(&IDLE, &mut out);
    protocol.look_after(&IDLE, &mut out);
    assert_eq!(reasons(&out), [Reason::PromiseStalled]);
    assert!(!out.errors[0].1.fatal);
    protocol.look_after(&BUSY, &mut out);
    protocol.look_after(&IDLE, &mut out);
    assert_eq!(out.errors.len(), 2, "a second stall is news");
    let mut protocol = Protocol::new(settings(Policy::Fail), &plan(), room(2));
    let mut out = Actions::default();
    protocol.batch(0, &batch(1, &[(5, 1), (6, 1)], None), &BUSY, &mut out);
    protocol.batch(0, &batch(2, &[(7, 1)], None), &IDLE, &mut out);
    assert_eq!(reasons(&out), [Reason::PromiseStalled]);
    assert!(out.errors[0].1.fatal);
}
