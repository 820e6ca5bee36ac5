//! Readouts: what turns spikes into decisions, described and checked.

use super::{
    InputShape, Network, Neuron,
    check::{Shapes, size},
    problem::Problems,
    resolve::Named,
};
use crate::{
    ids::{InputId, PopulationId, SourceId},
    readout::{Classes, Rule, confidence::Confidence, vote::Vote},
};

/// What turns spikes into decisions.
#[derive(Clone, Debug)]
pub struct Readout {
    /// For errors and descriptions.
    pub name: String,
    /// A population.
    pub source: String,
    /// How.
    pub rule: ReadoutRule,
}

/// How a readout decides. Classes are the first extent of the source.
#[derive(Clone, Debug)]
pub enum ReadoutRule {
    /// The class with most spikes in a sliding window, ties to the lowest.
    Vote {
        /// Length of the window \[ticks\], at least 1.
        window_ticks: u64,
        /// A decision at the end of every such period in which the window holds a spike \[ticks\].
        every_ticks: u64,
        /// One name a class, or none at all.
        labels: Vec<String>,
    },
    /// Early stopping (Li et al. 2023): the class with most spikes in a sample, ties to the lowest,
    /// as soon as the largest softmax of the counts times a scale is above a threshold.
    ///
    /// A network with such a readout lives in samples. An event on the port that begins them puts
    /// all of it to rest, as it is before tick 0, and its tick is the sample's first; the decision
    /// stops the sample, and what is under way is dropped. Between samples nothing happens, and
    /// events are dropped and counted
    /// ([`Counters::events_outside_samples`](crate::Counters::events_outside_samples)). A sample
    /// that another cuts short is not decided.
    Confidence {
        /// The input port that begins samples: channels, without filters.
        begins: String,
        /// A sample stops above this confidence, in 0 to 1; at 1 it runs its whole time.
        threshold: f64,
        /// Logit of one spike, above 0.
        scale: f64,
        /// The first tick of a sample, counted from 1, at whose end it may stop.
        after_ticks: u64,
        /// The tick of a sample, counted from 1, at whose end it stops at the latest.
        within_ticks: u64,
        /// One name a class, or none at all.
        labels: Vec<String>,
    },
}

impl ReadoutRule {
    /// Its key in the text form.
    const fn key(&self) -> &'static str {
        match self {
            Self::Vote { .. } => "vote",
            Self::Confidence { .. } => "confidence",
        }
    }

    fn labels(&self) -> &[String] {
        match self {
            Self::Vote { labels, .. } | Self::Confidence { labels, .. } => labels,
        }
    }
}

/// A readout with its source.
pub(crate) struct Reads {
    pub(crate) source: PopulationId,
    pub(crate) rule: Rule,
    pub(crate) labels: Vec<String>,
}

pub(crate) fn readouts(
    network: &Network,
    shapes: &Shapes<'_>,
    problems: &mut Problems,
) -> Vec<Reads> {
    let mut reads = Vec::new();
    for readout in &network.readouts {
        let field = format!("readout.{}", readout.name);
        let Some(Named::Source(SourceId::Population(source))) =
            shapes.names.get(readout.source.as_str())
        else {
            let message = format!("no population is named {:?}", readout.source);
            problems.note(format!("{field}.source"), message);
            continue;
        };
        let shape = &shapes.populations[source.0 as usize];
        let classes = Classes { count: shape[0], neurons_each: size(&shape[1..]) };
        let field = format!("{field}.{}", readout.rule.key());
        let labels = readout.rule.labels();
        problems.need(
            labels.is_empty() || labels.len() == classes.count as usize,
            &format!("{field}.labels"),
            || format!("{} labels for {} classes", labels.len(), classes.count),
        );
        let rule = match &readout.rule {
            ReadoutRule::Vote { window_ticks, every_ticks, .. } => {
                let (window_ticks, every_ticks) = (*window_ticks, *every_ticks);
                at_least_one(window_ticks, &format!("{field}.window"), problems);
                at_least_one(every_ticks, &format!("{field}.every"), problems);
                Some(Rule::Vote(Vote { classes, window_ticks, every_ticks }))
            }
            rule => confidence(rule, classes, (network, shapes), &field, problems),
        };
        reads.extend(rule.map(|rule| Reads { source: *source, rule, labels: labels.to_vec() }));
    }
    check_samples(network, problems);
    reads
}

fn at_least_one(ticks: u64, field: &str, problems: &mut Problems) {
    problems.need(ticks > 0, field, || "0 ticks; at least 1 is needed".into());
}

fn confidence(
    rule: &ReadoutRule,
    classes: Classes,
    (network, shapes): (&Network, &Shapes<'_>),
    field: &str,
    problems: &mut Problems,
) -> Option<Rule> {
    let ReadoutRule::Confidence { begins, threshold, scale, after_ticks, within_ticks, .. } = rule
    else {
        return None;
    };
    problems.need((0.0..=1.0).contains(threshold), &format!("{field}.threshold"), || {
        format!("{threshold} is not in 0 to 1")
    });
    problems.need(scale.is_finite() && *scale > 0.0, &format!("{field}.scale"), || {
        format!("{scale} is not above 0")
    });
    at_least_one(*after_ticks, &format!("{field}.after"), problems);
    problems.need(within_ticks >= after_ticks, &format!("{field}.within"), || {
        format!("{within_ticks} ticks, and a sample may not stop before {after_ticks}")
    });
    let field = format!("{field}.begins");
    let Some(Named::Source(SourceId::Input(id))) = shapes.names.get(begins.as_str()) else {
        problems.note(field, format!("no input port is named {begins:?}"));
        return None;
    };
    let port = &network.inputs[id.0 as usize];
    let is_plain = matches!(port.shape, InputShape::Channels(_)) && port.filters.is_empty();
    problems
        .need(is_plain, &field, || format!("{begins:?} is not a port of channels without filters"));
    Some(Rule::Confidence(Confidence {
        classes,
        begins: InputId(id.0),
        threshold: *threshold,
        scale: *scale,
        after_ticks: *after_ticks,
        within_ticks: *within_ticks,
    }))
}

/// A network that lives in samples is the same in each, whenever it begins: nothing in it may go by
/// the session's time.
fn check_samples(network: &Network, problems: &mut Problems) {
    let is_sampled = |readout: &&Readout| matches!(readout.rule, ReadoutRule::Confidence { .. });
    let mut sampled = network.readouts.iter().filter(is_sampled);
    let Some(first) = sampled.next() else { return };
    for other in sampled {
        let field = format!("readout.{}.confidence", other.name);
        problems.note(field, format!("samples are stopped by {:?} already", first.name));
    }
    let why = |what: &str| format!("{what} go by the session's time; {:?} has samples", first.name);
    for port in &network.inputs {
        let is_frames = matches!(port.shape, InputShape::Frames(_));
        problems.need(!is_frames, &format!("input.{}.whiskers", port.name), || why("frames"));
    }
    for population in &network.populations {
        let field = |key: &str| format!("population.{}.{key}", population.name);
        let is_source = matches!(population.neuron, Neuron::Poisson(_) | Neuron::Regular(_));
        problems.need(!is_source, &field("neuron"), || why("sources"));
        problems.need(population.noise.is_empty(), &field("noise"), || why("noises"));
        let has_steps = !population.drive_steps.is_empty();
        problems.need(!has_steps, &field("drive_steps"), || why("steps of the drive"));
        problems.need(population.clock_ticks == 1, &field("clock"), || {
            why("clocks of more than a tick")
        });
    }
}
