//! The report: one page without anything fetched from elsewhere, for light and dark.

use std::fmt::Write as _;

use super::{
    browser, latency, number,
    plots::{self, escaped},
};
use crate::{
    compare::Comparison,
    figures::{METRICS, is_share, lower_is_better},
    results::{Estimate, Figure, Results},
    score::{NOT_ANNOTATED, NOT_FOUND, examples::Example},
};

const STYLE: &str = include_str!("page.css");

/// The page; with errors in context it holds words of notes.
#[must_use]
pub fn html(results: &Results, examples: &[&Example]) -> String {
    let mut out = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>{}</title><style>{STYLE}</style></head><body>",
        escaped(&results.name)
    );
    head(results, &mut out);
    figures(results, &mut out);
    if let Some(comparison) = &results.comparison {
        compared(comparison, &mut out);
    }
    confusion(results, &mut out);
    confidence(results, &mut out);
    effort(results, &mut out);
    latency::section(results, &mut out);
    slices(results, &mut out);
    let _ = write!(out, "<h2>Errors in context</h2>{}", browser::errors(examples));
    all(results, &mut out);
    out.push_str("</body></html>\n");
    out
}

fn head(results: &Results, out: &mut String) {
    let (corpus, system) = (&results.corpus, &results.system);
    let annotations: Vec<String> = corpus.annotations.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
    let _ = write!(
        out,
        "<h1>{}</h1><p>{}</p><p class=\"limits\"><b>Limits.</b> {}</p><dl><dt>Corpus</dt><dd>{}: {} notes, {} words; {}</dd>\
         <dt>System</dt><dd>{}",
        escaped(&results.name),
        escaped(&results.about),
        escaped(&results.limits),
        escaped(&corpus.name),
        corpus.notes,
        corpus.words,
        escaped(&annotations.join(", ")),
        escaped(&system.name)
    );
    for (name, value) in &system.engine {
        let _ = write!(out, "; {} {}", escaped(name), escaped(value));
    }
    let failed: usize = system.failed.values().sum();
    let _ = write!(
        out,
        "</dd><dt>Answers</dt><dd>{} notes without one, {failed} failed, {} places with words that do not stand there</dd>\
         <dt>Measured</dt><dd>{}; {}</dd><dt>Intervals</dt><dd>95 %, {} draws of notes, seed {}</dd>",
        system.missing,
        system.misplaced,
        escaped(&results.date),
        escaped(&results.environment.sentence()),
        results.draws,
        results.seed
    );
    for floor in &results.floors {
        let reached = floor.reached.map_or_else(|| "nothing counted".to_owned(), |value| format!("{value:.4}"));
        let (class, word) = if floor.holds() { ("good", "holds") } else { ("bad", "below") };
        let _ = write!(
            out,
            "<dt>Floor</dt><dd>{} {:.4}: {reached} <b class=\"{class}\">{word}</b></dd>",
            escaped(&floor.metric),
            floor.floor
        );
    }
    out.push_str("</dl>");
}

fn figures(results: &Results, out: &mut String) {
    let shown: Vec<(&str, &Figure)> = results
        .show
        .iter()
        .filter_map(|metric| Some((metric.as_str(), results.figures.get(metric)?)))
        .filter(|(metric, _)| is_share(metric) && !lower_is_better(metric))
        .collect();
    let _ = write!(
        out,
        "<h2>Figures</h2><figure>{}<figcaption class=\"key\"><b class=\"v\">Value</b> (F1 or share) with its interval; <b class=\"p\">precision</b> above, \
         <b class=\"r\">recall</b> below. The axis does not begin at nought.</figcaption></figure>",
        plots::intervals(&shown)
    );
    out.push_str("<div class=\"scroll\"><table><thead><tr><th>Metric</th><th>Value</th><th>95 % interval</th><th>Precision</th><th>Recall</th><th>Of</th></tr></thead><tbody>");
    for metric in &results.show {
        if let Some(figure) = results.figures.get(metric) {
            row(metric, figure, out);
        }
    }
    out.push_str("</tbody></table></div>");
}

