//! Logs and metrics. Neither ever holds note text, names, or identifiers other than our own.

use std::sync::Arc;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder};
use tracing_subscriber::EnvFilter;

/// How logs are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For a person.
    Text,
    /// One JSON object a line.
    Json,
}

/// Starts logging to standard error. `filter` is a tracing filter such as `info` or `abstractor=debug`.
///
/// # Errors
/// When the filter cannot be read.
pub fn start_logs(filter: &str, format: LogFormat) -> anyhow::Result<()> {
    keep_panics_quiet(true);
    let filter = EnvFilter::try_new(filter).map_err(|error| anyhow::anyhow!("the log filter cannot be read: {error}"))?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(false);
    let started = match format {
        LogFormat::Text => builder.try_init(),
        LogFormat::Json => builder.json().try_init(),
    };
    started.map_err(|error| anyhow::anyhow!("logging cannot start: {error}"))
}

/// Tells of a panic by its place alone: its message may quote a note. `log` writes it to the log, else it goes to standard error.
pub fn keep_panics_quiet(log: bool) {
    std::panic::set_hook(Box::new(move |panic| {
        let place = panic.location().map_or_else(|| "unknown".to_owned(), ToString::to_string);
        if log {
            tracing::error!(place, "a panic");
        } else {
            eprintln!("a panic at {place}");
        }
    }));
}

/// Starts metrics; the function returned prints them in Prometheus text format.
///
/// # Errors
/// When metrics were started before.
pub fn start_metrics() -> anyhow::Result<Arc<dyn Fn() -> String + Send + Sync>> {
    let seconds = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &seconds)?
        .install_recorder()?;
    Ok(Arc::new(move || handle.render()))
}
