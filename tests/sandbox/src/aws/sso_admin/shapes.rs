//! The shapes of Identity Center's inputs (lengths, patterns and enumerations of its API reference).

use super::super::input::Shape;

/// The grant type that redeems a token of a trusted issuer.
pub const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
/// The other grant types on the wire.
pub const OTHER_GRANTS: [&str; 3] =
    ["authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:token-exchange"];

/// ARN of an instance.
pub(super) const INSTANCE_ARN: Shape = Shape { min: 10, max: 1224, accepts: is_instance_arn };
/// ARN of a trusted token issuer.
pub(in crate::aws) const ISSUER_ARN: Shape = Shape { min: 10, max: 1224, accepts: is_issuer_arn };
/// ARN of an application.
pub(super) const APPLICATION_ARN: Shape = Shape { min: 10, max: 1224, accepts: is_application_arn };
/// ARN of anything that can have tags.
pub(super) const TAGGABLE_ARN: Shape = Shape { min: 10, max: 2048, accepts: is_taggable };
/// Name of a trusted token issuer.
pub(super) const ISSUER_NAME: Shape = Shape {
    min: 1,
    max: 255,
    accepts: |text| text.chars().all(|c| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c)),
};
/// URL of a trusted token issuer: `http` is allowed by the pattern, nothing is fetched.
pub(super) const ISSUER_URL: Shape = Shape { min: 1, max: 512, accepts: is_issuer_url };
/// Path of a claim: letters only, at most three segments, joined by a dot or an underscore.
pub(super) const CLAIM_PATH: Shape = Shape { min: 1, max: 255, accepts: |text| is_path(text, &['.', '_']) };
/// Path of an attribute of the identity store: letters only, at most three segments, joined by dots.
pub(super) const ATTRIBUTE_PATH: Shape = Shape { min: 1, max: 255, accepts: |text| is_path(text, &['.']) };
/// How the keys of an issuer are found: one way only.
pub(super) const JWKS_OPTION: Shape = Shape { min: 0, max: 64, accepts: |text| text == "OPEN_ID_DISCOVERY" };
/// Kind of a trusted token issuer: one only.
pub(super) const ISSUER_TYPE: Shape = Shape { min: 0, max: 64, accepts: |text| text == "OIDC_JWT" };
/// Idempotency token.
pub(super) const CLIENT_TOKEN: Shape =
    Shape { min: 1, max: 64, accepts: |text| text.chars().all(|c| c.is_ascii_graphic()) };
/// Token of a page.
pub(super) const PAGE_TOKEN: Shape =
    Shape { min: 0, max: 2048, accepts: |text| text.chars().all(|c| c.is_ascii_alphanumeric() || "-+=/_".contains(c)) };
/// Key of a tag.
pub(super) const TAG_KEY: Shape = Shape { min: 1, max: 128, accepts: is_tag_text };
/// Value of a tag.
pub(super) const TAG_VALUE: Shape = Shape { min: 0, max: 256, accepts: is_tag_text };
/// Grant types.
pub(super) const GRANT_TYPE: Shape =
    Shape { min: 0, max: 128, accepts: |text| text == JWT_BEARER || OTHER_GRANTS.contains(&text) };
/// One authorised audience.
pub(super) const AUDIENCE: Shape = Shape { min: 1, max: 512, accepts: |_| true };
/// A redirect URI of a grant.
pub(super) const REDIRECT_URI: Shape = Shape { min: 0, max: 2048, accepts: |_| true };
/// Ways in which an application's caller signs in: one only.
pub(super) const AUTHENTICATION_TYPE: Shape = Shape { min: 0, max: 64, accepts: |text| text == "IAM" };
/// An access scope: up to three words joined by colons.
pub(super) const SCOPE: Shape = Shape { min: 1, max: 152, accepts: is_scope };
/// Id of a user or group.
pub(super) const PRINCIPAL_ID: Shape = Shape {
    min: 1,
    max: 47,
    accepts: |text| text.chars().all(|c| c.is_ascii_hexdigit() || c == '-') && text.len() >= 36,
};
/// Kind of a principal.
pub(super) const PRINCIPAL_TYPE: Shape = Shape { min: 0, max: 16, accepts: |text| matches!(text, "USER" | "GROUP") };
/// An AWS account.
pub(super) const ACCOUNT: Shape = Shape { min: 12, max: 12, accepts: |text| text.chars().all(|c| c.is_ascii_digit()) };
/// ARN of what an application is made from.
pub(super) const PROVIDER_ARN: Shape =
    Shape { min: 10, max: 1224, accepts: |text| text.contains(":sso::aws:applicationProvider/") };

/// The account and the resource of an ARN of the service `sso`.
fn sso_arn(text: &str) -> Option<(&str, &str)> {
    let mut parts = text.splitn(6, ':');
    let (arn, partition, service) = (parts.next()?, parts.next()?, parts.next()?);
    let (region, account, resource) = (parts.next()?, parts.next()?, parts.next()?);
    let aws = partition == "aws" || partition.starts_with("aws-");
    (arn == "arn" && aws && service == "sso" && region.is_empty()).then_some((account, resource))
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit())
}

