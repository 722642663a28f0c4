//! BioC XML: the same documents as [`bioc_json`](super::bioc_json), as elements.

use quick_xml::{
    Reader,
    events::{BytesStart, Event},
};

use super::{
    Marked, Refused,
    bioc_json::{Annotated, Document, Related},
};

/// The documents of a BioC XML file.
pub(super) fn documents(text: &str) -> Result<Vec<Marked>, Refused> {
    let mut reader = Reader::from_str(text);
    let mut state = State::default();
    loop {
        let place = reader.buffer_position();
        let wrong = |error: quick_xml::Error| {
            // the error itself may quote the text
            let _ = error;
            format!("no well-formed XML at byte {place}")
        };
        match reader.read_event().map_err(wrong)? {
            Event::Start(element) => state.open(&element)?,
            Event::Empty(element) => {
                state.open(&element)?;
                state.close(element.name().as_ref())?;
            }
            Event::Text(words) => state.words.push_str(&words),
            Event::CData(words) => state.words.push_str(&words),
            Event::GeneralRef(reference) => {
                let resolved = match reference.resolve_char_ref() {
                    Ok(Some(letter)) => Some(letter.to_string()),
                    _ => quick_xml::escape::resolve_xml_entity(&reference).map(str::to_owned),
                };
                state.words.push_str(&resolved.ok_or_else(|| format!("an unknown character reference at byte {place}"))?);
            }
            Event::End(element) => state.close(element.name().as_ref())?,
            Event::Eof => break,
            _ => {}
        }
    }
    if state.done.is_empty() {
        return Err("it holds no <document>; is it BioC XML?".to_owned());
    }
    state.done.into_iter().map(Document::marked).collect()
}

/// What is being read.
#[derive(Default)]
struct State {
    done: Vec<Document>,
    document: Document,
    annotation: Option<Annotated>,
    relation: Option<Related>,
    in_passage: bool,
    offset: usize,
    infon: String,
    words: String,
}

impl State {
    fn open(&mut self, element: &BytesStart<'_>) -> Result<(), Refused> {
        self.words.clear();
        match element.name().as_ref() {
            "document" => self.document = Document::default(),
            "passage" => self.in_passage = true,
            "annotation" => self.annotation = Some(Annotated { id: attribute(element, "id"), ..Annotated::default() }),
            "relation" => self.relation = Some(Related::default()),
            "infon" => self.infon = attribute(element, "key"),
            "location" => {
                let number = |name: &str| attribute(element, name).parse().map_err(|_| format!("a <location> has no `{name}`"));
                let place = (number("offset")?, number("length")?);
                if let Some(annotation) = &mut self.annotation {
                    annotation.locations.push(place);
                }
            }
            "node" => {
                let id = attribute(element, "refid");
                if let Some(relation) = &mut self.relation {
                    relation.nodes.push(id);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn close(&mut self, name: &str) -> Result<(), Refused> {
        let words = std::mem::take(&mut self.words);
        match name {
            "document" => self.done.push(std::mem::take(&mut self.document)),
            "passage" => self.in_passage = false,
            "annotation" => self.document.annotations.extend(self.annotation.take()),
            "relation" => self.document.relations.extend(self.relation.take()),
            "id" if self.annotation.is_none() => words.trim().clone_into(&mut self.document.id),
            "offset" => self.offset = words.trim().parse().map_err(|_| "an <offset> is not a whole number".to_owned())?,
            "infon" => {
                let infon = (std::mem::take(&mut self.infon), words);
                match (&mut self.annotation, &mut self.relation) {
                    (Some(annotation), _) => annotation.infons.push(infon),
                    (None, Some(relation)) => relation.infons.push(infon),
                    (None, None) if !self.in_passage => self.document.infons.push(infon),
                    (None, None) => {}
                }
            }
            "text" => match &mut self.annotation {
                Some(annotation) => annotation.words = words,
                None if self.in_passage => self.document.passages.push((self.offset, words)),
                None => {}
            },
            _ => {}
        }
        Ok(())
    }
}

fn attribute(element: &BytesStart<'_>, name: &str) -> String {
    let found = element.attributes().flatten().find(|attribute| attribute.key.as_ref() == name);
    found.map(|attribute| attribute.value.into_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<collection><source>ours</source><document><id>n-1</id><infon key="note_type">letter</infon>
<passage><infon key="type">body</infon><offset>0</offset><text>Lasix &amp; salt for &#111;edema.</text>
<annotation id="1"><infon key="type">Drug</infon><location offset="0" length="5"/><text>Lasix</text></annotation>
<annotation id="2"><infon key="type">Disease</infon><infon key="identifier">ICD10CM:R60.9</infon><location offset="17" length="6"></location><text>oedema</text></annotation>
<relation id="R1"><infon key="type">treats</infon><node refid="2" role="a"/><node refid="1" role="b"/></relation>
</passage></document></collection>"#;

    #[test]
    fn a_document_is_read_with_its_references_resolved() {
        let read = documents(FILE).expect("reads");
        let [one] = read.as_slice() else { panic!("one document") };
        assert_eq!((one.id.as_str(), one.text.as_str()), ("n-1", "Lasix & salt for oedema."));
        assert_eq!(one.slices["note_type"], "letter");
        assert_eq!((one.spans[0].label.as_str(), one.spans[1].start, one.spans[1].end), ("Drug", 17, 23));
        assert_eq!(one.spans[1].codes, ["ICD10CM:R60.9"]);
        assert_eq!(one.relations, [("treats".to_owned(), "2".to_owned(), "1".to_owned())]);
    }

    #[test]
    fn what_is_no_bioc_is_refused() {
        for (text, said) in [
            ("<collection></collection>".to_owned(), "no <document>"),
            (FILE.replace("</text>\n<annotation", "</texts>\n<annotation"), "well-formed"),
            (FILE.replace("&amp;", "&lasix;"), "character reference"),
            (FILE.replace("offset=\"17\"", "offset=\"x\""), "`offset`"),
        ] {
            let message = documents(&text).map(|_| ()).expect_err("is refused");
            assert!(message.contains(said), "{message}");
        }
    }
}
