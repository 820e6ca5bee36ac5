//! From nodes to a description: inputs become ports, neurons populations, and all that lies between
//! them synapses.

use std::{
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

use bytes::Bytes;
use sha2::{Digest as _, Sha256};
use spiked_proto::v1;

use super::{
    Options, Profile, Refusal,
    graph::Node,
    linear::size,
    neuron,
    signal::{Entry, Signals, is_source},
};
use crate::networks::name;

/// A tick of exact profiles [ns], where steps are whole numbers of it.
const EXACT_TICK_NS: u64 = 1_000;

/// Events at one address in one step, where sums have 64 bits.
const COUNTS_WIDE: u32 = 65_535;
/// The same, where they have 32.
const COUNTS_NARROW: u32 = 255;

/// A description, its arrays, and what was assumed.
#[derive(Default)]
pub(super) struct Lowered {
    pub(super) network: v1::Network,
    pub(super) blobs: BTreeMap<[u8; 32], Bytes>,
}

struct Lowering<'a> {
    nodes: &'a [Node],
    /// Groups of the file that no node is made of.
    unread: &'a [String],
    options: Options,
    tick_ns: u64,
    names: Vec<String>,
    done: Lowered,
    notes: Vec<String>,
}

/// Turns nodes into a network of that name.
pub(super) fn lower(
    nodes: &[Node],
    unread: &[String],
    name: &str,
    options: Options,
) -> Result<Lowered, Refusal> {
    let tick_ns =
        match options.profile.is_discrete() || !options.step_ns.is_multiple_of(EXACT_TICK_NS) {
            true => options.step_ns,
            false => EXACT_TICK_NS,
        };
    let names = names(nodes);
    let (done, notes) = (Lowered::default(), Vec::new());
    let mut lowering = Lowering { nodes, unread, options, tick_ns, names, done, notes };
    lowering.all()?;
    lowering.note_profile();
    let Lowering { mut done, notes, .. } = lowering;
    let network = &mut done.network;
    (network.name, network.tick_ns, network.notes) = (name.into(), tick_ns, notes);
    network.description = format!("Read from a NIR file, profile {}.", options.profile);
    Ok(done)
}

