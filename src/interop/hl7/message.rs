//! A message as segments and fields. Fields are kept as they came, so that writing gives what was read; they are taken apart when they
//! are asked for.

use super::{charset::Charset, escape::unescape};

/// The characters that separate, from MSH-1 and MSH-2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Separators {
    /// Between fields.
    pub field: char,
    /// Between components.
    pub component: char,
    /// Between repetitions.
    pub repetition: char,
    /// Around escape sequences; none when the sender escapes nothing.
    pub escape: Option<char>,
    /// Between subcomponents.
    pub subcomponent: Option<char>,
}

impl Separators {
    /// Those that everybody uses.
    pub const USUAL: Self = Self { field: '|', component: '^', repetition: '~', escape: Some('\\'), subcomponent: Some('&') };

    /// From the beginning of a message; none when it does not start with a header.
    #[must_use]
    pub fn of(text: &str) -> Option<Self> {
        let mut letters = text.strip_prefix("MSH")?.chars();
        let field = letters.next()?;
        let encoding: Vec<char> = letters.take_while(|letter| *letter != field && *letter != '\r' && *letter != '\n').collect();
        let separators = Self {
            field,
            component: *encoding.first()?,
            repetition: *encoding.get(1)?,
            escape: encoding.get(2).copied(),
            subcomponent: encoding.get(3).copied(),
        };
        let mut all = vec![field];
        all.extend(&encoding);
        let fits = |(at, letter): (usize, &char)| {
            letter.is_ascii_graphic() && !letter.is_ascii_alphanumeric() && !all[..at].contains(letter)
        };
        (encoding.len() <= 5 && all.iter().enumerate().all(fits)).then_some(separators)
    }
}

/// One segment. `Debug` prints its name only: it is PHI.
#[derive(Clone, PartialEq, Eq)]
pub struct Segment {
    /// `MSH`, `PID`, ...
    pub name: String,
    /// Fields as they came; number 0 stands for the name. Of a header, 1 and 2 are the separators.
    fields: Vec<String>,
}

/// A message. `Debug` prints names of segments only.
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    /// Its separators.
    pub separators: Separators,
    /// Its character set.
    pub charset: Charset,
    /// Its segments in order, the header first.
    pub segments: Vec<Segment>,
}

/// Why a text is no message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Malformed {
    /// It does not start with a header whose separators can be used.
    NoHeader,
    /// A line does not start with the name of a segment: a carriage return stands within a field.
    Segment {
        /// Number of the line, from 1.
        line: usize,
    },
}

impl Message {
    /// Reads a message. Segments end by a carriage return; where there is none in the whole message, by a line feed.
    ///
    /// # Errors
    /// [`Malformed`].
    pub fn read(text: &str, charset: Charset) -> Result<Self, Malformed> {
        let text = text.trim_start_matches(['\r', '\n', '\u{feff}']);
        let separators = Separators::of(text).ok_or(Malformed::NoHeader)?;
        let end = if text.contains('\r') { '\r' } else { '\n' };
        let mut segments = Vec::new();
        for (at, line) in text.split(end).enumerate() {
            let line = line.trim_start_matches('\n');
            if !line.trim().is_empty() {
                segments.push(Segment::read(line, separators.field).ok_or(Malformed::Segment { line: at + 1 })?);
            }
        }
        Ok(Self { separators, charset, segments })
    }

    /// The message as text: what was read, with a carriage return behind every segment.
    #[must_use]
    pub fn write(&self) -> String {
        let mut out = String::new();
        for segment in &self.segments {
            let field = self.separators.field;
            out.push_str(&segment.name);
            // the first field of a header is the separator itself
            for value in segment.fields.iter().skip(if segment.name == "MSH" { 2 } else { 1 }) {
                out.push(field);
                out.push_str(value);
            }
            out.push('\r');
        }
        out
    }

    /// The first segment of this name.
    #[must_use]
    pub fn first(&self, name: &str) -> Option<&Segment> {
        self.segments.iter().find(|segment| segment.name == name)
    }

    /// Every segment of this name.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Segment> {
        self.segments.iter().filter(move |segment| segment.name == name)
    }

    /// A component of the first repetition of a field of the first segment of this name, without escapes; none when it is empty.
    #[must_use]
    pub fn value(&self, name: &str, field: usize, component: usize) -> Option<String> {
        self.component(self.first(name)?, field, component)
    }

    /// A component, numbered from 1, of the first repetition of a field, without escapes; none when it is empty or says "delete" (`""`).
    #[must_use]
    pub fn component(&self, segment: &Segment, field: usize, component: usize) -> Option<String> {
        self.component_of(self.repetitions(segment, field).next()?, component)
    }

    /// A component of one repetition.
    #[must_use]
    pub fn component_of(&self, repetition: &str, component: usize) -> Option<String> {
        let raw = repetition.split(self.separators.component).nth(component.checked_sub(1)?)?;
        // of a component that has parts where one was expected, the first stands for it
        let raw = self.separators.subcomponent.map_or(raw, |between| raw.split(between).next().unwrap_or_default());
        let value = self.plain(raw);
        let value = value.trim();
        (!value.is_empty() && value != "\"\"").then(|| value.to_owned())
    }

    /// The parts of a component of one repetition, without escapes.
    #[must_use]
    pub fn subcomponents(&self, repetition: &str, component: usize) -> Vec<String> {
        let raw = repetition.split(self.separators.component).nth(component.saturating_sub(1)).unwrap_or_default();
        match self.separators.subcomponent {
            Some(between) => raw.split(between).map(|part| self.plain(part)).collect(),
            None => vec![self.plain(raw)],
        }
    }

    /// The repetitions of a field, as they came; one, empty, of a field that is not there.
    pub fn repetitions<'a>(&self, segment: &'a Segment, field: usize) -> impl Iterator<Item = &'a str> + use<'a> {
        // the separators of a header stand in it unescaped
        let whole = segment.name == "MSH" && field < 3;
        segment.raw(field).split(if whole { '\0' } else { self.separators.repetition })
    }

    /// A raw value without its escapes.
    #[must_use]
    pub fn plain(&self, raw: &str) -> String {
        unescape(raw, &self.separators, self.charset)
    }
}

