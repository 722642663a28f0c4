//! How often the engine agrees with the annotated training notes, where a checkout has them.

use std::collections::BTreeMap;

use super::{assert_mention, cases::tables};
use crate::domain::{MentionKind, OffsetUnit, Span};
use crate::text::{Document, OffsetMap};

/// Share of diagnosis mentions whose class must agree.
const FLOOR: f64 = 0.92;

#[test]
fn assertion_on_train() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/gold/train.jsonl");
    let Ok(lines) = std::fs::read_to_string(path) else { return };
    let (sections, cues) = tables();
    let mut confusion: BTreeMap<(String, String), usize> = BTreeMap::new();
    for line in lines.lines() {
        let note: serde_json::Value = serde_json::from_str(line).expect("a note");
        let text = note["text"].as_str().expect("text");
        let document = Document::new(text, &sections);
        let map = OffsetMap::new(text, OffsetUnit::Codepoint);
        let mut marks: Vec<(Span, MentionKind, &str)> = note["annotations"]
            .as_array()
            .expect("annotations")
            .iter()
            .map(|one| {
                let offset = |key: &str| map.to_byte(one[key].as_u64().expect("an offset") as usize);
                let kind = match one["kind"].as_str() {
                    Some("RX") => MentionKind::Medication,
                    Some("AL") => MentionKind::Allergen,
                    Some("NKA") => MentionKind::NoKnownAllergies,
                    _ => MentionKind::Diagnosis,
                };
                (Span::new(offset("start"), offset("end")), kind, one["assertion"].as_str().unwrap_or_default())
            })
            .collect();
        marks.sort_by_key(|(span, ..)| *span);
        let spans: Vec<Span> = marks.iter().map(|(span, ..)| *span).collect();
        for (span, kind, gold) in &marks {
            if *kind != MentionKind::Diagnosis {
                continue;
            }
            let context = assert_mention(&document, &cues, *span, *kind, &spans);
            let found = context.assertion.as_str();
            *confusion.entry(((*gold).to_owned(), found.to_owned())).or_default() += 1;
            if found != *gold {
                let from = text[..span.start].char_indices().rev().nth(110).map_or(0, |(index, _)| index);
                let to = text[span.end..].char_indices().nth(60).map_or(text.len(), |(index, _)| span.end + index);
                let told: Vec<_> = context.cues.iter().map(|cue| (cue.text.as_str(), cue.means.as_str())).collect();
                println!(
                    "{gold}>{found} <{}> {told:?} | {}[[{}]]{}",
                    document.section_kind_at(*span),
                    text[from..span.start].replace('\n', "\\n"),
                    span.of(text),
                    text[span.end..to].replace('\n', "\\n")
                );
            }
        }
    }
    let total: usize = confusion.values().sum();
    let right: usize = confusion.iter().filter(|((gold, found), _)| gold == found).map(|(_, count)| count).sum();
    for ((gold, found), count) in &confusion {
        println!("CONFUSION {gold:>13} {found:>13} {count}");
    }
    let accuracy = right as f64 / total as f64;
    println!("ACCURACY {accuracy:.4} of {total}");
    assert!(accuracy >= FLOOR, "{accuracy}");
}
