//! The ways of OData in URLs and lists.

use serde::Deserialize;
use url::Url;

/// The most items that a page of directory objects has.
pub(super) const PAGE: &str = "999";

/// A page of a list.
#[derive(Deserialize)]
pub(super) struct Page<T> {
    #[serde(default = "Vec::new")]
    pub(super) value: Vec<T>,
    /// The whole URL of the next page.
    #[serde(rename = "@odata.nextLink", default)]
    pub(super) next: Option<String>,
}

/// A text as OData quotes it.
pub(super) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// A path segment with an alternate key: `applications(uniqueName='…')`.
pub(super) fn by_key(collection: &str, key: &str, value: &str) -> String {
    format!("{collection}({key}={})", quoted(value))
}

/// A filter for equality.
pub(super) fn equals(property: &str, value: &str) -> String {
    format!("{property} eq {}", quoted(value))
}

/// Sets the query. Names are sent as they are (`$select`), values encoded, a space as `%20`: whether Graph reads a `+`
/// as a space is not documented.
pub(super) fn set_query(url: &mut Url, query: &[(&str, &str)]) {
    if query.is_empty() {
        return;
    }
    let encode = |value: &str| url::form_urlencoded::byte_serialize(value.as_bytes()).collect::<String>();
    let pairs: Vec<_> =
        query.iter().map(|(name, value)| format!("{name}={}", encode(value).replace('+', "%20"))).collect();
    url.set_query(Some(&pairs.join("&")));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_quoted_and_encoded() {
        let mut url = Url::parse("https://graph.microsoft.com/v1.0/groups").expect("a URL");
        set_query(&mut url, &[("$filter", &equals("displayName", "O'Neil & Söhne+1")), ("$top", PAGE)]);
        assert_eq!(url.query(), Some("$filter=displayName%20eq%20%27O%27%27Neil%20%26%20S%C3%B6hne%2B1%27&$top=999"));
        let read: Vec<_> = url.query_pairs().into_owned().collect();
        assert_eq!(read[0].1, "displayName eq 'O''Neil & Söhne+1'");
        assert_eq!(by_key("applications", "uniqueName", "a'b"), "applications(uniqueName='a''b')");
    }
}
