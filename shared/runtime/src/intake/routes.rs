//! The paths of the API.

use http::Method;

/// What a path leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Route<'a> {
    /// `/requests`
    Requests,
    /// `/requests/{id}`
    Request(&'a str),
    /// `/integrations`
    Integrations,
    /// `/integrations/{name}`
    Integration(&'a str),
    /// `/explain`
    Explain,
    /// A path of a later version: its method, and what it would be.
    Later(Method, &'static str),
}

impl<'a> Route<'a> {
    /// The route of a path.
    pub(super) fn of(path: &'a str) -> Option<Self> {
        let segments: Vec<&str> = path.strip_prefix('/')?.split('/').collect();
        if segments.iter().any(|segment| segment.is_empty()) {
            return None;
        }
        Some(match segments[..] {
            ["requests"] => Self::Requests,
            ["requests", id] => Self::Request(id),
            ["integrations"] => Self::Integrations,
            ["integrations", name] => Self::Integration(name),
            ["explain"] => Self::Explain,
            ["systems", _, _] => Self::Later(Method::GET, "The report on our rights in a system"),
            _ => return None,
        })
    }

    /// The one method that it takes.
    pub(super) fn method(&self) -> Method {
        match self {
            Self::Requests | Self::Explain => Method::POST,
            Self::Request(_) | Self::Integrations | Self::Integration(_) => Method::GET,
            Self::Later(method, _) => method.clone(),
        }
    }
}
