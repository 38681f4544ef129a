//! What Identity Center accepts, checked here because neither the SDK does it nor, for issuer URLs, the service: "a
//! malformed URL makes the setup fail without notification" (IAM Identity Center user guide). Patterns and lengths are
//! those of the service's API model.

/// Checks an issuer URL. Stricter than the service in one point: the service takes `http` too, but a token's signing
/// keys are not to be fetched over it.
///
/// # Errors
/// What is wrong, for people.
pub fn issuer_url(url: &str) -> Result<(), String> {
    const INNER: &str = "+&@/%=~_|!:,.;-";
    const LAST: &str = "+&@/%=~_|-";
    if url.len() > 512 {
        return Err("an issuer URL has at most 512 characters".into());
    }
    let Some(rest) = url.strip_prefix("https://") else {
        return Err("an issuer URL starts with https://".into());
    };
    if let Some(bad) = rest.chars().find(|c| !c.is_ascii_alphanumeric() && !INNER.contains(*c)) {
        return Err(format!("Identity Center does not take `{bad}` in an issuer URL"));
    }
    match rest.chars().last() {
        None => return Err("an issuer URL names a host".into()),
        Some(last) if !last.is_ascii_alphanumeric() && !LAST.contains(last) => {
            return Err(format!("Identity Center does not take an issuer URL that ends in `{last}`"));
        }
        Some(_) => {}
    }
    if url.contains(".well-known/openid-configuration") {
        return Err("an issuer URL is given without .well-known/openid-configuration".into());
    }
    Ok(())
}

/// Checks the path of a claim: letters only, up to three segments joined by `.` or `_`. Namespaced claims, digits and
/// hyphens are not possible.
///
/// # Errors
/// What is wrong, for people.
pub fn claim_path(path: &str) -> Result<(), String> {
    segments(path, &['.', '_'])
        .map_err(|why| format!("a claim is {why}; for another one add a claim with a simple name to the token"))
}

/// Checks the path of an identity store attribute: letters only, up to three segments joined by `.`.
///
/// # Errors
/// What is wrong, for people.
pub fn attribute_path(path: &str) -> Result<(), String> {
    segments(path, &['.']).map_err(|why| format!("an identity store attribute is {why}"))
}

/// Checks the name of an issuer.
///
/// # Errors
/// What is wrong, for people.
pub fn issuer_name(name: &str) -> Result<(), String> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c);
    if (1..=255).contains(&name.len()) && name.chars().all(allowed) {
        Ok(())
    } else {
        Err("an issuer's name has 1 to 255 of: letters, digits, and _ + = , . @ -".into())
    }
}

/// By which attribute a user can be looked up: the API knows just these two (Identity Store API reference, `GetUserId`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lookup {
    /// The e-mail address that SCIM sent.
    Email,
    /// The user name.
    UserName,
}

impl Lookup {
    /// The look-up for an attribute path; `None` where the API has none.
    pub fn of(attribute: &str) -> Option<Self> {
        match attribute {
            "emails.value" => Some(Self::Email),
            "userName" => Some(Self::UserName),
            _ => None,
        }
    }

    /// The path that the API takes.
    pub fn path(self) -> &'static str {
        match self {
            Self::Email => "emails.value",
            Self::UserName => "userName",
        }
    }
}

/// `\p{L}+(?:S\p{L}+){0,2}`, up to 255 characters. `char::is_alphabetic` knows a few letters more than `\p{L}`
/// (combining marks of some scripts); the service then refuses with its own words.
fn segments(path: &str, separators: &[char]) -> Result<(), String> {
    let parts: Vec<&str> = path.split(separators).collect();
    let letters = parts.iter().all(|part| !part.is_empty() && part.chars().all(char::is_alphabetic));
    if letters && parts.len() <= 3 && path.chars().count() <= 255 {
        Ok(())
    } else {
        let joined: Vec<String> = separators.iter().map(|c| format!("`{c}`")).collect();
        Err(format!("one to three words of letters, joined by {}", joined.join(" or ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn issuer_urls() {
        for good in [
            "https://acme.okta.com/oauth2/aus1abc",
            "https://sts.windows.net/0f1e2d3c-0000-4000-8000-000000000000/",
            "https://login.microsoftonline.com/0f1e2d3c-0000-4000-8000-000000000000/v2.0",
        ] {
            assert_eq!(issuer_url(good), Ok(()), "{good}");
        }
        for bad in [
            "",
            "https://",
            "http://acme.okta.com",
            "acme.okta.com",
            "https://acme.okta.com/a?b",
            "https://acme.okta.com/a#b",
            "https://acme.okta.com/a.",
            "https://acme.okta.com/a b",
            "https://acme.okta.com/é",
            "https://acme.okta.com/oauth2/aus1/.well-known/openid-configuration",
        ] {
            assert!(issuer_url(bad).is_err(), "{bad}");
        }
        assert!(issuer_url(&format!("https://{}", "a".repeat(505))).is_err());
        assert!(issuer_url(&format!("https://{}", "a".repeat(504))).is_ok());
    }

    #[test]
    fn claims_and_attributes() {
        for good in ["upn", "email", "sub", "oid", "preferred_username", "a.b.c", "a_b.c"] {
            assert_eq!(claim_path(good), Ok(()), "{good}");
        }
        for bad in ["", "a.b.c.d", "https://acme/email", "email2", "user-name", "a..b", ".a", "a_"] {
            assert!(claim_path(bad).is_err(), "{bad}");
        }
        for good in ["emails.value", "userName", "externalIds.id.value"] {
            assert_eq!(attribute_path(good), Ok(()), "{good}");
        }
        for bad in ["user_name", "", "emails[0].value", "a.b.c.d"] {
            assert!(attribute_path(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn names_and_lookups() {
        assert_eq!(issuer_name("extoauth-okta_acme"), Ok(()));
        assert!(issuer_name("with space").is_err());
        assert!(issuer_name("").is_err());
        assert!(issuer_name(&"x".repeat(256)).is_err());
        assert_eq!(Lookup::of("emails.value"), Some(Lookup::Email));
        assert_eq!(Lookup::of("userName"), Some(Lookup::UserName));
        assert_eq!(Lookup::of("externalIds.id"), None);
        assert_eq!(Lookup::Email.path(), "emails.value");
    }
}
