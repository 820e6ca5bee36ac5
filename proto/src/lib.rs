//! Everything that crosses the wire, and nothing else.
//!
//! [`v1`] is the contract, generated from `spiked/v1/*.proto`, where every field says its unit and
//! its error. [`layout`] holds the packed batches that ride in its `bytes` fields. Both sides of
//! the wire use this crate; it uses nothing of ours.

mod hex;
pub mod layout;

pub use hex::hex;

/// The messages and services of package `spiked.v1`.
#[allow(
    missing_docs,
    unused_qualifications,
    clippy::all,
    clippy::cast_possible_truncation,
    clippy::too_many_lines,
    clippy::missing_docs_in_private_items,
    reason = "generated; the contract's own comments are its documentation"
)]
pub mod v1 {
    tonic::include_proto!("spiked.v1");

    /// The compiled descriptors, for the reflection service.
    pub const FILE_DESCRIPTOR_SET: &[u8] =
        include_bytes!(concat!(env!("OUT_DIR"), "/spiked.v1.bin"));
}
