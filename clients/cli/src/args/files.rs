//! Recordings as files.

use std::path::PathBuf;

use clap::Args;
use spiked_client::Geometry;
use spiked_recordings::{
    samples::Split,
    write::{Kind, aedat4::Compression},
};

use crate::run::Span;

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  spiked info street.es
  spiked info --geometry 640x480 evt2.raw
  spiked info shd_train.h5
  spiked info n-tidigits.hdf5 --split test")]
pub(crate) struct InfoArguments {
    /// The recording, in any format that is known by its content: events, touch, or labelled samples.
    pub(crate) file: PathBuf,
    /// Which samples of a file that has those for training and for tests: train or test [default: train,
    /// where it is there].
    #[arg(long, value_name = "SPLIT")]
    pub(crate) split: Option<Split>,
    /// Size of the sensor, where the file's header names none.
    #[arg(long, value_name = "WxH")]
    pub(crate) geometry: Option<Geometry>,
}

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  spiked convert street.raw street.csv
  spiked convert street.aedat4 street.es --from-zero
  spiked convert street.raw street.aedat4 --compression zstd
  spiked convert street.dat street.raw --to evt2
  spiked convert street.es - | head
  spiked convert user01_led.aedat waves.es --segment 2 --from-zero
  spiked convert shd_train.h5 shd_train.npz        with the labels in shd_train_labels.csv
  spiked convert shd_train.h5 one.csv --sample 17
  spiked convert sweep sweep.npz                   a folder of WHISKiT as an archive of frames
  spiked convert sweep.npz sweep                   and the other way round

The name says the format: .raw (EVT3), .dat, .aedat4, .es, .csv or .npz. Ctrl-C leaves nothing under the
name; a recording that turns out to be damaged is written as far as it could be read. Labelled samples
(SHD, SSC, N-TIDIGITS18) become spikes at addresses, as csv or npz, one sample behind another. Recordings of
touch become an archive of frames, as npz, or a folder as WHISKiT writes it, where the name has no ending.")]
pub(crate) struct ConvertArguments {
    /// The recording, in any format that is known by its content: events, touch, or labelled samples.
    pub(crate) file: PathBuf,
    /// Where to write; - is standard output.
    pub(crate) output: PathBuf,
    /// The format: evt2, evt3, dat, aedat4, es, csv or npz [default: what the name says; csv for -].
    #[arg(long, value_name = "FORMAT")]
    pub(crate) to: Option<Kind>,
    /// Compression of aedat4: none, lz4 or zstd.
    #[arg(long, value_name = "HOW", default_value_t = Compression::Lz4)]
    pub(crate) compression: Compression,
    /// Count times from the first event: for formats that begin at 0, and sensors that don't.
    #[arg(long)]
    pub(crate) from_zero: bool,
    /// Size of the sensor, where the file's header names none.
    #[arg(long, value_name = "WxH")]
    pub(crate) geometry: Option<Geometry>,
    /// Frames a second of a recording of touch [default: what it says; else 1000 of a folder, 110 of an
    /// archive].
    #[arg(long, value_name = "HZ")]
    pub(crate) frame_rate: Option<f64>,
    /// Only the events of a segment, by its line in the labels beside the recording, from 0.
    #[arg(long, value_name = "N")]
    pub(crate) segment: Option<usize>,
    /// Only one of a file's labelled samples, from 0.
    #[arg(long, value_name = "N")]
    pub(crate) sample: Option<u64>,
    /// Which samples of a file that has those for training and for tests: train or test [default: train,
    /// where it is there].
    #[arg(long, value_name = "SPLIT")]
    pub(crate) split: Option<Split>,
    /// Time between one sample's last spike and the next one's start [default: 100ms].
    #[arg(long, value_name = "TIME")]
    pub(crate) gap: Option<Span>,
}
