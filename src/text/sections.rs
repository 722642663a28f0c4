//! Sections: headings found with or without line breaks, numbered, bold, in capitals or slightly misspelt.
//!
//! A heading is looked for where a line or a sentence begins. Known headings (`vocabularies/sections.tsv`) open a section
//! of their kind; words in capitals with a colon that no row names open one of kind `other`; sub-headings ("HEENT:" under
//! the examination) open a section that keeps the kind of the one around it.

use std::collections::{BTreeSet, HashMap};

use super::Section;
use crate::domain::{SectionCode, Span, system, table, table::TableError};

/// Kind of the text before the first heading.
const UNSPECIFIED: &str = "unspecified";
/// Kind of a heading in capitals that no row names.
const OTHER: &str = "other";
/// Rows of this kind keep the kind of the section around them.
const SUBHEADING: &str = "subheading";
/// Longest heading, in bytes; what is longer is a sentence.
const LONGEST: usize = 72;
/// Headings at least this long, in bytes, are found with one slip of the typist.
const FORGIVEN: usize = 9;

/// Headings and the kinds they open.
#[derive(Debug, Default)]
pub struct SectionTable {
    kinds: HashMap<String, String>,
    codes: HashMap<String, SectionCode>,
}

impl SectionTable {
    /// Reads the table `sections.tsv` (columns `kind`, `heading`).
    ///
    /// # Errors
    /// A missing column, an empty kind or heading, or a heading given twice; the error names the line.
    pub fn parse(text: &str) -> Result<Self, TableError> {
        let mut kinds = HashMap::new();
        table::read("sections.tsv", text, |row| {
            let (kind, heading) = (row.get("kind")?, normal(row.get("heading")?));
            if kind.is_empty() || heading.is_empty() {
                return Err(row.error("kind and heading must both be given"));
            }
            if kinds.insert(heading.clone(), kind.to_owned()).is_some() {
                return Err(row.error(format!("the heading {heading:?} stands twice")));
            }
            Ok(())
        })?;
        Ok(Self { kinds, codes: HashMap::new() })
    }

    /// Adds the LOINC codes of the kinds, from the table `section_codes.tsv` (columns `kind`, `code`, `display`).
    ///
    /// # Errors
    /// A missing column, or a kind that no heading opens; the error names the line.
    pub fn with_codes(mut self, text: &str) -> Result<Self, TableError> {
        let mut codes = HashMap::new();
        table::read("section_codes.tsv", text, |row| {
            let (kind, code, display) = (row.get("kind")?, row.get("code")?, row.get("display")?);
            if !self.kinds.values().any(|known| known == kind) {
                return Err(row.error(format!("no heading opens a section of kind {kind:?}")));
            }
            let code = SectionCode { system: system::LOINC.to_owned(), code: code.to_owned(), display: display.to_owned() };
            codes.insert(kind.to_owned(), code);
            Ok(())
        })?;
        self.codes = codes;
        Ok(self)
    }

    /// The LOINC code of a kind of section.
    #[must_use]
    pub fn code(&self, kind: &str) -> Option<&SectionCode> {
        self.codes.get(kind)
    }

    /// The kind that these words open as a heading, if any row names them. Case, punctuation and a bracketed remark do not matter.
    #[must_use]
    pub fn kind(&self, heading: &str) -> Option<&str> {
        let words = normal(heading);
        self.kinds.get(&words).or_else(|| self.kinds.get(&normal(&without_brackets(heading)))).map(String::as_str)
    }

