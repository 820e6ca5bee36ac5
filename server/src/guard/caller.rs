//! Who makes a call.

use http::Extensions;

use super::scopes::{Need, Scope};
use crate::error::Error;

/// Whose sessions these are, where no tokens say who asks.
const LOCAL: &str = "local";

/// Who makes a call, as its token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Caller {
    /// Name of the token.
    pub(super) name: String,
    pub(super) tenant: String,
    pub(super) scopes: Vec<Scope>,
}

impl Caller {
    /// Whoever connects, where there are no tokens.
    pub(super) fn local() -> Self {
        Self { name: LOCAL.into(), tenant: LOCAL.into(), scopes: Scope::ALL.into() }
    }

    pub(super) fn check(&self, need: Need) -> Result<(), Error> {
        match need {
            Need::Scope(scope) if !self.scopes.contains(&scope) => {
                Err(Error::PermissionDenied { name: self.name.clone(), scope: scope.name() })
            }
            Need::Scope(_) | Need::Nothing => Ok(()),
        }
    }
}

/// The tenant that a call is for. A call that did not pass the guard has none, and is not served.
pub(crate) fn tenant(extensions: &Extensions) -> Result<String, Error> {
    let caller = extensions.get::<Caller>();
    let caller = caller.ok_or(Error::Internal("a call came past the guard"))?;
    Ok(caller.tenant.clone())
}
