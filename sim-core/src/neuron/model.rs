//! A population's model and the state of its neurons, whichever model it is.

use std::ops::Range;

use super::{
    Each, Sets,
    accumulator::Accumulator,
    adex::Adex,
    clocked::{Clock, Clocked, ClockedNeurons},
    conductance::Conductance,
    discrete::Discrete,
    izhikevich::Izhikevich,
    linear::{
        population::{LinearModel, LinearNeurons},
        swept::SweptNeurons,
    },
    source::{Source, SourceNeurons},
};
use crate::{
    network::{Neuron, Population, WinnerTakeAll},
    time::TickLength,
};

/// A population's model, with its parameters in ticks and quanta.
#[derive(Clone, Debug)]
pub(crate) enum Model {
    Linear(LinearModel),
    Accumulator(Accumulator, WinnerTakeAll),
    Izhikevich(Clock<Izhikevich, 2, 1>),
    Adex(Clock<Adex, { super::adex::STATE }, 2>),
    Conductance(Clock<Conductance, { super::conductance::STATE }, 2>),
    Discrete(Clock<Discrete, { super::discrete::STATE }, 1>),
    Source(Source),
}

/// What a model is compiled from.
pub(crate) struct Compile<'a> {
    pub(crate) population: &'a Population,
    pub(crate) size: u32,
    /// The network's seed, and the population's position: what is random in parameters.
    pub(crate) seed: u64,
    pub(crate) position: u16,
    pub(crate) tick: TickLength,
    pub(crate) quantum: f64,
    /// Linear neurons are re-based at every tick.
    pub(crate) swept: bool,
}

impl Compile<'_> {
    /// The model; for a population that was checked.
    pub(crate) fn model(&self) -> Model {
        match &self.population.neuron {
            Neuron::Lif(_) => Model::Linear(LinearModel::new(self)),
            Neuron::Accumulator(parameters) => Model::Accumulator(
                Accumulator::new(parameters, self.quantum),
                self.population.winner_take_all,
            ),
            Neuron::Izhikevich(_) => Model::Izhikevich(self.clock(|neuron| match neuron {
                Neuron::Izhikevich(parameters) => Some(parameters),
                _ => None,
            })),
            Neuron::Adex(_) => Model::Adex(self.clock(|neuron| match neuron {
                Neuron::Adex(parameters) => Some(parameters),
                _ => None,
            })),
            Neuron::Conductance(_) => Model::Conductance(self.clock(|neuron| match neuron {
                Neuron::Conductance(parameters) => Some(parameters),
                _ => None,
            })),
            Neuron::Discrete(_) => Model::Discrete(self.clock(|neuron| match neuron {
                Neuron::Discrete(parameters) => Some(parameters),
                _ => None,
            })),
            Neuron::Poisson(_) | Neuron::Regular(_) => Model::Source(Source::new(self)),
        }
    }

    pub(crate) fn each(&self) -> Each<'_> {
        Each::new(self.population, self.seed, self.position)
    }

    fn clock<M: Clocked<STATE, RECEPTORS>, const STATE: usize, const RECEPTORS: usize>(
        &self,
        parameters: impl Fn(&Neuron) -> Option<&M::Parameters>,
    ) -> Clock<M, STATE, RECEPTORS> {
        let period_ticks = self.population.clock_ticks;
        let compile = |neuron: &Neuron| {
            let parameters = parameters(neuron).expect("a population has one model");
            M::new(parameters, self.tick, period_ticks)
        };
        let each = self.each();
        let sets = if each.start_differently() {
            Sets::each((0..self.size).map(|index| compile(&each.of(index))).collect())
        } else {
            Sets::same(compile(&self.population.neuron))
        };
        Clock { sets, period_ticks: period_ticks.into(), quantum: self.quantum }
    }
}

/// Calls one of the functions that all clocked models share.
macro_rules! each_clock {
    ($model:expr, $clock:ident => $body:expr, $else:expr) => {
        match $model {
            $crate::neuron::Model::Izhikevich($clock) => $body,
            $crate::neuron::Model::Adex($clock) => $body,
            $crate::neuron::Model::Conductance($clock) => $body,
            $crate::neuron::Model::Discrete($clock) => $body,
            _ => $else,
        }
    };
}
pub(crate) use each_clock;

impl Model {
    /// The most spikes that one neuron can emit in one tick.
    pub(crate) fn multiplicity_max(&self) -> u32 {
        match self {
            Self::Linear(linear) => linear.multiplicity_max(),
            Self::Accumulator(..) => 1,
            Self::Source(source) => source.multiplicity_max(),
            clocked => each_clock!(clocked, clock => clock.multiplicity_max(), 1),
        }
    }

