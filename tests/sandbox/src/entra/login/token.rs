//! `/oauth2/v2.0/token` and `/oauth2/token`: codes, refresh tokens and client credentials for tokens.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::super::Tenant;
use super::super::data::{Application, Data};
use super::client_auth::{self, Proof};
use super::consent::{self, Consent};
use super::error::Refusal;
use super::scopes::{Asked, DEFAULT, Resource};
use super::{Form, Realm, Refresh, Session, Version, lifetime, mint};
use crate::seed::ENTRA_TENANT;

/// Codes live ten minutes.
const CODE: Duration = Duration::from_secs(600);
/// Refresh tokens end after this time without use. There is no knob for it.
const IDLE: SignedDuration = SignedDuration::from_hours(90 * 24);

pub(super) fn routes() -> Router<Arc<Tenant>> {
    let only_post =
        || async { Refusal::request(900_561, "The endpoint only accepts POST requests. Received a GET request.") };
    Router::new()
        .route("/{tenant}/oauth2/token", post(v1).get(only_post))
        .route("/{tenant}/oauth2/v2.0/token", post(v2).get(only_post))
}

async fn v1(State(tenant): State<Arc<Tenant>>, Path(name): Path<String>, headers: HeaderMap, body: Bytes) -> Response {
    answer(&tenant, Version::V1, &name, &headers, &body).await
}

async fn v2(State(tenant): State<Arc<Tenant>>, Path(name): Path<String>, headers: HeaderMap, body: Bytes) -> Response {
    answer(&tenant, Version::V2, &name, &headers, &body).await
}

async fn answer(tenant: &Tenant, version: Version, name: &str, headers: &HeaderMap, body: &[u8]) -> Response {
    match token(tenant, version, name, headers, &Form::parse(body)).await {
        Ok(body) => {
            let mut response = Json(body).into_response();
            let headers = response.headers_mut();
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store, no-cache"));
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
            response
        }
        Err(refusal) => refusal.into_response(),
    }
}

/// One token request, its client proved.
struct Request<'a> {
    tenant: &'a Tenant,
    version: Version,
    form: &'a Form,
    app: Application,
    proof: Proof,
}

async fn token(
    tenant: &Tenant,
    version: Version,
    name: &str,
    headers: &HeaderMap,
    form: &Form,
) -> Result<Value, Refusal> {
    let realm = Realm::of(name)?;
    let grant = form.required("grant_type")?;
    if !matches!(grant, "authorization_code" | "refresh_token" | "client_credentials") {
        let text = format!("The app requested an unsupported grant type '{grant}'.");
        return Err(Refusal::new(400, "unsupported_grant_type", 70_003, text));
    }
    let (app, proof) = client_auth::client(tenant, headers, form).await?;
    realm.admits(&app)?;
    let request = Request { tenant, version, form, app, proof };
    let mut data = tenant.data();
    match grant {
        "authorization_code" => request.code(&mut data),
        "refresh_token" => request.refresh(&mut data),
        _ => request.client_credentials(&data),
    }
}

