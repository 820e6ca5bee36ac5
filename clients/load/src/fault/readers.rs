//! Clients that read slowly, or not at all.

use std::time::{Duration, Instant};

use super::{Scene, Seen};
use crate::{
    session::{self, Part},
    verify,
};

/// A slow reader's pause between answers.
const PAUSE: Duration = Duration::from_millis(20);
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

/// Sends, and reads nothing.
pub(super) async fn stalled(scene: &Scene<'_>) -> Seen {
    let mut flow = scene.flow();
    // A connection of its own, whose windows fill.
    let client = scene.client.reconnect().await?;
    let session = client.open(scene.load.options(flow.source())).await?;
    let (id, port) = (session.tables().session_id.clone(), scene.load.port_of(&session));
    let (mut producer, output) = session.split();
    let (cut, mut room) = (scene.load.cut(), flow.room());
    let mut sent = 0;
    while !scene.is_over() {
        let batch = flow.next(&cut);
        flow.fill(&batch, &mut room);
        let due = (scene.began + batch.due).min(scene.end());
        tokio::time::sleep_until(due.into()).await;
        let sending = session::send(&mut producer, port, &room, &batch);
        match tokio::time::timeout_at(scene.end().into(), sending).await {
            Ok(taken) => taken?,
            // Held up until the end.
            Err(_) => break,
        }
        sent += batch.count as u64;
    }
    let asked = Instant::now();
    let closed = tokio::time::timeout(CLOSING_MAX, scene.client.close_session(&id)).await;
    let observed =
        format!("{sent} events sent until it was held up, closed in {:.1?}", asked.elapsed());
    drop(output);
    match closed {
        Ok(closed) => closed.map(|_| (true, observed)).map_err(Into::into),
        Err(_) => Ok((false, format!("not closed within {CLOSING_MAX:?}"))),
    }
}
