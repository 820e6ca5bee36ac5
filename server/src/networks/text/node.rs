//! A value in the text with its path and its place: asked for as what it should be, it answers,
//! or notes what is wrong and answers nothing, so that one reading finds every problem.

use std::fmt::Display;
use std::ops::RangeInclusive;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::notes::Notes;
use crate::networks::name;

/// One value.
#[derive(Clone)]
pub(super) struct Node<'a> {
    notes: &'a Notes,
    pub(super) path: String,
    /// Where problems are shown [byte of the text].
    at: usize,
    value: &'a DeValue<'a>,
}

/// A table whose keys have been checked.
#[derive(Clone)]
pub(super) struct Table<'a> {
    notes: &'a Notes,
    path: String,
    at: usize,
    map: &'a DeTable<'a>,
}

impl<'a> Node<'a> {
    /// Notes a problem and answers nothing.
    pub(super) fn refuse<T>(&self, message: impl Display) -> Option<T> {
        self.notes.refuse(&self.path, self.at, message.to_string());
        None
    }

    pub(super) fn text(&self) -> Option<&'a str> {
        self.as_text().or_else(|| self.refuse(format!("{} where a text belongs", self.shown())))
    }

    /// The text, if it is one.
    pub(super) fn as_text(&self) -> Option<&'a str> {
        self.value.as_str()
    }

    pub(super) fn flag(&self) -> Option<bool> {
        let flag = self.value.as_bool();
        flag.or_else(|| self.refuse(format!("{} where true or false belongs", self.shown())))
    }

    /// A number without unit.
    pub(super) fn number(&self) -> Option<f64> {
        match self.as_number() {
            Some(number) if number.is_finite() => Some(number),
            Some(number) => self.refuse(format!("{number} is not finite")),
            None => self.refuse(format!("{} where a number belongs", self.shown())),
        }
    }

    /// The number, if it is one.
    pub(super) fn as_number(&self) -> Option<f64> {
        match self.value {
            // Integers have their digits grouped by underscores removed already.
            DeValue::Integer(integer) => {
                i64::from_str_radix(integer.as_str(), integer.radix()).ok().map(|i| i as f64)
            }
            DeValue::Float(float) => float.as_str().parse().ok(),
            _ => None,
        }
    }

    /// A whole number without unit.
    pub(super) fn whole<T>(&self, range: RangeInclusive<T>) -> Option<T>
    where
        T: TryFrom<i128> + PartialOrd + Display + Copy,
    {
        let DeValue::Integer(integer) = self.value else {
            return self.refuse(format!("{} where a whole number belongs", self.shown()));
        };
        let parsed = i128::from_str_radix(integer.as_str(), integer.radix()).ok();
        let fitting = parsed.and_then(|parsed| T::try_from(parsed).ok());
        fitting.filter(|number| range.contains(number)).or_else(|| {
            let (first, last) = (range.start(), range.end());
            self.refuse(format!("{} is not in {first} to {last}", integer.as_str()))
        })
    }

    pub(super) fn items(&self) -> Option<Vec<Self>> {
        match self.value {
            DeValue::Array(array) => {
                Some(array.iter().enumerate().map(|(index, item)| self.item(index, item)).collect())
            }
            _ => self.refuse(format!("{} where a list [...] belongs", self.shown())),
        }
    }

    /// The items of a list, or the value itself as the only one.
    pub(super) fn items_or_one(&self) -> Option<Vec<Self>> {
        if self.is_list() { self.items() } else { Some(vec![self.clone()]) }
    }

    /// Whether it is a table with that key. Notes nothing.
    pub(super) fn peek(&self, key: &str) -> bool {
        self.value.as_table().is_some_and(|map| map.contains_key(key))
    }

    /// A value of a table. Notes nothing.
    pub(super) fn child(&self, key: &str) -> Option<Self> {
        let map = self.value.as_table()?;
        let table = Table { notes: self.notes, path: self.path.clone(), at: self.at, map };
        table.get(key)
    }

    pub(super) fn is_list(&self) -> bool {
        self.value.is_array()
    }

    pub(super) fn is_table(&self) -> bool {
        self.value.is_table()
    }

    /// A table with none but these keys; `later` are words of versions to come.
    pub(super) fn table(&self, keys: &[&str], later: &[&str]) -> Option<Table<'a>> {
        let table = self.any_table()?;
        table.check_keys(keys, later);
        Some(table)
    }

    /// A table whose keys are the user's own.
    pub(super) fn any_table(&self) -> Option<Table<'a>> {
        match self.value {
            DeValue::Table(map) => {
                let path = self.path.clone();
                Some(Table { notes: self.notes, path, at: self.at, map })
            }
            _ => self.refuse(format!("{} where a table {{...}} belongs", self.shown())),
        }
    }

    /// A table of exactly one key, which says what kind of thing it is.
    pub(super) fn one_of(
        &self,
        kinds: &[&'static str],
        later: &[&str],
    ) -> Option<(&'static str, Self)> {
        if !self.is_table() {
            let example = kinds.first().copied().unwrap_or_default();
            return self.refuse(format!("{} where {{ {example} = ... }} belongs", self.shown()));
        }
        self.table(kinds, later)?.one_of(kinds)
    }

    /// One of some words.
    pub(super) fn word<T: Copy>(&self, words: &[(&str, T)], later: &[&str]) -> Option<T> {
        let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        let Some(text) = self.as_text() else {
            return self.refuse(format!("{} where {} belongs", self.shown(), quoted(&known)));
        };
        if let Some((_, meaning)) = words.iter().find(|(word, _)| *word == text) {
            return Some(*meaning);
        }
        if later.contains(&text) {
            return self.refuse(format!("{text:?} is not available in this version"));
        }
        self.refuse(format!("{text:?} where {} belongs", quoted(&known)))
    }

    /// What the value looks like, short.
    pub(super) fn shown(&self) -> String {
        match self.value {
            DeValue::String(text) if text.chars().count() > 40 => {
                format!("\"{}…\"", text.chars().take(40).collect::<String>())
            }
            DeValue::String(text) => format!("{text:?}"),
            DeValue::Integer(integer) => integer.as_str().into(),
            DeValue::Float(float) => float.as_str().into(),
            DeValue::Boolean(flag) => flag.to_string(),
            DeValue::Datetime(_) => "a date".into(),
            DeValue::Array(_) => "a list".into(),
            DeValue::Table(_) => "a table".into(),
        }
    }

    fn item(&self, index: usize, item: &'a Spanned<DeValue<'a>>) -> Self {
        let path = format!("{}[{index}]", self.path);
        Self { notes: self.notes, path, at: item.span().start, value: item.get_ref() }
    }
}

