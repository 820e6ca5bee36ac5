//! Projections: their connectivity and its arrays.

use std::sync::Arc;

use sim_core::network::{
    Border, Connectivity, Convolution, ConvolutionKind, ExplicitSynapses, Projection,
    RandomConnectivity, RandomRule, ShortTerm,
};
use spiked_proto::v1;

use super::arrays::Arrays;
use super::parts::{receptor, shortened};
use super::values::{Shaped, delays, values};
use super::{Error, Notes};

pub(super) fn projection(
    notes: &mut Notes,
    arrays: &mut Arrays<'_>,
    projection: &v1::Projection,
) -> Result<Option<Projection>, Error> {
    let name = notes.at("projection", &projection.name);
    let receptor = receptor(notes, "receptor", &projection.receptor);
    if let Some(plasticity) = &projection.plasticity {
        let feature = format!("plasticity ({:?})", shortened(&plasticity.rule));
        return Err(notes.unimplemented("plasticity", &feature));
    }
    let connectivity = connectivity(notes, arrays, projection.connectivity.as_ref())?;
    Ok(connectivity.map(|connectivity| {
        let mut translated =
            Projection::new(&name, &projection.source, &projection.target, connectivity);
        translated.receptor = receptor;
        translated.axonal_delay_ticks = projection.axonal_delay_ticks;
        translated.dendritic_delay_ticks = projection.dendritic_delay_ticks;
        translated.short_term = projection.short_term.as_ref().map(short_term);
        translated
    }))
}

fn short_term(wire: &v1::ShortTermPlasticity) -> ShortTerm {
    let &v1::ShortTermPlasticity { utilisation, recovery_ms, facilitation_ms } = wire;
    ShortTerm { utilisation, recovery_ms, facilitation_ms }
}

fn connectivity(
    notes: &mut Notes,
    arrays: &mut Arrays<'_>,
    connectivity: Option<&v1::projection::Connectivity>,
) -> Result<Option<Connectivity>, Error> {
    use v1::projection::Connectivity as Wire;
    Ok(match connectivity {
        Some(&Wire::OneToOne(v1::OneToOne { weight, delay_ticks })) => {
            if !weight.is_finite() {
                notes.refuse("one_to_one.weight", format!("{weight} is not finite"));
            }
            Some(Connectivity::OneToOne { weight, delay_ticks })
        }
        Some(Wire::Explicit(synapses)) => {
            explicit(notes, arrays, synapses)?.map(|s| Connectivity::Explicit(Arc::new(s)))
        }
        Some(Wire::Convolution(laid)) => {
            convolution(notes, arrays, laid)?.map(|c| Connectivity::Convolution(Arc::new(c)))
        }
        Some(Wire::Dense(wire)) => dense(notes, arrays, wire)?,
        Some(Wire::Random(wire)) => random(notes, arrays, wire)?.map(Connectivity::Random),
        Some(Wire::Other(other)) => {
            let feature = format!("the connectivity {:?}", shortened(&other.rule));
            return Err(notes.unimplemented("connectivity", &feature));
        }
        None => notes
            .none("connectivity", "is missing: one_to_one, explicit, convolution, dense or random"),
    })
}

fn dense(
    notes: &mut Notes,
    arrays: &mut Arrays<'_>,
    wire: &v1::Dense,
) -> Result<Option<Connectivity>, Error> {
    let weights = values(notes, arrays, "dense.weights", wire.weights.as_ref())?;
    let Some(Shaped { values: weights, shape }) = weights else {
        return Ok(None);
    };
    // One long row would hide which of the two comes first.
    if let Some(shape) = shape.filter(|shape| shape.len() != 2) {
        let message = format!("needs two extents, [target, source], not {shape:?}");
        return Ok(notes.none("dense.weights.each", message));
    }
    Ok(Some(Connectivity::Dense { weights, delay_ticks: wire.delay_ticks }))
}

