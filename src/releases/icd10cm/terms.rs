//! The terms of the Alphabetic Index, the Table of Neoplasms and the Table of Drugs and Chemicals. All three are XML files with the
//! root `ICD10CM.index`; what the heading of the first column says (`indexHeading`) tells them apart, and the indexes have none.
//!
//! ```text
//! <letter> <title>A</title>
//!   <mainTerm> <title>Abasia<nemod>(-astasia) (hysterical)</nemod></title> <code>F44.4</code>
//!     <term level="1"> <title>basilar NEC</title> ... <term level="2"> ... </term> </term>
//!   </mainTerm>
//! ```
//!
//! `nemod` holds modifiers that do not change the code, each in brackets; a few hold words between the brackets, which belong to
//! the title.

use super::{
    Remarks, is_code_or_stem,
    xml::{self, Element, Part},
};
use crate::releases::{Member, Output, Release, ReleaseError, Result, Summary, Table, clean};

/// Between the levels of a path.
pub const LEVEL: &str = " > ";

/// Which of the files with the root `ICD10CM.index` a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The Index to Diseases and Injuries.
    Terms,
    /// The External Cause Index.
    ExternalCauses,
    /// The Table of Neoplasms.
    Neoplasms,
    /// The Table of Drugs and Chemicals.
    Drugs,
}

/// A term with its place.
#[derive(Debug)]
pub struct Term<'a> {
    /// How many terms it stands below.
    pub depth: usize,
    /// Titles of the levels without their nonessential modifiers, joined by [`LEVEL`].
    pub path: String,
    /// Its nonessential modifiers, without brackets.
    pub nonessential: Vec<String>,
    /// Where it sends the reader ("see"), alternatives joined by `|`.
    pub see: String,
    /// The element.
    pub element: &'a Element,
}

impl Term<'_> {
    /// Texts of the elements of this name, joined by `|`.
    pub fn texts(&self, name: &str) -> String {
        self.element.children(name).map(Element::text).filter(|text| !text.is_empty()).collect::<Vec<_>>().join("|")
    }

    /// Whether there are terms below it.
    pub fn has_terms(&self) -> bool {
        self.element.children("term").next().is_some()
    }
}

/// The kind of a file, when its root is `ICD10CM.index`.
pub fn kind(head: &str) -> Option<Kind> {
    if xml::root(head) != Some("ICD10CM.index") {
        return None;
    }
    let Some((_, heading)) = head.split_once("<indexHeading") else {
        return Some(if is_of_external_causes(head) { Kind::ExternalCauses } else { Kind::Terms });
    };
    let first = heading.split_once("<head ")?.1.split_once('>')?.1.split('<').next()?.trim().to_lowercase();
    match first.as_str() {
        "neoplasm" => Some(Kind::Neoplasms),
        "substance" => Some(Kind::Drugs),
        _ => None,
    }
}

/// By its title; without one, by its first codes, which begin with V to Y.
fn is_of_external_causes(head: &str) -> bool {
    let title = head.split_once("<title>").and_then(|(_, behind)| behind.split_once("</title>")).map(|(title, _)| title);
    let title = title.unwrap_or_default().to_lowercase();
    if title.contains("external cause") || title.contains("disease") {
        return title.contains("external cause");
    }
    let codes: Vec<&str> = head.split("<code>").skip(1).map(str::trim_start).collect();
    !codes.is_empty() && codes.iter().all(|code| code.starts_with(['V', 'W', 'X', 'Y']))
}

/// Calls `visit` with the terms of a file, each before those below it; gives the version the file says.
pub fn each(member: &mut Member<'_>, visit: &mut dyn FnMut(&Term<'_>) -> Result<()>) -> Result<String> {
    let file = member.name;
    let mut version = String::new();
    xml::each(member, &["version", "mainTerm"], |_, element| match element.name.as_str() {
        "version" => {
            version = element.text();
            Ok(())
        }
        _ => below((file, &[]), &element, visit),
    })?;
    Ok(version)
}

