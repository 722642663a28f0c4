//! The listener of the service: HTTP/1.1 on so many connections at most, none held by who sends nothing.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{Router, extract::ConnectInfo};
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
    service::TowerToHyperService,
};
use tokio::{
    io::AsyncWriteExt as _,
    net::{TcpListener, TcpStream},
    sync::{Semaphore, watch},
};
use tower::ServiceExt as _;

use crate::api::refused;

/// How long the head of a request may take to arrive; also how long a connection may wait for its next one.
const HEAD: Duration = Duration::from_secs(75);
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
    content-length: 160\r\nconnection: close\r\n\r\n\
    {\"type\":\"about:blank#overloaded\",\"title\":\"Service Unavailable\",\"status\":503,\"code\":\"overloaded\",\
    \"detail\":\"too many connections; come back after the time given\"}";

/// Serves until `stop` turns true; answers under way are finished. When all connections are taken, a few more are served by `spare`: who
/// watches the service is answered then too.
pub(super) async fn serve(
    listener: TcpListener,
    (router, spare): (Router, Router),
    connections: usize,
    mut stop: watch::Receiver<bool>,
) {
    let (free, spares) = (Arc::new(Semaphore::new(connections)), Arc::new(Semaphore::new(SPARE)));
    let graceful = GracefulShutdown::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stop.wait_for(|stop| *stop) => break,
        };
        let (stream, address) = match accepted {
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
            tokio::spawn(refuse(refused("connections", stream)));
            continue;
        };
        bear(&stream);
        let service = router.clone().map_request(move |mut request: hyper::Request<_>| {
            request.extensions_mut().insert(ConnectInfo::<SocketAddr>(address));
            request
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(head)
            .keep_alive(head == HEAD)
            .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            // a client that breaks off is no failure of ours
            let _ = connection.await;
            drop(place);
        });
    }
    drop(listener);
    if tokio::time::timeout(LAST_ANSWERS, graceful.shutdown()).await.is_err() {
        tracing::warn!("answers under way were given up");
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
