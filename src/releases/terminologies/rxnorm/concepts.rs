//! RXNCONSO, RXNREL, RXNSAT and RXNSAB as concepts and the links between them.

use std::collections::{BTreeMap, BTreeSet};

use crate::releases::{
    Member, Release, ReleaseError, Result,
    terminologies::rows::{Layout, Row, each_row, first_line, rrf},
};

/// Term types (TTY) of the concepts that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TermType {
    /// IN.
    Ingredient,
    /// PIN: a salt or ester.
    PreciseIngredient,
    /// MIN: several ingredients together.
    MultipleIngredients,
    /// BN.
    Brand,
    /// SCDC: ingredient and strength.
    Component,
    /// SBDC: a component of a brand.
    BrandedComponent,
    /// SCD.
    Drug,
    /// SBD.
    BrandedDrug,
    /// DF.
    DoseForm,
}

impl TermType {
    fn new(word: &str) -> Option<Self> {
        Some(match word {
            "IN" => Self::Ingredient,
            "PIN" => Self::PreciseIngredient,
            "MIN" => Self::MultipleIngredients,
            "BN" => Self::Brand,
            "SCDC" => Self::Component,
            "SBDC" => Self::BrandedComponent,
            "SCD" => Self::Drug,
            "SBD" => Self::BrandedDrug,
            "DF" => Self::DoseForm,
            _ => return None,
        })
    }
}

/// A concept of RxNorm.
#[derive(Debug)]
pub struct Concept {
    /// Its term type.
    pub term_type: TermType,
    /// Its name.
    pub name: String,
    /// Other names (SY, TMSY).
    pub synonyms: BTreeSet<String>,
}

/// The parts of a release that the tables need.
#[derive(Debug, Default)]
pub struct RxNorm {
    /// Concepts by RxCUI.
    pub concepts: BTreeMap<u32, Concept>,
    /// UNII codes by RxCUI.
    pub uniis: BTreeMap<u32, BTreeSet<Unii>>,
    /// "20251006"; empty when the release has no RXNSAB.
    pub release: String,
    synonyms: BTreeMap<u32, BTreeSet<String>>,
    links: BTreeMap<(u32, TermType), BTreeSet<u32>>,
}

/// Where a UNII was found, the best first, and the code.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unii {
    /// The attribute `UNII_CODE`.
    Attribute(String),
    /// The code of a substance of the drug labels (SAB MTHSPL, TTY SU), which is its UNII.
    LabelSubstance {
        /// The code.
        code: String,
        /// What the labels call the substance.
        name: String,
    },
}

/// Names of the relations that are read, in both directions.
const RELATIONS: [&str; 14] = [
    "has_ingredient",
    "ingredient_of",
    "has_precise_ingredient",
    "precise_ingredient_of",
    "has_form",
    "form_of",
    "has_part",
    "part_of",
    "has_tradename",
    "tradename_of",
    "consists_of",
    "constitutes",
    "has_dose_form",
    "dose_form_of",
];

impl RxNorm {
    /// Reads a release: names first, then what refers to them.
    ///
    /// # Errors
    /// When RXNCONSO or RXNREL is missing, or a line cannot be used.
    pub fn read(release: &Release) -> Result<Self> {
        let mut read = Self::default();
        let mut found = false;
        release.each(|member| {
            let first = first_line(member)?;
            if is_names(&first) {
                found = true;
                return each_row(member, Layout::Rrf(18), |row| read.name(row));
            }
            if is_sources(&first) {
                return each_row(member, Layout::Rrf(25), |row| read.source(row));
            }
            Ok(())
        })?;
        if !found {
            return Err(ReleaseError::not_found("RXNCONSO (names of RxNorm, 18 fields)"));
        }
        read.settle();
        found = false;
        release.each(|member| {
            let first = first_line(member)?;
            if is_relations(&first) {
                found = true;
                return each_row(member, Layout::Rrf(16), |row| read.relation(row));
            }
            read.attributes(member, &first)
        })?;
        if found { Ok(read) } else { Err(ReleaseError::not_found("RXNREL (relations of RxNorm, 16 fields)")) }
    }

