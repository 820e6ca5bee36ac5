//! Neuron models with their parameters. What the wire leaves out is the core's own default.

use sim_core::network::neurons::discrete::{self, DiscreteParameters};
use sim_core::network::neurons::izhikevich::{Input, IzhikevichParameters, Scheme};
use sim_core::network::neurons::lif;
use sim_core::network::{
    AccumulatorParameters, AdexParameters, ConductanceParameters, LifParameters, Neuron,
    PoissonParameters, Receptor, ReceptorKind, Rectify, RegularParameters,
};
use spiked_proto::v1;

use super::parts::shortened;
use super::{Error, Notes, at_most};
use crate::networks::limits::RECEPTORS_MAX;

pub(super) fn neuron(
    notes: &mut Notes,
    neuron: Option<&v1::population::Neuron>,
) -> Result<Option<Neuron>, Error> {
    use v1::population::Neuron as Wire;
    Ok(match neuron {
        Some(Wire::Lif(wire)) => lif(notes, wire)?.map(Neuron::Lif),
        Some(Wire::Accumulator(wire)) => accumulator(notes, wire).map(Neuron::Accumulator),
        Some(Wire::Izhikevich(wire)) => izhikevich(notes, wire).map(Neuron::Izhikevich),
        Some(Wire::Adex(wire)) => Some(Neuron::Adex(adex(wire))),
        Some(Wire::Conductance(wire)) => Some(Neuron::Conductance(conductance(wire))),
        Some(Wire::Discrete(wire)) => discrete(notes, wire).map(Neuron::Discrete),
        Some(&Wire::Poisson(v1::PoissonSource { rate_hz })) => {
            Some(Neuron::Poisson(PoissonParameters { rate_hz }))
        }
        Some(&Wire::Regular(v1::RegularSource { interval_ms, first_ms })) => {
            Some(Neuron::Regular(RegularParameters { interval_ms, first_ms }))
        }
        Some(Wire::Other(other)) => {
            let feature = format!("the neuron model {:?}", shortened(&other.model));
            return Err(notes.unimplemented("neuron", &feature));
        }
        None => notes.none(
            "neuron",
            "is missing: lif, accumulator, izhikevich, adex, conductance, discrete, poisson or \
             regular",
        ),
    })
}

fn lif(notes: &mut Notes, wire: &v1::Lif) -> Result<Option<LifParameters>, Error> {
    at_most("receptors of a neuron", wire.receptors.len(), RECEPTORS_MAX)?;
    let wired = wire.receptors.iter().enumerate();
    let receptors: Vec<_> = wired.map(|(index, wire)| receptor(notes, index, wire)).collect();
    let Some(receptors) = receptors.into_iter().collect() else {
        return Ok(None);
    };
    Ok(Some(LifParameters {
        tau_ms: wire.tau_ms,
        rest_mv: wire.rest_mv,
        threshold_mv: wire.threshold_mv,
        reset_mv: wire.reset_mv,
        drive_mv: wire.drive_mv,
        refractory_ms: wire.refractory_ms,
        initial_mv: wire.initial_mv.unwrap_or(wire.rest_mv),
        strict: wire.strict,
        reset: match wire.subtract_mv {
            Some(amount_mv) => lif::Reset::Subtract { amount_mv },
            None => lif::Reset::ToValue,
        },
        receptors,
        adaptation: wire
            .adaptation
            .map(|v1::Adaptation { tau_ms, step_mv }| lif::Adaptation { tau_ms, step_mv }),
    }))
}

fn receptor(notes: &mut Notes, index: usize, wire: &v1::Receptor) -> Option<Receptor> {
    use v1::receptor::Kind;
    let field = format!("lif.receptors[{index}]");
    let name = notes.name(&format!("{field}.name"), &wire.name);
    let kind = match wire.kind {
        Some(Kind::Delta(v1::DeltaReceptor {})) => ReceptorKind::Delta,
        Some(Kind::Exponential(v1::ExponentialReceptor { tau_ms })) => {
            ReceptorKind::Exponential { tau_ms }
        }
        Some(Kind::Alpha(v1::AlphaReceptor { tau_ms })) => ReceptorKind::Alpha { tau_ms },
        None => {
            let message = "is missing: delta, exponential or alpha";
            return notes.none(&format!("{field}.kind"), message);
        }
    };
    let default = Receptor::new(&name, kind);
    Some(Receptor { gain: wire.gain.unwrap_or(default.gain), ..default })
}

