//! A session after its login: statements go to the SQL engine, whose answers come back as they are.

use std::io;
use std::sync::Arc;

use anyhow::Context as _;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader, ReadHalf, WriteHalf};
use tokio::net::unix::OwnedWriteHalf;

use super::RedshiftWire;
use super::backend::Backend;
use super::frame::{self, Frame, ServerError};
use super::login::Login;
use super::sql::{registrations, rewritten};

/// No statement is longer (Redshift's own limit is 16 MB).
const MESSAGE_CAP: usize = 16 << 20;

/// Serves a session until one side ends it. The engine is asked for with the first message: a client that only tries
/// whether it gets in needs none.
pub(super) async fn run<S>(wire: &Arc<RedshiftWire>, stream: S, login: Login) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    let (from, mut to) = tokio::io::split(stream);
    let mut from = BufReader::new(from);
    let first = match frame::read(&mut from, MESSAGE_CAP).await? {
        Some(frame) if frame.tag != b'X' => frame,
        _ => return Ok(()),
    };
    let backend = match backend(wire, &login).await {
        Ok(backend) => backend,
        Err(error) => {
            let message = format!("this warehouse has no SQL engine: {error:#}");
            tracing::warn!(message, "SQL at the warehouse");
            return refuse_all(first, &mut from, &mut to, &ServerError::statement("58000", message)).await;
        }
    };
    let (mut answers, mut statements) = backend.into_split();
    tokio::select! {
        ended = forward(wire, &login, first, &mut from, &mut statements) => ended?,
        ended = tokio::io::copy(&mut answers, &mut to) => drop(ended?),
    }
    to.shutdown().await
}

/// The user's session at the engine. It keeps the engine from ending no more than a client keeps a server.
async fn backend(wire: &RedshiftWire, login: &Login) -> anyhow::Result<Backend> {
    let cell = wire.engine().await?;
    cell.get().context("the engine has ended")?.session(login).await
}

/// Passes the client's messages on, each statement in PostgreSQL's words.
async fn forward<S>(
    wire: &RedshiftWire,
    login: &Login,
    first: Frame,
    from: &mut BufReader<ReadHalf<S>>,
    statements: &mut OwnedWriteHalf,
) -> io::Result<()>
where
    S: AsyncRead,
{
    let mut next = Some(first);
    while let Some(mut frame) = next {
        if let Some((before, text, after)) = statement(&frame) {
            if login.roles.is_none() {
                registrations(text).into_iter().for_each(|registration| wire.register(registration));
            }
            frame.body = [before, &frame::text(&rewritten(text)), after].concat();
        }
        statements.write_all(&frame.to_bytes()).await?;
        if frame.tag == b'X' {
            break;
        }
        next = frame::read(from, MESSAGE_CAP).await?;
    }
    Ok(())
}

/// The text of `Query` (with a zero) or `Parse` (name, text, each with a zero, then the types of parameters), and what
/// is before and behind it; none in other messages.
fn statement(frame: &Frame) -> Option<(&[u8], &str, &[u8])> {
    let start = match frame.tag {
        b'Q' => 0,
        b'P' => frame.body.iter().position(|byte| *byte == 0)? + 1,
        _ => return None,
    };
    let (before, rest) = frame.body.split_at(start);
    let end = rest.iter().position(|byte| *byte == 0)?;
    Some((before, std::str::from_utf8(&rest[..end]).ok()?, &rest[end + 1..]))
}

/// Answers every statement with the same error, as the protocol wants it: after an error in an extended query, what
/// comes before the next `Sync` is skipped.
async fn refuse_all<S>(
    first: Frame,
    from: &mut BufReader<ReadHalf<S>>,
    to: &mut WriteHalf<S>,
    error: &ServerError,
) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite,
{
    let mut skips = false;
    let mut next = Some(first);
    while let Some(frame) = next {
        let answer = match frame.tag {
            b'X' => break,
            b'Q' => [error.to_bytes(), frame::ready()].concat(),
            b'S' => {
                skips = false;
                frame::ready()
            }
            b'H' => Vec::new(),
            _ if skips => Vec::new(),
            _ => {
                skips = true;
                error.to_bytes()
            }
        };
        to.write_all(&answer).await?;
        to.flush().await?;
        next = frame::read(from, MESSAGE_CAP).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn without_an_engine_every_statement_fails_and_the_session_stays() {
        let (client, server) = tokio::io::duplex(4096);
        let (from, mut to) = tokio::io::split(server);
        let (mut answers, mut statements) = tokio::io::split(client);
        // A simple query, an extended one, a simple one, and the end.
        for tag in [b'Q', b'P', b'B', b'E', b'S', b'Q', b'X'] {
            statements.write_all(&frame::message(tag, b"")).await.expect("sent");
        }
        let error = ServerError::statement("58000", "no SQL engine");
        let mut from = BufReader::new(from);
        let first = frame::read(&mut from, 100).await.expect("a message").expect("a message");
        refuse_all(first, &mut from, &mut to, &error).await.expect("an end");
        drop((from, to));
        let mut seen = Vec::new();
        while let Ok(Some(frame)) = frame::read(&mut answers, 100).await {
            seen.push(char::from(frame.tag));
        }
        assert_eq!(seen, ['E', 'Z', 'E', 'Z', 'E', 'Z']);
    }

    #[test]
    fn statements_are_found_where_they_are() {
        let of = |tag, body: &[u8]| {
            let frame = Frame { tag, body: body.to_owned() };
            statement(&frame).map(|(before, text, after)| (before.to_owned(), text.to_owned(), after.to_owned()))
        };
        assert_eq!(of(b'Q', b"select 1\0"), Some((Vec::new(), "select 1".to_owned(), Vec::new())));
        let parse = of(b'P', b"name\0select 1\0\0\x01\0\0\0\x17");
        assert_eq!(parse, Some((b"name\0".to_vec(), "select 1".to_owned(), b"\0\x01\0\0\0\x17".to_vec())));
        assert_eq!(of(b'P', b"no end"), None);
        assert_eq!(of(b'B', b"a\0b\0"), None);
    }
}
