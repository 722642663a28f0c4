//! The Alphabetic Index: main terms, the words below them, and the code to which each path leads.
//!
//! The table is ours, or what `vocabulary build` makes of the official release. Words are compared by their form
//! (`word_forms.tsv`: "renal" and "kidney" are one), in any order.

use std::collections::HashMap;

use super::{Code, CodeBook, CodeSet, Editions};
use crate::{
    domain::table::{self, TableError},
    text::{Word, words},
};

/// Words of a path that join the others.
pub(super) const CONNECTIVES: [&str; 31] = [
    "a",
    "an",
    "and",
    "as",
    "at",
    "by",
    "classified",
    "condition",
    "disease",
    "due",
    "during",
    "elsewhere",
    "following",
    "for",
    "from",
    "in",
    "ne",
    "no",
    "not",
    "of",
    "on",
    "or",
    "other",
    "specified",
    "site",
    "the",
    "to",
    "type",
    "unspecified",
    "upon",
    "with",
];

/// Forms of words that name the same thing.
#[derive(Debug, Default)]
pub struct WordForms(HashMap<String, String>);

impl WordForms {
    /// Reads `word_forms.tsv` (columns `word`, `form`).
    ///
    /// # Errors
    /// A word that stands twice, or a form that is itself given another form.
    pub fn parse((name, text): (&str, &str)) -> Result<Self, TableError> {
        let mut forms: HashMap<String, String> = HashMap::new();
        table::read(name, text, |row| {
            let (word, form) = (super::normalize_term(row.get("word")?), super::normalize_term(row.get("form")?));
            if word.is_empty() || form.is_empty() || forms.insert(word, form).is_some() {
                return Err(row.error("word and form must be given, each word once"));
            }
            Ok(())
        })?;
        if let Some(form) = forms.values().find(|form| forms.contains_key(*form)) {
            let message = format!("the form {form:?} has another form itself; give the last one");
            return Err(TableError { table: name.to_owned(), line: 0, message });
        }
        Ok(Self(forms))
    }

    /// The form of a folded word.
    #[must_use]
    pub fn of<'a>(&'a self, word: &'a str) -> &'a str {
        self.0.get(word).map_or(word, String::as_str)
    }

    /// The forms of the words of a phrase, each once, without connectives unless there is nothing else.
    #[must_use]
    pub fn phrase(&self, phrase: &str) -> Vec<String> {
        let words = words(phrase);
        let joins = |word: &Word| CONNECTIVES.contains(&word.folded.as_str());
        let bare = words.iter().all(joins);
        let last = words.len().saturating_sub(1);
        let mut out: Vec<String> = Vec::new();
        // "hypovitaminosis A": a letter at the end is no article
        let kept =
            words.iter().enumerate().filter(|(at, word)| bare || !joins(word) || (*at == last && word.folded.len() == 1));
        for (_, word) in kept {
            let form = self.of(&word.folded);
            if !out.iter().any(|known| known == form) {
                out.push(form.to_owned());
            }
        }
        out
    }
}

/// One line of the index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexEntry {
    /// Main term and the words below it, joined by ` > `.
    pub path: String,
    /// The forms of its main term's words; empty where the main term names variants of one word, any of which led here.
    pub main: Vec<String>,
    /// The forms of all its words.
    pub words: Vec<String>,
    /// Forms of words that may stand beside them without changing the code.
    pub nonessential: Vec<String>,
    /// The code, and the manifestation that stands beside it.
    pub codes: CodeSet,
    /// The code as the index has it, where the path leads to every code below it: "S72.92" for "S72.92-".
    pub stem: String,
}

/// The index, by the words of its main terms and by code.
#[derive(Debug, Default)]
pub struct AlphabeticIndex {
    entries: Vec<IndexEntry>,
    by_word: HashMap<String, Vec<u32>>,
    by_code: HashMap<String, Vec<u32>>,
}

/// A line as it is written.
struct Line {
    entry: IndexEntry,
    see: String,
}

