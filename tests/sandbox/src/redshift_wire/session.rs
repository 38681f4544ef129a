//! A session after its login: statements go to the SQL engine, whose answers come back as they are.

use std::io;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader, ReadHalf, WriteHalf};
use tokio::net::unix::OwnedWriteHalf;

use super::RedshiftWire;
use super::frame::{self, Frame, ServerError};
use super::login::Login;
use super::sql::rewritten;

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
    let cell = match wire.engine().await {
        Ok(cell) => cell,
        Err(error) => {
            let message = format!("this warehouse has no SQL engine: {error:#}");
            tracing::warn!(message, "SQL at the warehouse");
            return refuse_all(first, &mut from, &mut to, &ServerError::statement("58000", message)).await;
        }
    };
    let Some(engine) = cell.get() else { return Ok(()) };
    let backend = match engine.session(&login).await {
        Ok(backend) => backend,
        Err(error) => {
            let error = ServerError::fatal("08006", format!("the SQL engine takes no session: {error:#}"));
            to.write_all(&error.to_bytes()).await?;
            return to.shutdown().await;
        }
    };
    let (mut answers, mut statements) = backend.into_split();
    tokio::select! {
        ended = forward(first, &mut from, &mut statements) => ended?,
        ended = tokio::io::copy(&mut answers, &mut to) => drop(ended?),
    }
    to.shutdown().await
}

/// Passes the client's messages on, each statement in PostgreSQL's words.
async fn forward<S>(
    first: Frame,
    from: &mut BufReader<ReadHalf<S>>,
    statements: &mut OwnedWriteHalf,
) -> io::Result<()>
where
    S: AsyncRead,
{
    let mut next = Some(first);
    while let Some(mut frame) = next {
        match frame.tag {
            b'Q' => frame.body = query(&frame.body),
            b'P' => frame.body = parse(&frame.body),
            _ => {}
        }
        statements.write_all(&frame.to_bytes()).await?;
        if frame.tag == b'X' {
            break;
        }
        next = frame::read(from, MESSAGE_CAP).await?;
    }
    Ok(())
}

/// The body of `Query`: the text and a zero.
fn query(body: &[u8]) -> Vec<u8> {
    let text = body.strip_suffix(&[0]).unwrap_or(body);
    match std::str::from_utf8(text) {
        Ok(text) => frame::text(&rewritten(text)),
        Err(_) => body.to_owned(),
    }
}

/// The body of `Parse`: name, text, each with a zero, and the types of parameters.
fn parse(body: &[u8]) -> Vec<u8> {
    let mut parts = body.splitn(3, |byte| *byte == 0);
    let (Some(name), Some(text), Some(types)) = (parts.next(), parts.next(), parts.next()) else {
        return body.to_owned();
    };
    match std::str::from_utf8(text) {
        Ok(text) => [name, &[0], &frame::text(&rewritten(text)), types].concat(),
        Err(_) => body.to_owned(),
    }
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
