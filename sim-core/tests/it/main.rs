//! Behaviour of the core as a whole, one module a subject.
#![expect(missing_docs, reason = "a test binary")]

mod delays;
mod motif;
mod random;
mod reference;
mod refused;
mod same_result;
mod support;
