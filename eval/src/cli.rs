//! The command line: the only place, with `main`, that reads the clock and the environment.

use std::{
    io::{IsTerminal, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
    sync::OnceLock,
};

use anyhow::Context as _;
use clap::{Parser, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};

use crate::{
    definition::Definition,
    environment::Environment,
    export::export,
    figures::{METRICS, lower_is_better},
    gate::Baseline,
    measure::{Occasion, Progress, measure},
    report,
    results::Results,
    system::Caller,
};

/// Measures Abstractor, or another system that writes its extraction contract, on annotated notes.
#[derive(Debug, Parser)]
#[command(name = "abstractor-eval", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Measure what a definition says; fails when a floor of it is not reached
    Measure(Measure),
    /// Write a report of results that are there, against other ones if wanted; without errors in context, which results do not hold
    Report {
        /// Results, JSON
        results: PathBuf,
        /// The report, HTML
        output: PathBuf,
    },
    /// Print several results side by side, in Markdown: a column each, the metrics that the last one shows
    Table {
        /// Results, JSON
        #[arg(required = true)]
        results: Vec<PathBuf>,
    },
    /// List the metrics
    Metrics,
    /// Write the finished items of a running service as a corpus of format `reviewed`; the file holds notes
    Export {
        /// Address of the service
        url: String,
        /// The file, which must not exist yet
        output: PathBuf,
        /// File with the token of a lead
        #[arg(long, value_name = "FILE")]
        token_file: PathBuf,
    },
}

#[derive(Debug, clap::Args)]
struct Measure {
    /// The definition, TOML
    definition: PathBuf,
    /// Folder for results (JSON), this table (text) and report (HTML), named after definition and day
    #[arg(long, value_name = "DIR", default_value = "target/eval")]
    output: PathBuf,
    /// Results of a run before, to compare with
    #[arg(long, value_name = "FILE")]
    against: Option<PathBuf>,
    /// Write the counts of this run as the baseline of the regression gate
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
    /// Folder of shared data, which definitions call $SHARED
    #[arg(long, value_name = "DIR", env = "ABSTRACTOR_SHARED")]
    shared: Option<PathBuf>,
}

/// Runs the command line.
///
/// # Errors
/// A sentence for the person at the terminal.
pub fn run(arguments: impl IntoIterator<Item = String>) -> anyhow::Result<ExitCode> {
    match Arguments::parse_from(arguments).command {
        Command::Measure(measure) => return run_measure(&measure),
        Command::Report { results, output } => {
            let results = Results::read(&results)?;
            std::fs::write(&output, report::html(&results, &[]))
                .with_context(|| format!("cannot write {}", output.display()))?;
        }
        Command::Table { results } => {
            let all = results.iter().map(|file| Results::read(file)).collect::<Result<Vec<_>, _>>()?;
            say(&report::side_by_side(&all));
        }
        Command::Metrics => {
            for (name, about) in METRICS {
                let lower = if lower_is_better(name) && !about.contains("lower is better") { " (lower is better)" } else { "" };
                say(&format!("{name:<24} {about}{lower}\n"));
            }
        }
        Command::Export { url, output, token_file } => {
            let written = export(&Caller::new(&url, Some(&token_file))?, &output)?;
            say(&format!("{written} finished items written to {}; the file holds notes\n", output.display()));
        }
    }
    Ok(ExitCode::SUCCESS)
}

#[expect(clippy::disallowed_methods, reason = "the command line is where time comes from")]
fn now() -> jiff::Timestamp {
    jiff::Timestamp::now()
}

/// Prints; a closed pipe (`| head`) is no error.
fn say(text: &str) {
    let _ = std::io::stdout().write_all(text.as_bytes());
}

fn run_measure(arguments: &Measure) -> anyhow::Result<ExitCode> {
    let definition = Definition::read(&arguments.definition, arguments.shared.as_deref())?;
    let against = arguments.against.as_deref().map(Results::read).transpose()?;
    let bar = OnceLock::new();
    let progress = |step: Progress| match step {
        Progress::Notes(notes) => drop(bar.set(progress_bar(notes))),
        Progress::Answered => bar.get().into_iter().for_each(|bar: &ProgressBar| bar.inc(1)),
        Progress::Drawing => bar.get().into_iter().for_each(ProgressBar::finish_and_clear),
    };
    let date = now();
    let occasion = Occasion {
        date: date.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        environment: Environment::here(arguments.definition.parent().unwrap_or(Path::new("."))),
        against: against.as_ref(),
        progress: &progress,
    };
    let measured = measure(&definition, &occasion)?;
    let results = &measured.results;
    let folder = &arguments.output;
    std::fs::create_dir_all(folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
    let stem = folder.join(format!("{}-{}", definition.slug(), date.strftime("%Y-%m-%d")));
    let (json, html) = (stem.with_extension("json"), stem.with_extension("html"));
    results.write(&json)?;
    let examples = report::chosen(&measured.examples, definition.metrics.examples);
    std::fs::write(&html, report::html(results, &examples)).with_context(|| format!("cannot write {}", html.display()))?;
    let table = report::terminal(results);
    let text = stem.with_extension("txt");
    std::fs::write(&text, &table).with_context(|| format!("cannot write {}", text.display()))?;
    if let Some(file) = &arguments.baseline {
        Baseline::of(results).write(file)?;
    }
    say(&table);
    say(&format!("\nresults {} (no word of a note)\nreport  {}\n", json.display(), html.display()));
    let below: Vec<&str> = results.floors.iter().filter(|floor| !floor.holds()).map(|floor| floor.metric.as_str()).collect();
    if below.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    eprintln!("below the floor: {}", below.join(", "));
    Ok(ExitCode::FAILURE)
}

fn progress_bar(notes: usize) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} notes, {per_sec}, {eta} left");
    ProgressBar::new(notes as u64).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

#[cfg(test)]
#[path = "cli_tests.rs"]
mod tests;
