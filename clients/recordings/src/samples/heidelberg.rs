//! The layout of the Heidelberg data sets: a row a sample of `spikes/times`, `spikes/units` and `labels`,
//! where the first two refer to sequences.

use hdf5_pure::Dataset;

use super::{Label, SPIKES_MAX, Sample, SampleFault, SamplesFormat, spikes};
use crate::{
    Fault,
    formats::{
        columns::array_fault,
        hdf5::{
            Hdf5, SequenceFault, damaged,
            rows::{Numbers, Texts},
            sequences::Sequences,
        },
    },
};

const TIMES: &str = "spikes/times";
const UNITS: &str = "spikes/units";
const LABELS: &str = "labels";
const KEYS: &str = "extra/keys";
const SPEAKER: &str = "extra/speaker";
/// Names of classes, at most.
const CLASSES_MAX: u64 = 4_096;

pub(super) struct Heidelberg {
    times: Sequences,
    units: Sequences,
    labels: Numbers,
    speakers: Option<Speakers>,
}

/// Who spoke: by number, or by name.
enum Speakers {
    Numbers(Numbers),
    Texts(Texts),
}

impl Heidelberg {
    /// Also says what the classes are called.
    pub(super) fn open(hdf5: &Hdf5) -> Result<(Self, Vec<String>), Fault> {
        let there = |name: &str| hdf5.file.dataset(name).map_err(damaged);
        let times = Sequences::open(TIMES, &there(TIMES)?, hdf5)?;
        if times.element().is_whole() {
            return Err(array_fault(TIMES, "holds whole numbers, expected seconds".into()));
        }
        let units = Sequences::open(UNITS, &there(UNITS)?, hdf5)?;
        let labels = Numbers::open(LABELS, &there(LABELS)?, hdf5.bytes_total)?;
        fits(UNITS, units.len(), times.len())?;
        fits(LABELS, labels.len(), times.len())?;
        let (keys, speaker) = extras(hdf5)?;
        let classes = keys.map(|keys| classes(&keys, hdf5)).transpose()?.unwrap_or_default();
        let speakers = speaker.map(|it| Speakers::open(&it, hdf5, times.len())).transpose()?;
        Ok((Self { times, units, labels, speakers }, classes))
    }

    pub(super) const fn count(&self) -> u64 {
        self.times.len()
    }

    /// Reads a sample that is there; its label is below the number of classes, if that is known.
    pub(super) fn read(&mut self, index: u64, classes: usize) -> Result<Sample, SampleFault> {
        let label = self.label(index, classes)?;
        let times = column(&mut self.times, TIMES, index)?;
        let units = column(&mut self.units, UNITS, index)?;
        let channels = SamplesFormat::Heidelberg.channels();
        let (spikes, backward_steps) = spikes::of(&times, &units, channels)?;
        let speaker = self.speakers.as_mut().map(|speakers| speakers.read(index)).transpose()?;
        Ok(Sample { index, label, speaker, key: None, spikes, backward_steps })
    }

    fn label(&mut self, index: u64, classes: usize) -> Result<Label, SampleFault> {
        let element = self.labels.element();
        let bytes = self.labels.get(index)?;
        let classes = if classes == 0 { 1 << 32 } else { classes as u64 };
        let whole = element.whole(bytes).filter(|&label| label < classes);
        let whole = whole.and_then(|label| u32::try_from(label).ok()).map(Label::Class);
        whole.ok_or_else(|| SampleFault::Label { label: element.value(bytes), classes })
    }
}

/// An array has a row for each sample.
fn fits(name: &str, length: u64, samples: u64) -> Result<(), Fault> {
    if length == samples {
        return Ok(());
    }
    let problem = format!("has {length} elements, but {TIMES:?} has {samples}");
    Err(array_fault(name, problem))
}

fn column(
    sequences: &mut Sequences,
    array: &str,
    index: u64,
) -> Result<spikes::Column, SampleFault> {
    let bytes = sequences.read(index, SPIKES_MAX).map_err(|fault| match fault {
        SequenceFault::TooLong { length, .. } => SampleFault::TooMany { spikes: length.into() },
        fault => SampleFault::Sequence { array: array.to_owned(), fault },
    })?;
    Ok(spikes::Column { bytes, element: sequences.element() })
}

/// The names of the classes and the speakers, where they are there.
fn extras(hdf5: &Hdf5) -> Result<(Option<Dataset>, Option<Dataset>), Fault> {
    let groups = hdf5.file.root().groups().map_err(damaged)?;
    if !groups.iter().any(|group| group == "extra") {
        return Ok((None, None));
    }
    let extra = hdf5.file.group("extra").map_err(damaged)?;
    let names = extra.datasets().map_err(damaged)?;
    let there = |name: &str| {
        let is_there = names.iter().any(|other| other == name);
        is_there.then(|| extra.dataset(name).map_err(damaged)).transpose()
    };
    Ok((there("keys")?, there("speaker")?))
}

fn classes(keys: &Dataset, hdf5: &Hdf5) -> Result<Vec<String>, Fault> {
    let mut keys = Texts::open(KEYS, keys, hdf5)?;
    let count = keys.len();
    if count > CLASSES_MAX {
        let problem = format!("names {count} classes, expected {CLASSES_MAX} at most");
        return Err(array_fault(KEYS, problem));
    }
    let name = |row| {
        let name = keys.get(row);
        name.map_err(|fault| array_fault(KEYS, format!("is damaged: its row {row} {fault}")))
    };
    (0..count).map(name).collect()
}

impl Speakers {
    fn open(dataset: &Dataset, hdf5: &Hdf5, samples: u64) -> Result<Self, Fault> {
        if Texts::are_in(dataset)? {
            let texts = Texts::open(SPEAKER, dataset, hdf5)?;
            fits(SPEAKER, texts.len(), samples)?;
            return Ok(Self::Texts(texts));
        }
        let numbers = Numbers::open(SPEAKER, dataset, hdf5.bytes_total)?;
        fits(SPEAKER, numbers.len(), samples)?;
        Ok(Self::Numbers(numbers))
    }

    fn read(&mut self, index: u64) -> Result<String, SampleFault> {
        match self {
            Self::Numbers(numbers) => {
                let element = numbers.element();
                Ok(element.value(numbers.get(index)?).to_string())
            }
            Self::Texts(texts) => texts
                .get(index)
                .map_err(|fault| SampleFault::Sequence { array: SPEAKER.to_owned(), fault }),
        }
    }
}
