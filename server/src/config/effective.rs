//! What the daemon is told in all: a file, then the environment, then flags, the later ones winning.
//!
//! Each value remembers where it came from. Printed, it is a file that reads back to the same.

use std::{
    collections::BTreeMap,
    fmt::{self, Display},
    fs,
    path::Path,
};

use toml::de::{DeTable, DeValue};

use super::{
    Config,
    keys::{Key, keys},
    value::Given,
};
use crate::{StartError, networks::name};

/// Longest file that is read \[bytes\].
const FILE_BYTES_MAX: u64 = 1 << 20;

/// Variables of the clients and of this module that are no keys.
const OTHER_VARIABLES: [&str; 6] = [
    "SPIKED_CONFIG",
    "SPIKED_TOKEN",
    "SPIKED_ADDRESS",
    "SPIKED_CA",
    "SPIKED_CERTIFICATE",
    "SPIKED_KEY",
];

/// A configuration, and where each value came from.
pub struct Effective {
    config: Config,
    keys: Vec<Key>,
    origins: BTreeMap<&'static str, String>,
}

impl Default for Effective {
    fn default() -> Self {
        Self { config: Config::default(), keys: keys(), origins: BTreeMap::new() }
    }
}

impl Effective {
    /// The configuration, not yet checked as a whole.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Takes the values of a TOML file. Relative paths in it start from its folder.
    ///
    /// # Errors
    ///
    /// A file that cannot be read, an unknown key (with the nearest known one), a value that makes
    /// no sense: each with file and line.
    pub fn read_file(&mut self, path: &Path) -> Result<(), StartError> {
        let text = read_short(path)?;
        self.read_text(&text, path)
    }

    fn read_text(&mut self, text: &str, path: &Path) -> Result<(), StartError> {
        let place = |at: usize| format!("{}:{}", path.display(), line_of(text, at));
        let table = DeTable::parse(text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            StartError::Config { place: place(at), problem: error.message().to_owned() }
        })?;
        let mut found = Vec::new();
        flatten(table.get_ref(), "", &mut found);
        let folder = path.parent().unwrap_or(Path::new(""));
        for (name, at, value) in found {
            let place = place(at);
            if is_table(&self.keys, &name) && matches!(value, DeValue::Table(_)) {
                continue;
            }
            let key = key(&self.keys, &name);
            let key = key.map_err(|problem| refused(&place, &name, &problem))?;
            key.set(&mut self.config, &Given::Toml(value, folder))
                .map_err(|problem| refused(&place, &name, &problem))?;
            self.origins.insert(key.name, place);
        }
        Ok(())
    }

    /// Takes the values of variables like `SPIKED_LIMITS_SESSIONS`. Empty ones count as not set.
    ///
    /// # Errors
    ///
    /// A variable `SPIKED_…` that means nothing, with the nearest that does; a value that makes no
    /// sense.
    pub fn read_environment(
        &mut self,
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Result<(), StartError> {
        for (variable, value) in variables {
            if value.is_empty() || !variable.starts_with("SPIKED_") || is_foreign(&variable) {
                continue;
            }
            let known = self.keys.iter().find(|key| key.variable() == variable);
            let key = known.ok_or_else(|| {
                let all: Vec<String> = self.keys.iter().map(Key::variable).collect();
                let hint = name::hint(&variable, all.iter().map(String::as_str));
                refused("environment", &variable, &format!("unknown variable{hint}"))
            })?;
            key.set(&mut self.config, &Given::Text(&value))
                .map_err(|problem| refused("environment", &variable, &problem))?;
            self.origins.insert(key.name, variable);
        }
        Ok(())
    }

    /// Takes one value of the command line; `flag` is what the user wrote.
    ///
    /// # Errors
    ///
    /// An unknown key, with the nearest known one; a value that makes no sense.
    pub fn read_flag(&mut self, flag: &str, name: &str, value: &str) -> Result<(), StartError> {
        let key = key(&self.keys, name).map_err(|problem| refused(flag, name, &problem))?;
        key.set(&mut self.config, &Given::Text(value))
            .map_err(|problem| refused(flag, name, &problem))?;
        self.origins.insert(key.name, flag.to_owned());
        Ok(())
    }
}

