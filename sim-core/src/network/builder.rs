//! Networks part by part, with handles in place of names.

use super::{
    Connectivity, InputPort, InputShape, Network, Neuron, OutputPort, Plan, PlanError, Population,
    Projection, Readout, ReadoutRule, Spread,
};
use crate::{
    ids::{InputId, PopulationId, ProjectionId, ReadoutId, SourceId},
    time::TickLength,
};

/// Puts a network together. Nothing is checked before [`Builder::plan`].
///
/// ```
/// use sim_core::{network::*, *};
///
/// // One cell excites another 1.5 ms later.
/// let mut builder = Builder::new(TickLength::from_ns(100_000).expect("in range"));
/// let touch = builder.channels("touch", &[1]);
/// let cells = builder.population("cells", &[2], Neuron::Lif(LifParameters::default()));
/// builder.connect(touch, cells, explicit([(0, 0, 1.0, 1)]));
/// builder.connect(cells, cells, explicit([(0, 1, 1.0, 15)]));
/// builder.output("spikes", &[cells]);
/// let mut simulation = Simulation::new(builder.plan()?.into(), Options::default());
/// simulation.inject(touch, Tick(3), 0)?;
/// simulation.run_until(Tick(100))?;
/// let spikes: Vec<(Tick, u32)> = simulation.drain_spikes().map(|s| (s.tick, s.address)).collect();
/// assert_eq!(spikes, [(Tick(4), 0), (Tick(19), 1)]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Builder {
    network: Network,
}

/// Synapses written out as (source, target, weight, delay \[ticks\]).
pub fn explicit(synapses: impl IntoIterator<Item = (u32, u32, f64, u32)>) -> Connectivity {
    let mut arrays = super::ExplicitSynapses::default();
    for (source, target, weight, delay_ticks) in synapses {
        arrays.sources.push(source);
        arrays.targets.push(target);
        arrays.weights.push(weight);
        arrays.delays_ticks.push(delay_ticks);
    }
    Connectivity::Explicit(arrays.into())
}

impl From<InputId> for SourceId {
    fn from(id: InputId) -> Self {
        Self::Input(id)
    }
}

impl From<PopulationId> for SourceId {
    fn from(id: PopulationId) -> Self {
        Self::Population(id)
    }
}

impl Builder {
    /// An empty network with a length of a tick.
    #[must_use]
    pub fn new(tick: TickLength) -> Self {
        Self { network: Network { tick, ..Network::default() } }
    }

    /// Sets the seed of everything random.
    pub const fn seed(&mut self, seed: u64) -> &mut Self {
        self.network.seed = seed;
        self
    }

    /// Adds an input port of numbered channels.
    pub fn channels(&mut self, name: &str, shape: &[u32]) -> InputId {
        self.input(InputPort::new(name, InputShape::Channels(shape.to_vec())))
    }

    /// Adds an input port.
    pub fn input(&mut self, port: InputPort) -> InputId {
        self.network.inputs.push(port);
        InputId(last(self.network.inputs.len()))
    }

    /// Adds equal neurons.
    pub fn population(&mut self, name: &str, shape: &[u32], neuron: Neuron) -> PopulationId {
        self.add(Population::new(name, shape, neuron))
    }

    /// Adds a population.
    pub fn add(&mut self, population: Population) -> PopulationId {
        self.network.populations.push(population);
        PopulationId(last(self.network.populations.len()))
    }

    /// Adds synapses onto a population's first receptor.
    pub fn connect(
        &mut self,
        source: impl Into<SourceId>,
        target: PopulationId,
        connectivity: Connectivity,
    ) -> ProjectionId {
        self.connect_to(source, target, "", connectivity)
    }

    /// Adds synapses onto a receptor.
    pub fn connect_to(
        &mut self,
        source: impl Into<SourceId>,
        target: PopulationId,
        receptor: &str,
        connectivity: Connectivity,
    ) -> ProjectionId {
        let source = match source.into() {
            SourceId::Input(id) => &self.network.inputs[id.0 as usize].name,
            SourceId::Population(id) => &self.network.populations[id.0 as usize].name,
        };
        let target = &self.network.populations[target.0 as usize].name;
        let name = format!("{source} to {target}");
        let projection = Projection::new(&name, source, target, connectivity);
        let receptor = receptor.into();
        self.network.projections.push(Projection { receptor, ..projection });
        ProjectionId(last(self.network.projections.len()))
    }

    /// Adds a readout of a population.
    pub fn readout(&mut self, name: &str, source: PopulationId, rule: ReadoutRule) -> ReadoutId {
        let source = self.network.populations[source.0 as usize].name.clone();
        self.network.readouts.push(Readout { name: name.into(), source, rule });
        ReadoutId(last(self.network.readouts.len()))
    }

    /// Lets the spikes of populations leave, in one address space.
    pub fn output(&mut self, name: &str, sources: &[PopulationId]) -> &mut Self {
        let name_of = |id: &PopulationId| self.network.populations[id.0 as usize].name.clone();
        let sources = sources.iter().map(name_of).collect();
        self.network.outputs.push(OutputPort { name: name.into(), sources });
        self
    }

    /// The description so far.
    #[must_use]
    pub const fn network(&self) -> &Network {
        &self.network
    }

    /// Checks and compiles it for one worker.
    ///
    /// # Errors
    ///
    /// Every problem found, by part and field.
    pub fn plan(&self) -> Result<Plan, PlanError> {
        Plan::new(&self.network, &[])
    }

    /// Checks and compiles it for some workers.
    ///
    /// # Errors
    ///
    /// Every problem found, by part and field.
    pub fn plan_for(&self, workers: u32) -> Result<Plan, PlanError> {
        Plan::spread(&self.network, &[], Spread::over(workers))
    }
}

/// The position of what was pushed last; too many parts are found when the plan is made.
fn last(length: usize) -> u16 {
    u16::try_from(length - 1).unwrap_or(u16::MAX)
}