fn row(metric: &str, figure: &Figure, out: &mut String) {
    let part = |estimate: &Option<Estimate>| estimate.map_or_else(String::new, |one| format!("{:.4}", one.value));
    let less = if lower_is_better(metric) { " <span class=\"soft\">(less is better)</span>" } else { "" };
    let _ = write!(
        out,
        "<tr><td>{}{less}</td><td><b>{}</b></td><td>{} to {}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
        escaped(metric),
        number(metric, figure.value.value),
        number(metric, figure.value.low),
        number(metric, figure.value.high),
        part(&figure.precision),
        part(&figure.recall),
        figure.of
    );
}

fn compared(comparison: &Comparison, out: &mut String) {
    let _ = write!(
        out,
        "<h2>Against the run before</h2><p>{}. {} notes that both have{}. The interval is of the difference, both runs drawn alike; p is of an exchange of the runs note by \
         note. Of many metrics some differ by chance.</p><div class=\"scroll\"><table><thead><tr><th>Metric</th><th>Before</th><th>Now</th><th>Difference</th><th>95 % interval</th><th>p</th></tr></thead><tbody>",
        escaped(&comparison.before),
        comparison.notes,
        if comparison.left_out > 0 {
            format!("; {} that only one has are left out", comparison.left_out)
        } else {
            String::new()
        }
    );
    for (metric, change) in &comparison.changes {
        let class = if change.is_loss(metric) {
            "bad"
        } else if change.is_gain(metric) {
            "good"
        } else {
            ""
        };
        let _ = write!(
            out,
            "<tr><td>{}</td><td>{}</td><td>{}</td><td class=\"{class}\">{:+.4}</td><td>{:+.4} to {:+.4}</td><td>{:.3}</td></tr>",
            escaped(metric),
            number(metric, change.before),
            number(metric, change.now),
            change.now - change.before,
            change.low,
            change.high,
            change.p
        );
    }
    out.push_str("</tbody></table></div>");
}

/// The order of the guidelines; what is not in it comes behind.
const LABELS: [&str; 14] = [
    "present",
    "historical",
    "possible",
    "absent",
    "hypothetical",
    "family",
    "active",
    "given",
    "discontinued",
    "drug",
    "all",
    "none",
    NOT_FOUND,
    NOT_ANNOTATED,
];

fn confusion(results: &Results, out: &mut String) {
    if results.confusion.is_empty() {
        return;
    }
    out.push_str("<h2>Assertion, status and scope</h2><p>Rows are the gold's labels, columns the system's.</p><div class=\"confusions\">");
    for (kind, table) in &results.confusion {
        let order = |label: &&String| LABELS.iter().position(|own| own == label).unwrap_or(LABELS.len());
        let mut columns: Vec<&String> = table.values().flat_map(|row| row.keys()).collect();
        columns.sort_by_key(order);
        columns.dedup();
        let mut rows: Vec<&String> = table.keys().collect();
        rows.sort_by_key(order);
        let heads: String = columns.iter().map(|label| format!("<th>{}</th>", escaped(label))).collect();
        let _ = write!(
            out,
            "<div class=\"scroll\"><h3>{}</h3><table><thead><tr><th></th>{heads}</tr></thead><tbody>",
            escaped(kind)
        );
        for gold in rows {
            let all: u64 = table[gold].values().sum();
            let _ = write!(out, "<tr><td>{}</td>", escaped(gold));
            for said in &columns {
                let count = table[gold].get(*said).copied().unwrap_or(0);
                let share = (count as f64 / all.max(1) as f64 * 70.0).round();
                let same = if gold == *said { " same" } else { "" };
                let words = if count == 0 { "·".to_owned() } else { count.to_string() };
                let _ = write!(out, "<td class=\"heat{same}\" style=\"--share: {share}%\">{words}</td>");
            }
            out.push_str("</tr>");
        }
        out.push_str("</tbody></table></div>");
    }
    out.push_str("</div>");
}

fn confidence(results: &Results, out: &mut String) {
    if results.reliability.is_empty() {
        return;
    }
    let error = results.figures.get("DX.ece").map_or(0.0, |figure| figure.value.value);
    let _ = write!(
        out,
        "<h2>Confidence of codes</h2><div class=\"plots\"><figure>{}<figcaption>Reliability: on the dashed line a confidence of 0.7 is right seven times of ten. Expected \
         calibration error {error:.4}. Circles are as large as they have cases.</figcaption></figure><figure>{}<figcaption>Abstention: the further left, the fewer \
         diagnoses keep a code; a curve that falls to the right says that the confidence knows which.</figcaption></figure></div>",
        plots::reliability(&results.reliability),
        plots::abstention(&results.abstention)
    );
}

