//! Who may do what: tokens, and the table of roles, permissions and scopes. Knows nothing of HTTP beyond one header's text.
//!
//! A call is allowed when the user's role has the [`Permission`] *and* the thing lies in the user's [`Scope`]. Roles do
//! not include each other: an admin who must not read notes cannot be given them by mistake of an ordering.

mod client_assertion;
pub mod jws;
mod permission;
mod token;

pub use client_assertion::{AssertionProblem, claimed_client, read_keys, registered_keys, verify};
pub use permission::{Permission, Scope, in_scope, may_read_note, permits};
pub use token::{Token, TokenAccess};
