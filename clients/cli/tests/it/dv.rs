//! `spiked stream` from a server of DV: what it sends is written as its own file is, less its first line.

use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    process::{Child, Stdio},
    thread,
    time::{Duration, Instant},
};

use spiked_recordings::{
    CameraEvent,
    write::aedat4::{Compression, Writer},
};

use crate::{
    files::{Folder, SENSOR, texture},
    process::{Told, signal, spiked, tell},
};

const LINE: &[u8] = b"#!AER-DAT4.0\r\n";
const PATIENCE: Duration = Duration::from_secs(20);

/// What a server sends of events, in many packets.
fn sent(events: &[CameraEvent]) -> Vec<u8> {
    let mut writer = Writer::new(Vec::new(), SENSOR, Compression::Lz4).expect("a header");
    events.chunks(200).for_each(|events| writer.write(events).expect("they fit"));
    writer.finish().expect("it ends").strip_prefix(LINE).expect("its line").to_vec()
}

fn streaming(network: &std::path::Path, server: &TcpListener, more: &[&str]) -> Child {
    let source = format!("tcp://{}", server.local_addr().expect("an address"));
    spiked(["stream".as_ref(), network.as_os_str()])
        .args([&source, "--lateness", "10s"])
        .args(more)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("spiked runs")
}

/// Somebody who connects in time.
fn connected(server: &TcpListener) -> TcpStream {
    server.set_nonblocking(true).expect("a socket");
    let began = Instant::now();
    loop {
        match server.accept() {
            Ok((client, _)) => {
                client.set_nonblocking(false).expect("a socket");
                return client;
            }
            Err(error) => assert!(began.elapsed() < PATIENCE, "nobody connects: {error}"),
        }
        thread::sleep(Duration::from_millis(5));
    }
}

fn serve(server: &TcpListener, bytes: &[u8]) {
    connected(server).write_all(bytes).expect("it reads");
}

fn ended(child: Child) -> Told {
    Told::of(child.wait_with_output().expect("it ends"))
}

/// Seen to fail with a portion of what came left out.
#[test]
fn a_server_of_dv_gives_what_the_same_recording_gives() {
    let folder = Folder::new();
    let (network, recording) = (folder.network(), folder.texture());
    let run = tell(["run".as_ref(), network.as_os_str(), recording.as_os_str()]).done();
    let server = TcpListener::bind("127.0.0.1:0").expect("a port");
    let child = streaming(&network, &server, &[]);
    serve(&server, &sent(&texture()));
    let told = ended(child).done();
    assert_eq!(told.value("digest"), run.value("digest"), "{}", told.stdout);
    assert!(!told.stdout.contains("connection"), "{}", told.stdout);
}

/// Seen to fail with the source ended where its server was, though another came.
#[test]
fn a_server_that_comes_back_goes_on_where_it_was() {
    let folder = Folder::new();
    let (network, recording) = (folder.network(), folder.texture());
    let run = tell(["run".as_ref(), network.as_os_str(), recording.as_os_str()]).done();
    let events = texture();
    let (first, second) = events.split_at(events.len() / 2);
    let server = TcpListener::bind("127.0.0.1:0").expect("a port");
    let child = streaming(&network, &server, &["--reconnect", "1min"]);
    // A packet begins with its stream and its size; of this one 5 bytes of 100 come.
    let half = [&[0, 0, 0, 0, 100, 0, 0, 0][..], &[0; 5]].concat();
    serve(&server, &[sent(first), half].concat());
    serve(&server, &sent(second));
    // It tries to connect a third time, so that the second one has been read.
    let third = connected(&server);
    signal(&child, "INT");
    drop((third, server));
    let told = ended(child).done();
    assert_eq!(told.value("digest"), run.value("digest"), "{}\n{}", told.stdout, told.stderr);
    let expected = "1 times connected again, 13 bytes of a packet without its end";
    assert_eq!(told.value("connection"), expected);
}

/// Seen to fail without each of the hints, and with a header that is cut taken for the source's end.
#[test]
fn what_is_no_server_of_dv_is_told() {
    let folder = Folder::new();
    let network = folder.network();
    let server = TcpListener::bind("127.0.0.1:0").expect("a port");
    let child = streaming(&network, &server, &[]);
    let mut client = connected(&server);
    client.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").expect("it reads");
    let told = ended(child);
    assert_eq!(told.status, Some(1));
    assert!(told.stderr.contains("has a header of more than 65536 bytes"), "{}", told.stderr);
    assert!(told.stderr.contains("hint: a server of DV is expected there"), "{}", told.stderr);
    // It is gone as well; nothing that it might say is expected.
    let _ = client.read(&mut [0; 1]);

    // One that goes in the middle of its header.
    let child = streaming(&network, &server, &[]);
    serve(&server, &sent(&texture())[..100]);
    let told = ended(child);
    assert_eq!(told.status, Some(1), "{}", told.stderr);
    assert!(
        told.stderr.contains("is cut inside its header: it ends after 100 bytes"),
        "{}",
        told.stderr
    );
    assert!(told.stderr.contains("hint: a server of DV is expected there"), "{}", told.stderr);

    let told = tell(["stream", "motion", "tcp://127.0.0.1:1"]);
    assert_eq!(told.status, Some(1));
    let said = "error: cannot connect to tcp://127.0.0.1:1";
    assert!(told.stderr.starts_with(said), "{}", told.stderr);
    assert!(told.stderr.contains("hint: a server of DV is expected there"), "{}", told.stderr);
}

/// A recording is played at its own speed: 300 ms of it take as long, and give what a run gives. Seen to
/// fail a hundred times as fast.
#[test]
fn a_recording_is_played_as_if_it_happened_now() {
    let folder = Folder::new();
    let (network, recording) = (folder.network(), folder.texture());
    let run = tell(["run".as_ref(), network.as_os_str(), recording.as_os_str()]).done();
    let began = Instant::now();
    let told = tell(["stream".as_ref(), network.as_os_str(), recording.as_os_str()]).done();
    assert!(began.elapsed() >= Duration::from_millis(299), "{:?}", began.elapsed());
    assert_eq!(told.value("digest"), run.value("digest"));
    let network = network.display().to_string();
    let told = tell(["stream", &network, "udp://127.0.0.1:0", "--reconnect", "1s"]);
    assert_eq!(told.status, Some(2));
    assert!(told.stderr.contains("--reconnect is for tcp://"), "{}", told.stderr);
}

/// At its own speed, or that of the rate that is given. Seen to fail at ten times the speed, and with the rate
/// forgotten.
#[test]
fn a_recording_of_touch_is_played_as_well() {
    let folder = Folder::new();
    let sweep = folder.path("sweep.npz").display().to_string();
    tell(["generate", "whiskers", &sweep, "--for", "400ms"]).done();
    for (rate, millis) in [("1000", 399), ("500", 798)] {
        let play = |command| {
            let began = Instant::now();
            let told = tell([command, "swept-edge", &sweep, "--frame-rate", rate]).done();
            (told.value("digest").to_owned(), told.value("spikes").to_owned(), began.elapsed())
        };
        let (run, spikes, _) = play("run");
        let (streamed, _, took) = play("stream");
        assert_eq!(run, streamed, "{rate} Hz");
        assert!(spikes != "0" && took >= Duration::from_millis(millis), "{spikes} in {took:?}");
    }
}
