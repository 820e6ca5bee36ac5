//! Requests that never arrive as a whole.

use std::time::{Duration, Instant};

use prost::Message as _;
use spiked_client::v1::UploadBlobRequest;

use super::{
    Ground, SOON,
    frames::{LIST, UPLOAD, data, request, streams, wrapped_as},
    honest::small,
    peer::Peer,
};
use crate::process::Daemon;

const MEBIBYTE: usize = 1 << 20;
/// What a connection may have open at once.
const STREAMS: u32 = 64;
const DEADLINE: Duration = Duration::from_secs(20);
/// Uploads that may be open at once.
const UPLOADS: usize = 16;

fn ground(more: &[&str]) -> Ground {
    let arguments = ["--listen", "127.0.0.1:0", "--set", "limits.request_deadline=20s"];
    Ground::of(Daemon::start_with(&[&arguments[..], more].concat()))
}

/// Requests that are answered.
fn ended(peers: &[Peer]) -> usize {
    peers.iter().map(|peer| peer.tally(|tally| tally.ended)).sum()
}

/// Waits until so many requests are answered.
fn end(peers: &[Peer], count: usize, patience: Duration) {
    let start = Instant::now();
    while ended(peers) < count && start.elapsed() < patience {
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(ended(peers), count, "requests are answered in time");
}

/// Messages whose last byte never comes, on as many streams as four connections have: 256 MiB. What
/// is beyond the budget is refused, small calls go on, and the others end in time. Seen to fail without
/// the budget, without the deadline, and with what was held not given back.
#[test]
fn that_never_end() {
    const BUDGET_MIB: usize = 32;
    const CONNECTIONS: usize = 4;
    let all = CONNECTIONS * STREAMS as usize;
    let ground = ground(&["--set", "limits.request_bytes=32 MiB"]);
    // Beside the budget, a stream's window for each that is refused while data is on its way.
    ground.through("endless requests", 64 + BUDGET_MIB as u64, |ground| {
        let mut peers: Vec<_> = (0..CONNECTIONS).map(|_| Peer::polite(ground.address())).collect();
        for peer in &mut peers {
            streams(STREAMS).for_each(|stream| assert!(peer.say(&request(stream, LIST))));
        }
        let message = wrapped_as(MEBIBYTE, &vec![0; MEBIBYTE - 1]);
        for piece in message.chunks(64 << 10) {
            for peer in &mut peers {
                for stream in streams(STREAMS) {
                    if !peer.tally(|tally| tally.answers.contains_key(&stream)) {
                        peer.send(stream, [piece], SOON);
                    }
                }
            }
        }
        for peer in &mut peers {
            assert!(peer.keeps_up(SOON), "refusals end no connection");
        }
        let refused = ended(&peers);
        assert!((all - BUDGET_MIB..all).contains(&refused), "{refused} of {all} are refused");
        small(ground.address()).expect("small calls go on");
        end(&peers, all, DEADLINE + SOON);
        // What they held is free: as much is taken as a message may have.
        let mut late = Peer::polite(ground.address());
        assert!(late.say(&request(1, LIST)));
        assert_eq!(late.send(1, message.chunks(64 << 10), SOON), 17);
        assert!(late.keeps_up(SOON));
        assert_eq!(late.tally(|tally| tally.ended), 0, "it waits for the rest");
        peers
    });
}

/// A part of an upload, with no more to come. All of them fit into a connection's first window.
fn begun(stream: u32) -> Vec<u8> {
    let chunk = vec![7; 512].into();
    let upload = UploadBlobRequest { sha256: vec![0; 32].into(), size_bytes: 64 << 20, chunk };
    let message = wrapped_as(upload.encoded_len(), &upload.encode_to_vec());
    [request(stream, UPLOAD), data(stream, &message)].concat()
}

/// Uploads that begin and never end: beyond their number each is refused, the others end in time, and
/// those of clients that are gone make room. Seen to fail without the deadline, and with an upload's
/// place not given back.
#[test]
fn of_uploads_that_stall() {
    ground(&[]).through("stalled uploads", 32, |ground| {
        let beyond = STREAMS as usize - UPLOADS;
        let begin = || {
            let mut peer = Peer::polite(ground.address());
            assert!(peer.say(&streams(STREAMS).flat_map(begun).collect::<Vec<u8>>()));
            assert!(peer.hears(SOON, |tally| tally.ended >= beyond));
            assert!(peer.keeps_up(SOON));
            assert_eq!(peer.tally(|tally| tally.ended), beyond, "as many as may be are under way");
            peer
        };
        drop(begin());
        ground.assert_alone_within(SOON);
        let peers = vec![begin()];
        end(&peers, STREAMS as usize, DEADLINE + SOON);
        vec![begin()]
    });
}
