//! How much is found: recall and precision by class, on the notes of `eval/deidentification`, with floors a little below what was reached.

use std::{collections::BTreeMap, sync::LazyLock};

use super::{DeidentificationKey, Deidentifier, IdentifierClass, Known, UnknownWords};
use crate::{
    domain::{NewNote, Patient, Span},
    recognize::{Model, ModelFiles, Precision, cut_windows, dictionary, merge},
    text::{Document, SectionTable},
    vocabulary::{Tables, Vocabulary},
};

static TABLES: LazyLock<Tables> = LazyLock::new(|| Tables::embedded().expect("tables"));
static VOCABULARY: LazyLock<Vocabulary> = LazyLock::new(|| Vocabulary::load(&TABLES).expect("vocabulary"));
/// The one of the tests.
pub(super) static DEIDENTIFIER: LazyLock<Deidentifier> =
    LazyLock::new(|| Deidentifier::new(&TABLES, &VOCABULARY).expect("tables"));

/// A key that any test may use.
pub(super) fn any_key() -> DeidentificationKey {
    DeidentificationKey::parse("QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWY=").expect("a key")
}

/// A note with its identifiers marked.
struct Marked {
    id: String,
    text: String,
    known: Known,
    marks: Vec<(Span, IdentifierClass)>,
}

fn read(source: &str) -> Vec<Marked> {
    let mut out = Vec::new();
    for part in source.split("\n=== ").map(|part| part.trim_start_matches("=== ")) {
        let (head, mut body) = part.split_once('\n').expect("a head and a note");
        let mut known = Known::default();
        if body.starts_with('{') {
            let (line, rest) = body.split_once('\n').expect("a note behind its envelope");
            let envelope: serde_json::Value = serde_json::from_str(line).expect("an envelope");
            let field = |name: &str| envelope.get(name).and_then(|value| value.as_str()).map(str::to_owned);
            let patient: Option<Patient> =
                envelope.get("patient").map(|patient| serde_json::from_value(patient.clone()).expect("a patient"));
            known =
                Known::from(&NewNote { patient, author: field("author"), facility: field("facility"), ..NewNote::default() });
            body = rest;
        }
        let (mut text, mut marks, mut rest) = (String::new(), Vec::new(), body);
        while let Some(at) = rest.find("[[") {
            text.push_str(&rest[..at]);
            let end = at + rest[at..].find("]]").expect("the end of a mark");
            let (class, words) = rest[at + 2..end].split_once(':').expect("a class and words");
            let start = text.len();
            text.push_str(words);
            marks.push((Span::new(start, text.len()), class.parse().unwrap_or_else(|()| panic!("class {class} of {head}"))));
            rest = &rest[end + 2..];
        }
        text.push_str(rest);
        out.push(Marked { id: head.split(' ').next().unwrap_or_default().to_owned(), text, known, marks });
    }
    out
}

/// Counts of one class.
#[derive(Default)]
struct Count {
    mentions: usize,
    mentions_found: usize,
    letters: usize,
    letters_found: usize,
    put: usize,
    put_right: usize,
}

/// Everything counted, and what went wrong in words.
struct Measured {
    by_class: BTreeMap<IdentifierClass, Count>,
    missed: Vec<String>,
    wrong: Vec<String>,
}

/// What is recognised in a note: by the dictionary, and by the model where there is one, each merged as in extraction.
fn mentions(document: &Document, model: Option<&Model>) -> Vec<Span> {
    let found = dictionary::find(document, &VOCABULARY).mentions;
    let Some(model) = model else { return found.iter().map(|candidate| candidate.span).collect() };
    let note = model.tokenize(&document.text).expect("wordpieces");
    let inputs: Vec<_> = cut_windows(note.ids.len()).iter().map(|window| model.input(&note, window)).collect();
    let tagging = model.tag(&note, &model.run(&inputs).expect("logits"));
    let merged = merge::merge(&found, Some(&tagging));
    merged.iter().map(|mention| mention.span).collect()
}

