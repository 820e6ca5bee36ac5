//! Several producers of one session.

use super::*;

fn two(policy: Policy) -> Protocol {
    protocol(Settings { producers: vec!["left".into(), "right".into()], ..settings(policy) })
}

proptest! {
    /// Two producers, in whatever order their batches come, give the events of both and the
    /// promises of the slower: what one merged file gives. Seen to fail with the faster one's
    /// promise handed on.
    #[test]
    fn two_producers_equal_one_merged_flow(
        left in prop::collection::vec((prop::collection::vec((0_u64..40, 0..ADDRESSES), 0..6), 0_u64..40), 1..12),
        right in prop::collection::vec((prop::collection::vec((0_u64..40, 0..ADDRESSES), 0..6), 0_u64..40), 1..12),
        order in prop::collection::vec(any::<bool>(), 24),
    ) {
        // Each producer's events lie above its own promise.
        let flow = |windows: &[(Vec<(u64, u32)>, u64)]| {
            let mut promise_us = 0;
            let mut batches = Vec::new();
            for (sequence, (events, by)) in (1..).zip(windows) {
                let above = |&(time, at): &(u64, u32)| (promise_us + time, at);
                let events: Vec<_> = events.iter().map(above).collect();
                promise_us += by;
                batches.push(batch(sequence, &events, Some(promise_us)));
            }
            batches
        };
        let flows = [flow(&left), flow(&right)];
        let mut protocol = two(Policy::Fail);
        let (mut out, mut next, mut promised) = (Actions::default(), [0, 0], [0_u64; 2]);
        let mut order = order.iter().copied().cycle();
        while next.iter().zip(&flows).any(|(&next, flow)| next < flow.len()) {
            let wanted = usize::from(order.next().unwrap());
            let which = if next[wanted] < flows[wanted].len() { wanted } else { 1 - wanted };
            let batch = &flows[which][next[which]];
            protocol.batch(which, batch, &BUSY, &mut out);
            next[which] += 1;
            promised[which] = batch.promise_us.unwrap();
            prop_assert_eq!(protocol.promised_us(), promised[0].min(promised[1]));
            protocol = Protocol::load(&protocol.save(), &plan(), AMPLE).unwrap();
        }
        prop_assert_eq!(reasons(&out), []);
        protocol.end(0, &BUSY, &mut out);
        prop_assert!(!protocol.has_ended(1), "the other goes on");
        protocol.end(1, &BUSY, &mut out);
        let applied = applied(&out);
        let mut events: Vec<_> = applied.events.iter().map(|e| (e.time_us, e.address)).collect();
        let mut expected: Vec<_> = flows.iter().flatten().flat_map(|batch| {
            let events = address::decode(&batch.payload, 0, batch.count.into()).unwrap();
            events.map(|event| (event.time, event.index)).collect::<Vec<_>>()
        }).collect();
        events.sort_unstable();
        expected.sort_unstable();
        prop_assert_eq!(events, expected);
        // No promise overtakes an event that came after it.
        for (before, promise_us) in applied.promises {
            prop_assert!(applied.events[before..].iter().all(|event| event.time_us >= promise_us));
        }
        let completed = matches!(applied.end, Some(Op::End { failed: false, .. }));
        prop_assert!(completed);
    }
}

#[test]
fn a_silent_producer_holds_time_until_it_ends() {
    let mut protocol = two(Policy::Fail);
    let mut out = Actions::default();
    protocol.heartbeat(0, 5_000, &BUSY, &mut out);
    assert_eq!(protocol.promised_us(), 0);
    assert_eq!(protocol.held_below(0, 5_000), Some(0));
    protocol.end(1, &BUSY, &mut out);
    assert_eq!(protocol.promised_us(), 5_000);
    assert_eq!(protocol.held_below(0, 9_000), None);
}

#[test]
fn each_has_its_own_numbers_errors_and_credit() {
    let producers = vec!["left".into(), "right".into()];
    let settings = Settings { producers, ..settings(Policy::Drop) };
    let mut protocol = Protocol::new(settings, &plan(), room(2));
    let mut out = Actions::default();
    protocol.batch(0, &batch(1, &[(1, 1), (2, 1)], None), &BUSY, &mut out);
    protocol.batch(1, &batch(1, &[(1, 2)], None), &BUSY, &mut out);
    protocol.batch(1, &batch(3, &[], None), &BUSY, &mut out);
    assert_eq!(out.errors.iter().map(|(producer, _)| *producer).collect::<Vec<_>>(), [1]);
    assert_eq!((protocol.status(0).accepted, protocol.status(1).accepted), (1, 1));
    protocol.batch(0, &batch(2, &[(3, 1)], None), &BUSY, &mut out);
    assert_eq!(protocol.status(0).accepted, 1, "its own queue is full");
    protocol.batch(1, &batch(2, &[(3, 1)], None), &BUSY, &mut out);
    assert_eq!(protocol.status(1).accepted, 2, "the other's is not");
}