fn is_instance_id(text: &str) -> bool {
    let id = text.strip_prefix("sso").unwrap_or(text);
    id.strip_prefix("ins-")
        .is_some_and(|id| id.len() == 16 && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.'))
}

fn is_instance_arn(text: &str) -> bool {
    sso_arn(text).is_some_and(|(account, resource)| {
        account.is_empty() && resource.strip_prefix("instance/").is_some_and(is_instance_id)
    })
}

/// Whether the ARN is `…:<account>:<kind>/<instance>/<prefix><id>` with an id that `good` accepts.
fn is_child_arn(text: &str, kind: &str, prefix: &str, good: fn(&str) -> bool) -> bool {
    let Some((account, resource)) = sso_arn(text) else { return false };
    let mut parts = resource.split('/');
    let (found, instance, id, rest) = (parts.next(), parts.next(), parts.next(), parts.next());
    is_account(account)
        && found == Some(kind)
        && instance.is_some_and(is_instance_id)
        && id.and_then(|id| id.strip_prefix(prefix)).is_some_and(good)
        && rest.is_none()
}

pub(in crate::aws) fn is_issuer_arn(text: &str) -> bool {
    is_child_arn(text, "trustedTokenIssuer", "tti-", |id| {
        let lengths = [8, 4, 4, 4, 12];
        let groups: Vec<&str> = id.split('-').collect();
        groups.len() == lengths.len()
            && groups.iter().zip(lengths).all(|(group, length)| {
                group.len() == length && group.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
            })
    })
}

fn is_application_arn(text: &str) -> bool {
    is_child_arn(text, "application", "apl-", |id| id.len() == 16 && id.bytes().all(|b| b.is_ascii_alphanumeric()))
}

fn is_taggable(text: &str) -> bool {
    let permission_set = sso_arn(text).is_some_and(|(account, resource)| {
        account.is_empty() && resource.starts_with("permissionSet/") && resource.contains("/ps-")
    });
    is_instance_arn(text) || is_issuer_arn(text) || is_application_arn(text) || permission_set
}

fn is_issuer_url(text: &str) -> bool {
    let Some(rest) = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")) else { return false };
    let inside = |c: char| c.is_ascii_alphanumeric() || "-+&@/%=~_|!:,.;".contains(c);
    let at_end = |c: char| c.is_ascii_alphanumeric() || "-+&@/%=~_|".contains(c);
    rest.chars().all(inside) && rest.chars().last().is_some_and(at_end)
}

fn is_path(text: &str, joints: &[char]) -> bool {
    let segments: Vec<&str> = text.split(joints).collect();
    segments.len() <= 3 && segments.iter().all(|s| !s.is_empty() && s.chars().all(char::is_alphabetic))
}

fn is_tag_text(text: &str) -> bool {
    text.chars().all(|c| c.is_alphabetic() || c.is_numeric() || c == ' ' || "_.:/=+-@".contains(c))
}

fn is_scope(text: &str) -> bool {
    let words: Vec<&str> = text.split(':').collect();
    words.len() <= 3
        && words
            .iter()
            .all(|word| (1..=50).contains(&word.len()) && word.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claim_paths_are_letters_only() {
        for good in ["sub", "upn", "email", "oid", "preferred_username", "a.b.c"] {
            assert!((CLAIM_PATH.accepts)(good), "{good}");
        }
        for bad in ["", "https://example.com/email", "e-mail", "mail2", "a.b.c.d", "a..b", "_a"] {
            assert!(!(CLAIM_PATH.accepts)(bad), "{bad}");
        }
        assert!(!(ATTRIBUTE_PATH.accepts)("preferred_username"));
        assert!((ATTRIBUTE_PATH.accepts)("emails.value"));
    }

    #[test]
    fn issuer_urls_follow_the_pattern() {
        for good in ["https://acme.okta.com/oauth2/aus1", "https://sts.windows.net/t/", "http://a", "https://a:8443/x"]
        {
            assert!((ISSUER_URL.accepts)(good), "{good}");
        }
        for bad in ["https://", "ftp://a", "https://a?x=1", "https://a#", "https://a.", "https://a b"] {
            assert!(!(ISSUER_URL.accepts)(bad), "{bad}");
        }
    }

    #[test]
    fn arns_are_told_apart() {
        use crate::seed;
        assert!((INSTANCE_ARN.accepts)(seed::INSTANCE_ARN));
        assert!((APPLICATION_ARN.accepts)(seed::IDC_APPLICATION_ARN));
        assert!((ISSUER_ARN.accepts)(seed::FOREIGN_ISSUER_ARN));
        assert!(!(ISSUER_ARN.accepts)(seed::IDC_APPLICATION_ARN));
        assert!(!(INSTANCE_ARN.accepts)("arn:aws:sso:::instance/ssoins-short"));
    }
}
