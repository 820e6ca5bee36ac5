//! Connections that open a session, send some of their input, and are reset in the middle.

use std::time::{Duration, Instant};

use spiked_client::OpenOptions;

use super::{Scene, Seen, relay::Relay};
use crate::session;

/// From one connection to the next.
const PERIOD: Duration = Duration::from_millis(50);
/// How long their sessions are kept.
const LEASE: Duration = Duration::from_millis(500);
/// How long after the last lease nothing may be left.
const SLACK: Duration = Duration::from_secs(5);
const BATCHES: usize = 5;
const BATCH_EVENTS: usize = 256;

pub(super) async fn play(scene: &Scene<'_>) -> Seen {
    let (mut resets, mut ids) = (0_u64, Vec::new());
    tokio::time::sleep_until(scene.began.into()).await;
    while !scene.is_over() {
        let relay = scene.stage.resets.as_ref();
        let client = match relay {
            Some(relay) => scene.client.reconnect_by(relay.address()).await?,
            None => scene.client.reconnect().await?,
        };
        let mut flow = scene.flow();
        let options = scene.load.options(flow.source());
        let session = client.open(OpenOptions { lease: Some(LEASE), ..options }).await?;
        ids.push(session.tables().session_id.clone());
        let port = scene.load.port_of(&session);
        let (mut producer, output) = session.split();
        let mut room = flow.room();
        for _ in 0..BATCHES {
            let batch = flow.next_of(BATCH_EVENTS);
            flow.fill(&batch, &mut room);
            // Without credit it breaks all the same.
            let sending = session::send(&mut producer, port, &room, &batch);
            let _ = tokio::time::timeout(PERIOD, sending).await;
        }
        // Without a relay between, it is closed, not reset.
        resets += relay.map_or(1, Relay::break_all);
        drop((producer, output, client));
        tokio::time::sleep(PERIOD).await;
    }
    let until = Instant::now() + LEASE + SLACK;
    loop {
        let there = scene.client.list_sessions().await?;
        let left = there.iter().filter(|info| ids.contains(&info.session_id)).count();
        if left == 0 || Instant::now() >= until {
            let observed = format!("{resets} connections broken, {left} sessions left");
            return Ok((left == 0 && resets > 0, observed));
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
