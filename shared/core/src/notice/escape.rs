//! What others wrote, made harmless for where it is shown. Vendors' logs, names of objects and the ticket's own words are
//! texts of strangers: they may hold markup, line breaks that forge a line of ours, or marks that turn a line round.

/// The longest text of one field, in characters. What is longer is cut: whoever needs more has the system itself.
const LONGEST: usize = 600;

/// One line of at most [`LONGEST`] characters: control characters, line breaks and invisible marks (bidirectional
/// overrides, zero-width ones) become a space, and spaces in a row one.
pub(super) fn line(text: &str) -> String {
    let mut line = String::with_capacity(text.len().min(LONGEST));
    let mut count = 0;
    for c in text.chars() {
        let c = if c.is_control() || c.is_whitespace() || is_invisible(c) { ' ' } else { c };
        if c == ' ' && (line.is_empty() || line.ends_with(' ')) {
            continue;
        }
        if count == LONGEST {
            line.push('…');
            break;
        }
        line.push(c);
        count += 1;
    }
    line.truncate(line.trim_end().len());
    line
}

/// Characters that are not seen but change how the rest is read (Unicode Standard Annex 9, explicit directional
/// formatting; general category Cf as far as it occurs in plain text).
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// A line for plain text. The three characters that begin markup in Slack's messages (Slack API documentation,
/// "Formatting text": `&`, `<` and `>`) become the full-width ones that look like them: a plain text may be passed on to
/// a chat by whoever subscribes to it.
pub(super) fn plain(text: &str) -> String {
    line(text).chars().map(|c| if matches!(c, '&' | '<' | '>') { full_width(c) } else { c }).collect()
}

/// A line for a chat, whose clients read Markdown: besides those of [`plain`] what makes a link, a mention, code or hidden
/// text.
pub(super) fn chat(text: &str) -> String {
    let marks = |c: char| matches!(c, '&' | '<' | '>' | '*' | '~' | '`' | '[' | ']' | '|' | '@' | '\\' | '#' | '!');
    line(text).chars().map(|c| if marks(c) { full_width(c) } else { c }).collect()
}

/// The full-width form of a printable ASCII character (Unicode block "Halfwidth and Fullwidth Forms").
fn full_width(c: char) -> char {
    char::from_u32(u32::from(c) + 0xfee0).unwrap_or('?')
}

/// A line for the text or an attribute of an HTML page.
pub(super) fn html(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in line(text).chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

/// A line of printable ASCII, of at most so many characters.
pub(super) fn ascii(text: &str, longest: usize) -> String {
    line(text).chars().map(|c| if c.is_ascii_graphic() || c == ' ' { c } else { '?' }).take(longest).collect()
}
