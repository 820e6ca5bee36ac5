//! Load for a daemon: recordings and synthetic sources as many sessions at once, by a schedule that
//! waits for nobody; latencies from the intended moment, exact comparison with a reference, faults on
//! order, reports.
//!
//! [`Load`] says what is to be played and [`run`] plays it, on the runtime of who calls it. An
//! [`Outcome`] has the [`Report`], which is what is written and compared.
//!
//! ```no_run
//! use std::{sync::Arc, time::Duration};
//!
//! use spiked_client::{Client, Durability, Overload};
//! use spiked_load::{Load, Pace, Source, run};
//!
//! # async fn example() -> Result<(), spiked_load::Error> {
//! let source = Source::make(&"noise:320x240@1M".parse()?, None, 0)?;
//! let load = Load {
//!     network: "motion".into(),
//!     sources: vec![Arc::new(source)],
//!     pace: Pace::Rate(1e6),
//!     sessions: 4,
//!     length: Duration::from_secs(10),
//!     ..Load::default()
//! };
//! let client = Client::connect("127.0.0.1:7411").await?;
//! let (_stop, stopped) = tokio::sync::watch::channel(false);
//! let outcome = run(&load, &client, stopped, &|_| {}).await?;
//! println!("{}", outcome.report.to_json());
//! # Ok(())
//! # }
//! ```

mod ahead;
pub mod assertion;
pub mod compare;
mod error;
mod fault;
pub mod figures;
mod flow;
mod load;
pub mod measure;
mod records;
pub mod report;
mod room;
pub mod search;
mod session;
pub mod source;
mod timer;
mod verify;

pub use assertion::Assertion;
pub use error::Error;
pub use fault::{FAULTS, Fault, FaultReport};
pub use flow::Pace;
pub use load::{Load, Look, Phase, STREAMS_MAX, run};
pub use records::Difference;
pub use report::{Outcome, Report};
pub use source::{Source, Spec};
pub use verify::Compared;
