//! From the first byte to `ReadyForQuery`: TLS, start-up message, proof, record and faults.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::Request;
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tower::ServiceExt as _;

use super::frame::{self, ServerError};
use super::{ADMIN, DATABASE, RedshiftWire, session};
use crate::world::{Call, Fault, System as _};

/// How long a client may take to log in (PostgreSQL's `authentication_timeout`).
const PATIENCE: Duration = Duration::from_secs(60);
/// No token is longer.
const TOKEN_CAP: usize = 64 << 10;
/// Code of the request for an identity provider's token (redshift_connector, `handle_AUTHENTICATION_REQUEST`).
const TOKEN_WANTED: u32 = 14;
const PASSWORD_WANTED: u32 = 3;
/// Who the record says has called: whoever logs in is none of the functions.
const CALLER: &str = "admin";
/// What the record says of a login.
const METHOD: &str = "LOGIN";
const PATH: &str = "login";

/// Who is let in.
#[derive(Clone, Debug)]
pub(super) struct Login {
    /// Name of the database user.
    pub user: String,
    /// Namespace of the provider, and the roles that the user's groups would have in it; none for the administrator.
    pub roles: Option<Roles>,
}

/// Roles as the groups of a user name them.
#[derive(Clone, Debug)]
pub(super) struct Roles {
    pub namespace: String,
    pub names: Vec<String>,
}

/// How an attempt ended.
enum Outcome {
    In(Login),
    Refused(ServerError),
    /// The client left, or a fault has cut it off.
    Gone,
}

impl RedshiftWire {
    /// Serves a connection until it ends.
    pub(super) async fn serve(self: &Arc<Self>, mut stream: TcpStream) -> io::Result<()> {
        loop {
            match frame::read_startup(&mut stream).await? {
                (frame::SSL_REQUEST, _) => {
                    stream.write_all(b"S").await?;
                    let mut stream = self.tls.accept(stream).await?;
                    let (code, packet) = frame::read_startup(&mut stream).await?;
                    return self.session(stream, code, &packet, true).await;
                }
                (frame::GSS_REQUEST, _) => stream.write_all(b"N").await?,
                // PostgreSQL answers nothing to it either, whether it finds something to cancel or not.
                (frame::CANCEL_REQUEST, _) => return Ok(()),
                (code, packet) => return self.session(stream, code, &packet, false).await,
            }
        }
    }

    async fn session<S>(self: &Arc<Self>, mut stream: S, code: u32, packet: &[u8], secure: bool) -> io::Result<()>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send,
    {
        if code == frame::CANCEL_REQUEST {
            return Ok(());
        }
        let Some(login) = self.recorded(&mut stream, code, packet, secure).await? else {
            return stream.shutdown().await;
        };
        let pid = rand_u32();
        let mut answer = frame::authentication(0);
        for (name, value) in [
            // What Redshift says of itself whatever its real version.
            ("server_version", "8.0.2"),
            ("server_encoding", "UTF8"),
            ("client_encoding", "UTF8"),
            ("DateStyle", "ISO, MDY"),
            ("integer_datetimes", "on"),
            ("standard_conforming_strings", "on"),
            ("TimeZone", "UTC"),
            ("is_superuser", if login.roles.is_none() { "on" } else { "off" }),
            ("session_authorization", login.user.as_str()),
        ] {
            answer.extend(frame::parameter_status(name, value));
        }
        answer.extend(frame::backend_key(pid, rand_u32()));
        answer.extend(frame::ready());
        stream.write_all(&answer).await?;
        stream.flush().await?;
        session::run(self, stream, login).await
    }

