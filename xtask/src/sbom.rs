//! `cargo xtask sbom`: what the binary is made of, in the form of CycloneDX 1.5 as JSON.
//!
//! Nothing in it depends on when or where it was made, so that two builds of one commit give the same
//! bytes: there is no time stamp and no serial number.

use std::str::FromStr;

use anyhow::{Context as _, bail};
use serde_json::{Value, json};

use crate::shipped::{self, Id, Linked};
use crate::workspace::Workspace;

/// Something in the binary that is no crate: the C library, say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Also {
    name: String,
    version: String,
    licence: String,
}

impl FromStr for Also {
    type Err = anyhow::Error;

    /// Reads `NAME@VERSION=LICENCE`.
    fn from_str(text: &str) -> anyhow::Result<Self> {
        let parts = || {
            let (what, licence) = text.split_once('=')?;
            let (name, version) = what.split_once('@')?;
            Some((name, version, licence))
        };
        let (name, version, licence) = parts().context("write NAME@VERSION=LICENCE")?;
        if [name, version, licence].iter().any(|part| part.trim().is_empty()) {
            bail!("{text:?} leaves a part empty");
        }
        Ok(Self { name: name.into(), version: version.into(), licence: licence.into() })
    }
}

/// The list of parts, as text.
pub(crate) fn sbom(workspace: &Workspace, also: &[Also]) -> anyhow::Result<String> {
    let crates = shipped::linked(workspace)?;
    Ok(serde_json::to_string_pretty(&document(&crates, also)?)? + "\n")
}

fn document(crates: &[Linked], also: &[Also]) -> anyhow::Result<Value> {
    let is_binary = |one: &&Linked| one.id.0 == "spiked";
    let binary = crates.iter().find(is_binary).context("the binary is not among its crates")?;
    let libraries = crates.iter().filter(|one| !is_binary(one));
    let components = libraries.map(|one| component("library", one)).chain(also.iter().map(part));
    let dependencies = crates.iter().map(|one| {
        let needs: Vec<String> = one.needs.iter().map(purl).collect();
        json!({ "ref": purl(&one.id), "dependsOn": needs })
    });
    Ok(json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": { "component": component("application", binary) },
        "components": components.collect::<Vec<_>>(),
        "dependencies": dependencies.collect::<Vec<_>>(),
    }))
}

fn component(kind: &str, one: &Linked) -> Value {
    let mut component = json!({
        "type": kind,
        "bom-ref": purl(&one.id),
        "name": one.id.0,
        "version": one.id.1,
        "purl": purl(&one.id),
    });
    if let Some(licence) = &one.licence {
        component["licenses"] = json!([{ "expression": licence }]);
    }
    if let Some(checksum) = &one.checksum {
        component["hashes"] = json!([{ "alg": "SHA-256", "content": checksum }]);
    }
    component
}

fn part(also: &Also) -> Value {
    let Also { name, version, licence } = also;
    json!({
        "type": "library",
        "bom-ref": format!("{name}@{version}"),
        "name": name,
        "version": version,
        "licenses": [{ "expression": licence }],
    })
}

/// The address of a package, as a list of parts writes it.
fn purl(id: &Id) -> String {
    let (name, version) = id;
    // A `+` would be read as a space.
    format!("pkg:cargo/{name}@{}", version.replace('+', "%2B"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn linked(name: &str, needs: &[&str]) -> Linked {
        let id = |name: &str| (name.to_owned(), "1.0.0+x".to_owned());
        Linked {
            id: id(name),
            licence: Some("MIT".into()),
            folder: "x".into(),
            checksum: (name != "spiked").then(|| "ab".into()),
            needs: needs.iter().map(|name| id(name)).collect(),
        }
    }

    #[test]
    fn the_binary_stands_apart_from_its_parts() {
        let glibc: Also = "glibc@2.36=LGPL-2.1-or-later".parse().unwrap();
        let crates = [linked("a", &[]), linked("spiked", &["a"])];
        let document = document(&crates, &[glibc]).unwrap();
        assert_eq!(document["metadata"]["component"]["name"], "spiked");
        let names = |at: usize| document["components"][at]["name"].as_str().unwrap_or("none");
        assert_eq!([names(0), names(1), names(2)], ["a", "glibc", "none"]);
        assert_eq!(document["components"][0]["hashes"][0]["content"], "ab");
        let needs = &document["dependencies"][1];
        assert_eq!(needs["dependsOn"][0], "pkg:cargo/a@1.0.0%2Bx");
    }

    #[test]
    fn a_part_without_version_or_licence_is_refused() {
        for text in ["glibc", "glibc@2.36", "glibc=LGPL", "glibc@=LGPL", "@2=LGPL", "a@2="] {
            assert!(text.parse::<Also>().is_err(), "{text}");
        }
    }
}