impl AlphabeticIndex {
    /// Reads `index.tsv` (columns `path`, `nonessential`, `code`, `manifestation`, `see`). A stem ("S52.50-"), or a code that is not billable,
    /// stands for its default leaf. A reference leads to the code of the line that it names; lines that lead nowhere are left out.
    ///
    /// # Errors
    /// A line without path, or a code that is none.
    pub(super) fn parse((name, text): (&str, &str), editions: &Editions, forms: &WordForms) -> Result<Self, TableError> {
        let mut lines: Vec<Line> = Vec::new();
        table::read(name, text, |row| {
            let path = row.get("path")?.to_owned();
            let mut set = CodeSet::new();
            for code in [row.get("code")?, row.get("manifestation")?].into_iter().filter(|code| !code.is_empty()) {
                let above = editions.newest().codes.lookup(code).filter(|code| !code.billable);
                let stem = code.strip_suffix('-').or(above.map(|_| code));
                let leaf = stem.map_or(Some(code), |stem| editions.newest().codes.default_leaf(stem));
                let usable = leaf.and_then(|leaf| editions.usable(leaf));
                set.extend(usable.ok_or_else(|| row.error(format!("code {code:?} is not a billable code or a stem of one")))?);
            }
            let words = forms.phrase(&path);
            if words.is_empty() {
                return Err(row.error("the path has no word that says what it is about"));
            }
            let nonessential = row.get("nonessential")?.split('|').flat_map(|word| forms.phrase(word)).collect();
            lines.push(Line {
                entry: IndexEntry { path, main: Vec::new(), words, nonessential, codes: set, stem: stem_of(row.get("code")?) },
                see: row.get("see")?.to_owned(),
            });
            Ok(())
        })?;
        let by_path: HashMap<String, usize> =
            lines.iter().enumerate().map(|(at, line)| (line.entry.path.to_lowercase(), at)).collect();
        let mut index = Self::default();
        for at in 0..lines.len() {
            let Some(IndexEntry { codes, stem, .. }) = led_to(&lines, &by_path, at).cloned() else { continue };
            index.add(IndexEntry { codes, stem, ..lines[at].entry.clone() }, forms);
        }
        Ok(index)
    }

    fn add(&mut self, mut entry: IndexEntry, forms: &WordForms) {
        let at = u32::try_from(self.entries.len()).unwrap_or(u32::MAX);
        let main = entry.path.split(" > ").next().unwrap_or_default();
        // "Abnormal, abnormality": any of the forms leads in
        let variants: Vec<Vec<String>> = main.split(", ").map(|variant| forms.phrase(variant)).collect();
        let one_word = variants.len() > 1 && variants.iter().all(|words| words.len() == 1);
        entry.main = if one_word { Vec::new() } else { variants.concat() };
        let keys: Vec<&String> =
            if one_word { variants.iter().flatten().collect() } else { variants.iter().flatten().take(1).collect() };
        for key in keys {
            self.by_word.entry(key.clone()).or_default().push(at);
        }
        self.by_code.entry(entry.stem.clone()).or_default().push(at);
        // a retired code was forwarded
        if let Some(code) = entry.codes.first().filter(|code| !code.starts_with(&entry.stem)) {
            self.by_code.entry(stem_of(code)).or_default().push(at);
        }
        self.entries.push(entry);
    }

    /// Entries of which a main term begins with this form.
    pub fn under<'a>(&'a self, form: &str) -> impl Iterator<Item = &'a IndexEntry> + use<'a> {
        let found = self.by_word.get(form).map_or(&[][..], Vec::as_slice);
        found.iter().map(|at| &self.entries[*at as usize])
    }

    /// The paths that lead to a code, by itself, by a stem above it, or by the code of the same condition with the side left open; the nearest
    /// first.
    #[must_use]
    pub fn leading_to(&self, code: &str, codes: &CodeBook) -> Vec<&IndexEntry> {
        let mut found: Vec<u32> = Vec::new();
        let mut add = |stem: &str| {
            for at in self.by_code.get(stem).into_iter().flatten() {
                if !found.contains(at) {
                    found.push(*at);
                }
            }
        };
        for stem in (3..=code.len()).rev().filter_map(|end| code.get(..end)).filter(|stem| !stem.ends_with('.')) {
            add(stem);
            sides_left_open(stem, codes).into_iter().for_each(&mut add);
        }
        // a code that is divided by side alone
        let below: Vec<&Code> = codes.children(code).collect();
        if let [first, others @ ..] = below.as_slice()
            && !others.is_empty()
            && others.iter().all(|other| sideless(&other.title) == sideless(&first.title))
        {
            below.iter().filter(|code| is_open(code)).for_each(|code| add(&code.code));
        }
        found.into_iter().map(|at| &self.entries[at as usize]).collect()
    }

    /// All entries.
    #[must_use]
    pub fn entries(&self) -> &[IndexEntry] {
        &self.entries
    }
}

