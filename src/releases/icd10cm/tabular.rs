//! The tabular list: every category and code with its title and its notes.
//!
//! Layout of the official `icd10cm_tabular_YYYY.xml`:
//!
//! ```text
//! <ICD10CM.tabular>
//!   <version>2026</version>
//!   <introduction> ... </introduction>
//!   <chapter>
//!     <name>1</name> <desc>Certain infectious and parasitic diseases (A00-B99)</desc>
//!     <excludes2><note> ... </note></excludes2>
//!     <section id="A00-A09"> <desc>Intestinal infectious diseases (A00-A09)</desc>
//!       <diag> <name>A00</name> <desc>Cholera</desc>
//!         <diag> <name>A00.0</name> <desc> ... </desc> <inclusionTerm><note> ... </note></inclusionTerm> </diag>
//!       </diag>
//! ```
//!
//! A code of the classification is a `diag` without a `diag` in it. Where it or what is above it has a `sevenChrDef`, the codes
//! are those with a seventh character behind six (padded with `X`); the nearest definition counts.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    is_code,
    xml::{self, Element},
};
use crate::releases::{Member, Output, Release, ReleaseError, Result, Summary, Table};

/// Categories, subcategories and codes, sorted by code. `billable` is 1 for a code that can stand on a claim.
pub const CODES: Table = Table { name: "codes.tsv", columns: &["code", "billable", "title"] };

/// Notes of chapters (`A00-B99`), blocks (`A00-A09`; `B20-B20` where the block is one category), categories and codes, in the order
/// of the file.
pub const NOTES: Table = Table { name: "notes.tsv", columns: &["code", "kind", "note"] };

/// Elements that hold notes, and the kind we call them.
const KINDS: [(&str, &str); 9] = [
    ("inclusionTerm", "inclusion"),
    ("includes", "includes"),
    ("excludes1", "excludes1"),
    ("excludes2", "excludes2"),
    ("codeFirst", "code_first"),
    ("useAdditionalCode", "use_additional_code"),
    ("codeAlso", "code_also"),
    ("sevenChrNote", "seventh_character"),
    ("notes", "note"),
];

/// Reads the tabular list.
///
/// # Errors
/// When no file is a tabular list, when it is malformed, or when the rows cannot be written.
pub fn import(release: &Release, out: &mut dyn Output) -> Result<Summary> {
    let mut list = List { version: String::new(), chapter: String::new(), codes: BTreeMap::new(), notes: BTreeSet::new(), out };
    release.each(|member| match xml::root(&member.head()?) {
        Some("ICD10CM.tabular") => list.read(member),
        _ => Ok(()),
    })?;
    if list.codes.is_empty() {
        return Err(ReleaseError::not_found("an ICD-10-CM tabular list (XML with the root ICD10CM.tabular)"));
    }
    for (code, (billable, title)) in &list.codes {
        list.out.row(CODES, &[code, if *billable { "1" } else { "0" }, title])?;
    }
    Ok(Summary { release: list.version, notes: Vec::new(), ..Summary::default() })
}

struct List<'a> {
    version: String,
    /// Range of the chapter that is being read.
    chapter: String,
    codes: BTreeMap<String, (bool, String)>,
    /// Notes that were written: the official file says some twice.
    notes: BTreeSet<(String, &'static str, String)>,
    out: &'a mut dyn Output,
}

/// A seventh character and what it adds to the title.
struct Seventh {
    character: char,
    meaning: String,
}

