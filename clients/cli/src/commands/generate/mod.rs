//! `spiked generate`: recordings of sensors that nobody needs to own, and what they show beside.

mod dvs;
mod picture;
mod whiskers;

use std::{
    fs,
    path::{Path, PathBuf},
};

use clap::{Args, Subcommand};

use super::convert::{shown, until_interrupted};
use crate::failure::Failure;

#[derive(Args, Debug)]
pub(crate) struct GenerateArguments {
    #[command(subcommand)]
    sensor: Sensor,
}

#[derive(Debug, Subcommand)]
enum Sensor {
    /// An event camera over a texture, a grating, bars or an image that moves.
    Dvs(dvs::DvsArguments),
    /// An array of whiskers that something touches: forces and moments at the bases.
    Whiskers(whiskers::WhiskersArguments),
}

/// Makes a recording, until it is there or the user ends it.
pub(crate) async fn generate(arguments: GenerateArguments) -> Result<(), Failure> {
    until_interrupted(move |asked_to_end| match &arguments.sensor {
        Sensor::Dvs(arguments) => dvs::generate(arguments, asked_to_end),
        Sensor::Whiskers(arguments) => whiskers::generate(arguments),
    })
    .await
}

/// Whether something may stand beside an output.
fn is_file(output: &Path) -> bool {
    output.as_os_str() != "-" && fs::metadata(output).is_ok_and(|output| output.is_file())
}

/// Writes what a recording shows beside it, into NAME.truth.json.
fn write_truth(output: &Path, truth: &serde_json::Value) -> Result<PathBuf, Failure> {
    let path = output.with_extension("truth.json");
    let written = fs::write(&path, format!("{truth:#}\n"));
    written.map_err(|error| Failure::output(&shown(&path), &error))?;
    Ok(path)
}
