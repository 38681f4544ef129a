//! The CONNECT proxy through which the vendors' real host names reach the sandbox.

use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, Method, Request, StatusCode, header};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;

use super::gate::{Dropped, Gate};
use super::listen::{Listener, serve};
use super::system::Caller;
use super::{Authority, World};

/// Starts the proxy. It ends TLS itself for the hosts that the sandbox has, with certificates of its authority, and
/// refuses all others: nothing gets out of the sandbox. Who calls is the user of `Proxy-Authorization` (basic), or
/// `admin` where there is none.
///
/// # Errors
/// The port cannot be had.
pub async fn connect_proxy(world: &Arc<World>, authority: &Arc<Authority>) -> anyhow::Result<Listener> {
    let (world, authority) = (Arc::clone(world), Arc::clone(authority));
    Listener::start(move |stream| {
        let (world, authority) = (Arc::clone(&world), Arc::clone(&authority));
        async move {
            if let Err(error) = connection(stream, world, &authority).await {
                tracing::debug!(%error, "connection through the proxy");
            }
        }
    })
    .await
}

/// A tunnel that was granted.
struct Tunnel {
    host: String,
    caller: Caller,
    gate: Arc<Gate>,
    upgrade: OnUpgrade,
}

async fn connection(stream: TcpStream, world: Arc<World>, authority: &Authority) -> anyhow::Result<()> {
    let (granted, mut tunnels) = mpsc::unbounded_channel();
    let service = service_fn(|request| {
        let answer = match open(&world, request) {
            Ok(tunnel) => {
                // The receiver lives as long as this connection.
                let _ = granted.send(tunnel);
                Response::new(Body::empty())
            }
            Err((status, reason)) => refusal(status, reason),
        };
        async move { Ok::<_, Dropped>(answer) }
    });
    hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).with_upgrades().await?;
    let Ok(Tunnel { host, caller, gate, upgrade }) = tunnels.try_recv() else { return Ok(()) };
    let stream = TokioIo::new(upgrade.await?);
    let stream = TlsAcceptor::from(authority.server(&host)?).accept(stream).await?;
    let handler = |request| Arc::clone(&gate).call(Arc::clone(&world), caller.clone(), request);
    serve(stream, handler).await;
    Ok(())
}

fn open(world: &World, request: Request<Incoming>) -> Result<Tunnel, (StatusCode, String)> {
    if request.method() != Method::CONNECT {
        return Err((StatusCode::FORBIDDEN, "this proxy tunnels https (CONNECT) and nothing else".to_owned()));
    }
    let authority = request.uri().authority();
    let Some(target) = authority else {
        return Err((StatusCode::BAD_REQUEST, "CONNECT names no host and port".to_owned()));
    };
    let host = target.host().to_ascii_lowercase();
    let gate = match target.port_u16() {
        Some(443) => world.systems.by_host(&host),
        _ => None,
    };
    let Some(gate) = gate else {
        tracing::warn!(%target, "refused by the proxy: no system of the sandbox");
        return Err((StatusCode::FORBIDDEN, format!("{target} is no system of the sandbox")));
    };
    let caller = caller(request.headers()).ok_or_else(|| {
        (StatusCode::PROXY_AUTHENTICATION_REQUIRED, "Proxy-Authorization is not basic with a user".to_owned())
    })?;
    Ok(Tunnel { host, caller, gate, upgrade: hyper::upgrade::on(request) })
}

fn caller(headers: &HeaderMap) -> Option<Caller> {
    let Some(value) = headers.get(header::PROXY_AUTHORIZATION) else { return Some(Caller("admin".to_owned())) };
    let (scheme, encoded) = value.to_str().ok()?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let user = decoded.split_once(':').map_or(decoded.as_str(), |(user, _)| user);
    (!user.is_empty()).then(|| Caller(user.to_owned()))
}

fn refusal(status: StatusCode, reason: String) -> Response {
    let mut answer = Response::new(Body::from(reason));
    *answer.status_mut() = status;
    if status == StatusCode::PROXY_AUTHENTICATION_REQUIRED {
        let challenge = header::HeaderValue::from_static("Basic realm=\"sandbox\"");
        answer.headers_mut().insert(header::PROXY_AUTHENTICATE, challenge);
    }
    answer
}
