//! What a system said of a note, read from one line of the extraction contract (`ARCHITECTURE.md` and `eval/README.md` name its fields).
//!
//! Everything but `note_id`, `entries[].kind` and `entries[].evidence[].start/end` may be missing, so that another system has little to write.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::note::{Kind, words_at};

/// A code that was proposed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PredictedCode {
    /// URI of its system; judged by whether it holds `icd-10`, `rxnorm`, ...
    pub system: String,
    /// The code.
    pub code: String,
}

/// One mention: one evidence of one entry. Offsets are code points.
#[derive(Clone)]
pub struct Mention {
    /// What it names.
    pub kind: Kind,
    /// Where it starts.
    pub start: usize,
    /// Where it ends.
    pub end: usize,
    /// Assertion, status or scope.
    pub assertion: Option<String>,
    /// Codes of its entry, best first.
    pub codes: Vec<PredictedCode>,
    /// Name of its entry.
    pub display: String,
    /// Names and values, each as it compares.
    pub attributes: Vec<(String, String)>,
    /// Confidence of its entry's first code, 0 to 1.
    pub confidence: Option<f64>,
    /// Which entry of the note it is evidence of.
    pub entry: usize,
    /// Places given with words that do not stand there, its own and those of cues and attributes.
    pub misplaced: usize,
}

impl Mention {
    /// Whether it says that the patient has or had it, surely or not.
    #[must_use]
    pub fn is_affirmed(&self) -> bool {
        matches!(self.assertion.as_deref(), Some("present" | "historical" | "possible"))
    }

    /// Its ICD-10-CM codes, best first.
    pub fn icd10(&self) -> impl Iterator<Item = &str> {
        self.codes.iter().filter(|code| code.system.contains("icd-10")).map(|code| code.code.as_str())
    }
}

/// What a system said of one note, and how long it took.
#[derive(Clone, Default)]
pub struct Prediction {
    /// In the order of its entries.
    pub mentions: Vec<Mention>,
    /// Seconds from handing in the text to the answer; none where nobody measured.
    pub seconds: Option<f64>,
    /// Stable word for why there is no answer.
    pub failed: Option<String>,
    /// What says of itself that it made it: `engine` of the contract.
    pub engine: BTreeMap<String, String>,
}

/// Reads one object of the contract; `text` is the note's. None for a line without `note_id`.
#[must_use]
pub fn read(line: &Value, text: &str) -> Option<(String, Prediction)> {
    let id = line["note_id"].as_str()?.to_owned();
    let mut prediction = Prediction::default();
    if let Some(code) = line["error"]["code"].as_str() {
        prediction.failed = Some(code.to_owned());
    }
    let engine = line["engine"].as_object().into_iter().flatten();
    prediction.engine = engine.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect();
    for (index, entry) in line["entries"].as_array().into_iter().flatten().enumerate() {
        let Some(kind) = entry["kind"].as_str().and_then(Kind::of_entry) else { continue };
        let codes = codes(entry);
        for evidence in entry["evidence"].as_array().into_iter().flatten() {
            prediction.mentions.extend(mention((kind, index), (entry, evidence), &codes, text));
        }
    }
    Some((id, prediction))
}

fn codes(entry: &Value) -> Vec<PredictedCode> {
    let all = entry["codes"].as_array().into_iter().flatten();
    all.filter_map(|code| {
        let system = code["system"].as_str().unwrap_or_default().to_owned();
        Some(PredictedCode { system, code: code["code"].as_str()?.to_owned() })
    })
    .collect()
}

fn mention(
    (kind, entry_index): (Kind, usize),
    (entry, evidence): (&Value, &Value),
    codes: &[PredictedCode],
    text: &str,
) -> Option<Mention> {
    let (start, end) = place(evidence)?;
    let said = |name: &str| evidence[name].as_str().or_else(|| entry[name].as_str()).filter(|word| !word.is_empty());
    let assertion = match kind {
        Kind::Rx => said("status"),
        Kind::Nka => entry["scope"].as_str(),
        Kind::Dx | Kind::Al => said("assertion"),
    };
    // an evidence without a list of its own has its entry's; an empty one says that it has none
    let attributes = evidence.get("attributes").unwrap_or(&entry["attributes"]);
    let mut misplaced = usize::from(is_misplaced(evidence, text));
    misplaced += evidence["cues"].as_array().into_iter().flatten().filter(|cue| is_misplaced(cue, text)).count();
    let mut values = Vec::new();
    for (name, value) in attributes.as_object().into_iter().flatten() {
        let each: Vec<&Value> = value.as_array().map_or_else(|| vec![value], |list| list.iter().collect());
        misplaced += each.iter().filter(|one| is_misplaced(one, text)).count();
        let name = if name == "reactions" { "reaction" } else { name };
        let mut words = Vec::new();
        attribute_words(value, &mut words);
        values.extend(words.into_iter().map(|word| (name.to_owned(), word)));
    }
    Some(Mention {
        kind,
        start,
        end,
        assertion: assertion.map(str::to_owned),
        codes: codes.to_vec(),
        display: entry["display"].as_str().unwrap_or_default().to_owned(),
        attributes: values,
        confidence: entry["confidence"].as_f64(),
        entry: entry_index,
        misplaced,
    })
}

