//! The trusted token issuer is the issuer of the tokens, byte for byte. IAM Identity Center never validates the URL and
//! fails without a word where it is wrong (its user guide); this is the set-up's most frequent silent failure.

use extoauth_core::finding::Finding;
use url::Url;

use super::Rule;
use super::common::{follows, needed, slip};
use crate::observe::{Observed, Seen};

/// Its id.
pub const ID: &str = "issuer_matches";

const RESOURCE: &str = "identity_center.issuer";
const NOBODY: &str = "nobody gets into the warehouse: IAM Identity Center does not take their tokens";

pub(super) fn check(observed: &Observed) -> Vec<Finding> {
    let issued = &observed.idp.issuer;
    let wanted = issued.there().map_or("the `iss` of the tokens", String::as_str);
    let rule = Rule {
        check: ID,
        row: "R22",
        resource: RESOURCE,
        expected: format!("a trusted token issuer with exactly the issuer URL `{wanted}`"),
    };
    let finding = match (&observed.center.issuer, needed(issued, "what issues the tokens", "server_app")) {
        (Seen::Gone, _) => rule.critical(
            "the trusted token issuer that was recorded is not there any more",
            NOBODY,
            format!(
                "ask for `verify` with `repair: true` and a plan digest: it makes a new one with the issuer URL \
                 `{wanted}` and points the Redshift application at it; or do both by hand: IAM Identity Center > \
                 Settings > Authentication > Trusted token issuers, then Redshift > IAM Identity Center connection"
            ),
        ),
        (Seen::Unread(why), _) => rule.unknown(why),
        (Seen::There(_), Err(why)) => rule.unknown(&why),
        (Seen::There(trusted), Ok(iss)) if trusted.url != *iss => rule.critical(
            format!("its URL is `{}`: {}", trusted.url, cause(&trusted.url, iss)),
            NOBODY,
            format!(
                "the URL of a trusted token issuer cannot be changed: make a new one with `{iss}`, have the Redshift \
                 application accept it instead of the present one, then delete the present one (`verify` with `repair: \
                 true` and a plan digest does this; by hand: IAM Identity Center > Settings > Authentication > Trusted \
                 token issuers)"
            ),
        ),
        (Seen::There(trusted), Ok(_)) => match &observed.idp.discovery {
            Seen::There(document) if document.issuer == trusted.url => {
                rule.ok(format!("`{}`, and the discovery document says the same", trusted.url))
            }
            Seen::There(document) => rule.critical(
                format!(
                    "the discovery document at `{}` says that the issuer is `{}`: {}",
                    trusted.url,
                    document.issuer,
                    cause(&trusted.url, &document.issuer)
                ),
                NOBODY,
                format!(
                    "have the identity provider name `{}` as issuer in its document as well as in its tokens, or make a \
                     trusted token issuer for the other name",
                    trusted.url
                ),
            ),
            Seen::Unread(why) => rule.unknown(why),
            Seen::Gone => rule.unknown(&follows("the discovery document", "discovery_reachable")),
        },
    };
    vec![finding]
}

/// Why two issuer URLs are not the same, in words.
fn cause(is: &str, wanted: &str) -> String {
    if let Some(slip) = slip(is, wanted) {
        return slip.to_owned();
    }
    let (Ok(a), Ok(b)) = (Url::parse(is), Url::parse(wanted)) else { return "it is no URL of this issuer".into() };
    let (a, b) = (Parts::of(&a), Parts::of(&b));
    if a.is_entra() && b.is_entra() {
        return a.entra(&b);
    }
    let custom_server = b.path.starts_with("/oauth2/");
    if a.host == b.host && custom_server && matches!(a.path, "" | "/oauth2") {
        "it is the org's own authorization server, whose tokens are for Okta alone, instead of the custom one".into()
    } else if a.host == b.host && custom_server && a.path.starts_with("/oauth2/") {
        "it is another authorization server of the same org".into()
    } else if a.path == b.path && custom_server {
        format!("another domain of the org (`{}` instead of `{}`), custom or Okta's own", a.host, b.host)
    } else if a.host == b.host {
        "another path on the same host".into()
    } else {
        "it is another identity provider's".into()
    }
}

struct Parts<'u> {
    host: &'u str,
    path: &'u str,
}

impl<'u> Parts<'u> {
    fn of(url: &'u Url) -> Self {
        Self { host: url.host_str().unwrap_or_default(), path: url.path().trim_end_matches('/') }
    }

    fn is_entra(&self) -> bool {
        matches!(self.host, "sts.windows.net" | "login.microsoftonline.com" | "login.windows.net")
    }

    fn tenant(&self) -> &str {
        self.path.trim_start_matches('/').split('/').next().unwrap_or_default()
    }

