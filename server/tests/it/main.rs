//! The daemon from outside: real connections on loopback, clients generated from the contract.

#![expect(clippy::unwrap_used, reason = "helpers of tests, which may")]

mod bad_input;
mod bad_open;
mod bounds;
mod calls;
mod deploying;
mod determinism;
mod guard;
mod lifecycle;
mod networks;
mod recorded;
mod samples;
mod spread;
mod support;
mod survival;
mod touch;
mod watching;
