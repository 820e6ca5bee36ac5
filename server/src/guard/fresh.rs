//! Making a token.

use sha2::{Digest as _, Sha256};
use spiked_proto::hex;

use super::scopes::Scope;
use crate::{StartError, session::settings::check_name};

/// A token of 256 random bits, and what the file of tokens must hold for it.
pub struct FreshToken {
    /// What the client sends; it is kept nowhere.
    pub secret: String,
    /// The entry of the file, which has the token's hash only.
    pub entry: String,
}

impl FreshToken {
    /// Makes one.
    ///
    /// # Errors
    ///
    /// A name or tenant of other characters than a session's id may have; a system without
    /// randomness.
    pub fn new(name: &str, tenant: &str, scopes: &[Scope]) -> Result<Self, StartError> {
        for (setting, value) in [("name", name), ("tenant", tenant)] {
            check_name(setting, value)
                .map_err(|error| StartError::Setting { setting, problem: error.to_string() })?;
        }
        let mut bits = [0; 32];
        getrandom::fill(&mut bits).map_err(|error| StartError::Setting {
            setting: "token",
            problem: format!("the system has no randomness: {error}"),
        })?;
        let secret = hex(&bits);
        let hash = hex(&Sha256::digest(secret.as_bytes()));
        let scopes: Vec<String> = scopes.iter().map(|scope| format!("\"{scope}\"")).collect();
        let entry = format!(
            "[[token]]\nname = \"{name}\"\nsha256 = \"{hash}\"\ntenant = \"{tenant}\"\nscopes = [{}]\n",
            scopes.join(", ")
        );
        Ok(Self { secret, entry })
    }
}
