//! Diagnosis terms: release names, our everyday terms and abbreviations, stop terms, history codes.

use super::{Editions, TermRef, tables::Tables, terms::TermsBuilder};
use crate::domain::table::{self, Row, TableError};

/// Codes that together are one acceptable coding; usually one.
pub type CodeSet = Vec<String>;

/// What a term is good for on its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TermKind {
    /// A diagnosis wherever it stands.
    Diagnosis,
    /// A sign or symptom: a diagnosis only in sections that list diagnoses.
    Finding,
    /// Not a diagnosis: the phrase is recognised so that nothing inside it is taken for one.
    NotDiagnosis,
    /// A word that releases list but that means nothing alone; never a mention by itself.
    Stop,
}

/// When an abbreviation may be read in its sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AbbreviationGuard {
    /// Written in any case.
    Any,
    /// Only in capitals.
    Upper,
    /// Only when a context word is near.
    Context,
}

/// Words that allow or forbid a sense.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Context {
    /// One of them must be near; empty = none needed.
    pub needs: Vec<String>,
    /// None of them may be near.
    pub forbids: Vec<String>,
}

/// A diagnosis term.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiagnosisTerm {
    /// The term as its table has it.
    pub term: String,
    /// What an abbreviation stands for; empty for other terms.
    pub expansion: String,
    /// Acceptable codings, best first.
    pub codes: Vec<CodeSet>,
    /// Where it comes from: `icd10cm_title`, `everyday`, `abbreviation`...
    pub source: String,
    /// The release that gave it, as `sources.tsv` names it; empty for the tables of the program.
    pub origin: String,
    /// Place of that source among those that have the form, 0 = best; own tables and a site's terms are before all.
    pub rank: u8,
    /// Whether its source says that the case of its letters matters.
    pub case_sensitive: bool,
    /// What it is good for on its own.
    pub kind: TermKind,
    /// For abbreviations.
    pub guard: Option<AbbreviationGuard>,
    /// For abbreviations.
    pub context: Context,
}

/// Reads `E11.22+N18.30|E11.9`: alternatives by `|`, codes that stand together by `+`.
fn code_sets(row: &Row<'_>, editions: &Editions) -> Result<Vec<CodeSet>, TableError> {
    let text = row.get("codes")?;
    let mut sets = Vec::new();
    for alternative in text.split('|').map(str::trim).filter(|part| !part.is_empty() && *part != "-") {
        let mut set = CodeSet::new();
        let mut whole = true;
        for code in alternative.split('+').map(str::trim) {
            let usable = editions.usable(code).ok_or_else(|| {
                row.error(format!("code {code:?} is not a billable code of any loaded edition, nor a retired one"))
            })?;
            // a code that was retired without a successor takes its alternative with it
            whole &= !usable.is_empty();
            set.extend(usable);
        }
        if whole {
            sets.push(set);
        }
    }
    Ok(sets)
}

fn context(text: &str) -> Context {
    let mut context = Context::default();
    for word in text.split('|').map(str::trim).filter(|word| !word.is_empty()) {
        match word.strip_prefix('!') {
            Some(word) => context.forbids.push(super::normalize_term(word)),
            None => context.needs.push(super::normalize_term(word)),
        }
    }
    context
}

