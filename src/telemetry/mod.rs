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
    filter::{FilterExt as _, LevelFilter, Targets, filter_fn},
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
/// `abstractor=debug`; of what libraries write nothing below `info` is taken, since it may quote an address, a header or a body.
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
    let is_known = filter_fn(|said| said.target().starts_with("abstractor") || *said.level() <= tracing::Level::INFO);
    let started = tracing_subscriber::registry().with(log.with_filter(filter.and(is_known))).with(spans).try_init();
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

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    const SENTINEL: &str = "Qzsentinel";

    /// What the test of this name says on standard error, in a process of its own: hook and log are there once.
    fn said_by(test: &str) -> String {
        let tests = std::env::current_exe().expect("this program");
        let names = ["--exact", test, "--ignored", "--nocapture", "--test-threads", "1"];
        let done = Command::new(tests).args(names).output().expect("starts");
        let said = format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
        assert!(done.status.success() && said.contains("1 passed"), "{said}");
        said
    }

    fn panic_in_every_way() {
        let words = SENTINEL.to_owned();
        assert!(std::thread::spawn(move || panic!("in {words:?}")).join().is_err());
        assert!(std::thread::spawn(|| panic!("Qzsentinel")).join().is_err());
        assert!(std::thread::spawn(|| std::panic::panic_any(SENTINEL.to_owned())).join().is_err());
        let text = "Qzsentinel\u{e9}";
        assert!(std::thread::spawn(move || text[..11].len()).join().is_err());
        assert!(std::thread::spawn(|| "x".parse::<u32>().expect(SENTINEL)).join().is_err());
    }

    #[test]
    fn a_panic_is_told_by_its_place_and_a_library_by_nothing_that_may_quote() {
        for test in ["telemetry::tests::panics_at_a_terminal", "telemetry::tests::panics_and_libraries_in_a_log"] {
            let said = said_by(test);
            assert!(!said.contains(SENTINEL), "{said}");
            assert!(said.matches("src/telemetry/mod.rs:").count() >= 4, "{said}");
        }
        let said = said_by("telemetry::tests::panics_and_libraries_in_a_log");
        assert!(said.contains("of ours") && said.contains("a library says"), "{said}");
    }

    #[test]
    #[ignore = "a_panic_is_told_by_its_place runs it in a process of its own"]
    fn panics_at_a_terminal() {
        keep_panics_quiet(false);
        panic_in_every_way();
    }

    #[test]
    #[ignore = "a_panic_is_told_by_its_place runs it in a process of its own"]
    fn panics_and_libraries_in_a_log() {
        start("trace", LogFormat::Json, None).expect("starts");
        panic_in_every_way();
        tracing::trace!(target: "abstractor::telemetry", "of ours");
        tracing::info!(target: "hyper::proto", "a library says");
        tracing::debug!(target: "hyper::proto", head = SENTINEL, "read");
        tracing::trace!(target: "axum::rejection", body = SENTINEL, "rejecting request");
    }
}
