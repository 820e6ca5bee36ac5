//! `spiked networks`: which there are, and what one of them is.

use spiked_client::{
    hex,
    v1::{NetworkCost, NetworkInfo, SensorSize},
};

use crate::{
    args::{NetworkChange, NetworksArguments},
    commands::load,
    failure::Failure,
    link::Link,
    numbers::grouped,
    terminal,
};

/// Lists all networks, describes one, or changes which there are.
pub(crate) async fn networks(arguments: NetworksArguments) -> Result<(), Failure> {
    match arguments.change {
        Some(NetworkChange::Load(arguments)) => return load::load(arguments).await,
        Some(NetworkChange::Unload(arguments)) => return load::unload(arguments).await,
        None => {}
    }
    let link = Link::open(&arguments.daemon).await?;
    let text = match &arguments.network {
        None => listed(&link.client.list_networks().await?),
        Some(name) => {
            let sensors: Vec<SensorSize> = arguments
                .geometry
                .map(|size| SensorSize {
                    port: arguments.port.clone(),
                    width: size.width.into(),
                    height: size.height.into(),
                })
                .into_iter()
                .collect();
            let described = link.client.describe_network(name, "", &sensors).await?;
            let info = described.info.unwrap_or_default();
            info_text(&info) + &cost_text(&described.cost.unwrap_or_default())
        }
    };
    terminal::print(&text)?;
    link.close().await
}

/// A line a network.
fn listed(networks: &[NetworkInfo]) -> String {
    if networks.is_empty() {
        return "no networks\n".into();
    }
    let line = |info: &NetworkInfo| {
        let about = if info.problem.is_empty() {
            first_sentence(&info.description)
        } else {
            format!("cannot run: {}", info.problem)
        };
        (format!("{} {}", info.name, info.version), about)
    };
    let lines: Vec<_> = networks.iter().map(line).collect();
    terminal::table(lines.iter().map(|(name, about)| (name.as_str(), about.as_str().into())))
}

/// The first sentence of a text, on one line.
fn first_sentence(text: &str) -> String {
    let mut sentence = String::new();
    for word in text.split_whitespace() {
        if !sentence.is_empty() {
            sentence.push(' ');
        }
        sentence.push_str(word);
        if word.ends_with(['.', '?', '!']) {
            break;
        }
    }
    sentence
}

fn info_text(info: &NetworkInfo) -> String {
    let mut rows = vec![("network", format!("{} {}", info.name, info.version).into())];
    if !info.description.is_empty() {
        let words: Vec<&str> = info.description.split_whitespace().collect();
        rows.push(("about", words.join(" ").into()));
    }
    terminal::table(rows) + &notes_text(&info.notes)
}

/// What an importer assumed, a line each.
pub(crate) fn notes_text(notes: &[String]) -> String {
    terminal::table(notes.iter().map(|note| ("note", note.as_str().into())))
}

/// What a network costs and how its numbers are held.
pub(crate) fn cost_text(cost: &NetworkCost) -> String {
    let mut rows = vec![
        ("plan", format!("sha256:{}", hex(&cost.plan_sha256)).into()),
        ("neurons", grouped(cost.neurons).into()),
        ("synapses", grouped(cost.synapses).into()),
        ("plan memory", plan_memory(cost).into()),
        ("session memory", format!("{} bytes", grouped(cost.session_bytes)).into()),
        ("longest path", format!("{} ticks", grouped(cost.longest_path_ticks)).into()),
    ];
    for population in &cost.populations {
        let shape: Vec<String> = population.shape.iter().map(u32::to_string).collect();
        let line = format!(
            "{} [{}], quantum {:e}, rounding at most {:e}, sums of {} bits, rank {}",
            population.name,
            shape.join(", "),
            population.quantum,
            population.rounding_max,
            population.sum_bits,
            population.rank,
        );
        rows.push(("population", line.into()));
    }
    terminal::table(rows)
}

/// With what a synapse takes of it: 8 bytes and its share of the rows, or nearly nothing of a kernel.
fn plan_memory(cost: &NetworkCost) -> String {
    let bytes = format!("{} bytes", grouped(cost.plan_bytes));
    if cost.synapses == 0 {
        return bytes;
    }
    let each = cost.plan_bytes as f64 / cost.synapses as f64;
    format!("{bytes}, {each:.2} a synapse")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_the_first_sentence() {
        assert_eq!(first_sentence("\nWhich way\ndoes it move? Twelve."), "Which way does it move?");
        assert_eq!(first_sentence(""), "");
    }
}
