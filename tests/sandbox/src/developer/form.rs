//! Reading a sign-in page: its form, as a browser without JavaScript would fill it in.

/// A form of a page.
pub(super) struct Form {
    pub action: String,
    fields: Vec<(String, String)>,
}

impl Form {
    /// The first form of a page.
    pub fn find(page: &str) -> Option<Self> {
        let start = page.find("<form")?;
        let inside = &page[start..];
        let inside = &inside[..inside.find("</form>")?];
        let action = attribute(inside, "action").unwrap_or_default();
        let inputs = inside.split("<input").skip(1);
        let fields = inputs.filter_map(|input| {
            let tag = &input[..input.find('>')?];
            Some((attribute(tag, "name")?, attribute(tag, "value").unwrap_or_default()))
        });
        Some(Self { action, fields: fields.collect() })
    }

    /// Whether it has a field of this name.
    pub fn has(&self, name: &str) -> bool {
        self.fields.iter().any(|(field, _)| field == name)
    }

    /// The form's fields with the person's name where a name is asked for, form-encoded.
    pub fn filled(&self, username: &str) -> String {
        let mut out = url::form_urlencoded::Serializer::new(String::new());
        for (name, value) in &self.fields {
            let value = if matches!(name.as_str(), "username" | "login" | "identifier") { username } else { value };
            out.append_pair(name, value);
        }
        out.finish()
    }
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let tag = &tag[..tag.find('>').unwrap_or(tag.len())];
    let start = tag.find(&format!(" {name}=\""))? + name.len() + 3;
    let rest = &tag[start..];
    let end = rest.find('"')?;
    Some(unescape(&rest[..end]))
}

fn unescape(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&#39;", "'").replace("&amp;", "&")
}

/// The words of a page without its tags, cut short: for error messages.
pub(super) fn plain(page: &str) -> String {
    let body = page.find("<body").map_or(page, |start| &page[start..]);
    let mut text = String::new();
    let mut inside = false;
    for letter in body.chars() {
        match letter {
            '<' => {
                inside = true;
                text.push(' ');
            }
            '>' => inside = false,
            letter if !inside => text.push(letter),
            _ => {}
        }
    }
    let words: Vec<&str> = text.split_whitespace().collect();
    unescape(&words.join(" ")).chars().take(300).collect()
}

#[cfg(test)]
mod tests {
    use super::{Form, plain};

    #[test]
    fn reads_a_form() {
        let page = r#"<html><body><p>Hi</p><form method="post" action="/a?b=1&amp;c=2">
            <input type="hidden" name="state" value="a&quot;b"><input name="username" value="" required></form></body></html>"#;
        let form = Form::find(page).expect("a form");
        assert_eq!(form.action, "/a?b=1&c=2");
        assert_eq!(form.filled("dev1@example.com"), "state=a%22b&username=dev1%40example.com");
        assert_eq!(plain(page), "Hi");
        assert!(Form::find("<p>none</p>").is_none());
    }
}