impl List<'_> {
    fn read(&mut self, member: &mut Member<'_>) -> Result<()> {
        let file = member.name;
        let wanted: Vec<&str> = ["version", "desc", "diag"].into_iter().chain(KINDS.iter().map(|(tag, _)| *tag)).collect();
        xml::each(member, &wanted, |around, element| {
            let Some(parent) = around.last() else { return Ok(()) };
            match (parent.name.as_str(), element.name.as_str()) {
                (_, "version") => self.version = element.text(),
                (_, "diag") => self.add(file, &element, &[])?,
                ("chapter", "desc") => self.chapter = chapter_range(file, &element)?,
                ("chapter", _) => self.add_notes(&self.chapter.clone(), &element)?,
                ("section", _) => self.add_notes(&block_range(file, parent)?, &element)?,
                _ => {}
            }
            Ok(())
        })
    }

    fn add(&mut self, file: &str, diag: &Element, inherited: &[Seventh]) -> Result<()> {
        let code = child_text(file, diag, "name")?;
        if !is_code(&code) {
            return Err(ReleaseError::malformed(
                file,
                diag.line,
                format!("{code:?} is no ICD-10-CM code; import the file as published"),
            ));
        }
        let title = child_text(file, diag, "desc")?;
        let own = diag.children("sevenChrDef").next().map(|definition| sevenths(file, definition)).transpose()?;
        let sevenths = own.as_deref().unwrap_or(inherited);
        for element in diag.elements() {
            self.add_notes(&code, element)?;
        }
        let is_leaf = diag.children("diag").next().is_none();
        if is_leaf {
            let padded = padded(&code);
            for seventh in sevenths.iter().filter(|seventh| applies(&padded, seventh.character)) {
                let title = format!("{title}, {}", seventh.meaning);
                self.add_code(file, diag, (format!("{padded}{}", seventh.character), true, title))?;
            }
        }
        self.add_code(file, diag, (code, is_leaf && sevenths.is_empty(), title))?;
        diag.children("diag").try_for_each(|child| self.add(file, child, sevenths))
    }

    fn add_code(&mut self, file: &str, diag: &Element, (code, billable, title): (String, bool, String)) -> Result<()> {
        let message = format!("{code} stands twice; import one release at a time");
        match self.codes.insert(code, (billable, title)) {
            Some(_) => Err(ReleaseError::malformed(file, diag.line, message)),
            None => Ok(()),
        }
    }

    fn add_notes(&mut self, code: &str, element: &Element) -> Result<()> {
        let Some((_, kind)) = KINDS.iter().find(|(tag, _)| *tag == element.name) else { return Ok(()) };
        for note in element.children("note").map(Element::text).filter(|note| !note.is_empty()) {
            if self.notes.insert((code.to_owned(), kind, note.clone())) {
                self.out.row(NOTES, &[code, kind, &note])?;
            }
        }
        Ok(())
    }
}

fn child_text(file: &str, element: &Element, name: &str) -> Result<String> {
    let text = element.children(name).next().map(Element::text).unwrap_or_default();
    if text.is_empty() {
        return Err(ReleaseError::malformed(
            file,
            element.line,
            format!("<{}> has no <{name}>; import the file as published", element.name),
        ));
    }
    Ok(text)
}

/// "A00-B99" of "Certain infectious and parasitic diseases (A00-B99)".
fn chapter_range(file: &str, desc: &Element) -> Result<String> {
    let text = desc.text();
    let range = text.strip_suffix(')').and_then(|text| text.rsplit_once('(')).map(|(_, range)| range);
    match range {
        Some(range) if range.split('-').all(is_code) => Ok(range.to_owned()),
        _ => Err(ReleaseError::malformed(
            file,
            desc.line,
            format!("the chapter {text:?} does not end with its codes, such as (A00-B99)"),
        )),
    }
}

/// The range of a block; the id of a block with one category is that category's code and is written as a range, so that their
/// notes are told apart.
fn block_range(file: &str, section: &Element) -> Result<String> {
    match section.attribute("id") {
        Some(id) if is_code(id) => Ok(format!("{id}-{id}")),
        Some(id) if id.split('-').all(is_code) => Ok(id.to_owned()),
        _ => Err(ReleaseError::malformed(
            file,
            section.line,
            "<section> has no id with its codes, such as A00-A09; import the file as published",
        )),
    }
}

fn sevenths(file: &str, definition: &Element) -> Result<Vec<Seventh>> {
    let seventh = |extension: &Element| {
        let character = extension.attribute("char").and_then(|value| value.trim().parse().ok());
        let character = character.ok_or_else(|| {
            ReleaseError::malformed(file, extension.line, "<extension> has no single character in its attribute char")
        })?;
        Ok(Seventh { character, meaning: extension.text() })
    };
    definition.children("extension").map(seventh).collect()
}

/// The code with as many `X` as it needs to have six characters.
fn padded(code: &str) -> String {
    let code = if code.contains('.') { code.to_owned() } else { format!("{code}.") };
    format!("{code:X<7}")
}

