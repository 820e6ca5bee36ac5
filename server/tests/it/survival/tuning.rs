//! Weights and parameters that are read and set while sessions run.

use sim_core::{PopulationId, ProjectionId, Simulation, WeightChange, network::Values};
use spiked_proto::v1::{self, stream_request::Message as Request};
use tonic::{Code, Status};

use super::{PATIENCE, batches, finish, joined, named, next_position, resuming};
use crate::{
    recorded::{Window, output, recording, truth, tuned},
    support::{CHANNELS, Server, TICK_NS, batch},
};

/// So large a share of the channels stops to excite at once, and of the second layer fires sooner.
const EVERY: usize = 3;

fn some() -> Vec<u32> {
    (0..CHANNELS).step_by(EVERY).collect()
}

fn weights(id: &str) -> v1::SetWeightsRequest {
    v1::SetWeightsRequest {
        session_id: id.into(),
        projection: "in".into(),
        sources: some(),
        targets: some(),
        weights: some().iter().map(|&source| 0.5 + f64::from(source) / 256.0).collect(),
        ..Default::default()
    }
}

fn set_weights(simulation: &mut Simulation) {
    let change =
        |source| WeightChange { source, synapse: 0, weight: 0.5 + f64::from(source) / 256.0 };
    let changes: Vec<_> = some().into_iter().map(change).collect();
    simulation.change_weights(ProjectionId(0), &changes).unwrap();
}

fn parameters(id: &str) -> v1::SetParametersRequest {
    let change = |name: &str, neurons: Vec<u32>, values: Vec<f64>| v1::ParameterChange {
        name: name.into(),
        neurons,
        values,
    };
    v1::SetParametersRequest {
        session_id: id.into(),
        population: "second".into(),
        changes: vec![
            change("threshold", some(), vec![1.1]),
            change("drive", Vec::new(), vec![0.75]),
        ],
    }
}

fn set_parameters(simulation: &mut Simulation) {
    for neuron in some() {
        simulation.set_parameter_of(PopulationId(1), "threshold", neuron, 1.1).unwrap();
    }
    simulation.set_parameter(PopulationId(1), "drive", &Values::Same(0.75)).unwrap();
}

/// Where the recording is cut, and the tick that is the first after it.
fn half(recording: &[Window]) -> (usize, u64) {
    let half = recording.len() / 2;
    (half, recording[half - 1].1 * 1_000 / TICK_NS)
}

/// What the core makes of the recording with everything set in the middle.
fn expected(recording: &[Window]) -> Vec<[u64; 6]> {
    let (_, tick) = half(recording);
    let tuned = tuned(recording, &[(tick, &set_weights), (tick, &set_parameters)]);
    let untouched = truth(recording);
    let differ = tuned.iter().zip(&untouched).filter(|(one, other)| one[1..] != other[1..]).count();
    assert!(differ > untouched.len() / 4, "{differ} of {} outputs", untouched.len());
    tuned
}

async fn set(server: &Server, id: &str) -> [v1::Applied; 2] {
    let mut sessions = server.sessions().await;
    let weights = sessions.set_weights(weights(id)).await.unwrap().into_inner();
    let parameters = sessions.set_parameters(parameters(id)).await.unwrap().into_inner();
    [weights.applied.unwrap(), parameters.applied.unwrap()]
}

#[tokio::test]
async fn what_is_set_holds_from_the_tick_that_is_told() {
    let recording = recording(4_000);
    let expected = expected(&recording);
    let (half, tick) = half(&recording);
    let server = Server::start().await;
    let batches = batches(&recording, usize::MAX);
    for workers in [1, 2] {
        let id = format!("tuned-{workers}");
        let open = v1::Open { workers, ..named(&id) };
        let mut producer = server.open(open).await.unwrap();
        for batch in &batches[..half] {
            producer.send(Request::Events(batch.clone()));
        }
        producer.acknowledged(|ack| ack.accepted == half as u64).await;
        for applied in set(&server, &id).await {
            let at_us = Some(tick * TICK_NS / 1_000);
            assert_eq!(applied, v1::Applied { at_tick: tick, at_us });
        }
        let record = finish(producer, &batches, half as u64).await;
        assert!(output(&record) == expected, "{workers} workers: the output differs");
    }
}

