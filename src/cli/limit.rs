//! How long a note may be.

use clap::{Args, value_parser};

use crate::pipeline::MAX_NOTE_BYTES;

/// The option of every command that takes notes.
#[derive(Debug, Clone, Copy, Args)]
pub(super) struct NoteLimit {
    /// Bytes of the longest note that is taken, 1 to 10,000,000
    #[arg(
        long = "max-note-bytes",
        value_name = "BYTES",
        default_value_t = MAX_NOTE_BYTES as u64,
        value_parser = value_parser!(u64).range(1..=10_000_000),
        env = "ABSTRACTOR_MAX_NOTE_BYTES"
    )]
    bytes: u64,
}

impl NoteLimit {
    /// The limit.
    pub(super) fn bytes(self) -> usize {
        usize::try_from(self.bytes).unwrap_or(usize::MAX)
    }
}
