//! Carries a session's two flows over connections that break.
//!
//! A task between the session's halves and the daemon. Batches are kept until the daemon has them
//! safe (durable where the session is, accepted elsewhere); output is counted by position. When the
//! stream breaks, the task connects again, shows the resume token, says what it still needs and
//! sends again what the daemon has not accepted. The halves notice nothing but a pause.

use std::{collections::VecDeque, time::Duration};

use tokio::{sync::mpsc, time::Instant};
use tonic::{Status, Streaming};

use crate::{
    Client, Error, counts,
    session::{Wire, open_wire},
    v1::{self, EndReason, stream_request, stream_response},
};

/// Messages of output between two reports of what was received, and their bytes.
const REPORT_MESSAGES: u32 = 64;
const REPORT_BYTES: usize = 256 << 10;
/// Pauses between attempts to connect again: from short to long.
const PAUSE_MIN: Duration = Duration::from_millis(20);
const PAUSE_MAX: Duration = Duration::from_secs(2);
/// How long the daemon is waited for to hear the last report.
const PARTING: Duration = Duration::from_secs(5);

/// What the halves are given, in place of a stream's answers.
pub(crate) type Answers = mpsc::Receiver<Result<v1::StreamResponse, Status>>;

/// The task's state.
pub(crate) struct Carrier {
    client: Client,
    open: v1::Open,
    wire: Wire,
    /// From the producing half.
    requests: mpsc::Receiver<v1::StreamRequest>,
    /// To the reading half.
    answers: mpsc::Sender<Result<v1::StreamResponse, Status>>,
    /// Sent and not known to be safe.
    kept: VecDeque<v1::EventBatch>,
    /// The highest promise given.
    promise_us: Option<u64>,
    /// The end of input was said.
    ended: bool,
    /// The producing half is there no longer.
    abandoned: bool,
    durable: bool,
    /// Batches that the daemon called safe.
    safe: u64,
    /// The next output position.
    next_output: u64,
    since_report: (u32, usize),
    /// How long to try to connect again.
    patience: Duration,
}

/// What a turn of the loop saw.
enum Event {
    Request(Option<v1::StreamRequest>),
    Answer(Result<Option<v1::StreamResponse>, Status>),
}

impl Carrier {
    /// Starts to carry; gives the ends for the session's halves.
    pub(crate) fn start(
        client: Client,
        open: v1::Open,
        wire: Wire,
        requests: mpsc::Receiver<v1::StreamRequest>,
        patience: Duration,
    ) -> Answers {
        let (answers, heard) = mpsc::channel(16);
        let durable =
            !matches!(open.durability(), v1::Durability::Unspecified | v1::Durability::None);
        let opened = &wire.opened;
        let open = v1::Open {
            session_id: opened.session_id.clone(),
            resume_token: opened.resume_token.clone(),
            producer: opened.producer.clone(),
            ..open
        };
        let next_output = opened.output_position;
        let carrier = Self {
            client,
            open,
            wire,
            requests,
            answers,
            kept: VecDeque::new(),
            promise_us: None,
            ended: false,
            abandoned: false,
            durable,
            safe: 0,
            next_output,
            since_report: (0, 0),
            patience,
        };
        tokio::spawn(carrier.run());
        heard
    }

    async fn run(mut self) {
        // The daemon keeps output for those who report, from their first report on.
        self.report();
        loop {
            let event = tokio::select! {
                answer = self.wire.stream.message() => Event::Answer(answer),
                request = self.requests.recv(), if !self.ended && !self.abandoned => Event::Request(request),
            };
            let goes_on = match event {
                Event::Request(Some(request)) => self.send(request).await,
                Event::Request(None) => self.abandon(),
                Event::Answer(Ok(Some(answer))) => self.take(answer).await,
                Event::Answer(Ok(None)) => self.resume("it closed without an end").await,
                Event::Answer(Err(status)) => self.resume(status.message()).await,
            };
            if !goes_on {
                return;
            }
        }
    }

    /// The producing half was dropped without an end: what it sent is still carried, and the end
    /// is nobody's to say.
    fn abandon(&mut self) -> bool {
        self.abandoned = true;
        true
    }

    /// Sends on what the producing half gave, and keeps it.
    async fn send(&mut self, request: v1::StreamRequest) -> bool {
        match &request.message {
            Some(stream_request::Message::Events(batch)) => {
                self.promise_us = self.promise_us.max(batch.promise_us);
                self.kept.push_back(batch.clone());
            }
            Some(stream_request::Message::Heartbeat(heartbeat)) => {
                self.promise_us = self.promise_us.max(Some(heartbeat.promise_us));
            }
            Some(stream_request::Message::End(_)) => self.ended = true,
            _ => {}
        }
        // A stream that takes nothing has broken, which its answers will say; nothing is lost.
        let _ = self.wire.requests.send(request).await;
        if self.owes_report() {
            self.report();
        }
        true
    }

    /// Notes where everything stands, and passes the answer on. False when it was the last.
    async fn take(&mut self, answer: v1::StreamResponse) -> bool {
        use stream_response::Message;
        let mut last = false;
        match &answer.message {
            Some(Message::Acknowledgement(position)) => self.forget(position),
            Some(Message::Ended(ended)) => {
                if ended.reason() == EndReason::Saved {
                    return self.resume("the daemon saved the session and went").await;
                }
                last = true;
            }
            Some(message) => match counts::behind(message) {
                Ok(Some((next_output, bytes))) => self.count(next_output, bytes),
                Ok(None) => {}
                Err(error) => {
                    let _ = self.answers.send(Err(Status::internal(error.to_string()))).await;
                    return false;
                }
            },
            None => {}
        }
        if last {
            self.part().await;
        }
        let taken = self.answers.send(Ok(answer)).await.is_ok();
        if taken && self.owes_report() {
            self.report();
        }
        taken && !last
    }

