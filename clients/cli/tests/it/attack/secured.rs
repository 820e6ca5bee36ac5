//! The attacks that matter most, with TLS.

use super::{Ground, floods, peer::Peer, silence};
use crate::tls::{Place, peer::config};

/// The deadline begins with the connection. This and the next were seen to fail without it.
#[test]
fn silence_before_the_handshake() {
    let ground = Ground::secured();
    let plain = ground.way.address.clone();
    silence::held_until_closed("silence before TLS", ground, |place| {
        let mut peer = Peer::silent(plain.as_str());
        // A record of a handshake, and a part of it.
        peer.say(&[0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3][..place % 12]);
        peer
    });
}

#[test]
fn silence_after_the_handshake() {
    silence::before_the_preface_on(Ground::secured());
}

/// This flood and the next were seen to fail with the frames not counted.
#[test]
fn pings() {
    floods::pings_on(Ground::secured());
}

#[test]
fn settings() {
    floods::settings_on(Ground::secured());
}

/// Seen to fail without a bound on resets.
#[test]
fn rapid_reset() {
    floods::rapid_reset_on(Ground::secured());
}

#[test]
fn continuations() {
    floods::continuations_on(Ground::secured());
}

/// Seen to fail without a bound on the frames of one turn.
#[test]
fn batches_in_frames_of_a_byte() {
    floods::frames_of_a_byte_on(Ground::secured());
}

impl Ground {
    /// A daemon that speaks TLS only.
    fn secured() -> Self {
        let place = Place::new();
        let daemon = place.daemon(&[]);
        let config = config(&place.read("ca.pem"), None, &rustls::version::TLS13);
        let way = super::wire::Way::secured(&daemon.address, config, place.trusting());
        Self { files: Some(place), ..Self::reached(daemon, way) }
    }
}
