//! Our cases with inline marks: `No [pneumonia]{absent}; mother had [diabetes]{family}`, `\n` for a line break.

use super::{CueTable, assert_mention};
use crate::domain::{MentionKind, Span};
use crate::text::{Document, SectionTable};

pub(super) fn tables() -> (SectionTable, CueTable) {
    (
        SectionTable::parse(include_str!("../../vocabularies/sections.tsv")).expect("our own table"),
        CueTable::parse(include_str!("../../vocabularies/cues.tsv")).expect("our own table"),
    )
}

/// The text without its marks, and each marked span with its class.
fn unmark(line: &str) -> (String, Vec<(Span, String)>) {
    let (mut text, mut marks) = (String::new(), Vec::new());
    let line = line.replace("\\n", "\n");
    let mut rest = line.as_str();
    while let Some(open) = rest.find('[') {
        let close = open + rest[open..].find("]{").expect("a mark closes");
        let end = close + rest[close..].find('}').expect("a class closes");
        text.push_str(&rest[..open]);
        let start = text.len();
        text.push_str(&rest[open + 1..close]);
        marks.push((Span::new(start, text.len()), rest[close + 2..end].to_owned()));
        rest = &rest[end + 1..];
    }
    text.push_str(rest);
    (text, marks)
}

/// Text with one mark and what is said of whom.
#[test]
fn experiencer_time_and_certainty_are_kept_apart() {
    use crate::domain::{Certainty, Experiencer, Temporality};
    let (sections, cues) = tables();
    for (line, experiencer, temporality, certainty) in [
        ("Mother had [asthma]{family}.", Experiencer::Family, Temporality::Current, Certainty::Affirmed),
        ("Mother had no [asthma]{absent}.", Experiencer::Family, Temporality::Current, Certainty::Negated),
        ("Her roommate has [influenza]{family}.", Experiencer::Other, Temporality::Current, Certainty::Affirmed),
        ("The donor had [hepatitis C]{family}.", Experiencer::Other, Temporality::Current, Certainty::Affirmed),
        ("History of [stroke]{historical} in 2004.", Experiencer::Patient, Temporality::Past, Certainty::Affirmed),
        ("Possible [pneumonia]{possible}.", Experiencer::Patient, Temporality::Current, Certainty::Possible),
        ("Return for [bleeding]{hypothetical}.", Experiencer::Patient, Temporality::Future, Certainty::Affirmed),
    ] {
        let (text, marks) = unmark(line);
        let document = Document::new(&text, &sections);
        let context = assert_mention(&document, &cues, marks[0].0, MentionKind::Diagnosis, &[marks[0].0]);
        let found = (context.assertion.as_str(), context.experiencer, context.temporality, context.certainty);
        assert_eq!(found, (marks[0].1.as_str(), experiencer, temporality, certainty), "{line}");
    }
}

#[test]
fn every_case_holds() {
    let (sections, cues) = tables();
    let (mut wrong, mut count) = (Vec::new(), 0);
    for line in include_str!("../../tests/fixtures/assertion_cases.txt").lines() {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (text, marks) = unmark(line);
        let document = Document::new(&text, &sections);
        let spans: Vec<Span> = marks.iter().map(|(span, _)| *span).collect();
        count += 1;
        assert!(!marks.is_empty(), "no mark in {line:?}");
        for (span, expected) in &marks {
            let context = assert_mention(&document, &cues, *span, MentionKind::Diagnosis, &spans);
            for cue in &context.cues {
                assert_eq!(Span::new(cue.start, cue.end).of(&text), cue.text, "{line}");
                let scope = cue.scope.expect("every cue governs something");
                let inside = scope.contains(*span)
                    || document.section_at(*span).is_some_and(|section| section.title == Some(Span::new(cue.start, cue.end)));
                assert!(inside, "{line}: {:?} does not govern {:?} but {:?}", cue.text, span.of(&text), scope.of(&text));
            }
            if context.assertion.as_str() != expected {
                let told: Vec<_> = context.cues.iter().map(|cue| (cue.text.as_str(), cue.means.as_str())).collect();
                wrong.push(format!("{line}\n    {:?} is {:?} by {told:?}", span.of(&text), context.assertion));
            }
        }
    }
    assert!(count >= 400, "only {count} cases");
    assert!(wrong.is_empty(), "{} of {count} cases:\n{}", wrong.len(), wrong.join("\n"));
}
