//! Datagrams from a socket, on a thread of its own.
//!
//! The thread never waits for the daemon: what comes meanwhile waits here, as far as there is room, and
//! the rest is dropped and counted. What the system dropped before, for want of room in the socket, it
//! tells through the file system.

use std::{
    fs, io,
    net::{SocketAddr, ToSocketAddrs as _, UdpSocket},
    os::fd::AsFd as _,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use rustix::{
    io::Errno,
    net::{RecvFlags, recv},
};
use spiked_recordings::{CameraEvent, DatagramLayout, DatagramReader, Geometry};
use tokio::sync::mpsc::{self, error::TrySendError};

use super::source::Tally;
use crate::{
    failure::Failure,
    run::{PORTIONS_AHEAD, Portion, Portions},
};

/// The longest datagram there is.
const DATAGRAM_BYTES_MAX: usize = 1 << 16;
/// Room that the system is asked for; it may give less.
const SOCKET_BYTES: usize = 8 << 20;
/// Events after which a portion is handed on, though more have come.
const PORTION_EVENTS_MAX: usize = 16_384;
/// Events that wait for the daemon at most: a second of a busy camera.
const ROOM_EVENTS: usize = 4 << 20;
/// How soon to try again to hand on what waits.
const AGAIN: Duration = Duration::from_millis(1);
/// How long to wait for a datagram before looking whether anybody still wants it.
const LOOK: Duration = Duration::from_millis(100);

/// A socket and the reader of its datagrams.
pub(super) struct Udp {
    socket: UdpSocket,
    address: SocketAddr,
    geometry: Geometry,
    reader: DatagramReader,
}

impl Udp {
    pub(super) fn bind(
        address: &str,
        layout: DatagramLayout,
        geometry: Geometry,
    ) -> Result<Self, Failure> {
        let refused = |error: io::Error| {
            Failure::failed(format!("cannot listen at udp://{address}: {error}"))
        };
        let resolved = address.to_socket_addrs().map_err(refused)?.next();
        let none = || refused(io::ErrorKind::AddrNotAvailable.into());
        let socket = UdpSocket::bind(resolved.ok_or_else(none)?).map_err(refused)?;
        socket.set_read_timeout(Some(LOOK)).map_err(refused)?;
        // Less room is no failure: it costs datagrams in bursts, and those are counted.
        let _ = socket2::SockRef::from(&socket).set_recv_buffer_size(SOCKET_BYTES);
        let address = socket.local_addr().map_err(refused)?;
        Ok(Self { socket, address, geometry, reader: DatagramReader::new(layout, geometry) })
    }

    pub(super) const fn address(&self) -> SocketAddr {
        self.address
    }

    pub(super) const fn geometry(&self) -> Geometry {
        self.geometry
    }

    /// Reads until nobody takes it any more.
    pub(super) fn begin(self, tally: Arc<Tally>) -> Result<Portions, Failure> {
        let (portions, taken) = mpsc::channel(PORTIONS_AHEAD);
        let thread = thread::Builder::new().name("datagrams".into());
        thread.spawn(move || self.read(&portions, &tally)).map_err(Failure::failed)?;
        Ok(taken)
    }

    fn read(mut self, portions: &mpsc::Sender<Result<Portion, Failure>>, tally: &Tally) {
        let began = Instant::now();
        let (mut bytes_read, mut looked) = (0, began);
        let mut datagram = vec![0; DATAGRAM_BYTES_MAX];
        let mut events = Vec::new();
        while !portions.is_closed() {
            bytes_read += self.take_in(&mut datagram, began, &mut events);
            let unsent = events.len().saturating_sub(ROOM_EVENTS);
            events.truncate(ROOM_EVENTS);
            events = hand_on(portions, Portion { events, bytes_read });
            let mut counts = tally.counts();
            counts.read = *self.reader.counts();
            counts.unsent += unsent as u64;
            if looked.elapsed() >= LOOK {
                looked = Instant::now();
                counts.overrun = self.overrun().unwrap_or(counts.overrun);
            }
        }
        let overrun = self.overrun();
        let mut counts = tally.counts();
        counts.overrun = overrun.unwrap_or(counts.overrun);
    }

    /// Takes in all datagrams that are there, at least one where nothing waits to be handed on; says
    /// how many bytes that was.
    fn take_in(
        &mut self,
        datagram: &mut [u8],
        began: Instant,
        events: &mut Vec<CameraEvent>,
    ) -> u64 {
        let most = events.len() + PORTION_EVENTS_MAX;
        let (mut bytes_read, mut flags) = (0, RecvFlags::empty());
        if !events.is_empty() {
            thread::sleep(AGAIN);
            flags = RecvFlags::DONTWAIT;
        }
        while events.len() < most {
            match recv(&self.socket, &mut *datagram, flags) {
                Ok((_, bytes)) => {
                    let arrived_us = began.elapsed().as_micros();
                    let arrived_us = u64::try_from(arrived_us).unwrap_or(u64::MAX);
                    self.reader.read(&datagram[..bytes], arrived_us, events);
                    bytes_read += bytes as u64;
                    flags = RecvFlags::DONTWAIT;
                }
                Err(Errno::INTR) => {}
                // Nothing has come, or nothing more.
                Err(_) => break,
            }
        }
        bytes_read
    }

    /// Datagrams that the system had no room for, where it tells.
    fn overrun(&self) -> Option<u64> {
        let inode = rustix::fs::fstat(self.socket.as_fd()).ok()?.st_ino.to_string();
        let table = if self.address.is_ipv4() { "/proc/net/udp" } else { "/proc/net/udp6" };
        let table = fs::read_to_string(table).ok()?;
        table.lines().find_map(|line| {
            let mut fields = line.split_whitespace();
            (fields.nth(9)? == inode).then(|| fields.last()?.parse().ok())?
        })
    }
}

/// Hands a portion on, or gives its events back where there is no room for it yet.
fn hand_on(
    portions: &mpsc::Sender<Result<Portion, Failure>>,
    portion: Portion,
) -> Vec<CameraEvent> {
    match portions.try_send(Ok(portion)) {
        Err(TrySendError::Full(Ok(portion))) => portion.events,
        _ => Vec::new(),
    }
}
