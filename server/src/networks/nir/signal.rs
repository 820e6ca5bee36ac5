//! What arrives at a node: from each source, synapses with delays, and what arrives always.
//!
//! Linear nodes between neurons have no state, so that any number of them in a row is one set of
//! synapses: weights multiply, delays add, and biases are carried through.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::{
    Refusal,
    graph::Node,
    linear::{self, ENTRIES_MAX, Map, size},
    neuron,
};

/// One synapse.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) source: u32,
    pub(super) target: u32,
    pub(super) delay_ticks: u32,
    pub(super) weight: f64,
}

impl Entry {
    fn key(&self) -> (u32, u32, u32) {
        (self.target, self.source, self.delay_ticks)
    }
}

/// What arrives.
#[derive(Clone, Debug, Default)]
pub(super) struct Signal {
    pub(super) shape: Vec<u32>,
    /// By the position of the input or population that they come from.
    pub(super) terms: BTreeMap<usize, Vec<Entry>>,
    /// Arrives always.
    pub(super) bias: Vec<f64>,
}

/// Follows signals from their sources through linear nodes.
pub(super) struct Signals<'a> {
    nodes: &'a [Node],
    tick_s: f64,
    /// Of what leaves each node, where it is known.
    shapes: Vec<Option<Vec<u32>>>,
    /// What leaves linear nodes: paths through them may be many, and each is followed once.
    made: BTreeMap<usize, Rc<Signal>>,
    /// On the way: a linear node that is met again has no neuron on its cycle.
    open: BTreeSet<usize>,
    entries: usize,
    /// Of all that linear nodes make, with synapses or without.
    units: usize,
    /// The largest change of a delay by rounding \[s\].
    pub(super) rounded_s: f64,
    pub(super) has_delays: bool,
}

impl<'a> Signals<'a> {
    pub(super) fn new(nodes: &'a [Node], tick_s: f64) -> Result<Self, Refusal> {
        let mut signals = Self {
            nodes,
            tick_s,
            shapes: vec![None; nodes.len()],
            made: BTreeMap::new(),
            open: BTreeSet::new(),
            entries: 0,
            units: 0,
            rounded_s: 0.0,
            has_delays: false,
        };
        signals.find_shapes()?;
        Ok(signals)
    }

    /// All that arrives at a node.
    pub(super) fn at(&mut self, node: usize) -> Result<Rc<Signal>, Refusal> {
        let mut sum: Option<Rc<Signal>> = None;
        for &from in &self.nodes[node].from {
            let signal = self.out_of(from)?;
            let Some(sum) = &mut sum else {
                sum = Some(signal);
                continue;
            };
            if size(&sum.shape) != size(&signal.shape) {
                let message = format!("gets {:?} and {:?} at once", sum.shape, signal.shape);
                return Err(self.nodes[node].refuse(message));
            }
            let sum = Rc::make_mut(sum);
            for (&source, entries) in &signal.terms {
                let all = sum.terms.entry(source).or_default();
                all.extend_from_slice(entries);
                merge(all);
            }
            sum.bias.iter_mut().zip(&signal.bias).for_each(|(sum, bias)| *sum += bias);
        }
        Ok(sum.unwrap_or_default())
    }

    fn out_of(&mut self, index: usize) -> Result<Rc<Signal>, Refusal> {
        if let Some(made) = self.made.get(&index) {
            return Ok(Rc::clone(made));
        }
        let node = &self.nodes[index];
        if is_source(node) {
            let shape = self.shape(index)?;
            self.count(node, size(&shape))?;
            let one = |at| Entry { source: at, target: at, delay_ticks: 0, weight: 1.0 };
            let entries = (0..).take(size(&shape)).map(one).collect();
            let bias = vec![0.0; size(&shape)];
            return Ok(Rc::new(Signal { shape, terms: BTreeMap::from([(index, entries)]), bias }));
        }
        if !self.open.insert(index) {
            return Err(node.refuse("lies on a cycle without a neuron"));
        }
        let input = self.at(index)?;
        let map = self.map(node, &input.shape)?;
        let signal = Rc::new(self.through(node, &input, &map)?);
        self.open.remove(&index);
        self.made.insert(index, Rc::clone(&signal));
        Ok(signal)
    }

    /// The shape of what leaves a node.
    pub(super) fn shape(&self, index: usize) -> Result<Vec<u32>, Refusal> {
        let shape = self.shapes[index].clone();
        shape.ok_or_else(|| self.nodes[index].refuse("has no shape of its own, and gets none"))
    }

    /// Hands shapes on from node to node, each once, until nothing changes; loops need no order.
    fn find_shapes(&mut self) -> Result<(), Refusal> {
        for (index, node) in self.nodes.iter().enumerate() {
            self.shapes[index] = own_shape(node)?;
        }
        let mut found = true;
        while found {
            found = false;
            for (index, node) in self.nodes.iter().enumerate() {
                let hands_on = node.kind != "Output" || node.is_inner;
                if self.shapes[index].is_some() || !hands_on {
                    continue;
                }
                let Some(input) = node.from.iter().find_map(|&from| self.shapes[from].clone())
                else {
                    continue;
                };
                let is_neuron = neuron::is(&node.kind);
                let shape = if is_neuron { input } else { self.map(node, &input)?.shape };
                self.count_units(node, size(&shape))?;
                self.shapes[index] = Some(shape);
                found = true;
            }
        }
        Ok(())
    }

