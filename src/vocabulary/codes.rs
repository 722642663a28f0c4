//! The ICD-10-CM code table.

use std::collections::HashMap;

use crate::domain::table::{self, TableError};

/// One code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Code {
    /// With its dot.
    pub code: String,
    /// Title of the tabular list.
    pub title: String,
    /// Whether it may stand on a claim.
    pub billable: bool,
}

/// A code as it is written in the book, of what a person types: "e1122", "E11.22", "s72.92-". None for what is no code nor the beginning
/// of one, such as a code of ICD-9-CM with its dot behind the fourth character ("E880.9").
#[must_use]
pub fn tidy_code(typed: &str) -> Option<String> {
    let typed = typed.trim().trim_end_matches(['-', '.', ' ']);
    let (category, rest) = typed.split_once('.').unwrap_or((typed, ""));
    if category.len() < typed.len() && category.len() != 3 {
        return None;
    }
    let bare = format!("{category}{rest}").to_uppercase();
    let mut letters = bare.chars();
    let is_code = letters.next().is_some_and(|first| first.is_ascii_uppercase())
        && letters.next().is_some_and(|second| second.is_ascii_digit())
        && letters.all(|letter| letter.is_ascii_alphanumeric())
        && (2..=7).contains(&bare.len());
    is_code.then(|| if bare.len() <= 3 { bare } else { format!("{}.{}", &bare[..3], &bare[3..]) })
}

/// All codes, by code and in order.
#[derive(Debug, Default)]
pub struct CodeBook {
    codes: Vec<Code>,
    index: HashMap<String, usize>,
}

impl CodeBook {
    /// Parses `icd10cm.tsv` (`code billable title`, sorted by code).
    ///
    /// # Errors
    /// A row without code or title.
    pub fn parse((name, text): (&str, &str)) -> Result<Self, TableError> {
        let mut book = Self::default();
        table::read(name, text, |row| {
            let (code, title) = (row.get("code")?, row.get("title")?);
            if code.is_empty() || title.is_empty() {
                return Err(row.error("code and title must not be empty"));
            }
            book.index.insert(code.to_owned(), book.codes.len());
            book.codes.push(Code { code: code.to_owned(), title: title.to_owned(), billable: row.get("billable")? == "1" });
            Ok(())
        })?;
        Ok(book)
    }

    /// The code, when the edition has it.
    #[must_use]
    pub fn lookup(&self, code: &str) -> Option<&Code> {
        self.index.get(code).and_then(|index| self.codes.get(*index))
    }

    /// True for a code that may stand on a claim.
    #[must_use]
    pub fn is_billable(&self, code: &str) -> bool {
        self.lookup(code).is_some_and(|code| code.billable)
    }

    /// Title of a code, or the code itself when the edition does not have it.
    #[must_use]
    pub fn title<'a>(&'a self, code: &'a str) -> &'a str {
        self.lookup(code).map_or(code, |found| found.title.as_str())
    }

    /// All codes in order.
    #[must_use]
    pub fn all(&self) -> &[Code] {
        &self.codes
    }

    /// Place of a code in [`Self::all`].
    #[must_use]
    pub fn position(&self, code: &str) -> Option<usize> {
        self.index.get(code).copied()
    }

    /// The next higher code of the hierarchy: the longest beginning that is a code itself.
    #[must_use]
    pub fn parent(&self, code: &str) -> Option<&Code> {
        (3..code.len()).rev().find_map(|end| self.lookup(code.get(..end)?.trim_end_matches('.')))
    }

    /// The code to use where nothing more is said than a category or subcategory: down the hierarchy, at every step the child that says least
    /// beside its parent, at last the initial encounter.
    #[must_use]
    pub fn default_leaf(&self, stem: &str) -> Option<&str> {
        // a list may leave a heading out
        let topmost = || {
            self.starting_with(stem).filter(|code| self.parent(&code.code).is_none_or(|above| !above.code.starts_with(stem)))
        };
        let mut at = self.lookup(stem).or_else(|| topmost().min_by_key(|code| says_more("", code)))?;
        while !at.billable {
            at = self.children(&at.code).min_by_key(|child| says_more(&at.title, child))?;
        }
        Some(&at.code)
    }

    /// The seventh characters that the codes at or below this one all take, with what they say: `A`, "initial encounter for closed fracture".
    #[must_use]
    pub fn seventh_characters(&self, code: &str) -> Vec<(char, &str)> {
        let above = if code.len() == 8 { self.parent(code).map_or(code, |parent| parent.code.as_str()) } else { code };
        // "right eye" of a few codes of a category says nothing of the others
        if self.starting_with(above).any(|below| below.billable && below.code.len() < 8) {
            return Vec::new();
        }
        let mut found: Vec<(char, &str)> = Vec::new();
        for below in self.starting_with(above).filter(|below| below.code.len() == 8) {
            let (Some(character), Some(parent)) = (below.code.chars().last(), self.parent(&below.code)) else { continue };
            let said = below.title.strip_prefix(parent.title.as_str()).and_then(|rest| rest.strip_prefix(", "));
            if let Some(said) = said
                && !found.iter().any(|(known, _)| *known == character)
            {
                found.push((character, said));
            }
        }
        found.sort_unstable();
        found
    }