fn effort(results: &Results, out: &mut String) {
    let value = |metric: &str| results.figures.get(metric).map(|figure| figure.value.value);
    let tile = |number: String, words: &str| format!("<div><b>{number}</b><span>{words}</span></div>");
    if let (Some(with), Some(without)) = (value("effort.keystrokes"), value("effort.unaided")) {
        let share = |metric: &str| format!("{:.1} %", value(metric).unwrap_or(0.0) * 100.0);
        let _ = write!(
            out,
            "<h2>Effort of a coder</h2><p>Simulated: the gold decides on every charted entry and adds what is missing. Reading is not counted, and a real coder may decide \
             otherwise.</p><div class=\"tiles\">{}{}{}{}{}{}</div>",
            tile(format!("{with:.1}"), "keys a note with the suggestions"),
            tile(format!("{without:.1}"), "keys a note without them"),
            tile(share("effort.accepted"), "of the entries accepted"),
            tile(share("effort.amended"), "amended"),
            tile(share("effort.rejected"), "rejected"),
            tile(share("effort.added"), "of the gold's entries added")
        );
    }
    if let Some(accepted) = value("review.accepted") {
        let share = |metric: &str| format!("{:.1} %", value(metric).unwrap_or(0.0) * 100.0);
        let _ = write!(
            out,
            "<h3>As coders decided</h3><div class=\"tiles\">{}{}{}{}</div>",
            tile(format!("{:.1} %", accepted * 100.0), "of the suggestions accepted"),
            tile(share("review.amended"), "amended"),
            tile(share("review.rejected"), "rejected"),
            tile(share("review.added"), "of what was charted added by hand")
        );
    }
}

fn slices(results: &Results, out: &mut String) {
    if results.slices.is_empty() {
        return;
    }
    out.push_str("<h2>Slices</h2><p>Small slices swing: look at the number of cases in brackets.</p>");
    for (field, slices) in &results.slices {
        let columns: Vec<&String> =
            results.show.iter().filter(|metric| slices.values().any(|slice| slice.figures.contains_key(*metric))).collect();
        let heads: String = columns.iter().map(|metric| format!("<th>{}</th>", escaped(metric))).collect();
        let _ = write!(
            out,
            "<h3>{}</h3><div class=\"scroll\"><table><thead><tr><th>Value</th><th>Notes</th>{heads}</tr></thead><tbody>",
            escaped(field)
        );
        for (value, slice) in slices {
            let notes = if slice.notes > 0 { slice.notes.to_string() } else { String::new() };
            let _ = write!(out, "<tr><td>{}</td><td>{notes}</td>", escaped(value));
            for metric in &columns {
                let cell = slice
                    .figures
                    .get(*metric)
                    .map(|part| format!("{} <span class=\"soft\">({})</span>", short(metric, part.value), part.of));
                let _ = write!(out, "<td>{}</td>", cell.unwrap_or_default());
            }
            out.push_str("</tr>");
        }
        out.push_str("</tbody></table></div>");
    }
}

fn short(metric: &str, value: f64) -> String {
    if is_share(metric) { format!("{value:.3}") } else { format!("{value:.1}") }
}

fn all(results: &Results, out: &mut String) {
    out.push_str("<h2>All metrics</h2><details><summary>Every metric with its interval, and what each means</summary><div class=\"scroll\"><table><thead><tr><th>Metric</th><th>Value</th><th>95 % interval</th><th>Precision</th><th>Recall</th><th>Of</th></tr></thead><tbody>");
    for (metric, figure) in &results.figures {
        row(metric, figure, out);
    }
    out.push_str("</tbody></table></div><dl>");
    for (name, about) in METRICS {
        let _ = write!(out, "<dt>{}</dt><dd>{}</dd>", escaped(name), escaped(about));
    }
    out.push_str("</dl></details>");
}
