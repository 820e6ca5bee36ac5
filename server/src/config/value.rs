//! Kinds of values that a setting may have: how each is read and how it is written.
//!
//! A file gives values with types, the environment and flags give text. Both become a [`Given`],
//! which answers as what it is asked for, or says what it is instead. What [`Value::show`] writes
//! is TOML that reads back to the same value.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use toml::de::DeValue;

use super::{Listen, NetworksMode, Ratio};
use crate::{
    cores::Cores,
    telemetry::{Format, Output},
};

/// Bytes in each unit of a size.
const SIZES: [(&str, u64); 5] =
    [("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];

/// A value as it was given.
pub(super) enum Given<'a> {
    /// In a file, whose folder is what relative paths start from.
    Toml(&'a DeValue<'a>, &'a Path),
    /// In the environment or on the command line.
    Text(&'a str),
}

impl Given<'_> {
    fn text(&self) -> Result<&str, String> {
        match self {
            Self::Toml(value, _) => {
                value.as_str().ok_or_else(|| format!("{} where a text belongs", shown(value)))
            }
            Self::Text(text) => Ok(text),
        }
    }

    fn whole(&self) -> Result<u64, String> {
        let (digits, radix) = match self {
            Self::Toml(DeValue::Integer(integer), _) => {
                (integer.as_str().to_owned(), integer.radix())
            }
            Self::Toml(value, _) => {
                return Err(format!("{} where a whole number belongs", shown(value)));
            }
            Self::Text(text) => (text.replace('_', ""), 10),
        };
        u64::from_str_radix(&digits, radix).map_err(|_| format!("{digits:?} is no whole number"))
    }

    fn number(&self) -> Result<f64, String> {
        let digits = match self {
            Self::Toml(DeValue::Float(float), _) => float.as_str().to_owned(),
            Self::Toml(DeValue::Integer(integer), _) if integer.radix() == 10 => {
                integer.as_str().to_owned()
            }
            Self::Toml(value, _) => return Err(format!("{} where a number belongs", shown(value))),
            Self::Text(text) => (*text).to_owned(),
        };
        digits.parse().map_err(|_| format!("{digits:?} is no number"))
    }

    fn flag(&self) -> Result<bool, String> {
        match self {
            Self::Toml(value, _) => value
                .as_bool()
                .ok_or_else(|| format!("{} where true or false belongs", shown(value))),
            Self::Text("true") => Ok(true),
            Self::Text("false") => Ok(false),
            Self::Text(text) => Err(format!("{text:?} where true or false belongs")),
        }
    }
}

fn shown(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => format!("{text:?}"),
        DeValue::Integer(integer) => integer.as_str().to_owned(),
        DeValue::Float(float) => float.as_str().to_owned(),
        DeValue::Boolean(flag) => flag.to_string(),
        DeValue::Datetime(time) => time.to_string(),
        DeValue::Array(_) => "a list".into(),
        DeValue::Table(_) => "a table".into(),
    }
}

/// What a setting holds.
pub(super) trait Value: Sized {
    /// Reads a value; the error says what is wrong with it, without its key.
    fn read(given: &Given<'_>) -> Result<Self, String>;

    /// The value as TOML; nothing where it is not set.
    fn show(&self) -> Option<String>;
}

impl Value for bool {
    fn read(given: &Given<'_>) -> Result<Self, String> {
        given.flag()
    }

    fn show(&self) -> Option<String> {
        Some(self.to_string())
    }
}

impl Value for usize {
    fn read(given: &Given<'_>) -> Result<Self, String> {
        let whole = given.whole()?;
        Self::try_from(whole).map_err(|_| format!("{whole} is more than this machine counts"))
    }

    fn show(&self) -> Option<String> {
        Some(self.to_string())
    }
}

impl Value for u64 {
    fn read(given: &Given<'_>) -> Result<Self, String> {
        given.whole()
    }

    fn show(&self) -> Option<String> {
        Some(self.to_string())
    }
}

impl Value for String {
    fn read(given: &Given<'_>) -> Result<Self, String> {
        given.text().map(str::to_owned)
    }

    fn show(&self) -> Option<String> {
        Some(quoted(self))
    }
}

impl Value for Ratio {
    fn read(given: &Given<'_>) -> Result<Self, String> {
        let number = given.number()?;
        Self::new(number).ok_or_else(|| format!("{number} where a number from 0 to 1 belongs"))
    }

    fn show(&self) -> Option<String> {
        Some(toml::Value::from(self.get()).to_string())
    }
}

impl Value for Cores {
    fn read(given: &Given<'_>) -> Result<Self, String> {
        Self::parse(given.text()?)
    }

    fn show(&self) -> Option<String> {
        Some(quoted(&self.to_string()))
    }
}

impl Value for Duration {
    fn read(given: &Given<'_>) -> Result<Self, String> {
        let text = given.text().map_err(|problem| format!("{problem}: a time, as \"5 s\""))?;
        humantime::parse_duration(text)
            .map_err(|error| format!("{text:?} is no time, as \"5 s\" or \"250 ms\": {error}"))
    }

    fn show(&self) -> Option<String> {
        Some(quoted(&humantime::format_duration(*self).to_string()))
    }
}

/// A number of bytes, written with its unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Bytes(pub(super) u64);

impl Bytes {
    /// Reads `256 MiB`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let unit_at = text.find(|c: char| !c.is_ascii_digit() && c != '_')?;
        let (number, unit) = text.split_at(unit_at);
        let number: u64 = number.replace('_', "").parse().ok()?;
        let (_, bytes) = SIZES.into_iter().find(|(name, _)| *name == unit.trim())?;
        number.checked_mul(bytes).map(Self)
    }
}

impl std::fmt::Display for Bytes {
    /// In the largest unit that it is a whole number of.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let whole = |(_, bytes): &(&str, u64)| self.0 != 0 && self.0.is_multiple_of(*bytes);
        let (unit, bytes) = SIZES.into_iter().find(whole).unwrap_or(("B", 1));
        write!(formatter, "{} {unit}", self.0 / bytes)
    }
}

