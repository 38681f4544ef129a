//! The message as plain text, and as a chat shows it.

use serde_json::json;

use super::{Notice, escape};

impl Notice {
    /// The message as plain text: a line a part, whatever the parts hold.
    pub fn text(&self) -> String {
        let mut lines = vec![escape::plain(&self.headline()), String::new()];
        lines.extend(self.parts().iter().map(|part| format!("{}: {}", part.label, escape::plain(&part.text))));
        lines.join("\n")
    }

    /// The message as Amazon Q Developer in chat applications takes it for Slack and Teams: JSON of version 1.0 with a
    /// title and a description in Markdown (its administrator guide, "Custom notifications"; it drops what has another
    /// form).
    pub fn chat(&self) -> String {
        let parts = self.parts();
        let lines: Vec<String> =
            parts.iter().map(|part| format!("*{}:* {}", part.label, escape::chat(&part.text))).collect();
        json!({
            "version": "1.0",
            "source": "custom",
            // Names this very message: a chat shows it once.
            "id": self.id,
            "content": {
                "textType": "client-markdown",
                "title": escape::chat(&self.headline()),
                "description": lines.join("\n"),
            },
            "metadata": {"threadId": self.alert, "summary": escape::chat(&self.headline())},
        })
        .to_string()
    }
}
