//! Systems in handoff mode, with an administrator who does exactly what the hand-offs say, by the vendors' own APIs: the
//! end is the same as if we had done it, but for our marks.

mod in_entra;

use extoauth_automation::conduct::Verdict;
use extoauth_core::engine::InventoryItem;
use extoauth_core::handoff::Handoff;
use extoauth_core::systems::SystemKind;
use extoauth_sandbox::seed;
use extoauth_scenarios::state::differences;
use serde_json::{Map, Value, json};

use crate::drive::{Ended, golden};
use crate::house::{House, beside_others};
use crate::picture::Picture;
use crate::provider::{PROVIDERS, Provider};

/// The places of the modes of what is behind an identity provider.
const MODES: [&str; 3] = ["/redshift/main/identity_center/mode", "/redshift/main/mode", "/dbt/acme/mode"];
/// An administrator who is asked more often than this does not understand what is wanted.
const PATIENCE: usize = 20;

/// A value of a hand-off.
fn value<'h>(handoff: &'h Handoff, name: &str) -> &'h str {
    handoff.values.get(name).unwrap_or_else(|| panic!("no `{name}` in {handoff:?}"))
}

fn list(handoff: &Handoff, name: &str) -> Value {
    serde_json::from_str(value(handoff, name)).expect("a list")
}

fn number(handoff: &Handoff, name: &str) -> u64 {
    value(handoff, name).parse().expect("a number")
}

/// The name between backticks.
fn named(text: &str) -> &str {
    text.split('`').nth(1).unwrap_or_else(|| panic!("no name in {text}"))
}

/// The part of a console's path at this position.
fn at(handoff: &Handoff, n: usize) -> &str {
    handoff.place.split(" > ").nth(n).unwrap_or_else(|| panic!("no part {n} in {}", handoff.place))
}

/// The ARN that a sentence names.
fn secret_of(handoff: &Handoff) -> &str {
    let words = handoff.what.split_whitespace();
    let arn = words
        .map(|word| word.trim_end_matches(['.', ',', ')']))
        .find(|word| word.starts_with("arn:aws:secretsmanager:"));
    arn.unwrap_or_else(|| panic!("no secret is named: {}", handoff.what))
}

impl House {
    /// Does what a hand-off says.
    async fn do_by_hand(&self, handoff: &Handoff) {
        let what = handoff.what.as_str();
        let says = |beginning: &str| what.starts_with(beginning);
        if handoff.place.starts_with("Entra admin center") || handoff.place.contains("/adminconsent") {
            self.do_in_entra(handoff).await;
        } else if says("Add an authorization server") {
            let body = json!({
                "name": named(what), "description": "made by hand", "audiences": list(handoff, "audiences"),
                "issuerMode": value(handoff, "issuer_mode"),
            });
            self.okta("POST", "authorizationServers", body).await;
        } else if says("Add the scope") {
            let body = json!({
                "name": named(what), "displayName": "made by hand", "description": "made by hand",
                "consent": value(handoff, "consent"), "metadataPublish": value(handoff, "metadata_publish"),
            });
            self.okta("POST", &format!("authorizationServers/{}/scopes", at(handoff, 3)), body).await;
        } else if says("Create an app integration") {
            self.make_app(handoff).await;
        } else if says("Add an access policy") {
            let body = json!({
                "type": "OAUTH_AUTHORIZATION_POLICY", "name": named(what), "description": "made by hand",
                "status": "ACTIVE", "priority": 1, "conditions": {"clients": {"include": list(handoff, "clients")}},
            });
            self.okta("POST", &format!("authorizationServers/{}/policies", at(handoff, 3)), body).await;
        } else if says("Add a rule") {
            self.make_rule(handoff).await;
        } else if says("Assign the group") {
            let path = format!("apps/{}/groups/{}", at(handoff, 1), value(handoff, "group"));
            self.okta("PUT", &path, json!({})).await;
        } else if says("Create a trusted token issuer") {
            let name = what.split("named ").nth(1).and_then(|rest| rest.split(' ').next()).expect("a name");
            let (url, claim) = (value(handoff, "issuer_url"), value(handoff, "claim"));
            self.make_issuer(name, url, claim, value(handoff, "attribute")).await;
        } else if says("On the application's client connections") {
            let audiences = vec![value(handoff, "audience").to_owned()];
            let mut all = self.accepted_issuers().await;
            all.push((value(handoff, "issuer").to_owned(), audiences));
            self.accept_issuers(&all).await;
        } else {
            self.do_in_dbt(handoff).await;
        }
    }