impl Value for Bytes {
    fn read(given: &Given<'_>) -> Result<Self, String> {
        let text = given.text().map_err(|problem| format!("{problem}: a size, as \"256 MiB\""))?;
        Self::parse(text).ok_or_else(|| {
            format!(
                "{text:?} is no size: a whole number of B, KiB, MiB, GiB or TiB, as \"256 MiB\""
            )
        })
    }

    fn show(&self) -> Option<String> {
        Some(quoted(&self.to_string()))
    }
}

impl Value for PathBuf {
    fn read(given: &Given<'_>) -> Result<Self, String> {
        let path = given.text()?;
        if path.is_empty() {
            return Err("an empty path".into());
        }
        let path = match given {
            Given::Toml(_, folder) => folder.join(path),
            Given::Text(_) => path.into(),
        };
        // So that it means the same wherever it is read again.
        std::path::absolute(&path).map_err(|error| format!("{}: {error}", path.display()))
    }

    fn show(&self) -> Option<String> {
        Some(quoted(&self.display().to_string()))
    }
}

impl Value for SocketAddr {
    fn read(given: &Given<'_>) -> Result<Self, String> {
        let text = given.text()?;
        text.parse().map_err(|_| format!("{text:?} is not ADDRESS:PORT"))
    }

    fn show(&self) -> Option<String> {
        Some(quoted(&self.to_string()))
    }
}

impl Value for Listen {
    fn read(given: &Given<'_>) -> Result<Self, String> {
        let text = given.text()?;
        Self::parse(text).ok_or_else(|| format!("{text:?} is neither ADDRESS:PORT nor unix:PATH"))
    }

    fn show(&self) -> Option<String> {
        Some(quoted(&self.to_string()))
    }
}

impl Value for NetworksMode {
    fn read(given: &Given<'_>) -> Result<Self, String> {
        let text = given.text()?;
        let modes = [Self::None, Self::Poll, Self::Explicit];
        modes
            .into_iter()
            .find(|mode| mode.name() == text)
            .ok_or_else(|| format!("{text:?} is neither \"none\" nor \"poll\" nor \"explicit\""))
    }

    fn show(&self) -> Option<String> {
        Some(quoted(self.name()))
    }
}

impl Value for Format {
    fn read(given: &Given<'_>) -> Result<Self, String> {
        match given.text()? {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            other => Err(format!("{other:?} is neither \"text\" nor \"json\"")),
        }
    }

    fn show(&self) -> Option<String> {
        let name = match self {
            Self::Text => "text",
            Self::Json => "json",
        };
        Some(quoted(name))
    }
}

impl Value for Output {
    fn read(given: &Given<'_>) -> Result<Self, String> {
        match given.text()? {
            "stderr" => Ok(Self::Stderr),
            "stdout" => Ok(Self::Stdout),
            other => Err(format!("{other:?} is neither \"stderr\" nor \"stdout\"")),
        }
    }

    fn show(&self) -> Option<String> {
        let name = match self {
            Self::Stderr => "stderr",
            Self::Stdout => "stdout",
        };
        Some(quoted(name))
    }
}

impl<T: Value> Value for Option<T> {
    fn read(given: &Given<'_>) -> Result<Self, String> {
        T::read(given).map(Some)
    }

    fn show(&self) -> Option<String> {
        self.as_ref().and_then(T::show)
    }
}

/// A text as TOML writes it.
fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reads<T: Value>(text: &str) -> Result<T, String> {
        T::read(&Given::Text(text))
    }

    #[test]
    fn sizes_have_units_and_are_written_without_rounding() {
        for (text, bytes, shown) in [
            ("256 MiB", 256 << 20, "256 MiB"),
            ("256MiB", 256 << 20, "256 MiB"),
            ("1024 KiB", 1 << 20, "1 MiB"),
            ("1_000_001 B", 1_000_001, "1000001 B"),
            ("0 B", 0, "0 B"),
        ] {
            let size: Bytes = reads(text).unwrap();
            assert_eq!((size.0, size.to_string().as_str()), (bytes, shown));
        }
        for bad in ["256", "MiB", "1.5 GiB", "-1 B", "99999999999 TiB", "1 MB", ""] {
            assert!(reads::<Bytes>(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn times_have_units() {
        for (text, time) in [
            ("5 s", Duration::from_secs(5)),
            ("5s", Duration::from_secs(5)),
            ("250 ms", Duration::from_millis(250)),
            ("2 min", Duration::from_secs(120)),
        ] {
            let read: Duration = reads(text).unwrap();
            assert_eq!(read, time);
            let shown = read.show().unwrap();
            assert_eq!(reads::<Duration>(shown.trim_matches('"')).unwrap(), time, "{shown}");
        }
        for bad in ["5", "soon", "-1 s", ""] {
            assert!(reads::<Duration>(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn counts_and_flags_are_what_they_say() {
        assert_eq!(reads::<usize>("1_024"), Ok(1_024));
        assert!(reads::<usize>("-1").is_err());
        assert_eq!(reads::<bool>("true"), Ok(true));
        assert!(reads::<bool>("yes").is_err());
    }
}
