//! A client of the PostgreSQL protocol that says what it is told to say.

use std::net::SocketAddr;
use std::sync::Arc;

use extoauth_sandbox::seed;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// What a client proves itself with.
pub enum Proof {
    Token(String),
    Password(String),
    None,
}

/// How a login ended.
pub enum Answer {
    In(Client),
    Refused {
        code: String,
        message: String,
    },
    /// The connection closed without a word that can be read.
    Gone,
}

impl Answer {
    #[track_caller]
    pub fn expect_in(self) -> Client {
        match self {
            Self::In(client) => client,
            Self::Refused { code, message } => panic!("{code}: {message}"),
            Self::Gone => panic!("the connection closed"),
        }
    }

    #[track_caller]
    pub fn expect_refused(self, with: &str, says: &str) {
        match self {
            Self::Refused { code, message } => {
                assert_eq!(code, with, "{message}");
                assert!(message.contains(says), "{message}");
            }
            Self::In(_) => panic!("let in"),
            Self::Gone => panic!("the connection closed"),
        }
    }
}

/// A session.
pub struct Client {
    stream: Box<dyn Stream>,
    parameters: Vec<(String, String)>,
}

/// Logs in; without a certificate also without TLS.
pub async fn log_in(address: SocketAddr, ca: Option<&str>, startup: &[(&str, &str)], proof: &Proof) -> Answer {
    let mut plain = TcpStream::connect(address).await.expect("a connection");
    let mut stream: Box<dyn Stream> = match ca {
        None => Box::new(plain),
        Some(ca) => {
            plain.write_all(&[0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f]).await.expect("sent");
            assert_eq!(plain.read_u8().await.expect("an answer"), b'S');
            let mut roots = RootCertStore::empty();
            roots.add(CertificateDer::from_pem_slice(ca.as_bytes()).expect("a certificate")).expect("a root");
            let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
            let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
            let mut config = config.expect("versions").with_root_certificates(roots).with_no_client_auth();
            // As libpq does: the server must not insist on a protocol of its own.
            config.alpn_protocols = vec![b"postgresql".to_vec()];
            let host = ServerName::try_from(seed::WAREHOUSE_HOST).expect("a name");
            Box::new(TlsConnector::from(Arc::new(config)).connect(host, plain).await.expect("TLS"))
        }
    };
    let mut body = 196_608_u32.to_be_bytes().to_vec();
    for (name, value) in startup {
        body.extend([name.as_bytes(), &[0], value.as_bytes(), &[0]].concat());
    }
    body.push(0);
    let length = u32::try_from(body.len() + 4).expect("short").to_be_bytes();
    stream.write_all(&[length.as_slice(), &body].concat()).await.expect("sent");
    let mut client = Client { stream, parameters: Vec::new() };
    loop {
        let Some((tag, body)) = client.read().await else { return Answer::Gone };
        match (tag, body.as_slice(), proof) {
            (b'R', [0, 0, 0, 0], _) => {}
            (b'R', [0, 0, 0, 14], Proof::Token(token)) => client.send(b'i', token.as_bytes()).await,
            (b'R', [0, 0, 0, 3], Proof::Password(password)) => {
                client.send(b'p', &[password.as_bytes(), &[0]].concat()).await;
            }
            (b'E', ..) => return Answer::Refused { code: field(&body, b'C'), message: field(&body, b'M') },
            (b'S', ..) => {
                let mut texts = body.split(|byte| *byte == 0).map(|text| String::from_utf8_lossy(text).into_owned());
                client.parameters.extend(texts.next().zip(texts.next()));
            }
            (b'K', ..) => {}
            (b'Z', ..) => return Answer::In(client),
            _ => return Answer::Gone,
        }
    }
}

/// Sends bytes and waits for the end of the connection.
pub async fn noise(address: SocketAddr, bytes: &[u8]) {
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    stream.write_all(bytes).await.expect("sent");
    stream.shutdown().await.expect("closed");
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
}

impl Client {
    /// What the server said of itself.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The first columns of the rows that statements give, or the error's message.
    pub async fn query(&mut self, sql: &str) -> Result<Vec<Value>, String> {
        self.send(b'Q', &[sql.as_bytes(), &[0]].concat()).await;
        let (mut rows, mut error) = (Vec::new(), None);
        loop {
            let Some((tag, body)) = self.read().await else {
                return Err(error.unwrap_or_else(|| "the connection closed".to_owned()));
            };
            match tag {
                b'D' => rows.push(first_column(&body)),
                b'E' => error = Some(field(&body, b'M')),
                b'Z' => return error.map_or(Ok(rows), Err),
                _ => {}
            }
        }
    }

    /// The first value of the first row as text; empty where there is no row.
    pub async fn value(&mut self, sql: &str) -> String {
        let rows = self.query(sql).await.expect("an answer");
        rows.first().and_then(Value::as_str).unwrap_or_default().to_owned()
    }

    async fn send(&mut self, tag: u8, body: &[u8]) {
        let length = u32::try_from(body.len() + 4).expect("short").to_be_bytes();
        // The other side may be gone: that is what a read will say.
        let _ = self.stream.write_all(&[&[tag], length.as_slice(), body].concat()).await;
        let _ = self.stream.flush().await;
    }

    async fn read(&mut self) -> Option<(u8, Vec<u8>)> {
        let tag = self.stream.read_u8().await.ok()?;
        let length = self.stream.read_u32().await.ok()? as usize;
        if length > 1 << 20 {
            return None;
        }
        let mut body = vec![0; length.checked_sub(4)?];
        self.stream.read_exact(&mut body).await.ok()?;
        Some((tag, body))
    }
}

/// The first column of a `DataRow` in text format.
fn first_column(body: &[u8]) -> Value {
    let Some((length, rest)) = body.get(2..).and_then(<[u8]>::split_first_chunk::<4>) else { return Value::Null };
    let length = usize::try_from(i32::from_be_bytes(*length)).ok();
    let text = length.and_then(|length| rest.get(..length));
    text.map_or(Value::Null, |text| String::from_utf8_lossy(text).into())
}

fn field(body: &[u8], kind: u8) -> String {
    let found = body.split(|byte| *byte == 0).find(|part| part.first() == Some(&kind));
    found.map(|part| String::from_utf8_lossy(&part[1..]).into_owned()).unwrap_or_default()
}
