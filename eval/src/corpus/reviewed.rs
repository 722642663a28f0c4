//! Reviewed items, one a line: `{"item": ITEM, "texts": {NOTE: TEXT}}`, where ITEM is what `GET /v1/review/items/{id}` answers.
//!
//! What coders accepted, amended or added is annotated, as they left it. What they rejected is not there, so a system that says it is wrong.
//! What nobody had to decide on (denied, hypothetical) and nobody did is a place that nobody judged. Offsets are code points.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Refused, icd10, offset, word};
use crate::note::{Annotation, Decided, Kind, Note};

/// The notes of an item.
pub(super) fn notes(line: &Value) -> Result<Vec<Note>, Refused> {
    let texts = line["texts"].as_object().ok_or("`texts` is missing or not an object")?;
    let item = &line["item"];
    if item["offset_unit"] != "codepoint" {
        return Err("`item.offset_unit` must be codepoint; write it with `abstractor-eval export`".to_owned());
    }
    let mut notes: BTreeMap<String, Note> = BTreeMap::new();
    for note in item["notes"].as_array().ok_or("`item.notes` is missing or not a list")? {
        let id = word(note, "id")?;
        if note["standing"].as_str().is_some_and(|standing| standing != "current") {
            continue;
        }
        let text = texts.get(id).and_then(Value::as_str).ok_or("a note of the item has no text in `texts`")?;
        let mut read = Note { id: id.to_owned(), text: text.to_owned(), decided: Some(Decided::default()), ..Note::default() };
        if let Some(kind) = note["note_type"].as_str() {
            read.slices.insert("note_type".to_owned(), kind.to_owned());
        }
        notes.insert(id.to_owned(), read);
    }
    for entry in item["entries"].as_array().ok_or("`item.entries` is missing or not a list")? {
        read_entry(entry, &mut notes)?;
    }
    Ok(notes.into_values().collect())
}

fn read_entry(entry: &Value, notes: &mut BTreeMap<String, Note>) -> Result<(), Refused> {
    let kind = Kind::of_entry(word(entry, "kind")?).ok_or("an entry has an unknown `kind`")?;
    let state = word(entry, "state")?;
    let model = annotation(kind, entry);
    let mut places: Vec<(&str, usize, usize, &Value)> = Vec::new();
    for evidence in entry["evidence"].as_array().into_iter().flatten() {
        places.push((word(evidence, "note_id")?, offset(evidence, "start")?, offset(evidence, "end")?, evidence));
    }
    for decision in entry["decisions"].as_array().into_iter().flatten().filter(|decision| decision["action"] == "add") {
        if let (Some(note), Ok(start), Ok(end)) =
            (decision["note_id"].as_str(), offset(decision, "start"), offset(decision, "end"))
        {
            places.push((note, start, end, decision));
        }
    }
    // an entry counts once, in the first of its notes
    if let Some(decided) = places.first().and_then(|(id, ..)| notes.get_mut(*id)?.decided.as_mut()) {
        match state {
            "accepted" => decided.accepted += 1,
            "amended" => decided.amended += 1,
            "rejected" => decided.rejected += 1,
            "added" => decided.added += 1,
            _ => {}
        }
    }
    for (id, start, end, said) in places {
        let Some(note) = notes.get_mut(id) else { continue };
        match state {
            "accepted" | "amended" | "added" => {
                let mut one = Annotation { start, end, ..model.clone() };
                if let Some(own) = said["attributes"].as_object().filter(|_| state == "accepted") {
                    one.attributes = attributes(own);
                }
                note.annotations.push(one);
            }
            "suggested" => note.unjudged.push((kind, start, end)),
            _ => {}
        }
    }
    Ok(())
}

