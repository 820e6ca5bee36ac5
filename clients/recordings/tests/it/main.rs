//! Behaviour of the recordings crate, a module each: what is detected, what is read, what is
//! refused and where, what is written.

mod any_bytes;
mod detection;
mod dv_server;
mod event_stream;
mod formats;
mod geometry;
mod golden;
mod hdf5;
mod labels;
mod made;
mod mcap;
mod prophesee;
mod samples;
mod support;
mod touch;
mod truncation;
mod writing;
