//! The authorization code flow, and what an access token says.

use axum::body::Body;
use extoauth_sandbox::seed::{self, ENTRA_TENANT, LOGIN_HOST};
use http::{Method, Request};
use jiff::SignedDuration;
use serde_json::{Value, json};
use url::Url;

use crate::sign_in::{GRAPH, REDIRECT, Setup, Stage, code, form, text};

const DEV: &str = "dev1@example.com";

/// Fields of a form that differ from the usual ones.
type Fields<'a> = &'a [(&'a str, &'a str)];

/// Where a request to authorize ended.
enum End {
    /// Back at the client, with these fields.
    Back(Vec<(String, String)>),
    /// On a page.
    Page(u16, String),
}

impl End {
    fn field(&self, name: &str) -> Option<String> {
        let Self::Back(fields) = self else { return None };
        fields.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone())
    }

    fn code(&self) -> String {
        match self {
            Self::Back(_) => {
                self.field("code").unwrap_or_else(|| panic!("a code: {:?}", self.field("error_description")))
            }
            Self::Page(status, page) => panic!("a page: {status} {page}"),
        }
    }

    /// The AADSTS code of an error.
    fn refused(&self) -> u64 {
        let text = match self {
            Self::Back(_) => self.field("error_description").expect("a description"),
            Self::Page(_, page) => page.clone(),
        };
        let (_, rest) = text.split_once("AADSTS").unwrap_or_else(|| panic!("a refusal: {text}"));
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        digits.parse().expect("a code")
    }
}

/// Posts an authorization request with a login at once, as a script does.
async fn authorize(stage: &Stage, setup: &Setup, fields: &[(&str, &str)]) -> End {
    let scope = setup.scope();
    let mut all = vec![
        ("client_id", setup.client.app_id.as_str()),
        ("response_type", "code"),
        ("redirect_uri", REDIRECT),
        ("scope", &scope),
        ("state", "a state"),
        ("login", DEV),
    ];
    all.retain(|(name, _)| !fields.iter().any(|(other, _)| other == name));
    all.extend(fields.iter().filter(|(_, value)| !value.is_empty()));
    at(stage, "oauth2/v2.0/authorize", &all).await
}

async fn at(stage: &Stage, path: &str, fields: &[(&str, &str)]) -> End {
    let request = Request::post(format!("/{ENTRA_TENANT}/{path}")).header("host", LOGIN_HOST);
    let answer = stage.send(request.body(Body::from(form(fields))).expect("a request")).await;
    let Some(location) = answer.headers().get("location") else {
        return End::Page(answer.status().as_u16(), answer.body().clone());
    };
    let location = Url::parse(location.to_str().expect("text")).expect("a URL");
    assert!(location.as_str().starts_with(REDIRECT), "{location}");
    let fields: Vec<(String, String)> = location.query_pairs().into_owned().collect();
    assert!(fields.iter().any(|(name, value)| name == "state" && value == "a state"), "{location}");
    End::Back(fields)
}

async fn redeem(stage: &Stage, setup: &Setup, code: &str, fields: &[(&str, &str)]) -> (u16, Value) {
    let mut all = vec![
        ("grant_type", "authorization_code"),
        ("client_id", setup.client.app_id.as_str()),
        ("client_secret", &setup.secret),
        ("redirect_uri", REDIRECT),
        ("code", code),
    ];
    all.retain(|(name, _)| !fields.iter().any(|(other, _)| other == name));
    all.extend(fields);
    stage.token(&all).await
}

async fn refresh(stage: &Stage, setup: &Setup, token: &str) -> (u16, Value) {
    let fields = [
        ("grant_type", "refresh_token"),
        ("client_id", setup.client.app_id.as_str()),
        ("client_secret", &setup.secret),
        ("refresh_token", token),
    ];
    stage.token(&fields).await
}

/// The answer to a login, and the claims of its access token.
async fn login(stage: &Stage, setup: &Setup, fields: &[(&str, &str)]) -> (Value, Value) {
    let code = authorize(stage, setup, fields).await.code();
    let (status, body) = redeem(stage, setup, &code, &[]).await;
    assert_eq!(status, 200, "{body}");
    let (_, claims) = stage.proved(&text(&body, "access_token")).await;
    (body, claims)
}