impl Request<'_> {
    /// A code counts once, for the client and redirect URI it was made for. Either version of the endpoint takes it.
    fn code(&self, data: &mut Data) -> Result<Value, Refusal> {
        let given = self.form.required("code")?;
        if data.sign_in.redeemed.contains(given) {
            let text = "OAuth2 Authorization code was already redeemed, please retry with a new valid code or use an \
                        existing refresh token.";
            return Err(Refusal::grant(54_005, text));
        }
        let code = data.sign_in.codes.get(given).cloned().ok_or_else(Refusal::malformed)?;
        self.check_owner(&code.session)?;
        if code.made.elapsed() > CODE {
            let text = "The provided authorization code or refresh token has expired due to inactivity. Send a new \
                        interactive authorization request for this user and resource.";
            return Err(Refusal::grant(70_008, text));
        }
        let redirect = self.form.required("redirect_uri")?;
        if redirect != code.redirect_uri {
            let text = format!(
                "The reply address '{redirect}' does not match the reply address '{}' provided when requesting \
                 Authorization code.",
                code.redirect_uri
            );
            return Err(Refusal::grant(500_112, text));
        }
        if !self.app.redirect_uris().any(|web| web == redirect) {
            let text = "Tokens issued for the 'Single-Page Application' client-type may only be redeemed via cross-origin \
                        requests.";
            return Err(Refusal::request(9_002_327, text));
        }
        let verifier = self.form.get("code_verifier");
        let challenge = verifier.map(|verifier| URL_SAFE_NO_PAD.encode(Sha256::digest(verifier)));
        if challenge != code.challenge {
            let text = "The Code_Verifier does not match the code_challenge supplied in the authorization request.";
            return Err(Refusal::grant(501_481, text));
        }
        data.sign_in.codes.remove(given);
        data.sign_in.redeemed.insert(given.to_owned());
        self.for_user(data, code.session, code.nonce.as_deref())
    }

    /// A refresh token stays good when a newer one is given out; 90 days without use end it.
    fn refresh(&self, data: &mut Data) -> Result<Value, Refusal> {
        let given = self.form.required("refresh_token")?;
        let known = data.sign_in.refresh.get(given).cloned().ok_or_else(Refusal::malformed)?;
        self.check_owner(&known.session)?;
        let now = self.tenant.now();
        if known.made + IDLE <= now {
            let text = format!(
                "The refresh token has expired due to inactivity. The token was issued on {} and was inactive for \
                 90.00:00:00.",
                known.made
            );
            return Err(Refusal::grant(700_082, text));
        }
        let mut session = known.session;
        session.asked = self.asked_again(&session.asked)?;
        let answer = self.for_user(data, session, None)?;
        if let Some(used) = data.sign_in.refresh.get_mut(given) {
            used.made = now;
        }
        Ok(answer)
    }

    /// What a refresh asks for: the same, or another resource that was consented to. What the session has of OpenID
    /// Connect it keeps.
    fn asked_again(&self, before: &Asked) -> Result<Asked, Refusal> {
        let mut asked = match (self.version, self.form.get("scope"), self.form.get("resource")) {
            (Version::V2, Some(scope), _) => Asked::parse(scope)?,
            (Version::V1, _, Some(resource)) => Asked::of_resource(resource),
            _ => return Ok(before.clone()),
        };
        if asked.scopes.is_empty() {
            asked.resource.clone_from(&before.resource);
            asked.scopes.clone_from(&before.scopes);
        }
        asked.oidc.clone_from(&before.oidc);
        Ok(asked)
    }

    fn check_owner(&self, session: &Session) -> Result<(), Refusal> {
        if session.client == self.app.app_id {
            return Ok(());
        }
        let text = "Provided grant is invalid or malformed. The grant was issued for a different client id.";
        Err(Refusal::grant(70_000, text))
    }

    /// Tokens for a person, if everything still holds: account, client, assignment, resource, consent.
    fn for_user(&self, data: &mut Data, session: Session, nonce: Option<&str>) -> Result<Value, Refusal> {
        let user = consent::active(data, &session.user)?.clone();
        let principal = consent::admit(data, &self.app, &user)?;
        let asked = &session.asked;
        let resource = Resource::find(data, &asked.resource)?;
        resource.check(&self.app, asked)?;
        let consent = Consent::weigh(data, &self.app, &principal, &resource, asked, &user)?;
        if !consent.complete() {
            return Err(Consent::refusal(&self.app));
        }
        let lifetime = lifetime::of_access_token(data.lifetime_policy(resource.app.as_ref()));
        let order = mint::Order {
            client: &self.app,
            principal: &principal,
            proof: self.proof,
            resource: &resource,
            asked,
            lifetime,
        };
        let roles = data.app_roles(&user.id, &resource.principal.id);
        let token = mint::for_user(self.tenant, &order, &user, &consent.granted, &roles);
        let mut answer = self.answer(token, lifetime, asked);
        answer["scope"] = json!(self.shown_scopes(&resource, asked, &consent.granted));
        if self.version == Version::V1 || asked.has("openid") {
            let id_token = mint::id_token(self.tenant, self.version, &self.app, asked, &user, nonce);
            answer["id_token"] = json!(id_token);
        }
        if asked.has("offline_access") {
            let value = format!("1.{}", mint::opaque(96));
            data.sign_in.refresh.insert(value.clone(), Refresh { session, made: self.tenant.now() });
            answer["refresh_token"] = json!(value);
        }
        Ok(answer)
    }

    /// `scope` of the answer: those of the resource with its name before them, but Graph's without.
    fn shown_scopes(&self, resource: &Resource, asked: &Asked, granted: &[String]) -> String {
        let plain = self.version == Version::V1 || resource.app.is_none();
        let shown = granted.iter().map(|scope| match plain {
            true => scope.clone(),
            false => format!("{}/{scope}", asked.resource),
        });
        shown.collect::<Vec<_>>().join(" ")
    }

    /// A token for the client itself. Its rights are app roles; without any it still gets a token, unless the resource
    /// requires assignment.
    fn client_credentials(&self, data: &Data) -> Result<Value, Refusal> {
        let asked = match self.version {
            Version::V1 => Asked::of_resource(self.form.required("resource")?),
            Version::V2 => {
                let scope = self.form.required("scope")?;
                let invalid = || {
                    let text = format!(
                        "The provided value for scope {scope} is not valid. Client credential flows must have a scope \
                         value with /.default suffixed to the resource identifier (application ID URI)."
                    );
                    Refusal::new(400, "invalid_scope", 1_002_012, text)
                };
                let asked = Asked::parse(scope)?;
                if asked.scopes != [DEFAULT] || !asked.oidc.is_empty() {
                    return Err(invalid());
                }
                asked
            }
        };
        let absent = || {
            let text = format!(
                "The client application {} is missing service principal in the tenant {ENTRA_TENANT}. See instructions \
                 here: https://go.microsoft.com/fwlink/?linkid=2225119",
                self.app.app_id
            );
            Refusal::new(401, "unauthorized_client", 7_000_229, text)
        };
        let principal = consent::usable(data, &self.app, absent())?;
        let resource = Resource::find(data, &asked.resource)?;
        let assigned = || data.assigned(&resource.principal.id, &principal.id);
        if resource.principal.assignment_required() && !assigned() {
            let text = format!(
                "Application '{}'({}) is not assigned to a role for the application '{}'({}).",
                self.app.app_id,
                self.app.name(),
                asked.resource,
                resource.principal.shown["displayName"].as_str().unwrap_or_default()
            );
            return Err(Refusal::grant(501_051, text));
        }
        let policy = data.lifetime_policy(resource.app.as_ref());
        // An hour where no policy says otherwise: published answers show 3599 seconds.
        let lifetime = policy.map_or(Duration::from_secs(3600), |policy| lifetime::of_access_token(Some(policy)));
        let order = mint::Order {
            client: &self.app,
            principal: &principal,
            proof: self.proof,
            resource: &resource,
            asked: &asked,
            lifetime,
        };
        let roles = data.app_roles(&principal.id, &resource.principal.id);
        Ok(self.answer(mint::for_client(self.tenant, &order, &roles), lifetime, &asked))
    }

    /// The answer with an access token. Version 1 writes numbers as texts.
    fn answer(&self, token: String, lifetime: Duration, asked: &Asked) -> Value {
        let seconds = lifetime.as_secs() - 1;
        if self.version == Version::V2 {
            return json!({"token_type": "Bearer", "expires_in": seconds, "ext_expires_in": seconds, "access_token": token});
        }
        let now = Timestamp::now().as_second();
        json!({
            "token_type": "Bearer", "expires_in": seconds.to_string(), "ext_expires_in": seconds.to_string(),
            "not_before": (now - 300).to_string(), "expires_on": now.saturating_add_unsigned(seconds).to_string(),
            "resource": asked.resource, "access_token": token,
        })
    }
}
