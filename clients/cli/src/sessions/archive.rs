//! Durable sessions as files to carry, between data folders that no daemon uses at the time.

use std::path::PathBuf;

use clap::Args;
use spiked_server::archive::{self, ArchiveError, Lying};

use crate::{failure::Failure, terminal};

#[derive(Args, Debug)]
pub(super) struct LyingArguments {
    #[command(flatten)]
    place: Place,
}

#[derive(Args, Debug)]
pub(super) struct ExportArguments {
    /// Its id.
    session: String,
    /// The file to write; it must not be there yet. Who can read it can go on with the session.
    #[arg(value_name = "FILE")]
    archive: PathBuf,
    /// Whose it is.
    #[arg(long, value_name = "NAME", default_value = "local")]
    tenant: String,
    #[command(flatten)]
    place: Place,
}

#[derive(Args, Debug)]
pub(super) struct ImportArguments {
    /// The file that was written by `export`.
    #[arg(value_name = "FILE")]
    archive: PathBuf,
    #[command(flatten)]
    place: Place,
}

/// A data folder.
#[derive(Args, Debug)]
struct Place {
    /// The data folder; the daemon that uses it must have ended.
    #[arg(long, value_name = "DIR", env = "SPIKED_DATA")]
    data: PathBuf,
}

pub(super) fn list(arguments: &LyingArguments) -> Result<(), Failure> {
    let lying = archive::list(&arguments.place.data).map_err(refused)?;
    if lying.is_empty() {
        return terminal::print("no sessions\n");
    }
    let lines: Vec<_> = lying.iter().map(|one| (one.session.as_str(), about(one).into())).collect();
    terminal::print(&terminal::table(lines))
}

pub(super) fn export(arguments: &ExportArguments) -> Result<(), Failure> {
    let ExportArguments { session, archive, tenant, place } = arguments;
    let lying = archive::export(&place.data, (tenant, session), archive).map_err(refused)?;
    terminal::print(&format!("{}  {}\n", lying.session, about(&lying)))
}

pub(super) fn import(arguments: &ImportArguments) -> Result<(), Failure> {
    let ImportArguments { archive, place } = arguments;
    let lying = archive::import(&place.data, archive).map_err(refused)?;
    terminal::print(&format!("{}  {}\n", lying.session, about(&lying)))
}

fn about(lying: &Lying) -> String {
    let Lying { tenant, network, network_version, dynamics_version, session: _ } = lying;
    format!("{network} {network_version}, tenant {tenant}, dynamics version {dynamics_version}")
}

fn refused(error: ArchiveError) -> Failure {
    match error {
        ArchiveError::Unknown { .. } | ArchiveError::Exists { .. } => Failure::used_wrongly(error),
        error => Failure::failed(error),
    }
}
