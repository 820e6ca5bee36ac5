//! The motif benchmark once through a daemon process: a network and its arrays are uploaded, spikes
//! stream in, and what comes back is held against a plain sum.

use bytes::Bytes;
use spiked_client::{AddressEvent, Client, Item, OpenOptions, v1};
use spiked_sensors::motif::{DELAYS, INPUTS, MOTIFS, Motifs, Trial};

use crate::process::Daemon;

const TICKS: usize = 1_024;
const NETWORKS: u64 = 10;
const TRIALS: u64 = 8;
/// Fixed on networks 100 to 103, where it finds as many motifs as were planted; the core's own
/// tests compute it.
const THRESHOLD: f64 = 34.316_894_531_25;

/// One accumulator a motif, with the arrays that belong to it.
async fn upload(client: &Client, name: &str, motifs: &Motifs) {
    let kernel = motifs.detector_kernel();
    let bytes: Vec<u8> = kernel.iter().flat_map(|weight| weight.to_le_bytes()).collect();
    let sha256 = client.upload_blob(Bytes::from(bytes)).await.expect("uploaded");
    let [motifs, inputs, delays] =
        [MOTIFS, INPUTS, DELAYS].map(|size| u32::try_from(size).expect("small"));
    let kernel = v1::ArrayRef {
        sha256,
        element_type: v1::ElementType::F64.into(),
        shape: vec![motifs, inputs, delays, 1, 1],
    };
    let convolution = v1::Convolution {
        kernel: Some(kernel),
        kind: v1::ConvolutionKind::Convolution.into(),
        border: v1::Border::Zero.into(),
        ..v1::Convolution::default()
    };
    let extent = |size| v1::Extent { extent: Some(v1::extent::Extent::Size(size)) };
    let neuron = v1::Accumulator { threshold: THRESHOLD, ..v1::Accumulator::default() };
    let network = v1::Network {
        name: name.into(),
        inputs: vec![v1::InputPort {
            name: "inputs".into(),
            shape: Some(v1::input_port::Shape::Channels(v1::Channels {
                shape: vec![inputs, 1, 1],
            })),
            ..v1::InputPort::default()
        }],
        populations: vec![v1::Population {
            name: "found".into(),
            shape: [motifs, 1, 1].map(extent).into(),
            neuron: Some(v1::population::Neuron::Accumulator(neuron)),
            ..v1::Population::default()
        }],
        projections: vec![v1::Projection {
            name: "detect".into(),
            source: "inputs".into(),
            target: "found".into(),
            connectivity: Some(v1::projection::Connectivity::Convolution(convolution)),
            ..v1::Projection::default()
        }],
        outputs: vec![v1::OutputPort { name: "spikes".into(), sources: vec!["found".into()] }],
        ..v1::Network::default()
    };
    client.load_network(network, "").await.expect("a network that can run");
}

/// (motif, onset) of every spike that comes back.
async fn finds(client: &Client, network: &str, trial: &Trial) -> Vec<(usize, usize)> {
    let session = client.open(OpenOptions::new(network)).await.expect("opened");
    let (mut producer, mut output) = session.split();
    let mut events: Vec<AddressEvent> =
        trial.spikes.iter().map(|&(time, index)| AddressEvent { time, index }).collect();
    events.sort_unstable_by_key(|event| event.time);
    let feeding = async move {
        producer.send(0, &events).await.expect("sent");
        producer.finish().await.expect("finished");
    };
    let reading = async {
        let mut finds = Vec::new();
        while let Some(item) = output.next().await {
            match item.expect("no refusal") {
                Item::Spikes(spikes) => finds.extend(spikes.iter().filter_map(|spike| {
                    let tick = usize::try_from(spike.tick).expect("few ticks");
                    let onset = tick.checked_sub(DELAYS - 1)?;
                    (onset < TICKS).then_some((spike.address as usize, onset))
                })),
                Item::Error(refusal) => panic!("{refusal}"),
                _ => {}
            }
        }
        finds.sort_unstable();
        finds
    };
    tokio::join!(feeding, reading).1
}

/// (motif, onset) wherever the plain sum reaches the threshold.
fn expected(motifs: &Motifs, trial: &Trial) -> Vec<(usize, usize)> {
    let mut evidence = vec![0.0; MOTIFS * TICKS];
    for &(tick, input) in &trial.spikes {
        let tick = usize::try_from(tick).expect("few ticks");
        for motif in 0..MOTIFS {
            for d in 0..DELAYS.min(tick + 1) {
                if tick - d < TICKS {
                    let weight = motifs.kernel()[(motif * INPUTS + input as usize) * DELAYS + d];
                    evidence[motif * TICKS + tick - d] += weight;
                }
            }
        }
    }
    let reached = evidence.into_iter().enumerate().filter(|(_, value)| *value >= THRESHOLD);
    reached.map(|(at, _)| (at / TICKS, at % TICKS)).collect()
}

/// Seen to fail with the plain sum's delays one tick shorter, and with a lower threshold.
#[tokio::test]
async fn motifs_are_found_through_a_daemon_exactly_as_a_plain_sum_finds_them() {
    let daemon = Daemon::start();
    let client = Client::connect(&daemon.address).await.expect("connected");
    let (mut planted, mut right, mut wrong) = (0, 0, 0);
    for network in 0..NETWORKS {
        let (name, motifs) = (format!("motifs-{network}"), Motifs::new(network));
        upload(&client, &name, &motifs).await;
        for number in 0..TRIALS {
            let trial = motifs.trial(1_000 * (network + 1) + number, TICKS);
            let finds = finds(&client, &name, &trial).await;
            assert_eq!(finds, expected(&motifs, &trial), "network {network}, trial {number}");
            let is_planted = |find: &&(usize, usize)| trial.planted.binary_search(find).is_ok();
            let count = finds.iter().filter(is_planted).count();
            planted += trial.planted.len();
            right += count;
            wrong += finds.len() - count;
        }
    }
    assert!(right * 100 >= planted * 93, "{right} of {planted} found");
    assert!(wrong * 100 <= planted * 12, "{wrong} false finds for {planted} motifs");
}
