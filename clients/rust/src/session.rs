//! An open session: the first exchange on a stream, and its two halves.

use std::sync::Arc;

use tokio::sync::{mpsc, watch};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{
    Streaming,
    metadata::{Ascii, MetadataValue},
};

use crate::{
    Client, Error, Latencies, OpenOptions, Output, Producer, Tables,
    bearer::DAEMON,
    carrier::{Carrier, Source},
    client::ANSWER_BYTES_MAX,
    counts,
    credit::{Amount, Gate, Sent, Standing},
    gather::Gather,
    sending::Sending,
    v1::{self, stream_request, stream_service_client::StreamServiceClient},
};

/// Messages between the producer and the connection. Few: what waits here has been sent as far as
/// latencies are concerned.
const REQUESTS_WAITING_MAX: usize = 4;

/// An open session.
#[derive(Debug)]
pub struct Session {
    producer: Producer,
    output: Output,
    daemon: Option<String>,
    room: v1::Credit,
}

impl Session {
    /// Opens or rejoins a session on a stream of its own.
    pub(crate) async fn open(client: &Client, options: &OpenOptions) -> Result<Self, Error> {
        let wire = open_wire(client, options.to_open()).await?;
        let opened = wire.opened.clone();
        let daemon = wire.daemon.as_ref().and_then(|name| name.to_str().ok()).map(str::to_owned);
        let (requests, source) = match options.patience {
            None => (wire.requests, Source::Direct(Box::new(wire.stream))),
            Some(patience) => {
                let (requests, waiting) = mpsc::channel(REQUESTS_WAITING_MAX);
                let open = options.to_open();
                let answers = Carrier::start(client.clone(), open, wire, waiting, patience);
                (requests, Source::Carried(answers))
            }
        };
        let accepted = opened.accepted;
        let used = opened.used.unwrap_or_default();
        let amount = Amount { events: used.events, bytes: used.bytes };
        let granted = opened.credit.unwrap_or_default();
        let room = v1::Credit {
            events: granted.events.saturating_sub(amount.events),
            bytes: granted.bytes.saturating_sub(amount.bytes),
        };
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
            output: Output::new(source, tables, heard, latencies),
            daemon,
            room,
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

    /// Which of several daemons behind one address has the session, where it has a name: what comes
    /// back to the session has to ask for it ([`ConnectOptions::with_daemon`]). With
    /// [patience](OpenOptions::with_patience) the session does that by itself.
    ///
    /// [`ConnectOptions::with_daemon`]: crate::ConnectOptions::with_daemon
    #[must_use]
    pub fn daemon(&self) -> Option<&str> {
        self.daemon.as_deref()
    }

    /// How much the daemon let in at the opening. In a session that begins, a larger batch is never let
    /// in, unless its tenant's [rate] is what leaves so little.
    ///
    /// [rate]: v1::Acknowledgement::rate_limited
    #[must_use]
    pub fn room(&self) -> v1::Credit {
        self.room
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

/// An open stream.
pub(crate) struct Wire {
    pub(crate) requests: mpsc::Sender<v1::StreamRequest>,
    pub(crate) stream: Streaming<v1::StreamResponse>,
    pub(crate) opened: v1::Opened,
    /// Which of several daemons answers, if it has a name.
    pub(crate) daemon: Option<MetadataValue<Ascii>>,
}

/// The first exchange on a stream.
pub(crate) async fn open_wire(client: &Client, open: v1::Open) -> Result<Wire, Error> {
    let (requests, waiting) = mpsc::channel(REQUESTS_WAITING_MAX);
    let first = v1::StreamRequest { message: Some(stream_request::Message::Open(open)) };
    requests.try_send(first).map_err(|_full| Error::InputOver)?;
    let mut service = StreamServiceClient::new(client.channel.clone())
        .max_decoding_message_size(ANSWER_BYTES_MAX);
    let answer = service.stream(ReceiverStream::new(waiting)).await?;
    let daemon = answer.metadata().get(DAEMON).cloned();
    let mut stream = answer.into_inner();
    let opened = counts::opened(stream.message().await?)?;
    Ok(Wire { requests, stream, opened, daemon })
}
