//! A peer that speaks raw HTTP/2, well or badly, and tallies what it is told.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    sync::{Arc, Condvar, Mutex},
    thread,
    time::{Duration, Instant},
};

use super::{
    frames::{
        ACK, DATA, END_STREAM, GOAWAY, HEAD_BYTES, HEADERS, PING, RST_STREAM, SETTINGS,
        WINDOW_UPDATE, data, frame, greeting, ping, window,
    },
    wire::{Way, Wire},
};

/// The window of a peer that reads.
const WINDOW: u32 = 1 << 20;
/// Windows before the daemon's first word: of the connection, by the protocol; of each stream, as
/// its settings will say.
const CONNECTION_WINDOW: u64 = 65_535;
const STREAM_WINDOW: u64 = 512 << 10;
/// About so much in one write.
const TOGETHER_BYTES: usize = 32 << 10;
/// `:status: 200` in HPACK's static table.
const STATUS_200: u8 = 0x88;

/// What the daemon said so far.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    kinds: HashMap<u8, usize>,
    /// How often a stream was reset with a code.
    pub(crate) resets: HashMap<u32, usize>,
    /// Whether a stream was answered with status 200.
    pub(crate) answers: BTreeMap<u32, bool>,
    /// Streams that the daemon has ended.
    pub(crate) ended: usize,
    /// What windows were widened by.
    granted: HashMap<u32, u64>,
    /// What its GOAWAY says.
    pub(crate) farewell: Option<String>,
    pub(crate) closed: bool,
}

impl fmt::Display for Tally {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { ended, resets, farewell, closed, .. } = self;
        let pings = self.of(PING);
        write!(
            formatter,
            "{ended} ended, {pings} pings, resets {resets:?}, farewell {farewell:?}"
        )?;
        formatter.write_str(if *closed { ", cut off" } else { ", let live" })
    }
}

impl Tally {
    pub(crate) fn of(&self, kind: u8) -> usize {
        self.kinds.get(&kind).copied().unwrap_or_default()
    }

    fn note(&mut self, frame: &Frame<'_>) {
        let Frame { kind, flags, stream, payload } = *frame;
        *self.kinds.entry(kind).or_default() += 1;
        if (kind == DATA || kind == HEADERS) && flags & END_STREAM != 0 {
            self.ended += 1;
        }
        match kind {
            HEADERS => {
                self.answers.entry(stream).or_insert(payload.first() == Some(&STATUS_200));
            }
            RST_STREAM => {
                let code = payload.try_into().map_or(u32::MAX, u32::from_be_bytes);
                *self.resets.entry(code).or_default() += 1;
            }
            WINDOW_UPDATE => {
                let more = payload.try_into().map_or(0, u32::from_be_bytes);
                *self.granted.entry(stream).or_default() += u64::from(more);
            }
            GOAWAY => {
                let debug = payload.get(8..).unwrap_or_default();
                self.farewell = Some(String::from_utf8_lossy(debug).into_owned());
            }
            _ => {}
        }
    }
}

type Heard = Arc<(Mutex<Tally>, Condvar)>;

/// One connection.
pub(crate) struct Peer {
    wire: Arc<dyn Wire>,
    /// Held while writing: frames are sent and answered on two threads.
    writing: Arc<Mutex<()>>,
    /// Bytes of data, for each stream, and under 0 for all.
    sent: HashMap<u32, u64>,
    heard: Heard,
}

impl Peer {
    /// Connects and says nothing.
    pub(crate) fn silent(way: impl Into<Way>) -> Self {
        let wire = way.into().wire();
        Self { wire, writing: Arc::default(), sent: HashMap::new(), heard: Heard::default() }
    }

    /// Greets, reads all that comes and answers pings, as a client does.
    pub(crate) fn polite(way: impl Into<Way>) -> Self {
        let mut peer = Self::silent(way);
        peer.say(&greeting(WINDOW));
        peer.listen(true);
        peer
    }