impl<'a> Table<'a> {
    pub(super) fn root(notes: &'a Notes, document: &'a Spanned<DeTable<'a>>) -> Self {
        Self { notes, path: String::new(), at: 0, map: document.get_ref() }
    }

    /// Notes a problem with the table as a whole and answers nothing.
    pub(super) fn refuse<T>(&self, message: impl Display) -> Option<T> {
        self.notes.refuse(&self.path, self.at, message.to_string());
        None
    }

    pub(super) fn get(&self, key: &str) -> Option<Node<'a>> {
        let (key, value) = self.map.get_key_value(key)?;
        Some(self.node(key, value))
    }

    /// A key that must be there; `example` says what might stand there.
    pub(super) fn need(&self, key: &str, example: &str) -> Option<Node<'a>> {
        self.get(key).or_else(|| self.refuse(format!("{key} is missing: {key} = {example}")))
    }

    /// All keys with their values, in the order of the file.
    pub(super) fn entries(&self) -> Vec<(&'a str, Node<'a>)> {
        let entries = self.map.iter();
        entries.map(|(key, value)| (key.get_ref().as_ref(), self.node(key, value))).collect()
    }

    /// Exactly one of these keys, whatever else there is.
    pub(super) fn one_of(&self, kinds: &[&'static str]) -> Option<(&'static str, Node<'a>)> {
        let mut found = kinds.iter().filter_map(|kind| Some((*kind, self.get(kind)?)));
        match (found.next(), found.next()) {
            (Some(only), None) => Some(only),
            (None, _) => self.refuse(format!("one of {} is missing", kinds.join(", "))),
            (Some((first, _)), Some((second, node))) => {
                node.refuse(format!("{first} and {second} exclude each other"))
            }
        }
    }

    pub(super) fn check_keys(&self, keys: &[&str], later: &[&str]) {
        for (key, node) in self.entries() {
            if later.contains(&key) {
                node.refuse::<()>("is not available in this version");
            } else if !keys.contains(&key) {
                let known = keys.join(", ");
                let hint = name::nearest(key, keys.iter().copied())
                    .map_or(format!(": there are {known}"), |near| {
                        format!(", did you mean {near:?}?")
                    });
                node.refuse::<()>(format!("unknown key{hint}"));
            }
        }
    }

    fn node(&self, key: &Spanned<impl AsRef<str>>, value: &'a Spanned<DeValue<'a>>) -> Node<'a> {
        let word = key.get_ref().as_ref();
        let path = if self.path.is_empty() { word.into() } else { format!("{}.{word}", self.path) };
        // The key's place: a table's own span may begin anywhere among its headers.
        let at = key.span().start;
        self.notes.place(&path, at);
        Node { notes: self.notes, path, at, value: value.get_ref() }
    }
}

fn quoted(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("{word:?}")).collect();
    quoted.join(" or ")
}
