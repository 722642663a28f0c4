//! What changes from one vocabulary to another.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use super::{Vocabulary, normalize_term};

/// Codes and terms that differ.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Difference {
    /// Billable codes of the second alone, with titles.
    pub codes_added: Vec<(String, String)>,
    /// Billable codes of the first alone, with titles.
    pub codes_retired: Vec<(String, String)>,
    /// Codes whose title differs: code, title before, title after.
    pub codes_renamed: Vec<(String, String, String)>,
    /// Terms of the second alone, with their first code.
    pub terms_added: Vec<(String, String)>,
    /// Terms of the first alone.
    pub terms_dropped: Vec<(String, String)>,
    /// Terms whose first code differs: term, code before, code after.
    pub terms_moved: Vec<(String, String, String)>,
}

/// The differences between the newest editions and the diagnosis terms of two vocabularies.
#[must_use]
pub fn difference(from: &Vocabulary, to: &Vocabulary) -> Difference {
    let codes = |vocabulary: &Vocabulary| -> BTreeMap<String, String> {
        let billable = vocabulary.codes().all().iter().filter(|code| code.billable);
        billable.map(|code| (code.code.clone(), code.title.clone())).collect()
    };
    let terms = |vocabulary: &Vocabulary| -> BTreeMap<String, String> {
        let mut found = BTreeMap::new();
        for term in vocabulary.diagnoses.iter().filter(|term| !term.codes.is_empty()) {
            // the first meaning of a form is the preferred one
            found.entry(normalize_term(&term.term)).or_insert_with(|| term.codes[0].join("+"));
        }
        found
    };
    let (old_codes, new_codes, old_terms, new_terms) = (codes(from), codes(to), terms(from), terms(to));
    let (codes_added, codes_retired, codes_renamed) = compared(&old_codes, &new_codes);
    let (terms_added, terms_dropped, terms_moved) = compared(&old_terms, &new_terms);
    Difference { codes_added, codes_retired, codes_renamed, terms_added, terms_dropped, terms_moved }
}

type Compared = (Vec<(String, String)>, Vec<(String, String)>, Vec<(String, String, String)>);

fn compared(old: &BTreeMap<String, String>, new: &BTreeMap<String, String>) -> Compared {
    let alone = |one: &BTreeMap<String, String>, other: &BTreeMap<String, String>| -> Vec<(String, String)> {
        let own = one.iter().filter(|(key, _)| !other.contains_key(*key));
        own.map(|(key, value)| (key.clone(), value.clone())).collect()
    };
    let changed = old.iter().filter_map(|(key, before)| {
        new.get(key).filter(|after| *after != before).map(|after| (key.clone(), before.clone(), after.clone()))
    });
    (alone(new, old), alone(old, new), changed.collect())
}

impl Difference {
    /// As lines, of each kind at most `most`.
    #[must_use]
    pub fn written(&self, most: usize) -> String {
        let mut out = String::new();
        let two =
            |rows: &[(String, String)]| -> Vec<String> { rows.iter().map(|(key, value)| format!("{key}  {value}")).collect() };
        let three = |rows: &[(String, String, String)]| -> Vec<String> {
            rows.iter().map(|(key, before, after)| format!("{key}  {before} -> {after}")).collect()
        };
        for (title, lines) in [
            ("codes added", two(&self.codes_added)),
            ("codes retired", two(&self.codes_retired)),
            ("codes renamed", three(&self.codes_renamed)),
            ("terms added", two(&self.terms_added)),
            ("terms dropped", two(&self.terms_dropped)),
            ("terms with another code", three(&self.terms_moved)),
        ] {
            let _ = writeln!(out, "{title}: {}", lines.len());
            let shown: BTreeSet<&String> = lines.iter().collect();
            for line in shown.into_iter().take(most) {
                let _ = writeln!(out, "  {line}");
            }
            if lines.len() > most {
                let _ = writeln!(out, "  ... and {} more (--all shows them)", lines.len() - most);
            }
        }
        out
    }
}
