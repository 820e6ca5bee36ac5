//! Ranks: in which order populations are evaluated within a tick.
//!
//! All that arrives at a population in one tick is one sum, so it is evaluated once a tick, after
//! everything that can reach it without delay. Each hop without delay, and each winner-take-all,
//! is one rank later. A cycle without delay has no order and is refused, by name.

use crate::{
    ids::{PopulationId, SourceId},
    time::Rank,
};

/// A hop between populations or from an input.
pub(crate) struct Hop {
    pub(crate) source: SourceId,
    pub(crate) target: PopulationId,
    pub(crate) delay_ticks_min: u64,
    pub(crate) delay_ticks_max: u64,
}

/// When a population is evaluated, and when its spikes leave.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ranks {
    pub(crate) evaluated: Rank,
    pub(crate) emits: Rank,
}

/// The ranks of all populations, or the populations on a cycle without delay.
///
/// `competes[p]`: population p has a winner-take-all.
pub(crate) fn ranks(competes: &[bool], hops: &[Hop]) -> Result<Vec<Ranks>, Vec<PopulationId>> {
    let mut ranks: Vec<Ranks> = competes
        .iter()
        .map(|&late| Ranks { emits: Rank(late.into()), ..Ranks::default() })
        .collect();
    // Each pass settles at least one more population; a rank that still rises after as many
    // passes as there are populations rises for ever.
    for _ in 0..=competes.len() {
        if !raise(&mut ranks, competes, hops) {
            return Ok(ranks);
        }
    }
    Err(cycle(hops, &ranks))
}

fn raise(ranks: &mut [Ranks], competes: &[bool], hops: &[Hop]) -> bool {
    let mut raised = false;
    for hop in hops.iter().filter(|hop| hop.delay_ticks_min == 0) {
        let arrives = match hop.source {
            SourceId::Input(_) => 1,
            SourceId::Population(source) => ranks[source.0 as usize].emits.0.saturating_add(1),
        };
        let target = hop.target.0 as usize;
        if ranks[target].evaluated.0 < arrives {
            let emits = Rank(arrives.saturating_add(competes[target].into()));
            ranks[target] = Ranks { evaluated: Rank(arrives), emits };
            raised = true;
        }
    }
    raised
}

/// Walks back along what raised the highest rank until a population comes twice.
fn cycle(hops: &[Hop], ranks: &[Ranks]) -> Vec<PopulationId> {
    let highest = (0_u16..).zip(ranks).max_by_key(|(_, ranks)| ranks.evaluated);
    let mut path: Vec<PopulationId> = highest.map(|(id, _)| PopulationId(id)).into_iter().collect();
    while let Some(&last) = path.last() {
        let before = hops
            .iter()
            .filter(|hop| hop.target == last && hop.delay_ticks_min == 0)
            .filter_map(|hop| match hop.source {
                SourceId::Population(source) => Some(source),
                SourceId::Input(_) => None,
            })
            .max_by_key(|source| ranks[source.0 as usize].emits);
        let Some(before) = before else { break };
        if let Some(first) = path.iter().position(|&id| id == before) {
            path.drain(..first);
            path.push(before);
            break;
        }
        path.push(before);
    }
    path.reverse();
    path
}

/// The longest path of delays \[ticks\]. Hops that lie on a cycle count once each.
pub(crate) fn longest_path_ticks(populations: usize, hops: &[Hop]) -> u64 {
    let inputs = hops.iter().filter(|hop| matches!(hop.source, SourceId::Input(_)));
    let first = inputs.map(|hop| walk(hop, hops, &mut vec![false; hops.len()], populations));
    let inner = hops.iter().map(|hop| hop.delay_ticks_max);
    first.chain(inner).max().unwrap_or(0)
}

/// The longest continuation of a hop that uses no hop twice, greedily bounded: beyond a number of
/// hops it settles for their sum, which is never too short.
fn walk(hop: &Hop, hops: &[Hop], used: &mut [bool], populations: usize) -> u64 {
    const WALKED_MAX: usize = 12;
    if used.iter().filter(|&&used| used).count() >= WALKED_MAX.max(populations.min(WALKED_MAX)) {
        return hops.iter().fold(0, |sum, hop| sum.saturating_add(hop.delay_ticks_max));
    }
    let mut longest = 0;
    for (position, next) in hops.iter().enumerate() {
        if !used[position] && next.source == SourceId::Population(hop.target) {
            used[position] = true;
            longest = walk(next, hops, used, populations).max(longest);
            used[position] = false;
        }
    }
    longest.saturating_add(hop.delay_ticks_max)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::InputId;

    fn hop(source: Option<u16>, target: u16, delay: u64) -> Hop {
        let source = source.map_or(SourceId::Input(InputId(0)), |source| {
            SourceId::Population(PopulationId(source))
        });
        let target = PopulationId(target);
        Hop { source, target, delay_ticks_min: delay, delay_ticks_max: delay }
    }

    #[test]
    fn every_hop_without_delay_and_every_competition_is_one_rank_later() {
        let hops = [hop(None, 0, 0), hop(Some(0), 1, 0), hop(None, 1, 0), hop(Some(1), 2, 5)];
        let ranks = ranks(&[true, false, true], &hops).expect("no cycle");
        let flat: Vec<_> = ranks.iter().map(|rank| (rank.evaluated.0, rank.emits.0)).collect();
        assert_eq!(flat, [(1, 2), (3, 3), (0, 1)]);
    }

    #[test]
    fn names_a_cycle_without_delay() {
        let hops = [hop(None, 0, 0), hop(Some(0), 1, 0), hop(Some(1), 2, 0), hop(Some(2), 1, 0)];
        let cycle = ranks(&[false; 3], &hops).expect_err("1 -> 2 -> 1");
        assert_eq!(cycle.len(), 3);
        assert_eq!(cycle.first(), cycle.last());
        assert!(!cycle.contains(&PopulationId(0)));
    }

    #[test]
    fn the_longest_path_goes_round_a_cycle_once() {
        let hops = [hop(None, 0, 3), hop(Some(0), 1, 10), hop(Some(1), 0, 100), hop(Some(1), 1, 7)];
        assert_eq!(longest_path_ticks(2, &hops), 3 + 10 + 7 + 100);
    }
}
