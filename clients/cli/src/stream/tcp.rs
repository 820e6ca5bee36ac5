//! Events from a server of DV, over a connection of ours, on a thread of its own.
//!
//! The thread waits for the daemon where it is slower than the camera, and the server then for the thread:
//! nothing is dropped here. A server drops or keeps what it cannot send as it likes.

use std::{
    io,
    net::{TcpStream, ToSocketAddrs as _},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use socket2::{SockRef, TcpKeepalive};
use spiked_recordings::{Geometry, Recording};
use tokio::sync::mpsc;

use super::source::Tally;
use crate::{
    failure::Failure,
    run::{PORTIONS_AHEAD, Portion, Portions},
};

/// How long to wait for a connection, and then for what a server sends at once.
const ANSWER_MAX: Duration = Duration::from_secs(5);
/// A connection that is silent for so long is asked whether anybody is there.
const SILENCE: Duration = Duration::from_secs(10);
/// How soon to try to connect again.
const AGAIN: Duration = Duration::from_millis(100);
const HINT: &str = "a server of DV is expected there: a NetworkWriter of dv-processing, or what \
                    sends AEDAT 4 over TCP in DV";

/// A server that has said what it sends.
pub(super) struct Tcp {
    address: String,
    given: Option<Geometry>,
    recording: Recording<TcpStream>,
    geometry: Geometry,
}

impl Tcp {
    /// Connects and takes the header in.
    pub(super) fn connect(address: &str, given: Option<Geometry>) -> Result<Self, Failure> {
        let recording = connect(address, given)?;
        let geometry = recording.geometry().ok_or_else(|| {
            let message = format!("{} does not tell the size of its sensor", recording.name());
            Failure::used_wrongly(message).with_hint("say how large it is: --geometry 640x480")
        })?;
        Ok(Self { address: address.to_owned(), given, recording, geometry })
    }

    pub(super) fn address(&self) -> &str {
        &self.address
    }

    pub(super) const fn geometry(&self) -> Geometry {
        self.geometry
    }

    /// Reads until nobody takes it any more, or the connection ends and no other one is there within the
    /// time that is given for that.
    pub(super) fn begin(
        self,
        tally: Arc<Tally>,
        reconnect: Option<Duration>,
    ) -> Result<Portions, Failure> {
        let (portions, taken) = mpsc::channel(PORTIONS_AHEAD);
        let thread = thread::Builder::new().name("server of DV".into());
        let read = move || {
            if let Err(failure) = self.read(&portions, &tally, reconnect) {
                // Where nobody takes it, the end was asked for.
                let _ = portions.blocking_send(Err(failure));
            }
        };
        thread.spawn(read).map_err(Failure::failed)?;
        Ok(taken)
    }

    fn read(
        mut self,
        portions: &mpsc::Sender<Result<Portion, Failure>>,
        tally: &Tally,
        reconnect: Option<Duration>,
    ) -> Result<(), Failure> {
        let mut bytes_before = 0;
        loop {
            let ended = self.read_connection(portions, bytes_before);
            let lost: u64 = self.recording.notes().lost.iter().map(|(bytes, _)| bytes).sum();
            tally.counts().bytes_cut += lost;
            if portions.is_closed() {
                return Ok(());
            }
            let Some(patience) = reconnect else { return ended };
            bytes_before += self.recording.bytes_read();
            self.recording = match self.again(portions, Instant::now() + patience) {
                Some(again) => again?,
                None => return ended,
            };
            tally.counts().connected_again += 1;
        }
    }

    /// Reads to the end of a connection.
    fn read_connection(
        &mut self,
        portions: &mpsc::Sender<Result<Portion, Failure>>,
        bytes_before: u64,
    ) -> Result<(), Failure> {
        loop {
            let mut events = Vec::new();
            if self.recording.next_events(&mut events)? == 0 {
                return Ok(());
            }
            let bytes_read = bytes_before + self.recording.bytes_read();
            if portions.blocking_send(Ok(Portion { events, bytes_read })).is_err() {
                return Ok(());
            }
        }
    }

    /// Tries to connect again; `None` if that didn't come to pass in time.
    fn again(
        &self,
        portions: &mpsc::Sender<Result<Portion, Failure>>,
        until: Instant,
    ) -> Option<Result<Recording<TcpStream>, Failure>> {
        while Instant::now() < until && !portions.is_closed() {
            thread::sleep(AGAIN);
            let Ok(again) = connect(&self.address, self.given) else { continue };
            let geometry = again.geometry().or(self.given);
            if geometry == Some(self.geometry) {
                return Some(Ok(again));
            }
            let told = geometry.map_or_else(|| "none".to_owned(), |size| size.to_string());
            let (name, first) = (again.name(), self.geometry);
            let message = format!("{name} came back with the sensor {told}, expected {first}");
            return Some(Err(Failure::failed(message)));
        }
        None
    }
}

/// Connects and takes the header in.
fn connect(address: &str, given: Option<Geometry>) -> Result<Recording<TcpStream>, Failure> {
    let name = format!("tcp://{address}");
    let refused = |error: io::Error| {
        Failure::failed(format!("cannot connect to {name}: {error}")).with_hint(HINT)
    };
    let connection = reach(address).map_err(refused)?;
    let socket = connection.try_clone().map_err(refused)?;
    socket.set_read_timeout(Some(ANSWER_MAX)).map_err(refused)?;
    // Nobody says when a machine at the other end is gone; without this, reading would wait for ever.
    let keepalive = TcpKeepalive::new().with_time(SILENCE).with_interval(SILENCE / 2);
    SockRef::from(&socket).set_tcp_keepalive(&keepalive).map_err(refused)?;
    let mut recording = Recording::of_dv_server(connection, &name)
        .map_err(|error| Failure::from(error).with_hint(HINT))?;
    // A camera may see nothing for long.
    socket.set_read_timeout(None).map_err(refused)?;
    if let Some(given) = given {
        recording.set_geometry(given)?;
    }
    Ok(recording)
}

/// Tries the addresses of a name, one after another.
fn reach(address: &str) -> io::Result<TcpStream> {
    let mut failed = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for address in address.to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, ANSWER_MAX) {
            Ok(connection) => return Ok(connection),
            Err(error) => failed = error,
        }
    }
    Err(failed)
}
