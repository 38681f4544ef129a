//! A vendor for tests: a real TLS server on loopback under the vendor's host name, whose answers are a function.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use extoauth_core::error::CallResult;
use extoauth_core::systems::{DbtSettings, Mode, OktaSettings, ServicenowSettings, SystemId, SystemKind};
use extoauth_systems::http::{Credential, Sender};
use extoauth_systems::{dbt, okta, servicenow};
use futures::FutureExt;
use futures::future::BoxFuture;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use secrecy::SecretString;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use url::Url;

pub const HOST: &str = "acme.okta.com";

/// A call that arrived.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: String,
    /// Path and query.
    pub target: String,
    pub headers: BTreeMap<String, String>,
    pub body: String,
}

impl Request {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("a JSON body")
    }

    pub fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }
}

/// What the vendor does.
#[derive(Clone)]
pub enum Act {
    Answer(u16, Vec<(&'static str, String)>, String),
    /// The connection ends without an answer.
    Reset,
    /// The answer ends in the middle.
    Truncate,
    /// No answer for this time, then the connection ends.
    Hang(Duration),
}

impl Act {
    pub fn json(status: u16, body: Value) -> Self {
        Self::Answer(status, Vec::new(), body.to_string())
    }

    pub fn with(self, name: &'static str, value: impl ToString) -> Self {
        match self {
            Self::Answer(status, mut headers, body) => {
                headers.push((name, value.to_string()));
                Self::Answer(status, headers, body)
            }
            other => other,
        }
    }
}

type Behaviour = Arc<dyn Fn(&Request, usize) -> Act + Send + Sync>;

pub struct Vendor {
    pub url: Url,
    pub seen: Arc<Mutex<Vec<Request>>>,
    pub sender: Arc<Sender>,
}

impl Vendor {
    /// Starts a vendor. Its behaviour gets each call and how many were there before it.
    pub async fn start(behaviour: impl Fn(&Request, usize) -> Act + Send + Sync + 'static) -> Self {
        let cert = rcgen::generate_simple_self_signed(vec![HOST.to_owned()]).expect("a certificate");
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(cert.signing_key.serialize_der()));
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("protocol versions")
            .with_no_client_auth()
            .with_single_cert(vec![cert.cert.der().clone()], key)
            .expect("a server configuration");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let seen = Arc::new(Mutex::new(Vec::new()));
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let behaviour: Behaviour = Arc::new(behaviour);
        tokio::spawn({
            let seen = Arc::clone(&seen);
            async move {
                while let Ok((stream, _)) = listener.accept().await {
                    tokio::spawn(serve(stream, acceptor.clone(), Arc::clone(&seen), Arc::clone(&behaviour)));
                }
            }
        });
        let ca = reqwest::Certificate::from_der(cert.cert.der()).expect("a CA");
        let client = reqwest::Client::builder()
            .https_only(true)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .tls_certs_only([ca])
            .resolve(HOST, address)
            .build()
            .expect("a client");
        let url = Url::parse(&format!("https://{HOST}:{}", address.port())).expect("a URL");
        Self { url, seen, sender: Sender::new(client) }
    }

    pub fn calls(&self) -> Vec<Request> {
        self.seen.lock().expect("nobody panicked").clone()
    }

    pub fn okta(&self, credential: &str) -> (okta::Read, okta::Write) {
        self.okta_with(Fixed::of(credential))
    }

    pub fn okta_with(&self, credential: Arc<dyn Credential>) -> (okta::Read, okta::Write) {
        let settings = OktaSettings {
            url: self.url.clone(),
            issuer_mode: None,
            mode: Mode::Manage,
            credential: "arn".into(),
            credential_read: None,
            hook_secret: None,
        };
        okta::connect(SystemId::new(SystemKind::Okta, "acme"), &settings, credential, &self.sender)
    }

    pub fn dbt(&self) -> (dbt::Read, dbt::Write) {
        let settings = DbtSettings {
            url: self.url.clone(),
            account_id: 54321,
            redirect_uri: BTreeMap::new(),
            mode: Mode::Manage,
            credential: "arn".into(),
            credential_read: None,
        };
        let credential = Fixed::of(r#"{"token":"dbts_canary_token"}"#);
        dbt::connect(SystemId::new(SystemKind::Dbt, "acme"), &settings, credential, &self.sender)
    }

    pub fn servicenow(&self, credential: &str) -> (servicenow::Read, servicenow::Write) {
        let settings = ServicenowSettings { url: self.url.clone(), cat_items: Vec::new(), credential: "arn".into() };
        let system = SystemId::new(SystemKind::Servicenow, "acme.service-now.com");
        servicenow::connect(system, &settings, Fixed::of(credential), &self.sender)
    }
}

async fn serve(stream: TcpStream, acceptor: TlsAcceptor, seen: Arc<Mutex<Vec<Request>>>, behaviour: Behaviour) {
    let Ok(mut stream) = acceptor.accept(stream).await else { return };
    let Some(request) = read(&mut stream).await else { return };
    let before = {
        let mut seen = seen.lock().expect("nobody panicked");
        seen.push(request.clone());
        seen.len() - 1
    };
    let answer = match behaviour(&request, before) {
        Act::Answer(status, headers, body) => {
            let mut head = format!("HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: {}\r\n", body.len());
            headers.iter().for_each(|(name, value)| head.push_str(&format!("{name}: {value}\r\n")));
            format!("{head}\r\n{body}")
        }
        Act::Truncate => "HTTP/1.1 200 X\r\nconnection: close\r\ncontent-length: 100\r\n\r\n{\"id\": ".to_owned(),
        Act::Reset => return,
        Act::Hang(time) => {
            tokio::time::sleep(time).await;
            return;
        }
    };
    let _ = stream.write_all(answer.as_bytes()).await;
    let _ = stream.shutdown().await;
}

async fn read(stream: &mut (impl AsyncReadExt + Unpin)) -> Option<Request> {
    let mut bytes = Vec::new();
    let head_end = loop {
        if let Some(at) = bytes.windows(4).position(|w| w == b"\r\n\r\n") {
            break at;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8_lossy(&bytes[..head_end]).into_owned();
    let mut lines = head.lines();
    let mut first = lines.next()?.split(' ');
    let (method, target) = (first.next()?.to_owned(), first.next()?.to_owned());
    let headers: BTreeMap<String, String> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let length: usize = headers.get("content-length").and_then(|l| l.parse().ok()).unwrap_or(0);
    while bytes.len() < head_end + 4 + length {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    let body = String::from_utf8_lossy(&bytes[head_end + 4..]).into_owned();
    Some(Request { method, target, headers, body })
}

/// A credential that counts how often it was fetched.
pub struct Fixed {
    pub values: Vec<String>,
    pub fetched: Mutex<usize>,
}

impl Fixed {
    pub fn of(value: &str) -> Arc<Self> {
        Arc::new(Self { values: vec![value.to_owned()], fetched: Mutex::new(0) })
    }
}

impl Credential for Fixed {
    fn fetch<'a>(&'a self, _fresh: bool) -> BoxFuture<'a, CallResult<SecretString>> {
        let mut fetched = self.fetched.lock().expect("nobody panicked");
        let value = self.values[(*fetched).min(self.values.len() - 1)].clone();
        *fetched += 1;
        futures::future::ready(Ok(SecretString::from(value))).boxed()
    }
}

/// An SSWS credential.
pub const SSWS: &str = r#"{"auth":"ssws","token":"00canary-ssws-token"}"#;
