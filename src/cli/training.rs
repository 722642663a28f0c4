//! Notes with what coders left of them, as lines of JSON or as brat standoff.
//!
//! A line is what `abstractor-eval` reads as `format = "gold"`: `annotations` has what stands; beside it `rejected` has what coders called wrong,
//! with the reason, and `unjudged` what nobody decided on. In brat the same is said by attributes (`Judged`, `Reason`). Offsets are code points.

use std::{
    fmt::Write as _,
    io::{BufWriter, Write as _},
    path::Path,
};

use serde_json::{Map, Value, json};

use super::export::new_file;
use crate::{
    deidentify::Deidentified,
    domain::{EntryKind, OffsetUnit, Span, system},
    review::{Annotation, Judged},
    text::OffsetMap,
};

/// The file of lines.
pub(super) const NOTES: &str = "notes.jsonl";

/// How annotations are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum AnnotationFormat {
    /// One note a line, `format = "gold"` of the evaluation
    Jsonl,
    /// Two files a note, as brat reads them
    Brat,
}

/// A note as it is given away.
pub(super) struct AnnotatedNote {
    /// A pseudonym of its id.
    pub id: String,
    /// Its type.
    pub note_type: Option<String>,
    /// Its text, with where places of the old text went.
    pub told: Deidentified,
    /// What coders left of it; places of the old text.
    pub annotations: Vec<Annotation>,
}

/// Writes a note: as a line, or as two files in the folder of brat files.
pub(super) fn write(note: &AnnotatedNote, brat: Option<&Path>, out: &mut BufWriter<std::fs::File>) -> anyhow::Result<()> {
    match brat {
        None => {
            serde_json::to_writer(&mut *out, &line(note))?;
            writeln!(out)?;
        }
        Some(folder) => {
            new_file(&folder.join(format!("{}.txt", note.id)))?.write_all(note.told.text.as_bytes())?;
            new_file(&folder.join(format!("{}.ann", note.id)))?.write_all(standoff(note).as_bytes())?;
        }
    }
    Ok(())
}

/// The words of the evaluation for the kinds.
const fn kind(kind: EntryKind) -> &'static str {
    match kind {
        EntryKind::Diagnosis => "DX",
        EntryKind::Medication => "RX",
        EntryKind::Allergy => "AL",
        EntryKind::NoKnownAllergies => "NKA",
    }
}

/// Places of a text that was given away, told in code points.
struct Places<'a> {
    told: &'a Deidentified,
    map: OffsetMap,
}

impl<'a> Places<'a> {
    fn of(told: &'a Deidentified) -> Self {
        Self { told, map: OffsetMap::new(&told.text, OffsetUnit::Codepoint) }
    }

    /// Where a place of the old text stands in the new one; bytes.
    fn bytes(&self, span: Span) -> Span {
        let (start, end) = self.told.map(span.start, span.end);
        Span::new(start, end)
    }

    fn told(&self, span: Span) -> (usize, usize, &'a str) {
        let span = self.bytes(span);
        (self.map.from_byte(span.start), self.map.from_byte(span.end), span.of(&self.told.text))
    }
}

fn line(note: &AnnotatedNote) -> Value {
    let places = Places::of(&note.told);
    let (mut standing, mut rejected, mut unjudged) = (Vec::new(), Vec::new(), Vec::new());
    for annotation in &note.annotations {
        let (start, end, text) = places.told(annotation.span);
        let mut one = Map::new();
        for (name, value) in [
            ("kind", json!(kind(annotation.kind))),
            ("start", json!(start)),
            ("end", json!(end)),
            ("text", json!(text)),
            ("assertion", json!(annotation.said)),
        ] {
            one.insert(name.to_owned(), value);
        }
        match &annotation.judged {
            Judged::Stands(decided) => {
                one.extend(said_of(annotation, &places));
                one.insert("decided".to_owned(), json!(decided));
                standing.push(Value::Object(one));
            }
            Judged::Rejected(reason) => {
                one.insert("reason".to_owned(), json!(reason));
                one.insert("codes".to_owned(), all_codes(annotation));
                rejected.push(Value::Object(one));
            }
            Judged::Unjudged => unjudged.push(Value::Object(one)),
        }
    }
    let mut line =
        json!({"id": note.id, "text": note.told.text, "annotations": standing, "rejected": rejected, "unjudged": unjudged});
    if let (Some(kind), Some(fields)) = (&note.note_type, line.as_object_mut()) {
        fields.insert("note_type".to_owned(), json!(kind));
    }
    line
}

