//! Watching a session: its output, without a part in it.

use std::sync::Arc;

use tonic::Streaming;

use crate::{
    Error, Spikes, Tables,
    v1::{self, watch_session_response::Message},
};

/// Something that a watcher sees.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum WatchItem {
    /// Spikes of one output port.
    Spikes(Spikes),
    /// A readout decided.
    Decision(v1::Decision),
    /// Analogue output.
    Value(v1::Value),
    /// Input, as it went into the simulation; see [`WatchedInput`](crate::WatchedInput).
    Events(v1::EventBatch),
    /// What a probe read.
    Probe(v1::ProbeValues),
    /// So many messages were lost, because this watcher was slow.
    Missed(u64),
    /// Why the session is over; the last item.
    Ended(v1::Ended),
}

/// A session's output, as a watcher reads it.
#[derive(Debug)]
pub struct Watch {
    stream: Streaming<v1::WatchSessionResponse>,
    tables: Arc<Tables>,
    over: bool,
}

impl Watch {
    pub(crate) async fn begin(
        mut stream: Streaming<v1::WatchSessionResponse>,
    ) -> Result<Self, Error> {
        match stream.message().await?.and_then(|answer| answer.message) {
            Some(Message::Opened(opened)) => {
                Ok(Self { stream, tables: Arc::new(Tables::new(opened)), over: false })
            }
            _ => Err(Error::Contract("the first answer isn't `opened`".into())),
        }
    }

    /// The session's ports and clock.
    #[must_use]
    pub fn tables(&self) -> &Arc<Tables> {
        &self.tables
    }

    /// The next item; `None` after [`WatchItem::Ended`] or an error.
    pub async fn next(&mut self) -> Option<Result<WatchItem, Error>> {
        while !self.over {
            let item = match self.stream.message().await {
                Ok(Some(v1::WatchSessionResponse { message: Some(message) })) => {
                    WatchItem::read(message, &self.tables)
                }
                // A message of a later contract.
                Ok(Some(v1::WatchSessionResponse { message: None })) => continue,
                Ok(None) => Err(Error::Broken("the stream closed without an end".into())),
                Err(status) => Err(status.into()),
            };
            self.over = matches!(item, Err(_) | Ok(WatchItem::Ended(_)));
            return Some(item);
        }
        None
    }
}

impl WatchItem {
    fn read(message: Message, tables: &Tables) -> Result<Self, Error> {
        Ok(match message {
            Message::Opened(_) => return Err(Error::Contract("a second `opened`".into())),
            Message::Spikes(batch) => Self::Spikes(Spikes::new(batch, tables.clock())?),
            Message::Decision(decision) => Self::Decision(decision),
            Message::Value(value) => Self::Value(value),
            Message::Events(batch) => Self::Events(batch),
            Message::Probe(values) => Self::Probe(values),
            Message::Missed(missed) => Self::Missed(missed.messages),
            Message::Ended(ended) => Self::Ended(ended),
        })
    }
}

#[cfg(test)]
mod fuzz;
