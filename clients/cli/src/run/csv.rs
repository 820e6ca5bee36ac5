//! Spikes and decisions as comma-separated text, in output order, told apart by `kind`.
//!
//! `kind,time_us,tick,port,population,address,channel,y,x,multiplicity,class,label,votes,
//! votes_total,confidence,sample_ticks`. A spike fills the columns up to `multiplicity` (a place of fewer than three
//! dimensions fills the last of `channel,y,x`), a decision those behind, the last two where it stopped
//! a sample; the others stay empty.

use std::{io::Write, path::Path, sync::Arc};

use spiked_client::{Spike, Tables, v1::Decision};
use spiked_recordings::samples::Label;

use crate::{
    commands::{open_output, shown},
    failure::Failure,
};

const HEADER: [&str; 16] = [
    "kind",
    "time_us",
    "tick",
    "port",
    "population",
    "address",
    "channel",
    "y",
    "x",
    "multiplicity",
    "class",
    "label",
    "votes",
    "votes_total",
    "confidence",
    "sample_ticks",
];

/// Of which sample a line is.
const SAMPLE: [&str; 2] = ["sample", "sample_label"];

/// A table of output.
pub(crate) struct Table {
    writer: csv::Writer<Box<dyn Write + Send>>,
    tables: Arc<Tables>,
    name: String,
    /// The sample that its lines are of, where there are such.
    sample: Option<[String; 2]>,
}

impl Table {
    /// Opens the file, or standard output for `-`, and writes the header.
    pub(crate) fn create(path: &Path, tables: &Arc<Tables>) -> Result<Self, Failure> {
        Self::begin(path, tables, None)
    }

    /// The same for samples: `sample,sample_label` come first.
    pub(crate) fn of_samples(path: &Path, tables: &Arc<Tables>) -> Result<Self, Failure> {
        Self::begin(path, tables, Some(SAMPLE.map(str::to_owned)))
    }

    fn begin(
        path: &Path,
        tables: &Arc<Tables>,
        sample: Option<[String; 2]>,
    ) -> Result<Self, Failure> {
        let writer = csv::Writer::from_writer(open_output(path)?);
        let mut table = Self { writer, tables: Arc::clone(tables), name: shown(path), sample };
        table.write(&HEADER.map(str::to_owned))?;
        Ok(table)
    }

    /// What follows is of a sample.
    pub(crate) fn begin_sample(&mut self, index: u64, label: &Label) {
        self.sample = Some([index.to_string(), label.to_string()]);
    }

    pub(crate) fn spike(&mut self, spike: &Spike) -> Result<(), Failure> {
        let tables = Arc::clone(&self.tables);
        let place = tables.place(spike.port, spike.address);
        let (population, coordinates) =
            place.map_or(("", Vec::new()), |place| (place.population, place.coordinates));
        let mut line = self.line("spike", spike.time_us, spike.tick, spike.port);
        line[4] = population.to_owned();
        line[5] = spike.address.to_string();
        if coordinates.len() <= 3 {
            for (cell, coordinate) in line[6..9].iter_mut().rev().zip(coordinates.iter().rev()) {
                *cell = coordinate.to_string();
            }
        }
        line[9] = spike.multiplicity.to_string();
        self.write(&line)
    }

    pub(crate) fn decision(&mut self, decision: &Decision) -> Result<(), Failure> {
        let label = self.tables.label(decision.port, decision.class).unwrap_or("").to_owned();
        let mut line = self.line("decision", decision.time_us, decision.tick, decision.port);
        line[10] = decision.class.to_string();
        line[11] = label;
        line[12] = decision.votes.to_string();
        line[13] = decision.votes_total.to_string();
        if decision.sample_ticks > 0 {
            line[14] = format!("{:.6}", f64::from(decision.confidence_ppm) / 1e6);
            line[15] = decision.sample_ticks.to_string();
        }
        self.write(&line)
    }

    /// Writes what is still held back.
    pub(crate) fn flush(&mut self) -> Result<(), Failure> {
        let flushed = self.writer.flush();
        flushed.map_err(|error| Failure::output(&self.name, &error))
    }

    fn line(&self, kind: &str, time_us: u64, tick: u64, port: u32) -> [String; HEADER.len()] {
        let port = self.tables.outputs.get(port as usize).map_or("", |port| port.name.as_str());
        let mut line = [const { String::new() }; HEADER.len()];
        line[0] = kind.to_owned();
        line[1] = time_us.to_string();
        line[2] = tick.to_string();
        line[3] = port.to_owned();
        line
    }

    fn write(&mut self, line: &[String; HEADER.len()]) -> Result<(), Failure> {
        let sample = self.sample.iter().flatten();
        self.writer.write_record(sample.chain(line)).map_err(|error| match error.into_kind() {
            csv::ErrorKind::Io(error) => Failure::output(&self.name, &error),
            other => Failure::failed(format!("cannot write {}: {other:?}", self.name)),
        })
    }
}
