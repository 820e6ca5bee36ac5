//! Records read again make the same input of the same batches.

use std::sync::Arc;

use super::*;
use crate::session::tuning::Setting;

#[derive(Clone, Debug)]
enum Deed {
    Batch { producer: usize, events: Vec<(u64, u32)>, by: Option<u64>, idle: bool, over_rate: bool },
    Heartbeat { producer: usize, by: u64 },
    Again { producer: usize },
    Tick,
    End { producer: usize },
    Set { neuron: u32 },
}

fn deed() -> impl Strategy<Value = Deed> {
    let events = prop::collection::vec((0_u64..9_000, 0..ADDRESSES + 1), 0..60);
    prop_oneof![
        8 => (
            0_usize..2,
            events,
            prop::option::of(0_u64..5_000),
            any::<bool>(),
            prop::bool::weighted(0.2),
        )
            .prop_map(|(producer, events, by, idle, over_rate)| Deed::Batch {
                producer,
                events,
                by,
                idle,
                over_rate,
            }),
        2 => (0_usize..2, 0_u64..5_000).prop_map(
            |(producer, by)| Deed::Heartbeat { producer, by }),
        1 => (0_usize..2).prop_map(|producer| Deed::Again { producer }),
        3 => Just(Deed::Tick),
        1 => (0_usize..2).prop_map(|producer| Deed::End { producer }),
        2 => any::<u32>().prop_map(|neuron| Deed::Set { neuron }),
    ]
}

fn setting(neuron: u32) -> Arc<Setting> {
    let neurons = vec![neuron];
    let change = v1::ParameterChange { name: "threshold".into(), neurons, values: vec![2.0] };
    let changes = vec![change];
    let population = "cells".into();
    let request = v1::SetParametersRequest { population, changes, ..Default::default() };
    Arc::new(Setting::Parameters(request))
}

fn any_settings() -> impl Strategy<Value = Settings> {
    let overload = prop_oneof![
        Just(Overload::Block),
        Just(Overload::DropOldest),
        Just(Overload::DropNewest),
        Just(Overload::Fail),
    ];
    let pace =
        prop_oneof![Just(Pace::Logical), Just(Pace::Live { lateness_us: 1_000, lag_max_us: 0 }),];
    (overload, pace, any::<bool>()).prop_map(|(overload, pace, drops)| Settings {
        producers: vec!["left".into(), "right".into()],
        durability: Durability::Interval,
        overload,
        pace,
        ..settings(if drops { Policy::Drop } else { Policy::Fail })
    })
}

proptest! {
    /// P2 and P7: whatever was decided (by load, by a rate, by the clock, by whoever came first),
    /// the records alone give the same input and the same state, from any snapshot on; what was set
    /// is set at the same tick. Seen to fail with `Dropped` not recorded, and with `Set`.
    #[test]
    fn records_give_the_same_input_and_the_same_state(
        settings in any_settings(),
        deeds in prop::collection::vec(deed(), 1..60),
        cut in 0_usize..60,
    ) {
        let plan = plan();
        let mut protocol = Protocol::new(settings, &plan, room(120));
        let (mut out, mut now_us) = (Actions::default(), 0);
        let (mut last, mut snapshot) = ([None, None], None);
        for (at, deed) in deeds.iter().enumerate() {
            if at == cut {
                let handed = (out.chunk.events.len(), out.chunk.ops.len());
                snapshot = Some((protocol.save(), out.records.len(), handed));
                // What follows is compared alone.
                out.chunk = Default::default();
            }
            now_us += 700;
            let level = Level { now_us, ..closed(protocol.promised_us().saturating_sub(3_000)) };
            match deed.clone() {
                Deed::Batch { producer, events, by, idle, over_rate } => {
                    let sequence = protocol.status(producer).accepted + 1;
                    let promise_us = by.map(|by| protocol.promise_of(producer) + by);
                    let next = batch(sequence, &events, promise_us);
                    let level = Level { idle, over_rate, ..level };
                    protocol.batch(producer, &next, &level, &mut out);
                    last[producer] = Some(next);
                }
                Deed::Heartbeat { producer, by } => {
                    let promise_us = protocol.promise_of(producer) + by;
                    protocol.heartbeat(producer, promise_us, &level, &mut out);
                }
                Deed::Again { producer } => {
                    if let Some(batch) = &last[producer] {
                        protocol.batch(producer, batch, &level, &mut out);
                    }
                }
                Deed::Tick => protocol.tick(&level, &mut out),
                Deed::End { producer } => protocol.end(producer, &level, &mut out),
                Deed::Set { neuron } => {
                    protocol.set(setting(neuron), &mut out);
                }
            }
        }
        let (mut read, from) = match &snapshot {
            Some((saved, from, _)) => (Protocol::load(saved, &plan, room(120)).unwrap(), *from),
            None => (Protocol::new(protocol.settings().clone(), &plan, room(120)), 0),
        };
        let mut again = Actions::default();
        for record in &out.records[from..] {
            prop_assert!(read.replay(record, &mut again), "{:?}", record);
        }
        prop_assert_eq!(&again.chunk, &out.chunk);
        prop_assert_eq!(read.promised_us(), protocol.promised_us());
        for producer in 0..2 {
            let (mut one, mut other) =
                (read.status(producer).clone(), protocol.status(producer).clone());
            // What changed nothing is not recorded.
            for status in [&mut one, &mut other] {
                (status.duplicates, status.refused) = (0, 0);
            }
            prop_assert_eq!(one, other);
        }
    }
}