    /// Reports that all was received, and waits until the daemon has heard it: then it closes.
    async fn part(&mut self) {
        let parting = async {
            while !self.is_heard().await {
                match self.reopen().await {
                    Ok(wire) => self.wire = wire,
                    // Nobody there knows the session any more.
                    Err(Error::Refused(refusal)) if !is_passing(&refusal) => return,
                    Err(_) => tokio::time::sleep(PAUSE_MIN).await,
                }
            }
        };
        // Beyond, the daemon keeps the session for its lease; nothing is lost.
        let _ = tokio::time::timeout(PARTING, parting).await;
    }

    /// Whether the daemon heard the last report, and closed.
    async fn is_heard(&mut self) -> bool {
        // A stream that has broken says so when it is read.
        let _ = self.wire.requests.send(self.received()).await;
        loop {
            match self.wire.stream.message().await {
                Ok(Some(_)) => {}
                Ok(None) => return true,
                Err(_) => return false,
            }
        }
    }

    fn received(&self) -> v1::StreamRequest {
        let received = v1::Received { output_position: self.next_output };
        v1::StreamRequest { message: Some(stream_request::Message::Received(received)) }
    }

    fn count(&mut self, next_output: u64, bytes: usize) {
        self.next_output = next_output;
        self.since_report.0 += 1;
        self.since_report.1 += bytes;
    }

    fn owes_report(&self) -> bool {
        let (messages, bytes) = self.since_report;
        messages >= REPORT_MESSAGES || bytes >= REPORT_BYTES
    }

    fn report(&mut self) {
        // One that finds no room is said with the next answer or request.
        if self.wire.requests.try_send(self.received()).is_ok() {
            self.since_report = (0, 0);
        }
    }

    /// Forgets the batches that are safe.
    fn forget(&mut self, position: &v1::Acknowledgement) {
        let safe = if self.durable { position.durable } else { position.accepted };
        self.safe = self.safe.max(safe);
        while self.kept.front().is_some_and(|batch| batch.sequence <= safe) {
            self.kept.pop_front();
        }
    }

    /// Connects again and goes on where it was. False when that could not be done in time.
    async fn resume(&mut self, why: &str) -> bool {
        let broken = |why: &str| Err(Status::unknown(why.to_owned()));
        let until = Instant::now() + self.patience;
        let mut pause = PAUSE_MIN;
        let mut last = why.to_owned();
        while Instant::now() < until {
            match self.reopen().await {
                Ok(wire) => {
                    self.wire = wire;
                    self.report();
                    return self.send_again().await;
                }
                // The daemon knows the session no longer, or gives it to somebody else.
                Err(Error::Refused(refusal)) if !is_passing(&refusal) => {
                    let message = format!("{} ({})", refusal.message, refusal.reason.as_str_name());
                    let _ = self.answers.send(Err(Status::failed_precondition(message))).await;
                    return false;
                }
                Err(error) => last = error.to_string(),
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(PAUSE_MAX);
        }
        let _ = self.answers.send(broken(&last)).await;
        false
    }

    async fn reopen(&self) -> Result<Wire, Error> {
        let client = self.client.reconnect_to(self.wire.daemon.as_ref()).await?;
        let open = v1::Open { output_from: Some(self.next_output), ..self.open.clone() };
        open_wire(&client, open).await
    }

    /// Sends again what the daemon has not accepted.
    async fn send_again(&mut self) -> bool {
        use stream_request::Message;
        let accepted = self.wire.opened.accepted;
        if accepted < self.safe {
            let lost = format!("batch {} was safe, and only {accepted} are there", self.safe);
            let _ = self.answers.send(Err(Status::data_loss(lost))).await;
            return false;
        }
        let safe = if self.durable { self.wire.opened.durable } else { accepted };
        while self.kept.front().is_some_and(|batch| batch.sequence <= safe) {
            self.kept.pop_front();
        }
        let again = self.kept.iter().filter(|batch| batch.sequence > accepted);
        let mut messages: Vec<_> = again.cloned().map(Message::Events).collect();
        let heartbeat = self.promise_us.map(|promise_us| v1::Heartbeat { promise_us });
        messages.extend(heartbeat.map(Message::Heartbeat));
        messages.extend(self.ended.then_some(Message::End(v1::EndOfInput {})));
        for message in messages {
            let request = v1::StreamRequest { message: Some(message) };
            if self.wire.requests.send(request).await.is_err() {
                // Broken again: the next answer says so.
                break;
            }
        }
        true
    }
}

/// A refusal that may be gone at the next attempt.
fn is_passing(refusal: &crate::Refusal) -> bool {
    use v1::Reason;
    matches!(
        refusal.reason,
        Reason::ShuttingDown | Reason::Limit | Reason::Quota | Reason::OtherDaemon
    )
}

/// A stream's answers, carried or not.
#[derive(Debug)]
pub(crate) enum Source {
    Direct(Box<Streaming<v1::StreamResponse>>),
    Carried(Answers),
}

impl futures::Stream for Source {
    type Item = Result<v1::StreamResponse, Status>;

    fn poll_next(
        self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        match self.get_mut() {
            Self::Direct(stream) => std::pin::Pin::new(stream.as_mut()).poll_next(context),
            Self::Carried(answers) => answers.poll_recv(context),
        }
    }
}