/// Before the first batch has said where time begins, tick 0 is to come.
#[tokio::test]
async fn what_is_set_before_the_first_batch_holds_from_the_start() {
    let recording = recording(2_000);
    let expected = tuned(&recording, &[(0, &set_weights), (0, &set_parameters)]);
    let server = Server::start().await;
    let origin = Some(v1::Origin { origin: Some(v1::origin::Origin::FirstBatch(true)) });
    let open = v1::Open { origin, ..named("early") };
    let producer = server.open(open).await.unwrap();
    for applied in set(&server, "early").await {
        assert_eq!(applied, v1::Applied { at_tick: 0, at_us: None });
    }
    // A state from before the origin is known is whole.
    let mut sessions = server.sessions().await;
    let fork = v1::ForkSessionRequest {
        session_id: "early".into(),
        fork_id: "fork".into(),
        ..Default::default()
    };
    let forked = sessions.fork_session(fork).await.unwrap().into_inner();
    let mut batches = batches(&recording, 100);
    for batch in &mut batches {
        batch.base_time_us += 77_000;
        batch.promise_us = batch.promise_us.map(|promise_us| promise_us + 77_000);
    }
    let joining = v1::Open {
        session_id: "fork".into(),
        resume_token: forked.resume_token,
        ..v1::Open::default()
    };
    let twin = server.open(joining).await.unwrap();
    for producer in [producer, twin] {
        let record = finish(producer, &batches, 0).await;
        assert!(output(&record) == expected, "the output differs");
    }
}

/// Each policy, from the journal alone and from snapshots on the way. Seen to fail with records of changes
/// that are passed over.
#[tokio::test]
async fn what_was_set_in_a_durable_session_holds_when_it_is_made_again() {
    let recording = recording(4_000);
    let expected = expected(&recording);
    let (half, tick) = half(&recording);
    let batches = batches(&recording, usize::MAX);
    let policies = [v1::Durability::Never, v1::Durability::Interval, v1::Durability::Each];
    for (durability, snapshot_bytes) in policies.into_iter().zip([2_000, 1 << 26, 1 << 26]) {
        let data = tempfile::tempdir().unwrap();
        let mut server = Server::on(data.path(), |limits| {
            limits.shutdown_grace = std::time::Duration::from_millis(50);
            limits.journal_snapshot_bytes = snapshot_bytes;
        })
        .await;
        let open = v1::Open { durability: durability.into(), ..named("kept") };
        let mut producer = server.open(open).await.unwrap();
        for batch in &batches[..half] {
            producer.send(Request::Events(batch.clone()));
        }
        producer.acknowledged(|ack| ack.durable == half as u64).await;
        assert_eq!(set(&server, "kept").await[1].at_tick, tick);
        let output_position = next_position(&producer.record);
        producer.send(Request::Received(v1::Received { output_position }));
        server.stop();
        let before = producer.finish().await;
        assert_eq!(before.reason(), v1::EndReason::Saved, "{durability:?}");
        server.join().await;

        let server = Server::on(data.path(), |_| ()).await;
        let open = resuming(&before, Some(next_position(&before)));
        let mut producer = server.open(open).await.unwrap();
        // What the journal held is simulated while the daemon already answers.
        producer.acknowledged(|ack| ack.simulated_to_tick >= tick).await;
        let threshold = read_parameters(&server, "kept", "second", &["threshold"]).await.unwrap();
        assert_eq!(threshold.parameters[0].values[..4], [1.1, 1.5, 1.5, 1.1]);
        let after = finish(producer, &batches, half as u64).await;
        assert!(joined(&[before, after]) == expected, "{durability:?}: the output differs");
    }
}

