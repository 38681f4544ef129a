//! The forms in which one message is pasted: as it is, out of a URL, out of JSON, out of a page's source.

/// A text without the escapes of URLs, JSON and HTML.
pub(super) fn unescaped(text: &str) -> String {
    let text = percent_decoded(text);
    const ESCAPES: [(&str, &str); 11] = [
        ("\\u0027", "'"),
        ("\\u0026", "&"),
        ("\\u003d", "="),
        ("\\r", " "),
        ("\\n", " "),
        ("\\\"", "\""),
        ("\\'", "'"),
        ("&#39;", "'"),
        ("&#x27;", "'"),
        ("&quot;", "\""),
        ("&amp;", "&"),
    ];
    ESCAPES.iter().fold(text, |text, (escape, plain)| text.replace(escape, plain))
}

/// As forms and queries are encoded; bytes that are no text become U+FFFD.
fn percent_decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let coded = bytes.get(at + 1..at + 3).and_then(|hex| std::str::from_utf8(hex).ok());
        match (bytes[at], coded.and_then(|hex| u8::from_str_radix(hex, 16).ok())) {
            (b'%', Some(byte)) => {
                plain.push(byte);
                at += 3;
            }
            (b'+', _) => {
                plain.push(b' ');
                at += 1;
            }
            (byte, _) => {
                plain.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&plain).into_owned()
}

/// One case, one kind of quote, one space between words: terminals wrap, editors change quotes.
pub(super) fn folded(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !folded.is_empty() {
            folded.push(' ');
        }
        folded.extend(word.chars().flat_map(char::to_lowercase).map(|c| match c {
            '\u{2018}' | '\u{2019}' | '`' => '\'',
            '\u{201c}' | '\u{201d}' => '"',
            other => other,
        }));
    }
    folded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_message_in_many_forms() {
        let plain = "user isn't assigned & so on";
        for form in [
            "User isn\u{2019}t  assigned &\n so on",
            "User+isn%27t+assigned+%26+so+on",
            "User isn\\u0027t assigned \\u0026 so on",
            "User isn&#39;t assigned &amp; so on",
        ] {
            assert_eq!(folded(&unescaped(form)), plain, "{form}");
        }
        assert_eq!(unescaped("100% %zz %"), "100% %zz %");
        assert_eq!(unescaped("%ff"), "\u{fffd}");
    }
}
