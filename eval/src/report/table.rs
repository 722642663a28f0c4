//! The table at the terminal.

use std::fmt::Write as _;

use super::{latency, number};
use crate::{
    figures::lower_is_better,
    results::{Estimate, Results, Slice},
};

/// The results as lines of plain text.
#[must_use]
pub fn terminal(results: &Results) -> String {
    let mut out = String::new();
    // writing to a string does not fail
    let _ = write(results, &mut out);
    out
}

/// Several results as one table in Markdown: a column each, the metrics that the last one shows, values with their intervals.
#[must_use]
pub fn side_by_side(all: &[Results]) -> String {
    let Some(last) = all.last() else { return String::new() };
    let cells = |first: &str, cells: &mut dyn Iterator<Item = String>| {
        let rest: String = cells.map(|cell| format!(" {cell} |")).collect();
        format!("| {first} |{rest}\n")
    };
    let mut out = cells("metric", &mut all.iter().map(|one| one.system.name.clone()));
    out += &cells("---", &mut all.iter().map(|_| "---".to_owned()));
    for metric in &last.show {
        let value = |one: &Results| {
            one.figures.get(metric).map_or_else(String::new, |figure| {
                let Estimate { value, low, high } = figure.value;
                format!("{value:.3} [{low:.3}, {high:.3}]")
            })
        };
        out += &cells(metric, &mut all.iter().map(value));
    }
    out
}

/// Whether a slice is large enough for a line at the terminal.
fn is_large(slice: &Slice) -> bool {
    slice.notes >= 3 || slice.figures.values().any(|part| part.of >= 40)
}

fn write(results: &Results, out: &mut String) -> std::fmt::Result {
    writeln!(out, "{}\n{}\n", results.name, results.about)?;
    let (corpus, system) = (&results.corpus, &results.system);
    let annotations: Vec<String> = corpus.annotations.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
    writeln!(out, "{}: {} notes, {} words; {}", corpus.name, corpus.notes, corpus.words, annotations.join(", "))?;
    let about = ["version", "model"].iter().filter_map(|name| system.engine.get(*name)).cloned().collect::<Vec<_>>();
    writeln!(out, "{} {}", system.name, about.join(", "))?;
    writeln!(out, "{}; {}", results.date, results.environment.sentence())?;
    if system.missing + system.misplaced + system.failed.len() > 0 {
        let failed: usize = system.failed.values().sum();
        writeln!(out, "notes without an answer {}, failed {failed}, misplaced words {}", system.missing, system.misplaced)?;
    }
    let compared = results.comparison.as_ref();
    writeln!(
        out,
        "\n{:<22} {:>8}  {:<20} {:>7} {:>7} {:>6}{}",
        "metric",
        "value",
        "95 % interval",
        "P",
        "R",
        "of",
        if compared.is_some() { "   before   difference" } else { "" }
    )?;
    for metric in &results.show {
        let Some(figure) = results.figures.get(metric) else { continue };
        let interval = format!("[{}, {}]", number(metric, figure.value.low), number(metric, figure.value.high));
        let part = |estimate: Option<Estimate>| estimate.map_or_else(String::new, |one| format!("{:.4}", one.value));
        let name = format!("{metric}{}", if lower_is_better(metric) { " ↓" } else { "" });
        write!(out, "{name:<22} ")?;
        let value = number(metric, figure.value.value);
        write!(out, "{value:>8}  {interval:<20} {:>7} {:>7} {:>6}", part(figure.precision), part(figure.recall), figure.of)?;
        if let Some(change) = compared.and_then(|compared| compared.changes.get(metric)) {
            let mark = if change.is_loss(metric) {
                " LOSS"
            } else if change.is_gain(metric) {
                " gain"
            } else {
                ""
            };
            let (before, difference) = (number(metric, change.before), change.now - change.before);
            write!(out, "   {before:>7}  {difference:+.4} [{:+.4}, {:+.4}] p {:.3}{mark}", change.low, change.high, change.p)?;
        }
        writeln!(out)?;
    }
    writeln!(out, "↓ less is better")?;
    for (field, slices) in &results.slices {
        let columns: Vec<&str> =
            ["DX.affirmed", "DX.relaxed", "DX.assertion", "DX.code@1", "RX.relaxed", "RX.attributes", "AL.relaxed"]
                .into_iter()
                .filter(|metric| slices.values().any(|slice| slice.figures.contains_key(*metric)))
                .collect();
        if columns.is_empty() {
            continue;
        }
        write!(out, "\n{field:<28} {:>5}", "notes")?;
        columns.iter().try_for_each(|metric| write!(out, " {metric:>18}"))?;
        writeln!(out)?;
        let (shown, few): (Vec<_>, Vec<_>) = slices.iter().partition(|(_, slice)| is_large(slice));
        for (value, slice) in shown {
            let notes = if slice.notes > 0 { slice.notes.to_string() } else { String::new() };
            write!(out, "{:<28} {notes:>5}", value.chars().take(28).collect::<String>())?;
            for metric in &columns {
                let cell = slice.figures.get(*metric).map(|part| format!("{} ({})", number(metric, part.value), part.of));
                write!(out, " {:>18}", cell.unwrap_or_default())?;
            }
            writeln!(out)?;
        }
        if !few.is_empty() {
            writeln!(out, "... and {} smaller ones, which the report shows", few.len())?;
        }
    }
    let lines = latency::lines(results);
    if !lines.is_empty() {
        writeln!(out, "\n{}", lines.join("\n"))?;
    }
    for floor in &results.floors {
        let reached = floor.reached.map_or_else(|| "nothing counted".to_owned(), |reached| format!("{reached:.4}"));
        writeln!(
            out,
            "floor {:<20} {:.4}  {reached}  {}",
            floor.metric,
            floor.floor,
            if floor.holds() { "holds" } else { "BELOW" }
        )?;
    }
    writeln!(out, "\nLimits: {}", results.limits)
}
