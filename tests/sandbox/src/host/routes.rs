//! Routes of an HTTP API.

use std::collections::BTreeMap;

/// A route key taken apart.
#[derive(Clone, Debug)]
pub(super) struct Route {
    /// As written: `ANY /requests/{id}`, `$default`.
    pub(super) key: String,
    /// `None` for `ANY`.
    method: Option<String>,
    /// `None` for `$default`.
    segments: Option<Vec<Segment>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Segment {
    Fixed(String),
    One(String),
    /// `{proxy+}`: the rest of the path, at least one segment.
    Rest(String),
}

impl Route {
    /// Reads a route key.
    pub(super) fn parse(key: &str) -> Self {
        let Some((method, path)) = key.split_once(' ') else {
            return Self { key: key.to_owned(), method: None, segments: None };
        };
        let segment = |text: &str| match text.strip_prefix('{').and_then(|text| text.strip_suffix('}')) {
            None => Segment::Fixed(text.to_owned()),
            Some(name) => match name.strip_suffix('+') {
                None => Segment::One(name.to_owned()),
                Some(name) => Segment::Rest(name.to_owned()),
            },
        };
        Self {
            key: key.to_owned(),
            method: (method != "ANY").then(|| method.to_owned()),
            segments: Some(path.trim_start_matches('/').split('/').map(segment).collect()),
        }
    }

    /// The path parameters if the route takes this request.
    fn matches(&self, method: &str, path: &str) -> Option<BTreeMap<String, String>> {
        if self.method.as_deref().is_some_and(|own| own != method) {
            return None;
        }
        let mut parameters = BTreeMap::new();
        let Some(segments) = &self.segments else { return Some(parameters) };
        let mut rest = Some(path.strip_prefix('/').unwrap_or(path));
        for segment in segments {
            let (head, tail) = match rest? {
                text if matches!(segment, Segment::Rest(_)) => (text, None),
                text => text.split_once('/').map_or((text, None), |(head, tail)| (head, Some(tail))),
            };
            match segment {
                Segment::Fixed(text) if text == head => {}
                Segment::One(name) | Segment::Rest(name) if !head.is_empty() => {
                    parameters.insert(name.clone(), head.to_owned());
                }
                _ => return None,
            }
            rest = tail;
        }
        rest.is_none().then_some(parameters)
    }

    /// How specific the route is: a full match beats a greedy one, that beats `$default`; then fixed segments and a
    /// named method count.
    fn rank(&self) -> (u8, usize, bool) {
        let segments = self.segments.as_deref().unwrap_or_default();
        let kind = match &self.segments {
            None => 0,
            Some(all) if matches!(all.last(), Some(Segment::Rest(_))) => 1,
            Some(_) => 2,
        };
        let fixed = segments.iter().filter(|segment| matches!(segment, Segment::Fixed(_))).count();
        (kind, fixed, self.method.is_some())
    }
}

/// The most specific route for a request, with its path parameters.
pub(super) fn find<'a>(routes: &'a [Route], method: &str, path: &str) -> Option<(&'a Route, BTreeMap<String, String>)> {
    routes.iter().filter_map(|route| Some((route, route.matches(method, path)?))).max_by_key(|(route, _)| route.rank())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_specific_route_wins() {
        let routes: Vec<_> =
            ["$default", "ANY /requests", "ANY /requests/{id}", "GET /requests/{id}", "ANY /files/{path+}"]
                .map(Route::parse)
                .into();
        let key =
            |method, path| find(&routes, method, path).map(|(route, parameters)| (route.key.as_str(), parameters));
        let with = |name: &str, value: &str| BTreeMap::from([(name.to_owned(), value.to_owned())]);
        assert_eq!(key("POST", "/requests"), Some(("ANY /requests", BTreeMap::new())));
        assert_eq!(key("POST", "/requests/a"), Some(("ANY /requests/{id}", with("id", "a"))));
        assert_eq!(key("GET", "/requests/a"), Some(("GET /requests/{id}", with("id", "a"))));
        assert_eq!(key("GET", "/files/a/b"), Some(("ANY /files/{path+}", with("path", "a/b"))));
        for path in ["/requests/", "/requests/a/b", "/", "/files/"] {
            assert_eq!(key("GET", path), Some(("$default", BTreeMap::new())), "{path}");
        }
        assert!(find(&routes[1..], "GET", "/other").is_none());
    }
}
