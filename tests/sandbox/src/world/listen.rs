//! Loopback listeners: accept loops of our own, so that an error of the service closes the connection without an
//! answer, which is what a lost call looks like.

use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::response::Response;
use http::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;

use super::gate::{Dropped, Gate};
use super::system::Caller;
use super::{Authority, World};

/// A listener on a free port of the loopback interface. Dropping it closes the port and every connection.
pub struct Listener {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Listener {
    /// Listens, and gives every connection to `serve`.
    ///
    /// # Errors
    /// The port cannot be had.
    pub async fn start<F, S>(serve: S) -> anyhow::Result<Self>
    where
        F: Future<Output = ()> + Send + 'static,
        S: Fn(TcpStream) -> F + Send + 'static,
    {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let task = tokio::spawn(async move {
            // Dropped with this task, and every connection with it.
            let mut connections = JoinSet::new();
            loop {
                tokio::select! {
                    accepted = listener.accept() => {
                        let Ok((stream, _)) = accepted else {
                            // No file descriptor is free: others must get time to close theirs.
                            tokio::time::sleep(Duration::from_millis(10)).await;
                            continue;
                        };
                        // An answer is one small segment more often than not.
                        let _ = stream.set_nodelay(true);
                        connections.spawn(serve(stream));
                    }
                    Some(_) = connections.join_next(), if !connections.is_empty() => {}
                }
            }
        });
        Ok(Self { address, task })
    }

    /// A plain or TLS (where an authority is given) HTTP/1.1 server.
    ///
    /// # Errors
    /// The port or the certificate cannot be had.
    pub async fn http<F, H>(authority: Option<&Authority>, handler: H) -> anyhow::Result<Self>
    where
        F: Future<Output = Result<Response, Dropped>> + Send + 'static,
        H: Fn(Request<Incoming>) -> F + Clone + Send + Sync + 'static,
    {
        let tls = match authority {
            Some(authority) => Some(TlsAcceptor::from(authority.server("127.0.0.1")?)),
            None => None,
        };
        Self::start(move |stream| {
            let (handler, tls) = (handler.clone(), tls.clone());
            async move {
                match tls {
                    None => serve(stream, handler).await,
                    Some(tls) => match tls.accept(stream).await {
                        Ok(stream) => serve(stream, handler).await,
                        Err(error) => tracing::debug!(%error, "TLS handshake"),
                    },
                }
            }
        })
        .await
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http://127.0.0.1:<port>`, or with `https`.
    pub fn url(&self, scheme: &str) -> String {
        format!("{scheme}://{}", self.address)
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Serves one HTTP/1.1 connection until it ends.
pub(super) async fn serve<IO, F, H>(io: IO, handler: H)
where
    IO: AsyncRead + AsyncWrite + Unpin + Send,
    F: Future<Output = Result<Response, Dropped>> + Send,
    H: Fn(Request<Incoming>) -> F,
{
    let connection = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(io), service_fn(handler));
    if let Err(error) = connection.await {
        tracing::trace!(%error, "connection");
    }
}

/// A plain-http door to one system for the administrator. The request's host stays the door's: a stand-in builds
/// absolute URLs from its real host name, and judges those that the caller signed by the door's.
///
/// # Errors
/// The port cannot be had.
pub async fn admin_door(world: &Arc<World>, gate: &Arc<Gate>) -> anyhow::Result<Listener> {
    let (world, gate) = (Arc::clone(world), Arc::clone(gate));
    Listener::http(None, move |request| Arc::clone(&gate).call(Arc::clone(&world), Caller("admin".to_owned()), request))
        .await
}
