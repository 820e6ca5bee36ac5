//! `spiked networks load` and `unload`: networks of a running daemon.

use std::path::Path;

use crate::{
    args::{LoadArguments, UnloadArguments},
    credentials::connect,
    failure::Failure,
    network, terminal,
};

/// Sends a network to a daemon, or has it read one of its folder.
pub(crate) async fn load(arguments: LoadArguments) -> Result<(), Failure> {
    let LoadArguments { network: given, version, nir, address, credentials } = arguments;
    let client = connect(&address, &credentials).await?;
    let info = if network::is_path(&given) {
        let described = network::read(Path::new(&given), nir)?;
        network::upload(&client, &described).await?;
        client.load_network(described.network, &version).await?
    } else {
        network::refuse_profile(&given, nir)?;
        client.load_network_of_folder(&given, &version).await?
    };
    terminal::print(&format!("{} {}\n", info.name, info.version))
}

/// Takes a network away.
pub(crate) async fn unload(arguments: UnloadArguments) -> Result<(), Failure> {
    let UnloadArguments { network, version, address, credentials } = arguments;
    let client = connect(&address, &credentials).await?;
    Ok(client.unload_network(&network, &version).await?)
}
