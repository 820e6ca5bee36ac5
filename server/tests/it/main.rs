//! The daemon from outside: real connections on loopback, clients generated from the contract.

mod bad_input;
mod determinism;
mod guard;
mod lifecycle;
mod networks;
mod support;
mod watching;
