//! The command line: the only place, with `config` and `main`, that reads the clock, the environment and randomness.

mod accounts;
mod audit;
mod backup;
mod bench;
mod code_book;
mod configuration;
mod copy;
mod data;
mod deidentify;
mod demo;
mod doctor;
mod export;
mod extract;
mod first_admin;
#[cfg(test)]
mod fuzz;
mod health;
mod hold;
mod http;
mod inputs;
mod keys;
mod limit;
mod load;
mod messages;
mod model;
mod patient;
mod purge;
mod quarantine;
mod render;
mod running;
mod sending;
mod serve;
mod shadow;
mod site;
mod site_pack;
mod subject;
mod training;
mod transport;
mod vectors;
mod vocabulary;
mod worker;

pub use load::Load;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::domain::Surroundings;

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
    /// Print notes from files without names, dates, numbers and other identifiers
    Deidentify(deidentify::Deidentify),
    /// Write finished encounters without identifiers, for analytics and research; recorded in the audit trail
    Export(export::Export),
    /// Serve the API and the pages
    Serve(serve::Serve),
    /// Do the jobs of a PostgreSQL database that servers take notes into
    Worker(worker::Work),
    /// Serve with fictional notes and users of every role, to look around
    Demo(demo::Demo),
    /// Users: add, list, disable, sign in, unlock
    User(accounts::Users),
    /// Tokens: add, list, rotate, revoke
    Token(accounts::Tokens),
    /// The audit trail: verify it, print what proves it, report who read what, remove what is old
    Audit(audit::Audit),
    /// Messages of other systems: list those that could not be used, show one, have it handled again
    Messages(messages::Messages),
    /// Notes that could not be extracted: list them, have them tried again
    Quarantine(quarantine::Quarantine),
    /// Bring the schema of the database up to this program; `serve` does so too
    Migrate(data::DataFolder),
    /// Copy a database file into a PostgreSQL database, row by row, and compare
    Copy(copy::Copy),
    /// Copy the database into one file, while a server serves it
    Backup(backup::Backup),
    /// Bring back what `backup` wrote, into a folder without a database, and check it
    Restore(backup::Restore),
    /// Check that everything kept is whole and opens with the site keys; a server may run
    Check(data::DataFolder),
    /// Check all that `serve` needs, and say what is wrong and what to do; nothing is changed, and a server may run
    Doctor(doctor::Doctor),
    /// Ask a service whether it is ready
    Health(health::Health),
    /// Print every setting of the configuration file, environment variable and option, with its default
    Config,
    /// Site keys
    #[command(subcommand, alias = "keys")]
    Key(Key),
    /// Destroy what is kept of notes, encounters and patients, and prove it
    Purge(purge::Purge),
    /// Legal holds: what must not be purged
    Hold(hold::Hold),
    /// Rights of patients: give out or erase what is kept of one, take a merge back
    Patient(patient::Patients),
    /// Models: look at the one in the program, check one of your own
    #[command(subcommand)]
    Model(model::Models),
    /// Vocabularies: import releases, build, look up
    #[command(subcommand)]
    Vocabulary(vocabulary::Vocabularies),
    /// What the site taught the engine: list its versions, write one to a file, add one from a file
    SitePack(site_pack::SitePacks),
    /// Try another model, vocabulary or site pack on encounters that coders finished, beside what is live; nobody sees what it suggests
    Shadow(shadow::Shadow),
    /// Measure how fast this machine extracts
    Bench(bench::Bench),
    /// Measure how many notes a running service takes: fictional ones, into a database made for it
    Load(sending::Sending),
    /// Print what a shell needs to complete commands and options
    Completions(configuration::Completions),
    /// Print the manual as a page for `man`
    Manual(configuration::Manual),
    /// Print the OpenAPI description
    Openapi,
    /// Print the English texts of the pages, to be translated
    Texts,
}

#[derive(Debug, Subcommand)]
enum Key {
    /// Write a new site key to a file that must not exist yet
    Generate {
        /// The file
        file: std::path::PathBuf,
    },
    /// Wrap every data key with the first key of the key file, so that the older ones can be taken out
    Rewrap(data::DataFolder),
    /// Make a new first key and wrap everything with it, beside running servers; goes on where it was broken off
    Rotate(keys::Rotation),
    /// Take the older keys out of the key file, when nothing is wrapped by them any more
    Retire(keys::Rotation),
}

