//! Users as a list of the identity store shows them: for attributes by which it cannot be asked.

use aws_sdk_identitystore::types::User;

/// A user of a list, with what the attributes hold that an issuer may map.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListedUser {
    /// Id.
    pub id: String,
    /// Path of an attribute in lower case, and one value of it.
    values: Vec<(&'static str, String)>,
}

/// First words of the paths that a list does not show: attributes of SCIM's enterprise extension.
const NOT_LISTED: [&str; 2] = ["enterprise", "extensions"];

impl ListedUser {
    pub(super) fn of(user: &User) -> Self {
        let name = user.name();
        let single = [
            ("username", user.user_name()),
            ("displayname", user.display_name()),
            ("nickname", user.nick_name()),
            ("profileurl", user.profile_url()),
            ("usertype", user.user_type()),
            ("title", user.title()),
            ("preferredlanguage", user.preferred_language()),
            ("locale", user.locale()),
            ("timezone", user.timezone()),
            ("name.formatted", name.and_then(|n| n.formatted())),
            ("name.familyname", name.and_then(|n| n.family_name())),
            ("name.givenname", name.and_then(|n| n.given_name())),
            ("name.middlename", name.and_then(|n| n.middle_name())),
            ("name.honorificprefix", name.and_then(|n| n.honorific_prefix())),
            ("name.honorificsuffix", name.and_then(|n| n.honorific_suffix())),
        ];
        let emails = user.emails().iter().map(|email| ("emails.value", email.value()));
        let phones = user.phone_numbers().iter().map(|phone| ("phonenumbers.value", phone.value()));
        let external = user.external_ids().iter().map(|external| ("externalids.id", Some(external.id())));
        let all = single.into_iter().chain(emails).chain(phones).chain(external);
        let values = all.filter_map(|(path, value)| Some((path, value?.to_owned()))).collect();
        Self { id: user.user_id().to_owned(), values }
    }

    /// Whether the attribute has this value, which is compared byte for byte; the path without regard to case. `None`
    /// for an attribute that a list does not show.
    pub fn has(&self, attribute: &str, value: &str) -> Option<bool> {
        let path = attribute.to_ascii_lowercase();
        if NOT_LISTED.iter().any(|word| path.starts_with(word)) {
            return None;
        }
        Some(self.values.iter().any(|(of, held)| *of == path && held == value))
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_identitystore::types::{Email, Name};

    use super::*;

    #[test]
    fn attributes_by_their_paths() {
        let user = User::builder()
            .user_id("1")
            .user_arn("arn:aws:identitystore:::user/1")
            .revision("1")
            .identity_store_id("d-1")
            .user_name("dev1@example.com")
            .name(Name::builder().given_name("Dev").build())
            .emails(Email::builder().value("one@example.com").build())
            .build();
        let user = ListedUser::of(&user.expect("a user"));
        let table = [
            ("userName", "dev1@example.com", Some(true)),
            ("username", "dev1@example.com", Some(true)),
            ("userName", "Dev1@example.com", Some(false)),
            ("emails.value", "one@example.com", Some(true)),
            ("name.givenName", "Dev", Some(true)),
            ("title", "dev1@example.com", Some(false)),
            ("enterprise.costCenter", "1", None),
        ];
        for (attribute, value, has) in table {
            assert_eq!(user.has(attribute, value), has, "{attribute} {value}");
        }
    }
}