impl Lowering<'_> {
    fn all(&mut self) -> Result<(), Refusal> {
        let order = self.order();
        let mut signals = Signals::new(self.nodes, self.tick_ns as f64 * 1e-9)?;
        for &index in &order {
            let node = &self.nodes[index];
            let shape = signals.shape(index)?;
            if node.kind == "Input" {
                self.input(index, shape);
                continue;
            }
            if !neuron::fires(&node.kind) {
                self.check_only_read(index)?;
            }
            let signal = Rc::unwrap_or_clone(signals.at(index)?);
            if !signal.shape.is_empty() && size(&signal.shape) != size(&shape) {
                let message = format!("has {shape:?} units and gets {:?}", signal.shape);
                return Err(node.refuse(message));
            }
            let bias = if signal.bias.is_empty() { vec![0.0; size(&shape)] } else { signal.bias };
            self.population(index, shape, bias)?;
            for (source, entries) in signal.terms {
                let place = |index| order.iter().position(|&other| other == index);
                let back = neuron::is(&self.nodes[source].kind) && place(source) >= place(index);
                self.projections(source, index, entries, back)?;
            }
        }
        if signals.has_delays {
            let rounded_ns = signals.rounded_s * 1e9;
            let tick_ns = self.tick_ns;
            self.notes.push(format!(
                "delays are rounded to ticks of {tick_ns} ns, by at most {rounded_ns:.3} ns"
            ));
        }
        self.outputs()
    }

    /// Inputs and neurons, each after those that feed it as far as loops allow: depth first from
    /// the end, so that what closes a loop is what comes back.
    fn order(&self) -> Vec<usize> {
        let mut order = Vec::new();
        let mut seen = BTreeSet::new();
        let is_output = |at: &usize| self.nodes[*at].kind == "Output" && !self.nodes[*at].is_inner;
        let outputs = (0..self.nodes.len()).filter(is_output);
        for start in outputs.chain(0..self.nodes.len()) {
            let mut stack = vec![(start, false)];
            while let Some((at, left)) = stack.pop() {
                if left {
                    order.push(at);
                } else if seen.insert(at) {
                    stack.push((at, true));
                    stack.extend(self.nodes[at].from.iter().map(|&from| (from, false)));
                }
            }
        }
        order.retain(|&at| is_source(&self.nodes[at]));
        order
    }

    fn input(&mut self, index: usize, shape: Vec<u32>) {
        use v1::input_port::Shape;
        let name = self.names[index].clone();
        let shape = match shape.as_slice() {
            &[2, height, width] => {
                self.notes.push(format!("input {name:?} is a camera of {width}x{height}: OFF, ON"));
                Shape::Sensor(v1::Sensor { width, height })
            }
            _ => Shape::Channels(v1::Channels { shape }),
        };
        let port = v1::InputPort { name, shape: Some(shape), ..Default::default() };
        self.done.network.inputs.push(port);
    }

    /// A neuron without a threshold hands on numbers, not spikes.
    fn check_only_read(&self, index: usize) -> Result<(), Refusal> {
        let feeds = self
            .nodes
            .iter()
            .find(|node| node.from.contains(&index) && (node.kind != "Output" || node.is_inner));
        match feeds {
            Some(fed) => Err(self.nodes[index].refuse(format!(
                "{} makes no spikes, and feeds {:?}: only an Output can follow it",
                self.nodes[index].kind, fed.name
            ))),
            None => Ok(()),
        }
    }

    fn population(&mut self, index: usize, shape: Vec<u32>, bias: Vec<f64>) -> Result<(), Refusal> {
        let node = &self.nodes[index];
        let step_s = self.options.step_ns as f64 * 1e-9;
        let made = neuron::make(node, bias, self.options.profile, step_s)?;
        let units = u32::try_from(size(&shape)).map_err(|_| node.refuse("is too large"))?;
        let mut vary = Vec::new();
        for (parameter, values) in made.vary {
            let each = self.row(&values, vec![units]);
            let values = Some(v1::Values { values: Some(v1::values::Values::Each(each)) });
            vary.push(v1::Vary { parameter: parameter.into(), values });
        }
        if !neuron::fires(&node.kind) {
            self.notes.push(format!("{:?} makes no spikes and is only read out", node.name));
        }
        let extent = |size| v1::Extent { extent: Some(v1::extent::Extent::Size(size)) };
        self.done.network.populations.push(v1::Population {
            name: self.names[index].clone(),
            shape: shape.into_iter().map(extent).collect(),
            neuron: Some(made.neuron),
            vary,
            ..Default::default()
        });
        Ok(())
    }

    fn projections(
        &mut self,
        source: usize,
        target: usize,
        mut entries: Vec<Entry>,
        back: bool,
    ) -> Result<(), Refusal> {
        let short = |entry: &&mut Entry| entry.delay_ticks == 0;
        let name = format!("{}-to-{}", self.names[source], self.names[target]);
        if back && entries.iter_mut().filter(short).map(|entry| entry.delay_ticks = 1).count() > 0 {
            let (from, to) = (&self.nodes[source].name, &self.nodes[target].name);
            self.notes.push(format!(
                "{from:?} to {to:?} closes a loop: its spikes arrive one tick ({} ns) later",
                self.tick_ns
            ));
        }
        if !neuron::is(&self.nodes[source].kind) {
            self.allow_counts(source, &entries);
        }
        let connectivity = self.connectivity(source, target, &entries);
        self.push(&name, source, target, connectivity);
        if self.options.profile == Profile::ExactPulse && neuron::is(&self.nodes[target].kind) {
            let step_ticks = u32::try_from(self.options.step_ns / self.tick_ns)
                .map_err(|_| self.nodes[target].refuse("a step is too long"))?;
            for entry in &mut entries {
                entry.weight = -entry.weight;
                entry.delay_ticks = entry
                    .delay_ticks
                    .checked_add(step_ticks)
                    .ok_or_else(|| self.nodes[target].refuse("a delay is too long"))?;
            }
            let connectivity = self.connectivity(source, target, &entries);
            self.push(&format!("{name}-ends"), source, target, connectivity);
        }
        Ok(())
    }

    /// How many events a step may hold at one address. The core counts weights finely where sums
    /// are sure to fit 32 bits, or sure to need 64, and coarsely in between; a framework's weights
    /// have 24 bits, so that the number is chosen to lie outside.
    fn allow_counts(&mut self, source: usize, entries: &[Entry]) {
        let largest = entries.iter().map(|entry| entry.weight.abs()).fold(0.0, f64::max);
        let mut sums = BTreeMap::new();
        for entry in entries {
            *sums.entry(entry.target).or_insert(0.0) += entry.weight.abs();
        }
        let heaviest = sums.into_values().fold(0.0, f64::max);
        let most = if heaviest > 2.01 * largest { COUNTS_WIDE } else { COUNTS_NARROW };
        let name = &self.names[source];
        for port in self.done.network.inputs.iter_mut().filter(|port| port.name == *name) {
            port.max_multiplicity = match port.max_multiplicity {
                0 => most,
                earlier => earlier.min(most),
            };
        }
    }

    fn push(
        &mut self,
        name: &str,
        source: usize,
        target: usize,
        connectivity: v1::projection::Connectivity,
    ) {
        let mut name: String = name.chars().take(120).collect();
        if self.done.network.projections.iter().any(|other| other.name == name) {
            name = format!("p{}", self.done.network.projections.len());
        }
        self.done.network.projections.push(v1::Projection {
            name,
            source: self.names[source].clone(),
            target: self.names[target].clone(),
            connectivity: Some(connectivity),
            ..Default::default()
        });
    }

    /// Dense where every pair is there with one delay, which takes the least memory.
    fn connectivity(
        &mut self,
        source: usize,
        target: usize,
        entries: &[Entry],
    ) -> v1::projection::Connectivity {
        use v1::projection::Connectivity;
        let weights: Vec<f64> = entries.iter().map(|entry| entry.weight).collect();
        let largest = |of: fn(&Entry) -> u32| entries.iter().map(of).max().unwrap_or(0);
        let (sources, targets) = (largest(|e| e.source) + 1, largest(|e| e.target) + 1);
        let first = entries.first().map_or(0, |entry| entry.delay_ticks);
        let all = u64::from(sources) * u64::from(targets) == entries.len() as u64;
        let whole = self.units(source) == sources && self.units(target) == targets;
        if all && whole && entries.iter().all(|entry| entry.delay_ticks == first) {
            let each = self.row(&weights, vec![targets, sources]);
            let values = Some(v1::Values { values: Some(v1::values::Values::Each(each)) });
            return Connectivity::Dense(v1::Dense { weights: values, delay_ticks: first });
        }
        let mut column = |of: fn(&Entry) -> u32| {
            let bytes = entries.iter().flat_map(|entry| of(entry).to_le_bytes()).collect();
            self.keep(bytes, v1::ElementType::U32, vec![u32::try_from(entries.len()).unwrap_or(0)])
        };
        let (sources, targets) = (column(|e| e.source), column(|e| e.target));
        let delays_ticks = Some(column(|e| e.delay_ticks));
        let weights = self.row(&weights, vec![u32::try_from(entries.len()).unwrap_or(0)]);
        Connectivity::Explicit(v1::ExplicitSynapses {
            sources: Some(sources),
            targets: Some(targets),
            weights: Some(weights),
            delays_ticks,
        })
    }

    fn units(&self, index: usize) -> u32 {
        let network = &self.done.network;
        let name = &self.names[index];
        let sizes = |population: &v1::Population| {
            let extents = population.shape.iter().map(|extent| match extent.extent {
                Some(v1::extent::Extent::Size(size)) => size,
                _ => 0,
            });
            extents.product()
        };
        let population = network.populations.iter().find(|other| other.name == *name).map(sizes);
        let port = || network.inputs.iter().find(|port| port.name == *name)?.shape.as_ref();
        population
            .or_else(|| match port()? {
                v1::input_port::Shape::Channels(channels) => Some(channels.shape.iter().product()),
                v1::input_port::Shape::Sensor(sensor) => Some(2 * sensor.width * sensor.height),
                v1::input_port::Shape::Frames(_) => None,
            })
            .unwrap_or(0)
    }

    fn outputs(&mut self) -> Result<(), Refusal> {
        let nodes = self.nodes;
        let ports = nodes.iter().enumerate().filter(|(_, n)| n.kind == "Output" && !n.is_inner);
        for (index, node) in ports {
            let mut sources = Vec::new();
            for &from in &node.from {
                let source = self.behind(from);
                if !neuron::is(&nodes[source].kind) {
                    return Err(nodes[source].refuse("feeds an Output; only neurons can"));
                }
                sources.push(self.names[source].clone());
            }
            if sources.is_empty() {
                return Err(node.refuse("gets nothing"));
            }
            self.done
                .network
                .outputs
                .push(v1::OutputPort { name: self.names[index].clone(), sources });
        }
        if self.done.network.outputs.is_empty() {
            return Err(Refusal::file("has no Output".into()));
        }
        Ok(())
    }

    /// What stands behind the ends of subgraphs, which hand on what they get.
    fn behind(&self, mut index: usize) -> usize {
        for _ in 0..self.nodes.len() {
            match (self.nodes[index].is_inner, self.nodes[index].from.first()) {
                (true, Some(&from)) if self.nodes[index].from.len() == 1 => index = from,
                _ => break,
            }
        }
        index
    }

    fn row(&mut self, values: &[f64], shape: Vec<u32>) -> v1::ArrayRef {
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.keep(bytes, v1::ElementType::F64, shape)
    }

    fn keep(&mut self, bytes: Vec<u8>, element: v1::ElementType, shape: Vec<u32>) -> v1::ArrayRef {
        let sha256: [u8; 32] = Sha256::digest(&bytes).into();
        self.done.blobs.entry(sha256).or_insert_with(|| bytes.into());
        v1::ArrayRef { sha256: sha256.to_vec().into(), element_type: element.into(), shape }
    }

    fn note_profile(&mut self) {
        let Options { profile, step_ns } = self.options;
        let mut notes = vec![format!(
            "profile {profile}, step {} us; times in the file are seconds",
            step_ns as f64 / 1e3
        )];
        notes.extend(profile.assumptions().map(str::to_owned));
        notes.extend(super::notes::of(self.nodes, self.unread, profile));
        notes.push(
            "weights are rounded once, as every network's, and sums are exact: a framework that adds \
             in single precision differs where a comparison hangs on its rounding"
                .into(),
        );
        self.notes.splice(0..0, notes);
        let most = crate::networks::limits::NOTES_MAX;
        if self.notes.len() > most {
            let more = self.notes.len() - most + 1;
            self.notes.truncate(most - 1);
            self.notes.push(format!("and {more} more"));
        }
    }
}

/// Names as the contract allows them, each once; a name that is fine stays.
fn names(nodes: &[Node]) -> Vec<String> {
    let mut taken = BTreeSet::new();
    let named = |node: &Node| {
        let allowed =
            |c: char| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '_' };
        let mut name: String = node.name.chars().take(100).map(allowed).collect();
        if name::check(&name).is_err() {
            name = "node".into();
        }
        let plain = name.clone();
        let mut count = 2_u32;
        while !taken.insert(name.clone()) {
            name = format!("{plain}-{count}");
            count += 1;
        }
        name
    };
    nodes.iter().map(named).collect()
}
