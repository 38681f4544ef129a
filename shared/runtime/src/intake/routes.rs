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
    /// `/integrations/{name}/profiles.yml`
    Profiles(&'a str),
    /// `/systems/{kind}/{name}`
    System(&'a str, &'a str),
    /// `/calendar.ics`
    Calendar,
    /// `/explain`
    Explain,
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
            ["calendar.ics"] => Self::Calendar,
            ["explain"] => Self::Explain,
            ["integrations", name, "profiles.yml"] => Self::Profiles(name),
            ["systems", kind, name] => Self::System(kind, name),
            _ => return None,
        })
    }

    /// The one method that it takes.
    pub(super) fn method(&self) -> Method {
        match self {
            Self::Requests | Self::Explain => Method::POST,
            Self::Request(_)
            | Self::Integrations
            | Self::Integration(_)
            | Self::Profiles(_)
            | Self::System(..)
            | Self::Calendar => Method::GET,
        }
    }
}
