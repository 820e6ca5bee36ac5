//! Hostile bytes in the place of a file of tokens: see `spiked-fuzz`.

use spiked_fuzz::Target;

use super::*;
use crate::FreshToken;

/// Whatever is read names plain tenants and each token once.
#[test]
fn token_files() {
    let fresh = |name, scopes: &[Scope]| FreshToken::new(name, "lab", scopes).unwrap().entry;
    let (one, two) = (fresh("one", &Scope::ALL), fresh("two", &[Scope::Read]));
    let texts = [
        one.clone(),
        format!("{one}{two}[tenant.lab]\nsessions = 8\n"),
        "token = [{ name = 'a', tenant = 'b', scopes = [] }]\ntenant.b.sessions = 0x1f".into(),
    ];
    let examples = texts.map(String::into_bytes).to_vec();
    Target::new("token_files", examples).text().bytes_max(1_024).run(|input| {
        let Ok(text) = str::from_utf8(input) else { return false };
        let Ok(table) = parse(text, Path::new("t.toml")) else { return false };
        for (at, (hash, caller)) in table.tokens.iter().enumerate() {
            assert!(check_name("tenant", &caller.tenant).is_ok());
            assert_eq!(table.find(hash), Some(caller));
            assert!(table.tokens[..at].iter().all(|(_, other)| other.name != caller.name));
        }
        true
    });
}
