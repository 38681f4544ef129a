//! The tokens of SQL text: enough to tell words from texts, names and comments.

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// White space or a comment.
    Space,
    /// A word: a keyword, a name, a number.
    Word,
    /// A name in double quotes.
    Name,
    /// A text in single quotes or between dollars.
    Text,
    /// Any other character.
    Sign,
}

/// A piece of SQL text. All tokens together are the whole text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token<'a> {
    pub kind: Kind,
    pub text: &'a str,
}

impl Token<'_> {
    /// The name that the token stands for: what is not in quotes is folded to lower case.
    pub fn name(&self) -> String {
        let inner = self.text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
        inner.map_or_else(|| self.text.to_lowercase(), |inner| inner.replace("\"\"", "\""))
    }
}

impl Token<'_> {
    /// What a text in single quotes holds; none where the token is no such text.
    pub fn content(&self) -> Option<String> {
        let inner = self.text.strip_prefix('\'').and_then(|text| text.strip_suffix('\''))?;
        Some(inner.replace("''", "'"))
    }
}

/// Cuts SQL text into tokens. What is not finished is a token up to the end.
pub(super) fn tokens(sql: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut rest = sql;
    while let Some(first) = rest.chars().next() {
        let (kind, length) = match first {
            _ if first.is_whitespace() => (Kind::Space, length_while(rest, char::is_whitespace)),
            _ if rest.starts_with("--") => (Kind::Space, rest.find('\n').unwrap_or(rest.len())),
            _ if rest.starts_with("/*") => (Kind::Space, comment(rest)),
            '\'' => (Kind::Text, quoted(rest, '\'', escapes(&tokens))),
            '"' => (Kind::Name, quoted(rest, '"', false)),
            '$' if dollars(rest).is_some() => (Kind::Text, dollars(rest).unwrap_or(rest.len())),
            _ if is_word(first) => (Kind::Word, length_while(rest, is_word)),
            _ => (Kind::Sign, first.len_utf8()),
        };
        let (text, after) = rest.split_at(length);
        tokens.push(Token { kind, text });
        rest = after;
    }
    tokens
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

fn length_while(text: &str, belongs: impl Fn(char) -> bool) -> usize {
    text.find(|character| !belongs(character)).unwrap_or(text.len())
}

/// Whether the text that follows these tokens knows backslashes: `E'…'`.
fn escapes(before: &[Token<'_>]) -> bool {
    before.last().is_some_and(|last| last.text.eq_ignore_ascii_case("e"))
}

/// Length of what is in quotes; a doubled quote is one of its characters.
fn quoted(text: &str, quote: char, escapes: bool) -> usize {
    let mut characters = text.char_indices().skip(1).peekable();
    while let Some((position, character)) = characters.next() {
        if escapes && character == '\\' {
            characters.next();
        } else if character == quote {
            match characters.peek() {
                Some((_, next)) if *next == quote => drop(characters.next()),
                _ => return position + quote.len_utf8(),
            }
        }
    }
    text.len()
}

/// Length of a comment with those inside it.
fn comment(text: &str) -> usize {
    let mut depth = 0;
    let mut position = 0;
    while let Some(rest) = text.get(position..).filter(|rest| !rest.is_empty()) {
        if rest.starts_with("/*") {
            depth += 1;
            position += 2;
        } else if rest.starts_with("*/") {
            depth -= 1;
            position += 2;
            if depth == 0 {
                return position;
            }
        } else {
            position += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}

/// Length of a text between `$tag$` and the same again; none where no such text begins.
fn dollars(text: &str) -> Option<usize> {
    let end = 1 + text.get(1..)?.find('$')?;
    let tag = &text[..=end];
    let inner = &tag[1..end];
    if !inner.chars().all(is_word) || inner.starts_with(|first: char| first.is_ascii_digit()) {
        return None;
    }
    let after = end + 1;
    Some(text[after..].find(tag).map_or(text.len(), |found| after + found + tag.len()))
}
