//! Official releases as they are downloaded: what is in them, as rows of our own release tables.
//!
//! A release comes as zip, gzip or plain files. [`Release`] opens them and shows one member after the other as a stream, so that a
//! file of hundreds of megabytes is never held whole. An importer tells its members apart by their content, never by their names,
//! and writes rows to an [`Output`]. Nothing here knows what the engine makes of them: that is `build`.

mod allowance;
#[cfg(test)]
mod fuzz;
pub mod icd10cm;
mod opened;
mod output;
pub mod terminologies;

pub use opened::{Member, Release};
pub use output::{MemoryOutput, Output, Table};

use thiserror::Error;

/// Why a release cannot be imported. Releases hold no patient's data, so messages may quote them.
#[derive(Debug, Error)]
pub enum ReleaseError {
    /// The download is a page that asks to sign in.
    #[error(
        "{file} is an HTML page, not the release: the download asked to sign in. Sign in with a browser, download again, and import that file"
    )]
    LoginPage {
        /// The file.
        file: String,
    },
    /// Nothing in the files is what the kind needs.
    #[error("none of the files holds {wanted}. Give the release as it was downloaded (zip, gz or plain)")]
    NotFound {
        /// What was looked for.
        wanted: String,
    },
    /// A line or an element that cannot be used.
    #[error("{file}, line {line}: {message}")]
    Malformed {
        /// The member.
        file: String,
        /// Line, from 1; 0 where there are no lines.
        line: u64,
        /// What is wrong and what to do.
        message: String,
    },
    /// A file that cannot be read or written.
    #[error("{file}: {cause}")]
    Unreadable {
        /// The file.
        file: String,
        /// What the system says.
        cause: std::io::Error,
    },
}

impl ReleaseError {
    /// A line or an element that cannot be used; `line` counts from 1.
    pub(crate) fn malformed(file: &str, line: u64, message: impl Into<String>) -> Self {
        Self::Malformed { file: file.to_owned(), line, message: message.into() }
    }

    /// Nothing in the release is what the kind needs.
    pub(crate) fn not_found(wanted: impl Into<String>) -> Self {
        Self::NotFound { wanted: wanted.into() }
    }

    /// A file that cannot be read or written.
    pub(crate) fn unreadable(file: &str, cause: impl Into<std::io::Error>) -> Self {
        Self::Unreadable { file: file.to_owned(), cause: cause.into() }
    }
}

/// White space of any kind as single spaces, none at the ends.
pub(crate) fn clean(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Result of reading a release.
pub type Result<T, E = ReleaseError> = std::result::Result<T, E>;

/// What an importer read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// Release as the files name it themselves ("2027", "20260901"); empty where they do not.
    pub release: String,
    /// Sentences for the person who imports: what was left out and why.
    pub notes: Vec<String>,
    /// Lines that are wrong and were left out, each with its number, what is wrong and what to do.
    pub errors: Vec<String>,
}