pub(super) fn load(tables: &Tables, editions: &Editions, terms: &mut TermsBuilder) -> Result<Vec<DiagnosisTerm>, TableError> {
    let mut out: Vec<DiagnosisTerm> = Vec::with_capacity(150_000);
    let mut add = |term: DiagnosisTerm, terms: &mut TermsBuilder| {
        terms.add(&term.term, TermRef::Diagnosis(u32::try_from(out.len()).unwrap_or(u32::MAX)));
        out.push(term);
    };
    let plain = |row: &Row<'_>, source: &str, kind: TermKind, codes: Vec<CodeSet>| -> Result<DiagnosisTerm, TableError> {
        Ok(DiagnosisTerm {
            term: row.get("term")?.to_owned(),
            expansion: String::new(),
            codes,
            source: source.to_owned(),
            origin: String::new(),
            rank: 0,
            case_sensitive: row.find("case_sensitive") == Some("1"),
            kind,
            guard: None,
            context: Context::default(),
        })
    };
    // a site's own terms first
    let (name, text) = tables.get("site_terms.tsv")?;
    table::read(name, text, |row| {
        let kind = match row.get("kind")? {
            "" | "diagnosis" | "abbreviation" => TermKind::Diagnosis,
            "finding" => TermKind::Finding,
            "stop" => TermKind::NotDiagnosis,
            _ => return Ok(()),
        };
        let guard = match row.get("guard")? {
            "upper" => Some(AbbreviationGuard::Upper),
            "context" => Some(AbbreviationGuard::Context),
            // as it is written, or in capitals
            _ if row.find("case_sensitive") == Some("1") => Some(AbbreviationGuard::Upper),
            _ => None,
        };
        let term = DiagnosisTerm {
            expansion: row.get("expansion")?.to_owned(),
            guard,
            context: context(row.get("context")?),
            ..plain(&row, "site", kind, code_sets(&row, editions)?)?
        };
        add(term, terms);
        Ok(())
    })?;
    // our own tables before those of releases: where two tables know a form, the first meaning is preferred
    let (name, text) = tables.get("everyday_diagnoses.tsv")?;
    table::read(name, text, |row| {
        let kind = if row.get("kind")? == "finding" { TermKind::Finding } else { TermKind::Diagnosis };
        add(plain(&row, "everyday", kind, code_sets(&row, editions)?)?, terms);
        Ok(())
    })?;
    let (name, text) = tables.get("abbreviations.tsv")?;
    table::read(name, text, |row| {
        let kind = match row.get("kind")? {
            "diagnosis" => TermKind::Diagnosis,
            "finding" => TermKind::Finding,
            "ignore" => TermKind::NotDiagnosis,
            other => return Err(row.error(format!("kind {other:?} is not one of diagnosis, finding, ignore"))),
        };
        let guard = match row.get("guard")? {
            "any" => AbbreviationGuard::Any,
            "upper" => AbbreviationGuard::Upper,
            "context" => AbbreviationGuard::Context,
            other => return Err(row.error(format!("guard {other:?} is not one of any, upper, context"))),
        };
        let term = DiagnosisTerm {
            term: row.get("abbreviation")?.to_owned(),
            expansion: row.get("expansion")?.to_owned(),
            codes: code_sets(&row, editions)?,
            source: "abbreviation".to_owned(),
            origin: String::new(),
            rank: 0,
            case_sensitive: guard == AbbreviationGuard::Upper,
            kind,
            guard: Some(guard),
            context: context(row.get("context")?),
        };
        add(term, terms);
        Ok(())
    })?;
    let (name, text) = tables.get("diagnosis_terms.tsv")?;
    table::read(name, text, |row| {
        let source = row.get("source")?.to_owned();
        let sets = code_sets(&row, editions)?;
        // chapter 18 of ICD-10-CM: symptoms, signs and abnormal findings
        let sign = sets.first().and_then(|set| set.first()).is_some_and(|code| code.starts_with('R'));
        let rank = row.get("rank")?.parse().map_err(|_| row.error("rank is not a small number"))?;
        add(
            DiagnosisTerm {
                rank,
                origin: row.find("origin").unwrap_or_default().to_owned(),
                ..plain(&row, &source, if sign { TermKind::Finding } else { TermKind::Diagnosis }, sets)?
            },
            terms,
        );
        Ok(())
    })?;
    let (name, text) = tables.get("stop_terms.tsv")?;
    table::read(name, text, |row| {
        let kind = match row.get("kind")? {
            "not_diagnosis_phrase" => TermKind::NotDiagnosis,
            "weak_diagnosis" => TermKind::Finding,
            "diagnosis" => TermKind::Stop,
            _ => return Ok(()),
        };
        add(plain(&row, "stop", kind, Vec::new())?, terms);
        Ok(())
    })?;
    Ok(out)
}

/// Personal- and family-history codes by code prefix.
#[derive(Debug, Default)]
pub struct HistoryCodes {
    rows: std::collections::HashMap<String, (Vec<String>, Vec<String>)>,
}

impl HistoryCodes {
    /// Parses `history_codes.tsv` (`disease_prefix personal_history_codes family_history_codes`).
    ///
    /// # Errors
    /// A row without prefix.
    pub fn parse((name, text): (&str, &str)) -> Result<Self, TableError> {
        let mut out = Self::default();
        let list = |text: &str| -> Vec<String> {
            text.split('|').map(str::trim).filter(|code| !code.is_empty() && *code != "-").map(str::to_owned).collect()
        };
        table::read(name, text, |row| {
            let prefix = row.get("disease_prefix")?;
            if prefix.is_empty() {
                return Err(row.error("disease_prefix must not be empty"));
            }
            let value = (list(row.get("personal_history_codes")?), list(row.get("family_history_codes")?));
            out.rows.insert(prefix.to_owned(), value);
            Ok(())
        })?;
        Ok(out)
    }

    /// Codes for a personal history of `code`, by the longest prefix.
    #[must_use]
    pub fn personal(&self, code: &str) -> &[String] {
        self.row(code).map_or(&[], |row| row.0.as_slice())
    }

    /// Codes for a family history of `code`, by the longest prefix.
    #[must_use]
    pub fn family(&self, code: &str) -> &[String] {
        self.row(code).map_or(&[], |row| row.1.as_slice())
    }

    fn row(&self, code: &str) -> Option<&(Vec<String>, Vec<String>)> {
        (1..=code.len())
            .rev()
            .filter_map(|length| code.get(..length))
            .find_map(|prefix| self.rows.get(prefix.trim_end_matches('.')))
    }
}
