//! Networks: from a text form or the wire to a plan that sessions share.
//!
//! A description is a [`spiked_proto::v1::Network`] with its arrays beside it as blobs. [`text`]
//! reads one from TOML, [`convert`] checks it and turns it into the core's own, and the
//! [`Repository`] keeps descriptions by name and version and makes a plan for each size of sensor.
//! Nothing here knows sockets, and nothing panics or grows without bound, whatever it is given.

mod blobs;
pub mod convert;
mod error;
mod limits;
pub(crate) mod name;
pub mod nir;
mod repository;
pub mod text;

pub(crate) use blobs::is_of_uploads;
pub use blobs::{Blobs, Upload};
pub use error::Error;
pub(crate) use repository::Source;
pub use repository::{Info, Loaded, Repository, Verdict};