fn place(value: &Value) -> Option<(usize, usize)> {
    let number = |name: &str| usize::try_from(value[name].as_u64()?).ok();
    Some((number("start")?, number("end")?))
}

/// Whether it gives words and a place at which other words stand.
fn is_misplaced(value: &Value, text: &str) -> bool {
    match (value["text"].as_str(), place(value)) {
        (Some(words), Some((start, end))) => words_at(text, start, end) != words,
        _ => false,
    }
}

/// The words of an attribute's value: of a list each, of an object its `text` or else its `value`, `y` for what is simply true.
fn attribute_words(value: &Value, out: &mut Vec<String>) {
    match value {
        Value::Array(all) => all.iter().for_each(|one| attribute_words(one, out)),
        Value::Object(fields) => {
            if fields.get("value") == Some(&Value::Bool(false)) {
                return;
            }
            let text = fields.get("text").and_then(Value::as_str).filter(|text| !text.is_empty());
            let or_value = || match fields.get("value") {
                None | Some(Value::Null) => String::new(),
                Some(Value::String(words)) => words.clone(),
                Some(Value::Bool(_)) => "True".to_owned(),
                Some(other) => other.to_string(),
            };
            out.push(text.map_or_else(or_value, str::to_owned));
        }
        Value::Bool(true) => out.push("y".to_owned()),
        Value::Bool(false) | Value::Null => {}
        Value::String(words) if words.is_empty() => {}
        Value::String(words) => out.push(words.clone()),
        Value::Number(number) => out.push(number.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const TEXT: &str = "Lasix 20 mg; é gout";

    fn line() -> Value {
        json!({"note_id": "n", "engine": {"version": "1"}, "entries": [
            {"kind": "medication", "status": "active", "display": "furosemide", "codes": [{"system": "rxnorm", "code": "4603"}],
             "evidence": [{"start": 0, "end": 5, "text": "Lasix", "attributes": {"strength": {"text": "20 mg", "start": 6, "end": 11},
                "prn": {"value": true, "text": "prn", "start": 0, "end": 3}}}, {"start": 0, "end": 5}]},
            {"kind": "diagnosis", "assertion": "present", "confidence": 0.5, "attributes": {"severity": "bad"},
             "evidence": [{"start": 15, "end": 19, "text": "gout", "assertion": "absent", "cues": [{"text": "x", "start": 0, "end": 1}]}]},
            {"kind": "procedure", "evidence": [{"start": 0, "end": 1}]}]})
    }

    #[test]
    fn evidence_speaks_before_its_entry() {
        let (id, prediction) = read(&line(), TEXT).expect("reads");
        assert_eq!((id.as_str(), prediction.mentions.len(), prediction.engine["version"].as_str()), ("n", 3, "1"));
        let [drug, bare, gout] = prediction.mentions.as_slice() else { panic!("three") };
        assert_eq!(
            (drug.assertion.as_deref(), bare.attributes.len(), gout.assertion.as_deref()),
            (Some("active"), 0, Some("absent"))
        );
        let word = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(drug.attributes, [word("prn", "prn"), word("strength", "20 mg")]);
        assert_eq!(gout.attributes, [word("severity", "bad")]);
        // the words "prn" and "x" do not stand where they are said to
        assert_eq!((drug.misplaced, gout.misplaced, gout.confidence), (1, 1, Some(0.5)));
    }

    #[test]
    fn an_error_is_an_answer_without_mentions() {
        let (_, prediction) = read(&json!({"note_id": "n", "error": {"code": "empty_note"}}), TEXT).expect("reads");
        assert_eq!((prediction.mentions.len(), prediction.failed.as_deref()), (0, Some("empty_note")));
        assert!(read(&json!({"entries": []}), TEXT).is_none());
    }
}