/// What a code of the index stands for in the hierarchy: the seventh character, and the placeholders before it, are the coder's to choose.
fn stem_of(code: &str) -> String {
    let code = code.trim_end_matches('-').trim_end_matches('.');
    match code.get(..7).filter(|_| code.len() == 8) {
        Some(six) => six.trim_end_matches('X').trim_end_matches('.').to_owned(),
        None => code.to_owned(),
    }
}

/// The codes beside this one that say the same but leave the side open: it is the coder's to choose.
fn sides_left_open<'a>(code: &str, codes: &'a CodeBook) -> Vec<&'a str> {
    let (Some(code), Some(parent)) = (codes.lookup(code), codes.parent(code)) else { return Vec::new() };
    let wanted = sideless(&code.title);
    let beside = codes.children(&parent.code).filter(|other| other.code != code.code && is_open(other));
    beside.filter(|other| sideless(&other.title) == wanted).map(|other| other.code.as_str()).collect()
}

/// Whether a title leaves the side unspecified.
fn is_open(code: &Code) -> bool {
    let title = code.title.to_lowercase();
    title.contains("unspecified") && !["right", "left", "bilateral"].iter().any(|side| title.contains(side))
}

/// A title without its side, words in the singular.
fn sideless(title: &str) -> Vec<String> {
    let words = title.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty());
    let bare = words.map(|word| word.to_lowercase().trim_end_matches('s').to_owned());
    bare.filter(|word| !matches!(word.as_str(), "right" | "left" | "bilateral" | "unspecified")).collect()
}

/// The line with the codes of a line, through at most four references.
fn led_to<'a>(lines: &'a [Line], by_path: &HashMap<String, usize>, from: usize) -> Option<&'a IndexEntry> {
    let mut at = from;
    for _ in 0..5 {
        let line = lines.get(at)?;
        if !line.entry.codes.is_empty() {
            return Some(&line.entry);
        }
        at = *target(by_path, &line.see)?;
    }
    None
}

/// The line that a reference names: as it is written, or with its commas as levels; commas may also belong to a main term.
fn target<'a>(by_path: &'a HashMap<String, usize>, see: &str) -> Option<&'a usize> {
    let see = see.to_lowercase();
    let parts: Vec<&str> = see.split(", ").collect();
    by_path.get(&see).or_else(|| {
        (1..=parts.len()).find_map(|main| {
            let mut levels = vec![parts[..main].join(", ")];
            levels.extend(parts[main..].iter().map(|part| (*part).to_owned()));
            by_path.get(&levels.join(" > "))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocabulary::Tables;

    #[test]
    fn a_stem_leads_to_every_code_below_it() {
        let tables = Tables::embedded().expect("tables");
        let editions = Editions::load(&tables).expect("editions");
        let forms = WordForms::parse(tables.get("word_forms.tsv").expect("a table")).expect("forms");
        let text = "path\tnonessential\tcode\tmanifestation\tsee\nFracture > femur > left\t\tS72.92-\t\t\nThighbone break\t\t\t\t\
                    Fracture, femur, left\nDiabetes\t\tE11.9\t\t\nDiabetes > kidney\t\tE11.2\t\t\nPain > \
                    knee\t\tM25.569\t\t\n";
        let index = AlphabeticIndex::parse(("index.tsv", text), &editions, &forms).expect("an index");
        let paths = |code: &str| {
            index.leading_to(code, &editions.newest().codes).iter().map(|entry| entry.path.clone()).collect::<Vec<_>>()
        };
        for code in ["S72.92", "S72.92XA", "S72.92XK"] {
            assert_eq!(paths(code), ["Fracture > femur > left", "Thighbone break"], "{code}");
        }
        assert_eq!(paths("E11.9"), ["Diabetes"]);
        // a code that is not billable leads below itself
        assert_eq!(paths("E11.21"), ["Diabetes > kidney"]);
        assert_eq!(paths("S72.91XA"), [""; 0]);
        // the side is open where the index leaves it so
        for code in ["M25.56", "M25.561", "M25.562", "M25.569"] {
            assert_eq!(paths(code), ["Pain > knee"], "{code}");
        }
        assert_eq!(paths("M25.551"), [""; 0]);
    }
}