    /// One attempt, in the record of calls and under the faults in force. A refusal is sent.
    async fn recorded<S>(&self, stream: &mut S, code: u32, packet: &[u8], secure: bool) -> io::Result<Option<Login>>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send,
    {
        let world = &self.world;
        let start_ms = world.elapsed_ms();
        let generation = world.calls.generation();
        let effects = world.faults.strike(self.kind(), METHOD, PATH, CALLER);
        tokio::time::sleep(world.latency_of(self.kind())).await;
        let mut outcome = match effects.outcome {
            Some(Fault::ResetBefore | Fault::KillBefore) => Outcome::Gone,
            // The texts of an overloaded or failing warehouse: PostgreSQL's with these codes.
            Some(Fault::Status(_)) => {
                Outcome::Refused(ServerError::fatal("57P03", "the database system is starting up"))
            }
            Some(Fault::Throttle) => Outcome::Refused(ServerError::fatal("53300", "sorry, too many clients already")),
            _ => match tokio::time::timeout(PATIENCE, self.proved(stream, code, packet, secure)).await {
                Ok(Ok(Ok(login))) => Outcome::In(login),
                Ok(Ok(Err(error))) => Outcome::Refused(error),
                Ok(Err(_)) | Err(_) => Outcome::Gone,
            },
        };
        let mut status = match (&outcome, effects.outcome) {
            (Outcome::Refused(_), Some(Fault::Status(status))) => status,
            (Outcome::Refused(_), Some(Fault::Throttle)) => 429,
            (Outcome::In(_), _) => 200,
            (Outcome::Refused(_), _) => 401,
            (Outcome::Gone, _) => 0,
        };
        match effects.outcome {
            Some(Fault::ResetAfter | Fault::KillAfter) => (outcome, status) = (Outcome::Gone, 0),
            Some(Fault::Garbage) => {
                stream.write_all(b"\x00\xff{<html>this is not what the server answered").await?;
                outcome = Outcome::Gone;
            }
            Some(Fault::Truncate) => {
                stream.write_all(&frame::authentication(0)[..5]).await?;
                outcome = Outcome::Gone;
            }
            _ => {}
        }
        tokio::time::sleep(effects.delay).await;
        let call = Call {
            n: 0,
            system: self.kind().to_owned(),
            method: METHOD.to_owned(),
            path: PATH.to_owned(),
            status,
            write: false,
            caller: CALLER.to_owned(),
            start_ms,
            end_ms: world.elapsed_ms(),
        };
        world.calls.finish(generation, call);
        match outcome {
            Outcome::In(login) => Ok(Some(login)),
            Outcome::Refused(error) => {
                tracing::info!(code = error.code, message = error.message, "login at the warehouse refused");
                stream.write_all(&error.to_bytes()).await?;
                Ok(None)
            }
            Outcome::Gone => Ok(None),
        }
    }

    /// The start-up message and the proof that it announces.
    async fn proved<S>(
        &self,
        stream: &mut S,
        code: u32,
        packet: &[u8],
        secure: bool,
    ) -> io::Result<Result<Login, ServerError>>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send,
    {
        if code != frame::PROTOCOL_3 {
            let (major, minor) = (code >> 16, code & 0xffff);
            let message = format!("unsupported frontend protocol {major}.{minor}: server supports 3.0 to 3.0");
            return Ok(Err(ServerError::fatal("0A000", message)));
        }
        let Some(parameters) = frame::parameters(packet) else {
            let message = "invalid startup packet layout: expected terminator as last byte";
            return Ok(Err(ServerError::fatal("08P01", message)));
        };
        let parameter = |name: &str| {
            let found = parameters.iter().find(|(key, _)| key == name);
            found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
        };
        let user = parameter("user").unwrap_or_default();
        let database = parameter("database").unwrap_or(user);
        if !secure {
            // What a warehouse with `require_ssl` says. That it says the same before a token is UNCONFIRMED: the drivers
            // refuse such a login themselves.
            let message = format!(
                "no pg_hba.conf entry for host \"127.0.0.1\", user \"{user}\", database \"{database}\", SSL off"
            );
            return Ok(Err(ServerError::fatal("28000", message)));
        }
        let proof = match parameter("idp_type") {
            Some("AwsIdc") => {
                let token = ask(stream, TOKEN_WANTED, b'i').await?;
                self.by_token(&token, parameter("token_type"), parameter("identity_namespace")).await
            }
            // The native providers (Azure AD): this warehouse is registered with none. The text is UNCONFIRMED.
            Some(_) => Err(ServerError::fatal("28000", "Identity provider not found")),
            None if user.is_empty() => {
                Err(ServerError::fatal("28000", "no PostgreSQL user name specified in startup packet"))
            }
            None => {
                let password = ask(stream, PASSWORD_WANTED, b'p').await?;
                if user == ADMIN && password == self.admin_password() {
                    Ok(Login { user: user.to_owned(), roles: None })
                } else {
                    Err(ServerError::fatal("28000", format!("password authentication failed for user \"{user}\"")))
                }
            }
        };
        Ok(proof.and_then(|login| match database {
            DATABASE => Ok(login),
            other => Err(ServerError::fatal("3D000", format!("database \"{other}\" does not exist"))),
        }))
    }

