//! The JSON lines of the gold folders: `{"id","text","annotations":[{kind,start,end,assertion,codes|ingredient|substance,attributes}]}`.
//!
//! Other fields of a line that are words (`note_type`, `specialty`) become slices.

use serde_json::Value;

use super::{Refused, offset, word};
use crate::note::{Annotation, Kind, Note};

/// The note of a line.
pub(super) fn note(line: &Value) -> Result<Note, Refused> {
    let annotations = line["annotations"].as_array().ok_or("`annotations` is missing or not a list")?;
    let own = ["id", "text", "annotations"];
    let fields = line.as_object().into_iter().flatten().filter(|(name, _)| !own.contains(&name.as_str()));
    let slices = fields.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect();
    Ok(Note {
        id: word(line, "id")?.to_owned(),
        text: word(line, "text")?.to_owned(),
        slices,
        annotations: annotations.iter().map(annotation).collect::<Result<_, _>>()?,
        ..Note::default()
    })
}

fn annotation(one: &Value) -> Result<Annotation, Refused> {
    let kind = Kind::of_word(word(one, "kind")?).ok_or("`kind` must be DX, RX, AL or NKA")?;
    let text = |name: &str| one[name].as_str().map(str::to_owned);
    let alternatives = one["codes"].as_array().into_iter().flatten();
    let codes = |alternative: &Value| {
        let codes = alternative.as_array().into_iter().flatten();
        codes.filter_map(|code| code.as_str().map(str::to_owned)).collect::<Vec<_>>()
    };
    let attributes = one["attributes"].as_object().into_iter().flatten();
    Ok(Annotation {
        kind,
        start: offset(one, "start")?,
        end: offset(one, "end")?,
        assertion: text("assertion"),
        codes: alternatives.map(codes).collect(),
        substance: text("ingredient").or_else(|| text("substance")),
        substance_codes: Vec::new(),
        attributes: attributes.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_with_everything_it_says() {
        let line = serde_json::json!({"id": "a", "text": "Asthma, Lasix 20 mg", "note_type": "letter", "annotations": [
            {"kind": "DX", "start": 0, "end": 6, "assertion": "present", "codes": [["J45.909"], ["J45.20", "J45.30"]], "attributes": {}},
            {"kind": "RX", "start": 8, "end": 13, "assertion": "active", "ingredient": "furosemide", "attributes": {"strength": "20 mg"}},
        ]});
        let note = note(&line).expect("reads");
        assert_eq!(note.slices["note_type"], "letter");
        assert_eq!(note.annotations[0].codes, [vec!["J45.909".to_owned()], vec!["J45.20".to_owned(), "J45.30".to_owned()]]);
        assert!(note.annotations[0].is_affirmed());
        assert_eq!(note.annotations[1].substance.as_deref(), Some("furosemide"));
        assert_eq!(note.annotations[1].attributes, [("strength".to_owned(), "20 mg".to_owned())]);
    }

    #[test]
    fn a_line_that_lacks_something_is_refused() {
        for (line, said) in [
            (serde_json::json!({"id": "a", "text": "x"}), "annotations"),
            (serde_json::json!({"text": "x", "annotations": []}), "`id`"),
            (serde_json::json!({"id": "a", "text": "x", "annotations": [{"kind": "PX"}]}), "DX, RX, AL or NKA"),
            (serde_json::json!({"id": "a", "text": "x", "annotations": [{"kind": "DX", "start": -1}]}), "`start`"),
        ] {
            let message = note(&line).map(|_| ()).expect_err("is refused");
            assert!(message.contains(said), "{message}");
        }
    }
}