    /// All kinds of the table, sorted.
    #[must_use]
    pub fn kinds(&self) -> Vec<&str> {
        self.kinds.values().map(String::as_str).collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// [`Self::kind`], forgiving one slip in a long heading and words around a heading it knows ("KNEE EXAMINATION").
    fn kind_loosely(&self, heading: &str) -> Option<&str> {
        if let Some(kind) = self.kind(heading) {
            return Some(kind);
        }
        let words = normal(&without_brackets(heading));
        if words.len() >= FORGIVEN
            && let Some((_, kind)) = self
                .kinds
                .iter()
                .filter(|(known, _)| known.len() >= FORGIVEN && known.len().abs_diff(words.len()) <= 1)
                .filter(|(known, _)| one_slip(known, &words))
                .min_by_key(|(known, _)| known.as_str())
        {
            return Some(kind);
        }
        self.kind_of_part(&words)
    }

    /// The kind of the longest known beginning ("ALLERGIES TO ..."), or of a telling last word.
    fn kind_of_part(&self, words: &str) -> Option<&str> {
        let parts: Vec<&str> = words.split(' ').collect();
        for end in (1..parts.len()).rev() {
            let beginning = parts[..end].join(" ");
            if (end > 1 || ["allergies", "medications", "indications", "impression", "complications"].contains(&parts[0]))
                && let Some(kind) = self.kinds.get(&beginning)
                && kind != SUBHEADING
            {
                return Some(kind);
            }
        }
        let last = parts.last()?;
        ["examination", "exam", "medications", "allergies", "diagnosis", "diagnoses", "studies", "immunizations"]
            .contains(last)
            .then(|| self.kinds.get(*last).map(String::as_str))
            .flatten()
    }
}

/// Lower-case words with single spaces; `&` is "and".
fn normal(heading: &str) -> String {
    let spelled = heading.replace('&', " and ").to_lowercase();
    spelled.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// The heading without a remark in brackets: "MEDICATIONS (AT HOME)" is "MEDICATIONS ".
fn without_brackets(heading: &str) -> String {
    match (heading.find('('), heading.rfind(')')) {
        (Some(open), Some(close)) if open < close => format!("{}{}", &heading[..open], &heading[close + 1..]),
        _ => heading.to_owned(),
    }
}

/// True when one letter inserted, left out, changed or swapped with its neighbour makes `left` of `right`.
pub(crate) fn one_slip(left: &str, right: &str) -> bool {
    let (left, right) = (left.as_bytes(), right.as_bytes());
    let same = left.iter().zip(right).take_while(|(a, b)| a == b).count();
    let (left, right) = (&left[same..], &right[same..]);
    match left.len().cmp(&right.len()) {
        std::cmp::Ordering::Greater => left.get(1..) == Some(right),
        std::cmp::Ordering::Less => right.get(1..) == Some(left),
        std::cmp::Ordering::Equal => {
            left.is_empty()
                || left[1..] == right[1..]
                || (left.len() > 1 && left[0] == right[1] && left[1] == right[0] && left[2..] == right[2..])
        }
    }
}

/// A heading found in the text.
struct Heading {
    /// Where its markup or numbering starts: the end of the section before.
    from: usize,
    title: Span,
    body_start: usize,
    kind: String,
}

/// What stands before a place where a heading may begin.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Line,
    Sentence,
    /// After a comma or a plain space: only headings in capitals.
    Running,
}

/// Splits `text` into its sections, in order: the first has no title when the note does not open with a heading.
#[must_use]
pub fn split_sections(text: &str, table: &SectionTable) -> Vec<Section> {
    let mut sections: Vec<Section> =
        vec![Section { kind: UNSPECIFIED.to_owned(), title: None, body: Span::new(0, text.len()) }];
    let mut taken = 0;
    for (place, start) in places(text) {
        if start < taken {
            continue;
        }
        let parent = sections.last().map_or(UNSPECIFIED, |section| section.kind.as_str());
        let Some(heading) = heading_at(text, table, (place, start), parent) else { continue };
        taken = heading.body_start;
        if let Some(before) = sections.last_mut() {
            before.body.end = heading.from.max(before.body.start);
        }
        if sections.len() == 1 && sections[0].title.is_none() && sections[0].body.of(text).trim().is_empty() {
            sections.clear();
        }
        sections.push(Section {
            kind: heading.kind,
            title: Some(heading.title),
            body: Span::new(heading.body_start, text.len()),
        });
    }
    sections
}

/// Every place where a heading may begin.
fn places(text: &str) -> Vec<(Place, usize)> {
    let mut out = vec![(Place::Line, 0)];
    // `last` is the character before white space, `before` the one before that: "2." numbers an item and ends nothing
    let (mut before, mut last) = ('\n', '\n');
    let mut gap = false;
    for (index, character) in text.char_indices() {
        if character == '\n' || character == '\r' {
            out.push((Place::Line, index + 1));
            (last, gap) = ('\n', false);
        } else if character.is_whitespace() {
            gap = true;
        } else {
            if last != '\n' {
                match last {
                    '.' if before.is_ascii_digit() => out.push((Place::Running, index)),
                    '.' | ';' | '!' | '?' | ')' | '"' | '\u{201D}' | '*' | '_' | '\u{2022}' if gap || last == '*' => {
                        out.push((Place::Sentence, index));
                    }
                    ',' => out.push((Place::Running, index)),
                    _ if gap && character.is_uppercase() => out.push((Place::Running, index)),
                    _ => {}
                }
            }
            (before, last, gap) = (last, character, false);
        }
    }
    out
}

/// Skips markup, bullets and numbering; the second value says whether there was a number.
fn after_marker(line: &str) -> (usize, bool) {
    let markup = |rest: &str| -> usize {
        rest.len()
            - rest
                .trim_start_matches(|c: char| {
                    c == ' ' || c == '\t' || matches!(c, '*' | '_' | '#' | '>' | '\u{2022}' | '\u{A0}')
                })
                .len()
    };
    let first = markup(line);
    let rest = &line[first..];
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let letters = rest.bytes().take_while(u8::is_ascii_uppercase).count();
    let label = match (digits, letters) {
        (1..=2, _) => digits,
        (0, 1) => 1,
        (0, 2..=4) if rest[..letters].bytes().all(|b| matches!(b, b'I' | b'V' | b'X')) => letters,
        _ => return (first, false),
    };
    let mut after = rest[label..].chars();
    if matches!(after.next(), Some('.' | ')')) && after.next().is_some_and(|c| c.is_whitespace() || c == '*') {
        let here = first + label + 1;
        return (here + markup(&line[here..]), true);
    }
    (first, false)
}

/// The heading that begins at `start`, if there is one.
fn heading_at(text: &str, table: &SectionTable, (place, start): (Place, usize), parent: &str) -> Option<Heading> {
    let line = window(text, start).split(['\n', '\r']).next().unwrap_or_default();
    let (skipped, numbered) = if place == Place::Line { after_marker(line) } else { (0, false) };
    let from = start + skipped;
    let line = &line[skipped..];
    if !line.starts_with(|c: char| c.is_alphabetic()) {
        return None;
    }
    let (length, sign) = extent(line)?;
    let words = line[..length].trim_end_matches([' ', '\t', '*', '_', '\u{A0}']);
    let words = if sign == Sign::End { words.trim_end_matches(['.', ' ']) } else { words };
    let candidate = Candidate {
        words,
        sign,
        place,
        numbered,
        caps: is_caps(words),
        alone: place == Place::Line && stands_alone(text, from, line),
    };
    let kind = candidate.kind(table, parent)?;
    let after = &line[length..];
    let separators = after.len()
        - after
            .trim_start_matches(|c: char| c.is_whitespace() || matches!(c, ':' | '*' | '_' | '-' | '\u{2013}' | '\u{2014}'))
            .len();
    let mut body_start = from + length + separators;
    if body_start == from + line.len() {
        body_start += text[body_start..].len() - text[body_start..].trim_start().len();
    }
    Some(Heading { from: if skipped > 0 { start } else { from }, title: Span::new(from, from + words.len()), body_start, kind })
}

/// What stands at `start`, as far as a heading can reach: a note may be one line of megabytes.
fn window(text: &str, start: usize) -> &str {
    let end = (start + 6 * LONGEST).min(text.len());
    (end..text.len()).chain([text.len()]).find_map(|end| text.get(start..end)).unwrap_or_default()
}

/// What follows the words of a possible heading.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sign {
    Colon,
    Dash,
    /// A tab or a run of spaces: the first column of a form.
    Gap,
    /// The end of the line.
    End,
    /// Nothing but words in small letters: weak.
    Words,
}

