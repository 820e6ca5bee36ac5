//! Clients that read slowly, or not at all.

use std::time::{Duration, Instant};

use spiked_client::{OpenOptions, Overload, Producer};

use super::{Scene, Seen};
use crate::{
    Error,
    flow::Flow,
    session::{self, Part},
    verify,
};

/// A slow reader's pause between answers.
const PAUSE: Duration = Duration::from_millis(20);
/// Who waits so long for room is held up.
const HELD_UP: Duration = Duration::from_millis(300);
/// How often is looked whether the load is over.
const LOOK: Duration = Duration::from_millis(50);
/// Events in a batch of a stalled reader.
const BATCH_EVENTS: usize = 1_024;
/// How long closing a session may take, whatever its client does.
const CLOSING_MAX: Duration = Duration::from_secs(5);

/// One answer at a time, with pauses.
pub(super) async fn slow(scene: &Scene<'_>) -> Seen {
    let flow = scene.flow();
    let session = scene.client.open(scene.load.options(flow.source())).await?;
    let part = Part { reading_pause: Some(PAUSE), ..scene.part(&session, flow) };
    let played = session::play(scene.client, session, part).await?;
    let Some((records, flow)) = played.records.as_ref().zip(played.flow.as_ref()) else {
        return Ok((false, "nothing was kept".into()));
    };
    let difference = records.compare(&verify::reference(scene.load, scene.client, flow).await?);
    let observed = format!(
        "{} events sent, {} items of output, {} lost, {} surplus, {} reordered",
        played.events_sent,
        difference.compared,
        difference.lost,
        difference.surplus,
        difference.reordered
    );
    let dropped = played.position.drops.is_some_and(|drops| drops.overload > 0);
    Ok((played.completed && played.is_conserved() && (dropped || difference.is_none()), observed))
}

/// Sends as much as it may, and reads nothing.
pub(super) async fn stalled(scene: &Scene<'_>) -> Seen {
    let mut flow = scene.flow();
    // A connection of its own, whose windows fill.
    let client = scene.client.reconnect().await?;
    // Only where nothing is dropped can a reader that reads nothing hold its session up.
    let options = OpenOptions { overload: Overload::Block, ..scene.load.options(flow.source()) };
    let session = client.open(options).await?;
    let (id, port) = (session.tables().session_id.clone(), scene.load.port_of(&session));
    let (mut producer, output) = session.split();
    tokio::time::sleep_until(scene.began.into()).await;
    let held_up = hold_up(scene, &mut flow, &mut producer, port).await?;
    // Held up it stays until the end.
    while !scene.is_over() {
        tokio::time::sleep(LOOK).await;
    }
    let asked = Instant::now();
    let closed = tokio::time::timeout(CLOSING_MAX, scene.client.close_session(&id)).await;
    let (sent, after) = (flow.given(), if held_up { "held up" } else { "never held up" });
    let observed = format!("{after} behind {sent} events, closed in {:.1?}", asked.elapsed());
    drop(output);
    match closed {
        Ok(closed) => closed.map(|_| (held_up, observed)).map_err(Into::into),
        Err(_) => Ok((false, format!("not closed within {CLOSING_MAX:?}"))),
    }
}

/// Sends until nothing more is taken; whether it came to that.
async fn hold_up(
    scene: &Scene<'_>,
    flow: &mut Flow,
    producer: &mut Producer,
    port: u32,
) -> Result<bool, Error> {
    let mut room = flow.room();
    while !scene.is_over() {
        let mut next = flow.clone();
        let batch = next.next_of(BATCH_EVENTS);
        next.fill(&batch, &mut room);
        let sending = session::send(producer, port, &room, &batch);
        match tokio::time::timeout(HELD_UP, sending).await {
            Ok(taken) => taken?,
            Err(_) => return Ok(true),
        }
        *flow = next;
    }
    Ok(false)
}
