//! Messages of other systems over MLLP: listeners that take them, and the client that sends ours.
//!
//! A connection is one task, so that its messages are handled in their order and each is answered before the next one is looked at. What a
//! listener takes is limited: peers, connections, the size of a message, silence. Nothing of a message is ever logged.

mod client;
mod listener;
mod network;
mod tls;

pub use client::{SendError, send};
pub use listener::{ListenError, Listener, Settings};
pub use network::Network;
pub use tls::{ClientTls, TlsError, TlsFiles};
