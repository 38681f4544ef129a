use super::super::{MAX_TEXT, Pasted, Refused, Secret};

fn refused(text: &str) -> Option<Refused> {
    Pasted::of(text).err()
}

#[test]
fn what_looks_like_a_secret_is_refused() {
    let jwt = "eyJhbGciOiJSUzI1NiIsImtpZCI6IjEifQ.eyJzdWIiOiJkZXYxQGV4YW1wbGUuY29tIn0.c2lnbmF0dXJl";
    let entra = "abC8Q~defghijklmnopqrstuvwxyz0123456789AB";
    let okta = "Zx9Qp2LmN4vB7wR1tY6uK3sD8fG5hJ0aC2eX4iO9";
    let texts = [
        jwt.to_owned(),
        format!("invalid token: {jwt}"),
        format!("token was\n{}\n{}", &jwt[..20], &jwt[20..]),
        format!("error at {entra}."),
        format!("sent {okta} to okta"),
        "client_secret=hunter2!".to_owned(),
        "client_secret%3Dhunter2!&x=1".to_owned(),
        r#"{"client_secret": "correct horse"}"#.replace("correct horse", "correcthorse"),
        "'password': 'hunterhunter'".to_owned(),
        "refresh_token: 0.AXoAh7-3".to_owned(),
        "Authorization: Basic Q0lEOlNFQw==".to_owned(),
        "authorization: Bearer a1b2c3d4e5".to_owned(),
        "Authorization: SSWS 00aBcDeFgH1jKlMn0pQrStUvWxYz1234567890abcd".to_owned(),
        "https://ab123.us1.dbt.com/complete/okta?code=abcdefgh12345678&state=x".to_owned(),
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned(),
        "dbtc_abcdefghijklmnopqrst".to_owned(),
        "-----BEGIN RSA PRIVATE KEY-----\nMIIB".to_owned(),
        "idp_auth_credentials: Q0lEOlNFQ0".to_owned(),
    ];
    for text in texts {
        let Some(Refused::Secret(_)) = refused(&text) else { panic!("taken: {text}") };
    }
}

#[test]
fn what_only_speaks_of_secrets_is_taken() {
    let texts = [
        "AADSTS7000215: Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app 'a5a5a5a5-1111-2222-3333-444455556666'.\r\nTrace ID: 0000aaaa-11bb-cccc-dd33-eeeeee333333",
        "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
        "access_token missing from Idp token request. Please confirm correct configuration of the token_endpoint field",
        "Missing 'idp_auth_credentials' from token_endpoint. Please provide it.",
        "grant_type=refresh_token&client_id=0oa1234567890abcdefg",
        "password authentication failed for user \"dev\"",
        "client_secret=********&refresh_token=[removed]",
        "refresh_token: {{ env_var('DBT_ENV_SECRET_RT') }}",
        r#"{"password": "This field is required", "access_token": null}"#,
        "WWW-Authenticate: Bearer realm=\"IdpMyAccountAPI\"",
        "error code: 28000, code=AADSTS50011, https://login.microsoftonline.com/error?code=7000222",
        r#"{"errorCode":"E0000007","errorId":"oaeF5dnYZjFQB-o3m5EEtjSUQ","errorSummary":"Not found: aus9o8wzkhckw9TLa1d7z"}"#,
        "arn:aws:sso::123456789012:trustedTokenIssuer/ssoins-72233a0b1c2d3e4f/tti-5a6b7c8d-1234-5678-9abc-def012345678",
        "digest 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "File \"/usr/lib/python3.12/site-packages/dbt/adapters/redshift/connections.py\", line 412, in __iam_idc_token_kwargs",
        "plugin_name=redshift_connector.plugin.IdpTokenAuthPlugin token_type=EXT_JWT",
        "https://acme.okta.com/oauth2/aus9o8wzkhckw9TLa1d7/v1/token",
    ];
    for text in texts {
        assert_eq!(refused(text), None, "{text}");
    }
}

#[test]
fn size_and_emptiness() {
    assert_eq!(refused(" \n"), Some(Refused::Empty));
    assert_eq!(refused(&"x ".repeat(MAX_TEXT / 2)), None);
    assert_eq!(refused(&"x ".repeat(MAX_TEXT / 2 + 1)), Some(Refused::TooLong));
    let words = Refused::Secret(Secret::Field("client_secret")).to_string();
    assert!(words.contains("`client_secret`") && words.contains("remove it"), "{words}");
}

#[test]
fn the_text_is_in_no_debug_output() {
    let pasted = Pasted::of("AADSTS50011 about somebody@example.com").expect("taken");
    let debug = format!("{pasted:?}");
    assert!(debug.contains("50011") && !debug.contains("somebody"), "{debug}");
}
