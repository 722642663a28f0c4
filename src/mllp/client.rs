//! The client: one message to another system, and what it answers.

use std::{io, time::Duration};

use thiserror::Error;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::{TlsConnector, rustls::pki_types::ServerName};

use crate::{
    interop::hl7::{Acknowledgement, Deframer, Header, framed},
    network::{ClientTls, Reach, ReachError},
};

/// Bytes of the longest answer.
const MOST: usize = 1_000_000;

/// Where a message goes.
#[derive(Debug, Clone, Copy)]
pub struct Receiver<'a> {
    /// `HOST:PORT`.
    pub address: &'a str,
    /// TLS; plain TCP when none.
    pub tls: Option<&'a ClientTls>,
    /// What may be connected to.
    pub reach: &'a Reach,
}

/// Why a message was not answered. Nothing in it is of the message.
#[derive(Debug, Error)]
pub enum SendError {
    /// No connection, or it broke.
    #[error("the receiver cannot be reached, or the connection broke: {0}")]
    Connection(io::ErrorKind),
    /// Where the address leads may not be connected to.
    #[error(transparent)]
    Unreached(#[from] ReachError),
    /// The address has no host that TLS could check.
    #[error("the address of the receiver must be HOST:PORT")]
    Address,
    /// Nothing came in time.
    #[error("the receiver did not answer in time")]
    TimedOut,
    /// The receiver closed the connection.
    #[error("the receiver closed the connection without an answer")]
    NoAnswer,
    /// What came is no acknowledgement of this message.
    #[error("the receiver answered with something that is no acknowledgement of the message")]
    OtherAnswer,
}

impl From<io::Error> for SendError {
    fn from(error: io::Error) -> Self {
        Self::Connection(error.kind())
    }
}

/// Sends a message to a receiver and gives what is answered to it. It may have arrived also when this fails: send it again with the same
/// control id.
///
/// # Errors
/// [`SendError`].
pub async fn send(receiver: Receiver<'_>, message: &[u8], patience: Duration) -> Result<Acknowledgement, SendError> {
    let Receiver { address, tls, reach } = receiver;
    let exchange = async {
        // what was judged is connected to, not the name once more
        let stream = TcpStream::connect(&*reach.addresses_of(address).await?).await?;
        stream.set_nodelay(true)?;
        match tls {
            None => exchange(stream, message).await,
            Some(tls) => {
                let host = address.rsplit_once(':').map(|(host, _)| host.trim_matches(['[', ']'])).ok_or(SendError::Address)?;
                let name = ServerName::try_from(host.to_owned()).map_err(|_| SendError::Address)?;
                let stream = TlsConnector::from(tls.config()).connect(name, stream).await?;
                exchange(stream, message).await
            }
        }
    };
    timeout(patience, exchange).await.map_err(|_| SendError::TimedOut)?
}

async fn exchange(mut stream: impl AsyncRead + AsyncWrite + Unpin, message: &[u8]) -> Result<Acknowledgement, SendError> {
    stream.write_all(&framed(message)).await?;
    stream.flush().await?;
    let mut deframer = Deframer::new(MOST);
    let mut piece = vec![0; 4096];
    let frame = loop {
        if let Some(frame) = deframer.next_frame() {
            break frame;
        }
        match stream.read(&mut piece).await? {
            0 => return Err(SendError::NoAnswer),
            bytes => deframer.push(&piece[..bytes]),
        }
    };
    let _ = stream.shutdown().await;
    let sent = Header::read(message).map(|header| header.control_id);
    let answer = Acknowledgement::read(&frame.content).ok_or(SendError::OtherAnswer)?;
    if Some(&answer.control_id) == sent.as_ref() { Ok(answer) } else { Err(SendError::OtherAnswer) }
}
