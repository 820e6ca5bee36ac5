//! Labelled samples of spikes at the channels of a cochlea: many short streams in one file, each of one
//! class. Times are µs from a sample's own beginning.
//!
//! | layout | where | channels |
//! |---|---|---|
//! | SHD and SSC (Cramer et al. 2020) | `spikes/times` \[s\], `spikes/units`, `labels`, `extra/keys`, `extra/speaker` | 700 |
//! | N-TIDIGITS18 (Anumula et al. 2018) | `train_labels` and, by these, `train_timestamps/…` \[s\] and `train_addresses/…`; the same of `test_…` | 64 |
//!
//! A sample is read when it is asked for, whichever that is, and held alone. The files keep seconds: what
//! they say is rounded to the nearest µs, and no truer than they are. SHD's are of 16 bits, which are
//! 0.12 ms apart at 0.2 s and 0.98 ms from 1 s on.

mod fault;
mod heidelberg;
mod label;
mod spikes;
mod tidigits;
mod timeline;
pub mod write;

use std::{fmt, fs::File, io::Read as _, path::Path};

pub use self::{
    fault::SampleFault,
    label::{Label, Split},
    timeline::{Placed, Timeline},
};
use self::{heidelberg::Heidelberg, tidigits::Tidigits};
pub use crate::formats::hdf5::{HeapFault, SequenceFault};
use crate::{
    Error, Fault,
    formats::{
        HDF5,
        hdf5::{Hdf5, damaged},
    },
};

pub use spiked_proto::layout::address::AddressEvent;

/// Spikes of one sample, at most.
pub const SPIKES_MAX: u32 = 1 << 22;

/// How samples are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SamplesFormat {
    /// As in the Spiking Heidelberg Digits and the Spiking Speech Commands.
    Heidelberg,
    /// As in N-TIDIGITS18.
    Tidigits,
}

impl SamplesFormat {
    /// Channels of the cochlea, which the files don't say.
    #[must_use]
    pub const fn channels(self) -> u32 {
        match self {
            Self::Heidelberg => 700,
            Self::Tidigits => 64,
        }
    }
}

impl fmt::Display for SamplesFormat {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Heidelberg => "HDF5 of labelled samples (SHD, SSC)",
            Self::Tidigits => "HDF5 of labelled samples (N-TIDIGITS18)",
        })
    }
}

/// One sample.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    /// Its place in the file, from 0.
    pub index: u64,
    /// What it is said to be.
    pub label: Label,
    /// Who spoke, where the file tells.
    pub speaker: Option<String>,
    /// Its own name in the file, where it has one.
    pub key: Option<String>,
    /// Its spikes by time; those of one time as the file has them. Times \[µs\] count from the sample's
    /// beginning.
    pub spikes: Vec<AddressEvent>,
    /// Spikes that the file has right behind a later one; they were put into their order.
    pub backward_steps: u64,
}

/// An open file of samples.
pub struct Samples {
    name: String,
    format: SamplesFormat,
    split: Option<Split>,
    splits: Vec<Split>,
    classes: Vec<String>,
    count: u64,
    source: Source,
}

enum Source {
    Heidelberg(Box<Heidelberg>),
    Tidigits(Box<Tidigits>),
}

/// What the groups of a file say of its layout.
pub(crate) fn layout(groups: &[String]) -> Option<SamplesFormat> {
    let has = |name: &str| groups.iter().any(|group| group == name);
    if has("spikes") {
        return Some(SamplesFormat::Heidelberg);
    }
    let is_split = |split: &Split| has(&format!("{split}_timestamps"));
    Split::ALL.iter().any(is_split).then_some(SamplesFormat::Tidigits)
}

/// Whether a file holds samples rather than a recording. What cannot be opened doesn't, and a pipe is left
/// as it is.
#[must_use]
pub fn is_samples(path: &Path) -> bool {
    if !path.is_file() {
        return false;
    }
    let mut magic = [0; HDF5.len()];
    let begins = File::open(path).and_then(|mut file| file.read_exact(&mut magic));
    begins.is_ok() && magic == *HDF5 && layout_of(path).is_ok_and(|(_, layout)| layout.is_some())
}

