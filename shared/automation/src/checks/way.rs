//! From a dbt connection to the warehouse: what of it keeps people out, whosever connection it is.

use extoauth_systems::dbt::{Connection, OauthConfiguration};

use super::common::same_place;
use crate::observe::{Observed, Seen};

/// The port that Redshift listens on unless it is told otherwise, and that dbt takes where none is given.
pub(super) const PORT: i64 = 5439;

/// How something differs, and whether that keeps people out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// It keeps them out.
    Breaks(String),
    /// It need not.
    Differs(String),
}

/// What a connection says of the warehouse that is not so.
pub(super) fn warehouse(connection: &Connection, observed: &Observed) -> Vec<Fault> {
    let mut faults = Vec::new();
    let desired = &observed.desired;
    if !connection.adapter_version.starts_with("redshift") {
        faults.push(Fault::Breaks(format!("its adapter is `{}`, not Redshift's", connection.adapter_version)));
    }
    let host = connection.hostname.as_deref().unwrap_or_default();
    if !is_host(host, &desired.warehouse_host) {
        faults.push(Fault::Breaks(format!("its host is `{host}`, not `{}`", desired.warehouse_host)));
    }
    // dbt fills the port in where none is given.
    if let Some(port) = connection.port.filter(|port| *port != PORT) {
        faults.push(Fault::Breaks(format!("its port is {port}, not {PORT}")));
    }
    let database = connection.dbname.as_deref().unwrap_or_default();
    if database != desired.database {
        faults.push(Fault::Breaks(format!("its database is `{database}`, not `{}`", desired.database)));
    }
    faults
}

/// Whether two host names are one: DNS knows no case, and a dot at the end is the same name.
pub(super) fn is_host(is: &str, wanted: &str) -> bool {
    is.trim_end_matches('.').eq_ignore_ascii_case(wanted.trim_end_matches('.'))
}

/// What follows from signing in with a configuration that is not ours: sure of a break only where it names no client that
/// could work.
pub(super) fn foreign(configuration: Option<&Seen<OauthConfiguration>>, observed: &Observed) -> Fault {
    let Some(configuration) = configuration else {
        return Fault::Breaks("it has no OAuth configuration: its OAuth method is not External OAuth".into());
    };
    let found = match configuration {
        Seen::There(found) => found,
        Seen::Gone => return Fault::Breaks("it uses an OAuth configuration that is not there".into()),
        Seen::Unread(why) => return Fault::Differs(format!("it uses another OAuth configuration ({})", why.why)),
    };
    let told = format!("it uses the OAuth configuration `{}` ({}) instead of ours", found.name, found.id);
    let uri = found.application_id_uri.is_some();
    let usable = match found.kind.as_str() {
        "okta" => !uri,
        "entra" => uri,
        _ => false,
    };
    let empty = [&found.client_id, &found.authorize_url, &found.token_url].iter().any(|text| text.is_empty());
    if !usable || empty {
        return Fault::Breaks(format!("{told}, which is not complete"));
    }
    let here = |seen: &Seen<Vec<String>>, url: &str| {
        seen.there().is_some_and(|urls| urls.iter().any(|known| same_place(known, url)))
    };
    let idp = &observed.idp;
    let same_client = idp.client_id.there().is_some_and(|client| *client == found.client_id);
    let same_kind = found.kind == observed.desired.idp.to_string();
    let same_urls = here(&idp.authorize_urls, &found.authorize_url) && here(&idp.token_urls, &found.token_url);
    if same_kind && idp.client_id.there().is_some() && !(same_client && same_urls) {
        return Fault::Breaks(format!("{told}, which is for another client (`{}`)", found.client_id));
    }
    Fault::Differs(told)
}

/// The texts of both kinds of fault.
pub(super) fn sorted(faults: Vec<Fault>) -> (Vec<String>, Vec<String>) {
    let (mut breaks, mut differs) = (Vec::new(), Vec::new());
    for fault in faults {
        match fault {
            Fault::Breaks(text) => breaks.push(text),
            Fault::Differs(text) => differs.push(text),
        }
    }
    (breaks, differs)
}
