//! What stands between the service and others: networks of addresses, which of them it may connect to, from which one a request comes, TLS with its
//! certificates, and which certificate a client has to show.

mod addresses;
mod certificate;
mod hops;
mod reach;
mod server_tls;
mod tls;

pub use addresses::Network;
pub use certificate::{CertificateName, ClientCertificates, PeerCertificate};
pub use hops::TrustedProxies;
pub use reach::{Reach, ReachError};
pub use server_tls::{Demand, ServerTls};
pub use tls::{ClientTls, TlsError, TlsFiles};