impl Segment {
    /// A segment with these fields, which are escaped already.
    #[must_use]
    pub fn of(name: &str, fields: impl IntoIterator<Item = String>) -> Self {
        Self { name: name.to_owned(), fields: std::iter::once(name.to_owned()).chain(fields).collect() }
    }

    /// A field as it came; empty when it is not there.
    #[must_use]
    pub fn raw(&self, field: usize) -> &str {
        self.fields.get(field).map_or("", String::as_str)
    }

    fn read(line: &str, separator: char) -> Option<Self> {
        let mut parts = line.split(separator);
        let name = parts.next().filter(|name| is_name(name))?.to_owned();
        let mut fields = vec![name.clone()];
        if name == "MSH" {
            fields.push(separator.to_string());
        }
        fields.extend(parts.map(str::to_owned));
        Some(Self { name, fields })
    }
}

fn is_name(word: &str) -> bool {
    let mut letters = word.chars();
    let upper = letters.next().is_some_and(|letter| letter.is_ascii_uppercase());
    upper && word.len() == 3 && letters.all(|letter| letter.is_ascii_uppercase() || letter.is_ascii_digit())
}

impl std::fmt::Debug for Segment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}({} fields)", self.name, self.fields.len())
    }
}

impl std::fmt::Debug for Message {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(&self.segments).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MESSAGE: &str = "MSH|^~\\&|EHR|NORTH|ABSTRACTOR|HIM|20260504101500||MDM^T02^MDM_T02|C1|P|2.5.1\r\
        PID|1||4711^^^NORTH^MR~9^^^STATE^SS||Roe^Jane^Q||19500228|F\rOBX|1|TX|||Mild \\T\\ stable~second line\r";

    fn read(text: &str) -> Result<Message, Malformed> {
        Message::read(text, Charset::UNNAMED)
    }

    #[test]
    fn values_are_found_where_they_stand() {
        let message = read(MESSAGE).expect("reads");
        assert_eq!(message.write(), MESSAGE);
        for (name, field, component, value) in [
            ("MSH", 1, 1, Some("|")),
            ("MSH", 3, 1, Some("EHR")),
            ("MSH", 9, 2, Some("T02")),
            ("MSH", 12, 1, Some("2.5.1")),
            ("PID", 3, 1, Some("4711")),
            ("PID", 3, 4, Some("NORTH")),
            ("PID", 3, 9, None),
            ("PID", 99, 1, None),
            ("PID", 3, 0, None),
            ("ZZZ", 3, 1, None),
            ("OBX", 5, 1, Some("Mild & stable")),
        ] {
            assert_eq!(message.value(name, field, component).as_deref(), value, "{name}-{field}.{component}");
        }
        let identifiers: Vec<&str> = message.repetitions(message.first("PID").expect("a PID"), 3).collect();
        assert_eq!(identifiers, ["4711^^^NORTH^MR", "9^^^STATE^SS"]);
    }

    #[test]
    fn other_separators_and_line_ends() {
        let message = read("MSH#*+!%#EHR#\r\nPID#1##A!F!1*B%C*D+E#\r\n").expect("reads");
        assert_eq!(message.value("PID", 3, 1).as_deref(), Some("A#1"));
        assert_eq!(message.subcomponents(message.first("PID").expect("a PID").raw(3), 2), ["B", "C"]);
        let message = read("MSH|^~\\&|EHR\nPID|1||7\n").expect("line feeds alone");
        assert_eq!(message.value("PID", 3, 1).as_deref(), Some("7"));
        let message = read("MSH|^~\\&|EHR\rOBX|1|TX|||one\ntwo\r").expect("a line feed within a field");
        assert_eq!(message.value("OBX", 5, 1).as_deref(), Some("one\ntwo"));
        assert!(read("MSH|^~|EHR\r").is_ok(), "no escapes at all");
    }

    #[test]
    fn what_is_no_message() {
        for text in ["", "MSH", "MSH|", "MSH|^", "PID|1\rMSH|^~\\&|", "MSH|^^\\&|", "MSHA^~\\&|", "MSH|^~\\&#!?|", "\u{1F600}"]
        {
            assert_eq!(read(text), Err(Malformed::NoHeader), "{text}");
        }
        let torn = read("MSH|^~\\&|EHR\rOBX|1|TX|||The first line\rand the second\r");
        assert_eq!(torn, Err(Malformed::Segment { line: 3 }));
    }
}
