//! HL7 version 2: what comes in as requests of ours, what goes out, and how both are acknowledged. Pure mapping.
//!
//! Bytes become [`Frame`]s ([`Deframer`]), a frame's [`Header`] is read whatever is wrong with the rest, then the whole [`Message`], and of
//! it a [`Request`]. Every refusal is a [`Problem`] with a stable code and nothing of the message in it.
//!
//! Why a reader of our own? Those on the package index take text that is decoded already, while the character set stands in the message;
//! they refuse or alter what they do not know, while a document must come through letter by letter.

mod acknowledgement;
mod body;
mod charset;
mod escape;
mod framing;
mod header;
mod inbound;
mod message;
mod outbound;
mod problem;
mod restriction;
mod time;

#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod tests;

pub use acknowledgement::{Acknowledgement, answer};
pub use charset::Charset;
pub use escape::{escape, unescape};
pub use framing::{Deframer, Ending, Frame, framed};
pub use header::{Header, message, no_header};
pub use inbound::{Again, Document, Merge, Request, request};
pub use message::{Malformed, Message, Segment, Separators};
pub use outbound::{Stamp, abstract_message};
pub use problem::{Problem, Refusal};
