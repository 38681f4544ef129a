//! What the reader sees: plain lines of at most a hundred columns, with colour only in a terminal.

use std::io::{IsTerminal as _, Write as _};

/// Columns.
const WIDTH: usize = 100;

/// Standard output.
pub struct Screen {
    colour: bool,
}

/// How a line is painted.
#[derive(Clone, Copy)]
pub enum Paint {
    /// Bold.
    Strong,
    /// Green.
    Good,
    /// Red.
    Bad,
    /// Grey.
    Quiet,
}

impl Screen {
    /// Colours where somebody looks at a terminal and has not said no.
    pub fn new() -> Self {
        Self { colour: std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none() }
    }

    /// A text in a colour, where there are any.
    pub fn paint(&self, paint: Paint, text: &str) -> String {
        let code = match paint {
            Paint::Strong => "1",
            Paint::Good => "32",
            Paint::Bad => "31",
            Paint::Quiet => "90",
        };
        if self.colour { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    /// A heading.
    pub fn title(&self, text: &str) {
        let line = "─".repeat(WIDTH.saturating_sub(text.chars().count() + 4));
        self.line(&format!("\n── {} {line}", self.paint(Paint::Strong, text)));
    }

    /// A paragraph.
    pub fn text(&self, text: &str) {
        for line in wrap(text, WIDTH - 3) {
            self.line(&format!("   {line}"));
        }
    }

    /// A name and its value.
    pub fn field(&self, name: &str, value: &str) {
        let mut name = name;
        for line in wrap(value, WIDTH - 24) {
            self.line(&format!("   {name:<20} {line}"));
            name = "";
        }
    }

    /// An indented list item.
    pub fn item(&self, mark: &str, text: &str) {
        let mut mark = mark;
        for line in wrap(text, WIDTH - 7) {
            self.line(&format!("   {mark:<3} {line}"));
            mark = "";
        }
    }

    /// A line as it is, shown at once.
    pub fn line(&self, text: &str) {
        let mut out = std::io::stdout().lock();
        // Whoever closed the pipe does not want the rest.
        let _ = writeln!(out, "{}", text.trim_end()).and_then(|()| out.flush());
    }
}

/// Lines of at most so many columns; a word that is longer stays whole, so that it can be copied.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for paragraph in text.lines() {
        let mut line = String::new();
        for word in paragraph.split_whitespace() {
            if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > width {
                lines.push(std::mem::take(&mut line));
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        lines.push(line);
    }
    lines
}

#[cfg(test)]
mod tests {
    #[test]
    fn lines_break_between_words() {
        assert_eq!(super::wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(super::wrap("averylongword x", 4), ["averylongword", "x"]);
        assert_eq!(super::wrap("a\nb", 9), ["a", "b"]);
    }
}
