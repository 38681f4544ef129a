//! `/oauth2/{server}/v1/token`: codes, refresh tokens and client credentials for tokens of a custom authorization server.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::post;
use serde_json::{Value, json};

use super::super::context::{Cx, ok};
use super::super::data::{App, Data, RefreshToken, Server, Stamp, User};
use super::super::error::{Answer, Problem};
use super::super::{Org, ids, log};
use super::authorize::requested_scopes;
use super::evaluate::{Lifetimes, evaluate};
use super::{Form, active_server, client_auth, issuer, mint};

pub(super) fn routes() -> Router<Arc<Org>> {
    Router::new().route("/oauth2/{server}/v1/token", post(token))
}

fn invalid_grant(text: &str) -> Problem {
    Problem::oauth(400, "invalid_grant", text)
}

/// The app may not use the grant it asks with.
pub(super) fn wrong_grant(app: &App) -> Problem {
    let grants = app.oauth()["grant_types"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let grants = grants.collect::<Vec<_>>().join(", ");
    let text =
        format!("The client is not authorized to use the provided grant type. Configured grant types: [{grants}].");
    Problem::oauth(400, "unauthorized_client", text)
}

/// One token request with everything that is settled before its grant is looked at.
struct Asked<'a> {
    org: &'a Org,
    cx: &'a Cx,
    form: &'a Form,
    server: Server,
    app: App,
    thumbprint: Option<String>,
}

async fn token(State(org): State<Arc<Org>>, cx: Cx, Path(server): Path<String>, form: Form) -> Answer {
    let mut data = org.data();
    let server = active_server(&data, &server)?.clone();
    let app = client_auth::client(&org, &mut data, &cx.headers, &cx.path, &form)?;
    let grant = form.get("grant_type").unwrap_or_default();
    if !matches!(grant, "authorization_code" | "refresh_token" | "client_credentials") {
        let text = "The grant type in the request isn't supported.";
        return Err(Problem::oauth(400, "unsupported_grant_type", text));
    }
    if !app.allows("grant_types", grant) {
        return Err(wrong_grant(&app));
    }
    let thumbprint = client_auth::binding(&org, &cx.headers, &cx.path, &app)?;
    let asked = Asked { org: &org, cx: &cx, form: &form, server, app, thumbprint };
    match grant {
        "authorization_code" => asked.code(&mut data),
        "refresh_token" => asked.refresh(&mut data),
        _ => asked.client_credentials(&mut data),
    }
}

