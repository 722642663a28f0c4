//! Why a measurement did not come about. Messages say what is wrong and what to do, and never quote a note.

use std::path::{Path, PathBuf};

use thiserror::Error;

/// Why a measurement did not come about.
#[derive(Debug, Error)]
pub enum EvaluationError {
    /// The definition cannot be used.
    #[error("the definition {file} cannot be used: {message}")]
    Definition {
        /// The file.
        file: PathBuf,
        /// What is wrong and what to do.
        message: String,
    },
    /// The corpus cannot be read.
    #[error("the corpus file {file} cannot be read{}: {message}", at(*.line))]
    Corpus {
        /// The file.
        file: PathBuf,
        /// The line, from 1, where there is one.
        line: Option<usize>,
        /// What is wrong and what to do.
        message: String,
    },
    /// The system under test failed as a whole.
    #[error("the system under test cannot be measured: {0}")]
    System(String),
    /// A result cannot be read, written or compared.
    #[error("{file}: {message}")]
    Output {
        /// The file.
        file: PathBuf,
        /// What is wrong and what to do.
        message: String,
    },
}

fn at(line: Option<usize>) -> String {
    line.map(|line| format!(" at line {line}")).unwrap_or_default()
}

/// With [`EvaluationError`].
pub type Result<T> = std::result::Result<T, EvaluationError>;

impl EvaluationError {
    /// A corpus file that cannot be read.
    #[must_use]
    pub fn corpus(file: &Path, line: Option<usize>, message: impl Into<String>) -> Self {
        Self::Corpus { file: file.to_owned(), line, message: message.into() }
    }

    /// A file of results.
    #[must_use]
    pub fn output(file: &Path, message: impl Into<String>) -> Self {
        Self::Output { file: file.to_owned(), message: message.into() }
    }
}
