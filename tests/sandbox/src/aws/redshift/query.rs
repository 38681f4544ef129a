//! The form body of an AWS query request, as a tree: `Tags.Tag.1.Key=a` is under `Tags`, `Tag`, `1`, `Key`.

use std::collections::BTreeMap;

/// A parameter with everything below it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::aws) struct Node {
    value: Option<String>,
    children: BTreeMap<String, Node>,
}

impl Node {
    /// Reads a form body. Names that are there without a value stand for an empty list.
    pub fn parse(body: &[u8]) -> Self {
        let mut root = Self::default();
        for (name, value) in url::form_urlencoded::parse(body) {
            let node = name.split('.').fold(&mut root, |node, part| node.children.entry(part.to_owned()).or_default());
            node.value = Some(value.into_owned());
        }
        root
    }

    /// The text of a parameter, `None` where it was not sent.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.child(name)?.value.as_deref()
    }

    /// The parameter of this name.
    pub fn child(&self, name: &str) -> Option<&Node> {
        self.children.get(name)
    }

    /// The entries of a list parameter in the order of their numbers; `None` where it was not sent, empty where it was
    /// sent without entries.
    pub fn list(&self, name: &str, entry: &str) -> Option<Vec<&Node>> {
        let node = self.child(name)?;
        let Some(entries) = node.child(entry) else { return Some(Vec::new()) };
        let mut numbered: Vec<(u64, &Node)> =
            entries.children.iter().filter_map(|(number, node)| Some((number.parse().ok()?, node))).collect();
        numbered.sort_by_key(|(number, _)| *number);
        Some(numbered.into_iter().map(|(_, node)| node).collect())
    }

    /// The entries of a list of texts.
    pub fn texts(&self, name: &str, entry: &str) -> Option<Vec<String>> {
        let texts = self.list(name, entry)?.into_iter();
        Some(texts.map(|node| node.value.clone().unwrap_or_default()).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::Node;

    #[test]
    fn an_empty_list_is_not_an_absent_one() {
        let node = Node::parse(b"Action=A&AuthorizedTokenIssuerList=&Tags.Tag.10.Key=b&Tags.Tag.2.Key=a%26");
        assert_eq!(node.list("AuthorizedTokenIssuerList", "member"), Some(Vec::new()));
        assert_eq!(node.list("ServiceIntegrations", "member"), None);
        let tags = node.list("Tags", "Tag").expect("tags");
        assert_eq!(tags.iter().map(|tag| tag.text("Key")).collect::<Vec<_>>(), [Some("a&"), Some("b")]);
    }
}
