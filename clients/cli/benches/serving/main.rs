//! What a daemon promises about time and memory, measured from outside, through a daemon process of
//! its own on loopback or a Unix socket.
//!
//! One JSON line a benchmark. Name some as arguments, or run all:
//! `cargo bench -p spiked --bench serving -- latency step idle fair journal recovery`.

mod daemon;
mod echo;
mod fair;
mod idle;
mod journal;
mod latency;
mod network;
mod step;

use std::env;

use crate::echo::Answer;

#[expect(clippy::print_stdout, reason = "the result")]
fn print(line: &str) {
    println!("{line}");
}

fn main() {
    let arguments: Vec<String> = env::args().skip(1).filter(|one| !one.starts_with("--")).collect();
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    if let [first, second] = arguments.as_slice() {
        let answers = [Answer::Batch, Answer::Acknowledgement];
        let answer = answers.into_iter().find(|answer| answer.name() == second);
        if let ("echo", Some(answer)) = (first.as_str(), answer) {
            return runtime.block_on(echo::serve(answer));
        }
        if first == "flood" {
            return runtime.block_on(fair::floods(second));
        }
    }
    let wanted = |name: &str| arguments.is_empty() || arguments.iter().any(|one| one == name);
    runtime.block_on(async {
        if wanted("latency") {
            latency::run().await;
        }
        if wanted("step") {
            step::run().await;
        }
        if wanted("idle") {
            idle::run().await;
        }
        if wanted("fair") {
            fair::run().await;
        }
        if wanted("journal") {
            journal::throughput().await;
        }
        if wanted("recovery") {
            journal::recovery().await;
        }
    });
}
