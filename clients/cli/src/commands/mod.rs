//! One file a command.

mod check;
mod convert;
mod generate;
mod healthcheck;
mod info;
mod load;
mod networks;
mod serve;
mod token;
mod verify;

use std::future::Future;

pub(crate) use convert::{open as open_output, shown};
pub(crate) use generate::GenerateArguments;

use crate::{
    args::Command, demo, failure::Failure, load as load_test, run, runtime, sessions, stream,
};

/// Does what was asked for.
pub(crate) fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Serve(arguments) => wait_for(serve::serve(arguments)),
        Command::Info(arguments) => info::info(&arguments),
        Command::Run(arguments) => wait_for(run::run(arguments)),
        Command::Stream(arguments) => wait_for(stream::stream(arguments)),
        Command::Demo(arguments) => wait_for(demo::demo(arguments)),
        Command::Networks(arguments) => wait_for(networks::networks(arguments)),
        Command::Check(arguments) => wait_for(check::check(arguments)),
        Command::Config(arguments) => serve::print_config(&arguments),
        Command::Token(arguments) => token::token(&arguments),
        Command::Sessions(arguments) => wait_for(sessions::sessions(arguments)),
        Command::Healthcheck(arguments) => wait_for(healthcheck::healthcheck(arguments)),
        Command::Verify(arguments) => verify::verify(&arguments),
        Command::Load(arguments) => wait_for(load_test::load(*arguments)),
        Command::Generate(arguments) => wait_for(generate::generate(arguments)),
        Command::Convert(arguments) => wait_for(convert::convert(arguments)),
    }
}

/// Runs a command to its end.
fn wait_for(command: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    let runtime = runtime::one_thread().map_err(Failure::failed)?;
    let done = runtime.block_on(command);
    // A read that still blocks (of a pipe, say) must not hold up the end.
    runtime.shutdown_background();
    done
}