fn all_codes(annotation: &Annotation) -> Value {
    annotation.codes.iter().map(|(system, code)| json!({"system": system, "code": code})).collect()
}

/// Codes, substance and attributes under the names that the evaluation reads.
fn said_of(annotation: &Annotation, places: &Places<'_>) -> Map<String, Value> {
    let mut said = Map::new();
    match annotation.kind {
        EntryKind::Diagnosis => {
            let codes: Vec<&String> =
                annotation.codes.iter().filter(|(of, _)| of == system::ICD10CM).map(|(_, code)| code).collect();
            // what a coder gave stands together: one alternative
            said.insert("codes".to_owned(), if codes.is_empty() { json!([]) } else { json!([codes]) });
        }
        EntryKind::Medication => {
            said.insert("ingredient".to_owned(), json!(annotation.substance.as_ref().map(|name| name.to_lowercase())));
            said.insert("substance_codes".to_owned(), all_codes(annotation));
        }
        EntryKind::Allergy => {
            said.insert("substance".to_owned(), json!(annotation.substance.as_ref().map(|name| name.to_lowercase())));
            said.insert("substance_codes".to_owned(), all_codes(annotation));
        }
        EntryKind::NoKnownAllergies => {}
    }
    let mut attributes: Map<String, Value> = Map::new();
    for (name, _, span) in &annotation.attributes {
        let (_, _, words) = places.told(*span);
        // of several reactions the words stand side by side
        match attributes.get_mut(name).and_then(|there| there.as_str().map(|there| format!("{there}; {words}"))) {
            Some(more) => attributes.insert(name.clone(), json!(more)),
            None => attributes.insert(name.clone(), json!(words)),
        };
    }
    said.insert("attributes".to_owned(), Value::Object(attributes));
    said
}

/// One annotation file.
fn standoff(note: &AnnotatedNote) -> String {
    let places = Places::of(&note.told);
    let mut out = String::new();
    let (mut spans, mut attributes, mut codes, mut relations) = (0, 0, 0, 0);
    let mut span_line = |out: &mut String, label: &str, span: Span| {
        spans += 1;
        let _ = writeln!(out, "T{spans}\t{label} {}", fragments(&places, span));
        spans
    };
    for annotation in &note.annotations {
        let label = match annotation.kind {
            EntryKind::Diagnosis => "Diagnosis",
            EntryKind::Medication => "Medication",
            EntryKind::Allergy => "Allergy",
            EntryKind::NoKnownAllergies => "NoKnownAllergies",
        };
        let own = span_line(&mut out, label, annotation.span);
        let (judged, reason) = match &annotation.judged {
            Judged::Stands(decided) => (*decided, None),
            Judged::Rejected(reason) => ("rejected", Some(reason.as_str())),
            Judged::Unjudged => ("unjudged", None),
        };
        let said = [("Assertion", annotation.said), ("Judged", Some(judged)), ("Reason", reason)];
        for (name, value) in said.into_iter().filter_map(|(name, value)| Some((name, value?))) {
            attributes += 1;
            let _ = writeln!(out, "A{attributes}\t{name} T{own} {value}");
        }
        for (system, code) in &annotation.codes {
            codes += 1;
            let name = match system.as_str() {
                system::ICD10CM => "ICD10CM",
                system::RXNORM => "RXNORM",
                system::SNOMED => "SNOMEDCT",
                _ => "OTHER",
            };
            let _ =
                writeln!(out, "N{codes}\tReference T{own} {name}:{code}\t{}", annotation.substance.as_deref().unwrap_or(code));
        }
        for (name, _, span) in &annotation.attributes {
            let of = span_line(&mut out, name, *span);
            relations += 1;
            let _ = writeln!(out, "R{relations}\t{name} Arg1:T{of} Arg2:T{own}");
        }
    }
    out
}