fn layout_of(path: &Path) -> Result<(Hdf5, Option<SamplesFormat>), Fault> {
    let hdf5 = Hdf5::open(path)?;
    let groups = hdf5.file.root().groups().map_err(damaged)?;
    Ok((hdf5, layout(&groups)))
}

impl Samples {
    /// Opens a file; of one that has both, the samples for training unless told otherwise.
    ///
    /// # Errors
    ///
    /// A file that is missing, of another layout, without such samples, or whose arrays don't fit together.
    pub fn open(path: impl AsRef<Path>, split: Option<Split>) -> Result<Self, Error> {
        let path = path.as_ref();
        let name = path.display().to_string();
        Self::opened(path, &name, split).map_err(|fault| Error { name, fault })
    }

    fn opened(path: &Path, name: &str, split: Option<Split>) -> Result<Self, Fault> {
        let name = name.to_owned();
        let (hdf5, format) = layout_of(path)?;
        match format {
            None => Err(damaged("it holds no samples: neither spikes nor train_timestamps")),
            Some(format @ SamplesFormat::Heidelberg) => {
                if let Some(asked) = split {
                    return Err(Fault::NoSplit { asked, there: Vec::new() });
                }
                let (source, classes) = Heidelberg::open(&hdf5)?;
                let (count, source) = (source.count(), Source::Heidelberg(Box::new(source)));
                Ok(Self { name, format, split, splits: Vec::new(), classes, count, source })
            }
            Some(format @ SamplesFormat::Tidigits) => {
                let splits = Tidigits::splits(&hdf5)?;
                let asked = split.or(splits.first().copied()).unwrap_or(Split::Train);
                if !splits.contains(&asked) {
                    return Err(Fault::NoSplit { asked, there: splits });
                }
                let source = Tidigits::open(&hdf5, asked)?;
                let (count, source) = (source.count(), Source::Tidigits(Box::new(source)));
                let (split, classes) = (Some(asked), Vec::new());
                Ok(Self { name, format, split, splits, classes, count, source })
            }
        }
    }

    /// The file's name, for messages.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How it is kept.
    #[must_use]
    pub const fn format(&self) -> SamplesFormat {
        self.format
    }

    /// Samples.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// Channels: addresses are below this.
    #[must_use]
    pub const fn channels(&self) -> u32 {
        self.format.channels()
    }

    /// Which samples of the file these are, where it has several kinds.
    #[must_use]
    pub const fn split(&self) -> Option<Split> {
        self.split
    }

    /// Which kinds there are.
    #[must_use]
    pub fn splits(&self) -> &[Split] {
        &self.splits
    }

    /// What the classes are called, by their numbers, where the file tells.
    #[must_use]
    pub fn classes(&self) -> &[String] {
        &self.classes
    }

    /// What a label is called, where the file tells.
    #[must_use]
    pub fn class_name(&self, label: &Label) -> Option<&str> {
        match label {
            Label::Class(number) => self.classes.get(*number as usize).map(String::as_str),
            Label::Text(_) => None,
        }
    }

    /// Reads a sample, whichever.
    ///
    /// # Errors
    ///
    /// What is wrong with it, by its index; others may be read all the same.
    pub fn read(&mut self, index: u64) -> Result<Sample, Error> {
        let read = if index >= self.count {
            Err(SampleFault::Missing { count: self.count })
        } else {
            match &mut self.source {
                Source::Heidelberg(source) => source.read(index, self.classes.len()),
                Source::Tidigits(source) => source.read(index),
            }
        };
        let named =
            |fault| Error { name: self.name.clone(), fault: Fault::Sample { index, fault } };
        read.map_err(named)
    }
}

impl fmt::Debug for Samples {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, format, split, count, .. } = self;
        formatter
            .debug_struct("Samples")
            .field("name", name)
            .field("format", format)
            .field("split", split)
            .field("count", count)
            .finish_non_exhaustive()
    }
}
