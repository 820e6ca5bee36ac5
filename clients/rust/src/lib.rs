//! A client for spiked: events in, spikes and decisions out, over one gRPC stream.
//!
//! [`Client`] connects and makes the calls about networks and sessions. [`Client::open`] gives a
//! [`Session`], which splits into a [`Producer`] and an [`Output`] that may live in different
//! tasks. The producer gathers events into packed batches and waits for the daemon's credit; that
//! credit arrives with the output, so **keep reading the output** while producing. All times are
//! in the sender's own clock, in µs.
//!
//! ```no_run
//! use spiked_client::{CameraEvent, Client, Item, OpenOptions};
//!
//! # async fn example() -> Result<(), spiked_client::Error> {
//! let client = Client::connect("127.0.0.1:7411").await?;
//! let options = OpenOptions::new("motion").with_sensor("camera", 320, 240);
//! let (mut producer, mut output) = client.open(options).await?.split();
//!
//! let feeding = tokio::spawn(async move {
//!     for t_us in 0..1_000 {
//!         let event = CameraEvent { t_us, x: 7, y: 9, on: true };
//!         producer.send(0, &[event]).await?;
//!         // No event before this one is still to come.
//!         producer.promise(t_us).await?;
//!     }
//!     producer.finish().await
//! });
//!
//! while let Some(item) = output.next().await {
//!     match item? {
//!         Item::Spikes(spikes) => {
//!             for spike in spikes.iter() {
//!                 println!("{} µs: address {}", spike.time_us, spike.address);
//!             }
//!         }
//!         Item::Decision(decision) => {
//!             let label = output.tables().label(decision.port, decision.class);
//!             println!("{} µs: {}", decision.time_us, label.unwrap_or("?"));
//!         }
//!         Item::Error(refusal) => eprintln!("{refusal}"),
//!         Item::Ended(ended) => println!("{}", ended.message),
//!         _ => {}
//!     }
//! }
//! feeding.await.expect("feeding does not panic")?;
//! # Ok(())
//! # }
//! ```

mod address;
mod alarm;
mod bearer;
mod carrier;
mod client;
mod connect;
mod counts;
mod credit;
mod error;
mod event;
mod frames;
mod gather;
mod health;
mod latency;
mod networks;
mod options;
mod output;
mod packed;
mod producer;
mod sending;
mod session;
mod sessions;
mod spikes;
mod steps;
mod tables;
mod tls;
mod tuning;
mod watch;
mod watched_input;

pub use address::{Address, DEFAULT_PORT};
pub use alarm::Alarm;
pub use client::Client;
pub use connect::ConnectOptions;
pub use error::{Error, Refusal};
pub use event::Event;
pub use frames::Frames;
pub use gather::BATCH_EVENTS_MAX;
pub use latency::Latencies;
pub use options::{Gathering, OpenOptions, Origin, Pace};
pub use output::{Item, Output};
pub use packed::PackedBatch;
pub use producer::Producer;
pub use session::Session;
pub use spiked_proto::hex;
pub use spiked_proto::layout::{
    Geometry,
    address::{AddressEvent, CountedAddressEvent},
    camera::CameraEvent,
};
/// The messages of the contract, as they are.
pub use spiked_proto::v1;
pub use spikes::{Spike, Spikes};
pub use steps::{Stepped, Steps};
pub use tables::{InputPort, OutputPort, Place, Tables};
pub use v1::{Durability, EventPolicy, Layout, Overload, Reason};
pub use watch::{Watch, WatchItem};
pub use watched_input::WatchedInput;

/// Sees what hostile bytes make a reader hold.
#[cfg(test)]
#[global_allocator]
static MEMORY: spiked_fuzz::Counting = spiked_fuzz::Counting;
