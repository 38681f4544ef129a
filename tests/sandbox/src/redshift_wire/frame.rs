//! Messages of the PostgreSQL protocol, version 3, as far as the server's side needs them (PostgreSQL documentation,
//! "Message Formats").

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt as _};

/// Code of `SSLRequest`.
pub(super) const SSL_REQUEST: u32 = 80_877_103;
/// Code of `GSSENCRequest`.
pub(super) const GSS_REQUEST: u32 = 80_877_104;
/// Code of `CancelRequest`.
pub(super) const CANCEL_REQUEST: u32 = 80_877_102;
/// Version 3.0, the code of a start-up message.
pub(super) const PROTOCOL_3: u32 = 196_608;

/// What PostgreSQL takes as a start-up packet at most.
const STARTUP_CAP: usize = 10_000;

/// A message with its type.
#[derive(Clone, Debug)]
pub(super) struct Frame {
    pub tag: u8,
    pub body: Vec<u8>,
}

impl Frame {
    /// As it is sent.
    pub fn to_bytes(&self) -> Vec<u8> {
        message(self.tag, &self.body)
    }
}

/// Reads a message; none where the other side has closed the connection between two messages.
pub(super) async fn read<R: AsyncRead + Unpin>(from: &mut R, cap: usize) -> io::Result<Option<Frame>> {
    let mut tag = [0];
    if from.read(&mut tag).await? == 0 {
        return Ok(None);
    }
    let body = read_body(from, cap).await?;
    Ok(Some(Frame { tag: tag[0], body }))
}

/// Reads a packet without a type, as a connection begins with: its code and the rest.
pub(super) async fn read_startup<R: AsyncRead + Unpin>(from: &mut R) -> io::Result<(u32, Vec<u8>)> {
    let body = read_body(from, STARTUP_CAP).await?;
    match body.split_first_chunk::<4>() {
        Some((code, rest)) => Ok((u32::from_be_bytes(*code), rest.to_owned())),
        None => Err(invalid("a start-up packet without a code")),
    }
}

/// The length, which counts itself, and what it announces.
async fn read_body<R: AsyncRead + Unpin>(from: &mut R, cap: usize) -> io::Result<Vec<u8>> {
    let length = from.read_u32().await? as usize;
    let length = length.checked_sub(4).filter(|length| *length <= cap);
    let length = length.ok_or_else(|| invalid("a message of an impossible length"))?;
    let mut body = vec![0; length];
    from.read_exact(&mut body).await?;
    Ok(body)
}

fn invalid(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

/// A message of this type.
pub(super) fn message(tag: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![tag];
    bytes.extend(length_of(body));
    bytes.extend(body);
    bytes
}

/// A packet without a type: a start-up message.
pub(super) fn startup(parameters: &[(&str, &str)]) -> Vec<u8> {
    let mut body = PROTOCOL_3.to_be_bytes().to_vec();
    for (name, value) in parameters {
        body.extend(text(name));
        body.extend(text(value));
    }
    body.push(0);
    [length_of(&body).as_slice(), &body].concat()
}

fn length_of(body: &[u8]) -> [u8; 4] {
    u32::try_from(body.len() + 4).unwrap_or(u32::MAX).to_be_bytes()
}

/// A text with its closing zero; a zero inside would end it early and is left out.
pub(super) fn text(value: &str) -> Vec<u8> {
    value.bytes().filter(|byte| *byte != 0).chain([0]).collect()
}

/// Names and values of a start-up message; none where it is not well-formed.
pub(super) fn parameters(body: &[u8]) -> Option<Vec<(String, String)>> {
    let body = body.strip_suffix(&[0])?;
    if body.is_empty() {
        return Some(Vec::new());
    }
    let texts: Vec<String> =
        body.strip_suffix(&[0])?.split(|byte| *byte == 0).map(|text| String::from_utf8_lossy(text).into()).collect();
    let (pairs, rest) = texts.as_chunks::<2>();
    rest.is_empty().then(|| pairs.iter().map(|[name, value]| (name.clone(), value.clone())).collect())
}

/// `AuthenticationOk` (0) or a request for a proof.
pub(super) fn authentication(code: u32) -> Vec<u8> {
    message(b'R', &code.to_be_bytes())
}

/// `ParameterStatus`.
pub(super) fn parameter_status(name: &str, value: &str) -> Vec<u8> {
    message(b'S', &[text(name), text(value)].concat())
}

/// `BackendKeyData`.
pub(super) fn backend_key(process: u32, secret: u32) -> Vec<u8> {
    message(b'K', &[process.to_be_bytes(), secret.to_be_bytes()].concat())
}

/// `ReadyForQuery` outside a transaction.
pub(super) fn ready() -> Vec<u8> {
    message(b'Z', b"I")
}

/// What the server says when it does not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ServerError {
    /// Whether the connection ends with it.
    pub fatal: bool,
    /// SQLSTATE.
    pub code: &'static str,
    /// The text that a driver shows.
    pub message: String,
}

impl ServerError {
    /// An error that ends the connection.
    pub fn fatal(code: &'static str, message: impl Into<String>) -> Self {
        Self { fatal: true, code, message: message.into() }
    }

    /// An error of one statement.
    pub fn statement(code: &'static str, message: impl Into<String>) -> Self {
        Self { fatal: false, code, message: message.into() }
    }

    /// `ErrorResponse`.
    pub fn to_bytes(&self) -> Vec<u8> {
        let severity = if self.fatal { "FATAL" } else { "ERROR" };
        let mut body = Vec::new();
        for (field, value) in [(b'S', severity), (b'C', self.code), (b'M', self.message.as_str())] {
            body.push(field);
            body.extend(text(value));
        }
        body.push(0);
        message(b'E', &body)
    }
}

/// The field of this type in the body of an `ErrorResponse`.
pub(super) fn error_field(body: &[u8], field: u8) -> Option<String> {
    let found = body.split(|byte| *byte == 0).find(|part| part.first() == Some(&field))?;
    Some(String::from_utf8_lossy(&found[1..]).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_startup_message_is_read_back() {
        let sent = startup(&[("user", ""), ("database", "dev")]);
        let (code, rest) = read_startup(&mut sent.as_slice()).await.expect("a packet");
        assert_eq!(code, PROTOCOL_3);
        let pairs = [("user", ""), ("database", "dev")].map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(parameters(&rest), Some(pairs.to_vec()));
        assert_eq!(parameters(b"user\0\0"), None, "a name without a value");
        assert_eq!(parameters(b"user\0x"), None);
        assert_eq!(parameters(b"\0"), Some(Vec::new()));
    }

    #[tokio::test]
    async fn lengths_that_cannot_be_are_refused() {
        for bytes in [&[b'Q', 0, 0, 0, 3][..], &[b'Q', 0xff, 0, 0, 0][..]] {
            assert!(read(&mut &*bytes, 1 << 20).await.is_err());
        }
        assert!(read(&mut &b""[..], 10).await.expect("an end").is_none());
        assert!(read(&mut &b"Q\0"[..], 10).await.is_err(), "it broke off");
    }

    #[test]
    fn an_error_has_its_fields() {
        let bytes = ServerError::fatal("28000", "Token credentials\0 expired").to_bytes();
        assert_eq!(error_field(&bytes[5..], b'M').as_deref(), Some("Token credentials expired"));
        assert_eq!(error_field(&bytes[5..], b'C').as_deref(), Some("28000"));
        assert_eq!(error_field(&bytes[5..], b'D'), None);
    }
}
