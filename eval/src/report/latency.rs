//! Latency and memory: lines at the terminal, a section of the page.

use std::fmt::Write as _;

use super::plots;
use crate::{
    results::{Estimate, Results},
    system::Speed,
};

/// What the times are and are not.
const HINT: &str = "From handing in a note to its answer, as many notes at a time as said. The intervals are over draws of notes and say nothing of what else \
    the machine did.";

fn milliseconds(seconds: f64) -> String {
    format!("{:.1}", seconds * 1000.0)
}

/// The most memory, or that it is not known.
fn memory(speed: &Speed) -> String {
    match speed.memory {
        Some(bytes) => format!("{} MiB of memory at most, of this process with the harness in it", bytes >> 20),
        None => {
            "memory not known: the work was done by another process, whose metrics do not tell it, or this system does not say"
                .to_owned()
        }
    }
}

fn throughput(speed: &Speed) -> String {
    let loading = speed.loading_seconds.map_or_else(String::new, |seconds| format!(", {seconds:.1} s to load"));
    format!("{:.1} notes a second with {} at a time{loading}", speed.notes_per_second, speed.concurrency)
}

fn against(results: &Results) -> Option<String> {
    let change = results.comparison.as_ref()?.latency?;
    let Estimate { value, low, high } = change.ratio;
    let place =
        if change.alike { "" } else { "; machine, build, system or notes at a time differ, and the ratio is theirs too" };
    Some(format!(
        "a note takes {value:.3} times as long as in the run before [{low:.3}, {high:.3}], geometric mean of {} notes{place}",
        change.notes
    ))
}

/// The lines of the terminal; none where nothing was timed.
pub(super) fn lines(results: &Results) -> Vec<String> {
    let Some(speed) = &results.system.speed else { return Vec::new() };
    let mut out = vec![format!("{}; {}", throughput(speed), memory(speed))];
    if let Some(latency) = &results.system.latency {
        let part = |(name, Estimate { value, low, high }): (&str, Estimate)| {
            format!("{name} {} [{}, {}]", milliseconds(value), milliseconds(low), milliseconds(high))
        };
        out.push(format!("milliseconds a note: {}", latency.parts().map(part).join("  ")));
    }
    out.extend(against(results));
    out
}

/// The section of the page; nothing where nothing was timed.
pub(super) fn section(results: &Results, out: &mut String) {
    let Some(speed) = &results.system.speed else { return };
    let _ = write!(out, "<h2>Latency and memory</h2><p>{}; {}. {HINT}</p>", throughput(speed), memory(speed));
    if let Some(latency) = &results.system.latency {
        out.push_str("<div class=\"scroll\"><table><thead><tr><th>Milliseconds a note</th><th>Value</th><th>95 % interval</th></tr></thead><tbody>");
        for (name, Estimate { value, low, high }) in latency.parts() {
            let _ = write!(
                out,
                "<tr><td>{name}</td><td><b>{}</b></td><td>{} to {}</td></tr>",
                milliseconds(value),
                milliseconds(low),
                milliseconds(high)
            );
        }
        let _ = write!(
            out,
            "</tbody></table></div><p class=\"soft\">Of {} notes; p99 of fewer than a hundred is the longest.</p>",
            latency.notes
        );
    }
    if let Some(words) = against(results) {
        let _ = write!(out, "<p>Against the run before {words}.</p>");
    }
    let timed: Vec<(f64, f64)> =
        results.documents.iter().filter_map(|one| Some((one.characters? as f64, one.seconds? * 1000.0))).collect();
    if timed.len() > 1 {
        let _ = write!(
            out,
            "<figure>{}<figcaption>Each circle is a note: the longer the further right, the slower the higher.</figcaption></figure>",
            plots::latency(&timed)
        );
    }
}

#[cfg(test)]
mod tests {
    use abstractor::statistics::Sampling;

    use super::*;
    use crate::{
        compare::compare,
        latency::{change, latency},
        own_notes::{definition, lines as extractions, measured},
        results::Document,
    };

    /// Results as a timed run leaves them, its seconds told and not measured.
    fn timed(seconds: impl Fn(usize) -> f64) -> Results {
        let mut definition = definition();
        definition.metrics.draws = 100;
        let mut results = measured(&definition, &extractions()).results;
        assert!(lines(&results).is_empty() && results.documents.iter().all(|one| one.seconds.is_none()), "nothing was timed");
        for (at, document) in results.documents.iter_mut().enumerate() {
            document.seconds = Some(seconds(at));
        }
        let all: Vec<f64> = results.documents.iter().filter_map(|one| one.seconds).collect();
        results.system.latency = latency(&all, SAMPLING);
        results.system.speed =
            Some(Speed { concurrency: 2, seconds: 9.0, notes_per_second: 8.4, loading_seconds: None, memory: Some(900 << 20) });
        results
    }

    const SAMPLING: Sampling = Sampling { draws: 200, seed: 3 };

    #[test]
    fn times_stand_at_the_terminal_and_on_the_page_and_in_no_baseline() {
        let before = timed(|at| 0.1 + at as f64 / 1000.0);
        let mut now = timed(|at| 2.0 * (0.1 + at as f64 / 1000.0));
        let documents: (&[Document], &[Document]) = (&before.documents, &now.documents);
        let mut comparison = compare(("before", documents.0), documents.1, SAMPLING);
        comparison.latency = change(documents, SAMPLING);
        now.comparison = Some(comparison);
        let told = lines(&now).join("\n");
        assert!(told.contains("8.4 notes a second with 2 at a time; 900 MiB") && told.contains("p99 "), "{told}");
        assert!(told.contains("takes 2.000 times as long") && told.contains("[2.000, 2.000]"), "{told}");
        assert!(told.contains("differ, and the ratio is theirs too"), "{told}");
        let page = crate::report::html(&now, &[]);
        assert!(page.contains("Latency and memory") && page.contains("2.000 times as long"));
        assert_eq!(page.matches(" characters, ").count(), now.documents.len(), "a circle a note");

        let mut elsewhere = before.clone();
        elsewhere.system.speed.as_mut().expect("was set").memory = None;
        assert!(lines(&elsewhere).join("").contains("memory not known"));

        // what the gate keeps knows nothing of time, and neither run fails for it
        let baseline = crate::gate::Baseline::of(&before);
        assert!(!serde_json::to_string(&baseline).expect("is JSON").contains("seconds"));
        let verdict = crate::gate::hold(&baseline, &now.documents, SAMPLING);
        assert!(verdict.passes() && !verdict.to_string().contains("latency"), "{verdict}");
    }
}