/// How far the words go and what ends them.
fn extent(line: &str) -> Option<(usize, Sign)> {
    let mut depth = 0;
    let mut caps_end = 0;
    for (index, character) in line.char_indices() {
        if index > LONGEST {
            return (caps_end > 0).then_some((caps_end, Sign::Words));
        }
        match character {
            ':' if depth <= 0 => return Some((index, Sign::Colon)),
            '(' => depth += 1,
            ')' => depth -= 1,
            '-' | '\u{2013}' | '\u{2014}' if line[index..].chars().nth(1).is_none_or(char::is_whitespace) && index > 1 => {
                return Some((index, Sign::Dash));
            }
            '\t' => return Some((index, Sign::Gap)),
            ' ' if index > 1 && line[index..].starts_with("   ") && !line[index..].trim_start().is_empty() => {
                return Some((index, Sign::Gap));
            }
            '.' | ';' | '?' | '!' if line[index + 1..].starts_with(char::is_whitespace) => {
                return (caps_end > 0).then_some((caps_end, Sign::Words));
            }
            _ => {}
        }
        if character == ' ' && is_caps(&line[..index]) && index > 2 {
            caps_end = index;
        }
    }
    if caps_end > 0 && !is_caps(line) {
        return Some((caps_end, Sign::Words));
    }
    Some((line.trim_end().len(), Sign::End))
}

/// True when there are letters and all of them are capitals (a plural "s" after a slash or in brackets aside).
fn is_caps(words: &str) -> bool {
    let words = words.replace("(s)", "");
    words.chars().any(char::is_alphabetic) && !words.chars().any(char::is_lowercase)
}

/// True when the line stands after an empty line, at the start, or in markup.
fn stands_alone(text: &str, from: usize, line: &str) -> bool {
    let before = text[..from].trim_end_matches([' ', '\t']);
    let marked = before.ends_with(['*', '#', '_']) || line.trim_end().ends_with("**");
    let mut lines = before.rsplit('\n');
    let own = lines.next().unwrap_or_default();
    marked || (own.trim().is_empty() && lines.next().is_none_or(|above| above.trim().is_empty()))
}