/// A reader who reports nothing holds the simulation; what is set then waits for its tick, and waits in
/// a snapshot too. Seen to fail with snapshots without what waits, with changes that are applied as soon
/// as they come, and with a simulation that does not stop for them.
#[tokio::test]
async fn what_waits_for_its_tick_is_part_of_a_snapshot() {
    const BATCH: u64 = 100_000;
    const BATCHES: u64 = 10;
    let channel = |number: u64| u32::try_from(number % u64::from(CHANNELS)).unwrap();
    let event = |number: u64| (number / u64::from(CHANNELS) * 100, channel(number));
    let end_us = BATCHES * BATCH / u64::from(CHANNELS) * 100;
    let windows: Vec<Window> = (0..BATCHES)
        .map(|part| {
            let events = (part * BATCH..(part + 1) * BATCH).map(event).collect();
            (events, if part + 1 == BATCHES { end_us } else { 0 })
        })
        .collect();
    // Behind what was held back, something on which the change shows.
    let last = (vec![(end_us + 1_000, 0), (end_us + 1_000, 1)], end_us + 10_000);
    let whole: Vec<_> = windows.iter().cloned().chain([last.clone()]).collect();
    let tick = end_us * 1_000 / TICK_NS;
    let expected = tuned(&whole, &[(tick, &set_weights)]);

    let server = Server::start().await;
    let mut producer = server.open(named("deaf")).await.unwrap();
    producer.send(Request::Received(v1::Received { output_position: 0 }));
    for (number, (events, promise_us)) in (1..).zip(&windows) {
        let promise_us = Some(*promise_us);
        producer.send(Request::Events(v1::EventBatch { promise_us, ..batch(number, 0, events) }));
    }
    let held = |ack: &v1::Acknowledgement| ack.accepted == BATCHES;
    tokio::time::timeout(PATIENCE, producer.acknowledged(held)).await.expect("it is accepted");
    let mut stood = snapshot(&server, "deaf").await;
    while let now = snapshot(&server, "deaf").await
        && now != stood
    {
        stood = now;
    }
    let mut sessions = server.sessions().await;
    let waits = tokio::spawn(async move { sessions.set_weights(weights("deaf")).await });
    let changed = async {
        loop {
            let now = snapshot(&server, "deaf").await;
            if now != stood {
                return now;
            }
        }
    };
    let snapshot = tokio::time::timeout(PATIENCE, changed).await.expect("it is in the snapshot");
    assert!(!waits.is_finished(), "its tick was not reached");
    // Input that has ended takes nothing more.
    producer.send(Request::End(v1::EndOfInput {}));
    let ended = |one: &v1::SessionInfo| one.session_id == "deaf" && one.producers[0].ended;
    super::until(&server, |listed| listed.iter().any(ended)).await;
    let refused = server.sessions().await.set_weights(weights("deaf")).await;
    assert_refused(refused, Code::FailedPrecondition, "\"deaf\" takes no more input");
    assert!(snapshot.simulated_to_tick < tick);
    let request = v1::RestoreSessionRequest {
        snapshot_sha256: snapshot.snapshot_sha256,
        session_id: "twin".into(),
        workers: 2,
    };
    let mut sessions = server.sessions().await;
    let restored = sessions.restore_session(request).await.unwrap().into_inner();
    let open = v1::Open {
        session_id: "twin".into(),
        resume_token: restored.resume_token,
        ..v1::Open::default()
    };
    let twin = server.open(open).await.unwrap();
    let next = v1::EventBatch { promise_us: Some(last.1), ..batch(BATCHES + 1, 0, &last.0) };
    let record = finish(twin, &[next], BATCHES).await;
    let made = output(&record);
    let from = usize::try_from(snapshot.output_position).unwrap();
    assert!(made == expected[from..], "{} outputs from {from} on", made.len());
    waits.abort();
}

async fn snapshot(server: &Server, id: &str) -> v1::SnapshotSessionResponse {
    let mut sessions = server.sessions().await;
    let request = v1::SnapshotSessionRequest { session_id: id.into() };
    sessions.snapshot_session(request).await.unwrap().into_inner()
}

async fn read_parameters(
    server: &Server,
    id: &str,
    population: &str,
    names: &[&str],
) -> Result<v1::GetParametersResponse, Status> {
    let request = v1::GetParametersRequest {
        session_id: id.into(),
        population: population.into(),
        names: names.iter().map(|&name| name.into()).collect(),
        ..Default::default()
    };
    Ok(server.sessions().await.get_parameters(request).await?.into_inner())
}

async fn opened(server: &Server, open: v1::Open) {
    let request = v1::OpenSessionRequest { open: Some(open) };
    server.sessions().await.open_session(request).await.unwrap();
}