    async fn make_app(&self, handoff: &Handoff) {
        let secret = self.secret_value(secret_of(handoff)).await;
        let body = json!({
            "name": "oidc_client", "label": named(&handoff.what), "signOnMode": "OPENID_CONNECT",
            "credentials": {"oauthClient": {
                "client_secret": secret, "autoKeyRotation": true, "pkce_required": false,
                "token_endpoint_auth_method": value(handoff, "token_endpoint_auth_method"),
            }},
            "settings": {"oauthClient": {
                "application_type": value(handoff, "application_type"),
                "redirect_uris": list(handoff, "redirect_uris"),
                "response_types": list(handoff, "response_types"), "grant_types": list(handoff, "grant_types"),
                "consent_method": "TRUSTED", "issuer_mode": "ORG_URL", "dpop_bound_access_tokens": false,
                "refresh_token": {"rotation_type": value(handoff, "refresh_token_rotation")},
            }},
        });
        self.okta("POST", "apps", body).await;
    }

    async fn make_rule(&self, handoff: &Handoff) {
        let body = json!({
            "type": "RESOURCE_ACCESS", "name": named(&handoff.what), "status": "ACTIVE", "priority": 1,
            "conditions": {
                "people": {"users": {"include": [], "exclude": []},
                           "groups": {"include": list(handoff, "groups"), "exclude": []}},
                "grantTypes": {"include": list(handoff, "grant_types")},
                "scopes": {"include": list(handoff, "scopes")},
            },
            "actions": {"token": {
                "accessTokenLifetimeMinutes": number(handoff, "access_token_minutes"),
                "refreshTokenLifetimeMinutes": number(handoff, "refresh_token_minutes"),
                "refreshTokenWindowMinutes": number(handoff, "idle_minutes"),
            }},
        });
        let path = format!("authorizationServers/{}/policies/{}/rules", at(handoff, 3), at(handoff, 5));
        self.okta("POST", &path, body).await;
    }

    async fn do_in_dbt(&self, handoff: &Handoff) {
        let what = handoff.what.as_str();
        let account = seed::DBT_ACCOUNT;
        if what.starts_with("Add a custom integration") {
            let secret = self.secret_value(secret_of(handoff)).await;
            let mut body = Map::from_iter([("account_id".to_owned(), json!(account))]);
            for field in ["type", "name", "client_id", "authorize_url", "token_url", "redirect_uri"] {
                body.insert(field.to_owned(), json!(value(handoff, field)));
            }
            if let Some(uri) = handoff.values.get("application_id_uri") {
                body.insert("extra_data".to_owned(), json!({"application_id_uri": uri}));
            }
            body.insert("client_secret".to_owned(), json!(secret));
            self.dbt("POST", "oauth-configurations/", Value::Object(body)).await;
        } else if what.starts_with("Add a Redshift connection") {
            let link = value(handoff, "private_link_endpoint_id");
            let link = if link == "null" { Value::Null } else { json!(link) };
            let body = json!({
                "account_id": account, "name": value(handoff, "name"), "adapter_version": "redshift_v0",
                "is_ssh_tunnel_enabled": value(handoff, "is_ssh_tunnel_enabled") == "true",
                "oauth_configuration_id": number(handoff, "oauth_configuration_id"), "private_link_endpoint_id": link,
                "config": {"hostname": value(handoff, "hostname"), "port": number(handoff, "port"),
                           "dbname": value(handoff, "dbname")},
            });
            self.dbt("POST", "connections/", body).await;
        } else if what.starts_with("Choose our connection") {
            let project = at(handoff, 0).trim_start_matches("Project ");
            let path = format!("projects/{project}/environments/{}/", at(handoff, 2));
            let mut environment = self.dbt("GET", &path, Value::Null).await;
            environment["connection_id"] = json!(number(handoff, "connection_id"));
            self.dbt("POST", &path, environment).await;
        } else {
            panic!("nobody knows how to do this: {handoff:?}");
        }
    }

    /// Drives a request; whenever it waits for somebody, they do what they are asked.
    async fn drive_by_hand(&self, ticket: &str) -> (Ended, usize) {
        let mut ended = self.run(ticket).await;
        for done in 0..PATIENCE {
            if !matches!(ended.verdict, Verdict::Waiting(_)) {
                return (ended, done);
            }
            let open: Vec<&Handoff> = ended.report.handoffs.iter().filter(|one| one.done == Some(false)).collect();
            assert!(!open.is_empty(), "it waits for nobody: {:?}", ended.verdict);
            for handoff in open {
                assert!(!handoff.who.is_empty() && !handoff.place.is_empty(), "{handoff:?}");
                self.do_by_hand(handoff).await;
            }
            ended = self.drive(ended.request).await;
        }
        panic!("it still waits: {:?}\n{:#?}", ended.verdict, ended.report.handoffs);
    }
}

