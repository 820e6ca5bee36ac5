//! Sessions and snapshots as text.

use spiked_client::{
    hex,
    v1::{Acknowledgement, Durability, SessionInfo, SnapshotInfo},
};

use crate::{
    numbers::{grouped, seconds},
    terminal,
};

/// A line a session.
pub(super) fn listed(sessions: &[SessionInfo]) -> String {
    if sessions.is_empty() {
        return "no sessions\n".into();
    }
    let line = |info: &SessionInfo| (info.session_id.clone(), about(info));
    let lines: Vec<_> = sessions.iter().map(line).collect();
    terminal::table(lines.iter().map(|(id, about)| (id.as_str(), about.as_str().into())))
}

fn about(info: &SessionInfo) -> String {
    if info.at_rest {
        return "rests on disk".into();
    }
    let network = format!("{} {}", info.network, info.network_version);
    let position = info.position.unwrap_or_default();
    let attached = info.producers.iter().filter(|producer| producer.attached).count();
    format!(
        "{network}, at {}, {} of {} producers, {} watchers{}",
        seconds(position.simulated_to_us),
        attached,
        info.producers.len(),
        info.watchers,
        if is_durable(info) { ", durable" } else { "" },
    )
}

fn is_durable(info: &SessionInfo) -> bool {
    !matches!(info.durability(), Durability::Unspecified | Durability::None)
}

/// Everything about one.
pub(super) fn shown(info: &SessionInfo) -> String {
    let mut rows = vec![("session", info.session_id.clone().into())];
    if info.at_rest {
        rows.push(("state", "rests on disk; opening it goes on where it was".into()));
        return terminal::table(rows);
    }
    rows.push(("network", format!("{} {}", info.network, info.network_version).into()));
    for producer in &info.producers {
        let state = match (producer.ended, producer.attached) {
            (true, _) => "has ended",
            (false, true) => "sends",
            (false, false) => "has no stream",
        };
        let batches = grouped(producer.accepted);
        rows.push(("producer", format!("{} {state}, {batches} batches", producer.name).into()));
    }
    rows.push(("watchers", info.watchers.to_string().into()));
    if let Some(position) = &info.position {
        rows.extend(position_rows(position, is_durable(info)));
    }
    rows.push(("outputs", grouped(info.output_position).into()));
    terminal::table(rows)
}

fn position_rows(
    position: &Acknowledgement,
    is_durable: bool,
) -> Vec<(&'static str, std::borrow::Cow<'static, str>)> {
    let drops = position.drops.unwrap_or_default();
    let dropped = [
        ("late", drops.late),
        ("outside", drops.outside),
        ("too many in a tick", drops.multiplicity),
        ("overload", drops.overload),
        ("no words", drops.words),
        ("no values", drops.values),
        ("between samples", drops.between_samples),
    ];
    let dropped = dropped.into_iter().filter(|(_, count)| *count > 0);
    let dropped: Vec<_> =
        dropped.map(|(cause, count)| format!("{} {cause}", grouped(count))).collect();
    let mut rows = vec![
        ("simulated to", seconds(position.simulated_to_us).into()),
        ("events", grouped(position.events_accepted).into()),
        ("dropped", if dropped.is_empty() { "0".into() } else { dropped.join(", ").into() }),
        ("in the queue", grouped(position.queue_events).into()),
        ("spikes", grouped(position.spikes).into()),
        ("deliveries", grouped(position.deliveries).into()),
    ];
    if is_durable {
        rows.push(("durable", format!("{} batches", grouped(position.durable)).into()));
    }
    if position.lag_us > 0 {
        rows.push(("behind", seconds(position.lag_us).into()));
    }
    rows
}

/// A line a snapshot.
pub(super) fn snapshots(snapshots: &[SnapshotInfo]) -> String {
    if snapshots.is_empty() {
        return "no snapshots\n".into();
    }
    let line = |info: &SnapshotInfo| {
        let about = format!(
            "{} {}, {} bytes",
            info.network,
            info.network_version,
            grouped(info.size_bytes)
        );
        (hex(&info.snapshot_sha256), about)
    };
    let lines: Vec<_> = snapshots.iter().map(line).collect();
    terminal::table(lines.iter().map(|(name, about)| (name.as_str(), about.as_str().into())))
}
