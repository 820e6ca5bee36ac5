//! The same input once more, as fast as it goes: what came back under load must be the same.

use spiked_client::{Client, Item, Overload};

use crate::{
    Error,
    flow::Flow,
    load::Load,
    records::{Difference, Records},
    room::room,
    session::{self, Played},
};

/// Most events in a batch of a reference, where the daemon's queue has room for them.
const BATCH_EVENTS: usize = 16_384;

/// What was compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Compared {
    /// Sessions whose output was compared.
    pub sessions: u64,
    /// Sessions that could not be, because the daemon dropped events of theirs by overload: what
    /// is left depends on when they came.
    pub inexact: u64,
    /// How all of them differ.
    pub difference: Difference,
}

/// Compares the sessions whose output was kept with references.
pub(crate) async fn compare(
    load: &Load,
    client: &Client,
    played: &[Played],
) -> Result<Compared, Error> {
    let mut compared = Compared::default();
    for session in played {
        let (Some(records), Some(flow)) = (&session.records, &session.flow) else { continue };
        let drops = session.position.drops.unwrap_or_default();
        if drops.overload > 0 || drops.late > 0 {
            compared.inexact += 1;
            continue;
        }
        let reference = reference(load, client, flow).await?;
        compared.difference.add(&records.compare(&reference));
        compared.sessions += 1;
    }
    Ok(compared)
}

/// The output that a flow's events have, up to as many as it has given.
pub(crate) async fn reference(load: &Load, client: &Client, flow: &Flow) -> Result<Records, Error> {
    let mut options = load.options(flow.source());
    options.overload = Overload::Block;
    let session = client.open(options).await?;
    let (port, tick_ns) = (load.port_of(&session), session.tables().tick_ns.max(1));
    // A rate may leave little room at the moment; what the load sent was let in.
    let batch_events = BATCH_EVENTS.min(room(&session)).max(flow.batch_events()).max(1);
    let (mut producer, mut output) = session.split();
    let feeding = async move {
        let (events, mut again) = (flow.given(), flow.restarted());
        let mut room = again.room();
        while again.given() < events {
            let left = usize::try_from(events - again.given()).unwrap_or(usize::MAX);
            let batch = again.next_of_ticks(left.min(batch_events), tick_ns);
            again.fill(&batch, &mut room);
            session::send(&mut producer, port, &room, &batch).await?;
        }
        producer.finish().await
    };
    let reading = async move {
        let mut records = Records::default();
        while let Some(item) = output.next().await {
            match item? {
                Item::Spikes(spikes) => spikes.iter().for_each(|spike| records.spike(&spike)),
                Item::Decision(decision) => records.decision(&decision),
                Item::Ended(_) => break,
                _ => {}
            }
        }
        Ok(records)
    };
    let (fed, records) = tokio::join!(feeding, reading);
    fed?;
    records
}