/// A picture without our marks, and without words that a person chooses.
fn unmarked(picture: &Picture) -> Value {
    fn strip(value: &Value) -> Value {
        const WORDS: [&str; 6] = ["description", "displayName", "profile", "Description", "Tags", "written"];
        // Marks of ours in Entra, and who made an object there.
        const ENTRA: [&str; 4] = ["uniqueName", "tags", "owners", "createdByAppId"];
        // Words of a scope for the people who consent.
        const CONSENT: [&str; 2] = ["adminConsent", "userConsent"];
        let is_kept = |key: &str| {
            !WORDS.contains(&key) && !ENTRA.contains(&key) && !CONSENT.iter().any(|words| key.starts_with(words))
        };
        match value {
            Value::Object(object) => {
                let kept = object.iter().filter(|(key, _)| is_kept(key));
                let inner = |key: &str, inner: &Value| match inner.as_str() {
                    // Scopes in one text have no order.
                    Some(scopes) if key == "scope" => sorted_words(scopes).into(),
                    _ => strip(inner),
                };
                kept.map(|(key, value)| (key.clone(), inner(key, value))).collect::<Map<_, _>>().into()
            }
            Value::Array(all) => {
                let mut all: Vec<Value> = all.iter().map(strip).collect();
                all.sort_by_key(Value::to_string);
                all.into()
            }
            other => other.clone(),
        }
    }
    let mut shown = picture.shown.clone();
    // Whose an object is differs; which objects there are does not.
    if let Some(all) = shown.as_object_mut() {
        all.remove("_inventory");
    }
    strip(&shown)
}

fn sorted_words(text: &str) -> String {
    let mut words: Vec<&str> = text.split(' ').collect();
    words.sort_unstable();
    words.join(" ")
}

/// An inventory item's system as the sandbox calls it.
fn system_of(item: &InventoryItem) -> &'static str {
    match item.system.kind {
        SystemKind::Okta => "okta",
        SystemKind::Entra => "entra",
        SystemKind::Dbt => "dbt",
        SystemKind::Redshift => "redshift",
        SystemKind::IdentityCenter => "sso-admin",
        _ => "another",
    }
}

async fn one_set(house: &mut House, provider: &Provider, expected: &Picture, modes: &[&str]) -> Vec<String> {
    house.clear().await;
    for mode in modes {
        house.reconfigured(mode, json!("handoff"));
    }
    let (ended, asked) = house.drive_by_hand(&provider.ticket("provision")).await;
    let mut wrong = Vec::new();
    if !ended.is_good() {
        return vec![format!("{modes:?}: it ended {:?}", ended.verdict)];
    }
    if asked == 0 {
        wrong.push("nobody was asked".to_owned());
    }
    let system = |mode: &str| match mode {
        "/okta/acme/mode" => "okta",
        "/entra/contoso/mode" => "entra",
        "/dbt/acme/mode" => "dbt",
        "/redshift/main/mode" => "redshift",
        _ => "sso-admin",
    };
    let not_ours: Vec<&str> = modes.iter().map(|mode| system(mode)).collect();
    let writes = |house: &House| -> Vec<String> {
        let calls = house.calls().into_iter();
        calls
            .filter(|call| call.write && not_ours.contains(&call.system.as_str()))
            .map(|call| format!("{} {}", call.system, call.path))
            .collect()
    };
    wrong.extend(writes(house).into_iter().map(|call| format!("we wrote: {call}")));
    let picture = house.picture().await;
    wrong.extend(picture.faulty.clone());
    wrong.extend(differences(&unmarked(expected), &unmarked(&picture)));

    // From now on there is nothing to ask and nothing to write.
    house.forget_calls();
    let again = house.run_anew(&golden(&provider.ticket("provision"))).await;
    if !again.is_good() {
        wrong.push(format!("a repetition ended {:?}", again.verdict));
    }
    wrong
        .extend(house.calls().iter().filter(|call| call.write).map(|call| format!("a repetition wrote {}", call.path)));

    // A removal does not write there either: it hands what is left there to whoever may remove it.
    let there: Vec<String> = house
        .books()
        .await
        .iter()
        .flat_map(|(_, book)| book.items.values())
        .filter(|item| not_ours.contains(&system_of(item)))
        .map(|item| item.address.to_string())
        .collect();
    let removed = house.run(&provider.ticket("deprovision")).await;
    wrong.extend(writes(house).into_iter().map(|call| format!("the removal wrote: {call}")));
    if !removed.is_good() {
        wrong.push(format!("the removal ended {:?}", removed.verdict));
    }
    let told = format!("{:?}", removed.report.handoffs);
    wrong.extend(
        there.iter().filter(|address| !told.contains(*address)).map(|one| format!("nobody is told to remove {one}")),
    );
    wrong.into_iter().map(|line| format!("{modes:?}: {line}")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn any_system_may_be_in_handoff_mode() {
    let _turn = beside_others().await;
    let Some(mut house) = House::open().await else { return };
    let mut wrong = Vec::new();
    for provider in PROVIDERS {
        house.clear().await;
        house.run(&provider.ticket("provision")).await.good();
        let expected = house.picture().await;
        let own = format!("/{}/{}/mode", provider.kind, provider.system);
        let [center, redshift, dbt] = MODES;
        let own = own.as_str();
        for modes in
            [vec![own], vec![own, dbt], vec![center], vec![redshift], vec![dbt], vec![own, center, redshift, dbt]]
        {
            wrong.extend(one_set(&mut house, provider, &expected, &modes).await);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
