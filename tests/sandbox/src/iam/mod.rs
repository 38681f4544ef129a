//! The functions' roles: every AWS call of a function is judged by the role that the translated template gives it, and
//! remembered, so that a test can hold what a function used against what it was granted.

mod denied;
mod dynamodb;
mod needs;
mod policy;
mod tags;

pub use needs::{Need, needs};
pub use policy::{Statement, allows};
pub(crate) use tags::add_tags;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

use anyhow::Context as _;
use axum::response::Response;

use crate::seed;
use crate::world::Caller;

/// Function to the statements of its role.
type Roles = HashMap<String, Vec<Statement>>;
/// Function to the actions and resources it used.
pub type Used = BTreeMap<String, BTreeSet<(String, String)>>;

/// What the functions may do, and what they did.
#[derive(Default)]
pub struct Iam {
    roles: RwLock<Option<Arc<Roles>>>,
    /// The account whose resources the calls name; policies are written for [`seed::ACCOUNT`].
    account: RwLock<Option<String>>,
    used: RwLock<Used>,
}

impl Iam {
    /// Reads the roles (`{"<function>": [{"Effect", "Action", "Resource", "Condition"}]}`) and holds the functions to
    /// them from now on. Returns false, and enforces nothing, where there is no such file.
    ///
    /// # Errors
    /// The file cannot be read, or holds something that is not understood: guessing a policy would be worse.
    pub fn load(&self, path: &Path) -> anyhow::Result<bool> {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(error).with_context(|| format!("{}", path.display())),
        };
        let roles = serde_json::from_str(&text).with_context(|| format!("{}", path.display()))?;
        self.enforce(roles);
        Ok(true)
    }

    /// Holds the functions to these roles from now on.
    pub fn enforce(&self, roles: HashMap<String, Vec<Statement>>) {
        *self.roles.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(roles));
    }

    /// Whether the functions are held to roles.
    pub fn enforced(&self) -> bool {
        self.roles.read().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// Says in which account the resources are.
    pub fn set_account(&self, account: &str) {
        *self.account.write().unwrap_or_else(PoisonError::into_inner) = Some(account.to_owned());
    }

    /// The refusal of this call in the shape of its service; none where it may go on.
    pub fn refusal(&self, caller: &Caller, kind: &str, needs: &[Need]) -> Option<Response> {
        if caller.0 == "admin" || needs.is_empty() {
            return None;
        }
        let account = self.account.read().unwrap_or_else(PoisonError::into_inner).clone();
        let needs: Vec<Need> = needs.iter().map(|need| need.in_seeded_account(account.as_deref())).collect();
        {
            let mut used = self.used.write().unwrap_or_else(PoisonError::into_inner);
            let of_caller = used.entry(caller.0.clone()).or_default();
            of_caller.extend(needs.iter().map(|need| (need.action.clone(), need.resource.clone())));
        }
        let roles = self.roles.read().unwrap_or_else(PoisonError::into_inner).clone()?;
        let statements = roles.get(&caller.0).map_or(&[][..], Vec::as_slice);
        let refused = needs.iter().find(|need| !allows(statements, need))?;
        tracing::warn!(
            caller = caller.0,
            action = refused.action,
            resource = refused.resource,
            "not allowed by the role"
        );
        Some(denied::response(caller, kind, refused))
    }

    /// Whether the caller's role has a condition on the tags of resources, which must be looked up then.
    pub(crate) fn asks_for_tags(&self, caller: &Caller) -> bool {
        let roles = self.roles.read().unwrap_or_else(PoisonError::into_inner);
        let statements = roles.as_ref().and_then(|roles| roles.get(&caller.0));
        statements.is_some_and(|statements| statements.iter().any(Statement::asks_for_tags))
    }

    /// What each function used: its actions with their resources.
    pub fn used(&self) -> Used {
        self.used.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What each function may do, as its role says; none where roles are not enforced.
    pub fn granted(&self) -> Option<Arc<HashMap<String, Vec<Statement>>>> {
        self.roles.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Forgets what was used.
    pub fn forget_used(&self) {
        self.used.write().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

impl Need {
    fn in_seeded_account(&self, account: Option<&str>) -> Self {
        let mut need = self.clone();
        if let Some(account) = account
            && account != seed::ACCOUNT
        {
            need.resource = need.resource.replace(account, seed::ACCOUNT);
        }
        need
    }
}