fn measure(notes: &[Marked], unknown: UnknownWords, model: Option<&Model>) -> Measured {
    let sections = SectionTable::parse(TABLES.get("sections.tsv").expect("a table").1).expect("sections");
    let mut out = Measured { by_class: BTreeMap::new(), missed: Vec::new(), wrong: Vec::new() };
    for note in notes {
        let document = Document::new(&note.text, &sections);
        let mentions = mentions(&document, model);
        let found = DEIDENTIFIER.find(&note.text, &note.known, &mentions);
        let found = match unknown {
            UnknownWords::Replace => found.with_unknown(),
            UnknownWords::Keep => found,
        }
        .identifiers;
        let counts = |at: usize| note.text[at..].chars().next().is_some_and(char::is_alphanumeric);
        let letters = |span: Span| (span.start..span.end).filter(move |at| note.text.is_char_boundary(*at) && counts(*at));
        for (span, class) in &note.marks {
            let count = out.by_class.entry(*class).or_default();
            let (all, hit) = (
                letters(*span).count(),
                letters(*span).filter(|at| found.iter().any(|one| one.span.start <= *at && *at < one.span.end)).count(),
            );
            count.mentions += 1;
            count.letters += all;
            count.letters_found += hit;
            count.mentions_found += usize::from(hit == all);
            if hit < all {
                let left: String = (span.start..span.end)
                    .filter(|at| {
                        note.text.is_char_boundary(*at) && !found.iter().any(|one| one.span.start <= *at && *at < one.span.end)
                    })
                    .filter_map(|at| note.text[at..].chars().next())
                    .collect();
                out.missed.push(format!("{} {}: {left:?} of {:?}", note.id, class.tag(), span.of(&note.text)));
            }
        }
        for one in &found {
            let count = out.by_class.entry(one.class).or_default();
            let (all, hit) = (
                letters(one.span).count(),
                letters(one.span).filter(|at| note.marks.iter().any(|(span, _)| span.start <= *at && *at < span.end)).count(),
            );
            count.put += all;
            count.put_right += hit;
            if hit < all {
                let around = one.span.around(&note.text, 20, 20).of(&note.text).replace('\n', "|");
                out.wrong.push(format!("{} {}: {:?} in {around:?}", note.id, one.class.tag(), one.span.of(&note.text)));
            }
        }
    }
    out
}

#[expect(clippy::cast_precision_loss, reason = "counts of a few notes")]
fn share(part: usize, all: usize) -> f64 {
    if all == 0 { 1.0 } else { part as f64 / all as f64 }
}

impl Measured {
    /// Recall by letters and by mention, and precision by letters, of all classes together.
    fn all(&self) -> (f64, f64, f64) {
        let sum = |of: fn(&Count) -> usize| self.by_class.values().map(of).sum::<usize>();
        (
            share(sum(|count| count.letters_found), sum(|count| count.letters)),
            share(sum(|count| count.mentions_found), sum(|count| count.mentions)),
            share(sum(|count| count.put_right), sum(|count| count.put)),
        )
    }

    fn print(&self, name: &str) {
        println!("{name:<14} {:>8} {:>10} {:>10} {:>10}", "mentions", "by letter", "by mention", "precision");
        for (class, count) in &self.by_class {
            println!(
                "{:<14} {:>8} {:>10.3} {:>10.3} {:>10.3}",
                class.tag(),
                count.mentions,
                share(count.letters_found, count.letters),
                share(count.mentions_found, count.mentions),
                share(count.put_right, count.put)
            );
        }
        let (letters, mentions, precision) = self.all();
        println!(
            "{:<14} {:>8} {letters:>10.3} {mentions:>10.3} {precision:>10.3}",
            "all",
            self.by_class.values().map(|count| count.mentions).sum::<usize>()
        );
    }
}

fn notes(name: &str) -> Vec<Marked> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("eval/deidentification").join(name);
    read(&std::fs::read_to_string(path).expect("the notes"))
}

/// Measures a file without and with what nothing knows replaced, and holds floors of recall by letters, by mention, and precision.
fn holds(name: &str, model: Option<&Model>, floors: [[f64; 3]; 2]) -> [Measured; 2] {
    let notes = notes(name);
    assert!(notes.len() >= 30);
    let measured = [UnknownWords::Keep, UnknownWords::Replace].map(|unknown| measure(&notes, unknown, model));
    for (measured, (floors, what)) in measured.iter().zip(floors.into_iter().zip(["rules alone", "unknown words too"])) {
        measured.print(&format!("{name}, {what}{}", if model.is_some() { ", model" } else { "" }));
        let (letters, mentions, precision) = measured.all();
        assert!(
            letters > floors[0] && mentions > floors[1] && precision > floors[2],
            "{name}, {what}: {letters} {mentions} {precision}"
        );
    }
    measured
}

fn print_what_went_wrong(measured: &[Measured; 2]) {
    let [rules, all] = measured;
    println!("missed by the rules:\n{}\nwrong by the rules:\n{}", rules.missed.join("\n"), rules.wrong.join("\n"));
    println!("missed by all:\n{}\nwrong by all:\n{}", all.missed.join("\n"), all.wrong.join("\n"));
}

