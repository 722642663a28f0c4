//! The listener of the service: HTTP/1.1 on so many connections at most, none held by who sends nothing.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{Router, extract::ConnectInfo};
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::{GracefulShutdown, Watcher},
    service::TowerToHyperService,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::{Semaphore, watch},
};
use tower::ServiceExt as _;

use crate::{
    api::refused,
    network::{PeerCertificate, ServerTls},
};

/// How long the head of a request may take to arrive; also how long a connection may wait for its next one.
const HEAD: Duration = Duration::from_secs(75);
/// Bytes of the longest head, and of a body that are read at once.
const MOST_OF_HEAD: usize = 65_536;
/// How long the handshake of TLS may take.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// Connections beyond the bound that are served by the spare router, one request each, and how long the head of that may take.
const SPARE: usize = 32;
const SPARE_HEAD: Duration = Duration::from_secs(5);
/// Milliseconds that the other side may take nothing of an answer.
#[cfg(target_os = "linux")]
const UNREAD: u32 = 60_000;
/// How long answers under way may still take when the service stops.
const LAST_ANSWERS: Duration = Duration::from_secs(20);

/// What a connection too many gets.
const TOO_MANY: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\ncontent-type: application/problem+json\r\n\
    cache-control: no-store\r\nx-content-type-options: nosniff\r\ncontent-length: 160\r\nconnection: close\r\n\r\n\
    {\"type\":\"about:blank#overloaded\",\"title\":\"Service Unavailable\",\"status\":503,\"code\":\"overloaded\",\
    \"detail\":\"too many connections; come back after the time given\"}";

/// Where connections come in.
pub(super) struct Listening {
    pub socket: TcpListener,
    /// Plain HTTP when none.
    pub tls: Option<Arc<ServerTls>>,
}

/// A connection, from its handshake to its end.
struct Conversation {
    tls: Option<Arc<ServerTls>>,
    router: Router,
    peer: SocketAddr,
    /// How long a head may take.
    head: Duration,
    watcher: Watcher,
}

/// Serves until `stop` turns true; answers under way are finished. When all connections are taken, a few more are served by `spare`: who
/// watches the service is answered then too.
pub(super) async fn serve(
    Listening { socket, tls }: Listening,
    (router, spare): (Router, Router),
    connections: usize,
    mut stop: watch::Receiver<bool>,
) {
    let (free, spares) = (Arc::new(Semaphore::new(connections)), Arc::new(Semaphore::new(SPARE)));
    let graceful = GracefulShutdown::new();
    loop {
        let accepted = tokio::select! {
            accepted = socket.accept() => accepted,
            _ = stop.wait_for(|stop| *stop) => break,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // a connection that went away, or too many open files: the next one may do
                tracing::warn!(%error, "a connection could not be taken");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let (place, router, head) = if let Ok(place) = Arc::clone(&free).try_acquire_owned() {
            (place, &router, HEAD)
        } else if let Ok(place) = Arc::clone(&spares).try_acquire_owned() {
            (place, &spare, SPARE_HEAD)
        } else {
            let stream = refused("connections", stream);
            // in clear it could not be read, and a handshake more is what there is no room for
            if tls.is_none() {
                tokio::spawn(refuse(stream));
            }
            continue;
        };
        bear(&stream);
        let (tls, router, watcher) = (tls.clone(), router.clone(), graceful.watcher());
        let conversation = Conversation { tls, router, peer, head, watcher };
        tokio::spawn(async move {
            conversation.hold(stream).await;
            drop(place);
        });
    }
    drop(socket);
    if tokio::time::timeout(LAST_ANSWERS, graceful.shutdown()).await.is_err() {
        tracing::warn!("answers under way were given up");
    }
}

impl Conversation {
    /// Shakes hands where TLS is spoken, in a task of its own: a slow one holds up nobody.
    async fn hold(mut self, stream: TcpStream) {
        let Some(tls) = self.tls.take() else { return self.answer(stream, None).await };
        match tls.accept(stream, HANDSHAKE.min(self.head)).await {
            Ok((stream, shown)) => self.answer(stream, shown).await,
            Err(error) => {
                metrics::counter!("abstractor_tls_handshakes_failed_total").increment(1);
                tracing::debug!(peer = %self.peer.ip(), kind = %error.kind(), "a client did not complete the TLS handshake");
            }
        }
    }

    async fn answer(self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, shown: Option<PeerCertificate>) {
        let Self { router, peer, head, watcher, .. } = self;
        let service = router.map_request(move |mut request: hyper::Request<_>| {
            request.extensions_mut().insert(ConnectInfo::<SocketAddr>(peer));
            if let Some(shown) = &shown {
                request.extensions_mut().insert(shown.clone());
            }
            request
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(head)
            .max_buf_size(MOST_OF_HEAD)
            .keep_alive(head == HEAD)
            .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
        // a client that breaks off is no failure of ours
        let _ = watcher.watch(connection).await;
    }
}

/// What is told of a connection: small answers go at once, and one whose other side takes nothing any more ends.
fn bear(stream: &TcpStream) {
    let _ = stream.set_nodelay(true);
    #[cfg(target_os = "linux")]
    let _ = rustix::net::sockopt::set_tcp_user_timeout(stream, UNREAD);
}

async fn refuse(mut stream: TcpStream) {
    let _ = tokio::time::timeout(Duration::from_secs(1), async {
        stream.write_all(TOO_MANY).await?;
        stream.shutdown().await?;
        // a request that is left unread would take the answer with it
        tokio::io::copy(&mut stream, &mut tokio::io::sink()).await
    })
    .await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_refusal_is_whole() {
        let text = std::str::from_utf8(TOO_MANY).expect("text");
        let (head, body) = text.split_once("\r\n\r\n").expect("a head and a body");
        assert!(head.contains(&format!("content-length: {}\r\n", body.len())), "{}", body.len());
        assert!(serde_json::from_str::<crate::api::ProblemBody>(body).is_ok());
    }
}
