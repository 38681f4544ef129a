//! The entry of a trust's issuer in the Redshift application (rows R24, R25).

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use extoauth_core::engine::{
    ByHand, Field, Fields, Found, Later, Lookup, Made, Making, Ownership, Port, Presence, Resource, Value,
};
use extoauth_core::error::{CallError, CallResult, ErrorKind};
use extoauth_core::ids::Address;
use extoauth_systems::aws::issuers::{AuthorizedIssuer, MAX_ISSUERS, same};
use extoauth_systems::redshift::{Read, Write};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::systems::Systems;
use crate::want::WantedTrust;

/// How often a list that somebody else changed meanwhile is merged again.
const MERGES: u32 = 3;

/// The Redshift application accepts the tokens of our issuer that carry our audience. Everybody else's entries stay.
pub struct IssuerEntry {
    application_arn: String,
    issuer_arn: Later<String>,
    audience: String,
}

/// How AWS names it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EntryIdentity {
    /// The application.
    pub application_arn: String,
    /// The issuer.
    pub issuer_arn: String,
}

impl IssuerEntry {
    /// The entry of a trust.
    pub fn of(want: &WantedTrust, issuer_arn: &Later<String>) -> Self {
        Self {
            application_arn: want.application_arn.clone(),
            issuer_arn: issuer_arn.clone(),
            audience: want.terms.audience.clone(),
        }
    }

    fn wanted(&self) -> AuthorizedIssuer {
        AuthorizedIssuer {
            issuer_arn: self.issuer_arn.value().cloned().unwrap_or_default(),
            audiences: BTreeSet::from([self.audience.clone()]),
        }
    }

    async fn put(&self, client: &Write) -> CallResult<Made<AuthorizedIssuer>> {
        let wanted = self.wanted();
        let request_id = merge(client, &self.application_arn, |mut list| {
            list.retain(|entry| entry.issuer_arn != wanted.issuer_arn);
            list.push(wanted.clone());
            list
        })
        .await?;
        Ok(Made { seen: wanted, request_id })
    }
}

/// The key under which writers of the application's list exclude each other.
pub fn issuer_list_key(application_arn: &str) -> String {
    format!("redshift/{application_arn}/issuers")
}

/// Read, change, write whole, read again. The list has no version, so nothing stops another writer between our read and
/// our write; what they changed before our read is kept, and if they drop our entry right after, it is merged again.
async fn merge(
    client: &Write,
    application_arn: &str,
    change: impl Fn(Vec<AuthorizedIssuer>) -> Vec<AuthorizedIssuer>,
) -> CallResult<Option<String>> {
    let mut request_id = None;
    let mut before = client.application(application_arn).await?.issuers;
    for _ in 0..MERGES {
        let after = change(before.clone());
        if same(&after, &before) {
            return Ok(request_id);
        }
        if after.len() > MAX_ISSUERS {
            let message = format!(
                "the application accepts {} issuers already, and AWS allows {MAX_ISSUERS}: one that nobody uses must \
                 be taken out first",
                before.len()
            );
            let error = CallError::new(ErrorKind::Refused, client.system().clone(), "add our issuer", message);
            return Err(error.on(application_arn));
        }
        request_id = client.replace_issuers(application_arn, &after).await?.request_id;
        before = client.application(application_arn).await?.issuers;
    }
    if same(&change(before.clone()), &before) {
        return Ok(request_id);
    }
    let message = "somebody else keeps changing the list of issuers; ours does not stay in it";
    Err(CallError::new(ErrorKind::Conflict, client.system().clone(), "add our issuer", message).on(application_arn))
}

/// Takes our entry out again. An entry that stood there before ours is put back.
///
/// # Errors
/// As any call. An application that is gone is success.
pub async fn remove_entry(client: &Write, identity: &EntryIdentity, pre_image: &Value) -> CallResult<Option<String>> {
    let before: Option<BTreeSet<String>> = serde_json::from_value(pre_image.clone()).ok();
    let result = merge(client, &identity.application_arn, |mut list| {
        list.retain(|entry| entry.issuer_arn != identity.issuer_arn);
        if let Some(audiences) = before.clone().filter(|a| !a.is_empty()) {
            list.push(AuthorizedIssuer { issuer_arn: identity.issuer_arn.clone(), audiences });
        }
        list
    })
    .await;
    match result {
        Err(e) if e.is_not_found() => Ok(None),
        other => other,
    }
}

impl Resource for IssuerEntry {
    type Systems = Systems;
    type Read = Read;
    type Write = Write;
    type Seen = AuthorizedIssuer;
    type Identity = EntryIdentity;
    type Output = ();

    const KIND: &'static str = "redshift.issuer_entry";
    const ROW: &'static str = "R25";
    // Written whole and read back: nothing to wait out.
    const LAG: Duration = Duration::ZERO;

    fn address(&self) -> Address {
        Address::of("redshift.issuer_entry")
    }

    fn port(systems: &Systems) -> Option<&Port<Read, Write>> {
        Some(&systems.redshift)
    }

    fn parents(&self) -> Presence {
        self.issuer_arn.presence()
    }

    fn shared_key(&self) -> Option<String> {
        Some(issuer_list_key(&self.application_arn))
    }

    async fn read(&self, client: &Read, _by: &Lookup<'_, EntryIdentity>) -> CallResult<Found<AuthorizedIssuer>> {
        let application = client.application(&self.application_arn).await?;
        let ours = self.issuer_arn.value();
        let entry = application.issuers.into_iter().find(|entry| Some(&entry.issuer_arn) == ours);
        Ok(entry.map_or(Found::Absent, Found::Here))
    }

    fn wants(&self) -> Fields {
        Fields::from([("issuer", Field::later(&self.issuer_arn)), ("audiences", Field::set([self.audience.clone()]))])
    }

    fn shows(&self, seen: &AuthorizedIssuer, _written: &BTreeMap<String, String>) -> Fields {
        Fields::from([
            ("issuer", Field::is(seen.issuer_arn.as_str())),
            ("audiences", Field::set(seen.audiences.iter().cloned())),
        ])
    }

    async fn create(&self, client: &Write, _making: &Making<'_>) -> CallResult<Made<AuthorizedIssuer>> {
        self.put(client).await
    }

    async fn update(
        &self,
        client: &Write,
        _seen: &AuthorizedIssuer,
        _making: &Making<'_>,
    ) -> CallResult<Made<AuthorizedIssuer>> {
        self.put(client).await
    }

    fn identity(&self, seen: &AuthorizedIssuer) -> EntryIdentity {
        EntryIdentity { application_arn: self.application_arn.clone(), issuer_arn: seen.issuer_arn.clone() }
    }

    fn ownership(&self, before: Option<&AuthorizedIssuer>) -> Ownership {
        Ownership::Entry { pre_image: before.map_or(Value::Null, |entry| json!(entry.audiences)) }
    }

    fn output(&self, _seen: &AuthorizedIssuer) {}

    fn by_hand(&self) -> ByHand {
        ByHand {
            who: "the administrator of Amazon Redshift",
            what:
                "On the application's client connections, accept the trusted token issuer with exactly this audience, \
                   and keep every other entry"
                    .into(),
            place: format!("Amazon Redshift > IAM Identity Center connections > {}", self.application_arn),
        }
    }
}
