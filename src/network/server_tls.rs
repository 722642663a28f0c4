//! TLS of a listener: what it shows and asks for, read from its files again when they change. Connections that are open stay open.

use std::{
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use sha2::{Digest as _, Sha256};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::timeout,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{ServerConfig, server::WebPkiClientVerifier},
    server::TlsStream,
};
use zeroize::Zeroizing;

use super::{
    PeerCertificate, TlsError, TlsFiles, certificate,
    tls::{authorities, certificates, key, provider, unusable},
};

/// Whether who connects has to show a certificate, where there is an authority for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Demand {
    /// It is checked where one is shown.
    Optional,
    /// Without one there is no connection.
    Required,
}

/// TLS of one listener.
pub struct ServerTls {
    files: TlsFiles,
    demand: Demand,
    /// What is spoken within, where the other side is asked (ALPN).
    protocol: Option<&'static [u8]>,
    state: Mutex<State>,
}

struct State {
    config: Arc<ServerConfig>,
    ends: Option<Timestamp>,
    /// What the files held at which `config` was made.
    in_use: [u8; 32],
    /// What they held at the last look; none when they could not be read.
    seen: Option<[u8; 32]>,
    /// What was refused last.
    refused: Option<Option<[u8; 32]>>,
}

/// What the files hold.
struct Contents {
    certificate: Vec<u8>,
    key: Zeroizing<Vec<u8>>,
    authority: Option<Vec<u8>>,
}

impl Contents {
    fn read(files: &TlsFiles) -> Result<Self, TlsError> {
        let read =
            |what, file: &std::path::Path| std::fs::read(file).map_err(|_| TlsError::File { what, file: file.to_owned() });
        Ok(Self {
            certificate: read("a certificate", &files.certificate)?,
            key: Zeroizing::new(read("a private key", &files.key)?),
            authority: files.client_authority.as_deref().map(|file| read("a certificate", file)).transpose()?,
        })
    }

    fn digest(&self) -> [u8; 32] {
        let mut all = Sha256::new();
        for part in [&self.certificate[..], &self.key[..], self.authority.as_deref().unwrap_or_default()] {
            all.update(part.len().to_be_bytes());
            all.update(part);
        }
        all.finalize().into()
    }
}

impl std::fmt::Debug for ServerTls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ServerTls").field("files", &self.files).field("demand", &self.demand).finish_non_exhaustive()
    }
}

impl ServerTls {
    /// Reads the files.
    ///
    /// # Errors
    /// [`TlsError`].
    pub fn new(files: TlsFiles, demand: Demand, protocol: Option<&'static [u8]>) -> Result<Self, TlsError> {
        let contents = Contents::read(&files)?;
        let (config, ends) = made(&files, &contents, (demand, protocol))?;
        let digest = contents.digest();
        let state = State { config, ends, in_use: digest, seen: Some(digest), refused: None };
        Ok(Self { files, demand, protocol, state: Mutex::new(state) })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Until when the certificates that are shown hold; none where they do not say so.
    #[must_use]
    pub fn ends(&self) -> Option<Timestamp> {
        self.state().ends
    }

    /// Whether files that were changed cannot be used, so that what was read before holds on.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        self.state().refused.is_some()
    }

    /// Reads the files again and takes them into use for the connections that come, when they changed and were the same at the look
    /// before: a certificate and its key are not written at once. Files that cannot be used are told of once, and the old ones hold.
    pub fn look_again(&self) {
        let read = Contents::read(&self.files);
        let digest = read.as_ref().ok().map(Contents::digest);
        let mut state = self.state();
        let has_settled = std::mem::replace(&mut state.seen, digest) == digest;
        if digest == Some(state.in_use) {
            state.refused = None;
            return;
        }
        if !has_settled || state.refused == Some(digest) {
            return;
        }
        let file = self.files.certificate.display();
        match read.and_then(|contents| {
            made(&self.files, &contents, (self.demand, self.protocol)).map(|made| (made, contents.digest()))
        }) {
            Ok(((config, ends), digest)) => {
                *state = State { config, ends, in_use: digest, seen: Some(digest), refused: None };
                tracing::info!(%file, "the certificate was changed and is in use");
            }
            Err(error) => {
                state.refused = Some(digest);
                tracing::error!(%error, %file, "the changed certificate cannot be used: the one before holds on");
            }
        }
    }