fn below((file, above): (&str, &[&str]), element: &Element, visit: &mut dyn FnMut(&Term<'_>) -> Result<()>) -> Result<()> {
    let title = element.children("title").next().map(title).unwrap_or_default();
    if title.text.is_empty() {
        return Err(ReleaseError::malformed(
            file,
            element.line,
            format!("<{}> has no <title>; import the file as published", element.name),
        ));
    }
    let titles = [above, &[title.text.as_str()]].concat();
    let (depth, path, see) = (above.len(), titles.join(LEVEL), see(element, &title.see));
    visit(&Term { depth, path, nonessential: title.nonessential, see, element })?;
    element.children("term").try_for_each(|child| below((file, &titles), child, visit))
}

/// "see", "see category T71" and "see subcategory T75.0" have elements of their own.
fn see(element: &Element, in_title: &[String]) -> String {
    let named = |name, before: &'static str| element.children(name).map(move |see| clean(&format!("{before} {}", see.text())));
    let mut all: Vec<String> =
        named("see", "").chain(named("seecat", "category")).chain(named("subcat", "subcategory")).collect();
    all.extend_from_slice(in_title);
    all.retain(|see| !see.is_empty());
    all.join("|")
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Title {
    text: String,
    nonessential: Vec<String>,
    see: Vec<String>,
}

fn title(element: &Element) -> Title {
    let (mut text, mut groups) = (String::new(), Vec::new());
    for part in &element.parts {
        match part {
            Part::Text(run) => text.push_str(run),
            Part::Element(modifiers) if modifiers.name == "nemod" => {
                let (between, inside) = outside_and_inside_brackets(&modifiers.text());
                text.push_str(&between);
                groups.extend(inside);
            }
            Part::Element(other) => text.push_str(&other.text()),
        }
    }
    // One title of the Table of Neoplasms has its "see" among the modifiers.
    let (see, nonessential) = groups.into_iter().partition::<Vec<_>, _>(|group| group.starts_with("see "));
    let see = see.iter().map(|group| group["see ".len()..].to_owned()).collect();
    Title { text: without_nec(&text), nonessential, see }
}

/// The text outside of brackets, and the texts of the outermost brackets without any bracket. Text that has none is a modifier.
fn outside_and_inside_brackets(text: &str) -> (String, Vec<String>) {
    if !text.contains('(') {
        return (String::new(), vec![text.to_owned()]);
    }
    let (mut outside, mut inside, mut depth) = (String::new(), Vec::new(), 0_usize);
    for character in text.chars() {
        match character {
            '(' => {
                if depth == 0 {
                    inside.push(String::new());
                }
                depth += 1;
            }
            ')' => depth = depth.saturating_sub(1),
            _ if depth == 0 => outside.push(character),
            _ => inside.last_mut().expect("a bracket is open").push(character),
        }
    }
    if outside.trim().is_empty() {
        outside.clear();
    }
    let inside = inside.iter().map(|group| clean(group)).filter(|group| !group.is_empty()).collect();
    (outside, inside)
}

/// Without "NEC" (not elsewhere classified), which says how the code was made and not what the term means.
fn without_nec(text: &str) -> String {
    let mut kept: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match (word, kept.last_mut()) {
            ("NEC", _) => {}
            ("NEC,", Some(before)) => before.push(','),
            _ => kept.push(word.to_owned()),
        }
    }
    kept.join(" ")
}

/// A table with six columns of codes beside the term.
pub struct Columns {
    /// The file that has them.
    pub kind: Kind,
    /// What the file is called, for messages.
    pub wanted: &'static str,
    /// Our table: path, six columns of codes, see.
    pub table: Table,
}

/// Reads a table with six columns of codes. Terms without a code and without a "see" are headings and notes and have no row; but a last term
/// without any cell of its own says no more than the heading above it, whose codes it has. A single cell that is missing or has a dash
/// says that there is no such code ("skin, basal cell carcinoma" is never benign).
pub fn import_columns(release: &Release, out: &mut dyn Output, columns: &Columns) -> Result<Summary> {
    let (mut found, mut remarks) = (None, Remarks::default());
    release.each(|member| {
        if kind(&member.head()?) != Some(columns.kind) {
            return Ok(());
        }
        let file = member.name;
        // the cells of the term that is read and of those above it, the main term first
        let mut headings: Vec<[String; 6]> = Vec::new();
        let version = each(member, &mut |term| {
            let mut cells = cells(file, term.element, &mut remarks)?;
            headings.truncate(term.depth);
            let says_nothing =
                term.element.children("cell").next().is_none() && term.see.is_empty() && term.texts("seeAlso").is_empty();
            let is_note = term.path.rsplit(LEVEL).next().is_some_and(|title| title.starts_with("Note"));
            if says_nothing
                && !term.has_terms()
                && !is_note
                && let Some(inherited) = headings.last()
            {
                cells.clone_from(inherited);
            }
            headings.push(cells.clone());
            if cells.iter().all(String::is_empty) && term.see.is_empty() {
                return Ok(());
            }
            let mut row = vec![term.path.as_str()];
            row.extend(cells.iter().map(String::as_str));
            row.push(&term.see);
            out.row(columns.table, &row)
        })?;
        found.get_or_insert(version);
        Ok(())
    })?;
    let release = found.ok_or_else(|| ReleaseError::not_found(columns.wanted))?;
    Ok(Summary { release, notes: remarks.into_notes(), ..Summary::default() })
}

/// Columns 2 to 7, a dash as nothing.
fn cells(file: &str, element: &Element, remarks: &mut Remarks) -> Result<[String; 6]> {
    let mut cells: [String; 6] = Default::default();
    for cell in element.children("cell") {
        let column = cell.attribute("col").and_then(|column| column.parse::<usize>().ok());
        let Some(place) = column.and_then(|column| column.checked_sub(2)).and_then(|place| cells.get_mut(place)) else {
            let message = "<cell> has no attribute col from 2 to 7; the layout has changed, import the file as published";
            return Err(ReleaseError::malformed(file, cell.line, message));
        };
        *place = code(file, cell, remarks).unwrap_or_default();
    }
    Ok(cells)
}

/// The code or stem in an element; the official files hold a few slips of the pen, which are left out and said.
pub fn code(file: &str, element: &Element, remarks: &mut Remarks) -> Option<String> {
    // A placeholder is written as a small x now and then.
    let text = element.text().to_ascii_uppercase();
    if text.is_empty() || text.bytes().all(|byte| byte == b'-') {
        return None;
    }
    if !is_code_or_stem(&text) {
        remarks.add(file, element.line, &format!("{text:?} is no code and was left out"));
        return None;
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_told_apart_by_the_first_heading() {
        let file = |heading: &str| format!("<?xml version=\"1.0\"?><ICD10CM.index><version>1</version>{heading}<letter>");
        let heading =
            |word: &str| format!("<indexHeading>\n<head col=\"1\">{word}</head><head col=\"2\">x</head></indexHeading>");
        assert_eq!(kind(&file("<title>INDEX</title>")), Some(Kind::Terms));
        let external = "<title>ICD-10-CM EXTERNAL CAUSE of INJURIES INDEX</title>";
        assert_eq!(kind(&file(external)), Some(Kind::ExternalCauses));
        assert_eq!(kind(&file("<letter><code> W19</code><code>X58</code>")), Some(Kind::ExternalCauses));
        assert_eq!(kind(&file("<letter><code>W19</code><code>A00</code>")), Some(Kind::Terms));
        assert_eq!(kind(&file(&heading("Neoplasm"))), Some(Kind::Neoplasms));
        assert_eq!(kind(&file(&heading(" Substance "))), Some(Kind::Drugs));
        assert_eq!(kind(&file(&heading("Device"))), None);
        assert_eq!(kind("<ICD10CM.tabular>"), None);
    }

    #[test]
    fn brackets_hold_modifiers_and_words_between_them_belong_to_the_title() {
        for (text, outside, inside) in [
            ("(acute) (chronic)", "", vec!["acute", "chronic"]),
            ("(-astasia)", "", vec!["-astasia"]),
            ("(accidental(ly))", "", vec!["accidentally"]),
            ("(stepping) exercise (class)", " exercise ", vec!["stepping", "class"]),
            ("(open", "", vec!["open"]),
            ("late", "", vec!["late"]),
        ] {
            let inside: Vec<String> = inside.into_iter().map(str::to_owned).collect();
            assert_eq!(outside_and_inside_brackets(text), (outside.to_owned(), inside), "{text}");
        }
    }

    #[test]
    fn nec_is_dropped_as_a_word() {
        for (text, kept) in
            [("basilar NEC", "basilar"), ("hot NEC, object", "hot, object"), ("NECK", "NECK"), ("NEC and:", "and:")]
        {
            assert_eq!(without_nec(text), kept);
        }
    }
}
