use super::{
    super::strength::{FEW_MAX, PARTS},
    *,
};

fn rows(sources: u32, synapses: &[Synapse]) -> Rows {
    let delay_max = synapses.iter().map(|synapse| synapse.delay_ticks.into()).max().unwrap_or(0);
    Rows::new(
        sources,
        delay_max,
        |each| synapses.iter().for_each(|synapse| each(synapse.source)),
        |each| synapses.iter().for_each(|&synapse| each(synapse)),
    )
}

/// Walks a row to its end: (delay, slot) of every delivery.
fn walk(rows: &Rows, source: u32) -> Vec<(u64, u32)> {
    let mut arrivals = Arrivals::new();
    let mut deliveries = Vec::new();
    let mut next = Some((rows.depart(Emission { index: source, multiplicity: 1 }, 0, 0), 0));
    while let Some((cursor, tick)) = next {
        next = rows.visit(cursor, tick, &mut arrivals).next;
        let until = next.map_or(u64::MAX, |(_, stop)| stop);
        while let Some(due) = arrivals.next_due(tick).filter(|&due| due < until) {
            let bucket = arrivals.plain.take(due);
            deliveries.extend(bucket.iter().map(|delivery| (due, delivery.slot)));
        }
    }
    deliveries
}

fn synapse(source: u32, delay_ticks: u32, slot: u32) -> Synapse {
    Synapse { source, delay_ticks, slot, weight: -3 }
}

#[test]
fn visits_every_synapse_at_its_delay_however_long() {
    for delays in [vec![0, 0, 7, 65_535, 131_071, 200_000, u32::MAX], vec![3, 3, 9, 900, 65_535]] {
        let synapses = delays.iter().zip(1..).map(|(&delay, slot)| synapse(1, delay, slot));
        let mut synapses: Vec<Synapse> = synapses.collect();
        synapses.reverse();
        let rows = rows(3, &synapses);
        let expected: Vec<_> = delays.iter().map(|&d| u64::from(d)).zip(1..).collect();
        assert_eq!(walk(&rows, 1), expected);
        assert!(walk(&rows, 0).is_empty() && walk(&rows, 2).is_empty());
        let ends = (expected[0].0, expected[expected.len() - 1].0);
        assert_eq!((rows.delays(1), rows.delays(0)), (Some(ends), None));
        assert_eq!(rows.row_synapses(1), delays.len() as u64);
    }
}

#[test]
fn makes_the_same_deliveries_for_any_multiplicity() {
    let synapses: Vec<_> =
        (0..200).map(|at| Synapse { weight: -(1 << 23), ..synapse(0, at * 3, at) }).collect();
    let rows = rows(1, &synapses);
    for multiplicity in [1, FEW_MAX, FEW_MAX + 1, u32::MAX] {
        let mut arrivals = Arrivals::new();
        let cursor = rows.depart(Emission { index: 0, multiplicity }, 0, 7);
        let (_, stop) = rows.visit(cursor, 7, &mut arrivals).next.expect("more than one window");
        for (slot, due) in (0..).zip((7..stop).step_by(3)) {
            let plain = arrivals.plain.take(due).into_iter();
            let plain = plain.map(|Delivery { slot, amount }| (slot, i64::from(amount)));
            let graded = arrivals.graded.take(due).into_iter();
            let found: Vec<_> =
                plain.chain(graded.map(|Graded { slot, amount }| (slot, amount))).collect();
            let amount = -(1 << 23) * i64::from(multiplicity);
            assert_eq!(found, [(slot, amount)]);
        }
        assert!(stop >= 7 + rows.window_ticks && arrivals.next_due(7).is_none());
    }
}

/// Under short-term plasticity, one of rows with a delay for all, and one of rows with several.
#[test]
fn delivers_parts_of_weights() {
    for delays in [[3, 3], [3, 4]] {
        let synapses = [0, 1].map(|slot| synapse(0, delays[slot as usize], slot));
        let rows = rows(1, &synapses).counting(Unit::Parts);
        let emission = Emission { index: 0, multiplicity: PARTS / 4 * 3 };
        let mut sums = [[0; 4]];
        if rows.delays_ticks().is_empty() {
            let mut arrivals = Arrivals::new();
            rows.visit(rows.depart(emission, 0, 0), 0, &mut arrivals);
            for tick in delays {
                let plain = arrivals.plain.take(u64::from(tick));
                Plane::Narrow(&mut sums).receive(&plain, &[]);
            }
        } else {
            rows.deliver(&[emission], Plane::Narrow(&mut sums));
        }
        assert_eq!(sums, [[-2, -2, 0, 0]], "three quarters of -3, to the nearest");
    }
}

#[test]
fn knows_when_all_delays_are_the_same() {
    for delay in [0, 5, 65_535, 65_536, u32::MAX] {
        let same = rows(3, &[synapse(0, delay, 1), synapse(2, delay, 4), synapse(2, delay, 0)]);
        assert_eq!(same.delays_ticks(), [delay]);
        let mut sums = [[0; 4]; 2];
        let emissions = [0, 1, 2].map(|index| Emission { index, multiplicity: 2 });
        assert_eq!(same.deliver(&emissions, Plane::Narrow(&mut sums)), 3);
        assert_eq!(sums, [[-6, -6, 0, 0], [-6, 0, 0, 0]]);
    }
    assert!(rows(2, &[synapse(0, 5, 1), synapse(1, 6, 1)]).delays_ticks().is_empty());
    assert!(rows(2, &[]).delays_ticks().is_empty());
}

#[test]
fn keeps_a_weight_and_its_sign() {
    for value in [-(1 << 23), -1, 0, 1, (1 << 23) - 1] {
        let only = Synapse { source: 0, delay_ticks: 9, slot: 5, weight: value };
        let far = Synapse { delay_ticks: 1 << 20, ..only };
        let near = rows(1, &[only]).words[0];
        assert_eq!((weight(near), slot(near), step_ticks(near)), (value, 5, 9));
        let far = rows(1, &[far]).words[1];
        assert_eq!((weight(far), slot(far), step_ticks(far)), (value, 5, 0));
    }
}
