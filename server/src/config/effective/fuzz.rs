//! Hostile bytes in the place of a configuration: see `spiked-fuzz`.

use spiked_fuzz::Target;

use super::*;

fn examples() -> Vec<Vec<u8>> {
    let defaults = Effective::default().to_string();
    let texts = [
        "listen = \"0.0.0.0:7411\"\ninsecure = true\nnetworks = \"n\"\n[limits]\nsessions = 3\n",
        "data = \"/var/lib/spiked\"\ntokens = \"t.toml\"\nlimits.lease = \"90s\"\n",
        "[limits]\nqueue_bytes = \"4 MiB\"\nplan_bytes = 100\n[log]\nformat = \"json\"\n",
        &defaults,
    ];
    texts.map(|text| text.as_bytes().to_vec()).to_vec()
}

/// What is taken can be printed, and what is printed reads back to the same.
#[test]
fn config_files() {
    let path = Path::new("/etc/spiked/spiked.toml");
    let reads = |text: &str| {
        let mut effective = Effective::default();
        effective.read_text(text, path).map(|()| effective)
    };
    Target::new("config_files", examples()).text().bytes_max(4_096).run(|input| {
        let Ok(text) = str::from_utf8(input) else { return false };
        let Ok(effective) = reads(text) else { return false };
        let _ = effective.config().check();
        let printed = effective.to_string();
        let again = reads(&printed).unwrap_or_else(|error| panic!("{error}\n{printed}"));
        let values = |effective: &Effective| -> Vec<Option<String>> {
            effective.keys.iter().map(|key| key.show(&effective.config)).collect()
        };
        assert_eq!(values(&again), values(&effective), "{printed}");
        true
    });
}

/// Variables, one a line.
#[test]
fn config_variables() {
    let all: Vec<String> = keys().iter().map(Key::variable).collect();
    let lines = |value: &str| -> Vec<u8> {
        all.iter().map(|name| format!("{name}={value}\n")).collect::<String>().into_bytes()
    };
    let words = ["30s", "4 MiB", "true", "127.0.0.1:0", "unix:/x", "json", "17", ""];
    let each = all.iter().flat_map(|name| words.map(|value| format!("{name}={value}\n")));
    let mut examples: Vec<Vec<u8>> = each.map(String::into_bytes).collect();
    examples.push(lines(""));
    Target::new("config_variables", examples).text().bytes_max(2_048).run(|input| {
        let Ok(text) = str::from_utf8(input) else { return false };
        let pairs = text.lines().filter_map(|line| line.split_once('='));
        let pairs = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let mut effective = Effective::default();
        effective.read_environment(pairs).is_ok() && effective.config().check().is_ok()
    });
}
