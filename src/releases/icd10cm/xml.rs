//! Elements of an XML file as a stream: the elements asked for come whole, one after the other; the rest is passed over.

use quick_xml::{
    Error, Reader, XmlVersion,
    escape::resolve_xml_entity,
    events::{BytesRef, BytesStart, Event},
};

use crate::releases::{Member, ReleaseError, Result, allowance::Allowance, clean};

/// An element with what is in it.
#[derive(Debug, Default)]
pub struct Element {
    /// Its name.
    pub name: String,
    /// Line of its start tag, from 1.
    pub line: u64,
    /// Texts and elements in it, in order.
    pub parts: Vec<Part>,
    attributes: Vec<(String, String)>,
}

/// What an element holds.
#[derive(Debug)]
pub enum Part {
    /// A run of text.
    Text(String),
    /// An element.
    Element(Element),
}

impl Element {
    /// The value of an attribute.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The elements directly in it.
    pub fn elements(&self) -> impl Iterator<Item = &Element> {
        self.parts.iter().filter_map(|part| match part {
            Part::Element(element) => Some(element),
            Part::Text(_) => None,
        })
    }

    /// The elements of this name directly in it.
    pub fn children<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Element> {
        self.elements().filter(move |element| element.name == name)
    }

    /// All text in it, with single spaces.
    pub fn text(&self) -> String {
        let mut text = String::new();
        self.add_text(&mut text);
        clean(&text)
    }

    fn add_text(&self, text: &mut String) {
        for part in &self.parts {
            match part {
                Part::Text(run) => text.push_str(run),
                Part::Element(element) => element.add_text(text),
            }
        }
    }
}

/// Name of the root element, when the head of a file is the beginning of XML.
pub fn root(head: &str) -> Option<&str> {
    let mut rest = head.trim_start();
    loop {
        let tag = rest.strip_prefix('<')?;
        let skipped = if tag.starts_with("!--") {
            tag.split_once("-->")
        } else if tag.starts_with('?') {
            tag.split_once("?>")
        } else if tag.starts_with('!') {
            tag.split_once('>')
        } else {
            let end = tag.find(|c: char| c.is_whitespace() || matches!(c, '>' | '/'))?;
            return (end > 0).then(|| &tag[..end]);
        };
        rest = skipped?.1.trim_start();
    }
}

/// So many elements stand inside each other at most; those of the official releases are some fifteen.
const DEEPEST: usize = 64;

/// So many attributes an element has at most; those of the official releases have five. The reader holds each against all before it.
const MOST_ATTRIBUTES: usize = 100;

/// Calls `visit` with every element whose name is `wanted` and with the elements around it (outermost first, without their
/// contents). A wanted element inside a wanted one comes with the outer one only.
///
/// # Errors
/// The first error of `visit`, and whatever is not well-formed, with its line.
pub fn each(member: &mut Member<'_>, wanted: &[&str], mut visit: impl FnMut(&[Element], Element) -> Result<()>) -> Result<()> {
    let file = member.name;
    let stream = Allowance::new(member.reader());
    let meter = stream.meter();
    let mut reader = Reader::from_reader(stream);
    reader.config_mut().expand_empty_elements = true;
    let (mut buffer, mut open, mut whole_from): (_, Vec<Element>, _) = (Vec::new(), Vec::new(), None);
    loop {
        buffer.clear();
        if whole_from.is_none() {
            meter.renew();
        }
        let event = reader.read_event_into(&mut buffer);
        let line = meter.line();
        match event.map_err(|error| wrong(file, line, error))? {
            Event::Start(tag) => {
                let element = opened(&tag, file, line)?;
                if open.len() >= DEEPEST {
                    let message =
                        format!("is nested deeper than {DEEPEST} elements, which no release is; download the file again");
                    return Err(ReleaseError::malformed(file, line, message));
                }
                if whole_from.is_none() && wanted.contains(&element.name.as_str()) {
                    whole_from = Some(open.len());
                }
                open.push(element);
            }
            Event::End(_) => {
                let element = open.pop().expect("the reader checks that an end tag has its start tag");
                if whole_from == Some(open.len()) {
                    whole_from = None;
                    visit(&open, element)?;
                } else if whole_from.is_some() {
                    open.last_mut().expect("the whole element is open").parts.push(Part::Element(element));
                }
            }
            Event::Text(text) => add_text(&mut open, whole_from, text.xml10_content().into_owned()),
            Event::CData(text) => add_text(&mut open, whole_from, text.xml10_content().into_owned()),
            Event::GeneralRef(reference) => add_text(&mut open, whole_from, resolved(&reference, file, line)?),
            Event::Eof => break,
            _ => {}
        }
    }
    match open.last() {
        Some(element) => Err(ReleaseError::malformed(
            file,
            element.line,
            format!("<{}> is not closed: the file is cut short. Download it again", element.name),
        )),
        None => Ok(()),
    }
}

