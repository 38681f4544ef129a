//! What must not be sent here. Nobody's token is needed to explain an error, so none is taken: what looks like one is
//! refused before anything else is done with the text. Errs on the side of refusing.

use std::fmt;

/// What a text seems to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Secret {
    /// A signed or encrypted token (RFC 7519), or the beginning of one.
    Jwt,
    /// A private key.
    PrivateKey,
    /// An authorization header's value.
    Header,
    /// The value of a field that holds secrets; its name.
    Field(&'static str),
    /// An authorization code, in the URL of a redirect.
    Code,
    /// A long random word, as secrets and opaque tokens are.
    Opaque,
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Jwt => f.write_str("a token (JWT)"),
            Self::PrivateKey => f.write_str("a private key"),
            Self::Header => f.write_str("the value of an authorization header"),
            Self::Field(name) => write!(f, "the value of `{name}`"),
            Self::Code => f.write_str("an authorization code"),
            Self::Opaque => f.write_str("a secret or an opaque token"),
        }
    }
}

/// Fields whose value is a secret wherever they stand.
const FIELDS: [&str; 15] = [
    "client_secret",
    "clientsecret",
    "client-secret",
    "secrettext",
    "refresh_token",
    "access_token",
    "id_token",
    "client_assertion",
    "assertion",
    "password",
    "idp_auth_credentials",
    "aws_secret_access_key",
    "aws_session_token",
    "x-amz-security-token",
    "token",
];
/// Schemes of the authorization header.
const SCHEMES: [&str; 4] = ["bearer ", "basic ", "ssws ", "dpop "];
/// Beginnings of keys whose owners gave them one: dbt's tokens, Standard Webhooks' secrets.
const PREFIXES: [&str; 4] = ["dbtc_", "dbtu_", "dbts_", "whsec_"];
/// `{"` in base64url, as every JWT's header begins.
const JWT: &str = "eyJ";
/// Shortest beginning of a JWT that is refused.
const JWT_LEAST: usize = 16;
/// Shortest long word: Okta's secrets have 40 characters or more, its ids 20, request ids 27.
const OPAQUE_LEAST: usize = 36;

/// The first thing in a text that must not be there.
pub(super) fn secret_in(text: &str) -> Option<Secret> {
    if has_jwt(text) {
        return Some(Secret::Jwt);
    }
    let lower = text.to_ascii_lowercase();
    if lower.contains("-----begin") && lower.contains("private key-----") {
        return Some(Secret::PrivateKey);
    }
    let field = || FIELDS.into_iter().find(|name| values_of(&lower, text, name).any(|value| value.is_secret()));
    if let Some(name) = field() {
        return Some(Secret::Field(name));
    }
    if values_of(&lower, text, "code").any(|value| value.is_code()) {
        return Some(Secret::Code);
    }
    if SCHEMES.iter().any(|scheme| has_header(&lower, text, scheme)) {
        return Some(Secret::Header);
    }
    let prefixed = |prefix: &str| lower.match_indices(prefix).any(|(at, p)| run(&text[at + p.len()..]).len() >= 16);
    (PREFIXES.into_iter().any(prefixed) || has_opaque(text)).then_some(Secret::Opaque)
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '~')
}

/// The characters of a token at the beginning of a text.
fn run(text: &str) -> &str {
    &text[..text.find(|c: char| !is_word(c)).unwrap_or(text.len())]
}

/// Terminals wrap long lines, so white space does not count.
fn has_jwt(text: &str) -> bool {
    let joined: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    joined.match_indices(JWT).any(|(at, _)| {
        let rest = &joined[at..];
        let end = rest.find(|c: char| !(is_word(c) || c == '.')).unwrap_or(rest.len());
        end >= JWT_LEAST
    })
}

/// What stands behind a field's name.
struct FieldValue<'t> {
    value: &'t str,
    quoted: bool,
    assigned: bool,
    of_token: bool,
}