    /// Shakes hands, and gives the certificate that was shown with the stream.
    ///
    /// # Errors
    /// When it fails, or takes longer than it may.
    pub async fn accept<S>(&self, stream: S, patience: Duration) -> io::Result<(TlsStream<S>, Option<PeerCertificate>)>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let acceptor = TlsAcceptor::from(Arc::clone(&self.state().config));
        let stream =
            timeout(patience, acceptor.accept(stream)).await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
        let shown = stream.get_ref().1.peer_certificates().and_then(|shown| shown.first()).map(PeerCertificate::of);
        Ok((stream, shown))
    }
}

/// What a listener shows and asks for: TLS 1.2 and 1.3, which is all that rustls has. And until when its certificates hold.
fn made(
    files: &TlsFiles,
    contents: &Contents,
    (demand, protocol): (Demand, Option<&'static [u8]>),
) -> Result<(Arc<ServerConfig>, Option<Timestamp>), TlsError> {
    let builder = ServerConfig::builder_with_provider(provider()).with_safe_default_protocol_versions().map_err(unusable)?;
    let builder = match contents.authority.as_deref().zip(files.client_authority.as_deref()) {
        Some((pem, file)) => {
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(authorities(pem, file)?), provider());
            let verifier = if demand == Demand::Optional { verifier.allow_unauthenticated() } else { verifier };
            let verifier = verifier.build().map_err(|error| TlsError::Unusable(error.to_string()))?;
            builder.with_client_cert_verifier(verifier)
        }
        None => builder.with_no_client_auth(),
    };
    let shown = certificates(&contents.certificate, &files.certificate)?;
    let ends = shown.iter().filter_map(certificate::end).min();
    let mut config = builder.with_single_cert(shown, key(&contents.key, &files.key)?).map_err(unusable)?;
    config.alpn_protocols.extend(protocol.map(<[u8]>::to_vec));
    Ok((Arc::new(config), ends))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// A certificate that signs itself, and its key.
    fn pair() -> (String, String) {
        let key = rcgen::KeyPair::generate().expect("a key");
        let parameters = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).expect("a name");
        (parameters.self_signed(&key).expect("signs itself").pem(), key.serialize_pem())
    }

    fn write(folder: &Path, certificate: &str, key: &str) {
        std::fs::write(folder.join("server.pem"), certificate).expect("is written");
        std::fs::write(folder.join("server.key"), key).expect("is written");
    }

    #[test]
    fn changed_files_are_taken_when_they_are_whole_and_the_old_ones_hold_until_then() {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = folder.path();
        let ((first, first_key), (second, second_key)) = (pair(), pair());
        write(folder, &first, &first_key);
        let files = TlsFiles { certificate: folder.join("server.pem"), key: folder.join("server.key"), client_authority: None };
        let tls = ServerTls::new(files, Demand::Optional, Some(b"http/1.1")).expect("can be used");
        let in_use = || tls.state().in_use;
        let begun = in_use();
        assert!(tls.ends().is_some() && !tls.is_refused());

        // half of it is there: nobody takes it yet, and nobody complains
        write(folder, &second, &first_key);
        tls.look_again();
        assert!(in_use() == begun && !tls.is_refused());
        // and it stays so: it is told, and the old ones hold
        tls.look_again();
        assert!(in_use() == begun && tls.is_refused());
        write(folder, &second, &second_key);
        tls.look_again();
        assert!(in_use() == begun);
        tls.look_again();
        let changed = in_use();
        assert!(changed != begun && !tls.is_refused());

        std::fs::remove_file(folder.join("server.key")).expect("is removed");
        for _ in 0..3 {
            tls.look_again();
        }
        assert!(in_use() == changed && tls.is_refused());
        write(folder, &second, &second_key);
        tls.look_again();
        assert!(in_use() == changed && !tls.is_refused(), "the files of before are back");
    }
}