#[tokio::test]
async fn version_1_tokens() {
    let stage = Stage::new();
    let setup = stage.setup(1).await;
    let (body, claims) = login(&stage, &setup, &[]).await;
    assert_eq!(claims["iss"], format!("https://sts.windows.net/{ENTRA_TENANT}/"), "with a slash");
    assert_eq!(claims["aud"], setup.uri(), "as the client asked for it");
    assert_eq!(claims["ver"], "1.0");
    assert_eq!((&claims["upn"], &claims["unique_name"], &claims["email"]), (&json!(DEV), &json!(DEV), &json!(DEV)));
    assert_eq!((&claims["appid"], &claims["appidacr"]), (&json!(setup.client.app_id), &json!("1")));
    assert_eq!(claims["scp"], "dbt-redshift");
    assert!(claims.get("azp").is_none() && claims.get("jti").is_none() && claims["uti"].is_string());
    let seconds = body["expires_in"].as_i64().expect("a number");
    assert!((3599..5400).contains(&seconds), "{seconds}");
    assert_eq!(body["scope"], format!("{}/dbt-redshift", setup.uri()));
    let (header, id) = stage.proved(&text(&body, "id_token")).await;
    assert!(header.x5t.is_none(), "the endpoint's version decides the ID token's");
    assert_eq!((&id["aud"], &id["ver"]), (&json!(setup.client.app_id), &json!("2.0")));
    assert_ne!(id["sub"], claims["sub"], "a subject of each application's own");

    let by_id = format!("openid {}/dbt-redshift", setup.resource.app_id);
    let (body, claims) = login(&stage, &setup, &[("scope", &by_id)]).await;
    assert_eq!(claims["aud"], json!(setup.resource.app_id));
    assert!(body.get("refresh_token").is_none(), "offline_access was not asked for");

    let pinned = json!({"optionalClaims": {"accessToken": [{"name": "aud", "additionalProperties": ["use_guid"]}]}});
    stage.patch(&format!("/applications/{}", setup.resource.id), pinned).await;
    let (_, claims) = login(&stage, &setup, &[]).await;
    assert_eq!(claims["aud"], json!(setup.resource.app_id));
    assert_eq!((&claims["upn"], claims.get("email")), (&json!(DEV), None));
}

#[tokio::test]
async fn version_2_tokens() {
    let stage = Stage::new();
    let setup = stage.setup(2).await;
    let (_, claims) = login(&stage, &setup, &[]).await;
    assert_eq!(claims["iss"], format!("https://{LOGIN_HOST}/{ENTRA_TENANT}/v2.0"), "without a slash");
    assert_eq!(claims["aud"], json!(setup.resource.app_id), "always the client id of the resource");
    assert_eq!((&claims["ver"], &claims["azp"]), (&json!("2.0"), &json!(setup.client.app_id)));
    assert_eq!((&claims["upn"], &claims["email"]), (&json!(DEV), &json!(DEV)), "they are optional claims");
    assert!(claims.get("appid").is_none() && claims.get("preferred_username").is_none());
    let scope = format!("{} profile", setup.scope());
    let (_, claims) = login(&stage, &setup, &[("scope", &scope)]).await;
    assert_eq!(claims["preferred_username"], DEV);

    stage.patch(&format!("/applications/{}", setup.resource.id), json!({"optionalClaims": {"accessToken": []}})).await;
    let (_, claims) = login(&stage, &setup, &[]).await;
    assert!(claims.get("upn").is_none() && claims.get("email").is_none());

    let policy = json!({"displayName": "dbt", "definition":
        [json!({"TokenLifetimePolicy": {"Version": 1, "AccessTokenLifetime": "0:30:00"}}).to_string()]});
    let policy = stage.post("/policies/tokenLifetimePolicies", policy).await;
    let reference = json!({"@odata.id":
        format!("https://graph.microsoft.com/v1.0/policies/tokenLifetimePolicies/{}", text(&policy, "id"))});
    stage.post(&format!("/applications/{}/tokenLifetimePolicies/$ref", setup.resource.id), reference).await;
    let (body, _) = login(&stage, &setup, &[]).await;
    assert_eq!(body["expires_in"], 1799);
}

