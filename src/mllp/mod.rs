//! Messages of other systems over MLLP: listeners that take them, and the client that sends ours.
//!
//! A connection is one task, so that its messages are handled in their order and each is answered before the next one is looked at. What a
//! listener takes is limited: peers, connections, the size of a message, silence. Nothing of a message is ever logged.

mod client;
mod listener;

pub use client::{Receiver, SendError, send};
pub use listener::{ListenError, Listener, Settings};
