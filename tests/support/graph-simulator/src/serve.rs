//! The simulator behind HTTPS on the loopback interface, HTTP/1.1 and HTTP/2, with faults of connections carried out for real.

mod socket;

use crate::certificates;
use crate::{ConnectionLost, Simulator};
use bytes::Bytes;
use futures::{StreamExt, stream};
use http::{Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rustls::ServerConfig;
use socket::Socket;
use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

/// Where to listen. A port of 0 is any free one.
#[derive(Clone, Copy, Debug, Default)]
pub struct ServeOptions {
    /// Port of Graph.
    pub graph_port: u16,
    /// Port of Entra.
    pub authority_port: u16,
}

/// A running server. It ends when it is dropped, with all its connections.
#[derive(Debug)]
pub struct Server {
    ca_pem: String,
    graph_origin: String,
    authority_origin: String,
    _listeners: JoinSet<()>,
}

impl Server {
    /// The certificate to trust, PEM.
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// `https://localhost:PORT` of Graph.
    pub fn graph_origin(&self) -> &str {
        &self.graph_origin
    }

    /// `https://localhost:PORT` of Entra.
    pub fn authority_origin(&self) -> &str {
        &self.authority_origin
    }
}

/// Which service a listener belongs to.
#[derive(Clone, Copy, Debug)]
enum Side {
    Graph,
    Authority,
}

/// Puts the simulator behind HTTPS. Its origins become those of the server.
///
/// A connection cannot be refused for the sake of a request that travels on it: where a rule says so, the connection is reset instead.
/// [`crate::Settings::graph_reachable`] and its sister do refuse: connections end before their TLS handshake.
///
/// # Errors
/// When a port cannot be had.
pub async fn serve(simulator: &Simulator, options: ServeOptions) -> io::Result<Server> {
    let (ca_pem, tls) = certificates::loopback()?;
    let mut listeners = JoinSet::new();
    let mut origins = Vec::new();
    for (side, port) in [(Side::Graph, options.graph_port), (Side::Authority, options.authority_port)] {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        origins.push(format!("https://localhost:{}", listener.local_addr()?.port()));
        listeners.spawn(accept(simulator.clone(), side, listener, tls.clone()));
    }
    let authority_origin = origins.pop().unwrap_or_default();
    let graph_origin = origins.pop().unwrap_or_default();
    simulator.configure(|settings| {
        settings.graph_origin.clone_from(&graph_origin);
        settings.authority_origin.clone_from(&authority_origin);
    });
    Ok(Server { ca_pem, graph_origin, authority_origin, _listeners: listeners })
}

async fn accept(simulator: Simulator, side: Side, listener: TcpListener, tls: Arc<ServerConfig>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((tcp, _)) => {
                    connections.spawn(connection(simulator.clone(), side, tcp, tls.clone()));
                }
                // Out of file descriptors, for example: others are about to be given back.
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

/// How a request ends the connection it came on.
#[derive(Debug, Default)]
struct Ending {
    now: Notify,
    by_reset: Arc<AtomicBool>,
}

async fn connection(simulator: Simulator, side: Side, tcp: TcpStream, tls: Arc<ServerConfig>) {
    let settings = simulator.settings();
    let reachable = match side {
        Side::Graph => settings.graph_reachable,
        Side::Authority => settings.authority_reachable,
    };
    let ending = Arc::new(Ending::default());
    ending.by_reset.store(!reachable, Ordering::Relaxed);
    let socket = Socket::new(tcp, ending.by_reset.clone());
    if !reachable {
        return;
    }
    let Ok(stream) = TlsAcceptor::from(tls).accept(socket).await else {
        return;
    };
    let http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
    let heard = ending.clone();
    let service = service_fn(move |request| answer(simulator.clone(), heard.clone(), request));
    let io = TokioIo::new(stream);
    // A connection that ends in an error has been ended by the client, or by a fault: nothing is left to be said on it.
    let run = async {
        if http2 {
            let mut builder = http2::Builder::new(TokioExecutor::new());
            let _ = builder.timer(TokioTimer::new()).auto_date_header(false).serve_connection(io, service).await;
        } else {
            let mut builder = http1::Builder::new();
            let _ = builder.timer(TokioTimer::new()).auto_date_header(false).serve_connection(io, service).await;
        }
    };
    tokio::select! {
        () = run => {}
        () = ending.now.notified() => {}
    }
}

type Body = UnsyncBoxBody<Bytes, io::Error>;

async fn answer(simulator: Simulator, ending: Arc<Ending>, request: Request<Incoming>) -> io::Result<Response<Body>> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    match simulator.handle(Request::from_parts(head, body)).await {
        Ok(response) => Ok(response.map(|body| Full::new(body).map_err(|never| match never {}).boxed_unsync())),
        Err(ConnectionLost::CutBody(part)) => Ok(part.map(|half| cut(half, ending))),
        Err(lost) => {
            ending.by_reset.store(!matches!(lost, ConnectionLost::LostAfterSending), Ordering::Relaxed);
            ending.now.notify_one();
            Err(io::Error::other(lost))
        }
    }
}

/// Half a body, and then the end of the connection: a little later, so that the half is really sent.
fn cut(half: Bytes, ending: Arc<Ending>) -> Body {
    let end = stream::once(async move {
        tokio::time::sleep(Duration::from_millis(20)).await;
        ending.now.notify_one();
        Err(io::Error::from(io::ErrorKind::ConnectionAborted))
    });
    StreamBody::new(stream::iter([Ok(Frame::data(half))]).chain(end)).boxed_unsync()
}