/// The values of a field in all the ways in which it is written: `name=value`, `name: value`, `"name": "value"`.
fn values_of<'t>(lower: &'t str, text: &'t str, name: &'static str) -> impl Iterator<Item = FieldValue<'t>> {
    // Short names are parts of others.
    let whole = matches!(name, "code" | "token" | "assertion");
    lower.match_indices(name).filter_map(move |(at, _)| {
        if whole && lower[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '-') {
            return None;
        }
        let rest = text[at + name.len()..].trim_start_matches(['"', '\'', ' ']);
        let assigned = rest.starts_with('=');
        let rest = rest.strip_prefix(['=', ':'])?.trim_start();
        let rest = rest.strip_prefix('b').filter(|rest| rest.starts_with(['\'', '"'])).unwrap_or(rest);
        let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''));
        let value = match quote {
            Some(quote) => rest[1..].split(quote).next().unwrap_or_default(),
            None => {
                let end = |c: char| c.is_whitespace() || matches!(c, '&' | ',' | ';' | ')' | '}' | '"' | '\'');
                rest.split(end).next().unwrap_or_default()
            }
        };
        Some(FieldValue { value, quoted: quote.is_some(), assigned, of_token: name == "token" })
    })
}

impl FieldValue<'_> {
    fn is_secret(&self) -> bool {
        let value = self.value.trim_end_matches(['.', '!', '?']);
        // A sentence, or what somebody put in the value's place.
        let masked = value.chars().all(|c| matches!(c, '*' | 'x' | 'X' | '.' | '\u{2022}' | '#' | '-' | '_'));
        let placed = value.starts_with(['{', '<', '[', '$', '%', '(']);
        if masked || placed || value.contains(char::is_whitespace) || is_said(value) {
            return false;
        }
        let least = if self.of_token { 16 } else { 4 };
        if self.assigned || self.quoted {
            return value.len() >= least;
        }
        // Behind a colon stands prose more often than a value.
        value.len() >= least.max(8) && !value.chars().all(|c| c.is_lowercase())
    }

    /// Other things than an authorization code are called a code, too.
    fn is_code(&self) -> bool {
        self.assigned && self.value.len() >= 16 && self.value.contains(|c: char| c.is_ascii_digit())
    }
}

/// Words that stand for a value.
fn is_said(value: &str) -> bool {
    const WORDS: [&str; 9] = ["none", "null", "true", "false", "redacted", "removed", "hidden", "undefined", "masked"];
    WORDS.iter().any(|word| value.eq_ignore_ascii_case(word))
}

fn has_header(lower: &str, text: &str, scheme: &str) -> bool {
    lower.match_indices(scheme).any(|(at, _)| {
        let value = text[at + scheme.len()..].trim_start();
        let end = value.find(|c: char| !(is_word(c) || matches!(c, '.' | '+' | '/' | '='))).unwrap_or(value.len());
        let value = &value[..end];
        let digits = value.chars().any(|c| c.is_ascii_digit());
        value.len() >= 8 && digits && value.chars().any(|c| c.is_ascii_alphabetic()) && !value.starts_with("realm")
    })
}

/// Entra's secrets hold `Q~` behind a digit (the form by which secret scanners know them; UNCONFIRMED by Microsoft);
/// others change between letters, capitals and digits all the time, which words, host names and ids of vendors do not.
fn has_opaque(text: &str) -> bool {
    let entra = text.match_indices("Q~").any(|(at, mark)| {
        let before = text[..at].chars().rev().take_while(|c| is_word(*c) || *c == '.').count();
        let after = text[at + mark.len()..].chars().take_while(|c| is_word(*c) || *c == '.').count();
        before >= 4 && after >= 24
    });
    entra || text.split(|c| !is_word(c)).any(is_random)
}

fn is_random(word: &str) -> bool {
    let kind = |c: char| (c.is_ascii_lowercase(), c.is_ascii_uppercase(), c.is_ascii_digit());
    let kinds: Vec<_> = word.chars().map(kind).collect();
    let has = |wanted: fn(&(bool, bool, bool)) -> bool| kinds.iter().any(wanted);
    let changes = kinds.windows(2).filter(|pair| pair[0] != pair[1]).count();
    word.len() >= OPAQUE_LEAST && has(|k| k.0) && has(|k| k.1) && has(|k| k.2) && changes * 4 >= word.len()
}