/// A possible heading with everything that decides whether it is one.
struct Candidate<'a> {
    words: &'a str,
    sign: Sign,
    place: Place,
    numbered: bool,
    caps: bool,
    alone: bool,
}

impl Candidate<'_> {
    /// Its kind when it is a heading.
    fn kind(&self, table: &SectionTable, parent: &str) -> Option<String> {
        let count = self.words.split_whitespace().count();
        if self.words.len() < 2 && self.sign != Sign::Colon || count > 9 {
            return None;
        }
        let known = if self.sign == Sign::Colon && (self.caps || self.place == Place::Line) {
            table.kind_loosely(self.words).filter(|_| self.caps || !self.wordy())
        } else if self.sign == Sign::End && (self.alone || self.caps) {
            table.kind(self.words).or_else(|| table.kind_loosely(self.words).filter(|_| self.caps && self.alone && count < 5))
        } else {
            table.kind(self.words)
        };
        match known {
            Some(SUBHEADING) => self.is_sub(parent).then(|| kept(parent).to_owned()),
            Some(kind) => self.is_known(kind, count).then(|| kind.to_owned()),
            None => self.is_unknown(count).then(|| if keeps_unknown(parent) { parent } else { OTHER }.to_owned()),
        }
    }

    fn is_known(&self, kind: &str, count: usize) -> bool {
        let short = self.words.len() < 4;
        let titled = self.words.starts_with(char::is_uppercase);
        match (self.sign, self.place) {
            (Sign::Colon, Place::Line) => self.words.len() > 1 || self.caps,
            (Sign::Colon, Place::Sentence) => self.caps || (!short && (titled || count > 1)),
            (Sign::Colon, Place::Running) => self.caps && (count > 1 || self.words.len() > 4),
            (Sign::Dash, Place::Line) => (self.caps || titled) && !self.numbered && self.words.len() > 1,
            (Sign::Gap, Place::Line) => (self.caps || titled) && !self.numbered && self.words.len() > 1,
            (Sign::Dash, Place::Sentence) => self.caps && !short,
            (Sign::End, Place::Line) => {
                !short && kind != "administrative" && (self.caps || (titled && (self.alone || count > 1))) && !self.numbered
                    || (self.numbered && self.caps && count > 1)
                    || (self.caps && self.alone)
            }
            (Sign::Words, Place::Line) => self.caps && count > 1,
            _ => false,
        }
    }

    fn is_sub(&self, parent: &str) -> bool {
        let inside = keeps_sub(parent);
        match (self.sign, self.place) {
            (Sign::Colon, Place::Line) => !self.numbered || inside,
            (Sign::Colon, Place::Sentence) => {
                self.words.starts_with(char::is_uppercase) && (self.caps && self.words.len() > 2 || inside)
            }
            (Sign::Colon, Place::Running) => self.caps && self.words.len() > 3,
            (Sign::Dash, Place::Line) => inside && self.words.starts_with(char::is_uppercase),
            (Sign::End, Place::Line) => {
                matches!(parent, "physical_examination" | "review_of_systems" | "objective")
                    && !self.numbered
                    && self.words.starts_with(char::is_uppercase)
            }
            _ => false,
        }
    }

    fn is_unknown(&self, count: usize) -> bool {
        self.sign == Sign::Colon
            && self.caps
            && !self.numbered
            && self.place != Place::Running
            && count <= 6
            && self.words.len() > 2
            && !self.wordy()
    }

    /// True when the words read as a clause and not as a heading.
    fn wordy(&self) -> bool {
        self.words.split_whitespace().any(|word| {
            ["is", "was", "are", "were", "has", "had", "have", "he", "she", "patient", "showed", "shows", "no", "not", "will"]
                .iter()
                .any(|plain| word.eq_ignore_ascii_case(plain))
        })
    }
}

/// Sections in which sub-headings are at home.
fn keeps_sub(parent: &str) -> bool {
    keeps_unknown(parent) || matches!(parent, "family_history" | "subjective" | "problem_list" | "history_of_present_illness")
}

/// Sections in which unknown words in capitals are sub-headings too.
fn keeps_unknown(parent: &str) -> bool {
    matches!(
        parent,
        "physical_examination"
            | "review_of_systems"
            | "objective"
            | "assessment"
            | "plan"
            | "assessment_and_plan"
            | "impression"
            | "hospital_course"
            | "imaging"
            | "laboratory"
            | "diagnostic_studies"
    )
}

/// The kind a sub-heading has inside `parent`; outside a section that has sub-headings it opens the examination.
fn kept(parent: &str) -> &str {
    if keeps_sub(parent) { parent } else { "physical_examination" }
}

#[cfg(test)]
#[path = "sections_tests.rs"]
mod tests;
