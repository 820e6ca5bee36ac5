//! A daemon on a thread of its own, made-up networks and events, and a client that writes down
//! everything it is told.

use std::{net::SocketAddr, path::Path, thread};

pub(crate) use spiked_fuzz::Random;
use spiked_proto::{
    layout::address,
    v1::{
        self, network_service_client::NetworkServiceClient,
        session_service_client::SessionServiceClient, stream_request::Message as Request,
        stream_response::Message as Response, stream_service_client::StreamServiceClient,
    },
};
use spiked_server::{Config, Daemon, Limits};
use tokio::sync::{mpsc, oneshot};
use tokio_stream::wrappers::UnboundedReceiverStream;
use tonic::{
    Status, Streaming,
    transport::{Channel, Endpoint},
};

/// Length of a tick of the made-up networks \[ns\].
pub(crate) const TICK_NS: u64 = 100_000;
/// Channels of the network "touch".
pub(crate) const CHANNELS: u32 = 64;

/// A daemon that ends with the test.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Server {
    /// The same with a data folder, and other limits.
    pub(crate) async fn on(data: &Path, change: impl FnOnce(&mut Limits)) -> Self {
        Self::configured(|config| {
            config.data = Some(data.to_owned());
            change(&mut config.limits);
        })
        .await
    }

    /// A daemon with the made-up networks "touch" and "eye".
    pub(crate) async fn start() -> Self {
        Self::with(|_| ()).await
    }

    /// The same with a folder of networks.
    pub(crate) async fn beside(networks: &Path) -> Self {
        Self::configured(|config| config.networks = Some(networks.to_owned())).await
    }

    /// The same with other limits.
    pub(crate) async fn with(change: impl FnOnce(&mut Limits)) -> Self {
        Self::configured(|config| change(&mut config.limits)).await
    }

    pub(crate) async fn configured(change: impl FnOnce(&mut Config)) -> Self {
        let mut config = Config {
            listen: "127.0.0.1:0".parse().unwrap(),
            simulation_threads: 2,
            ..Config::default()
        };
        change(&mut config);
        let (started, address) = oneshot::channel();
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let daemon = Daemon::bind(config).await.unwrap();
                started.send(daemon.local_address().tcp().unwrap()).unwrap();
                daemon.serve(async { drop(stopped.await) }).await.unwrap();
            });
        });
        let address = address.await.unwrap();
        let server = Self { address, stop: Some(stop), thread: Some(thread) };
        let mut networks = NetworkServiceClient::new(server.channel().await);
        for network in [touch(), eye()] {
            let request = v1::LoadNetworkRequest { network: Some(network), ..Default::default() };
            networks.load_network(request).await.unwrap();
        }
        server
    }

    pub(crate) async fn channel(&self) -> Channel {
        let endpoint = Endpoint::from_shared(format!("http://{}", self.address)).unwrap();
        endpoint.connect().await.unwrap()
    }

    pub(crate) async fn sessions(&self) -> SessionServiceClient<Channel> {
        SessionServiceClient::new(self.channel().await)
    }

    pub(crate) async fn networks(&self) -> NetworkServiceClient<Channel> {
        NetworkServiceClient::new(self.channel().await)
    }

    /// Opens a stream; the first answer is `opened`.
    pub(crate) async fn open(&self, open: v1::Open) -> Result<Producer, Status> {
        let (requests, receiver) = mpsc::unbounded_channel();
        let producer = Sender(requests);
        producer.send(Request::Open(open));
        let mut client = StreamServiceClient::new(self.channel().await);
        let responses = client.stream(UnboundedReceiverStream::new(receiver)).await?.into_inner();
        let mut producer = Producer { sender: producer, responses, record: Record::default() };
        let first = producer.next().await;
        assert!(matches!(first, Some(Response::Opened(_))), "{first:?}");
        Ok(producer)
    }

    /// Feeds a session from open to end and writes down what comes back.
    pub(crate) async fn run(&self, open: v1::Open, batches: Vec<v1::EventBatch>) -> Record {
        let producer = self.open(open).await.unwrap();
        for batch in batches {
            producer.send(Request::Events(batch));
        }
        producer.send(Request::End(v1::EndOfInput {}));
        producer.finish().await
    }

    /// Asks the daemon to end, without waiting for it.
    pub(crate) fn stop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
    }

    /// Waits until the daemon has ended, while clients may see it go.
    pub(crate) async fn join(&mut self) {
        if let Some(thread) = self.thread.take() {
            let joined = tokio::task::spawn_blocking(|| thread.join().unwrap());
            joined.await.unwrap();
        }
    }

    /// A small recording runs as it should: the daemon is well.
    pub(crate) async fn assert_well(&self) {
        let record = self.run(open("touch"), vec![batch(1, 0, &[(0, 3)])]).await;
        assert_eq!(record.spikes.len(), 1, "{record:?}");
        assert_eq!(record.reason(), v1::EndReason::Completed);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

struct Sender(mpsc::UnboundedSender<v1::StreamRequest>);

impl Sender {
    fn send(&self, message: Request) {
        // A stream that the daemon has ended takes nothing more.
        let _ = self.0.send(v1::StreamRequest { message: Some(message) });
    }
}

/// One producer's stream.
pub(crate) struct Producer {
    sender: Sender,
    responses: Streaming<v1::StreamResponse>,
    pub(crate) record: Record,
}

/// All that a session said.
#[derive(Clone, Debug, Default)]
pub(crate) struct Record {
    pub(crate) opened: Option<v1::Opened>,
    /// (position, tick, port, address, multiplicity)
    pub(crate) spikes: Vec<(u64, u64, u32, u32, u32)>,
    pub(crate) decisions: Vec<v1::Decision>,
    pub(crate) errors: Vec<v1::Error>,
    pub(crate) acknowledgement: Option<v1::Acknowledgement>,
    pub(crate) ended: Option<v1::Ended>,
}

impl Producer {
    pub(crate) fn send(&self, message: Request) {
        self.sender.send(message);
    }

    /// The next answer, written down.
    pub(crate) async fn next(&mut self) -> Option<Response> {
        let message = self.responses.message().await.unwrap()?.message.unwrap();
        self.record.note(&message);
        Some(message)
    }

    /// Reads until an acknowledgement satisfies a condition.
    pub(crate) async fn acknowledged(&mut self, enough: impl Fn(&v1::Acknowledgement) -> bool) {
        while !self.record.acknowledgement.as_ref().is_some_and(&enough) {
            assert!(self.next().await.is_some(), "the stream ended early: {:?}", self.record);
        }
    }

    /// Reads to the end.
    pub(crate) async fn finish(mut self) -> Record {
        while self.next().await.is_some() {}
        self.record
    }
}

impl Record {
    fn note(&mut self, message: &Response) {
        match message {
            Response::Opened(opened) => self.opened = Some(opened.clone()),
            Response::Acknowledgement(acknowledgement) => {
                self.acknowledgement = Some(*acknowledgement);
            }
            Response::Spikes(batch) => self.spikes.extend(spikes(batch)),
            Response::Decision(decision) => self.decisions.push(*decision),
            Response::Value(_) => panic!("nothing makes values"),
            Response::Error(error) => self.errors.push(error.clone()),
            Response::Ended(ended) => self.ended = Some(ended.clone()),
        }
    }

    pub(crate) fn reason(&self) -> v1::EndReason {
        self.ended.as_ref().expect("the session ended").reason()
    }

    pub(crate) fn last(&self) -> &v1::Acknowledgement {
        self.ended.as_ref().and_then(|ended| ended.r#final.as_ref()).expect("a final position")
    }
}

/// (position, tick, port, address, multiplicity) of a batch of spikes.
pub(crate) fn spikes(batch: &v1::SpikeBatch) -> Vec<(u64, u64, u32, u32, u32)> {
    let ticks = |time_us: u64| batch.base_tick + time_us * 1_000 / TICK_NS;
    let (payload, count) = (&batch.payload, batch.count.into());
    let read: Vec<_> = match batch.layout() {
        v1::Layout::Address => {
            let events = address::decode(payload, 0, count).unwrap();
            events.map(|event| (ticks(event.time), event.index, 1)).collect()
        }
        v1::Layout::CountedAddress => {
            let events = address::decode_counted(payload, 0, count).unwrap().map(Result::unwrap);
            events.map(|e| (ticks(e.time), e.index, u32::from(e.multiplicity))).collect()
        }
        other => panic!("ticks of {TICK_NS} ns are whole microseconds: {other:?}"),
    };
    let numbered = (batch.first_position..).zip(read);
    numbered.map(|(at, (tick, index, count))| (at, tick, batch.port, index, count)).collect()
}

/// An `open` with nothing chosen but the network.
pub(crate) fn open(network: &str) -> v1::Open {
    v1::Open { network: network.into(), ..v1::Open::default() }
}

/// A batch of (time, address) for port 0, times from `base_us` on.
pub(crate) fn batch(sequence: u64, base_us: u64, events: &[(u64, u32)]) -> v1::EventBatch {
    let mut payload = Vec::new();
    let events: Vec<_> =
        events.iter().map(|&(time, index)| address::AddressEvent { time, index }).collect();
    address::encode(&events, base_us, &mut payload).unwrap();
    v1::EventBatch {
        sequence,
        base_time_us: base_us,
        layout: v1::Layout::Address.into(),
        count: u32::try_from(events.len()).unwrap(),
        payload: payload.into(),
        ..v1::EventBatch::default()
    }
}

fn vote() -> v1::Readout {
    v1::Readout {
        name: "where".into(),
        source: "second".into(),
        rule: Some(v1::readout::Rule::Vote(v1::Vote {
            window_ticks: 200,
            every_ticks: 50,
            labels: Vec::new(),
        })),
    }
}

/// Channels that excite leaky neurons, which excite others and hold a vote.
pub(crate) fn touch() -> v1::Network {
    let shape = vec![v1::Extent { extent: Some(v1::extent::Extent::Size(CHANNELS)) }];
    let lif = |threshold_mv, drive_mv| {
        v1::population::Neuron::Lif(v1::Lif {
            tau_ms: 10.0,
            threshold_mv,
            drive_mv,
            ..v1::Lif::default()
        })
    };
    let population = |name: &str, neuron| v1::Population {
        name: name.into(),
        shape: shape.clone(),
        neuron: Some(neuron),
        ..v1::Population::default()
    };
    let projection = |name: &str, source: &str, target: &str, weight, delay_ticks| {
        let one_to_one = v1::OneToOne { weight, delay_ticks };
        v1::Projection {
            name: name.into(),
            source: source.into(),
            target: target.into(),
            connectivity: Some(v1::projection::Connectivity::OneToOne(one_to_one)),
            ..v1::Projection::default()
        }
    };
    let channels = v1::Channels { shape: vec![CHANNELS] };
    v1::Network {
        name: "touch".into(),
        tick_ns: TICK_NS,
        inputs: vec![v1::InputPort {
            name: "skin".into(),
            shape: Some(v1::input_port::Shape::Channels(channels)),
            max_multiplicity: 1_000,
            ..v1::InputPort::default()
        }],
        populations: vec![population("first", lif(0.9, 0.0)), population("second", lif(1.5, 0.5))],
        projections: vec![
            projection("in", "skin", "first", 1.0, 3),
            projection("on", "first", "second", 0.75, 700),
        ],
        readouts: vec![vote()],
        outputs: vec![
            v1::OutputPort {
                name: "spikes".into(),
                sources: vec!["first".into(), "second".into()],
            },
            v1::OutputPort { name: "place".into(), sources: vec!["where".into()] },
        ],
        ..v1::Network::default()
    }
}

/// A camera of any size before one accumulator a pixel and polarity.
pub(crate) fn eye() -> v1::Network {
    let of = |of: &str| v1::Extent { extent: Some(v1::extent::Extent::Of(of.into())) };
    let two = v1::Extent { extent: Some(v1::extent::Extent::Size(2)) };
    v1::Network {
        name: "eye".into(),
        tick_ns: TICK_NS,
        inputs: vec![v1::InputPort {
            name: "camera".into(),
            shape: Some(v1::input_port::Shape::Sensor(v1::Sensor { width: 0, height: 0 })),
            ..v1::InputPort::default()
        }],
        populations: vec![v1::Population {
            name: "pixels".into(),
            shape: vec![two, of("camera.height"), of("camera.width")],
            neuron: Some(v1::population::Neuron::Accumulator(v1::Accumulator {
                threshold: 1.0,
                ..v1::Accumulator::default()
            })),
            ..v1::Population::default()
        }],
        projections: vec![v1::Projection {
            name: "in".into(),
            source: "camera".into(),
            target: "pixels".into(),
            connectivity: Some(v1::projection::Connectivity::OneToOne(v1::OneToOne {
                weight: 1.0,
                delay_ticks: 1,
            })),
            ..v1::Projection::default()
        }],
        outputs: vec![v1::OutputPort { name: "spikes".into(), sources: vec!["pixels".into()] }],
        ..v1::Network::default()
    }
}
