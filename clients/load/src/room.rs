//! What a daemon's queue lets in at once, and batches that are too large for it.

use std::time::Duration;

use spiked_client::{PackedBatch, Producer, Session, v1};

use crate::Error;

/// An event in a batch \[bytes\], however it is laid out.
const EVENT_BYTES: u64 = 8;
/// One that is larger than the daemon's room at the opening may be let in so long: a rate makes room with
/// time.
const LET_IN_MAX: Duration = Duration::from_secs(5);

/// Sends a batch as soon as there is credit for it.
pub(crate) async fn let_in(
    producer: &mut Producer,
    events: usize,
    packed: PackedBatch,
    room: usize,
) -> Result<(), Error> {
    let sending = producer.send_packed(packed);
    if events <= room {
        return Ok(sending.await?);
    }
    match tokio::time::timeout(LET_IN_MAX, sending).await {
        Ok(sent) => Ok(sent?),
        Err(_) => Err(Error::NoRoom { events, room }),
    }
}

/// Events that the daemon's queue takes from a session at once.
pub(crate) fn room(session: &Session) -> usize {
    let v1::Credit { events, bytes } = session.room();
    usize::try_from(events.min(bytes / EVENT_BYTES)).unwrap_or(usize::MAX)
}
