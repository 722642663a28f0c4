//! A listener: takes connections of allowed peers and answers their messages in order.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use thiserror::Error;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::{Semaphore, watch},
    task::JoinSet,
    time::timeout,
};

use crate::{
    interop::hl7::Deframer,
    network::{Demand, Network, ServerTls, TlsError, TlsFiles},
    service::Service,
};

/// Bytes read at once.
const PIECE: usize = 16_384;
/// How long a peer may take to shake hands or to take an answer.
const PATIENCE: Duration = Duration::from_secs(20);

/// Where and for whom to listen.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Address to listen on.
    pub listen: SocketAddr,
    /// Login name of the submitter whose source and permission the messages have.
    pub user: String,
    /// Peers that may connect.
    pub allow: Vec<Network>,
    /// TLS; plain TCP when none.
    pub tls: Option<TlsFiles>,
    /// Bytes of the longest message.
    pub max_message: usize,
    /// Connections at the same time.
    pub max_connections: usize,
    /// A connection that says nothing for so long is closed.
    pub idle: Duration,
}

/// Why a listener does not start.
#[derive(Debug, Error)]
pub enum ListenError {
    /// The address cannot be used.
    #[error("cannot listen for messages on {address}: {kind}")]
    Address {
        /// The address.
        address: SocketAddr,
        /// Why.
        kind: io::ErrorKind,
    },
    /// TLS cannot be set up.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

/// A bound listener.
pub struct Listener {
    settings: Arc<Settings>,
    socket: TcpListener,
    tls: Option<Arc<ServerTls>>,
}

impl Listener {
    /// Binds the address; nobody is answered before [`Listener::run`].
    ///
    /// # Errors
    /// [`ListenError`].
    pub async fn bind(settings: Settings) -> Result<Self, ListenError> {
        let tls = settings.tls.clone().map(|files| ServerTls::new(files, Demand::Required, None)).transpose()?.map(Arc::new);
        let address = settings.listen;
        let bound = TcpListener::bind(address).await;
        let socket = bound.map_err(|error| ListenError::Address { address, kind: error.kind() })?;
        Ok(Self { settings: Arc::new(settings), socket, tls })
    }

    /// Where it listens.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// Its TLS, whose files have to be looked at again.
    #[must_use]
    pub fn tls(&self) -> Option<Arc<ServerTls>> {
        self.tls.clone()
    }

    /// Takes connections until `stop` turns true; then every connection answers what it is handling and is closed.
    pub async fn run(self, service: Arc<Service>, mut stop: watch::Receiver<bool>) {
        let permits = Arc::new(Semaphore::new(self.settings.max_connections));
        let mut connections = JoinSet::new();
        loop {
            let accepted = tokio::select! {
                biased;
                _ = stop.wait_for(|stop| *stop) => break,
                Some(_) = connections.join_next() => continue,
                accepted = self.socket.accept() => accepted,
            };
            let (stream, peer) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    // out of file handles, most likely: others have to end first
                    tracing::error!(kind = %error.kind(), "a connection could not be taken");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            };
            if !self.allows(peer.ip()) {
                tracing::warn!(peer = %peer.ip(), "a peer that is not allowed was turned away");
                metrics::counter!("abstractor_mllp_refused_total", "reason" => "not_allowed").increment(1);
                continue;
            }
            let Ok(permit) = Arc::clone(&permits).try_acquire_owned() else {
                tracing::warn!(peer = %peer.ip(), "a peer was turned away: there are too many connections");
                metrics::counter!("abstractor_mllp_refused_total", "reason" => "too_many").increment(1);
                continue;
            };
            let connection =
                Connection { service: Arc::clone(&service), settings: Arc::clone(&self.settings), stop: stop.clone() };
            let tls = self.tls.clone();
            connections.spawn(async move {
                connection.serve(stream, tls).await;
                drop(permit);
            });
        }
        drop(self.socket);
        while connections.join_next().await.is_some() {}
    }

    fn allows(&self, peer: IpAddr) -> bool {
        self.settings.allow.iter().any(|network| network.contains(peer))
    }
}

/// One connection.
struct Connection {
    service: Arc<Service>,
    settings: Arc<Settings>,
    stop: watch::Receiver<bool>,
}

impl Connection {
    async fn serve(self, stream: TcpStream, tls: Option<Arc<ServerTls>>) {
        let _ = stream.set_nodelay(true);
        let ended = match tls {
            None => self.converse(stream).await,
            Some(tls) => match tls.accept(stream, PATIENCE).await {
                Ok((stream, _)) => self.converse(stream).await,
                Err(error) => {
                    tracing::warn!(kind = %error.kind(), "a peer did not complete the TLS handshake");
                    Ok(())
                }
            },
        };
        if let Err(error) = ended {
            tracing::info!(kind = %error.kind(), "a connection broke");
        }
    }

    /// Answers message after message until the peer or the service ends.
    async fn converse(mut self, mut stream: impl AsyncRead + AsyncWrite + Unpin) -> io::Result<()> {
        let mut deframer = Deframer::new(self.settings.max_message);
        let mut piece = vec![0; PIECE];
        loop {
            while let Some(frame) = deframer.next_frame() {
                let reply = self.service.intake().receive_message(&self.settings.user, frame).await;
                answer(&mut stream, &reply).await?;
                if *self.stop.borrow() {
                    return stream.shutdown().await;
                }
            }
            let read = tokio::select! {
                biased;
                _ = self.stop.wait_for(|stop| *stop) => None,
                read = timeout(self.settings.idle, stream.read(&mut piece)) => Some(read),
            };
            match read {
                // what has come of a message is not answered; its sender sends it again
                None => return stream.shutdown().await,
                Some(Ok(Ok(bytes))) if bytes > 0 => deframer.push(&piece[..bytes]),
                Some(ended) => {
                    deframer.finish();
                    while let Some(frame) = deframer.next_frame() {
                        let reply = self.service.intake().receive_message(&self.settings.user, frame).await;
                        // the peer may listen still
                        let _ = answer(&mut stream, &reply).await;
                    }
                    return match ended {
                        Ok(Err(error)) => Err(error),
                        _ => stream.shutdown().await,
                    };
                }
            }
        }
    }
}

async fn answer(stream: &mut (impl AsyncWrite + Unpin), reply: &[u8]) -> io::Result<()> {
    let write = async {
        stream.write_all(reply).await?;
        stream.flush().await
    };
    timeout(PATIENCE, write).await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
}