fn annotation(kind: Kind, entry: &Value) -> Annotation {
    let text = |name: &str| entry[name].as_str().map(str::to_owned);
    let codes = |system: &str, role: Option<&str>| {
        let all = entry["codes"].as_array().into_iter().flatten();
        all.filter(|code| code["system"].as_str().is_some_and(|own| own.contains(system)))
            .filter(|code| role.is_none_or(|role| code["role"] == role))
            .filter_map(|code| code["code"].as_str().map(str::to_owned))
            .collect::<Vec<_>>()
    };
    let mut one = Annotation::new(kind, 0, 0);
    one.assertion = match kind {
        Kind::Rx => text("status"),
        Kind::Nka => text("scope"),
        Kind::Dx | Kind::Al => text("assertion"),
    };
    match kind {
        // the code that stands first is what the coder left
        Kind::Dx => {
            one.codes = codes("icd-10", None).iter().take(1).filter_map(|code| icd10(code)).map(|code| vec![code]).collect()
        }
        Kind::Rx => {
            one.substance_codes = codes("rxnorm", Some("ingredient"));
            if one.substance_codes.is_empty() {
                one.substance_codes = codes("rxnorm", Some("code")).into_iter().take(1).collect();
            }
        }
        Kind::Al => one.substance_codes = [codes("rxnorm", None), codes("snomed", None)].concat().into_iter().take(1).collect(),
        Kind::Nka => {}
    }
    one.attributes = entry["attributes"].as_object().map(attributes).unwrap_or_default();
    one
}

fn attributes(all: &serde_json::Map<String, Value>) -> Vec<(String, String)> {
    let mut out = Vec::new();
    for (name, value) in all {
        let name = if name == "reactions" { "reaction" } else { name };
        let each: Vec<&Value> = value.as_array().map_or_else(|| vec![value], |list| list.iter().collect());
        for one in each {
            match (name, one["text"].as_str()) {
                ("prn", Some(_)) => out.push((name.to_owned(), "y".to_owned())),
                (_, Some(words)) => out.push((name.to_owned(), words.to_owned())),
                _ => {}
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn entry(kind: &str, state: &str, start: usize) -> Value {
        json!({"kind": kind, "state": state, "assertion": "present", "status": "active", "codes": [
                {"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "M10.9", "role": "code"},
                {"system": "http://www.nlm.nih.gov/research/umls/rxnorm", "code": "4603", "role": "ingredient"}],
            "attributes": {}, "decisions": [], "evidence": [{"note_id": "n-1", "start": start, "end": start + 4,
                "attributes": {"strength": {"text": "20 mg"}, "prn": {"value": true, "text": "prn"}, "dosage": {"text": "20 mg prn"}}}]})
    }

    fn item() -> Value {
        let mut added = entry("diagnosis", "added", 0);
        added["evidence"] = json!([]);
        added["decisions"] = json!([{"action": "add", "note_id": "n-1", "start": 20, "end": 24}]);
        json!({"texts": {"n-1": "Gout. Lasix 20 mg. Flu, tics, no scab."}, "item": {"offset_unit": "codepoint",
            "notes": [{"id": "n-1", "standing": "current", "note_type": "letter"}, {"id": "n-0", "standing": "replaced"}],
            "entries": [entry("diagnosis", "accepted", 0), entry("medication", "accepted", 6), entry("diagnosis", "rejected", 12),
                entry("diagnosis", "suggested", 33), added]}})
    }

    #[test]
    fn decisions_make_the_annotations() {
        let read = notes(&item()).expect("reads");
        let [note] = read.as_slice() else { panic!("one note that counts") };
        let starts: Vec<(Kind, usize)> = note.annotations.iter().map(|one| (one.kind, one.start)).collect();
        assert_eq!(starts, [(Kind::Dx, 0), (Kind::Rx, 6), (Kind::Dx, 20)]);
        assert_eq!(note.annotations[0].codes, [["M10.9"]]);
        assert_eq!(note.annotations[1].substance_codes, ["4603"]);
        assert!(note.annotations[1].attributes.contains(&("prn".to_owned(), "y".to_owned())));
        assert_eq!(note.unjudged, [(Kind::Dx, 33, 37)]);
        assert_eq!(note.decided, Some(Decided { accepted: 2, amended: 0, rejected: 1, added: 1 }));
    }

    #[test]
    fn what_lacks_something_is_refused() {
        let mut without_text = item();
        without_text["texts"] = json!({});
        let mut in_bytes = item();
        in_bytes["item"]["offset_unit"] = json!("utf8");
        for (line, said) in [(without_text, "no text in `texts`"), (in_bytes, "codepoint"), (json!({}), "`texts`")] {
            let message = notes(&line).map(|_| ()).expect_err("is refused");
            assert!(message.contains(said), "{message}");
        }
    }
}
