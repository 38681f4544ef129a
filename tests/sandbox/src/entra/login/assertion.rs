//! `client_assertion`: what a client presents instead of a secret. Who issued it decides how it is judged: the client
//! itself (a certificate), or somebody whom a federated identity credential trusts.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use serde_json::{Value, json};

use super::super::Tenant;
use super::super::data::{Application, Data, Federated};
use super::error::Refusal;

/// The only `client_assertion_type`.
pub(super) const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// How far clocks may differ, in seconds.
const LEEWAY: i64 = 300;

/// An assertion that can be read; nothing in it is proved.
pub(super) struct Presented {
    pub header: Value,
    pub claims: Value,
    /// Header and claims as they were signed.
    pub signed: String,
    pub signature: Vec<u8>,
    token: String,
}

impl Presented {
    /// Reads a compact JWT.
    pub fn read(token: &str) -> Option<Self> {
        let (signed, signature) = token.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        let part = |text: &str| serde_json::from_slice::<Value>(&URL_SAFE_NO_PAD.decode(text).ok()?).ok();
        let (header, claims) = (part(header)?, part(claims)?);
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        let usable = header.is_object() && claims.is_object();
        usable.then(|| Self { header, claims, signed: signed.to_owned(), signature, token: token.to_owned() })
    }

    /// `aud`: a text, or a list of them.
    pub fn audiences(&self) -> Vec<&str> {
        match &self.claims["aud"] {
            Value::Array(all) => all.iter().filter_map(Value::as_str).collect(),
            one => one.as_str().into_iter().collect(),
        }
    }

    /// Whether the client made it itself.
    pub fn is_own(&self) -> bool {
        self.claims["iss"].is_string() && self.claims["iss"] == self.claims["sub"]
    }

    /// Refuses an assertion outside `nbf` and `exp`, by the real clock. It must have an end.
    pub fn in_time(&self) -> Result<(), Refusal> {
        let now = Timestamp::now().as_second();
        let until = self.claims["exp"].as_i64();
        let from = self.claims["nbf"].as_i64().unwrap_or(i64::MIN);
        if until.is_some_and(|until| until + LEEWAY > now) && from.saturating_sub(LEEWAY) <= now {
            return Ok(());
        }
        let text = format!(
            "Client assertion is not within its valid time range. Current time: {}, expiry time of assertion {}.",
            Timestamp::now(),
            until
                .and_then(|until| Timestamp::from_second(until).ok())
                .map_or_else(String::new, |time| time.to_string())
        );
        Err(Refusal::client(700_024, text))
    }
}

/// Finds the federated identity credential that this assertion fits, byte for byte.
///
/// What does not fit has a code of its own (issuer 700211, audience 700212, subject 700213: published traffic since
/// 2024); a credential that the replicas do not know yet is none at all (70021), and while they disagree it may be known
/// once and unknown the next time.
pub(super) fn federated<'a>(
    data: &Data,
    app: &'a Application,
    presented: &Presented,
) -> Result<&'a Federated, Refusal> {
    let text = |name: &str| presented.claims[name].as_str().unwrap_or_default();
    let (issuer, subject) = (text("iss"), text("sub"));
    let audiences = presented.audiences();
    let one_audience = match audiences.as_slice() {
        [one] => one,
        _ => "",
    };
    let fits = |known: &&Federated| {
        known.issuer == issuer && known.subject == subject && known.audiences.iter().any(|known| known == one_audience)
    };
    let unknown = || {
        let text = format!(
            "No matching federated identity record found for presented assertion. Assertion Issuer: '{issuer}'. Assertion \
             Subject: '{subject}'. Assertion Audience: '{}'. \
             https://docs.microsoft.com/en-us/azure/active-directory/develop/workload-identity-federation",
            audiences.join(", ")
        );
        Refusal::request(70_021, text)
    };
    let (visible, hidden): (Vec<&Federated>, Vec<&Federated>) =
        app.federated.values().partition(|known| data.seen(&known.id));
    if let Some(found) = visible.iter().copied().find(fits) {
        return Ok(found);
    }
    if visible.is_empty() || hidden.iter().any(fits) {
        return Err(unknown());
    }
    let of_issuer: Vec<&Federated> = visible.into_iter().filter(|known| known.issuer == issuer).collect();
    let (code, name, value) = match of_issuer.as_slice() {
        [] => (700_211, "issuer", issuer),
        some if !some.iter().any(|known| known.subject == subject) => (700_213, "subject", subject),
        _ => (700_212, "audience", one_audience),
    };
    let text = format!(
        "No matching federated identity record found for presented assertion {name} '{value}'. Check your federated \
         identity credential Subject, Audience and Issuer against the presented assertion. \
         https://learn.microsoft.com/entra/workload-id/workload-identity-federation"
    );
    Err(Refusal::client(code, text))
}

/// Proves an assertion by what its issuer publishes. Only RS256 is taken (workload identity federation,
/// "Considerations"); the codes are UNCONFIRMED.
pub(super) async fn prove(tenant: &Tenant, presented: &Presented, issuer: &str) -> Result<(), Refusal> {
    if presented.header["alg"] != "RS256" {
        let text = "JWT token is invalid or malformed. Only tokens signed with RS256 are supported.";
        return Err(Refusal::client(50_027, text));
    }
    presented.in_time()?;
    let keys = published_keys(tenant, issuer).await.map_err(|reason| {
        tracing::info!(issuer, reason, "the issuer of a client assertion");
        Refusal::client(501_661, format!("Request to External OIDC endpoint failed. {issuer}"))
    })?;
    let mut validation = Validation::new(Algorithm::RS256);
    validation.validate_exp = false;
    validation.validate_aud = false;
    let kid = &presented.header["kid"];
    let proved = keys["keys"].as_array().into_iter().flatten().any(|key| {
        (kid.is_null() || key["kid"] == *kid)
            && serde_json::from_value::<Jwk>(key.clone())
                .and_then(|key| DecodingKey::from_jwk(&key).map_err(serde::de::Error::custom))
                .is_ok_and(|key| decode::<Value>(&presented.token, &key, &validation).is_ok())
    });
    if proved {
        return Ok(());
    }
    let text = "Assertion failed signature validation. [Reason - The key was not found.]";
    Err(Refusal::client(50_013, text))
}

/// The key set behind an issuer's discovery document.
async fn published_keys(tenant: &Tenant, issuer: &str) -> Result<Value, String> {
    let url = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
    let document = get_json(tenant, &url).await?;
    if document["issuer"] != json!(issuer) {
        return Err(format!("the document at {url} is of the issuer {}", document["issuer"]));
    }
    let keys = document["jwks_uri"].as_str().ok_or("the discovery document names no jwks_uri")?;
    get_json(tenant, keys).await
}

async fn get_json(tenant: &Tenant, url: &str) -> Result<Value, String> {
    let answer = tenant.world.fetch(url).await.map_err(|error| error.to_string())?;
    if !answer.status().is_success() {
        return Err(format!("{url} answers {}", answer.status()));
    }
    serde_json::from_slice(answer.body()).map_err(|error| format!("{url}: {error}"))
}