fn opened(tag: &BytesStart<'_>, file: &str, line: u64) -> Result<Element> {
    let mut attributes = Vec::new();
    for attribute in tag.attributes() {
        if attributes.len() == MOST_ATTRIBUTES {
            let message = format!(
                "an element has more than {MOST_ATTRIBUTES} attributes, which none of a release has; download the file again"
            );
            return Err(ReleaseError::malformed(file, line, message));
        }
        let attribute = attribute.map_err(|error| wrong(file, line, error.into()))?;
        let value = attribute.normalized_value(XmlVersion::Implicit1_0).map_err(|error| wrong(file, line, error))?;
        attributes.push((attribute.key.0.to_owned(), value.into_owned()));
    }
    Ok(Element { name: tag.name().0.to_owned(), line, parts: Vec::new(), attributes })
}

fn add_text(open: &mut [Element], whole_from: Option<usize>, text: String) {
    if let (Some(element), Some(_)) = (open.last_mut(), whole_from) {
        element.parts.push(Part::Text(text));
    }
}

fn resolved(reference: &BytesRef<'_>, file: &str, line: u64) -> Result<String> {
    if let Some(character) = reference.resolve_char_ref().map_err(|error| wrong(file, line, error))? {
        return Ok(character.to_string());
    }
    resolve_xml_entity(reference).map(str::to_owned).ok_or_else(|| {
        ReleaseError::malformed(file, line, format!("&{}; is no entity of XML; import the file as published", &**reference))
    })
}

fn wrong(file: &str, line: u64, error: Error) -> ReleaseError {
    match error {
        Error::Io(cause) => ReleaseError::malformed(file, line, format!("cannot be read: {cause}")),
        error => ReleaseError::malformed(file, line, format!("is no well-formed XML ({error}). Download the file again")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::releases::{Release, allowance::LARGEST_PIECE};

    fn texts(text: &str) -> Result<Vec<String>> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.xml");
        std::fs::write(&path, text).expect("written");
        let mut seen = Vec::new();
        Release::new(&[path]).each(|member| {
            each(member, &["b"], |around, element| {
                let names: Vec<&str> = around.iter().map(|element| element.name.as_str()).collect();
                seen.push(format!("{} {} {}", names.join("/"), element.line, element.text()));
                Ok(())
            })
        })?;
        Ok(seen)
    }

    #[test]
    fn elements_come_whole_with_their_line_and_entities_resolved() {
        let seen = texts("\u{feff}<?xml version=\"1.0\"?>\n<a>\n<b>one &amp;<b>\n two</b></b>x<c><b>&#233;</b></c></a>")
            .expect("read");
        assert_eq!(seen, ["a 3 one & two", "a/c 4 é"]);
    }

    #[test]
    fn what_is_not_well_formed_says_line_and_what_to_do() {
        for (text, line, word) in [
            ("<a>\n<b>one", "line 2", "cut short"),
            ("<a>\n<b>one\n</c></a>", "line 3", "well-formed"),
            ("<a>\n<b>&nbsp;</b></a>", "line 2", "entity"),
            ("<a>\n<b x=1 x=1></b></a>", "line 2", "well-formed"),
        ] {
            let message = texts(text).expect_err("refused").to_string();
            assert!(message.contains(line) && message.contains(word), "{message}");
        }
    }

    #[test]
    fn deep_and_endless_elements_are_refused() {
        let deep = texts(&format!("<a>\n{}", "<b>".repeat(100_000))).expect_err("refused").to_string();
        assert!(deep.contains("line 2: is nested deeper than 64") && deep.contains("download"), "{deep}");
        let endless = "x".repeat(usize::try_from(LARGEST_PIECE).expect("small") + (1 << 17));
        for text in
            [format!("<a>\n<b>{endless}</b></a>"), format!("<a>\n<c>{endless}</c></a>"), format!("<a>\n<c x='{endless}'/></a>")]
        {
            let message = texts(&text).expect_err("refused").to_string();
            assert!(message.contains("line 2") && message.contains("larger than 32 MB"), "{message}");
        }
    }

    #[test]
    fn entities_are_never_expanded_or_fetched_and_attributes_are_few() {
        let laughs = "<?xml version=\"1.0\"?>\n<!DOCTYPE a [<!ENTITY l \"ha\"><!ENTITY m \"&l;&l;&l;\"><!ENTITY f SYSTEM \"file:///etc/passwd\">]>\n";
        for reference in ["&l;", "&m;", "&f;"] {
            let message = texts(&format!("{laughs}<a><b>{reference}</b></a>")).expect_err("refused").to_string();
            assert!(message.contains("is no entity of XML"), "{message}");
            let message = texts(&format!("{laughs}<a><b x=\"{reference}\"/></a>")).expect_err("refused").to_string();
            assert!(message.contains("line 3"), "{message}");
        }
        let started = std::time::Instant::now();
        let many: String = (0..300_000).map(|number| format!(" a{number}=\"\"")).collect();
        let message = texts(&format!("<a>\n<b{many}></b></a>")).expect_err("refused").to_string();
        assert!(message.contains("line 2: an element has more than 100 attributes"), "{message}");
        assert!(started.elapsed() < std::time::Duration::from_secs(20), "each attribute was held against all others");
    }

    #[test]
    fn the_root_is_found_behind_declarations_and_comments() {
        assert_eq!(root("<?xml version='1.0'?>\n<!-- <x> -->\n<!DOCTYPE a>\n<a b='c'>"), Some("a"));
        assert_eq!(root("A00 Cholera <a>"), None);
        assert_eq!(root("<"), None);
    }
}
