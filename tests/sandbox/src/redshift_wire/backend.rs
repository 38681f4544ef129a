//! A connection to the PostgreSQL behind the warehouse.

use std::path::Path;

use anyhow::{Context as _, bail, ensure};
use tokio::io::AsyncWriteExt as _;
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};

use super::frame::{self, Frame, error_field};

/// What the engine itself says is short.
const ANSWER_CAP: usize = 1 << 20;

/// A session of one user, ready for statements.
pub(super) struct Backend {
    stream: UnixStream,
}

impl Backend {
    /// Logs in at the socket in this folder; the engine believes everybody who can open it.
    pub async fn connect(folder: &Path, user: &str, database: &str) -> anyhow::Result<Self> {
        let stream = UnixStream::connect(folder.join(".s.PGSQL.5432")).await?;
        let mut backend = Self { stream };
        let parameters = [("user", user), ("database", database), ("client_encoding", "UTF8")];
        backend.stream.write_all(&frame::startup(&parameters)).await?;
        backend.until_ready().await?;
        Ok(backend)
    }

    /// Runs statements and throws their results away.
    pub async fn run(&mut self, sql: &str) -> anyhow::Result<()> {
        self.stream.write_all(&frame::message(b'Q', &frame::text(sql))).await?;
        self.until_ready().await
    }

    /// Reads until the next statement may come.
    async fn until_ready(&mut self) -> anyhow::Result<()> {
        let mut error = None;
        loop {
            let frame = frame::read(&mut self.stream, ANSWER_CAP).await?;
            let Frame { tag, body } = match (frame, &error) {
                (Some(frame), _) => frame,
                (None, Some(error)) => bail!("{error}"),
                (None, None) => bail!("PostgreSQL has closed the connection"),
            };
            match tag {
                b'Z' => return error.map_or(Ok(()), |error: String| Err(anyhow::Error::msg(error))),
                b'E' => error = Some(error_field(&body, b'M').context("an error without a message")?),
                b'R' => ensure!(body == [0, 0, 0, 0], "PostgreSQL wants a proof"),
                _ => {}
            }
        }
    }

    /// Both directions of the connection.
    pub fn into_split(self) -> (OwnedReadHalf, OwnedWriteHalf) {
        self.stream.into_split()
    }
}