    /// Greets and reads, but answers nothing.
    pub(crate) fn absent(way: impl Into<Way>) -> Self {
        let mut peer = Self::silent(way);
        peer.say(&greeting(WINDOW));
        peer.listen(false);
        peer
    }

    /// Greets with windows that stay open, reads until the daemon has opened its own, and never again.
    pub(crate) fn deaf(way: impl Into<Way>) -> Self {
        let mut peer = Self::silent(way);
        peer.say(&[greeting(1 << 30), window(0, 1 << 30)].concat());
        let (mut bytes, mut piece) = (Vec::new(), vec![0; 1 << 10]);
        while peer.tally(|tally| tally.of(WINDOW_UPDATE) == 0 || tally.of(SETTINGS) < 2) {
            let count = peer.wire.read(&mut piece).expect("the daemon greets");
            bytes.extend(&piece[..count]);
            while let Some(whole) = first(&bytes) {
                let length = HEAD_BYTES + whole.payload.len();
                peer.heard.0.lock().expect("no panic").note(&whole);
                peer.say(&answer(&whole));
                bytes.drain(..length);
            }
        }
        peer
    }

    /// Reads from here on, on a thread that ends with the connection. After the greeting, so that no
    /// answer comes before it.
    pub(crate) fn listen(&mut self, answers: bool) {
        let wire = self.wire.clone();
        let heard = self.heard.clone();
        let writing = answers.then(|| self.writing.clone());
        thread::spawn(move || read(&*wire, &heard, writing.as_deref()));
    }

    /// Sends bytes; `false` once the daemon takes no more.
    pub(crate) fn say(&mut self, bytes: &[u8]) -> bool {
        let _alone = self.writing.lock().expect("no panic");
        self.wire.write(bytes).is_ok()
    }

    /// Sends the same again and again; how often it was taken.
    pub(crate) fn repeat(&mut self, count: u32, mut bytes: impl FnMut(u32) -> Vec<u8>) -> u32 {
        const TOGETHER: u32 = 512;
        let mut sent = 0;
        while sent < count {
            let together: Vec<u8> =
                (sent..count.min(sent + TOGETHER)).flat_map(&mut bytes).collect();
            if !self.say(&together) {
                return sent;
            }
            sent += TOGETHER;
        }
        count
    }

    /// Sends data on a stream, a frame for each payload, as far as the windows let it; how many
    /// were sent before they stayed shut for `patience`, or the daemon took no more.
    pub(crate) fn send<P: AsRef<[u8]>>(
        &mut self,
        stream: u32,
        payloads: impl IntoIterator<Item = P>,
        patience: Duration,
    ) -> u32 {
        let (mut frames, mut waiting, mut sent) = (Vec::new(), 0, 0);
        for payload in payloads {
            let length = payload.as_ref().len() as u64;
            if frames.len() > TOGETHER_BYTES || !self.has_room(stream, length) {
                if !self.say(&frames) {
                    return sent;
                }
                frames.clear();
                sent += waiting;
                waiting = 0;
                if !self.waits_for_room(stream, length, patience) {
                    return sent;
                }
            }
            for sum in [0, stream] {
                *self.sent.entry(sum).or_default() += length;
            }
            frames.extend(data(stream, payload.as_ref()));
            waiting += 1;
        }
        if self.say(&frames) { sent + waiting } else { sent }
    }

    fn has_room(&self, stream: u32, length: u64) -> bool {
        self.tally(|tally| has_room(&self.sent, tally, stream, length))
    }

    fn waits_for_room(&self, stream: u32, length: u64, patience: Duration) -> bool {
        self.hears(patience, |tally| tally.closed || has_room(&self.sent, tally, stream, length))
            && !self.tally(|tally| tally.closed)
    }

    /// Bytes that the daemon has sent and that lie in sockets.
    pub(crate) fn unread(&self) -> u64 {
        self.wire.unread()
    }

