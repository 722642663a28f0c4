//! The command line: the only place, with `config` and `main`, that reads the clock, the environment and randomness.

mod extract;
mod inputs;
mod load;
mod render;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Turns clinical notes into coded diagnoses, medications and allergies, each with its evidence, for human review.
#[derive(Debug, Parser)]
#[command(name = "abstractor", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Extract notes from files and print what was found
    Extract(extract::Extract),
}

/// Runs the command line.
///
/// # Errors
/// A sentence for the person at the terminal.
pub fn run() -> anyhow::Result<ExitCode> {
    match Arguments::parse().command {
        Command::Extract(extract) => extract.run(),
    }
}

/// False when the environment asks for no colour (the NO_COLOR convention).
#[expect(clippy::disallowed_methods, reason = "the command line reads the environment")]
fn colour_wanted() -> bool {
    std::env::var("NO_COLOR").map_or(true, |value| value.is_empty())
}
