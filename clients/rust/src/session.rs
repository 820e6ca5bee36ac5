//! An open session: the first exchange on a stream, and its two halves.

use std::sync::Arc;

use tokio::sync::{mpsc, watch};
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Channel;

use crate::{
    Error, Latencies, OpenOptions, Output, Producer, Tables,
    client::ANSWER_BYTES_MAX,
    credit::{Gate, Sent, Standing},
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
    pub(crate) async fn open(channel: Channel, options: &OpenOptions) -> Result<Self, Error> {
        let (requests, waiting) = mpsc::channel(REQUESTS_WAITING_MAX);
        let open = stream_request::Message::Open(options.to_open());
        let first = v1::StreamRequest {
            message: Some(open),
        };
        requests.try_send(first).map_err(|_full| Error::InputOver)?;

        let mut service =
            StreamServiceClient::new(channel).max_decoding_message_size(ANSWER_BYTES_MAX);
        let mut stream = service
            .stream(ReceiverStream::new(waiting))
            .await?
            .into_inner();
        let opened = match stream.message().await?.and_then(|answer| answer.message) {
            Some(stream_response::Message::Opened(opened)) => opened,
            Some(stream_response::Message::Error(error)) => {
                return Err(Error::Refused(error.into()));
            }
            Some(_) => return Err(Error::Contract("the first answer isn't `opened`".into())),
            None => {
                return Err(Error::Broken(
                    "it closed the stream instead of opening".into(),
                ));
            }
        };

        let accepted = opened.accepted;
        let acknowledgement = v1::Acknowledgement {
            accepted,
            credit: opened.credit,
            ..Default::default()
        };
        let tables = Arc::new(Tables::new(opened));
        let clock = tables.clock();
        let standing = Standing {
            acknowledgement,
            over: false,
        };
        let (heard, standing) = watch::channel(standing);
        let latencies = options
            .measure_latency
            .then(|| Arc::new(Latencies::new(clock)));
        let sending = Sending {
            requests,
            gate: Gate { standing, clock },
            gather: Gather::new(options.gather_events()),
            patience: options.gathering.patience(),
            latencies: latencies.clone(),
            sent: Sent {
                sequence: accepted,
                ..Sent::default()
            },
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