/// `START END` in code points, in pieces of one line each as brat wants them, and the words.
fn fragments(places: &Places<'_>, span: Span) -> String {
    let span = places.bytes(span);
    let text = span.of(&places.told.text);
    let mut at = span.start;
    let (mut pieces, mut words) = (Vec::new(), Vec::new());
    for piece in text.split_inclusive('\n') {
        let bare = piece.trim_end_matches(['\n', '\r']);
        if !bare.trim().is_empty() {
            pieces.push(format!("{} {}", places.map.from_byte(at), places.map.from_byte(at + bare.len())));
            words.push(bare);
        }
        at += piece.len();
    }
    format!("{}\t{}", pieces.join(";"), words.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note() -> AnnotatedNote {
        let text = "Müde. Chronic kidney\ndisease. Lasix 20 mg.";
        let at = |words: &str| {
            let start = text.find(words).expect("is there");
            Span::new(start, start + words.len())
        };
        let of = |span, kind, judged| Annotation {
            span,
            kind,
            said: Some("present"),
            codes: Vec::new(),
            substance: None,
            attributes: Vec::new(),
            judged,
        };
        let kidney = Annotation {
            codes: vec![(system::ICD10CM.to_owned(), "N18.9".to_owned())],
            ..of(at("Chronic kidney\ndisease"), EntryKind::Diagnosis, Judged::Stands("accepted"))
        };
        let lasix = Annotation {
            said: Some("active"),
            codes: vec![(system::RXNORM.to_owned(), "4603".to_owned())],
            substance: Some("Furosemide".to_owned()),
            attributes: vec![("strength".to_owned(), "20 mg".to_owned(), at("20 mg"))],
            ..of(at("Lasix"), EntryKind::Medication, Judged::Stands("amended"))
        };
        let tired = of(at("Müde"), EntryKind::Diagnosis, Judged::Rejected("not_a_diagnosis".to_owned()));
        AnnotatedNote {
            id: "n".to_owned(),
            note_type: Some("letter".to_owned()),
            told: Deidentified::unchanged(text),
            annotations: vec![tired, kidney, lasix],
        }
    }

    #[test]
    fn a_line_says_what_stands_and_what_was_wrong() {
        let line = line(&note());
        assert_eq!((&line["note_type"], line["annotations"].as_array().map(Vec::len)), (&json!("letter"), Some(2)));
        let kidney = &line["annotations"][0];
        assert_eq!((&kidney["start"], &kidney["codes"]), (&json!(6), &json!([["N18.9"]])));
        assert_eq!(line["annotations"][1]["ingredient"], "furosemide");
        assert_eq!(line["annotations"][1]["attributes"], json!({"strength": "20 mg"}));
        assert_eq!(line["rejected"][0]["reason"], "not_a_diagnosis");
    }

    #[test]
    fn standoff_has_one_line_for_each_thing() {
        let expected = "T1\tDiagnosis 0 4\tMüde\nA1\tAssertion T1 present\nA2\tJudged T1 rejected\nA3\tReason T1 not_a_diagnosis\n\
                        T2\tDiagnosis 6 20;21 28\tChronic kidney disease\nA4\tAssertion T2 present\nA5\tJudged T2 accepted\n\
                        N1\tReference T2 ICD10CM:N18.9\tN18.9\nT3\tMedication 30 35\tLasix\nA6\tAssertion T3 active\n\
                        A7\tJudged T3 amended\nN2\tReference T3 RXNORM:4603\tFurosemide\nT4\tstrength 36 41\t20 mg\n\
                        R1\tstrength Arg1:T4 Arg2:T3\n";
        assert_eq!(standoff(&note()), expected);
    }
}
