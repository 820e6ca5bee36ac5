//! `spiked check`: would a network run, why not, and what would it cost.

use spiked_client::v1::SensorSize;

use super::networks::{cost_text, notes_text};
use crate::{args::CheckArguments, failure::Failure, link::Link, network, terminal};

/// Checks a description without keeping it. Every problem is a line.
pub(crate) async fn check(arguments: CheckArguments) -> Result<(), Failure> {
    let described = network::read(&arguments.network, arguments.nir)?;
    let link = Link::open(&arguments.daemon).await?;
    network::upload(&link.client, &described).await?;
    let camera = network::camera(&described.network);
    let sensors: Vec<SensorSize> = arguments
        .geometry
        .zip(camera)
        .map(|(size, port)| SensorSize {
            port,
            width: size.width.into(),
            height: size.height.into(),
        })
        .into_iter()
        .collect();
    let name = described.network.name.clone();
    let notes = described.network.notes.clone();
    let answer = link.client.dry_run(described.network, &sensors).await?;
    link.close().await?;
    if answer.problems.is_empty() {
        let cost = notes_text(&notes) + &cost_text(&answer.cost.unwrap_or_default());
        return terminal::print(&format!("{name} would run\n{cost}"));
    }
    for problem in &answer.problems {
        terminal::say(format!("{}: {}", problem.field, problem.message));
    }
    Err(Failure::failed(format!("{name} would not run: {} problems", answer.problems.len())))
}
