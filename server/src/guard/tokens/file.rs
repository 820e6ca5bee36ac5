//! The text of a file of tokens.

use std::path::Path;

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::Table;
use crate::{
    StartError,
    config::{self, line_of},
    guard::{Caller, Scope},
    networks::name::hint,
    session::{
        meter::{Quota, Quotas},
        settings::check_name,
    },
};

/// What is wrong, and where in the text.
type Wrong = (usize, String);
type Value<'a> = Spanned<DeValue<'a>>;

/// Reads a whole file.
///
/// # Errors
///
/// What makes no sense, with file and line.
pub(super) fn parse(text: &str, file: &Path) -> Result<Table, StartError> {
    let refused = |(at, problem): Wrong| StartError::Config {
        place: format!("{}:{}", file.display(), line_of(text, at)),
        problem,
    };
    let table = DeTable::parse(text).map_err(|error| {
        refused((error.span().map_or(0, |span| span.start), error.message().to_owned()))
    })?;
    whole(table.get_ref()).map_err(refused)
}

fn whole(table: &DeTable<'_>) -> Result<Table, Wrong> {
    check_keys(table, &["token", "tenant"])?;
    let mut read = Table::default();
    if let Some(entries) = table.get("token") {
        for entry in list(entries, "token")? {
            let (hash, caller) = token(entry)?;
            let twice = read
                .tokens
                .iter()
                .find(|(known, other)| *known == hash || other.name == caller.name);
            if let Some((_, other)) = twice {
                let problem =
                    format!("token {:?} is there twice, as {:?}", caller.name, other.name);
                return Err((entry.span().start, problem));
            }
            read.tokens.push((hash, caller));
        }
    }
    if let Some(tenants) = table.get("tenant") {
        read.quotas = quotas(inner(tenants, "tenant")?)?;
    }
    Ok(read)
}

fn token(entry: &Value<'_>) -> Result<([u8; 32], Caller), Wrong> {
    let table = inner(entry, "token")?;
    check_keys(table, &["name", "sha256", "tenant", "scopes"])?;
    let required = |key: &str| {
        table.get(key).ok_or_else(|| (entry.span().start, format!("a token without {key}")))
    };
    let hash = required("sha256")?;
    let hash = hash_of(text(hash, "sha256")?).ok_or_else(|| {
        (hash.span().start, "sha256: 64 hexadecimal digits belong here".to_owned())
    })?;
    let scopes = required("scopes")?;
    let mut granted = Vec::new();
    for scope in list(scopes, "scopes")? {
        let named: Scope = text(scope, "scopes")?
            .parse()
            .map_err(|problem| (scope.span().start, format!("scopes: {problem}")))?;
        granted.push(named);
    }
    let name = checked("name", required("name")?)?;
    let tenant = checked("tenant", required("tenant")?)?;
    Ok((hash, Caller { name, tenant, scopes: granted }))
}

fn quotas(tenants: &DeTable<'_>) -> Result<Quotas, Wrong> {
    let mut quotas = Quotas::new();
    for (tenant, value) in tenants {
        let at = tenant.span().start;
        check_name("tenant", tenant.get_ref()).map_err(|error| (at, error.to_string()))?;
        quotas.insert(tenant.get_ref().to_string(), quota(inner(value, tenant.get_ref())?)?);
    }
    Ok(quotas)
}

fn quota(table: &DeTable<'_>) -> Result<Quota, Wrong> {
    check_keys(table, &["sessions", "memory_bytes", "events_a_second", "bytes_a_second"])?;
    let count = |key: &str| table.get(key).map(|value| count(value, key)).transpose();
    let bytes = |key: &str| table.get(key).map(|value| bytes(value, key)).transpose();
    let sessions = count("sessions")?.map(|count| usize::try_from(count).unwrap_or(usize::MAX));
    let (memory_bytes, bytes_a_second) = (bytes("memory_bytes")?, bytes("bytes_a_second")?);
    let events_a_second = count("events_a_second")?;
    for (key, rate) in [("events_a_second", events_a_second), ("bytes_a_second", bytes_a_second)] {
        if let (Some(0), Some(value)) = (rate, table.get(key)) {
            return Err((value.span().start, format!("{key}: must be at least 1")));
        }
    }
    Ok(Quota { sessions, memory_bytes, events_a_second, bytes_a_second })
}

fn count(value: &Value<'_>, key: &str) -> Result<u64, Wrong> {
    let integer = value.get_ref().as_integer();
    let count =
        integer.and_then(|integer| u64::from_str_radix(integer.as_str(), integer.radix()).ok());
    count.ok_or_else(|| (value.span().start, format!("{key}: a whole number belongs here")))
}

fn bytes(value: &Value<'_>, key: &str) -> Result<u64, Wrong> {
    let bytes = value.get_ref().as_str().and_then(config::size);
    let wrong = || (value.span().start, format!("{key}: a size, as \"256 MiB\", belongs here"));
    bytes.ok_or_else(wrong)
}

