//! The pairs that `models/training/allergy_links.py` fits the weights on: statements of ours, and the annotated training notes where they lie
//! beside the checkout.

use std::collections::{BTreeSet, HashSet};

use super::find::{known, substances};
use super::links::all_pairs;
use super::{AllergyTables, grid};
use crate::domain::{MentionKind, Span};
use crate::medication::gold_tests::{document, fixture, gold, marked, pairs as marks_of, same_value, shared};
use crate::recognize::dictionary;
use crate::text::Document;
use crate::vocabulary::{Tables, Vocabulary};

/// The fixtures that the weights are fitted on: all but `allergy_links_sample.txt`, which is only scored.
const READ: [&str; 7] = [
    "allergy_links.txt",
    "allergy_links_hard.txt",
    "allergy_links_development.txt",
    "allergy_links_unseen.txt",
    "allergy_links_fresh.txt",
    "allergy_links_blind.txt",
    "allergy_links_prose.txt",
];

/// An allergen and its reactions.
type Wanted = (Span, Vec<String>);

fn wanted_of(words: &str) -> Vec<String> {
    words.split(" / ").filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// Every pair of a note: substance, reaction, whether it is a link, features.
fn labelled(
    (vocabulary, tables): (&Vocabulary, &AllergyTables),
    document: &Document,
    wanted: &[Wanted],
) -> Vec<(Span, Span, bool, BTreeSet<String>)> {
    let found = dictionary::find(document, vocabulary);
    let mut candidates: Vec<Span> = wanted.iter().map(|(span, _)| *span).collect();
    let drugs = found.mentions.iter().filter(|one| one.kind == MentionKind::Medication).map(|one| one.span);
    for span in drugs.chain(found.allergens.iter().map(|one| one.span)) {
        if !candidates.iter().any(|other| other.overlaps(span)) {
            candidates.push(span);
        }
    }
    candidates.sort_unstable();
    let rows = grid::rows(&document.text);
    let spans = substances(document, tables, &rows, &candidates);
    let known = known(document, tables, &rows, &spans);
    let pairs = all_pairs(document, tables, &known).into_iter();
    pairs
        .filter(|(substance, ..)| !rows.iter().any(|row| row.substance.overlaps(*substance)))
        .map(|(substance, reaction, features)| {
            let words = reaction.of(&document.text);
            let linked = wanted
                .iter()
                .any(|(span, reactions)| span.overlaps(substance) && reactions.iter().any(|one| same_value(one, words)));
            (substance, reaction, linked, features)
        })
        .collect()
}

/// Writes one line a pair: group, 0 or 1, note, substance and reaction where the statement is ours, features.
#[test]
#[ignore = "writes the pairs for the training script; run with --ignored --nocapture"]
fn pairs() {
    let vocabulary = Vocabulary::load(&Tables::embedded().expect("tables")).expect("vocabulary");
    let tables = super::gold_tests::tables();
    let mut count = 0;
    let mut show = |group: &str, words: &dyn Fn(Span) -> String, labelled: Vec<(Span, Span, bool, BTreeSet<String>)>| {
        for (substance, reaction, linked, features) in labelled {
            let features: Vec<String> = features.into_iter().collect();
            let (substance, reaction) = (words(substance), words(reaction));
            println!("PAIR\t{group}\t{}\t{substance}\t{reaction}\t{}", u8::from(linked), features.join("\t"));
            count += 1;
        }
    };
    for name in READ {
        for (number, line) in fixture(name).into_iter().enumerate() {
            let (text, marks) = marked(&line);
            let document = document(&text);
            let wanted: Vec<Wanted> = marks
                .iter()
                .filter(|(_, mark)| mark.starts_with("al "))
                .map(|(span, mark)| {
                    let reactions = marks_of(mark).into_iter().filter(|(name, _)| name == "reaction");
                    (*span, reactions.flat_map(|(_, words)| wanted_of(&words)).collect())
                })
                .collect();
            let words = |span: Span| span.of(&document.text).to_owned();
            let labelled = labelled((&vocabulary, &tables), &document, &wanted);
            for (span, reactions) in &wanted {
                for reaction in reactions {
                    let found = labelled.iter().any(|(substance, told, ..)| {
                        substance.overlaps(*span) && same_value(reaction, told.of(&document.text))
                    });
                    if !found {
                        println!("LACKING\t{}\t{reaction}\t{text:?}", span.of(&document.text));
                    }
                }
            }
            show(&format!("{name}:{number}"), &words, labelled);
        }
    }
    let measuring = std::fs::read_to_string(shared("gold").join("sections_dev.jsonl")).unwrap_or_default();
    let measuring: HashSet<String> = measuring
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter_map(|note| note["id"].as_str().map(str::to_owned))
        .collect();
    for (id, document, gold) in gold().into_iter().filter(|(id, ..)| !measuring.contains(id)) {
        let wanted: Vec<Wanted> = gold
            .iter()
            .filter(|one| one.kind == "AL")
            .map(|one| {
                let reactions = one.attributes.iter().filter(|(name, _)| name == "reaction");
                (one.span, reactions.flat_map(|(_, words)| wanted_of(words)).collect())
            })
            .collect();
        show(&id, &|_| "-".to_owned(), labelled((&vocabulary, &tables), &document, &wanted));
    }
    assert!(count > 0);
}
