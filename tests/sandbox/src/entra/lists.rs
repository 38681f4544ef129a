//! Lists: pages, `$select`, `$count`.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

use super::context::{Cx, raw};
use super::error::{Answer, Problem};
use super::filter::Filter;
use super::names;

/// Page size where the request names none.
const PAGE: usize = 100;
/// Largest page.
const LARGEST: usize = 999;

/// What a list can be asked for.
pub(super) struct List<'a> {
    /// The set, for `@odata.context`.
    pub of: &'a str,
    /// Properties that `$filter` may test.
    pub filters: &'a [&'a str],
}

impl List<'_> {
    /// The filter of a request.
    pub fn filter(&self, cx: &Cx) -> Result<Option<Filter>, Problem> {
        let Some(text) = cx.arg("filter") else { return Ok(None) };
        let filter = Filter::parse(text)?;
        filter.allow(self.filters, cx.eventual)?;
        Ok(Some(filter))
    }

    /// One page of items, which come in the order of their keys. `fits` is asked before `show` makes an object.
    pub fn answer<'a, T: Copy + 'a>(
        &self,
        cx: &Cx,
        items: impl Iterator<Item = (&'a str, T)>,
        fits: impl Fn(T) -> bool,
        show: impl Fn(T) -> Value,
    ) -> Answer {
        if let Some(left_out) = ["expand", "search", "orderby", "skip"].iter().find(|name| cx.arg(name).is_some()) {
            tracing::debug!(left_out, "a query option that the sandbox has not");
            return Err(Problem::not_implemented());
        }
        let size = match cx.arg("top").map(str::parse::<usize>) {
            None => PAGE,
            Some(Ok(size @ 1..=LARGEST)) => size,
            Some(_) => {
                return Err(Problem::new(
                    400,
                    "Request_UnsupportedQuery",
                    format!(
                        "Invalid page size specified: '{}'. Must be between 1 and 999 inclusive.",
                        cx.arg("top").unwrap_or_default()
                    ),
                ));
            }
        };
        let after = match cx.arg("skiptoken") {
            None => None,
            Some(token) => Some(opened(token)?),
        };
        let select = Selection::of(cx);
        let all: Vec<_> = items.filter(|(_, item)| fits(*item)).collect();
        let start = all.partition_point(|(key, _)| after.as_deref().is_some_and(|after| *key <= after));
        let page = &all[start..all.len().min(start + size)];
        let values: Vec<_> = page.iter().map(|(_, item)| select.cut(show(*item))).collect();
        let mut body = json!({"value": values});
        if cx.arg("count") == Some("true") {
            body["@odata.count"] = json!(all.len());
        }
        if let Some((last, _)) = page.last().filter(|_| start + size < all.len()) {
            body["@odata.nextLink"] = json!(next(cx, last));
        }
        raw(select.context(self.of), body)
    }
}

fn opened(token: &str) -> Result<String, Problem> {
    let bytes = URL_SAFE_NO_PAD.decode(token).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    bytes.ok_or_else(|| Problem::new(400, "Directory_ExpiredPageToken", "Specified page token value has expired."))
}

/// The request's URL with the token of the next page.
fn next(cx: &Cx, last: &str) -> String {
    let mut query: Vec<_> = cx.query.iter().filter(|(key, _)| key != "$skiptoken").cloned().collect();
    query.push(("$skiptoken".to_owned(), URL_SAFE_NO_PAD.encode(last)));
    let text = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
    // The names of OData's options keep their dollar sign.
    format!("https://{}/v1.0{}?{}", names::GRAPH_HOST, cx.path.replace("/(", "("), text.replace("%24", "$"))
}

/// `$select`.
pub(super) struct Selection(Option<Vec<String>>);

impl Selection {
    /// That of a request.
    pub fn of(cx: &Cx) -> Self {
        Self::named(cx.arg("select"))
    }

    /// The properties of a text, separated by commas; none: all.
    pub fn named(names: Option<&str>) -> Self {
        Self(names.map(|names| names.split(',').map(|name| name.trim().to_owned()).collect()))
    }

    /// The object with the selected properties alone.
    pub fn cut(&self, object: Value) -> Value {
        match (&self.0, object) {
            (Some(names), Value::Object(mut all)) => {
                let kept = names.iter().filter_map(|name| all.remove(name).map(|value| (name.clone(), value)));
                Value::Object(kept.collect::<Map<_, _>>())
            }
            (_, object) => object,
        }
    }

    /// `applications(id,appId)`.
    pub fn context(&self, of: &str) -> String {
        match &self.0 {
            Some(names) => format!("{of}({})", names.join(",")),
            None => of.to_owned(),
        }
    }
}
