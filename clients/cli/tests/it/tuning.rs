//! Weights and parameters of running sessions, from the command line and across a daemon that is
//! killed.

use std::{io::Write as _, path::Path, time::Duration};

use spiked_client::{Client, Durability, Error, Item, OpenOptions, Reason, v1};
use zip::{ZipWriter, write::SimpleFileOptions};

use crate::{
    killed::{NETWORK, WINDOW_US, events, serve},
    process::{Daemon, Told, tell},
};

const PHASES: u64 = 6;
const PHASE_BATCHES: u64 = 60;
const ID: &str = "tuned";

fn place_network(folder: &Path) {
    let networks = folder.join("networks/lively");
    std::fs::create_dir_all(&networks).expect("made");
    std::fs::write(networks.join("network.toml"), NETWORK).expect("written");
}

/// What is set behind a phase.
fn weights(phase: u64) -> v1::SetWeightsRequest {
    let sources: Vec<u32> = (0..64).filter(|source| u64::from(*source) % PHASES == phase).collect();
    let phase = u32::try_from(phase).expect("few");
    v1::SetWeightsRequest {
        session_id: ID.into(),
        projection: "in".into(),
        synapses: vec![0; sources.len()],
        weights: sources.iter().map(|source| f64::from(source * phase) / 2_000.0 - 0.15).collect(),
        sources,
        ..Default::default()
    }
}

fn parameters(phase: u64) -> v1::SetParametersRequest {
    let phase = u32::try_from(phase).expect("few");
    let change = v1::ParameterChange {
        name: "threshold".into(),
        neurons: (phase..256).step_by(7).collect(),
        values: vec![1.25 + f64::from(phase) / 8.0],
    };
    let population = "cells".into();
    v1::SetParametersRequest { session_id: ID.into(), population, changes: vec![change] }
}

/// Again and again, while the daemon is away.
async fn insist<T, F: Future<Output = Result<T, Error>>>(ask: impl Fn() -> F) -> T {
    loop {
        match ask().await {
            Ok(answer) => return answer,
            Err(Error::Refused(refusal)) if refusal.reason != Reason::SessionUnknown => {
                // A session that has just ended with its daemon.
                assert_eq!(refusal.reason, Reason::SessionConflict, "{refusal}");
            }
            Err(_) => {}
        }
        tokio::time::sleep(Duration::from_millis(3)).await;
    }
}

