//! The layout of N-TIDIGITS18: `train_labels` lists what the samples are called, and under these names the
//! groups `train_timestamps` and `train_addresses` have an array each. The digits that were said stand
//! behind a name's last hyphen. The same of `test_…`, in the same file.

use hdf5_pure::Group;

use super::{Label, SPIKES_MAX, Sample, SampleFault, SamplesFormat, Split, spikes};
use crate::{
    Fault,
    formats::{
        columns::array_fault,
        hdf5::{
            Hdf5, damaged,
            rows::{Numbers, Texts},
        },
    },
};

/// What deflate makes of a byte, at most.
const INFLATION_MAX: u64 = 1_032;

pub(super) struct Tidigits {
    keys: Texts,
    /// What the array of keys is called.
    labels: String,
    times: Arrays,
    channels: Arrays,
}

/// A group with an array for each sample.
struct Arrays {
    group: Group,
    name: String,
    /// Of the file \[bytes\].
    bytes_total: u64,
}

impl Tidigits {
    /// Which kinds of samples there are.
    pub(super) fn splits(hdf5: &Hdf5) -> Result<Vec<Split>, Fault> {
        let datasets = hdf5.file.root().datasets().map_err(damaged)?;
        let is_there = |split: &Split| datasets.contains(&labels(*split));
        Ok(Split::ALL.into_iter().filter(is_there).collect())
    }

    pub(super) fn open(hdf5: &Hdf5, split: Split) -> Result<Self, Fault> {
        let labels = labels(split);
        let dataset = hdf5.file.dataset(&labels).map_err(damaged)?;
        let keys = Texts::open(&labels, &dataset, hdf5)?;
        let arrays = |of: &str| {
            let name = format!("{split}_{of}");
            let group = hdf5.file.group(&name).map_err(damaged)?;
            Ok::<_, Fault>(Arrays { group, name, bytes_total: hdf5.bytes_total })
        };
        let (times, channels) = (arrays("timestamps")?, arrays("addresses")?);
        Ok(Self { keys, labels, times, channels })
    }

    pub(super) const fn count(&self) -> u64 {
        self.keys.len()
    }

    /// Reads a sample that is there.
    pub(super) fn read(&mut self, index: u64) -> Result<Sample, SampleFault> {
        let key = self.keys.get(index);
        let key =
            key.map_err(|fault| SampleFault::Sequence { array: self.labels.clone(), fault })?;
        let times = self.times.read(&key)?;
        if times.element.is_whole() {
            let problem = "holds whole numbers, expected seconds".into();
            return Err(array_fault(&format!("{}/{key}", self.times.name), problem).into());
        }
        let channels = self.channels.read(&key)?;
        let total = SamplesFormat::Tidigits.channels();
        let (spikes, backward_steps) = spikes::of(&times, &channels, total)?;
        let label = Label::Text(key.rsplit('-').next().unwrap_or_default().to_owned());
        Ok(Sample { index, label, speaker: None, key: Some(key), spikes, backward_steps })
    }
}

fn labels(split: Split) -> String {
    format!("{split}_labels")
}

impl Arrays {
    fn read(&self, key: &str) -> Result<spikes::Column, SampleFault> {
        // A name, and no way through groups.
        if key.is_empty() || key.contains('/') {
            return Err(self.lacks(key, "an array cannot be called so".to_owned()));
        }
        let dataset = self.group.dataset(key);
        let dataset = dataset.map_err(|error| self.lacks(key, error.to_string()))?;
        let name = format!("{}/{key}", self.name);
        let mut numbers = Numbers::open(&name, &dataset, self.bytes_total)?;
        let (length, element) = (numbers.len(), numbers.element());
        let bytes = length.saturating_mul(element.bytes() as u64);
        if length > SPIKES_MAX.into() || bytes > self.bytes_total.saturating_mul(INFLATION_MAX) {
            return Err(SampleFault::TooMany { spikes: length });
        }
        Ok(spikes::Column { bytes: numbers.all()?, element })
    }

    fn lacks(&self, key: &str, problem: String) -> SampleFault {
        SampleFault::Key { key: key.to_owned(), group: self.name.clone(), problem }
    }
}