fn check_keys(table: &DeTable<'_>, known: &[&str]) -> Result<(), Wrong> {
    let unknown = table.keys().find(|key| !known.contains(&key.get_ref().as_ref()));
    match unknown {
        Some(key) => {
            let hint = hint(key.get_ref(), known.iter().copied());
            Err((key.span().start, format!("{}: unknown key{hint}", key.get_ref())))
        }
        None => Ok(()),
    }
}

/// A name that becomes a folder.
fn checked(key: &'static str, value: &Value<'_>) -> Result<String, Wrong> {
    let name = text(value, key)?;
    check_name(key, name).map_err(|error| (value.span().start, error.to_string()))?;
    Ok(name.to_owned())
}

fn text<'a>(value: &'a Value<'_>, key: &str) -> Result<&'a str, Wrong> {
    let wrong = || (value.span().start, format!("{key}: a text belongs here"));
    value.get_ref().as_str().ok_or_else(wrong)
}

fn list<'a, 'b>(value: &'a Value<'b>, key: &str) -> Result<&'a [Value<'b>], Wrong> {
    match value.get_ref() {
        DeValue::Array(values) => Ok(values),
        _ => Err((value.span().start, format!("{key}: a list belongs here"))),
    }
}

fn inner<'a, 'b>(value: &'a Value<'b>, key: &str) -> Result<&'a DeTable<'b>, Wrong> {
    match value.get_ref() {
        DeValue::Table(table) => Ok(table),
        _ => Err((value.span().start, format!("{key}: a table belongs here"))),
    }
}

fn hash_of(digits: &str) -> Option<[u8; 32]> {
    if digits.len() != 64 || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    let mut hash = [0; 32];
    for (at, byte) in hash.iter_mut().enumerate() {
        *byte = u8::from_str_radix(digits.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    Some(hash)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FreshToken;

    #[test]
    fn a_fresh_token_is_read_as_it_was_made() {
        let fresh = FreshToken::new("robot", "lab", &[Scope::Stream, Scope::Read]).unwrap();
        assert_eq!(fresh.secret.len(), 64);
        let quotas = "sessions = 8\nevents_a_second = 1_000_000\nmemory_bytes = \"2 GiB\"\n";
        let text = format!("{}[tenant.lab]\n{quotas}", fresh.entry);
        let table = parse(&text, Path::new("t.toml")).unwrap();
        let [(_, caller)] = &table.tokens[..] else { panic!("{table:?}") };
        assert_eq!((caller.name.as_str(), caller.tenant.as_str()), ("robot", "lab"));
        assert_eq!(caller.scopes, [Scope::Stream, Scope::Read]);
        let expected = Quota {
            sessions: Some(8),
            memory_bytes: Some(2 << 30),
            events_a_second: Some(1_000_000),
            bytes_a_second: None,
        };
        assert_eq!(table.quotas.get("lab"), Some(&expected));
    }

    #[test]
    fn what_makes_no_sense_is_named_with_its_line() {
        let good = FreshToken::new("a", "t", &[Scope::Read]).unwrap().entry;
        for (text, said) in [
            ("\n[[tokn]]\n", r#"t.toml:2: tokn: unknown key, did you mean "token"?"#),
            ("token = 3", "t.toml:1: token: a list belongs here"),
            ("[[token]]\nname = 'a'\n", "t.toml:1: a token without sha256"),
            ("[[token]]\nscops = []", r#"t.toml:2: scops: unknown key, did you mean "scopes"?"#),
            ("[[token]]\nsha256 = 'abc'", "t.toml:2: sha256: 64 hexadecimal digits"),
            ("[tenant.'../x']\nsessions = 3", "t.toml:1: tenant: expected 1 to 128"),
            ("[tenant.t]\nsessions = -3", "t.toml:2: sessions: a whole number"),
            ("[tenant.t]\nsession = 3", r#"did you mean "sessions"?"#),
            ("[tenant.t]\nmemory_bytes = 3", "t.toml:2: memory_bytes: a size, as \"256 MiB\""),
            ("[tenant.t]\nbytes_a_second = '0 B'", "bytes_a_second: must be at least 1"),
            ("[tenant.t]\nevents_a_second = 0", "t.toml:2: events_a_second: must be at least 1"),
            ("token = [", "t.toml:1: "),
            (&good.replace("\"t\"", "\"..\""), "t.toml:4: tenant: expected 1 to 128"),
            (
                &good.replace("read", "rea"),
                r#"t.toml:5: scopes: unknown scope "rea", did you mean"#,
            ),
            (&format!("{good}{good}"), r#"token "a" is there twice, as "a""#),
        ] {
            let error = parse(text, Path::new("t.toml")).unwrap_err().to_string();
            assert!(error.contains(said), "{error} for {said}");
        }
    }
}
