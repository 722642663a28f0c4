//! A coded extraction moved into the text without identifiers: places and the words quoted there.

use serde_json::Value;

use super::Deidentified;
use crate::domain::{Extraction, OffsetUnit, Span};

impl Deidentified {
    /// The extraction of the old text as one of the new: every place moved, every quote that of the new text, and identifiers that other
    /// words of it quote replaced. Offsets are bytes, before and after. None when it does not fit the text.
    #[must_use]
    pub fn extraction(&self, extraction: Extraction) -> Option<Extraction> {
        let moved = extraction.map_places(OffsetUnit::Utf8, |start, end| self.map(start, end));
        let mut value = serde_json::to_value(moved).ok()?;
        self.quote(&mut value);
        serde_json::from_value(value).ok()
    }

    /// Words without the identifiers of the note.
    #[must_use]
    pub fn words(&self, words: &str) -> String {
        let mut out = words.to_owned();
        let mut longest: Vec<&(String, String)> = self.words.iter().collect();
        longest.sort_by_key(|(written, _)| std::cmp::Reverse(written.len()));
        for (written, put) in longest {
            if out.contains(written.as_str()) {
                out = replace_words(&out, written, put);
            }
        }
        out
    }

    fn quote(&self, value: &mut Value) {
        match value {
            Value::Array(values) => values.iter_mut().for_each(|value| self.quote(value)),
            Value::Object(fields) => {
                let number =
                    |name: &str| fields.get(name).and_then(Value::as_u64).and_then(|number| usize::try_from(number).ok());
                if let (Some(start), Some(end), Some(Value::String(text))) =
                    (number("start"), number("end"), fields.get("text"))
                {
                    let quoted = Span::new(start, end).of(&self.text);
                    let text = if end > start && !quoted.is_empty() { quoted.to_owned() } else { self.words(text) };
                    fields.insert("text".to_owned(), Value::String(text));
                }
                for (name, value) in fields.iter_mut() {
                    match value {
                        // what the program itself says
                        Value::String(_)
                            if matches!(
                                name.as_str(),
                                "text" | "code" | "system" | "id" | "note_id" | "kind" | "version" | "vocabulary" | "model"
                            ) => {}
                        Value::String(words) => *words = self.words(words),
                        // names of codes come from the vocabularies
                        _ if name == "codes" => {}
                        other => self.quote(other),
                    }
                }
            }
            _ => {}
        }
    }
}

/// Replaces words that stand alone.
fn replace_words(text: &str, written: &str, put: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for (start, _) in text.match_indices(written) {
        let end = start + written.len();
        let joins = |one: Option<char>| one.is_some_and(char::is_alphanumeric);
        if start >= at && !joins(text[..start].chars().next_back()) && !joins(text[end..].chars().next()) {
            out.push_str(&text[at..start]);
            out.push_str(put);
            at = end;
        }
    }
    out.push_str(&text[at..]);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        deidentify::{
            DateShift, Known, Method, Replacer, UnknownWords,
            measure::{DEIDENTIFIER, any_key},
        },
        domain::EngineVersion,
    };

    #[test]
    fn evidence_stands_where_its_words_are() {
        let text = "Dr. Halvorsen, seen 03/04/2026: pneumonia since 2/27, told to Mrs. Wetherby.";
        let place = |words: &str| text.find(words).map(|start| (start, start + words.len())).expect("words");
        let (start, end) = place("pneumonia since 2/27");
        let extraction: Extraction = serde_json::from_value(serde_json::json!({
            "note_id": "1", "offset_unit": "utf8",
            "engine": serde_json::to_value(EngineVersion { version: "1".into(), model: "m".into(), vocabulary: "v".into(), edition: "e".into(), edition_exact: true, site_pack: None }).expect("json"),
            "sections": [], "alerts": [{"kind": "x", "message": "told to Wetherby", "entries": []}],
            "entries": [{
                "id": "e1", "kind": "diagnosis", "display": "Pneumonia", "assertion": "present", "status": null, "scope": null, "codes": [],
                "confidence": null, "reportable": false, "not_reportable_because": null, "attributes": {}, "prompts": [],
                "evidence": [{"start": start, "end": end, "text": "pneumonia since 2/27", "section": "", "assertion": "present", "status": null,
                    "confidence": 1.0, "attributes": {}, "cues": [], "sources": []}]
            }]
        }))
        .expect("an extraction");
        for method in [Method::Tag, Method::Surrogate(DateShift::Days)] {
            let key = any_key();
            let out = Replacer { deidentifier: &DEIDENTIFIER, method, unknown: UnknownWords::Keep, key: &key, patient: "p" }
                .deidentify(text, &Known::default(), &[]);
            let moved = out.extraction(extraction.clone()).expect("fits");
            let evidence = &moved.entries[0].evidence[0];
            assert_eq!(Span::new(evidence.start, evidence.end).of(&out.text), evidence.text);
            assert!(evidence.text.starts_with("pneumonia since ") && !evidence.text.ends_with("2/27"), "{}", evidence.text);
            assert!(!moved.alerts[0].message.contains("Wetherby"));
        }
    }
}
