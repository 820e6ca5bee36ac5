//! The client against a stub of a daemon whose every answer a test gives by hand.

mod output;
mod producer;
mod stub;
