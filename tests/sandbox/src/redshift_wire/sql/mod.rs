//! Redshift's SQL in PostgreSQL's words.
//!
//! Only what the drivers, dbt-redshift and an administrator's set-up of roles send and PostgreSQL does not know is touched:
//! storage clauses of tables, late binding, roles in grants, identity providers, `query_group`,
//! `SHOW SCHEMAS|TABLES|COLUMNS`. Redshift's catalogue views and functions are in `catalogue.sql`. Everything else goes
//! through as it is, and fails there if PostgreSQL does not know it.

mod lexer;
mod registration;

use lexer::{Kind, Token, tokens};
pub(super) use registration::{Registration, registrations};

/// Clauses of `CREATE` that PostgreSQL has no use for, word by word with its alternatives.
const CLAUSES: [&[&[&str]]; 4] = [
    &[&["DISTSTYLE"], &["KEY", "ALL", "EVEN", "AUTO"]],
    &[&["BACKUP"], &["YES", "NO"]],
    &[&["WITH"], &["NO"], &["SCHEMA"], &["BINDING"]],
    &[&["PASSWORD"], &["DISABLE"]],
];

/// A quoted identifier.
pub(super) fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A quoted text.
pub(super) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// The statements of a message as PostgreSQL understands them.
pub(super) fn rewritten(sql: &str) -> String {
    let mut result = String::with_capacity(sql.len());
    for statement in tokens(sql).split_inclusive(|token| token.text == ";") {
        result += &Statement::new(statement).rewritten();
    }
    result
}

/// One statement; a token that is taken out leaves nothing behind.
struct Statement<'a> {
    all: Vec<Token<'a>>,
    /// Positions of what is neither space nor comment.
    solid: Vec<usize>,
    replaced: Vec<(usize, String)>,
}

impl<'a> Statement<'a> {
    fn new(tokens: &[Token<'a>]) -> Self {
        let solid = tokens.iter().enumerate().filter(|(_, token)| token.kind != Kind::Space).map(|(n, _)| n).collect();
        Self { all: tokens.to_vec(), solid, replaced: Vec::new() }
    }

    fn at(&self, n: usize) -> Option<&Token<'a>> {
        self.all.get(*self.solid.get(n)?)
    }

    /// Whether the nth solid token is one of these words or signs.
    fn is(&self, n: usize, words: &[&str]) -> bool {
        self.at(n).is_some_and(|token| {
            matches!(token.kind, Kind::Word | Kind::Sign)
                && words.iter().any(|word| token.text.eq_ignore_ascii_case(word))
        })
    }

    fn replace(&mut self, n: usize, text: &str) {
        if let Some(position) = self.solid.get(n) {
            self.replaced.push((*position, text.to_owned()));
        }
    }

    fn remove(&mut self, range: std::ops::Range<usize>) {
        range.for_each(|n| self.replace(n, ""));
    }

    fn rewritten(mut self) -> String {
        if self.is(0, &["SHOW"])
            && let Some(query) = self.show()
        {
            return query + self.end();
        }
        if let Some(registration) = self.registration() {
            return registration.sql() + self.end();
        }
        let (grants, creates) = (self.is(0, &["GRANT", "REVOKE"]), self.is(0, &["CREATE"]));
        for n in 0..self.solid.len() {
            if self.is(n, &["QUERY_GROUP"]) && n > 0 && self.is(n - 1, &["SET", "RESET", "SHOW", "SESSION", "LOCAL"]) {
                self.replace(n, "redshift.query_group");
            } else if grants {
                self.grant(n);
            } else if creates {
                self.create(n);
            }
            if self.is(n, &["VARCHAR", "VARYING"]) && self.is(n + 1, &["("]) && self.is(n + 2, &["MAX"]) {
                self.remove(n + 1..n + 4);
            }
        }
        self.text()
    }

    /// `GRANT … TO ROLE "x"`: PostgreSQL's roles need no word. `USAGE` of a database is `CONNECT` there.
    fn grant(&mut self, n: usize) {
        if self.is(n, &["ROLE"]) {
            self.replace(n, "");
        } else if self.is(n, &["USAGE"]) && self.is(n + 1, &["ON"]) && self.is(n + 2, &["DATABASE"]) {
            self.replace(n, "CONNECT");
        }
    }

