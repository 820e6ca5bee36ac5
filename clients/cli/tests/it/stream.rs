//! `spiked stream`: standard input and datagrams, and what becomes of those that make no sense.

use std::{
    fs::File,
    io::{BufRead as _, BufReader, Read as _},
    net::UdpSocket,
    path::Path,
    process::{Child, ChildStderr, Stdio},
    thread,
    time::Duration,
};

use spiked_recordings::CameraEvent;

use crate::{
    files::{Folder, SENSOR, texture},
    process::{Daemon, Told, signal, spiked, tell},
};

/// Long enough for everything to be there before the clock would move the network on.
const LATENESS: [&str; 2] = ["--lateness", "10s"];

/// A stream of datagrams, and where it listens.
struct Listener {
    child: Child,
    stderr: BufReader<ChildStderr>,
    socket: UdpSocket,
}

impl Listener {
    fn start(network: &Path, more: &[&str]) -> Self {
        let mut child = spiked(["stream".as_ref(), network.as_os_str()])
            .args(["udp://127.0.0.1:0", "--geometry", &SENSOR.to_string()])
            .args(more)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("spiked runs");
        let mut stderr = BufReader::new(child.stderr.take().expect("a pipe"));
        let mut line = String::new();
        stderr.read_line(&mut line).expect("a line");
        let address = line.strip_prefix("udp://").and_then(|rest| rest.split(' ').next());
        let address = address.unwrap_or_else(|| panic!("{line:?} says where"));
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
        socket.connect(address).expect("it is there");
        Self { child, stderr, socket }
    }

    /// Words of SPIF with times, at a pace that loopback keeps up with.
    fn send(&self, events: &[CameraEvent]) {
        for events in events.chunks(64) {
            self.send_raw(&spif(events));
            thread::sleep(Duration::from_micros(50));
        }
    }

    fn send_raw(&self, datagram: &[u8]) {
        self.socket.send(datagram).expect("it is sent");
    }

    /// Asks for the end and reads what is told. What was sent is in the socket, and read before: the
    /// thread that reads it takes a moment at most.
    fn end(mut self) -> Told {
        thread::sleep(Duration::from_millis(300));
        signal(&self.child, "INT");
        let mut said = String::new();
        self.stderr.read_to_string(&mut said).expect("text");
        let mut told = Told::of(self.child.wait_with_output().expect("it ends"));
        told.stderr = said;
        told
    }
}

fn spif(events: &[CameraEvent]) -> Vec<u8> {
    let words = events.iter().flat_map(|event| {
        let polarity = u32::from(event.on) << 15;
        let word = (u32::from(event.x) << 16) | polarity | u32::from(event.y);
        [word, u32::try_from(event.t_us).expect("it fits")]
    });
    words.flat_map(u32::to_le_bytes).collect()
}

#[test]
fn standard_input_is_as_good_as_a_file() {
    let folder = Folder::new();
    let (network, recording) = (folder.network(), folder.texture());
    let run = tell(["run".as_ref(), network.as_os_str(), recording.as_os_str()]).done();
    let streamed = spiked(["stream".as_ref(), network.as_os_str(), "-".as_ref()])
        .stdin(File::open(&recording).expect("it is there"))
        .output()
        .expect("spiked runs");
    let streamed = Told::of(streamed).done();
    assert_eq!(streamed.value("digest"), run.value("digest"));
    assert_eq!(streamed.value("span"), run.value("span"));
}

#[test]
fn datagrams_give_what_the_same_recording_gives() {
    let folder = Folder::new();
    let (network, recording) = (folder.network(), folder.texture());
    let run = tell(["run".as_ref(), network.as_os_str(), recording.as_os_str()]).done();
    let listener = Listener::start(&network, &LATENESS);
    listener.send(&texture());
    let told = listener.end().done();
    assert_eq!(told.value("digest"), run.value("digest"), "{}", told.stdout);
    let datagrams = texture().len().div_ceil(64);
    assert_eq!(told.value("datagrams").replace(' ', ""), format!("{datagrams}read"));
    assert!(!told.stdout.contains("dropped"), "{}", told.stdout);
}

