//! Compiles the contract without an installed protoc.

use std::{env, error::Error, fs, path::PathBuf};

use prost::Message as _;

const FILES: [&str; 5] = [
    "spiked/v1/errors.proto",
    "spiked/v1/event.proto",
    "spiked/v1/network.proto",
    "spiked/v1/session.proto",
    "spiked/v1/stream.proto",
];

fn main() -> Result<(), Box<dyn Error>> {
    for file in FILES {
        println!("cargo:rerun-if-changed={file}");
    }
    let descriptors = protox::compile(FILES, ["."])?;
    let out = PathBuf::from(env::var("OUT_DIR")?);
    // Kept for the reflection service.
    fs::write(out.join("spiked.v1.bin"), descriptors.encode_to_vec())?;
    tonic_prost_build::configure().bytes(".").compile_fds(descriptors)?;
    Ok(())
}
