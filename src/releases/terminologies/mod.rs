//! Releases of drug and clinical terminologies, one module a kind, and what they share: the tables that several kinds write, the
//! rows of delimited files, and the choice between several meanings of a medication name.
//!
//! | module | release | tables |
//! |---|---|---|
//! | [`rxnorm`] | RxNorm, full or prescribable | `medications.tsv`, `clinical_drugs.tsv`, `unii.tsv` |
//! | [`rxterms`] | RxTerms | `medications.tsv` |
//! | [`snomed_rf2`] | SNOMED CT, RF2 snapshot | `concepts.tsv`, `maps.tsv` |
//! | [`snomed_gps`] | SNOMED CT Global Patient Set | `concepts.tsv` |
//! | [`umls`] | UMLS Metathesaurus | `terms.tsv` |
//! | [`unii`] | UNII lists of the FDA | `unii_names.tsv` |
//! | [`fhir`] | FHIR value sets and code systems | `concepts.tsv` |
//! | [`site_terms`] | a site's own terms | `site_terms.tsv` |

pub mod fhir;
mod medication_names;
mod rows;
pub mod rxnorm;
pub mod rxterms;
pub mod site_terms;
pub mod snomed_gps;
pub mod snomed_rf2;
#[cfg(test)]
mod testing;
pub mod umls;
pub mod unii;

use super::Table;

/// Terms of concepts of any code system. `preferred` and `case_sensitive` are 1 or 0; `semantic_tag` is what SNOMED CT writes in
/// brackets behind a fully specified name, and empty elsewhere.
pub const CONCEPTS: Table =
    Table { name: "concepts.tsv", columns: &["system", "code", "term", "preferred", "semantic_tag", "case_sensitive"] };

/// Names of medications, as `vocabularies/README.md` describes them. `case_guard` is 0: guards are set when the engine's tables are
/// built.
pub const MEDICATIONS: Table = Table {
    name: "medications.tsv",
    columns: &["term", "kind", "ingredients", "display", "brand_rxcui", "source", "case_guard"],
};

/// What SNOMED CT says of a term whose case matters from its first letter on.
const CASE_SENSITIVE: &str = "900000000000017005";

/// How no and yes are written.
const FLAGS: [&str; 2] = ["0", "1"];

/// "Asthma (disorder)" as the name and its semantic tag; the tag is empty where there is none.
pub(crate) fn name_and_tag(fully_specified: &str) -> (&str, &str) {
    let parts = fully_specified.trim().strip_suffix(')').and_then(|open| open.rsplit_once(" ("));
    parts.map_or((fully_specified.trim(), ""), |(name, tag)| (name.trim(), tag))
}
