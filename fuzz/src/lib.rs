//! Hostile bytes for everything that reads bytes of strangers, on a stable toolchain.
//!
//! A [`Target`] is a reader with valid examples of what it reads. Its inputs are those examples,
//! damaged by `mutate`; what they are depends on the seed and their number alone, so a number
//! reproduces a failure. Each input is held to three bounds: no panic, no more memory than the
//! target allows ([`Counting`] sees what one thread holds), no more time.
//!
//! Tests use it, and `cargo xtask fuzz` runs those tests for as many inputs as it is told.

mod memory;
mod mutate;
mod random;
mod settings;
mod target;

pub use memory::Counting;
pub use random::Random;
pub use target::Target;