    /// Concepts of a type that a concept is linked to.
    pub fn linked(&self, id: u32, term_type: TermType) -> impl Iterator<Item = u32> + '_ {
        self.links.get(&(id, term_type)).into_iter().flatten().copied()
    }

    /// The UNII of an ingredient. Of several substances of the labels the one that has its name goes first.
    pub fn unii(&self, id: u32) -> Option<&str> {
        let concept = self.concepts.get(&id).filter(|concept| concept.term_type == TermType::Ingredient)?;
        let found = self.uniis.get(&id)?;
        let rank = |unii: &&Unii| match unii {
            Unii::Attribute(_) => 0,
            Unii::LabelSubstance { name, .. } => 1 + u8::from(!name.eq_ignore_ascii_case(&concept.name)),
        };
        found.iter().min_by_key(rank).map(|(Unii::Attribute(code) | Unii::LabelSubstance { code, .. })| code.as_str())
    }

    fn name(&mut self, row: &Row<'_>) -> Result<()> {
        let [source, word, code, name] = [row.cells[11], row.cells[12], row.cells[13], row.cells[14]];
        if row.cells[16] != "N" {
            return Ok(());
        }
        match (source, word) {
            ("MTHSPL", "SU") if is_unii(code) => {
                let found = Unii::LabelSubstance { code: code.to_owned(), name: name.to_owned() };
                self.uniis.entry(row.number(0)?).or_default().insert(found);
            }
            ("RXNORM", "SY" | "TMSY") => _ = self.synonyms.entry(row.number(0)?).or_default().insert(name.to_owned()),
            ("RXNORM", _) => {
                if let Some(term_type) = TermType::new(word) {
                    let concept = Concept { term_type, name: name.to_owned(), synonyms: BTreeSet::new() };
                    self.concepts.entry(row.number(0)?).or_insert(concept);
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Synonyms may stand before the name that says what their concept is.
    fn settle(&mut self) {
        for (id, synonyms) in std::mem::take(&mut self.synonyms) {
            if let Some(concept) = self.concepts.get_mut(&id) {
                concept.synonyms = synonyms;
            }
        }
    }

    fn source(&mut self, row: &Row<'_>) -> Result<()> {
        if row.cells[3] == "RXNORM" && row.cells[21] == "Y" {
            self.release = release_date(row.cells[6]).unwrap_or_else(|| row.cells[6].to_owned());
        }
        Ok(())
    }

    /// The line reads "RXCUI2 RELA RXCUI1", and each relation stands there in both directions. As no two relations join the same
    /// two term types, the types of the ends say which end is which, and either line serves.
    fn relation(&mut self, row: &Row<'_>) -> Result<()> {
        let dropped = matches!(row.cells[14], "O" | "E" | "Y");
        if dropped
            || row.cells[10] != "RXNORM"
            || row.cells[0].is_empty()
            || row.cells[4].is_empty()
            || !RELATIONS.contains(&row.cells[7])
        {
            return Ok(());
        }
        let (first, second) = (row.number(0)?, row.number(4)?);
        if let (Some(one), Some(other)) = (self.concepts.get(&first), self.concepts.get(&second)) {
            let types = (one.term_type, other.term_type);
            self.links.entry((first, types.1)).or_default().insert(second);
            self.links.entry((second, types.0)).or_default().insert(first);
        }
        Ok(())
    }

    fn attributes(&mut self, member: &mut Member<'_>, first: &str) -> Result<()> {
        if !is_attributes(first) {
            return Ok(());
        }
        each_row(member, Layout::Rrf(13), |row| {
            if row.cells[8] == "UNII_CODE" && row.cells[11] == "N" && is_unii(row.cells[10]) {
                self.uniis.entry(row.number(0)?).or_default().insert(Unii::Attribute(row.cells[10].to_owned()));
            }
            Ok(())
        })
    }
}

fn is_id(field: &str) -> bool {
    !field.is_empty() && field.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_names(line: &str) -> bool {
    let fields = rrf(line);
    fields.len() == 18 && is_id(fields[0]) && fields[1].len() == 3 && !fields[12].is_empty()
}

fn is_relations(line: &str) -> bool {
    let fields = rrf(line);
    let end = |id: &str, kind: &str| (id.is_empty() || is_id(id)) && kind.ends_with("UI");
    fields.len() == 16 && end(fields[0], fields[2]) && end(fields[4], fields[6])
}

fn is_attributes(line: &str) -> bool {
    let fields = rrf(line);
    fields.len() == 13 && is_id(fields[0]) && fields[4].ends_with("UI")
}

fn is_sources(line: &str) -> bool {
    let fields = rrf(line);
    fields.len() == 25 && !fields[3].is_empty() && matches!(fields[21], "Y" | "N")
}

fn is_unii(code: &str) -> bool {
    code.len() == 10 && code.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase())
}

/// "20AA_251006F" as "20251006".
fn release_date(version: &str) -> Option<String> {
    let (_, date) = version.split_once('_')?;
    let date = date.get(..6)?;
    is_id(date).then(|| format!("20{date}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_told_apart_by_their_fields() {
        let names = "161|ENG||||||1||161||RXNORM|IN|161|acetaminophen||N|4096|";
        assert!(is_names(names) && !is_names(&names.replace("161|ENG", "C0000970|ENG")));
        let relations = "161||CUI|RO|315263||CUI|has_ingredient|1||RXNORM||||||";
        assert!(is_relations(relations) && !is_names(relations) && !is_attributes(relations));
        assert!(is_attributes("161||||CUI|161|AT1||UNII_CODE|RXNORM|362O9ITL9D|N||"));
        let mut sources = ["x"; 25];
        sources[21] = "Y";
        assert!(is_sources(&format!("{}|", sources.join("|"))));
    }

    #[test]
    fn the_release_is_a_date() {
        assert_eq!(release_date("20AA_251006F").as_deref(), Some("20251006"));
        assert_eq!(release_date("20AA"), None);
    }
}
