//! `spiked token`: a fresh token, and its entry for the daemon's file.

use spiked_server::{FreshToken, Scope};

use crate::{args::TokenArguments, failure::Failure, terminal};

/// Prints both.
pub(crate) fn token(arguments: &TokenArguments) -> Result<(), Failure> {
    let scopes = match &arguments.scopes[..] {
        [] => &[Scope::Read, Scope::Stream],
        given => given,
    };
    let fresh = FreshToken::new(&arguments.name, &arguments.tenant, scopes);
    let FreshToken { secret, entry } = fresh.map_err(Failure::used_wrongly)?;
    terminal::print(&format!("{secret}\n\n{entry}"))
}