    /// The login of an identity provider's token. Whatever Identity Center has against it, the client is told one
    /// sentence (aws/amazon-redshift-jdbc-driver issue 146).
    async fn by_token(
        &self,
        token: &str,
        token_type: Option<&str>,
        namespace: Option<&str>,
    ) -> Result<Login, ServerError> {
        let refused = |reason: &str| {
            tracing::info!(reason, "the warehouse does not take the token");
            ServerError::fatal("28000", "Token credentials expired or invalid")
        };
        // The others are Identity Center's own tokens, which nobody here gives out. What Redshift says of a token of
        // another type than announced is UNCONFIRMED.
        if token_type != Some("EXT_JWT") {
            return Err(refused("the token type is not EXT_JWT"));
        }
        let provider = self.provider(namespace).ok_or_else(|| refused("no identity provider of this namespace"))?;
        let user_id = self.exchange(&provider.application_arn, token).await;
        let user_id = user_id.ok_or_else(|| refused("the exchange at Identity Center failed"))?;
        let person = self.people.person(&user_id).await.map_err(|reason| refused(&reason))?;
        // Redshift folds names to lower case.
        let named = |name: &str| format!("{}:{name}", provider.namespace).to_lowercase();
        let names = person.groups.iter().map(|group| named(group)).collect();
        let roles = Roles { namespace: provider.namespace.to_lowercase(), names };
        Ok(Login { user: named(&person.name), roles: Some(roles) })
    }

    /// `CreateTokenWithIAM` as the service itself calls it, unrecorded; the id of the user if it succeeds.
    async fn exchange(&self, application_arn: &str, token: &str) -> Option<String> {
        let body = json!({
            "clientId": application_arn, "grantType": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": token,
        });
        let request = Request::post("/token?aws_iam=t").body(Body::from(body.to_string())).ok()?;
        let answer = match Arc::clone(&self.oidc).router().oneshot(request).await {
            Ok(answer) => answer,
            Err(never) => match never {},
        };
        let body = answer.into_body().collect().await.ok()?.to_bytes();
        let answer: Value = serde_json::from_slice(&body).ok()?;
        let claims = URL_SAFE_NO_PAD.decode(answer["idToken"].as_str()?.split('.').nth(1)?).ok()?;
        let claims: Value = serde_json::from_slice(&claims).ok()?;
        Some(claims["sub"].as_str()?.to_owned())
    }
}

/// Asks for a proof and reads it. A password ends with a zero, a token with the message.
async fn ask<S>(stream: &mut S, code: u32, tag: u8) -> io::Result<String>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    stream.write_all(&frame::authentication(code)).await?;
    stream.flush().await?;
    match frame::read(stream, TOKEN_CAP).await? {
        Some(frame) if frame.tag == tag => {
            let proof = frame.body.strip_suffix(&[0]).unwrap_or(&frame.body);
            Ok(String::from_utf8_lossy(proof).into_owned())
        }
        _ => Err(io::Error::new(io::ErrorKind::InvalidData, "the client does not prove itself")),
    }
}

fn rand_u32() -> u32 {
    let [a, b, c, d, ..] = uuid::Uuid::new_v4().into_bytes();
    // A process id is a positive 32-bit integer.
    u32::from_be_bytes([a & 0x7f, b, c, d])
}
