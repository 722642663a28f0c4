//! Logs, metrics and traces. None ever holds note text, names, or identifiers other than our own.

mod metrics;
mod observe;
mod traces;

pub use metrics::start_metrics;
pub use observe::observe;
pub use traces::{TraceSettings, Traces};

use opentelemetry::trace::TracerProvider as _;
use tracing_subscriber::{
    EnvFilter, Layer as _,
    filter::{LevelFilter, Targets},
    layer::SubscriberExt as _,
    util::SubscriberInitExt as _,
};

/// How logs are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For a person.
    Text,
    /// One JSON object a line.
    Json,
}

/// Starts logging to standard error, and traces where somebody takes them. `filter` is a tracing filter for the log, such as `info` or
/// `abstractor=debug`.
///
/// # Errors
/// When the filter cannot be read.
pub fn start(filter: &str, format: LogFormat, traces: Option<&TraceSettings>) -> anyhow::Result<Traces> {
    keep_panics_quiet(true);
    let filter = EnvFilter::try_new(filter).map_err(|error| anyhow::anyhow!("the log filter cannot be read: {error}"))?;
    let log = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(false);
    let log = match format {
        LogFormat::Text => log.boxed(),
        LogFormat::Json => log.json().boxed(),
    };
    let provider = traces.map(traces::provider).transpose()?;
    let spans = provider.as_ref().map(|provider| {
        tracing_opentelemetry::layer()
            .with_tracer(provider.tracer("abstractor"))
            .with_location(false)
            .with_threads(false)
            .with_tracked_inactivity(false)
            .with_filter(Targets::new().with_target("abstractor", LevelFilter::INFO))
    });
    let started = tracing_subscriber::registry().with(log.with_filter(filter)).with(spans).try_init();
    started.map_err(|error| anyhow::anyhow!("logging cannot start: {error}"))?;
    Ok(Traces(provider))
}

/// Tells of a panic by its place alone: its message may quote a note. `log` writes it to the log, else it goes to standard error.
pub fn keep_panics_quiet(log: bool) {
    std::panic::set_hook(Box::new(move |panic| {
        // who read standard output has gone: nothing is wrong, and nobody is there to be told
        let said = panic.payload().downcast_ref::<String>().map_or("", String::as_str);
        if said.starts_with("failed printing to std") && said.contains("Broken pipe") {
            std::process::exit(141);
        }
        let place = panic.location().map_or_else(|| "unknown".to_owned(), ToString::to_string);
        if log {
            tracing::error!(place, "a panic");
        } else {
            eprintln!("a panic at {place}");
        }
    }));
}