fn key<'a>(keys: &'a [Key], name: &str) -> Result<&'a Key, String> {
    let tables = tables(keys).filter(|table| *table != name);
    let known = keys.iter().map(|key| key.name).chain(tables);
    keys.iter()
        .find(|key| key.name == name)
        .ok_or_else(|| format!("unknown key{}", name::hint(name, known)))
}

/// The tables that settings stand in, each as often as there are.
fn tables(keys: &[Key]) -> impl Iterator<Item = &'static str> {
    keys.iter().filter_map(|key| Some(key.name.split_once('.')?.0))
}

fn is_table(keys: &[Key], name: &str) -> bool {
    tables(keys).any(|table| table == name)
}

impl Display for Effective {
    /// As a file, with where each value came from behind it.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut open = "";
        for key in &self.keys {
            let (table, name) = key.name.split_once('.').unwrap_or(("", key.name));
            if table != open {
                writeln!(formatter, "\n[{table}]")?;
                open = table;
            }
            let origin = self.origins.get(key.name).map_or("default", String::as_str);
            match key.show(&self.config) {
                Some(value) => writeln!(formatter, "{name} = {value}  # {origin}")?,
                None => writeln!(formatter, "# {name} is not set")?,
            }
        }
        Ok(())
    }
}

/// Reads a file of settings, which has a bound like everything else.
pub(crate) fn read_short(path: &Path) -> Result<String, StartError> {
    let place = path.display().to_string();
    let failed = |problem: String| StartError::Config { place: place.clone(), problem };
    let size = fs::metadata(path).map_err(|error| failed(error.to_string()))?.len();
    if size > FILE_BYTES_MAX {
        return Err(failed(format!("{size} bytes where {FILE_BYTES_MAX} are the most")));
    }
    fs::read_to_string(path).map_err(|error| failed(error.to_string()))
}

/// The values of a table and the tables in it, by their whole names, in the order of the text. A table
/// with nothing in it stands for itself.
fn flatten<'a>(
    table: &'a DeTable<'a>,
    prefix: &str,
    found: &mut Vec<(String, usize, &'a DeValue<'a>)>,
) {
    for (key, value) in table {
        let name = if prefix.is_empty() {
            key.get_ref().to_string()
        } else {
            format!("{prefix}.{}", key.get_ref())
        };
        match value.get_ref() {
            DeValue::Table(inner) if !inner.is_empty() => flatten(inner, &name, found),
            value => found.push((name, key.span().start, value)),
        }
    }
}

/// What is in the environment of a Kubernetes pod when a service is called "spiked", and what
/// clients read.
fn is_foreign(variable: &str) -> bool {
    OTHER_VARIABLES.contains(&variable)
        || variable.starts_with("SPIKED_SERVICE_")
        || variable == "SPIKED_PORT"
        || variable.starts_with("SPIKED_PORT_")
}

fn refused(place: &str, name: &str, problem: &str) -> StartError {
    StartError::Config { place: place.to_owned(), problem: format!("{name}: {problem}") }
}

/// The line of a place in a text.
pub(crate) fn line_of(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
}