#[tokio::test]
async fn what_was_set_is_read_and_what_was_not_stays() {
    let server = Server::start().await;
    opened(&server, named("read")).await;
    set(&server, "read").await;
    let mut sessions = server.sessions().await;
    let request = v1::GetWeightsRequest {
        session_id: "read".into(),
        projection: "in".into(),
        from: Some(v1::SynapsePlace { source: 8, synapse: 0 }),
        sources: 4,
    };
    let page = sessions.get_weights(request.clone()).await.unwrap().into_inner();
    assert_eq!(page.sources, [8, 9, 10, 11]);
    assert_eq!((page.targets, page.synapses), (vec![8, 9, 10, 11], vec![0; 4]));
    assert_eq!(page.delays_ticks, [3; 4]);
    let rounded = page.weights[1];
    assert!((rounded - (0.5 + 9.0 / 256.0)).abs() < 1e-6, "{rounded}");
    assert_eq!([page.weights[0], page.weights[2], page.weights[3]], [1.0; 3]);
    assert_eq!((page.next, page.simulated_to_tick), (None, 0));
    let whole = v1::GetWeightsRequest { from: None, sources: 0, ..request };
    let page = sessions.get_weights(whole).await.unwrap().into_inner();
    assert_eq!(page.sources.len(), CHANNELS as usize);
    let parameters = read_parameters(&server, "read", "second", &[]).await.unwrap().parameters;
    let names: Vec<_> = parameters.iter().map(|each| each.name.as_str()).collect();
    let known = ["tau", "rest", "threshold", "reset", "drive", "refractory", "initial"];
    assert_eq!(names, known);
    assert_eq!(parameters[2].values[2..5], [1.5, 1.1, 1.5]);
    assert_eq!(parameters[4].values, [0.75; CHANNELS as usize]);
}

/// As many as the network draws.
#[tokio::test]
async fn pages_give_every_synapse_once() {
    let server = Server::start().await;
    let open =
        v1::Open { network: "brunel".into(), session_id: "pages".into(), ..Default::default() };
    opened(&server, open).await;
    let mut request = v1::GetWeightsRequest {
        session_id: "pages".into(),
        projection: "ee".into(),
        ..Default::default()
    };
    let mut sessions = server.sessions().await;
    let (mut places, mut pages) = (Vec::new(), 0);
    loop {
        let page = sessions.get_weights(request.clone()).await.unwrap().into_inner();
        pages += 1;
        places.extend(page.sources.iter().copied().zip(page.synapses.iter().copied()));
        let Some(next) = page.next else { break };
        request.from = Some(next);
    }
    assert_eq!((places.len(), pages), (1_600 * 160, (1_600 * 160_usize).div_ceil(16_384)));
    assert!(places.is_sorted_by(|one, other| one < other), "each once, in order");
}

fn assert_refused<T: std::fmt::Debug>(refused: Result<T, Status>, code: Code, says: &str) {
    let status = refused.expect_err("it is refused");
    assert_eq!(status.code(), code, "{status}");
    assert!(status.message().contains(says), "{:?} does not say {says:?}", status.message());
}

#[tokio::test]
async fn weights_that_cannot_be_set_are_refused_by_place_and_value() {
    let server = Server::start().await;
    opened(&server, named("strict")).await;
    let mut sessions = server.sessions().await;
    let before = snapshot(&server, "strict").await.snapshot_sha256;
    let one = || v1::SetWeightsRequest {
        session_id: "strict".into(),
        projection: "in".into(),
        sources: vec![1, 2],
        synapses: vec![0, 0],
        weights: vec![0.5, 0.5],
        ..Default::default()
    };
    let wrong = [
        (
            v1::SetWeightsRequest { projection: "inn".into(), ..one() },
            "no projection \"inn\": the network has in, on",
        ),
        (
            v1::SetWeightsRequest { sources: vec![1, 64], ..one() },
            "sources[1]: source 64 is not below 64",
        ),
        (
            v1::SetWeightsRequest { synapses: vec![0, 1], ..one() },
            "synapses[1]: synapse 1 of source 2, which has 1",
        ),
        (
            v1::SetWeightsRequest { sources: vec![1, 1], ..one() },
            "sources[1]: synapse 0 of source 1 is named twice",
        ),
        (
            v1::SetWeightsRequest { weights: vec![0.5, f64::NAN], ..one() },
            "weights[1]: NaN is not a finite number",
        ),
        (v1::SetWeightsRequest { weights: vec![0.5], ..one() }, "weights: 1 where 2 sources are"),
        (
            v1::SetWeightsRequest { weights: vec![0.5, 1e9], ..one() },
            "weights[1]: weight 1: 1000000000 is not within",
        ),
        (v1::SetWeightsRequest { targets: vec![1, 2], ..one() }, "`synapses` says which already"),
        (v1::SetWeightsRequest { synapses: vec![], ..one() }, "say which"),
        (
            v1::SetWeightsRequest { synapses: vec![], targets: vec![1, 3], ..one() },
            "targets[1]: source 2 has no synapse onto 3",
        ),
        (
            v1::SetWeightsRequest {
                session_id: "strict".into(),
                projection: "in".into(),
                ..Default::default()
            },
            "sources: 0 synapses where 1 to 32768 may be",
        ),
    ];
    for (request, says) in wrong {
        let refused = sessions.set_weights(request).await;
        assert_refused(refused, Code::InvalidArgument, says);
    }
    let unknown = v1::SetWeightsRequest { session_id: "none".into(), ..one() };
    let refused = sessions.set_weights(unknown).await;
    assert_refused(refused, Code::NotFound, "REASON_SESSION_UNKNOWN");
    let beyond = v1::GetWeightsRequest {
        session_id: "strict".into(),
        projection: "in".into(),
        from: Some(v1::SynapsePlace { source: 64, synapse: 0 }),
        sources: 0,
    };
    let refused = sessions.get_weights(beyond).await;
    assert_refused(refused, Code::InvalidArgument, "from.source: source 64 is not below 64");
    assert_eq!(snapshot(&server, "strict").await.snapshot_sha256, before, "nothing was set");
}

