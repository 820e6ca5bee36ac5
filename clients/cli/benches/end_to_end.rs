//! End to end over loopback: from events in the client's memory to `simulated_to`, through a
//! daemon process of its own.
//!
//! A 320 x 240 camera is pooled to 64 accumulators, one synaptic event an event; the counts are
//! checked at the end. One JSON line a benchmark: events a second of wall time, processor seconds
//! of both sides beside it.

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
    time::Instant,
};

use bytes::Bytes;
use spiked_client::{CameraEvent, Client, Item, OpenOptions, v1};

const EVENTS: usize = 8_000_000;
const EVENTS_PER_US: u64 = 8;
const RUNS: usize = 5;
const WIDTH: u16 = 320;
const HEIGHT: u16 = 240;

#[expect(clippy::print_stdout, reason = "the result")]
fn main() {
    let wanted: Vec<String> =
        std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    let name = "end_to_end_pooled";
    if !wanted.is_empty() && !wanted.iter().any(|part| name.contains(part)) {
        return;
    }
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let events = events();
    for batch in [1_024, 16_384] {
        let mut rates: Vec<f64> = (0..RUNS)
            .map(|_| {
                let daemon = Daemon::start();
                let seconds = runtime.block_on(stream(&daemon.address, &events, batch));
                events.len() as f64 / seconds
            })
            .collect();
        rates.sort_by(f64::total_cmp);
        println!(
            "{{\"bench\":\"{name}_{batch}\",\"unit\":\"events per second\",\"runs\":{RUNS},\
             \"min\":{:.4e},\"median\":{:.4e},\"max\":{:.4e}}}",
            rates[0],
            rates[RUNS / 2],
            rates[RUNS - 1]
        );
    }
}

struct Daemon {
    child: Child,
    address: String,
}

impl Daemon {
    fn start() -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_spiked"))
            .args(["serve", "--listen", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the daemon starts");
        let mut line = String::new();
        let stdout = child.stdout.as_mut().expect("a pipe");
        BufReader::new(stdout).read_line(&mut line).expect("a line");
        let address = line.trim().rsplit(' ').next().expect("an address").to_owned();
        Self { child, address }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Events all over the sensor, in order of time; no place comes twice in a tick, where two events
/// would be one delivery of multiplicity two.
fn events() -> Vec<CameraEvent> {
    let (width, height) = (u64::from(WIDTH), u64::from(HEIGHT));
    // Coprime with the number of places: every place comes once before any comes again.
    const STRIDE: u64 = 48_611;
    let narrow = |value: u64| u16::try_from(value).expect("on the sensor");
    (0..EVENTS as u64)
        .map(|number| {
            let address = number * STRIDE % (2 * width * height);
            CameraEvent {
                t_us: number / EVENTS_PER_US,
                x: narrow(address % width),
                y: narrow(address / width % height),
                on: address >= width * height,
            }
        })
        .collect()
}

/// Each pixel of either polarity onto the accumulator of its 40 x 30 block.
async fn load_pooled(client: &Client) {
    let addresses = 2 * u32::from(WIDTH) * u32::from(HEIGHT);
    let target = |address: u32| {
        let (row, x) = (address / u32::from(WIDTH), address % u32::from(WIDTH));
        row % u32::from(HEIGHT) / 30 * 8 + x / 40
    };
    let array = |values: Vec<u32>| async move {
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        let sha256 = client.upload_blob(Bytes::from(bytes)).await.expect("uploaded");
        let element_type = v1::ElementType::U32.into();
        Some(v1::ArrayRef { sha256, element_type, shape: vec![addresses] })
    };
    let ones: Vec<u8> = (0..addresses).flat_map(|_| 1.0_f32.to_le_bytes()).collect();
    let weights = v1::ArrayRef {
        sha256: client.upload_blob(Bytes::from(ones)).await.expect("uploaded"),
        element_type: v1::ElementType::F32.into(),
        shape: vec![addresses],
    };
    let synapses = v1::ExplicitSynapses {
        sources: array((0..addresses).collect()).await,
        targets: array((0..addresses).map(target).collect()).await,
        weights: Some(weights),
        delays_ticks: array(vec![1; addresses as usize]).await,
    };
    let neuron = v1::Accumulator { threshold: 1.0, ..v1::Accumulator::default() };
    let sensor = v1::Sensor { width: WIDTH.into(), height: HEIGHT.into() };
    let network = v1::Network {
        name: "pooled".into(),
        tick_ns: 1_000_000,
        inputs: vec![v1::InputPort {
            name: "camera".into(),
            shape: Some(v1::input_port::Shape::Sensor(sensor)),
            ..v1::InputPort::default()
        }],
        populations: vec![v1::Population {
            name: "blocks".into(),
            shape: vec![v1::Extent { extent: Some(v1::extent::Extent::Size(64)) }],
            neuron: Some(v1::population::Neuron::Accumulator(neuron)),
            ..v1::Population::default()
        }],
        projections: vec![v1::Projection {
            name: "pool".into(),
            source: "camera".into(),
            target: "blocks".into(),
            connectivity: Some(v1::projection::Connectivity::Explicit(synapses)),
            ..v1::Projection::default()
        }],
        outputs: vec![v1::OutputPort { name: "spikes".into(), sources: vec!["blocks".into()] }],
        ..v1::Network::default()
    };
    client.load_network(network, "").await.expect("a network that can run");
}

/// Seconds from the first event to the end of the session.
async fn stream(address: &str, events: &[CameraEvent], batch: usize) -> f64 {
    let client = Client::connect(address).await.expect("connected");
    load_pooled(&client).await;
    let options = OpenOptions::new("pooled");
    let (mut producer, mut output) = client.open(options).await.expect("opened").split();
    let start = Instant::now();
    let feeding = async move {
        for batch in events.chunks(batch) {
            let promise_us = batch.last().map(|event| event.t_us);
            producer.send_batch(0, batch, promise_us).await.expect("sent");
        }
        producer.finish().await.expect("finished");
    };
    let reading = async {
        let mut ended = None;
        while let Some(item) = output.next().await {
            if let Item::Ended(end) = item.expect("no refusal") {
                ended = Some((start.elapsed().as_secs_f64(), end));
            }
        }
        ended.expect("an end")
    };
    let ((), (seconds, ended)) = tokio::join!(feeding, reading);
    let last = ended.r#final.expect("a last acknowledgement");
    assert_eq!(last.events_accepted, events.len() as u64, "events accepted");
    assert_eq!(last.deliveries, events.len() as u64, "one synaptic event each");
    seconds
}
