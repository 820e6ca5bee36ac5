//! Credit that a tenant's rate holds back, and what comes beyond the rate.

use super::*;

const ROOM: u64 = 1_000;

fn limited(overload: Overload) -> Protocol {
    let settings = Settings { overload, ..settings(Policy::Fail) };
    Protocol::new(settings, &plan(), room(ROOM))
}

fn left(events: u64) -> Option<v1::Credit> {
    Some(v1::Credit { events, bytes: u64::MAX })
}

fn burst(sequence: u64, count: usize) -> v1::EventBatch {
    batch(sequence, &vec![(10 * sequence, 1); count], Some(10 * sequence))
}

#[test]
fn credit_goes_no_further_than_what_is_left_and_never_back() {
    let mut protocol = limited(Overload::Block);
    let mut out = Actions::default();
    protocol.allow_from_scratch();
    protocol.allow(left(30));
    assert_eq!((protocol.credit(0).events, protocol.is_rate_limited(0)), (30, true));
    protocol.batch(0, &burst(1, 20), &BUSY, &mut out);
    protocol.allow(left(0));
    assert_eq!(protocol.credit(0).events, 30, "what was given stays given");
    protocol.batch(0, &burst(2, 11), &BUSY, &mut out);
    assert_eq!(out.errors[0].1.reason(), Reason::CreditExceeded);

    let mut protocol = limited(Overload::Block);
    protocol.allow(left(0));
    assert_eq!(protocol.credit(0).events, ROOM, "what was told before there was a rate holds");
    let loaded = |protocol: &Protocol| Protocol::load(&protocol.save(), &plan(), room(ROOM));
    protocol.batch(0, &burst(1, 600), &BUSY, &mut Actions::default());
    let mut again = loaded(&protocol).unwrap();
    again.allow_from_scratch();
    again.allow(left(0));
    assert!(again.credit(0).events >= ROOM, "and what was told before the daemon started anew");
    protocol.allow(left(5_000));
    assert_eq!((protocol.credit(0).events, protocol.is_rate_limited(0)), (ROOM, false));
    protocol.allow(None);
    assert!(!protocol.is_rate_limited(0));
}

#[test]
fn where_nobody_waits_the_policy_decides() {
    let over_rate = Level { over_rate: true, ..BUSY };
    for overload in [Overload::DropNewest, Overload::DropOldest] {
        let mut protocol = limited(overload);
        let mut out = Actions::default();
        protocol.batch(0, &burst(1, 20), &BUSY, &mut out);
        protocol.batch(0, &burst(2, 30), &over_rate, &mut out);
        let status = protocol.status(0);
        assert_eq!((status.events_counted, status.drops.overload), (20, 30), "{overload:?}");
        assert_eq!(status.accepted, 2, "its number is used up, and its promise holds");
        assert_eq!(protocol.promised_us(), 20);
    }
    let mut protocol = limited(Overload::Fail);
    let mut out = Actions::default();
    protocol.batch(0, &burst(1, 20), &over_rate, &mut out);
    assert_eq!(out.errors[0].1.reason(), Reason::Quota);
    assert!(out.errors[0].1.fatal && protocol.has_ended(0));
    let mut protocol = limited(Overload::Block);
    protocol.batch(0, &burst(1, 20), &over_rate, &mut Actions::default());
    assert_eq!(protocol.status(0).drops.overload, 0, "whoever waits for credit loses nothing");
}