#[tokio::test]
async fn parameters_that_cannot_be_set_are_refused_by_place_and_value() {
    let server = Server::start().await;
    opened(&server, named("strict")).await;
    let mut sessions = server.sessions().await;
    let before = snapshot(&server, "strict").await.snapshot_sha256;
    let mut wrong = Vec::new();
    let mut change = |name: &str, neurons: &[u32], values: &[f64], says: &'static str| {
        let (neurons, values) = (neurons.to_vec(), values.to_vec());
        let change = v1::ParameterChange { name: name.into(), neurons, values };
        wrong.push((vec![change], says));
    };
    change("tua", &[], &[1.0], "changes[0].name: no parameter \"tua\": there are tau, rest");
    change("tau", &[], &[1.0, 2.0], "changes[0].values: 2 values where 1 or 64 may be");
    change("tau", &[64], &[1.0], "changes[0].neurons: neuron 64 is not below 64");
    change("tau", &[3, 3], &[1.0], "changes[0].neurons: neuron 3 is named twice");
    change("tau", &[], &[f64::NAN], "changes[0].values[0]: is not a number");
    change("tau", &[], &[-1.0], "population.second.lif.tau: -1 ms");
    change("initial", &[], &[1.0], "\"initial\" cannot be set while the network runs");
    for (changes, says) in wrong {
        let request = v1::SetParametersRequest { changes, ..parameters("strict") };
        assert_refused(sessions.set_parameters(request).await, Code::InvalidArgument, says);
    }
    let nowhere = v1::SetParametersRequest { population: "third".into(), ..parameters("strict") };
    let says = "no population \"third\": the network has first, second";
    assert_refused(sessions.set_parameters(nowhere).await, Code::InvalidArgument, says);
    let refused = read_parameters(&server, "strict", "second", &["tua"]).await;
    assert_refused(refused, Code::InvalidArgument, "names[0]: no parameter \"tua\"");
    assert_eq!(snapshot(&server, "strict").await.snapshot_sha256, before, "nothing was set");
}

/// A step has promised its end already.
#[tokio::test]
async fn nothing_is_set_in_a_step() {
    let server = Server::start().await;
    let open =
        v1::Open { network: "brunel".into(), session_id: "long".into(), ..Default::default() };
    opened(&server, open).await;
    let mut sessions = server.sessions().await;
    let step = v1::StepSessionRequest {
        session_id: "long".into(),
        until_us: 1_000_000_000,
        ..Default::default()
    };
    let stepping = tokio::spawn(async move { sessions.step_session(step).await });
    super::until(&server, |listed| {
        listed[0].position.is_some_and(|position| position.simulated_to_us > 0)
    })
    .await;
    let mut sessions = server.sessions().await;
    let threshold =
        v1::ParameterChange { name: "threshold".into(), neurons: Vec::new(), values: vec![30.0] };
    let request = v1::SetParametersRequest {
        session_id: "long".into(),
        population: "excitatory".into(),
        changes: vec![threshold],
    };
    let refused = sessions.set_parameters(request).await;
    assert_refused(refused, Code::FailedPrecondition, "session \"long\" is in a step");
    let close = v1::CloseSessionRequest { session_id: "long".into() };
    sessions.close_session(close).await.unwrap();
    // It is answered with what it had by then.
    drop(stepping.await.unwrap());
}