    /// Storage clauses, late binding and users without a password.
    fn create(&mut self, n: usize) {
        if let Some(clause) = CLAUSES.iter().find(|clause| (n..).zip(**clause).all(|(n, words)| self.is(n, words))) {
            self.remove(n..n + clause.len());
        } else if self.is(n, &["DISTKEY", "SORTKEY"]) {
            let sorted = n > 0 && self.is(n - 1, &["COMPOUND", "INTERLEAVED"]);
            let end = if self.is(n + 1, &["AUTO"]) { n + 2 } else { self.after_list(n + 1) };
            self.remove(n - usize::from(sorted)..end);
        } else if self.is(n, &["ENCODE"]) && self.at(n + 1).is_some_and(|next| next.kind == Kind::Word) {
            self.remove(n..n + 2);
        }
    }

    /// The position behind the list in parentheses that begins at `n`; `n` itself where none does.
    fn after_list(&self, n: usize) -> usize {
        if !self.is(n, &["("]) {
            return n;
        }
        (n..self.solid.len()).find(|end| self.is(*end, &[")"])).map_or(n, |end| end + 1)
    }

    /// `SHOW SCHEMAS FROM DATABASE`, `SHOW TABLES FROM SCHEMA`, `SHOW COLUMNS FROM TABLE`.
    fn show(&self) -> Option<String> {
        let (function, of) = [("SCHEMAS", "DATABASE"), ("TABLES", "SCHEMA"), ("COLUMNS", "TABLE")]
            .into_iter()
            .find(|(what, of)| self.is(1, &[what]) && self.is(2, &["FROM"]) && self.is(3, &[of]))?;
        let parts = match of {
            "DATABASE" => 1,
            "SCHEMA" => 2,
            _ => 3,
        };
        let names = (0..parts).map(|part| self.at(4 + 2 * part).map(Token::name)).collect::<Option<Vec<_>>>()?;
        let mut arguments: Vec<String> = names.iter().map(|name| literal(name)).collect();
        let like = 4 + 2 * parts - 1;
        arguments.push(match self.at(like + 1) {
            Some(pattern) if self.is(like, &["LIKE"]) => pattern.text.to_owned(),
            _ => "'%'".to_owned(),
        });
        Some(format!("SELECT * FROM sandbox.show_{}({})", function.to_lowercase(), arguments.join(", ")))
    }

    /// What ends the statement.
    fn end(&self) -> &'static str {
        if self.is(self.solid.len().saturating_sub(1), &[";"]) { ";" } else { "" }
    }

    fn text(self) -> String {
        let text_of = |position: usize| {
            let new = self.replaced.iter().find(|(replaced, _)| *replaced == position);
            new.map_or(self.all[position].text, |(_, text)| text)
        };
        (0..self.all.len()).map(text_of).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::rewritten;

    #[test]
    fn what_postgresql_knows_stays() {
        for sql in [
            "select 1",
            "/* {\"app\": \"dbt\"} */ create table \"dev\".\"s\".\"t\" as (\n select 'sortkey' as \"distkey\" -- backup no\n);",
            "SELECT $$ GRANT x TO ROLE y; $$; select encode('a'::bytea, 'hex')",
            "select 'it''s'; select U&'x', E'a\\'; b'",
            "unfinished 'text",
            "",
        ] {
            assert_eq!(rewritten(sql), sql);
        }
    }

    #[test]
    fn redshifts_own_is_put_into_postgresqls_words() {
        for (redshift, postgresql) in [
            ("SET query_group TO 'x'", "SET redshift.query_group TO 'x'"),
            (
                "CREATE ROLE \"AWSIDC:g\"; GRANT USAGE ON DATABASE \"dev\" TO ROLE \"AWSIDC:g\";",
                "CREATE ROLE \"AWSIDC:g\"; GRANT CONNECT ON DATABASE \"dev\" TO  \"AWSIDC:g\";",
            ),
            ("grant role a to role b", "grant  a to  b"),
            (
                "create table t diststyle key distkey (\"a\") interleaved sortkey(a, b) backup no as (select 1)",
                "create table t             as (select 1)",
            ),
            ("create table t (a varchar(max) encode lzo, b int distkey)", "create table t (a varchar  , b int )"),
            ("create view v as (select 1) with no schema binding;", "create view v as (select 1)    ;"),
            ("create user \"u\" password disable", "create user \"u\"  "),
            ("show schemas from database \"dev\" like 'a%'", "SELECT * FROM sandbox.show_schemas('dev', 'a%')"),
            ("SHOW TABLES FROM SCHEMA dev.\"a'b\";", "SELECT * FROM sandbox.show_tables('dev', 'a''b', '%');"),
            ("show columns from table \"dev\".\"s\".\"t\"", "SELECT * FROM sandbox.show_columns('dev', 's', 't', '%')"),
        ] {
            let words = |sql: &str| sql.split_whitespace().map(str::to_owned).collect::<Vec<_>>().join(" ");
            assert_eq!(words(&rewritten(redshift)), words(postgresql), "{redshift}");
        }
    }
}