    /// The codes directly under this one.
    pub fn children<'a, 'b>(&'a self, code: &'b str) -> impl Iterator<Item = &'a Code> + use<'a, 'b> {
        self.starting_with(code).filter(move |below| self.parent(&below.code).is_some_and(|parent| parent.code == code))
    }

    /// The codes that begin with `prefix`, in order, the prefix itself first.
    pub fn starting_with<'a>(&'a self, prefix: &str) -> impl Iterator<Item = &'a Code> + use<'a> {
        let start = self.codes.partition_point(|code| code.code.as_str() < prefix);
        let prefix = prefix.to_owned();
        self.codes[start..].iter().take_while(move |code| code.code.starts_with(&prefix))
    }
}

/// How much a child's title says beside its parent's, smallest first.
fn says_more<'a>(parent: &str, child: &'a Code) -> (bool, u32, usize, &'a str) {
    let (parent, title) = (parent.to_lowercase(), child.title.to_lowercase());
    let words = |text: &str| -> Vec<String> {
        let parts = text.split(|letter: char| !letter.is_alphanumeric()).filter(|part| !part.is_empty());
        parts.filter(|part| *part != "unspecified").map(str::to_owned).collect()
    };
    let (known, said) = (words(&parent), words(&title));
    let has = |word: &str| said.iter().any(|one| one == word);
    let adds = |word: &str| has(word) && !known.iter().any(|one| one == word);
    let last = child.code.chars().last();
    let open = title.contains("unspecified");
    let mut cost = match () {
        () if known == said => 1,
        () if open && !has("other") => 5 + u32::from(last != Some('9')),
        () if open => 12,
        () if has("without") || has("uncomplicated") || title.contains("not intractable") => 20,
        () if last == Some('9') && !title.starts_with("other") => 22,
        () if title.starts_with("other") => 40,
        () => 50,
    };
    // a complication, a degree or a side that nobody spoke of
    if adds("with") {
        cost += 18;
    }
    if adds("intractable") && !has("not") {
        cost += 6;
    }
    if title.contains("unspecified part") || title.contains("unspecified site") {
        cost -= 1;
    }
    if ["left", "right", "bilateral"].into_iter().any(adds) {
        cost += 4;
    }
    let later = child.code.len() == 8 && !child.code.ends_with('A');
    let beside = said.iter().filter(|word| !known.contains(word)).count();
    (later, cost, beside, &child.code)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocabulary::Tables;

    #[test]
    fn a_stem_stands_for_its_least_specific_code() {
        let tables = Tables::embedded().expect("tables");
        let book = CodeBook::parse(tables.get("icd10cm.tsv").expect("codes")).expect("a code book");
        for (stem, leaf) in [
            ("E11", "E11.9"),
            ("G43.9", "G43.909"),
            ("J45", "J45.909"),
            ("K57.3", "K57.30"),
            ("H25", "H25.9"),
            ("E10", "E10.9"),
            ("F17", "F17.200"),
            ("S72.0", "S72.009A"),
            ("M25.5", "M25.50"),
            ("M54.1", "M54.10"),
            ("L89.15", "L89.159"),
            ("J18", "J18.9"),
            ("T40.1X1", "T40.1X1A"),
        ] {
            assert_eq!(book.default_leaf(stem), Some(leaf), "{stem}");
        }
        assert_eq!(book.default_leaf("U9"), None);
    }

    #[test]
    fn typed_codes_are_tidied() {
        for (typed, code) in [
            ("E11", "E11"),
            ("e1122", "E11.22"),
            ("e112", "E11.2"),
            (" S72.0 ", "S72.0"),
            ("a0", "A0"),
            ("E11.-", "E11"),
            ("s72.92-", "S72.92"),
            ("s7292xa", "S72.92XA"),
            ("I10.", "I10"),
        ] {
            assert_eq!(tidy_code(typed).as_deref(), Some(code), "{typed}");
        }
        for typed in ["gout", "b12 deficiency", "E", "11", "E11.22222", "", "-", "\u{e9}11", "E880.9", "E1.1", "E11.2.2"] {
            assert_eq!(tidy_code(typed), None, "{typed}");
        }
    }

    #[test]
    fn seventh_characters_say_what_they_mean() {
        let text = "code\tbillable\ttitle\nS72.92\t0\tFracture of left femur\nS72.92XA\t1\tFracture of left femur, initial \
                    encounter\nS72.92XD\t1\tFracture of left femur, subsequent encounter\n";
        let book = CodeBook::parse(("icd10cm.tsv", text)).expect("a book");
        let wanted = [('A', "initial encounter"), ('D', "subsequent encounter")];
        assert_eq!(book.seventh_characters("S72"), wanted);
        assert_eq!(book.seventh_characters("S72.92XD"), wanted, "those of its siblings");
        let others = format!("{text}S72.93\t1\tFracture of both\n");
        let book = CodeBook::parse(("icd10cm.tsv", &others)).expect("a book");
        assert_eq!(book.seventh_characters("S72"), [], "not all below it take one");
    }
}
