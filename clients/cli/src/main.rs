//! `spiked`: daemon and command line in one binary.
//!
//! The arguments choose a command, the command does its work, and what went wrong becomes one
//! readable line and an exit status: 0 done, 1 it failed, 2 used wrongly, 130 interrupted.

mod args;
mod commands;
mod credentials;
mod demo;
mod failure;
mod link;
mod load;
mod network;
mod numbers;
mod run;
mod runtime;
mod sensor;
mod sessions;
mod stream;
mod terminal;

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    let arguments = match args::Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(told) => {
            // Help and version are no misuse; where nobody reads them, there is nobody to tell.
            let _ = told.print();
            return if told.use_stderr() {
                failure::USED_WRONGLY.into()
            } else {
                ExitCode::SUCCESS
            };
        }
    };
    match commands::run(arguments.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}
