//! Who may do what: tokens, passwords and second factors, and the table of roles, permissions and scopes. Knows nothing of HTTP beyond one header's text.
//!
//! A call is allowed when the user's role has the [`Permission`] *and* the thing lies in the user's [`Scope`]. Roles do
//! not include each other: an admin who must not read notes cannot be given them by mistake of an ordering.

mod client_assertion;
mod failures;
#[cfg(test)]
mod fuzz;
pub mod jws;
mod one_time;
mod password;
mod permission;
mod token;

pub use client_assertion::{AssertionProblem, claimed_client, read_keys, registered_keys, verify};
pub use failures::{Attempt, FailureLimit, USUAL_FAILURES};
pub use one_time::{OneTimeSecret, RECOVERY_CODES, recovery_codes, recovery_hash};
pub use password::{FEWEST_CHARACTERS, MOST_BYTES, Password, PasswordProblem, Verified, prepare_passwords};
pub use permission::{Permission, Scope, in_scope, is_own_chart, may_read_note, permits};
pub use token::{Token, TokenAccess};
