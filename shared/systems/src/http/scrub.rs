//! Keeps the values that we sent out of the text of errors.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretString};

/// Longest text of a vendor that an error repeats, in characters.
const MAX_TEXT: usize = 600;

/// The secrets of one call.
#[derive(Default)]
pub(crate) struct Scrub(Vec<SecretString>);

impl Scrub {
    pub(crate) fn of(secrets: &[SecretString]) -> Self {
        Self(secrets.to_vec())
    }

    pub(super) fn add(&mut self, secrets: &[SecretString]) {
        self.0.extend_from_slice(secrets);
    }

    /// The text without any of the secrets (as they are, URL-encoded, or base64), without control characters, and
    /// cut to a length that fits a ticket.
    pub(crate) fn clean(&self, text: &str) -> String {
        let mut clean = text.to_owned();
        for secret in &self.0 {
            let secret = secret.expose_secret();
            if secret.is_empty() {
                continue;
            }
            let encoded: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
            let json = serde_json::Value::from(secret).to_string();
            for form in [secret, &encoded, &STANDARD.encode(secret), json.trim_matches('"')] {
                if clean.contains(form) {
                    clean = clean.replace(form, "[redacted]");
                }
            }
        }
        let clean: String = clean.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        match clean.char_indices().nth(MAX_TEXT) {
            Some((end, _)) => format!("{}…", &clean[..end]),
            None => clean,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn scrub(secret: &str) -> Scrub {
        let mut scrub = Scrub::default();
        scrub.add(&[SecretString::from(secret)]);
        scrub
    }

    #[test]
    fn other_forms_of_a_secret_are_found() {
        let secret = "p@ss \"word\"/1";
        let text = format!(
            "a {secret} b {} c {} d {}",
            "p%40ss+%22word%22%2F1",
            STANDARD.encode(secret),
            serde_json::Value::from(secret)
        );
        let clean = scrub(secret).clean(&text);
        assert_eq!(clean, "a [redacted] b [redacted] c [redacted] d \"[redacted]\"");
    }

    #[test]
    fn long_texts_are_cut_at_a_character() {
        let clean = scrub("zz").clean(&"é".repeat(2000));
        assert_eq!(clean.chars().count(), MAX_TEXT + 1);
    }

    proptest! {
        #[test]
        fn no_text_keeps_the_secret(secret in "[ -~]{8,40}", before in ".{0,80}", after in ".{0,80}") {
            prop_assume!(!"[redacted]".contains(&secret));
            let clean = scrub(&secret).clean(&format!("{before}{secret}{after}"));
            prop_assert!(!clean.contains(&secret));
        }
    }
}
