//! Lists that are read a page at a time.

use extoauth_core::error::CallResult;
use reqwest::Method;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use url::Url;

use super::Read;
use super::scope::Scope;
use crate::http::{Call, Reply, link_next};

/// Where a list goes on: Okta's own link, which is opaque. Can be kept: the System Log goes on there another day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NextPage(Url);

/// A page of a list that may be too long to be collected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// What is on it.
    pub items: Vec<T>,
    /// The next page, if there is one.
    pub next: Option<NextPage>,
}

impl Read {
    /// One page: the first, or the one at `after`.
    pub(super) async fn page<T: DeserializeOwned>(
        &self,
        operation: &'static str,
        scope: Scope,
        path: &[&str],
        query: &[(&str, &str)],
        after: Option<&NextPage>,
        object: &str,
    ) -> CallResult<Page<T>> {
        let call = match after {
            Some(NextPage(url)) => Call::new(operation, Method::GET, url.clone()),
            None => {
                let mut call = self.call(operation, Method::GET, path)?;
                call.url.query_pairs_mut().extend_pairs(query);
                call
            }
        };
        let here = call.url.clone();
        let reply = self.send(scope, call.on(object)).await?;
        Ok(Page { items: reply.json()?, next: next_page(&here, &reply).map(NextPage) })
    }
}

/// The next page, unless it is the present one again.
pub(super) fn next_page(here: &Url, reply: &Reply) -> Option<Url> {
    link_next(&reply.headers).filter(|next| next != here)
}