#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod tests {
    use super::*;

    fn variables(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn flags_win_over_the_environment_and_that_over_the_file() {
        let mut all = Effective::default();
        let text = "listen = \"127.0.0.1:1\"\n[limits]\nsessions = 1\nsnapshots = 1\nworkers = 1\n";
        all.read_text(text, Path::new("a.toml")).unwrap();
        let set = [("SPIKED_LIMITS_SESSIONS", "2"), ("SPIKED_LIMITS_WORKERS", "2"), ("HOME", "x")];
        all.read_environment(variables(&set)).unwrap();
        all.read_flag("--set", "limits.workers", "3").unwrap();
        let limits = &all.config().limits;
        assert_eq!((limits.snapshots, limits.sessions, limits.workers), (1, 2, 3));
        let printed = all.to_string();
        for line in [
            "snapshots = 1  # a.toml:4",
            "sessions = 2  # SPIKED_LIMITS_SESSIONS",
            "workers = 3  # --set",
            "connections = 1024  # default",
            "listen = \"127.0.0.1:1\"  # a.toml:1",
        ] {
            assert!(printed.lines().any(|printed| printed == line), "{line} in {printed}");
        }
    }

    /// Catches a value that is written in another way than it is read, for every key there is.
    #[test]
    fn what_is_printed_reads_back_to_the_same() {
        let mut all = Effective::default();
        let text = r#"
            networks = "nets \"x\""
            [limits]
            snapshot_bytes = "1000001 B"
            shutdown_grace = "1500 ms"
        "#;
        all.read_text(text, Path::new("folder/a.toml")).unwrap();
        let mut again = Effective::default();
        again.read_text(&all.to_string(), Path::new("elsewhere/b.toml")).unwrap();
        let values = |all: &Effective| -> Vec<_> {
            all.keys.iter().map(|key| (key.name, key.show(&all.config))).collect()
        };
        assert_eq!(values(&again), values(&all));
        let networks = again.config().networks.as_ref().unwrap();
        assert!(networks.is_absolute() && networks.ends_with("folder/nets \"x\""), "{networks:?}");
    }

    #[test]
    fn what_makes_no_sense_is_named_with_its_place_and_the_nearest_key() {
        for (text, said) in [
            (
                "\n[limits]\nconections = 3",
                r#"a.toml:3: limits.conections: unknown key, did you mean "limits.connections"?"#,
            ),
            ("lisen = 'x'", r#"a.toml:1: lisen: unknown key, did you mean "listen"?"#),
            ("listen = 7", "a.toml:1: listen: 7 where a text belongs"),
            ("listen = 'here'", "neither ADDRESS:PORT nor unix:PATH"),
            ("\n[limts]", r#"a.toml:2: limts: unknown key, did you mean "limits"?"#),
            ("limits = 3", "a.toml:1: limits: unknown key"),
            ("[limits]\nsessions = '3'", "\"3\" where a whole number belongs"),
            ("[limits]\nqueue_bytes = 3", "a size, as \"256 MiB\""),
            ("[limits]\nopen_deadline = '3'", "a.toml:2: limits.open_deadline: \"3\" is no time"),
            ("listen = ", "a.toml:1: "),
        ] {
            let error = Effective::default().read_text(text, Path::new("a.toml")).unwrap_err();
            assert!(error.to_string().contains(said), "{error}");
        }
        Effective::default().read_text("[limits]", Path::new("a.toml")).unwrap();
        let set = variables(&[("SPIKED_LIMITS_SESSION", "3")]);
        let error = Effective::default().read_environment(set).unwrap_err().to_string();
        assert!(error.contains("did you mean \"SPIKED_LIMITS_SESSIONS\"?"), "{error}");
    }

    #[test]
    fn variables_that_are_not_ours_are_left_alone() {
        let set = variables(&[
            ("SPIKED_SERVICE_HOST", "10.0.0.1"),
            ("SPIKED_PORT_7411_TCP", "tcp://10.0.0.1:7411"),
            ("SPIKED_TOKEN", "secret"),
            ("SPIKED_CA", "ca.pem"),
            ("SPIKED_CERTIFICATE", "a.pem"),
            ("SPIKED_KEY", "a.key"),
            ("SPIKED_NETWORKS", ""),
        ]);
        Effective::default().read_environment(set).unwrap();
    }
}
