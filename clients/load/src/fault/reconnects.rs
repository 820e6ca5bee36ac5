//! A session whose connection breaks again and again.

use std::time::Duration;

use spiked_client::OpenOptions;

use super::{Scene, Seen};
use crate::{session, verify};

/// From one break to the next.
const PERIOD: Duration = Duration::from_millis(300);
/// How long the client tries to come back.
const PATIENCE: Duration = Duration::from_secs(15);

pub(super) async fn play(scene: &Scene<'_>) -> Seen {
    let Some(relay) = &scene.stage.reconnects else { return Ok((false, "no relay".into())) };
    let client = scene.client.reconnect_by(relay.address()).await?;
    let flow = scene.flow();
    let options = OpenOptions { patience: Some(PATIENCE), ..scene.load.options(flow.source()) };
    let session = client.open(options).await?;
    let part = scene.part(&session, flow);
    let mut breaks = 0_u64;
    let breaking = async {
        tokio::time::sleep_until(scene.began.into()).await;
        while !scene.is_over() {
            tokio::time::sleep(PERIOD).await;
            breaks += relay.break_all();
        }
        std::future::pending().await
    };
    let played = tokio::select! {
        played = session::play(&client, session, part) => played?,
        () = breaking => unreachable!("it breaks for ever"),
    };
    let Some((records, flow)) = played.records.as_ref().zip(played.flow.as_ref()) else {
        return Ok((false, "nothing was kept".into()));
    };
    let difference = records.compare(&verify::reference(scene.load, scene.client, flow).await?);
    let observed = format!(
        "{breaks} breaks, {} events sent, {} of output, {} lost, {} surplus, {} reordered",
        played.events_sent,
        difference.compared,
        difference.lost,
        difference.surplus,
        difference.reordered
    );
    let same = difference.is_none() || played.dropped() > 0;
    Ok((breaks > 0 && played.completed && played.is_conserved() && same, observed))
}