fn random(
    notes: &mut Notes,
    arrays: &mut Arrays<'_>,
    wire: &v1::RandomSynapses,
) -> Result<Option<RandomConnectivity>, Error> {
    use v1::random_synapses::Rule;
    let rule = match wire.rule {
        Some(Rule::InDegree(degree)) => Some(RandomRule::FixedInDegree(degree)),
        Some(Rule::OutDegree(degree)) => Some(RandomRule::FixedOutDegree(degree)),
        Some(Rule::Total(total)) => Some(RandomRule::FixedTotal(total)),
        Some(Rule::Probability(probability)) => Some(RandomRule::Pairwise { probability }),
        None => {
            let message = "is missing: in_degree, out_degree, total or probability";
            notes.none("random.rule", message)
        }
    };
    let weights = values(notes, arrays, "random.weights", wire.weights.as_ref())?;
    let delays_ticks = delays(notes, arrays, "random.delays", wire.delays.as_ref())?;
    let (Some(rule), Some(Shaped { values: weights, .. }), Some(delays_ticks)) =
        (rule, weights, delays_ticks)
    else {
        return Ok(None);
    };
    let (allow_self, seed) = (wire.allow_self, wire.seed);
    Ok(Some(RandomConnectivity { rule, weights, delays_ticks, allow_self, seed }))
}

fn explicit(
    notes: &mut Notes,
    arrays: &mut Arrays<'_>,
    synapses: &v1::ExplicitSynapses,
) -> Result<Option<ExplicitSynapses>, Error> {
    let sources = arrays.indices(notes, "synapses.sources", synapses.sources.as_ref())?;
    let targets = arrays.indices(notes, "synapses.targets", synapses.targets.as_ref())?;
    let weights = arrays.weights(notes, "synapses.weights", synapses.weights.as_ref())?;
    let delays = arrays.indices(notes, "synapses.delays_ticks", synapses.delays_ticks.as_ref())?;
    let (Some(sources), Some(targets), Some(weights), Some(delays_ticks)) =
        (sources, targets, weights, delays)
    else {
        return Ok(None);
    };
    let shapes = [&sources.shape, &targets.shape, &weights.shape, &delays_ticks.shape];
    if shapes.iter().any(|shape| shape.len() != 1 || *shape != shapes[0]) {
        let message = format!(
            "the four arrays need one extent, the same for all: sources {:?}, targets {:?}, \
             weights {:?}, delays_ticks {:?}",
            shapes[0], shapes[1], shapes[2], shapes[3]
        );
        return Ok(notes.none("synapses", message));
    }
    Ok(Some(ExplicitSynapses {
        sources: sources.values,
        targets: targets.values,
        weights: weights.values,
        delays_ticks: delays_ticks.values,
    }))
}

fn convolution(
    notes: &mut Notes,
    arrays: &mut Arrays<'_>,
    laid: &v1::Convolution,
) -> Result<Option<Convolution>, Error> {
    let kind = kind(notes, laid.kind);
    let border = border(notes, laid.border);
    let kernel = arrays.weights(notes, "convolution.kernel", laid.kernel.as_ref())?;
    let (Some(kind), Some(border), Some(kernel)) = (kind, border, kernel) else {
        return Ok(None);
    };
    let Ok(shape) = <[u32; 5]>::try_from(kernel.shape.as_slice()) else {
        let message = format!(
            "needs five extents, [out channel, in channel ÷ groups, delay, height, width], not {:?}",
            kernel.shape
        );
        return Ok(notes.none("convolution.kernel", message));
    };
    Ok(Some(Convolution {
        kernel: kernel.values,
        shape,
        kind,
        border,
        stride: laid.stride.max(1),
        dilation: laid.dilation.max(1),
        groups: laid.groups.max(1),
        delay_step_ticks: laid.delay_step_ticks.max(1),
        // Unset keeps all.
        keep: if laid.keep == 0.0 { 1.0 } else { laid.keep },
    }))
}

fn kind(notes: &mut Notes, kind: i32) -> Option<ConvolutionKind> {
    match v1::ConvolutionKind::try_from(kind) {
        Ok(v1::ConvolutionKind::Convolution) => Some(ConvolutionKind::Convolution),
        Ok(v1::ConvolutionKind::CrossCorrelation) => Some(ConvolutionKind::CrossCorrelation),
        Ok(v1::ConvolutionKind::Unspecified) => {
            notes.none("convolution.kind", "say which: convolution or cross-correlation")
        }
        Err(unknown) => notes.none("convolution.kind", format!("{} has no meaning", unknown.0)),
    }
}

fn border(notes: &mut Notes, border: i32) -> Option<Border> {
    match v1::Border::try_from(border) {
        Ok(v1::Border::Zero) => Some(Border::Zero),
        Ok(v1::Border::Valid) => Some(Border::Valid),
        Ok(v1::Border::Wrap) => Some(Border::Wrap),
        Ok(v1::Border::Unspecified) => {
            notes.none("convolution.border", "say which: zero, valid or wrap")
        }
        Err(unknown) => notes.none("convolution.border", format!("{} has no meaning", unknown.0)),
    }
}