#[test]
fn what_makes_no_sense_is_counted_and_hurts_nothing() {
    let folder = Folder::new();
    let network = folder.network();
    let listener = Listener::start(&network, &LATENESS);
    let event = |t_us, x| CameraEvent { t_us, x, y: 3, on: true };
    listener.send(&[event(10, 5)]);
    // Off the sensor, by one and by far; cut short; empty; an event of another clock.
    listener.send(&[event(20, SENSOR.width), event(21, 32_767)]);
    listener.send_raw(&spif(&[event(30, 6)])[..7]);
    listener.send_raw(&[]);
    listener.send_raw(&(1_u32 << 31).to_le_bytes());
    listener.send(&[event(40, 7)]);
    let told = listener.end().done();
    assert_eq!(told.value("events").split(" in ").next(), Some("2"));
    assert_eq!(told.value("datagrams"), "6 read, 1 cut short");
    assert_eq!(told.value("dropped here"), "2 off the sensor, 1 of another clock");
}

/// P7 for a live source: what came before the daemon died was journaled, and the stream goes on.
#[test]
fn a_stream_goes_on_where_a_killed_daemon_comes_back() {
    let folder = Folder::new();
    let (network, recording) = (folder.network(), folder.texture());
    let run = tell(["run".as_ref(), network.as_os_str(), recording.as_os_str()]).done();
    let (socket, data) = (folder.path("spiked.sock"), folder.path("data"));
    let serve = || {
        let listen = format!("unix:{}", socket.display());
        let (data, networks) = (data.to_str().expect("plain"), network.parent().expect("a folder"));
        let networks = networks.to_str().expect("plain");
        Daemon::start_with(&["--listen", &listen, "--data", data, "--networks", networks])
    };
    let mut daemon = serve();
    let events = texture();
    let (first, second) = events.split_at(events.len() / 2);
    let address = ["--address", &daemon.address, "--patience", "1min"];
    let more = ["--port", "eye", "--durable", "each"];
    let listener = Listener::start("quadrant".as_ref(), &[&LATENESS[..], &address, &more].concat());
    listener.send(first);
    daemon.kill();
    let _again = serve();
    listener.send(second);
    let told = listener.end().done();
    assert_eq!(told.value("digest"), run.value("digest"), "{}\n{}", told.stdout, told.stderr);
}

#[test]
fn misuse_is_told_with_a_way_out() {
    let folder = Folder::new();
    let network = folder.network();
    let network = network.to_str().expect("plain");
    let told = tell(["stream", network, "udp://127.0.0.1:0"]);
    assert_eq!(told.status, Some(2));
    assert!(told.stderr.contains("--geometry"), "{}", told.stderr);
    let told = tell(["stream", network, "street.es"]);
    assert_eq!(told.status, Some(2));
    assert!(told.stderr.contains("a recording that is there"), "{}", told.stderr);
    let taken = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let source = format!("udp://{}", taken.local_addr().expect("an address"));
    let told = tell(["stream", network, &source, "--geometry", "48x32"]);
    assert_eq!(told.status, Some(1));
    assert!(told.stderr.starts_with("error: cannot listen at udp://"), "{}", told.stderr);
}

/// The policy that is asked for is the session's: an event that finds the network behind the clock ends it.
#[test]
fn a_stream_may_end_when_the_network_falls_behind() {
    let folder = Folder::new();
    let network = folder.network();
    let strict = ["--overload", "fail", "--lag-max", "1us", "--lateness", "1ms"];
    let listener = Listener::start(&network, &strict);
    for events in texture().chunks(64) {
        // Once it has ended, nobody takes them any more.
        if listener.socket.send(&spif(events)).is_err() {
            break;
        }
        thread::sleep(Duration::from_millis(1));
    }
    let told = listener.end();
    assert_eq!(told.status, Some(1), "{}", told.stderr);
    assert!(told.stderr.contains("us behind real time"), "{}", told.stderr);
}

#[test]
fn what_is_for_live_streams_is_refused_elsewhere() {
    let folder = Folder::new();
    let (network, recording) = (folder.network(), folder.texture());
    let (network, recording) = (network.display().to_string(), recording.display().to_string());
    for (source, option, says) in [
        ("-", ["--lag-max", "5ms"], "--lag-max is for --pace live"),
        (recording.as_str(), ["--overload", "fail"], "a recording waits"),
    ] {
        let told = tell([&["stream", &network, source][..], &option].concat());
        assert_eq!(told.status, Some(2), "{}", told.stderr);
        assert!(told.stderr.contains(says), "{}", told.stderr);
    }
}
