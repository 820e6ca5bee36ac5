//! An open session: the first exchange on a stream, and its two halves.

use std::sync::Arc;

use spiked_proto::layout::EVENT_BYTES;
use tokio::sync::{mpsc, watch};
use tokio_stream::wrappers::ReceiverStream;

use crate::{
    Client, Error, Latencies, OpenOptions, Output, Producer, Tables,
    client::ANSWER_BYTES_MAX,
    credit::{Amount, Gate, Sent, Standing},
    gather::Gather,
    sending::Sending,
    v1::{self, stream_request, stream_response, stream_service_client::StreamServiceClient},
};

/// Messages between the producer and the connection. Few: what waits here has been sent as far as
/// latencies are concerned.
const REQUESTS_WAITING_MAX: usize = 4;

/// An open session.
#[derive(Debug)]
pub struct Session {
    producer: Producer,
    output: Output,
}

impl Session {
    /// Opens or rejoins a session on a stream of its own.
    pub(crate) async fn open(client: &Client, options: &OpenOptions) -> Result<Self, Error> {
        let (requests, waiting) = mpsc::channel(REQUESTS_WAITING_MAX);
        let open = stream_request::Message::Open(options.to_open());
        let first = v1::StreamRequest { message: Some(open) };
        requests.try_send(first).map_err(|_full| Error::InputOver)?;

        let mut service = StreamServiceClient::new(client.channel.clone())
            .max_decoding_message_size(ANSWER_BYTES_MAX);
        let mut stream = service.stream(ReceiverStream::new(waiting)).await?.into_inner();
        let opened = match stream.message().await?.and_then(|answer| answer.message) {
            Some(stream_response::Message::Opened(opened)) => opened,
            Some(stream_response::Message::Error(error)) => {
                return Err(Error::Refused(error.into()));
            }
            Some(_) => return Err(Error::Contract("the first answer isn't `opened`".into())),
            None => {
                return Err(Error::Broken("it closed the stream instead of opening".into()));
            }
        };

        let accepted = opened.accepted;
        let amount = already_sent(client, &opened).await?;
        let acknowledgement =
            v1::Acknowledgement { accepted, credit: opened.credit, ..Default::default() };
        let tables = Arc::new(Tables::new(opened));
        let clock = tables.clock();
        let standing = Standing { acknowledgement, over: false };
        let (heard, standing) = watch::channel(standing);
        let latencies = options.measure_latency.then(|| Arc::new(Latencies::new(clock)));
        let sending = Sending {
            requests,
            gate: Gate { standing, clock },
            gather: Gather::new(options.gather_events()),
            patience: options.gathering.patience(),
            latencies: latencies.clone(),
            sent: Sent { amount, sequence: accepted, promise_us: None },
            promise_us: None,
            latest_us: None,
            ready: None,
            deadline: None,
        };
        Ok(Self {
            producer: Producer::new(sending),
            output: Output::new(stream, tables, heard, latencies),
        })
    }

    /// The two halves, for two tasks.
    #[must_use]
    pub fn split(self) -> (Producer, Output) {
        (self.producer, self.output)
    }

    /// The session's ports and clock.
    #[must_use]
    pub fn tables(&self) -> &Arc<Tables> {
        self.output.tables()
    }

    /// The producing half.
    pub fn producer(&mut self) -> &mut Producer {
        &mut self.producer
    }

    /// The reading half.
    pub fn output(&mut self) -> &mut Output {
        &mut self.output
    }
}

/// What a session's producer has sent before this stream, which its credit counts in. Exact for the
/// packed layouts; of a sensor's own words only the events that they held are known.
async fn already_sent(client: &Client, opened: &v1::Opened) -> Result<Amount, Error> {
    if opened.accepted == 0 {
        return Ok(Amount::default());
    }
    let sessions = client.list_sessions().await?;
    let session = sessions.into_iter().find(|session| session.session_id == opened.session_id);
    let position = session.and_then(|session| session.position).unwrap_or_default();
    let drops = position.drops.unwrap_or_default();
    let events = position.events_accepted + drops.late + drops.outside + drops.multiplicity;
    Ok(Amount { events, bytes: events.saturating_mul(EVENT_BYTES as u64) })
}
