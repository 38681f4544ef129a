//! The trusted token issuer of a trust (rows R22, R23).

use std::collections::BTreeMap;
use std::time::Duration;

use extoauth_core::engine::{
    ByHand, Field, Fields, Found, Later, Lookup, Made, Making, Mark, Ownership, Port, Presence, Resource,
};
use extoauth_core::error::{CallError, CallResult, ErrorKind};
use extoauth_core::ids::Address;
use extoauth_systems::identity_center::{Issuer, NewIssuer, Read, Write};
use serde::{Deserialize, Serialize};

use crate::systems::Systems;
use crate::want::WantedTrust;

/// Identity Center accepts the tokens of one issuer.
///
/// It never checks the URL and fails without notice when it is wrong (IAM Identity Center user guide), so the URL comes
/// from the identity provider itself and is never put together here.
pub struct TrustedTokenIssuer {
    url: Later<String>,
    name: String,
    claim: String,
    attribute: String,
}

/// How AWS names it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct IssuerIdentity {
    /// ARN.
    pub arn: String,
}

/// What was read of it.
pub struct Seen {
    issuer: Issuer,
    ours: bool,
}

/// Tag that names the deployment.
const DEPLOYMENT_TAG: &str = "extoauth:deployment";
/// Tag that names the subject.
const SUBJECT_TAG: &str = "extoauth:subject";

impl TrustedTokenIssuer {
    /// The issuer of a trust. `url` is the identity provider's own word for it.
    pub fn of(want: &WantedTrust, url: &Later<String>) -> Self {
        Self {
            url: url.clone(),
            name: want.issuer_name.clone(),
            claim: want.terms.claim.clone(),
            attribute: want.terms.attribute.clone(),
        }
    }
}

/// The tags that mark an issuer as ours.
fn tags(mark: &Mark) -> BTreeMap<String, String> {
    BTreeMap::from([
        (DEPLOYMENT_TAG.to_owned(), mark.deployment.clone()),
        (SUBJECT_TAG.to_owned(), mark.subject.to_string()),
    ])
}

fn is_marked(found: &BTreeMap<String, String>, mark: &Mark) -> bool {
    tags(mark).iter().all(|(name, value)| found.get(name) == Some(value))
}

impl Resource for TrustedTokenIssuer {
    type Systems = Systems;
    type Read = Read;
    type Write = Write;
    type Seen = Seen;
    type Identity = IssuerIdentity;
    type Output = String;

    const KIND: &'static str = "identity_center.issuer";
    const ROW: &'static str = "R22";
    // A create with the same client token gives the same issuer, so there is nothing to wait out.
    const LAG: Duration = Duration::ZERO;

    fn address(&self) -> Address {
        Address::of("identity_center.issuer")
    }

    fn port(systems: &Systems) -> Option<&Port<Read, Write>> {
        Some(&systems.identity_center)
    }

    fn parents(&self) -> Presence {
        self.url.presence()
    }

    async fn read(&self, client: &Read, by: &Lookup<'_, IssuerIdentity>) -> CallResult<Found<Seen>> {
        if let Some(identity) = by.recorded {
            return Ok(match extoauth_core::error::absent_is_none(client.issuer(&identity.arn).await)? {
                // Whether it is ours was settled when it was recorded.
                Some(issuer) => Found::Here(Seen { issuer, ours: true }),
                None => Found::Absent,
            });
        }
        let Some(url) = self.url.value() else { return Ok(Found::Absent) };
        let Some(issuer) = client.issuers().await?.into_iter().find(|i| i.url == *url) else {
            return Ok(Found::Absent);
        };
        let ours = by.intent && is_marked(&client.tags(&issuer.arn).await?, by.mark);
        Ok(Found::Here(Seen { issuer, ours }))
    }

    fn wants(&self) -> Fields {
        Fields::from([
            ("issuer_url", Field::later(&self.url)),
            ("claim", Field::is(self.claim.as_str())),
            ("attribute", Field::is(self.attribute.as_str())),
        ])
    }

    fn shows(&self, seen: &Seen, _written: &BTreeMap<String, String>) -> Fields {
        Fields::from([
            ("issuer_url", Field::is(seen.issuer.url.as_str())),
            ("claim", Field::is(seen.issuer.claim.as_str())),
            ("attribute", Field::is(seen.issuer.attribute.as_str())),
        ])
    }

    fn immutable(&self) -> &'static [&'static str] {
        &["issuer_url"]
    }

    async fn create(&self, client: &Write, making: &Making<'_>) -> CallResult<Made<Seen>> {
        let new = NewIssuer {
            name: self.name.clone(),
            url: self.url.value().cloned().unwrap_or_default(),
            claim: self.claim.clone(),
            attribute: self.attribute.clone(),
            tags: tags(making.mark),
        };
        let made = client.create_issuer(&new, making.intent).await?;
        let issuer =
            Issuer { arn: made.value, name: new.name, url: new.url, claim: new.claim, attribute: new.attribute };
        Ok(Made { seen: Seen { issuer, ours: true }, request_id: made.request_id })
    }

    async fn update(&self, client: &Write, seen: &Seen, _making: &Making<'_>) -> CallResult<Made<Seen>> {
        if !seen.ours {
            let message = format!(
                "the issuer {} was made by somebody else and maps `{}` to `{}`, not `{}` to `{}`; it is not changed, \
                 since others may rely on it. Ask for its mapping in the ticket, or have its owner change it",
                seen.issuer.arn, seen.issuer.claim, seen.issuer.attribute, self.claim, self.attribute
            );
            let error = CallError::new(ErrorKind::Refused, client.system().clone(), "change the issuer", message);
            return Err(error.on(&seen.issuer.name));
        }
        let written = client.update_issuer(&seen.issuer.arn, Some(&self.claim), Some(&self.attribute)).await?;
        let issuer = Issuer { claim: self.claim.clone(), attribute: self.attribute.clone(), ..seen.issuer.clone() };
        Ok(Made { seen: Seen { issuer, ours: true }, request_id: written.request_id })
    }

    fn identity(&self, seen: &Seen) -> IssuerIdentity {
        IssuerIdentity { arn: seen.issuer.arn.clone() }
    }

    fn ownership(&self, before: Option<&Seen>) -> Ownership {
        match before {
            Some(seen) if !seen.ours => Ownership::Foreign,
            _ => Ownership::Ours,
        }
    }

    fn output(&self, seen: &Seen) -> String {
        seen.issuer.arn.clone()
    }

    fn by_hand(&self) -> ByHand {
        ByHand {
            who: "the administrator of IAM Identity Center",
            what: format!(
                "Create a trusted token issuer named {} with exactly this issuer URL (no slash added or removed)",
                self.name
            ),
            place: "IAM Identity Center > Settings > Authentication > Trusted token issuers".into(),
        }
    }
}