#[tokio::test]
async fn guests_have_no_upn() {
    let stage = Stage::new();
    let setup = stage.without_consent(1).await;
    stage.consent(&setup.client, &setup.resource.principal, "dbt-redshift").await;
    let graph = stage.graph_principal().await;
    stage.consent(&setup.client, &graph, "openid offline_access").await;
    let (_, claims) = login(&stage, &setup, &[("login", "partner@example.org")]).await;
    assert!(claims.get("upn").is_none(), "{claims}");
    assert_eq!(
        (&claims["email"], &claims["unique_name"]),
        (&json!("partner@example.org"), &json!("partner@example.org"))
    );
    let claim = json!({"name": "upn", "additionalProperties": ["include_externally_authenticated_upn"]});
    stage
        .patch(&format!("/applications/{}", setup.resource.id), json!({"optionalClaims": {"accessToken": [claim]}}))
        .await;
    let (_, claims) = login(&stage, &setup, &[("login", "partner@example.org")]).await;
    assert_eq!(claims["upn"], format!("partner_example.org#EXT#@{}", seed::ENTRA_DOMAIN));
}

#[tokio::test]
async fn who_may_not_sign_in() {
    let stage = Stage::new();
    let setup = stage.setup(1).await;
    let elsewhere = format!("openid api://{}/dbt-redshift", GRAPH.replace('3', "9"));
    let unknown = format!("openid {}/other", setup.uri());
    let cases: [(Fields<'_>, u64, Option<&str>); 8] = [
        (&[("client_id", "99999999-0000-4000-8000-000000000000")], 700_016, None),
        (&[("redirect_uri", "https://ab123.us1.dbt.com/complete/entra/")], 50_011, None),
        (&[("login", "nobody@example.com")], 50_034, None),
        (&[("login", "admin@example.com")], 50_105, Some("access_denied")),
        (&[("scope", &elsewhere)], 500_011, Some("invalid_resource")),
        (&[("scope", &unknown)], 650_053, Some("invalid_client")),
        (&[("response_type", "token")], 700_054, Some("unsupported_response_type")),
        (&[("login", ""), ("prompt", "none")], 50_058, Some("login_required")),
    ];
    for (fields, expected, error) in cases {
        let end = authorize(&stage, &setup, fields).await;
        assert_eq!((end.refused(), end.field("error").as_deref()), (expected, error), "{fields:?}");
    }

    let dev = stage.graph(Method::GET, &format!("/users/{DEV}"), Value::Null).await;
    stage.patch(&format!("/users/{}", text(&dev, "id")), json!({"accountEnabled": false})).await;
    assert_eq!(authorize(&stage, &setup, &[]).await.refused(), 50_057);
    stage.patch(&format!("/users/{}", text(&dev, "id")), json!({"accountEnabled": true})).await;
    let client = format!("/servicePrincipals/{}", setup.client.principal);
    stage.patch(&client, json!({"accountEnabled": false})).await;
    assert_eq!(authorize(&stage, &setup, &[]).await.refused(), 7_000_112);
    stage.patch(&client, json!({"accountEnabled": true})).await;
    let token = text(&login(&stage, &setup, &[]).await.0, "refresh_token");

    let manifest = stage.graph(Method::GET, &format!("/applications/{}", setup.resource.id), Value::Null).await;
    let mut scopes = manifest["api"]["oauth2PermissionScopes"].clone();
    scopes[0]["isEnabled"] = json!(false);
    stage
        .patch(&format!("/applications/{}", setup.resource.id), json!({"api": {"oauth2PermissionScopes": scopes}}))
        .await;
    assert_eq!(authorize(&stage, &setup, &[]).await.refused(), 650_053, "a disabled scope is none");
    assert_eq!(code(&refresh(&stage, &setup, &token).await), 650_053);
}

#[tokio::test]
async fn consent() {
    let stage = Stage::new();
    let setup = stage.without_consent(1).await;
    let end = authorize(&stage, &setup, &[]).await;
    let End::Page(200, page) = &end else { panic!("a page") };
    assert_eq!(end.refused(), 65_001);
    assert!(page.contains("name=\"consent\"") && page.contains("<li>dbt-redshift</li>"), "{page}");

    stage.tenant.configure(|options| options.user_consent = false);
    let end = authorize(&stage, &setup, &[("consent", "accept")]).await;
    assert!(matches!(end, End::Page(403, _)));
    assert_eq!(end.refused(), 90_094);
    stage.tenant.configure(|options| options.user_consent = true);

    let code_of_dev = authorize(&stage, &setup, &[("consent", "accept")]).await.code();
    assert_eq!(redeem(&stage, &setup, &code_of_dev, &[]).await.0, 200);
    authorize(&stage, &setup, &[]).await.code();
    let other = authorize(&stage, &setup, &[("login", "dev2@example.com")]).await;
    assert_eq!(other.refused(), 65_001, "consent is each person's own");

    // Where assignment is required nobody consents for themselves.
    let client = format!("/servicePrincipals/{}", setup.client.principal);
    stage.patch(&client, json!({"appRoleAssignmentRequired": true})).await;
    let assignment = json!({"principalId": setup.group, "resourceId": setup.client.principal,
        "appRoleId": "00000000-0000-0000-0000-000000000000"});
    stage.post(&format!("{client}/appRoleAssignedTo"), assignment).await;
    let other = authorize(&stage, &setup, &[("login", "dev2@example.com")]).await;
    assert_eq!(other.refused(), 90_094);

    // Pre-authorization spares the resource's consent, not that for signing in.
    let spared = json!({"api": {"preAuthorizedApplications": [{"appId": setup.client.app_id,
        "delegatedPermissionIds": ["11111111-2222-4333-8444-555555555555"]}]}});
    stage.patch(&format!("/applications/{}", setup.resource.id), spared).await;
    let openid = [("scope", "openid profile"), ("consent", "accept"), ("login", DEV)];
    assert_eq!(authorize(&stage, &setup, &openid).await.refused(), 90_094);
    let bare = format!("{}/dbt-redshift", setup.uri());
    authorize(&stage, &setup, &[("login", "dev2@example.com"), ("scope", &bare)]).await.code();
    assert_eq!(authorize(&stage, &setup, &[("login", "dev2@example.com")]).await.refused(), 90_094);
    let graph = stage.graph_principal().await;
    let grant = stage.consent(&setup.client, &graph, "openid offline_access").await;
    let (_, claims) = login(&stage, &setup, &[("login", "dev2@example.com"), ("scope", "openid offline_access")]).await;
    assert_eq!((&claims["aud"], &claims["scp"]), (&json!(GRAPH), &json!("openid")), "such scopes are Graph's");
    let (body, _) = login(&stage, &setup, &[("login", "dev2@example.com")]).await;
    stage.delete(&format!("/oauth2PermissionGrants/{grant}")).await;
    assert_eq!(code(&refresh(&stage, &setup, &text(&body, "refresh_token")).await), 65_001, "consent was taken back");
}

#[tokio::test]
async fn a_code_counts_once() {
    let stage = Stage::new();
    let setup = stage.setup(1).await;
    let once = authorize(&stage, &setup, &[("nonce", "n")]).await.code();
    let refused = redeem(&stage, &setup, &once, &[("redirect_uri", "https://ab123.us1.dbt.com/")]).await;
    assert_eq!(code(&refused), 500_112);
    let (_, body) = redeem(&stage, &setup, &once, &[]).await;
    let (_, id) = stage.proved(&text(&body, "id_token")).await;
    assert_eq!(id["nonce"], "n");
    assert_eq!(code(&redeem(&stage, &setup, &once, &[]).await), 54_005);
    assert_eq!(code(&redeem(&stage, &setup, "1.junk", &[]).await), 9_002_313);
    let other = stage.other_client().await;
    let code_of_other = authorize(&stage, &setup, &[]).await.code();
    let fields = [("client_id", other.0.as_str()), ("client_secret", other.1.as_str())];
    assert_eq!(code(&redeem(&stage, &setup, &code_of_other, &fields).await), 70_000);

    // RFC 7636, appendix B.
    let pkce = [("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"), ("code_challenge_method", "S256")];
    let guarded = authorize(&stage, &setup, &pkce).await.code();
    assert_eq!(code(&redeem(&stage, &setup, &guarded, &[]).await), 501_481);
    let verifier = [("code_verifier", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")];
    assert_eq!(redeem(&stage, &setup, &guarded, &verifier).await.0, 200);
}

#[tokio::test]
async fn refresh_tokens_live_on() {
    let stage = Stage::new();
    let setup = stage.setup(1).await;
    let (body, claims) = login(&stage, &setup, &[]).await;
    let first = text(&body, "refresh_token");
    let (status, body) = refresh(&stage, &setup, &first).await;
    assert_eq!(status, 200, "{body}");
    let second = text(&body, "refresh_token");
    assert_ne!(first, second);
    let (_, again) = stage.proved(&text(&body, "access_token")).await;
    assert_eq!(again["aud"], claims["aud"]);
    assert_ne!(again["uti"], claims["uti"]);
    assert_eq!(refresh(&stage, &setup, &first).await.0, 200, "a new one does not end the old one");
    let dev = stage.graph(Method::GET, &format!("/users/{DEV}"), Value::Null).await;
    stage.patch(&format!("/users/{}", text(&dev, "id")), json!({"accountEnabled": false})).await;
    assert_eq!(code(&refresh(&stage, &setup, &first).await), 50_057);
    stage.patch(&format!("/users/{}", text(&dev, "id")), json!({"accountEnabled": true})).await;
    stage.world.clock.advance(SignedDuration::from_hours(24 * 89));
    assert_eq!(refresh(&stage, &setup, &second).await.0, 200);
    stage.world.clock.advance(SignedDuration::from_hours(24 * 89));
    assert_eq!(refresh(&stage, &setup, &second).await.0, 200, "90 days count from its last use");
    assert_eq!(code(&refresh(&stage, &setup, &first).await), 700_082);
}

#[tokio::test]
async fn the_first_version_of_the_endpoints() {
    let stage = Stage::new();
    let setup = stage.setup(1).await;
    let uri = setup.uri();
    let fields = [
        ("client_id", setup.client.app_id.as_str()),
        ("response_type", "code"),
        ("redirect_uri", REDIRECT),
        ("resource", &uri),
        ("state", "a state"),
        ("login", DEV),
    ];
    let code = at(&stage, "oauth2/authorize", &fields).await.code();
    let fields = [
        ("grant_type", "authorization_code"),
        ("client_id", &setup.client.app_id),
        ("client_secret", &setup.secret),
        ("redirect_uri", REDIRECT),
        ("code", &code),
    ];
    let (status, body) = stage.token_at(&format!("/{ENTRA_TENANT}/oauth2/token"), &fields, None).await;
    assert_eq!((status, &body["resource"]), (200, &json!(uri)), "{body}");
    let (_, id) = stage.proved(&text(&body, "id_token")).await;
    assert_eq!((&id["ver"], &id["upn"]), (&json!("1.0"), &json!(DEV)));
    let (_, claims) = stage.proved(&text(&body, "access_token")).await;
    assert_eq!((&claims["aud"], &claims["scp"]), (&json!(uri), &json!("dbt-redshift")));

    // A code of version 2 may be redeemed at version 1: dbt stores the two URLs apart.
    let code = authorize(&stage, &setup, &[]).await.code();
    let mut fields = fields;
    fields[4].1 = &code;
    let (status, body) = stage.token_at(&format!("/{ENTRA_TENANT}/oauth2/token"), &fields, None).await;
    assert_eq!(status, 200, "{body}");
}

#[tokio::test]
async fn other_ways_back() {
    let stage = Stage::new();
    let setup = stage.setup(1).await;
    let End::Page(200, page) = authorize(&stage, &setup, &[("response_mode", "form_post")]).await else {
        panic!("a page")
    };
    assert!(page.contains(&format!("action=\"{REDIRECT}\"")) && page.contains("name=\"code\""), "{page}");
    let query = form(&[
        ("client_id", &setup.client.app_id),
        ("response_type", "code"),
        ("redirect_uri", REDIRECT),
        ("scope", &setup.scope()),
        ("login_hint", "a\"b"),
    ]);
    let request = Request::get(format!("/common/oauth2/v2.0/authorize?{query}")).header("host", LOGIN_HOST);
    let answer = stage.send(request.body(Body::empty()).expect("a request")).await;
    assert!(answer.body().contains("AADSTS50194"), "an application of one tenant: {}", answer.body());
    let request = Request::get(format!("/{ENTRA_TENANT}/oauth2/v2.0/authorize?{query}")).header("host", LOGIN_HOST);
    let answer = stage.send(request.body(Body::empty()).expect("a request")).await;
    assert!(answer.body().contains("name=\"login\" value=\"a&quot;b\""), "{}", answer.body());
}