async fn accepted(client: &Client, batches: u64) {
    let enough = |sessions: &[v1::SessionInfo]| {
        let one = sessions.iter().find(|info| info.session_id == ID);
        one.and_then(|info| info.position).is_some_and(|position| position.accepted == batches)
    };
    while !enough(&insist(|| client.list_sessions()).await) {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// Everything that came out, and when each change took effect.
type Outcome = (Vec<(u64, u32)>, Vec<u64>);

/// Feeds a session phase by phase; behind each, something is set, and `then` happens.
async fn run(address: &str, durability: Durability, mut then: impl FnMut()) -> Outcome {
    let client = Client::connect(address).await.expect("connected");
    let options = OpenOptions { session_id: ID.into(), ..OpenOptions::new("lively") };
    let options = options.with_durability(durability).with_patience(Duration::from_secs(30));
    let (mut producer, mut output) = client.open(options).await.expect("opened").split();
    let reading = tokio::spawn(async move {
        let mut spikes = Vec::new();
        while let Some(item) = output.next().await {
            match item.expect("nothing that was safe is lost") {
                Item::Spikes(batch) => {
                    spikes.extend(batch.iter().map(|spike| (spike.tick, spike.address)));
                }
                Item::Error(refusal) => panic!("{refusal}"),
                _ => {}
            }
        }
        spikes
    });
    let mut ticks = Vec::new();
    for phase in 0..PHASES {
        for batch in phase * PHASE_BATCHES..(phase + 1) * PHASE_BATCHES {
            let promise_us = Some((batch + 1) * WINDOW_US);
            producer.send_batch(0, &events(batch), promise_us).await.expect("sent");
        }
        accepted(&client, (phase + 1) * PHASE_BATCHES).await;
        let (one, other) = (weights(phase), parameters(phase));
        ticks.push(insist(|| client.set_weights(one.clone())).await.at_tick);
        ticks.push(insist(|| client.set_parameters(other.clone())).await.at_tick);
        then();
    }
    producer.finish().await.expect("finished");
    (reading.await.expect("read"), ticks)
}

/// A daemon that is killed after each change that it called done.
#[tokio::test]
async fn what_was_set_survives_kill_9_bit_for_bit() {
    let folder = tempfile::tempdir().expect("a folder");
    place_network(folder.path());
    let (expected, ticks) = {
        let daemon = serve(&folder.path().join("calm"), folder.path());
        run(&daemon.address, Durability::None, || ()).await
    };
    let at = |phase| (phase + 1) * PHASE_BATCHES * WINDOW_US / 100;
    assert_eq!(ticks, (0..PHASES).flat_map(|phase| [at(phase); 2]).collect::<Vec<_>>());
    assert!(expected.len() > 1_000, "{} spikes prove little", expected.len());
    for durability in [Durability::Each, Durability::Interval, Durability::Never] {
        let folder = tempfile::tempdir().expect("a folder");
        place_network(folder.path());
        let socket = folder.path().join("socket");
        let mut daemon = serve(&socket, folder.path());
        let address = daemon.address.clone();
        let kill = || {
            daemon.kill();
            daemon = serve(&socket, folder.path());
        };
        let (spikes, found) = run(&address, durability, kill).await;
        assert_eq!(found, ticks, "{durability:?}");
        assert_eq!(spikes.len(), expected.len(), "{durability:?}");
        assert!(spikes == expected, "{durability:?}: the spikes differ");
    }
}

fn sessions(daemon: &Daemon, arguments: &[&str]) -> Told {
    let begin = ["sessions", "--address", &daemon.address];
    tell(begin.iter().chain(arguments))
}

#[tokio::test]
async fn weights_are_printed_changed_and_set() {
    let folder = tempfile::tempdir().expect("a folder");
    place_network(folder.path());
    let daemon = serve(&folder.path().join("socket"), folder.path());
    let client = Client::connect(&daemon.address).await.expect("connected");
    let options = OpenOptions { session_id: ID.into(), ..OpenOptions::new("lively") };
    client.open_session(&options).await.expect("opened");
    let printed = sessions(&daemon, &["weights", ID, "in"]).done().stdout;
    let mut lines = printed.lines();
    assert_eq!(lines.next(), Some("source,synapse,target,delay_ticks,weight"));
    assert_eq!(lines.clone().count(), 256 * 8, "eight onto each cell");
    let first = lines.next().expect("a synapse").to_owned();

    // As a person would: every weight halved, in the file that was printed.
    let file = folder.path().join("halved.csv");
    let halved: String = printed
        .lines()
        .map(|line| match line.rsplit_once(',') {
            Some((rest, weight)) if weight != "weight" => {
                let weight: f64 = weight.parse().expect("a number");
                format!("{rest},{}\n", weight / 2.0)
            }
            _ => format!("{line}\n"),
        })
        .collect();
    std::fs::write(&file, &halved).expect("written");
    let set = sessions(&daemon, &["weights", ID, "in", "--set", file.to_str().expect("plain")]);
    assert_eq!(set.done().stdout, "set 2048 weights of in, from tick 0 (0 us) on\n");
    let printed = sessions(&daemon, &["weights", ID, "in"]).done().stdout;
    let weight =
        |line: &str| line.rsplit_once(',').expect("columns").1.parse::<f64>().expect("one");
    for (line, halved) in printed.lines().zip(halved.lines()).skip(1) {
        assert!((weight(line) - weight(halved)).abs() < 1e-5, "{line} where {halved} was set");
    }
    let one = printed.lines().nth(1).expect("a synapse");
    assert!((weight(one) - weight(&first) / 2.0).abs() < 1e-5);
    let source = sessions(&daemon, &["weights", ID, "in", "--source", "3"]).done().stdout;
    assert!(source.lines().count() > 1);
    assert!(source.lines().skip(1).all(|line| line.starts_with("3,")), "{source}");

    let wrong = sessions(&daemon, &["weights", ID, "inn"]);
    assert_eq!(wrong.status, Some(2));
    assert!(wrong.stderr.contains("no projection \"inn\": the network has in, within"));
    std::fs::write(&file, "source,synapse,weight\n3,0,nan\n").expect("written");
    let wrong = sessions(&daemon, &["weights", ID, "in", "--set", file.to_str().expect("plain")]);
    assert_eq!(wrong.status, Some(2));
    assert!(wrong.stderr.contains("weights[0]: NaN is not a finite number"), "{}", wrong.stderr);
}

/// An archive as `numpy.savez` writes it.
fn npz(file: &Path, arrays: &[(&str, &str, Vec<u8>)]) {
    let mut archive = ZipWriter::new(std::fs::File::create(file).expect("made"));
    for (name, kind, bytes) in arrays {
        let size = if kind.ends_with('8') { 8 } else { 4 };
        let shape = bytes.len() / size;
        let head = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': ({shape},), }}");
        let head = format!("{head:<117}\n");
        archive.start_file(format!("{name}.npy"), SimpleFileOptions::default()).expect("begun");
        archive.write_all(b"\x93NUMPY\x01\x00\x76\x00").expect("written");
        archive.write_all(head.as_bytes()).expect("written");
        archive.write_all(bytes).expect("written");
    }
    archive.finish().expect("written");
}

/// (source, synapse, target, weight) of every synapse, as printed.
fn printed(daemon: &Daemon) -> Vec<(u32, u32, u32, f64)> {
    let told = sessions(daemon, &["weights", ID, "in"]).done().stdout;
    let row = |line: &str| {
        let columns: Vec<&str> = line.split(',').collect();
        let index = |at: usize| columns[at].parse().expect("an index");
        (index(0), index(1), index(2), columns[4].parse().expect("a weight"))
    };
    told.lines().skip(1).map(row).collect()
}

/// By the synapse's place, and by its target where that is unique.
#[tokio::test]
async fn weights_are_set_from_arrays() {
    let folder = tempfile::tempdir().expect("a folder");
    place_network(folder.path());
    let daemon = serve(&folder.path().join("socket"), folder.path());
    let client = Client::connect(&daemon.address).await.expect("connected");
    let options = OpenOptions { session_id: ID.into(), ..OpenOptions::new("lively") };
    client.open_session(&options).await.expect("opened");
    let file = folder.path().join("trained.npz");
    let set = || sessions(&daemon, &["weights", ID, "in", "--set", file.to_str().expect("plain")]);
    let longs = |numbers: &[u32]| -> Vec<u8> {
        numbers.iter().flat_map(|number| i64::from(*number).to_le_bytes()).collect()
    };
    let ints = |numbers: &[u32]| -> Vec<u8> {
        numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
    };
    let doubles = |numbers: &[f64]| -> Vec<u8> {
        numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
    };
    let before = printed(&daemon);
    let (sources, places) = ([0, 0, 7], [1, 0, 2]);
    npz(
        &file,
        &[
            ("weight", "<f8", doubles(&[0.25, -0.5, 0.125])),
            ("source", "<i8", longs(&sources)),
            ("synapse", "<u4", ints(&places)),
            ("note", "<f8", doubles(&[1.0])),
        ],
    );
    assert_eq!(set().done().stdout, "set 3 weights of in, from tick 0 (0 us) on\n");
    let after = printed(&daemon);
    let changed = |source, synapse| match (source, synapse) {
        (0, 1) => Some(0.25),
        (0, 0) => Some(-0.5),
        (7, 2) => Some(0.125),
        _ => None,
    };
    for (old, new) in before.iter().zip(&after) {
        let expected = changed(old.0, old.1).unwrap_or(old.3);
        assert!((new.3 - expected).abs() < 1e-5, "{new:?} where {expected} was set");
    }

    let is_unique = |row: &&(u32, u32, u32, f64)| {
        after.iter().filter(|other| (other.0, other.2) == (row.0, row.2)).count() == 1
    };
    let (source, synapse, target, _) = *after.iter().rev().find(is_unique).expect("one");
    npz(
        &file,
        &[
            ("source", "<i8", longs(&[source])),
            ("target", "<i8", longs(&[target])),
            ("weight", "<f8", doubles(&[0.75])),
        ],
    );
    set().done();
    let weight_of = |row: &(u32, u32, u32, f64)| (row.0, row.1) == (source, synapse);
    let last = printed(&daemon);
    let weight = last.iter().find(|row| weight_of(row)).expect("it is there").3;
    assert!((weight - 0.75).abs() < 1e-5, "{weight}");
    let others = |rows: &[(u32, u32, u32, f64)]| -> Vec<_> {
        rows.iter().filter(|row| !weight_of(row)).copied().collect()
    };
    assert!(others(&last) == others(&after), "others changed");

    npz(&file, &[("source", "<i8", longs(&[0])), ("weight", "<f8", doubles(&[0.5]))]);
    let wrong = set();
    assert_eq!(wrong.status, Some(2));
    assert!(wrong.stderr.contains("holds no array \"target\""), "{}", wrong.stderr);
}

#[tokio::test]
async fn parameters_are_printed_and_set() {
    let folder = tempfile::tempdir().expect("a folder");
    place_network(folder.path());
    let daemon = serve(&folder.path().join("socket"), folder.path());
    let client = Client::connect(&daemon.address).await.expect("connected");
    let options = OpenOptions { session_id: ID.into(), ..OpenOptions::new("lively") };
    client.open_session(&options).await.expect("opened");
    let pairs = ["cells.threshold", "2.5", "cells.reset", "-0.5", "cells.rest", "-0.25"];
    let set = sessions(&daemon, &[&["set", ID][..], &pairs].concat()).done().stdout;
    assert_eq!(set, "set threshold, reset, rest of cells, from tick 0 (0 us) on\n");
    let some = ["set", ID, "cells.threshold", "1.5", "--neurons", "1,3-4"];
    sessions(&daemon, &some).done();
    let printed = sessions(&daemon, &["parameters", ID, "cells.threshold"]).done().stdout;
    let lines: Vec<_> = printed.lines().collect();
    assert_eq!(lines[..6], ["neuron,threshold", "0,2.5", "1,1.5", "2,2.5", "3,1.5", "4,1.5"]);
    assert_eq!(lines.len(), 257);
    let all = sessions(&daemon, &["parameters", ID, "cells"]).done().stdout;
    let head = "neuron,tau,rest,threshold,reset,drive,refractory,initial";
    assert_eq!(all.lines().next(), Some(head));
    let wrong = sessions(&daemon, &["set", ID, "cells.tua", "3"]);
    assert_eq!(wrong.status, Some(2));
    assert!(wrong.stderr.contains("no parameter \"tua\": there are tau, rest"), "{}", wrong.stderr);
}