fn accumulator(notes: &mut Notes, wire: &v1::Accumulator) -> Option<AccumulatorParameters> {
    let rectify = match notes.word("neuron.accumulator.rectify", wire.rectify)? {
        v1::Rectify::Absolute => Rectify::Absolute,
        v1::Rectify::Unspecified | v1::Rectify::None => Rectify::None,
    };
    Some(AccumulatorParameters { threshold: wire.threshold, rectify, strict: wire.strict })
}

fn izhikevich(notes: &mut Notes, wire: &v1::Izhikevich) -> Option<IzhikevichParameters> {
    use v1::{IzhikevichInput as WireInput, IzhikevichScheme as WireScheme};
    let scheme = notes.word("izhikevich.scheme", wire.scheme).map(|scheme| match scheme {
        WireScheme::Unspecified | WireScheme::Published => Scheme::Published,
        WireScheme::Euler => Scheme::Euler,
    });
    let input = notes.word("izhikevich.input", wire.input).map(|input| match input {
        WireInput::Unspecified | WireInput::Current => Input::Current,
        WireInput::Potential => Input::Potential,
    });
    let default = IzhikevichParameters::default();
    Some(IzhikevichParameters {
        a: wire.a.unwrap_or(default.a),
        b: wire.b.unwrap_or(default.b),
        c: wire.c.unwrap_or(default.c),
        d: wire.d.unwrap_or(default.d),
        peak: wire.peak.unwrap_or(default.peak),
        drive: wire.drive.unwrap_or(default.drive),
        initial_v: wire.initial_v.unwrap_or(default.initial_v),
        initial_u: wire.initial_u.unwrap_or(default.initial_u),
        scheme: scheme?,
        input: input?,
        substeps: wire.substeps.max(1),
    })
}

fn adex(wire: &v1::Adex) -> AdexParameters {
    let default = AdexParameters::default();
    AdexParameters {
        capacitance_pf: wire.capacitance_pf.unwrap_or(default.capacitance_pf),
        leak_ns: wire.leak_ns.unwrap_or(default.leak_ns),
        rest_mv: wire.rest_mv.unwrap_or(default.rest_mv),
        threshold_mv: wire.threshold_mv.unwrap_or(default.threshold_mv),
        slope_mv: wire.slope_mv.unwrap_or(default.slope_mv),
        peak_mv: wire.peak_mv.unwrap_or(default.peak_mv),
        reset_mv: wire.reset_mv.unwrap_or(default.reset_mv),
        tau_w_ms: wire.tau_w_ms.unwrap_or(default.tau_w_ms),
        a_ns: wire.a_ns.unwrap_or(default.a_ns),
        b_pa: wire.b_pa.unwrap_or(default.b_pa),
        tau_excitatory_ms: wire.tau_excitatory_ms.unwrap_or(default.tau_excitatory_ms),
        tau_inhibitory_ms: wire.tau_inhibitory_ms.unwrap_or(default.tau_inhibitory_ms),
        excitatory_mv: wire.excitatory_mv.unwrap_or(default.excitatory_mv),
        inhibitory_mv: wire.inhibitory_mv.unwrap_or(default.inhibitory_mv),
        drive_pa: wire.drive_pa.unwrap_or(default.drive_pa),
        refractory_ms: wire.refractory_ms.unwrap_or(default.refractory_ms),
        initial_mv: wire.initial_mv.unwrap_or(default.initial_mv),
        initial_w_pa: wire.initial_w_pa.unwrap_or(default.initial_w_pa),
        substeps: wire.substeps.max(1),
    }
}

fn conductance(wire: &v1::Conductance) -> ConductanceParameters {
    let default = ConductanceParameters::default();
    ConductanceParameters {
        capacitance_pf: wire.capacitance_pf.unwrap_or(default.capacitance_pf),
        leak_ns: wire.leak_ns.unwrap_or(default.leak_ns),
        rest_mv: wire.rest_mv.unwrap_or(default.rest_mv),
        threshold_mv: wire.threshold_mv.unwrap_or(default.threshold_mv),
        reset_mv: wire.reset_mv.unwrap_or(default.reset_mv),
        tau_excitatory_ms: wire.tau_excitatory_ms.unwrap_or(default.tau_excitatory_ms),
        tau_inhibitory_ms: wire.tau_inhibitory_ms.unwrap_or(default.tau_inhibitory_ms),
        excitatory_mv: wire.excitatory_mv.unwrap_or(default.excitatory_mv),
        inhibitory_mv: wire.inhibitory_mv.unwrap_or(default.inhibitory_mv),
        drive_pa: wire.drive_pa.unwrap_or(default.drive_pa),
        refractory_ms: wire.refractory_ms.unwrap_or(default.refractory_ms),
        initial_mv: wire.initial_mv.unwrap_or(default.initial_mv),
        substeps: wire.substeps.max(1),
    }
}

