//! The rights of an API Services app.

/// Okta's OAuth scopes that we use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Scope {
    AppsRead,
    AppsManage,
    ServersRead,
    ServersManage,
    GroupsRead,
    LogsRead,
    /// Of no token of ours: only the holder of an API token asks for these, whose role decides.
    ApiTokensRead,
    OwnUserRead,
}

/// What a client is for: it asks for the scopes of its purpose in one token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    Read,
    Write,
    /// Reading as the schedules do: who changed something is in the System Log, which nothing else here reads.
    Watch,
}

impl Purpose {
    pub(super) fn scopes(self) -> &'static [Scope] {
        const READ: [Scope; 3] = [Scope::AppsRead, Scope::ServersRead, Scope::GroupsRead];
        const WRITE: [Scope; 5] =
            [Scope::AppsManage, Scope::AppsRead, Scope::ServersManage, Scope::ServersRead, Scope::GroupsRead];
        const WATCH: [Scope; 4] = [Scope::AppsRead, Scope::ServersRead, Scope::GroupsRead, Scope::LogsRead];
        match self {
            Self::Read => &READ,
            Self::Write => &WRITE,
            Self::Watch => &WATCH,
        }
    }
}

const ALL: [Scope; 6] =
    [Scope::AppsRead, Scope::AppsManage, Scope::ServersRead, Scope::ServersManage, Scope::GroupsRead, Scope::LogsRead];

impl Scope {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::AppsRead => "okta.apps.read",
            Self::AppsManage => "okta.apps.manage",
            Self::ServersRead => "okta.authorizationServers.read",
            Self::ServersManage => "okta.authorizationServers.manage",
            Self::GroupsRead => "okta.groups.read",
            Self::LogsRead => "okta.logs.read",
            Self::ApiTokensRead => "okta.apiTokens.read",
            Self::OwnUserRead => "okta.users.read.self",
        }
    }

    pub(super) fn feature(self) -> &'static str {
        match self {
            Self::AppsRead | Self::AppsManage => "apps, their secrets and assignments",
            Self::ServersRead | Self::ServersManage => "authorization servers, scopes, claims and policies",
            Self::GroupsRead => "groups and their members",
            Self::LogsRead => "the System Log: who changed something, and when",
            Self::ApiTokensRead => "API tokens",
            Self::OwnUserRead => "the holder of our API token",
        }
    }

    /// The scope that holds this one too: `manage` allows what `read` does.
    fn wider(self) -> Option<Self> {
        match self {
            Self::AppsRead => Some(Self::AppsManage),
            Self::ServersRead => Some(Self::ServersManage),
            Self::AppsManage
            | Self::ServersManage
            | Self::GroupsRead
            | Self::LogsRead
            | Self::ApiTokensRead
            | Self::OwnUserRead => None,
        }
    }

    /// Whether a token with these scopes allows what needs this one.
    pub(super) fn is_in(self, granted: &[Scope]) -> bool {
        granted.contains(&self) || self.wider().is_some_and(|wider| granted.contains(&wider))
    }
}

/// The known scopes in a token answer's `scope`.
pub(super) fn parse(text: &str) -> Vec<Scope> {
    text.split_whitespace().filter_map(|name| ALL.into_iter().find(|s| s.name() == name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn manage_allows_reading() {
        assert!(Scope::AppsRead.is_in(&[Scope::AppsManage]));
        assert!(!Scope::AppsManage.is_in(&[Scope::AppsRead]));
        assert!(!Scope::GroupsRead.is_in(&[Scope::AppsManage, Scope::ServersManage]));
    }

    #[test]
    fn unknown_scopes_are_skipped() {
        let all: Vec<_> = Purpose::Write.scopes().iter().map(|s| s.name()).collect();
        assert_eq!(parse(&format!("okta.users.read {}", all.join(" "))), Purpose::Write.scopes());
        assert_eq!(parse("okta.logs.read"), [Scope::LogsRead]);
        assert!(parse("").is_empty());
    }
}