    /// The same for neurons whose state may lie anywhere, above their threshold, too.
    pub(crate) fn with_anything_above(self) -> Self {
        match self {
            Self::Linear(linear) => Self::Linear(linear.with_anything_above()),
            other => other,
        }
    }

    /// Sums of one neuron.
    pub(crate) fn receptors(&self) -> usize {
        match self {
            Self::Linear(linear) => linear.receptors(),
            clocked => each_clock!(clocked, clock => clock.receptors(), 1),
        }
    }

    /// State of one neuron beyond its sums \[bytes\].
    pub(crate) fn state_bytes(&self) -> u64 {
        match self {
            Self::Linear(linear) => linear.state_bytes(),
            Self::Accumulator(..) => 0,
            Self::Source(_) => size_of::<super::source::Next>() as u64,
            clocked => each_clock!(clocked, clock => clock.state_bytes(), 0),
        }
    }

    /// The state of some neurons before tick 0, or before a tick that is as 0 to them. Sources go by
    /// the session's time alone.
    pub(crate) fn at_start(&self, range: &Range<u32>, seed: u64, now: u64) -> Neurons {
        match self {
            Self::Linear(linear) => Neurons::Linear(linear.at_start(range, now)),
            Self::Accumulator(..) => Neurons::Accumulators,
            Self::Source(source) => Neurons::Sources(source.at_start(range, seed)),
            clocked => each_clock!(
                clocked,
                clock => Neurons::Clocked(clock.at_start(range)),
                unreachable!("all others are above")
            ),
        }
    }

    /// The first tick, not before `from`, at which the population does something of itself.
    pub(crate) fn next_due(&self, from: u64) -> Option<u64> {
        match self {
            Self::Linear(linear) if linear.is_swept() => Some(from),
            Self::Linear(linear) => linear.next_change(from),
            Self::Accumulator(..) | Self::Source(_) => None,
            clocked => each_clock!(clocked, clock => Some(clock.next_step(from)), None),
        }
    }
}

/// The state of a share's neurons.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Neurons {
    Linear(LinearNeurons),
    /// Linear ones that are re-based at every tick.
    Swept(SweptNeurons),
    /// They forget.
    Accumulators,
    Clocked(ClockedNeurons),
    Sources(SourceNeurons),
}

impl Neurons {
    /// Some of them, to be handed to their model once more.
    pub(crate) fn share(&self, range: &Range<u32>) -> Self {
        let range = range.start as usize..range.end as usize;
        match self {
            Self::Linear(neurons) => Self::Linear(neurons.share(range)),
            Self::Swept(neurons) => Self::Linear(neurons.share(range)),
            Self::Accumulators => Self::Accumulators,
            Self::Clocked(neurons) => Self::Clocked(neurons.share(range)),
            Self::Sources(neurons) => Self::Sources(neurons.share(range)),
        }
    }

    /// The same, before a tick, as their model keeps them.
    pub(crate) fn kept_by(self, model: &Model, now: u64) -> Self {
        match (self, model) {
            (Self::Linear(neurons), Model::Linear(model)) if model.is_swept() => {
                Self::Swept(SweptNeurons::new(&neurons.cells, now))
            }
            (neurons, _) => neurons,
        }
    }

    /// Brings neurons from one model, which held in all ticks before `now`, to another of the same
    /// kind. `first` is the description's index of the first.
    pub(crate) fn change_model(&mut self, from: &Model, to: &Model, first: u32, now: u64) {
        let (Model::Linear(from), Model::Linear(to)) = (from, to) else { return };
        match self {
            Self::Linear(neurons) => neurons.change_model(from, to, first, now),
            Self::Swept(swept) => {
                let mut neurons = from.neurons(swept.cells());
                neurons.change_model(from, to, first, now);
                *swept = SweptNeurons::new(&neurons.cells, now);
            }
            _ => (),
        }
    }

    /// Makes neurons whose state is one of a model already fit it.
    pub(crate) fn take_up_model(&mut self, model: &Model) {
        if let (Self::Linear(neurons), Model::Linear(model)) = (self, model) {
            neurons.take_up_model(model);
        }
    }

    /// Names each neuron that the calendar must call, with the tick. `first` is the description's
    /// index of the first.
    pub(crate) fn call_all(
        &mut self,
        model: &Model,
        first: u32,
        now: u64,
        mut call: impl FnMut(u32, u64),
    ) {
        match (self, model) {
            (Self::Linear(neurons), Model::Linear(model)) => {
                neurons.call_all(model, first, now, &mut call);
            }
            (Self::Sources(neurons), _) => neurons.call_all(now, call),
            _ => (),
        }
    }
}
