//! Metrics in the text format of Prometheus. What there is stands in one table, which the dashboard, the rules and the texts of `/metrics`
//! are held to: `deploy/monitoring/metrics.tsv`.

use std::sync::Arc;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder};

/// Name, type, labels, unit, of, meaning.
const TABLE: &str = include_str!("../../deploy/monitoring/metrics.tsv");
/// Upper bounds of the histograms, in seconds.
const SECONDS: [f64; 11] = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// Starts metrics; the function returned prints them in Prometheus text format.
///
/// # Errors
/// When metrics were started before.
pub fn start_metrics() -> anyhow::Result<Arc<dyn Fn() -> String + Send + Sync>> {
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)?
        .install_recorder()?;
    TABLE.lines().skip_while(|line| line.starts_with('#')).skip(1).for_each(begin);
    let process = metrics_process::Collector::default();
    Ok(Arc::new(move || {
        process.collect();
        handle.render()
    }))
}

/// Says what a metric means, and begins a gauge, and a counter whose labels are known, at nothing: a first event is an increase too.
fn begin(line: &str) {
    let fields: Vec<&'static str> = line.to_owned().leak().split('\t').collect();
    let [name, kind, labels, _, _, meaning] = fields[..] else { return };
    match kind {
        "counter" => metrics::describe_counter!(name, meaning),
        "gauge" => metrics::describe_gauge!(name, meaning),
        _ => metrics::describe_histogram!(name, meaning),
    }
    // the processor time and the like are the collector's
    if !name.starts_with("abstractor_") {
        return;
    }
    if kind == "gauge" && labels.is_empty() {
        metrics::gauge!(name).increment(0.0);
    }
    if kind != "counter" {
        return;
    }
    match labels.split_once('=') {
        None if labels.is_empty() => metrics::counter!(name).increment(0),
        Some((label, values)) if !label.contains(' ') => {
            values.split(',').for_each(|value| metrics::counter!(name, label => value).increment(0));
        }
        _ => {}
    }
}
