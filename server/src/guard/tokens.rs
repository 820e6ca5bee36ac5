//! The file of tokens: read at the start, and again when it changes or on SIGHUP.
//!
//! Tokens are kept as SHA-256 hashes. What a client sends is hashed and compared with all of them in
//! constant time. A new file that cannot be read leaves the old one in force.

mod file;

use std::{
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
};

use sha2::{Digest as _, Sha256};
use subtle::{Choice, ConditionallySelectable as _, ConstantTimeEq as _};

use super::caller::Caller;
use crate::{
    StartError,
    config::read_short,
    error::Error,
    session::{meter::Quotas, registry::Registry},
};

/// What the file says.
#[derive(Debug, Default)]
struct Table {
    tokens: Vec<([u8; 32], Caller)>,
    quotas: Quotas,
}

/// Who may do what.
pub(crate) struct Tokens {
    /// None where whoever connects may do everything.
    file: Option<PathBuf>,
    table: RwLock<Arc<Table>>,
}

impl Tokens {
    /// Reads the file, if there is one.
    pub(crate) fn open(file: Option<&Path>) -> Result<Self, StartError> {
        let table = file.map(read).transpose()?.unwrap_or_default();
        Ok(Self { file: file.map(Path::to_owned), table: RwLock::new(Arc::new(table)) })
    }

    /// Who sent this token.
    pub(super) fn caller(&self, token: Option<&[u8]>) -> Result<Caller, Error> {
        if self.file.is_none() {
            return Ok(Caller::local());
        }
        let token = token.ok_or(Error::Unauthenticated { problem: "no token" })?;
        let table = self.table();
        let found = table.find(&Sha256::digest(token).into());
        found.cloned().ok_or(Error::Unauthenticated { problem: "unknown token" })
    }

    /// What tenants may have.
    pub(crate) fn quotas(&self) -> Quotas {
        self.table().quotas.clone()
    }

    fn table(&self) -> Arc<Table> {
        // It is replaced as a whole, so a poisoned one is whole.
        self.table.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads the file again; says how many tokens there are.
    fn reload(&self, file: &Path) -> Result<usize, StartError> {
        let table = read(file)?;
        let count = table.tokens.len();
        *self.table.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(table);
        Ok(count)
    }
}

impl Table {
    /// Looks at every token, whatever the first ones are, so that the time tells nothing.
    fn find(&self, hash: &[u8; 32]) -> Option<&Caller> {
        let (mut found, mut at) = (Choice::from(0), 0_u64);
        for (index, (known, _)) in (0_u64..).zip(&self.tokens) {
            let equal = known.ct_eq(hash);
            found |= equal;
            at.conditional_assign(&index, equal);
        }
        let at = usize::try_from(at).ok().filter(|_| found.into())?;
        self.tokens.get(at).map(|(_, caller)| caller)
    }
}

fn read(file: &Path) -> Result<Table, StartError> {
    file::parse(&read_short(file)?, file)
}

/// Reads the file again when it changes and on SIGHUP, for ever; nothing where there is none.
///
/// # Errors
///
/// Signals that cannot be received.
pub(crate) fn follow(
    tokens: &Arc<Tokens>,
    registry: Arc<Registry>,
) -> Result<Option<impl Future<Output = ()> + use<>>, StartError> {
    let Some(file) = tokens.file.clone() else {
        return Ok(None);
    };
    let (tokens, files) = (tokens.clone(), vec![file.clone()]);
    let following = super::follow::follow(files, move || match tokens.reload(&file) {
        Ok(count) => {
            registry.set_quotas(tokens.quotas());
            tracing::info!(tokens = count, "read the file of tokens");
        }
        Err(error) => tracing::error!(%error, "the tokens stay as they were"),
    });
    following.map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guard::Scope;

    fn caller(name: &str) -> Caller {
        Caller { name: name.into(), tenant: "lab".into(), scopes: vec![Scope::Read] }
    }

    #[test]
    fn each_token_finds_its_own_caller_and_no_other_any() {
        let names = ["one", "two", "three"];
        let hash = |name: &str| -> [u8; 32] { Sha256::digest(name.as_bytes()).into() };
        let tokens = names.iter().map(|name| (hash(name), caller(name))).collect();
        let table = Table { tokens, quotas: Quotas::new() };
        for name in names {
            assert_eq!(table.find(&hash(name)), Some(&caller(name)));
        }
        assert_eq!(table.find(&hash("four")), None);
        assert_eq!(Table::default().find(&hash("one")), None);
    }
}