fn discrete(notes: &mut Notes, wire: &v1::Discrete) -> Option<DiscreteParameters> {
    let synapse = notes.word("discrete.synapse", wire.synapse).map(synapse);
    let feeds = notes.word("discrete.feeds", wire.feeds).map(|feeds| match feeds {
        v1::DiscreteFeeds::Unspecified | v1::DiscreteFeeds::SameStep => discrete::Feeds::SameStep,
        v1::DiscreteFeeds::NextStep => discrete::Feeds::NextStep,
    });
    let membrane = notes.word("discrete.membrane", wire.membrane).map(membrane);
    let reset = notes.word("discrete.reset", wire.reset).map(reset);
    let reset_at = notes.word("discrete.reset_at", wire.reset_at).map(|at| match at {
        v1::DiscreteResetAt::Unspecified | v1::DiscreteResetAt::SameStep => {
            discrete::ResetAt::SameStep
        }
        v1::DiscreteResetAt::NextStep => discrete::ResetAt::NextStep,
    });
    let default = DiscreteParameters::default();
    Some(DiscreteParameters {
        alpha: wire.alpha.unwrap_or(default.alpha),
        synaptic_rate: wire.synaptic_rate.unwrap_or(default.synaptic_rate),
        input_gain: wire.input_gain.unwrap_or(default.input_gain),
        bias: wire.bias.unwrap_or(default.bias),
        gain: wire.gain.unwrap_or(default.gain),
        drive: wire.drive.unwrap_or(default.drive),
        beta: wire.beta.unwrap_or(default.beta),
        tau_steps: wire.tau_steps.unwrap_or(default.tau_steps),
        rate: wire.rate.unwrap_or(default.rate),
        rest: wire.rest.unwrap_or(default.rest),
        threshold: wire.threshold.unwrap_or(default.threshold),
        reset_value: wire.reset_value.unwrap_or(default.reset_value),
        minimum: wire.minimum.unwrap_or(default.minimum),
        initial_v: wire.initial_v.unwrap_or(default.initial_v),
        initial_i: wire.initial_i.unwrap_or(default.initial_i),
        synapse: synapse?,
        feeds: feeds?,
        membrane: membrane?,
        reset: reset?,
        reset_at: reset_at?,
        fires: !wire.silent,
        strict: wire.strict,
        multiplicity_max: wire.multiplicity_max.max(1),
    })
}

fn synapse(wire: v1::DiscreteSynapse) -> discrete::Synapse {
    match wire {
        v1::DiscreteSynapse::Unspecified | v1::DiscreteSynapse::None => discrete::Synapse::None,
        v1::DiscreteSynapse::Decay => discrete::Synapse::Decay,
        v1::DiscreteSynapse::DecayWithInput => discrete::Synapse::DecayWithInput,
        v1::DiscreteSynapse::Euler => discrete::Synapse::Euler,
    }
}

fn membrane(wire: v1::DiscreteMembrane) -> discrete::Membrane {
    match wire {
        v1::DiscreteMembrane::Unspecified | v1::DiscreteMembrane::Decay => {
            discrete::Membrane::Decay
        }
        v1::DiscreteMembrane::Leak => discrete::Membrane::Leak,
        v1::DiscreteMembrane::Relax => discrete::Membrane::Relax,
        v1::DiscreteMembrane::Euler => discrete::Membrane::Euler,
    }
}

fn reset(wire: v1::DiscreteReset) -> discrete::Reset {
    match wire {
        v1::DiscreteReset::None => discrete::Reset::None,
        v1::DiscreteReset::Unspecified | v1::DiscreteReset::ToValue => discrete::Reset::ToValue,
        v1::DiscreteReset::SubtractThreshold => discrete::Reset::SubtractThreshold,
        v1::DiscreteReset::SubtractValue => discrete::Reset::SubtractValue,
    }
}
