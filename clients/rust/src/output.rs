//! The reading half of a session: spikes, decisions and acknowledgements come out here.
//!
//! Reading is also what gives the producing half its credit and the latencies their ends.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Instant,
};

use futures::{Stream, StreamExt};
use tokio::sync::watch;

use crate::{
    Error, Latencies, Refusal, Spikes, Tables,
    carrier::Source,
    credit::Standing,
    v1::{self, stream_response::Message},
};

/// Something that came out of a session.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Item {
    /// Spikes of one output port.
    Spikes(Spikes),
    /// A readout decided.
    Decision(v1::Decision),
    /// Analogue output.
    Value(v1::Value),
    /// Where everything stands.
    Acknowledgement(v1::Acknowledgement),
    /// The daemon refused something; if it was fatal, the end follows.
    Error(Refusal),
    /// Why the session is over; the last item.
    Ended(v1::Ended),
}

/// The reading half of a session; a stream of [`Item`]s.
#[derive(Debug)]
pub struct Output {
    stream: Source,
    tables: Arc<Tables>,
    heard: watch::Sender<Standing>,
    latencies: Option<Arc<Latencies>>,
    over: bool,
}

impl Output {
    pub(crate) fn new(
        stream: Source,
        tables: Arc<Tables>,
        heard: watch::Sender<Standing>,
        latencies: Option<Arc<Latencies>>,
    ) -> Self {
        Self { stream, tables, heard, latencies, over: false }
    }

    /// The next item; `None` after [`Item::Ended`] or an error.
    pub async fn next(&mut self) -> Option<Result<Item, Error>> {
        StreamExt::next(self).await
    }

    /// The session's ports and clock.
    #[must_use]
    pub fn tables(&self) -> &Arc<Tables> {
        &self.tables
    }

    fn read(&self, message: Message) -> Result<Item, Error> {
        Ok(match message {
            Message::Opened(_) => return Err(Error::Contract("a second `opened`".into())),
            Message::Acknowledgement(position) => {
                self.hear(&position);
                Item::Acknowledgement(position)
            }
            Message::Spikes(batch) => Item::Spikes(Spikes::new(batch, self.tables.clock())?),
            Message::Decision(decision) => Item::Decision(decision),
            Message::Value(value) => Item::Value(value),
            Message::Error(error) => Item::Error(error.into()),
            Message::Ended(ended) => {
                if let Some(position) = &ended.r#final {
                    self.hear(position);
                }
                Item::Ended(ended)
            }
        })
    }

    fn hear(&self, position: &v1::Acknowledgement) {
        if let Some(latencies) = &self.latencies {
            latencies.acknowledged(position, Instant::now());
        }
        self.heard.send_modify(|standing| standing.acknowledgement.clone_from(position));
    }

    fn end(&mut self) {
        self.over = true;
        self.heard.send_modify(|standing| standing.over = true);
    }
}

impl Stream for Output {
    type Item = Result<Item, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.over {
            return Poll::Ready(None);
        }
        loop {
            let answer = ready!(self.stream.poll_next_unpin(context));
            let item = match answer {
                Some(Ok(v1::StreamResponse { message: Some(message) })) => self.read(message),
                // A message of a later contract.
                Some(Ok(v1::StreamResponse { message: None })) => continue,
                Some(Err(status)) => Err(status.into()),
                None => Err(Error::Broken("the stream closed without an end".into())),
            };
            if matches!(item, Err(_) | Ok(Item::Ended(_))) {
                self.end();
            }
            return Poll::Ready(Some(item));
        }
    }
}

#[cfg(test)]
mod fuzz;
