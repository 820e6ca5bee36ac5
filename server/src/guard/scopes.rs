//! Which scope each call needs.
//!
//! One table of all methods; whatever is not in it is for admins.

use std::{fmt, str::FromStr};

/// What a token allows. None implies another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Lists, describes and watches.
    Read,
    /// Opens sessions, feeds, steps, snapshots, restores, forks, rewinds and closes them.
    Stream,
    /// Changes the networks, judges them, and lists the services.
    Admin,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Self; 3] = [Self::Read, Self::Stream, Self::Admin];

    /// Its name in files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Stream => "stream",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl FromStr for Scope {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|scope| scope.name() == text).ok_or_else(|| {
            let hint = crate::networks::name::hint(text, Self::ALL.map(Self::name));
            format!("unknown scope {text:?}{hint}: there are read, stream and admin")
        })
    }
}

/// What a method asks of its caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    /// Nothing, not even a token.
    Nothing,
    /// A token with this scope.
    Scope(Scope),
}

const READ: Need = Need::Scope(Scope::Read);
const STREAM: Need = Need::Scope(Scope::Stream);
const ADMIN: Need = Need::Scope(Scope::Admin);

/// Every method by its path.
const METHODS: [(&str, Need); 26] = [
    ("/grpc.health.v1.Health/Check", Need::Nothing),
    ("/grpc.health.v1.Health/Watch", Need::Nothing),
    ("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", ADMIN),
    ("/spiked.v1.NetworkService/ListNetworks", READ),
    ("/spiked.v1.NetworkService/DescribeNetwork", READ),
    ("/spiked.v1.NetworkService/UploadBlob", ADMIN),
    ("/spiked.v1.NetworkService/LoadNetwork", ADMIN),
    ("/spiked.v1.NetworkService/UnloadNetwork", ADMIN),
    ("/spiked.v1.NetworkService/DryRun", ADMIN),
    ("/spiked.v1.SessionService/ListSessions", READ),
    ("/spiked.v1.SessionService/ListSnapshots", READ),
    ("/spiked.v1.SessionService/WatchSession", READ),
    ("/spiked.v1.SessionService/GetLatencies", READ),
    ("/spiked.v1.SessionService/GetWeights", READ),
    ("/spiked.v1.SessionService/GetParameters", READ),
    ("/spiked.v1.SessionService/OpenSession", STREAM),
    ("/spiked.v1.SessionService/StepSession", STREAM),
    ("/spiked.v1.SessionService/SetWeights", STREAM),
    ("/spiked.v1.SessionService/SetParameters", STREAM),
    ("/spiked.v1.SessionService/SnapshotSession", STREAM),
    ("/spiked.v1.SessionService/DeleteSnapshot", STREAM),
    ("/spiked.v1.SessionService/RestoreSession", STREAM),
    ("/spiked.v1.SessionService/ForkSession", STREAM),
    ("/spiked.v1.SessionService/RewindSession", STREAM),
    ("/spiked.v1.SessionService/CloseSession", STREAM),
    ("/spiked.v1.StreamService/Stream", STREAM),
];

/// What a call of this path asks of its caller.
pub(super) fn needed(path: &str) -> Need {
    METHODS.iter().find(|(method, _)| *method == path).map_or(ADMIN, |(_, need)| *need)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use prost::Message as _;
    use prost_types::FileDescriptorSet;

    use super::*;

    fn methods(set: &[u8]) -> BTreeSet<String> {
        let set = FileDescriptorSet::decode(set).unwrap();
        let mut methods = BTreeSet::new();
        for file in &set.file {
            for service in &file.service {
                methods.extend(service.method.iter().map(|method| {
                    format!("/{}.{}/{}", file.package(), service.name(), method.name())
                }));
            }
        }
        methods
    }

    /// A method that is added to the contract must be given a scope on purpose.
    #[test]
    fn every_method_of_the_contract_is_in_the_table_and_nothing_else() {
        let mut there = methods(spiked_proto::v1::FILE_DESCRIPTOR_SET);
        assert!(there.len() > 10, "{there:?}");
        there.extend(methods(tonic_health::pb::FILE_DESCRIPTOR_SET));
        there.insert("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo".into());
        let known: BTreeSet<String> = METHODS.iter().map(|(path, _)| (*path).to_owned()).collect();
        assert_eq!(known, there);
    }

    /// The methods that `docs/protocol.md` names for a scope; the page says "reflection" for its method.
    fn documented(scope: Scope) -> BTreeSet<String> {
        let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/protocol.md");
        let page = std::fs::read_to_string(page).unwrap();
        let row = format!("| `{scope}` | ");
        let row = page.lines().find_map(|line| line.strip_prefix(&row)).unwrap();
        let names = row.trim_end_matches(" |").split(", ").map(|name| match name {
            "reflection" => "ServerReflectionInfo",
            name => name.trim_matches('`'),
        });
        names.map(str::to_owned).collect()
    }

    #[test]
    fn the_page_names_each_scopes_methods() {
        for scope in Scope::ALL {
            let of = METHODS.iter().filter(|(_, need)| *need == Need::Scope(scope));
            let names = of.map(|(path, _)| path.rsplit('/').next().unwrap().to_owned());
            assert_eq!(documented(scope), names.collect(), "{scope}");
        }
    }

    #[test]
    fn what_nobody_knows_is_for_admins() {
        assert_eq!(needed("/spiked.v1.SessionService/Unknown"), ADMIN);
        assert_eq!(needed("/grpc.health.v1.Health/Check"), Need::Nothing);
    }
}