    fn map(&self, node: &Node, input: &[u32]) -> Result<Map, Refusal> {
        if input.is_empty() {
            return Err(node.refuse("gets no input"));
        }
        let map = linear::map(node, input)?;
        let map = map.ok_or_else(|| node.refuse(format!("type {:?} is unknown", node.kind)))?;
        if !(1..=ENTRIES_MAX).contains(&size(&map.shape)) {
            return Err(node.refuse(format!("makes {:?} of its input", map.shape)));
        }
        Ok(map)
    }

    fn through(&mut self, node: &Node, input: &Signal, map: &Map) -> Result<Signal, Refusal> {
        self.count_units(node, size(&map.shape))?;
        let mut bias = map.bias.clone().unwrap_or_else(|| vec![0.0; size(&map.shape)]);
        for (index, value) in (0..).zip(&input.bias).filter(|(_, value)| **value != 0.0) {
            for (target, weight) in map.columns.of(index) {
                bias[target as usize] += weight * value;
            }
        }
        let delays = self.delays(node, map, input)?;
        let mut terms = BTreeMap::new();
        for (&source, before) in &input.terms {
            let count = before.iter().map(|entry| map.columns.reached(entry.target)).sum();
            self.count(node, count)?;
            let mut entries = Vec::with_capacity(count);
            for entry in before {
                let later = delays.as_ref().map_or(0, |delays| delays[entry.target as usize]);
                let delay_ticks = entry
                    .delay_ticks
                    .checked_add(later)
                    .ok_or_else(|| node.refuse("its delay is longer than 2^32 ticks"))?;
                entries.extend(map.columns.of(entry.target).map(|(target, weight)| Entry {
                    source: entry.source,
                    target,
                    delay_ticks,
                    weight: entry.weight * weight,
                }));
            }
            merge(&mut entries);
            terms.insert(source, entries);
        }
        Ok(Signal { shape: map.shape.clone(), terms, bias })
    }

    /// A node's delays, rounded to ticks.
    fn delays(
        &mut self,
        node: &Node,
        map: &Map,
        input: &Signal,
    ) -> Result<Option<Vec<u32>>, Refusal> {
        let Some(delays_s) = &map.delay_s else { return Ok(None) };
        self.has_delays = true;
        let mut ticks = Vec::with_capacity(delays_s.len());
        for (delay_s, bias) in delays_s.iter().zip(&input.bias) {
            if *bias != 0.0 && *delay_s > 0.0 {
                return Err(node.refuse("delays a bias, which would begin later: not possible"));
            }
            let rounded = (delay_s / self.tick_s).round_ties_even();
            if rounded > f64::from(u32::MAX) {
                return Err(node.refuse(format!("{delay_s} s are more than 2^32 ticks")));
            }
            self.rounded_s = self.rounded_s.max((rounded * self.tick_s - delay_s).abs());
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked")]
            ticks.push(rounded as u32);
        }
        Ok(Some(ticks))
    }

    /// Keeps what linear nodes make bounded: padding costs a file nothing, and has no synapses.
    fn count_units(&mut self, node: &Node, units: usize) -> Result<(), Refusal> {
        self.units = self.units.saturating_add(units);
        if self.units > 4 * ENTRIES_MAX {
            let message = format!("more than {} units before it, in all", 4 * ENTRIES_MAX);
            return Err(node.refuse(message));
        }
        Ok(())
    }

    /// Keeps the sum of all that is laid out bounded: paths through one node may be many.
    fn count(&mut self, node: &Node, entries: usize) -> Result<(), Refusal> {
        self.entries = self.entries.saturating_add(entries);
        if self.entries > 2 * ENTRIES_MAX {
            return Err(node.refuse(format!("more than {} synapses lead to it", 2 * ENTRIES_MAX)));
        }
        Ok(())
    }
}

/// Whether spikes begin there.
pub(super) fn is_source(node: &Node) -> bool {
    neuron::is(&node.kind) || (node.kind == "Input" && !node.is_inner)
}

/// The shape that a node says itself.
fn own_shape(node: &Node) -> Result<Option<Vec<u32>>, Refusal> {
    let own = match node.kind.as_str() {
        "Input" if !node.is_inner => Some(input_shape(node)?),
        "Affine" | "Linear" => node.need("weight")?.0.first().map(|&rows| vec![rows]),
        _ if neuron::is(&node.kind) => neuron::shape(node),
        _ => None,
    };
    match own {
        Some(shape) if !(1..=ENTRIES_MAX).contains(&size(&shape)) => {
            Err(node.refuse(format!("has {shape:?} units; 1 to {ENTRIES_MAX} are possible")))
        }
        own => Ok(own),
    }
}

fn input_shape(node: &Node) -> Result<Vec<u32>, Refusal> {
    let name =
        ["shape", "input_type", "input"].into_iter().find(|name| node.numbers(name).is_some());
    let (_, numbers) = node.need(name.unwrap_or("shape"))?;
    let whole = |number: &f64| number.fract() == 0.0 && (1.0..=1e9).contains(number);
    if numbers.is_empty() || numbers.len() > 8 || !numbers.iter().all(whole) {
        return Err(node.refuse(format!("shape is {numbers:?}")));
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is checked")]
    Ok(numbers.iter().map(|&number| number as u32).collect())
}

/// Adds up synapses of the same pair and delay, in a fixed order.
fn merge(entries: &mut Vec<Entry>) {
    entries.sort_by_key(Entry::key);
    entries.dedup_by(|later, kept| {
        let same = later.key() == kept.key();
        if same {
            kept.weight += later.weight;
        }
        same
    });
}
