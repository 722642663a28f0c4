//! BioC JSON, and what both forms of BioC have in common.
//!
//! A document's text is that of its passages, each at its offset, with spaces where nothing stands. An annotation has a `type` among its
//! infons and one or more locations (their whole extent is taken). Offsets are code points; exporters that count bytes are understood where
//! the words of the annotation say so. Infons whose names speak of an identifier or a code are codes, the others are said of the span.

use serde_json::Value;

use super::{Marked, MarkedSpan, Refused, offset, placed, word};

/// A document as BioC has it, from either form.
#[derive(Default)]
pub(super) struct Document {
    pub(super) id: String,
    pub(super) infons: Vec<(String, String)>,
    pub(super) passages: Vec<(usize, String)>,
    pub(super) annotations: Vec<Annotated>,
    pub(super) relations: Vec<Related>,
}

/// An annotation as BioC has it.
#[derive(Default)]
pub(super) struct Annotated {
    pub(super) id: String,
    pub(super) infons: Vec<(String, String)>,
    /// Offset and length.
    pub(super) locations: Vec<(usize, usize)>,
    pub(super) words: String,
}

/// A relation as BioC has it: its infons, and the ids of its nodes in order.
#[derive(Default)]
pub(super) struct Related {
    pub(super) infons: Vec<(String, String)>,
    pub(super) nodes: Vec<String>,
}

const IDENTIFIERS: [&str; 6] = ["identifier", "code", "icd10", "icd-10-cm", "icd10cm", "concept"];

impl Document {
    pub(super) fn marked(self) -> Result<Marked, Refused> {
        let mut text = String::new();
        let mut length = 0;
        for (start, words) in &self.passages {
            // a passage that begins before the end of the one before (offsets in bytes) follows it after a space
            let gap = if *start >= length { start - length } else { 1 };
            text.extend(std::iter::repeat_n(' ', gap));
            text.push_str(words);
            length += gap + words.chars().count();
        }
        let mut marked = Marked { id: self.id, text, ..Marked::default() };
        marked.slices = self.infons.into_iter().filter(|(_, value)| value.len() <= 40).collect();
        for one in self.annotations {
            let first = one.locations.iter().map(|(start, _)| *start).min().ok_or("an annotation has no location")?;
            let last = one.locations.iter().map(|(start, length)| start + length).max().unwrap_or(first);
            let (start, end) = if one.locations.len() == 1 && !one.words.is_empty() {
                placed(&marked.text, first, &one.words)?
            } else {
                (first, last)
            };
            let mut span = MarkedSpan { key: one.id, start, end, ..MarkedSpan::default() };
            for (name, value) in one.infons {
                match name.to_lowercase().as_str() {
                    "type" => span.label = value,
                    name if IDENTIFIERS.contains(&name) => span.codes.extend(value.split([',', '|']).map(str::to_owned)),
                    _ => span.said.push((name, value)),
                }
            }
            marked.spans.push(span);
        }
        for one in self.relations {
            let label = one.infons.iter().find(|(name, _)| name.eq_ignore_ascii_case("type")).map(|(_, label)| label.clone());
            if let (Some(label), [first, second]) = (label, one.nodes.as_slice()) {
                marked.relations.push((label, first.clone(), second.clone()));
            }
        }
        Ok(marked)
    }
}

/// The documents of a BioC JSON file: a collection, or one document.
pub(super) fn documents(text: &str) -> Result<Vec<Marked>, Refused> {
    let value: Value = serde_json::from_str(text).map_err(|error| format!("no JSON ({:?})", error.classify()))?;
    let one = std::slice::from_ref(&value);
    let all = value["documents"].as_array().map_or(one, Vec::as_slice);
    all.iter().map(|one| document(one)?.marked()).collect()
}

fn document(value: &Value) -> Result<Document, Refused> {
    let mut document =
        Document { id: id(value).ok_or("a document has no `id`")?, infons: infons(value), ..Document::default() };
    for passage in value["passages"].as_array().ok_or("a document has no list `passages`")? {
        document.passages.push((offset(passage, "offset")?, word(passage, "text")?.to_owned()));
        read_marks(passage, &mut document)?;
    }
    read_marks(value, &mut document)?;
    Ok(document)
}

fn read_marks(value: &Value, document: &mut Document) -> Result<(), Refused> {
    for one in value["annotations"].as_array().into_iter().flatten() {
        let locations = one["locations"].as_array().into_iter().flatten();
        document.annotations.push(Annotated {
            id: id(one).unwrap_or_default(),
            infons: infons(one),
            locations: locations
                .map(|place| Ok((offset(place, "offset")?, offset(place, "length")?)))
                .collect::<Result<_, Refused>>()?,
            words: one["text"].as_str().unwrap_or_default().to_owned(),
        });
    }
    for one in value["relations"].as_array().into_iter().flatten() {
        let nodes = one["nodes"].as_array().into_iter().flatten();
        let nodes = nodes.filter_map(|node| node["refid"].as_str().map(str::to_owned)).collect();
        document.relations.push(Related { infons: infons(one), nodes });
    }
    Ok(())
}

fn id(value: &Value) -> Option<String> {
    value["id"].as_str().map(str::to_owned).or_else(|| value["id"].as_u64().map(|number| number.to_string()))
}

fn infons(value: &Value) -> Vec<(String, String)> {
    let all = value["infons"].as_object().into_iter().flatten();
    all.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn collection(offset: usize) -> String {
        serde_json::json!({"source": "ours", "documents": [{"id": 7, "infons": {"note_type": "letter"}, "passages": [
            {"offset": 0, "infons": {"type": "title"}, "text": "Café visit", "annotations": []},
            {"offset": 12, "text": "Lasix for oedema.", "annotations": [
                {"id": "1", "infons": {"type": "Drug"}, "text": "Lasix", "locations": [{"offset": offset, "length": 5}]},
                {"id": "2", "infons": {"type": "Disease", "identifier": "ICD10CM:R60.9", "assertion": "possible"}, "text": "oedema",
                 "locations": [{"offset": offset + 10, "length": 6}]}
            ], "relations": [{"id": "R1", "infons": {"type": "treats"}, "nodes": [{"refid": "2", "role": ""}, {"refid": "1", "role": ""}]}]}
        ]}]})
        .to_string()
    }

    #[test]
    fn passages_annotations_and_relations_are_read() {
        // code points, and bytes: the é counts twice
        for offset in [12, 13] {
            let read = documents(&collection(offset)).expect("reads");
            let [one] = read.as_slice() else { panic!("one document") };
            assert_eq!((one.id.as_str(), one.text.as_str()), ("7", "Café visit  Lasix for oedema."));
            assert_eq!((one.spans[0].start, one.spans[0].end, one.spans[1].start), (12, 17, 22));
            assert_eq!(one.spans[1].codes, ["ICD10CM:R60.9"]);
            assert_eq!(one.spans[1].said, [("assertion".to_owned(), "possible".to_owned())]);
            assert_eq!(one.relations, [("treats".to_owned(), "2".to_owned(), "1".to_owned())]);
            assert_eq!(one.slices["note_type"], "letter");
        }
    }

    #[test]
    fn what_is_misplaced_is_refused_without_its_words() {
        let message = documents(&collection(20)).map(|_| ()).expect_err("is refused");
        assert!(message.contains("offset 20") && !message.contains("Lasix"), "{message}");
        assert!(documents("{\"documents\": [{}]}").is_err());
        assert!(documents("<collection/>").is_err());
    }
}
