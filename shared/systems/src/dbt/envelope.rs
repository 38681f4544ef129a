//! The frame of dbt's answers: `{"data", "status", "extra"}`.

use serde::Deserialize;

use crate::http::null_default;

/// One object.
#[derive(Deserialize)]
pub(super) struct Enveloped<T> {
    pub(super) data: T,
}

/// A page of a list.
#[derive(Deserialize)]
#[serde(bound(deserialize = "T: Deserialize<'de>"))]
pub(super) struct Listed<T> {
    #[serde(default = "Vec::new", deserialize_with = "rows")]
    pub(super) data: Vec<T>,
    #[serde(default, deserialize_with = "null_default")]
    extra: Extra,
}

fn rows<'de, D: serde::Deserializer<'de>, T: Deserialize<'de>>(d: D) -> Result<Vec<T>, D::Error> {
    Ok(Option::<Vec<T>>::deserialize(d)?.unwrap_or_default())
}

#[derive(Default, Deserialize)]
struct Extra {
    #[serde(default, deserialize_with = "null_default")]
    pagination: Pagination,
}

#[derive(Default, Deserialize)]
struct Pagination {
    #[serde(default)]
    total_count: Option<usize>,
}

impl<T> Listed<T> {
    /// Whether there are more rows behind this page. An empty page ends the list, whatever the count says.
    pub(super) fn goes_on(&self, before: usize, asked: usize) -> bool {
        let so_far = before + self.data.len();
        !self.data.is_empty() && self.extra.pagination.total_count.map_or(self.data.len() >= asked, |all| so_far < all)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn page(body: Value) -> Listed<u32> {
        serde_json::from_value(body).expect("a page")
    }

    #[test]
    fn the_end_of_a_list() {
        let counted =
            |total: usize| json!({"data": [1, 2], "extra": {"pagination": {"count": 2, "total_count": total}}});
        assert!(page(counted(3)).goes_on(0, 100));
        assert!(!page(counted(2)).goes_on(0, 100));
        assert!(!page(counted(4)).goes_on(2, 100));
        let empty = json!({"data": [], "extra": {"pagination": {"total_count": 9}}});
        assert!(!page(empty).goes_on(2, 100));
        for bare in [json!({"data": [1, 2]}), json!({"data": [1, 2], "extra": null})] {
            assert!(!page(bare.clone()).goes_on(0, 100));
            assert!(page(bare).goes_on(0, 2));
        }
        assert!(page(json!({"data": null})).data.is_empty());
    }
}