impl Asked<'_> {
    /// Codes live five minutes and count once, for the client, redirect URI and PKCE verifier they were made for.
    fn code(&self, data: &mut Data) -> Answer {
        let gone = || invalid_grant("The authorization code is invalid or has expired.");
        let given = self.form.get("code").unwrap_or_default();
        let code = data.codes.get(given).filter(|code| code.server == self.server.id).cloned().ok_or_else(gone)?;
        if code.app != self.app.id {
            let text = "The grant was issued to another client. Ensure that the `client_id` matches the one used at the authorize request.";
            return Err(invalid_grant(text));
        }
        data.codes.remove(given);
        if code.made.elapsed() > Duration::from_secs(300) {
            return Err(gone());
        }
        if self.form.get("redirect_uri") != Some(&code.redirect_uri) {
            let text = "The 'redirect_uri' does not match the redirection URI used in the authorization request.";
            return Err(invalid_grant(text));
        }
        let verifier = self.form.get("code_verifier").map(ids::sha256_url);
        if verifier != code.challenge {
            return Err(invalid_grant("PKCE verification failed."));
        }
        let user = self.person(data, &code.user).ok_or_else(gone)?;
        let rule = evaluate(data, &self.server, &self.app, Some(&user.id), "authorization_code", &code.scopes)?;
        let offline = code.scopes.iter().any(|scope| scope == "offline_access");
        let refresh = (offline && self.app.allows("grant_types", "refresh_token"))
            .then(|| self.new_refresh_token(data, &user, &code.scopes, rule));
        self.answer(data, Some(&user), &code.scopes, rule, refresh, code.nonce.as_deref())
    }

    /// The person, if active and still assigned.
    fn person(&self, data: &Data, id: &str) -> Option<User> {
        let user = data.users.get(id).filter(|user| user.status == "ACTIVE")?;
        data.assigned(&self.app, &user.id).then(|| user.clone())
    }

    fn new_refresh_token(&self, data: &mut Data, user: &User, scopes: &[String], rule: Lifetimes) -> RefreshToken {
        let token = RefreshToken {
            id: ids::id("oar"),
            value: ids::token::<32>(),
            previous: None,
            app: self.app.id.clone(),
            user: user.id.clone(),
            server: self.server.id.clone(),
            scopes: scopes.to_vec(),
            lifetime: rule.refresh,
            window: rule.window,
            stamp: Stamp::new(self.org.now()),
        };
        data.refresh_values.insert(token.value.clone(), token.id.clone());
        data.refresh_tokens.insert(token.id.clone(), token.clone());
        token
    }

    /// A refresh token within its idle window and lifetime (those of the rule that made it; the access token gets the
    /// lifetime of the rule in force now). With ROTATE the value changes, the old one is good for the leeway only, and
    /// its use after that ends the family.
    fn refresh(&self, data: &mut Data) -> Answer {
        let gone = || invalid_grant("The refresh token is invalid or expired.");
        let given = self.form.get("refresh_token").unwrap_or_default();
        let id = data.refresh_values.get(given).cloned().ok_or_else(gone)?;
        let known = data.refresh_tokens.get(&id).cloned().ok_or_else(gone)?;
        let now = self.org.now();
        if known.app != self.app.id || known.server != self.server.id || known.expires() <= now {
            return Err(gone());
        }
        let in_leeway = known.previous.as_ref().is_some_and(|(value, until)| value == given && *until > Instant::now());
        if known.value != given && !in_leeway {
            data.refresh_tokens.remove(&id);
            data.refresh_values.retain(|_, token| *token != id);
            self.log(data, None, "app.oauth2.as.token.detect_reuse", "refresh_token");
            return Err(gone());
        }
        let user = self.person(data, &known.user).ok_or_else(gone)?;
        let wanted = self.form.words("scope");
        if wanted.iter().any(|scope| !known.scopes.contains(scope)) {
            let text = "One or more scopes are not configured for the authorization server resource.";
            return Err(Problem::oauth(400, "invalid_scope", text));
        }
        let scopes = if wanted.is_empty() { known.scopes.clone() } else { wanted };
        let rule = evaluate(data, &self.server, &self.app, Some(&user.id), "authorization_code", &scopes)?;
        let mut next = known;
        next.stamp.updated = now;
        let rotation = &self.app.oauth()["refresh_token"];
        if rotation["rotation_type"] == "ROTATE" && !in_leeway {
            let leeway = Duration::from_secs(rotation["leeway"].as_u64().unwrap_or(30));
            let old = std::mem::replace(&mut next.value, ids::token::<32>());
            next.previous = Some((old, Instant::now() + leeway));
            data.refresh_values.insert(next.value.clone(), id.clone());
        }
        data.refresh_tokens.insert(id, next.clone());
        self.answer(data, Some(&user), &scopes, rule, Some(next), None)
    }

    fn client_credentials(&self, data: &mut Data) -> Answer {
        let scopes = requested_scopes(&self.server, self.form)?;
        let rule = evaluate(data, &self.server, &self.app, None, "client_credentials", &scopes)?;
        self.answer(data, None, &scopes, rule, None, None)
    }

    fn answer(
        &self,
        data: &mut Data,
        user: Option<&User>,
        scopes: &[String],
        rule: Lifetimes,
        refresh: Option<RefreshToken>,
        nonce: Option<&str>,
    ) -> Answer {
        let order = mint::Order {
            server: &self.server,
            issuer: issuer(self.org, &self.server, Some(&self.cx.headers)),
            app: &self.app,
            user,
            scopes,
            minutes: rule.access,
            family: refresh.as_ref().map(|token| token.id.as_str()),
            thumbprint: self.thumbprint.clone(),
        };
        let kind = if self.thumbprint.is_some() { "DPoP" } else { "Bearer" };
        let mut body = json!({"token_type": kind, "expires_in": rule.access * 60,
            "access_token": mint::access(self.org, data, &order), "scope": scopes.join(" ")});
        if let Some(refresh) = &refresh {
            body["refresh_token"] = json!(refresh.value);
        }
        if let Some(user) = user.filter(|_| scopes.iter().any(|scope| scope == "openid")) {
            body["id_token"] = json!(mint::id(self.org, data, &order, user, nonce));
        }
        self.log(data, user, "app.oauth2.as.token.grant.access_token", "access_token");
        if let Some(refresh) = &refresh {
            self.log(data, user, "app.oauth2.as.token.grant.refresh_token", &refresh.id);
        }
        ok(body)
    }

    fn log(&self, data: &mut Data, user: Option<&User>, event: &str, id: &str) {
        let actor = match user {
            Some(user) => log::target("User", &user.id, user.login()),
            None => log::target("PublicClientApp", self.app.client_id(), self.app.label()),
        };
        let targets = vec![
            log::target("token", id, "Token"),
            log::target("PublicClientApp", self.app.client_id(), self.app.label()),
        ];
        log::entry(self.org, data, &self.cx.path, "", event, actor, targets, Ok(()));
    }
}
