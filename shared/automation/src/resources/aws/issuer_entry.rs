//! The entry of a trust's issuer in the Redshift application (rows R24, R25).

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use extoauth_core::engine::{
    ByHand, Field, Fields, Found, Later, Lookup, Made, Making, Ownership, Port, Presence, Resource, Value,
};
use extoauth_core::error::{CallError, CallResult, ErrorKind};
use extoauth_core::ids::Address;
use extoauth_systems::aws::issuers::{AuthorizedIssuer, same, with, without};
use extoauth_systems::redshift::{Read, Write};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::systems::Systems;
use crate::want::WantedTrust;

/// How often a list that somebody else changed meanwhile is merged again.
const MERGES: u32 = 3;
const LOST: &str = "somebody else keeps changing the list of issuers; ours does not stay in it";

/// The Redshift application accepts the tokens of our issuer that carry our audience. Everybody else's entries stay, and
/// so do other audiences of the same issuer: a tenant of Entra has one issuer for everybody.
pub struct IssuerEntry {
    application_arn: String,
    issuer_arn: Later<String>,
    audience: Later<String>,
}

/// How AWS names it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EntryIdentity {
    /// The application.
    pub application_arn: String,
    /// The issuer.
    pub issuer_arn: String,
    /// The audience.
    pub audience: String,
}

impl IssuerEntry {
    /// The entry of a trust.
    pub fn of(want: &WantedTrust, issuer_arn: &Later<String>, audience: &Later<String>) -> Self {
        Self {
            application_arn: want.application_arn.clone(),
            issuer_arn: issuer_arn.clone(),
            audience: audience.clone(),
        }
    }

    fn issuer(&self) -> &str {
        self.issuer_arn.value().map_or("", String::as_str)
    }

    fn audience(&self) -> &str {
        self.audience.value().map_or("", String::as_str)
    }

    async fn put(&self, client: &Write) -> CallResult<Made<AuthorizedIssuer>> {
        let (issuer, audience) = (self.issuer(), self.audience());
        let (list, request_id) = merge(client, &self.application_arn, |list| with(list, issuer, audience)).await?;
        let lost = || CallError::new(ErrorKind::Conflict, client.system().clone(), "add our issuer", LOST);
        let seen = list.into_iter().find(|entry| entry.issuer_arn == issuer).ok_or_else(lost)?;
        Ok(Made { seen, request_id })
    }
}

/// The key under which writers of the application's list exclude each other.
pub fn issuer_list_key(application_arn: &str) -> String {
    format!("redshift/{application_arn}/issuers")
}

/// Read, change, write whole, read again. The list has no version, so nothing stops another writer between our read and
/// our write; what they changed before our read is kept, and if they drop our entry right after, it is merged again.
/// Gives the list as it is then.
async fn merge(
    client: &Write,
    application_arn: &str,
    change: impl Fn(&[AuthorizedIssuer]) -> Result<Vec<AuthorizedIssuer>, String>,
) -> CallResult<(Vec<AuthorizedIssuer>, Option<String>)> {
    let fail = |kind, message: String| {
        CallError::new(kind, client.system().clone(), "change the list of issuers", message).on(application_arn)
    };
    let mut request_id = None;
    let mut before = client.application(application_arn).await?.issuers;
    for _ in 0..MERGES {
        let full = |why| fail(ErrorKind::Refused, format!("{why}: one that nobody uses must be taken out first"));
        let after = change(&before).map_err(full)?;
        if same(&after, &before) {
            return Ok((before, request_id));
        }
        request_id = client.replace_issuers(application_arn, &after).await?.request_id;
        before = client.application(application_arn).await?.issuers;
    }
    if change(&before).is_ok_and(|after| same(&after, &before)) {
        return Ok((before, request_id));
    }
    Err(fail(ErrorKind::Conflict, LOST.to_owned()))
}

/// Takes our audience out again. One that stood there before ours stays.
///
/// # Errors
/// As any call. An application that is gone is success.
pub async fn remove_entry(client: &Write, identity: &EntryIdentity, pre_image: &Value) -> CallResult<Option<String>> {
    let before: BTreeSet<String> = serde_json::from_value(pre_image.clone()).unwrap_or_default();
    if before.contains(&identity.audience) {
        return Ok(None);
    }
    let (issuer, audience) = (&identity.issuer_arn, &identity.audience);
    match merge(client, &identity.application_arn, |list| Ok(without(list, issuer, audience))).await {
        Err(e) if e.is_not_found() => Ok(None),
        other => Ok(other?.1),
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
        // The list tells issuers apart: under one that stood there before, others' audiences may stand.
        match (self.issuer_arn.presence(), self.audience.presence()) {
            (Presence::Here, Presence::Fresh) => Presence::Here,
            (issuer, audience) => issuer.and(audience),
        }
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
        Fields::from([("issuer", Field::later(&self.issuer_arn)), ("audience", Field::later(&self.audience))])
    }

    fn shows(&self, seen: &AuthorizedIssuer, _written: &BTreeMap<String, String>) -> Fields {
        Fields::from([
            ("issuer", Field::is(seen.issuer_arn.as_str())),
            ("audience", Field::is(accepted(seen, self.audience()))),
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
        EntryIdentity {
            application_arn: self.application_arn.clone(),
            issuer_arn: seen.issuer_arn.clone(),
            audience: self.audience().to_owned(),
        }
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

/// Our audience where it is accepted, else what is accepted instead.
fn accepted(entry: &AuthorizedIssuer, ours: &str) -> String {
    if entry.audiences.contains(ours) {
        return ours.to_owned();
    }
    entry.audiences.iter().cloned().collect::<Vec<_>>().join(", ")
}
