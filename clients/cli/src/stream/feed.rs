//! The feeding half of a stream: what has come in leaves at once, until the source ends or the user
//! asks for the end.

use std::pin::pin;

use spiked_client::Producer;
use spiked_recordings::CameraEvent;

use super::source::Tally;
use crate::{
    args::StreamPace,
    run::{Fed, Live, Order, Portions, Stop},
};

pub(super) struct Feeder {
    /// Under a logical pace: what the events promise.
    order: Option<Order>,
    pub(super) fed: Fed,
}

impl Feeder {
    pub(super) fn new(pace: StreamPace, reorder_us: u64) -> Self {
        let order = (pace == StreamPace::Logical).then(|| Order::new(reorder_us));
        Self { order, fed: Fed::default() }
    }

    /// Sends what comes, then ends the input. Giving up leaves what is known in `fed`.
    pub(super) async fn feed(
        &mut self,
        mut producer: Producer,
        portions: Portions,
        tally: &Tally,
        live: Live,
        asked: impl Future<Output = ()>,
    ) {
        let sent = self.send_all(&mut producer, portions, tally, &live, asked).await;
        self.fed.complete = sent.is_ok();
        self.fed.note(sent);
        let ended = producer.finish().await.map_err(Stop::from);
        self.fed.note(ended);
    }

    /// Sends until the source ends; once the user asks for the end, what has come in by then.
    async fn send_all(
        &mut self,
        producer: &mut Producer,
        mut portions: Portions,
        tally: &Tally,
        live: &Live,
        asked: impl Future<Output = ()>,
    ) -> Result<(), Stop> {
        let mut asked = pin!(asked);
        loop {
            let portion = tokio::select! {
                () = &mut asked, if !portions.is_closed() => {
                    portions.close();
                    continue;
                }
                portion = portions.recv() => portion,
            };
            let Some(portion) = portion else {
                return Ok(());
            };
            let portion = portion.map_err(Stop::Failed)?;
            live.read(portion.bytes_read);
            if let Some(warning) = tally.news() {
                live.say(&warning);
            }
            self.send(producer, portion.events).await?;
        }
    }

    async fn send(
        &mut self,
        producer: &mut Producer,
        mut events: Vec<CameraEvent>,
    ) -> Result<(), Stop> {
        let verdict = match &mut self.order {
            Some(order) => {
                let (in_order, verdict) = order.take(&events);
                events.truncate(in_order);
                producer.send(0, &events).await?;
                if in_order > 0 {
                    producer.promise(order.promise_us()).await?;
                }
                verdict
            }
            None => {
                // The session begins at the first event sent; datagrams may have overtaken each other.
                if !events.is_sorted_by_key(|event| event.t_us) {
                    events.sort_by_key(|event| event.t_us);
                }
                producer.send(0, &events).await?;
                Ok(())
            }
        };
        let earliest_us = events.iter().map(|event| event.t_us).min();
        if let Some(first_us) = earliest_us {
            let latest_us = events.iter().map(|event| event.t_us).max().unwrap_or(first_us);
            let (from_us, before_us) = self.fed.times_us.unwrap_or((first_us, 0));
            self.fed.times_us = Some((from_us, before_us.max(latest_us)));
            self.fed.events += events.len() as u64;
        }
        verdict.map_err(Stop::Failed)
    }
}