    /// Version 1 tokens name `sts.windows.net/{tenant}/`, version 2 tokens `login.microsoftonline.com/{tenant}/v2.0`.
    fn entra(&self, wanted: &Self) -> String {
        let v2 = |parts: &Self| parts.path.ends_with("/v2.0");
        if self.tenant() != wanted.tenant() {
            format!("another tenant (`{}` instead of `{}`)", self.tenant(), wanted.tenant())
        } else if v2(wanted) && !v2(self) && self.host == wanted.host {
            "`/v2.0` is missing at its end".into()
        } else if v2(self) && !v2(wanted) && self.host == wanted.host {
            "`/v2.0` too much at its end".into()
        } else if v2(self) && !v2(wanted) {
            "it is the issuer of version 2 tokens, and the resource app issues version 1".into()
        } else if v2(wanted) {
            "it is the issuer of version 1 tokens, and the resource app issues version 2".into()
        } else {
            format!("another host of Entra (`{}` instead of `{}`)", self.host, wanted.host)
        }
    }
}

#[cfg(test)]
mod tests {
    use extoauth_core::finding::Severity::{Critical, Ok, Unknown};
    use extoauth_core::systems::Idp;

    use super::super::testing::{OKTA_ISSUER, TENANT, findings, healthy, severities, unread};
    use super::*;
    use crate::observe::Document;

    #[test]
    fn causes_have_names() {
        let v1 = format!("https://sts.windows.net/{TENANT}/");
        let v2 = format!("https://login.microsoftonline.com/{TENANT}/v2.0");
        let table = [
            (format!("{OKTA_ISSUER}/"), OKTA_ISSUER, "slash too much"),
            (format!("{OKTA_ISSUER}/.well-known/openid-configuration"), OKTA_ISSUER, ".well-known"),
            (format!("{OKTA_ISSUER}/.well-known/oauth-authorization-server"), OKTA_ISSUER, ".well-known"),
            ("https://acme.okta.com".into(), OKTA_ISSUER, "org's own"),
            ("https://acme.okta.com/oauth2/default".into(), OKTA_ISSUER, "another authorization server"),
            ("https://login.acme.com/oauth2/aus1".into(), OKTA_ISSUER, "another domain"),
            ("http://acme.okta.com/oauth2/aus1".into(), OKTA_ISSUER, "http"),
            ("https://acme.okta.com/OAUTH2/aus1".into(), OKTA_ISSUER, "case"),
            ("https://example.com/x".into(), OKTA_ISSUER, "another identity provider"),
            ("nonsense".into(), OKTA_ISSUER, "no URL"),
            (v1.trim_end_matches('/').to_owned(), &v1, "slash at its end is missing"),
            (v2.clone(), &v1, "version 2 tokens"),
            (v1.clone(), &v2, "version 1 tokens"),
            (v2.trim_end_matches("/v2.0").to_owned(), &v2, "`/v2.0` is missing"),
            (format!("{v1}v2.0"), &v1, "`/v2.0` too much"),
            ("https://sts.windows.net/other/".into(), &v1, "another tenant"),
            (format!("https://login.windows.net/{TENANT}/"), &v1, "another host"),
        ];
        for (is, wanted, words) in table {
            let told = cause(&is, wanted);
            assert!(told.contains(words), "{is} for {wanted}: {told}");
        }
    }

    #[test]
    fn byte_for_byte() {
        let mut observed = healthy(Idp::Entra);
        assert_eq!(severities(&observed, ID), [Ok]);
        if let Seen::There(issuer) = &mut observed.center.issuer {
            issuer.url = issuer.url.trim_end_matches('/').to_owned();
        }
        let found = findings(&observed, ID);
        assert_eq!(found[0].severity, Critical);
        assert!(found[0].found.contains("slash at its end is missing"), "{:?}", found[0]);
        assert!(found[0].fix.contains("cannot be changed"));
    }

    #[test]
    fn the_document_must_say_the_same() {
        let mut observed = healthy(Idp::Okta);
        observed.idp.discovery =
            Seen::There(Document { issuer: "https://login.acme.com/oauth2/aus1".into(), jwks_uri: String::new() });
        assert_eq!(severities(&observed, ID), [Critical]);
        observed.idp.discovery = unread();
        assert_eq!(severities(&observed, ID), [Unknown]);
        observed.idp.discovery = Seen::Gone;
        assert_eq!(severities(&observed, ID), [Unknown]);
    }

    #[test]
    fn gone_and_unread() {
        let mut observed = healthy(Idp::Okta);
        observed.idp.issuer = Seen::Gone;
        assert_eq!(severities(&observed, ID), [Unknown]);
        observed.center.issuer = unread();
        assert_eq!(severities(&observed, ID), [Unknown]);
        observed.center.issuer = Seen::Gone;
        assert_eq!(severities(&observed, ID), [Critical]);
    }
}