/// What rules were tuned with: what is missed is printed, to be mended.
#[test]
fn recall_on_the_development_notes() {
    print_what_went_wrong(&holds("development.txt", None, [[0.985, 0.98, 0.975], [0.985, 0.98, 0.965]]));
}

/// Development notes that came last: what is missed is printed.
#[test]
fn recall_on_more_development_notes() {
    print_what_went_wrong(&holds("development-more.txt", None, [[0.94, 0.91, 0.94], [0.955, 0.93, 0.92]]));
}

/// What nobody looks at: the figures that count. What is missed is not printed, so that no rule is made for it.
#[test]
fn recall_on_the_blind_notes() {
    holds("blind.txt", None, [[0.98, 0.97, 0.95], [0.98, 0.97, 0.94]]);
}

/// The second blind notes, of somebody who had seen neither rules nor other notes.
#[test]
fn recall_on_the_second_blind_notes() {
    holds("blind-two.txt", None, [[0.905, 0.855, 0.90], [0.915, 0.865, 0.87]]);
}

/// The same notes with the shipped model beside the dictionary, as extraction recognises.
#[test]
fn recall_with_the_model() {
    let model = Model::load(&ModelFiles::embedded(), Precision::Int8).expect("the shipped model");
    for (name, floors) in [
        ("development.txt", [[0.97, 0.96, 0.96], [0.97, 0.96, 0.95]]),
        ("blind.txt", [[0.97, 0.96, 0.94], [0.97, 0.96, 0.93]]),
        ("blind-two.txt", [[0.895, 0.84, 0.90], [0.905, 0.85, 0.87]]),
    ] {
        holds(name, Some(&model), floors);
    }
}

/// What is lost for analytics: letters of the gold mentions and of their attributes that are replaced, by what does it.
#[test]
fn what_the_gold_notes_lose() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    // the second are annotated notes by others, which need not be here
    for (path, is_ours) in [("eval/gold/notes.jsonl", true), ("../shared/gold/dev.jsonl", false)] {
        let Some(lines) = std::fs::read_to_string(root.join(path)).ok().or_else(|| is_ours.then(|| panic!("no gold notes")))
        else {
            continue;
        };
        let [rules, all] = lost(&lines);
        println!("{path}: letters of gold mentions replaced: {rules:.4} by rules, {all:.4} with unknown words");
        assert!(rules < 0.005 && all < 0.01, "{path}: {rules} {all}");
    }
}

/// The share of letters of marked mentions and their attributes that are replaced: by the rules, and with unknown words.
fn lost(lines: &str) -> [f64; 2] {
    let sections = SectionTable::parse(TABLES.get("sections.tsv").expect("a table").1).expect("sections");
    let (mut letters, mut hit) = (0, [0, 0]);
    for line in lines.lines() {
        let note: serde_json::Value = serde_json::from_str(line).expect("a note");
        let text = note["text"].as_str().expect("text");
        let mentions = mentions(&Document::new(text, &sections), None);
        let rules = DEIDENTIFIER.find(text, &Known::default(), &mentions);
        let found = [rules.identifiers.clone(), rules.with_unknown().identifiers];
        let map = crate::text::OffsetMap::new(text, crate::domain::OffsetUnit::Codepoint);
        for annotation in note["annotations"].as_array().expect("annotations") {
            let offset =
                |name: &str| map.to_byte(usize::try_from(annotation[name].as_u64().expect("an offset")).expect("small"));
            let (start, end) = (offset("start"), offset("end"));
            let mut spans = vec![Span::new(start, end)];
            for value in annotation["attributes"].as_object().into_iter().flat_map(|attributes| attributes.values()) {
                let words = value.as_str().unwrap_or_default();
                spans.extend(
                    text[start..]
                        .find(words)
                        .filter(|_| words.len() > 1)
                        .map(|at| Span::new(start + at, start + at + words.len())),
                );
            }
            for span in spans {
                for at in (span.start..span.end).filter(|at| text.is_char_boundary(*at)) {
                    if text[at..].starts_with(char::is_alphanumeric) {
                        letters += 1;
                        for (hit, found) in hit.iter_mut().zip(&found) {
                            *hit += usize::from(found.iter().any(|one| one.span.start <= at && at < one.span.end));
                        }
                    }
                }
                let words = span.of(text);
                for one in found[1].iter().filter(|one| one.span.overlaps(span)) {
                    println!("lost {}: {:?} of {words:?}", one.class.tag(), one.span.of(text));
                }
            }
        }
    }
    hit.map(|hit| share(hit, letters))
}