    /// Waits until the daemon has looked at all that was said: it answers a ping.
    pub(crate) fn keeps_up(&mut self, patience: Duration) -> bool {
        let pings = self.tally(|tally| tally.of(PING));
        self.say(&ping(7))
            && self.hears(patience, |tally| tally.closed || tally.of(PING) > pings)
            && !self.tally(|tally| tally.closed)
    }

    /// Waits until the daemon has said something; whether it did.
    pub(crate) fn hears(&self, patience: Duration, what: impl Fn(&Tally) -> bool) -> bool {
        let (tally, changed) = &*self.heard;
        let tally = tally.lock().expect("no panic");
        let waited = changed.wait_timeout_while(tally, patience, |tally| !what(tally));
        !waited.expect("no panic").1.timed_out()
    }

    /// Waits until the daemon has closed the connection, and how long that took.
    pub(crate) fn is_closed_within(&self, patience: Duration) -> Option<Duration> {
        let start = Instant::now();
        self.hears(patience, |tally| tally.closed).then(|| start.elapsed())
    }

    pub(crate) fn tally<T>(&self, look: impl FnOnce(&Tally) -> T) -> T {
        look(&self.heard.0.lock().expect("no panic"))
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // The reading thread holds it as well.
        self.wire.close();
    }
}

/// Whether both windows have room, the connection's and the stream's.
fn has_room(sent: &HashMap<u32, u64>, tally: &Tally, stream: u32, length: u64) -> bool {
    let of = |map: &HashMap<u32, u64>, stream| map.get(&stream).copied().unwrap_or_default();
    [(0, CONNECTION_WINDOW), (stream, STREAM_WINDOW)]
        .iter()
        .all(|&(stream, window)| of(sent, stream) + length <= window + of(&tally.granted, stream))
}

fn read(wire: &dyn Wire, heard: &Heard, writing: Option<&Mutex<()>>) {
    let (mut bytes, mut piece) = (Vec::new(), vec![0; 1 << 16]);
    while let Ok(count @ 1..) = wire.read(&mut piece) {
        bytes.extend(&piece[..count]);
        let mut at = 0;
        while let Some(whole) = first(&bytes[at..]) {
            at += HEAD_BYTES + whole.payload.len();
            heard.0.lock().expect("no panic").note(&whole);
            if let Some(writing) = writing {
                let _alone = writing.lock().expect("no panic");
                // A socket that fails here fails to be read next.
                let _ = wire.write(&answer(&whole));
            }
        }
        bytes.drain(..at);
        heard.1.notify_all();
    }
    heard.0.lock().expect("no panic").closed = true;
    heard.1.notify_all();
}

/// What a client answers: pings, settings, and that it took data.
fn answer(frame_in: &Frame<'_>) -> Vec<u8> {
    let Frame { kind, flags, stream, payload } = *frame_in;
    let taken = u32::try_from(payload.len()).expect("a frame");
    match kind {
        PING if flags & ACK == 0 => frame(PING, ACK, 0, payload),
        SETTINGS if flags & ACK == 0 => frame(SETTINGS, ACK, 0, &[]),
        DATA if taken > 0 => [window(0, taken), window(stream, taken)].concat(),
        _ => Vec::new(),
    }
}

/// A frame that came.
struct Frame<'a> {
    kind: u8,
    flags: u8,
    stream: u32,
    payload: &'a [u8],
}

/// The first frame, if it is whole.
fn first(bytes: &[u8]) -> Option<Frame<'_>> {
    let (&[high, middle, low, kind, flags, a, b, c, d], rest) = bytes.split_first_chunk()?;
    let length = u32::from_be_bytes([0, high, middle, low]) as usize;
    let stream = u32::from_be_bytes([a, b, c, d]);
    Some(Frame { kind, flags, stream, payload: rest.get(..length)? })
}