/// Whether a seventh character may stand behind the six. Only the note of S06 says that deaths take no subsequent encounter and no
/// sequela; its definition does not.
fn applies(padded: &str, seventh: char) -> bool {
    !(padded.starts_with("S06.") && padded.ends_with(['7', '8']) && matches!(seventh, 'D' | 'S'))
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::{
        super::testing::{fixture, read, refused, rows, shared},
        *,
    };

    #[test]
    fn codes_are_expanded_and_notes_keep_their_order() {
        let (summary, out) = read(import, &[fixture("tabular.xml")]).expect("read");
        assert_eq!(summary, Summary { release: "2031".into(), notes: Vec::new(), ..Summary::default() });
        let codes = rows(&out, "codes.tsv");
        assert_eq!(
            codes,
            [
                "B20;1;Test disease",
                "S06;0;Intracranial injury",
                "S06.0;0;Concussion",
                "S06.0X;0;Concussion & shock",
                "S06.0X1;0;Concussion, brief",
                "S06.0X1A;1;Concussion, brief, initial encounter",
                "S06.0X1D;1;Concussion, brief, subsequent encounter",
                "S06.0X1S;1;Concussion, brief, sequela",
                "S06.0X7;0;Concussion with death",
                "S06.0X7A;1;Concussion with death, initial encounter",
                "S06.1;0;Edema",
                "S06.1XXB;1;Edema, other episode",
                "S07;0;Crushing",
                "S07.XXXA;1;Crushing, initial encounter",
            ]
        );
        assert_eq!(
            rows(&out, "notes.tsv"),
            [
                "B20-B20;excludes1;note of a block of one category",
                "B20;inclusion;AIDS-related test",
                "B20;use_additional_code;code to identify manifestations",
                "S00-T88;note;Use a secondary code",
                "S00-S09;code_also;any open wound (S01.-)",
                "S06;includes;traumatic test injury",
                "S06;seventh_character;7th characters D and S do not apply to 7",
                "S06.0;code_first;, if applicable, skull fracture",
                "S06.1;excludes2;other edema",
                "S00-T88;excludes2;birth trauma (P10-P15)",
            ]
        );
    }

    #[test]
    fn malformed_lists_say_where_and_what() {
        let list = |inner: &str| format!("<ICD10CM.tabular>\n<chapter><desc>One (A00-B99)</desc>\n{inner}");
        for (inner, wanted) in [
            ("<section id='A00-A09'><diag>", "line 3: <diag> is not closed"),
            (
                "<section id='A00-A09'><diag><name>A0</name>\n<desc>x</desc></diag></section></chapter></ICD10CM.tabular>",
                "line 3: \"A0\" is no",
            ),
            (
                "<section id='A00-A09'>\n<diag><name>A00</name></diag></section></chapter></ICD10CM.tabular>",
                "line 4: <diag> has no <desc>",
            ),
            (
                "<section><excludes1><note>x</note></excludes1></section></chapter></ICD10CM.tabular>",
                "line 3: <section> has no id",
            ),
            ("<desc>Two</desc></chapter></ICD10CM.tabular>", "line 3: the chapter \"Two\""),
            (
                "<diag><name>A00</name><desc>x</desc><sevenChrDef><extension/></sevenChrDef></diag></chapter></ICD10CM.tabular>",
                "line 3: <extension> has no",
            ),
            (
                "<diag><name>A00</name><desc>x</desc></diag>\n<diag><name>A00</name><desc>x</desc></diag></chapter></ICD10CM.tabular>",
                "line 4: A00 stands twice",
            ),
        ] {
            let message = refused(import, "t.xml", &list(inner));
            assert!(message.starts_with("t.xml, ") && message.contains(wanted), "{message}");
        }
        assert!(refused(import, "t.xml", "<ICD10CM.index></ICD10CM.index>").contains("tabular list"));
    }

    #[test]
    fn the_release_gives_the_embedded_tables() {
        let Some(path) = shared("icd10cm/icd10cm-tabular-April-1-2026.xml.gz") else { return };
        let (summary, out) = read(import, &[path]).expect("read");
        assert_eq!(summary.release, "2026");
        let codes = &out.tables["codes.tsv"];
        assert_eq!(codes.iter().filter(|row| row[1] == "1").count(), 74_719);
        if let Some(embedded) = embedded("icd10cm.tsv.gz") {
            assert!(*codes == embedded, "{} and {} codes", codes.len(), embedded.len());
        }
        if let Some(embedded) = embedded("icd10cm_notes.tsv.gz") {
            let order = |kind: &str| KINDS.iter().position(|(_, known)| *known == kind);
            let mut notes = out.tables["notes.tsv"].clone();
            notes.sort_by_key(|row| (row[0].clone(), order(&row[1])));
            assert!(notes == embedded, "{} and {} notes", notes.len(), embedded.len());
        }
    }

    /// Rows of a table that is compiled into the program, without its head.
    fn embedded(name: &str) -> Option<Vec<Vec<String>>> {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/vocabularies/");
        let file = std::fs::File::open(format!("{folder}{name}")).ok()?;
        let mut text = String::new();
        flate2::read::GzDecoder::new(file).read_to_string(&mut text).expect("gzip");
        Some(text.lines().skip(1).map(|line| line.split('\t').map(str::to_owned).collect()).collect())
    }
}