/// Runs the command line.
///
/// # Errors
/// A sentence for the person at the terminal.
pub fn run() -> anyhow::Result<ExitCode> {
    crate::telemetry::keep_panics_quiet(false);
    match Arguments::parse().command {
        Command::Extract(extract) => return extract.run(),
        Command::Deidentify(notes) => return notes.run(),
        Command::Export(export) => return export.run(),
        Command::Serve(serve) => serve.run()?,
        Command::Worker(worker) => worker.run()?,
        Command::Demo(demo) => demo.run()?,
        Command::User(users) => users.run()?,
        Command::Token(tokens) => tokens.run()?,
        Command::Audit(audit) => return Ok(if audit.run()? { ExitCode::SUCCESS } else { ExitCode::FAILURE }),
        Command::Messages(messages) => return Ok(if messages.run()? { ExitCode::SUCCESS } else { ExitCode::FAILURE }),
        Command::Quarantine(notes) => return Ok(if notes.run()? { ExitCode::SUCCESS } else { ExitCode::FAILURE }),
        Command::Model(models) => return Ok(if models.run()? { ExitCode::SUCCESS } else { ExitCode::FAILURE }),
        Command::Vocabulary(vocabularies) => return vocabularies.run(),
        Command::Copy(copy) => copy.run()?,
        Command::Backup(backup) => backup.run()?,
        Command::Restore(restore) => return Ok(if restore.run()? { ExitCode::SUCCESS } else { ExitCode::FAILURE }),
        Command::Check(data) => return Ok(if backup::check(&data)? { ExitCode::SUCCESS } else { ExitCode::FAILURE }),
        Command::Doctor(doctor) => return Ok(if doctor.run()? { ExitCode::SUCCESS } else { ExitCode::FAILURE }),
        Command::Health(health) => health.run()?,
        Command::Config => configuration::print(configuration::reference(crate::config::REFERENCE).as_bytes()),
        Command::Completions(completions) => completions.run(),
        Command::Manual(manual) => manual.run()?,
        Command::Migrate(data) => data.migrate()?,
        Command::Key(Key::Generate { file }) => data::generate_key(&file)?,
        Command::Key(Key::Rewrap(data)) => data.rewrap()?,
        Command::Key(Key::Rotate(rotation)) => rotation.rotate()?,
        Command::Key(Key::Retire(rotation)) => rotation.retire()?,
        Command::Purge(purge) => return Ok(if purge.run()? { ExitCode::SUCCESS } else { ExitCode::FAILURE }),
        Command::Hold(hold) => hold.run()?,
        Command::Patient(patients) => return Ok(if patients.run()? { ExitCode::SUCCESS } else { ExitCode::FAILURE }),
        Command::SitePack(packs) => packs.run()?,
        Command::Shadow(shadow) => return shadow.run(),
        Command::Bench(bench) => bench.run()?,
        Command::Load(sending) => sending.run()?,
        Command::Openapi => {
            use std::io::Write as _;
            let text = serde_json::to_string_pretty(&crate::api::openapi())?;
            // a closed pipe (`| head`) is no error
            let _ = writeln!(std::io::stdout(), "{text}");
        }
        Command::Texts => {
            use std::io::Write as _;
            let _ = write!(std::io::stdout(), "{}", crate::web::ENGLISH_TEXTS);
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// What is printed of an error. It may name a file or an entry of an archive, and a terminal must not act upon a name.
#[must_use]
pub fn sentence(error: &anyhow::Error) -> String {
    render::printable(&format!("{error:#}"))
}

/// The system's clock and time-ordered random identifiers: the one place where they are made.
#[expect(clippy::disallowed_methods, reason = "the command line is where time and identifiers come from")]
fn surroundings() -> Surroundings {
    Surroundings::new(jiff::Timestamp::now, uuid::Uuid::now_v7)
}

/// The password of the PostgreSQL user, as PostgreSQL's own programs take it.
#[expect(clippy::disallowed_methods, reason = "the command line reads the environment")]
fn password_of_environment() -> Option<String> {
    std::env::var("PGPASSWORD").ok().filter(|password| !password.is_empty())
}

/// False when the environment asks for no colour (the NO_COLOR convention).
#[expect(clippy::disallowed_methods, reason = "the command line reads the environment")]
fn colour_wanted() -> bool {
    std::env::var("NO_COLOR").map_or(true, |value| value.is_empty())
}
