//! Sessions that come, take a little input, run to their end and go.

use std::time::Duration;

use super::{Scene, Seen};
use crate::{flow::Flow, records::Records, verify};

/// A pause between one session and the next.
const PAUSE: Duration = Duration::from_millis(50);
const EVENTS: usize = 2_000;

pub(super) async fn play(scene: &Scene<'_>) -> Seen {
    let (mut sessions, mut different) = (0_u64, 0_u64);
    let mut first: Option<Records> = None;
    let flow = played(scene.flow());
    tokio::time::sleep_until(scene.began.into()).await;
    while !scene.is_over() {
        let records = verify::reference(scene.load, scene.client, &flow).await?;
        match &first {
            Some(first) => different += u64::from(!records.compare(first).is_none()),
            None => first = Some(records),
        }
        sessions += 1;
        tokio::time::sleep(PAUSE).await;
    }
    let items = first.map_or(0, |first| first.count());
    let observed = format!(
        "{sessions} sessions came and went with {items} items of output, {different} gave other output"
    );
    Ok((sessions > 1 && different == 0, observed))
}

/// A flow that has given so many events.
fn played(mut flow: Flow) -> Flow {
    flow.next_of(EVENTS);
    flow
}
