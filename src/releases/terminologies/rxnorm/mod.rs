//! RxNorm, full or prescribable: the RRF files RXNCONSO, RXNREL and, where they are there, RXNSAT and RXNSAB. UTF-8, no quoting, no
//! header; every field ends with `|`.
//!
//! - RXNCONSO (18): RXCUI, LAT, TS, LUI, STT, SUI, ISPREF, RXAUI, SAUI, SCUI, SDUI, SAB, TTY, CODE, STR, SRL, SUPPRESS, CVF
//! - RXNREL (16): RXCUI1, RXAUI1, STYPE1, REL, RXCUI2, RXAUI2, STYPE2, RELA, RUI, SRUI, SAB, SL, DIR, RG, SUPPRESS, CVF;
//!   it reads "RXCUI2 RELA RXCUI1"
//! - RXNSAT (13): RXCUI, LUI, SUI, RXAUI, STYPE, CODE, ATUI, SATUI, ATN, SAB, ATV, SUPPRESS, CVF
//! - RXNSAB (25): VCUI, RCUI, VSAB, RSAB, SON, SF, SVER, VSTART, VEND, IMETA, RMETA, SLC, SCC, SRL, TFR, CFR, CXTY, TTYL, ATNL,
//!   LAT, CENC, CURVER, SABIN, SSN, SCIT
//!
//! Read are the names with SAB RXNORM and SUPPRESS N. The full release holds the prescribable one a second time in a folder of its
//! own; what stands twice is taken once. Allergenic extracts and homeopathic preparations are no medicines that a note lists, and are
//! left out.

mod concepts;
mod drugs;

use concepts::{Concept, RxNorm, TermType};

use super::medication_names::{Ingredients, Kind, Meaning, MedicationNames};
use crate::releases::{Output, Release, Result, Summary, Table};

/// Clinical drugs (SCD) and branded drugs (SBD). `ingredients` and `strength` stand in the order of the name.
pub const CLINICAL_DRUGS: Table =
    Table { name: "clinical_drugs.tsv", columns: &["rxcui", "tty", "name", "ingredients", "brand_rxcui", "strength", "form"] };

/// UNII codes of ingredients.
pub const UNII: Table = Table { name: "unii.tsv", columns: &["rxcui", "unii"] };

/// Words of preparations that are no medicines.
const NOT_MEDICINES: [&str; 11] = [
    "pollen",
    "allergenic extract",
    "dander",
    "epithelium",
    "venom protein",
    "fungus extract",
    "smut",
    "spore",
    "feather extract",
    "homeopathic",
    "whole extract",
];

/// Reads a release.
///
/// # Errors
/// When RXNCONSO or RXNREL is missing, a line cannot be used, or the output fails.
pub fn import(release: &Release, out: &mut dyn Output) -> Result<Summary> {
    let rxnorm = RxNorm::read(release)?;
    let nameless = write_medications(&rxnorm, out)?;
    let incomplete = write_drugs(&rxnorm, out)?;
    write_uniis(&rxnorm, out)?;
    let mut notes = Vec::new();
    if nameless > 0 {
        notes.push(format!("{nameless} salts, combinations and brands were left out: no ingredient is linked to them"));
    }
    if incomplete > 0 {
        notes.push(format!("{incomplete} clinical drugs were left out: a component has no ingredient or no strength"));
    }
    if rxnorm.uniis.is_empty() {
        notes.push("The release holds no UNII codes: give RXNSAT too".to_owned());
    }
    Ok(Summary { release: rxnorm.release, notes, ..Summary::default() })
}

fn is_medicine(name: &str) -> bool {
    let name = name.to_lowercase();
    !name.ends_with("antigen") && !NOT_MEDICINES.iter().any(|word| name.contains(word))
}

/// Writes the names; says how many concepts have no ingredients.
fn write_medications(rxnorm: &RxNorm, out: &mut dyn Output) -> Result<usize> {
    let mut names = MedicationNames::default();
    let mut nameless = 0;
    for (id, concept) in rxnorm.concepts.iter().filter(|(_, concept)| is_medicine(&concept.name)) {
        let Some(meaning) = meaning(rxnorm, *id, concept) else { continue };
        if meaning.ingredients.is_empty() {
            nameless += 1;
        } else if meaning.ingredients.iter().all(|(_, name)| is_medicine(name)) {
            for synonym in &concept.synonyms {
                names.add(synonym, Meaning { kind: Kind::Synonym, ..meaning.clone() });
            }
            names.add(&concept.name, meaning);
        }
    }
    names.write("rxnorm", out)?;
    Ok(nameless)
}

/// What the name of a concept stands for; nothing for a concept whose name no note says by itself.
fn meaning(rxnorm: &RxNorm, id: u32, concept: &Concept) -> Option<Meaning> {
    let (kind, ingredients): (Kind, Ingredients) = match concept.term_type {
        TermType::Ingredient => (Kind::Ingredient, rxnorm.ingredient(id).into_iter().collect()),
        TermType::PreciseIngredient => (Kind::Synonym, rxnorm.ingredient(id).into_iter().collect()),
        TermType::MultipleIngredients => (Kind::Synonym, rxnorm.direct_ingredients(id)),
        TermType::Brand => (Kind::Brand, rxnorm.brand_ingredients(id)),
        _ => return None,
    };
    let brand = (kind == Kind::Brand).then_some(id);
    Some(Meaning { kind, brand, ingredients })
}

/// Writes the drugs; says how many were left out.
fn write_drugs(rxnorm: &RxNorm, out: &mut dyn Output) -> Result<usize> {
    let mut incomplete = 0;
    for (id, concept) in rxnorm.concepts.iter().filter(|(_, concept)| is_medicine(&concept.name)) {
        let tty = match concept.term_type {
            TermType::Drug => "SCD",
            TermType::BrandedDrug => "SBD",
            _ => continue,
        };
        let Some(composition) = rxnorm.composition(*id) else {
            incomplete += 1;
            continue;
        };
        let ingredients: Vec<String> = composition.ingredients.iter().map(|(id, _)| id.to_string()).collect();
        let brand = rxnorm.brand(*id).filter(|_| tty == "SBD").map(|brand| brand.to_string()).unwrap_or_default();
        let (id, form) = (id.to_string(), rxnorm.dose_form(*id));
        out.row(CLINICAL_DRUGS, &[&id, tty, &concept.name, &ingredients.join("|"), &brand, &composition.strength, form])?;
    }
    Ok(incomplete)
}

fn write_uniis(rxnorm: &RxNorm, out: &mut dyn Output) -> Result<()> {
    for id in rxnorm.uniis.keys() {
        if let Some(unii) = rxnorm.unii(*id) {
            out.row(UNII, &[&id.to_string(), unii])?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::releases::terminologies::testing::{
        fixture, imported, imported_fixtures, refusal, refuses_what_is_damaged, rows, zipped,
    };

    const FILES: [&str; 5] =
        ["rxnorm/RXNCONSO.RRF", "rxnorm/RXNREL.RRF", "rxnorm/RXNSAT.RRF", "rxnorm/RXNSAB.RRF", "rxnorm/RXNSTY.RRF"];

    #[test]
    fn names_resolve_to_ingredients() {
        let (out, summary) = imported_fixtures(import, &FILES);
        assert_eq!(
            rows(&out, "medications.tsv"),
            [
                "acetaminophen\tingredient\t161\tacetaminophen\t\trxnorm\t0",
                "acetaminophen / oxycodone\tsynonym\t161|7804\tacetaminophen+oxycodone\t\trxnorm\t0",
                "apap\tsynonym\t161\tacetaminophen\t\trxnorm\t0",
                "jantoven\tbrand\t11289\twarfarin\t405155\trxnorm\t0",
                "oxycodone\tingredient\t7804\toxycodone\t\trxnorm\t0",
                "oxycodone hydrochloride\tsynonym\t7804\toxycodone\t\trxnorm\t0",
                "percocet\tbrand\t161|7804\tacetaminophen+oxycodone\t42844\trxnorm\t0",
                "warfarin\tingredient\t11289\twarfarin\t\trxnorm\t0",
                "warfarin sodium\tsynonym\t11289\twarfarin\t\trxnorm\t0",
                "zorvamix\tbrand\t9000001\tzorvanil\t9000011\trxnorm\t0",
                "zorvanil\tingredient\t9000001\tzorvanil\t\trxnorm\t0",
                "zorvatab\tbrand\t9000001\tzorvanil\t9000010\trxnorm\t0",
            ]
        );
        assert_eq!(summary.release, "20251006");
        assert_eq!(summary.notes.len(), 2, "{:?}", summary.notes);
        assert!(summary.notes[0].starts_with("1 salts") && summary.notes[1].starts_with("1 clinical drugs"));
    }

    #[test]
    fn drugs_keep_the_order_of_their_names() {
        let (out, _) = imported_fixtures(import, &FILES);
        assert_eq!(
            rows(&out, "clinical_drugs.tsv"),
            [
                "855332\tSCD\twarfarin sodium 5 MG Oral Tablet\t11289\t\t5 MG\tOral Tablet",
                "855336\tSBD\twarfarin sodium 5 MG Oral Tablet [Jantoven]\t11289\t405155\t5 MG\tOral Tablet",
                "1049221\tSCD\tacetaminophen 325 MG / oxycodone hydrochloride 5 MG Oral Tablet\t161|7804\t\t325 MG / 5 MG\tOral Tablet",
                "9000040\tSBD\tacetaminophen 325 MG / oxycodone hydrochloride 5 MG Oral Tablet [Percocet]\t161|7804\t42844\t325 MG / 5 MG\tOral Tablet",
                "9000041\tSCD\t2 ML zorvanil 1,000 UNT/ML Injection\t9000001\t\t1000 UNT/ML\tInjection",
                "9000044\tSBD\t2 ML zorvanil 1,000 UNT/ML Injection [Zorvamix]\t9000001\t9000011\t1000 UNT/ML\tInjection",
                "9000045\tSBD\t2 ML acetaminophen 325 MG / zorvanil 1,000 UNT/ML Injection [Zorvamix]\t161|9000001\t9000011\t325 MG / 1000 UNT/ML\tInjection",
                "9000046\tSBD\t4 ML zorvanil 1,000 UNT/ML Injection [Zorvamix]\t9000001\t9000011\t1000 UNT/ML\tInjection",
            ]
        );
    }

    #[test]
    fn uniis_are_those_of_ingredients() {
        let (out, _) = imported_fixtures(import, &FILES);
        assert_eq!(rows(&out, "unii.tsv"), ["161\t362O9ITL9D", "7804\tCD35PMG570", "11289\t5Q7ZVV76EI"]);
    }

    #[test]
    fn the_prescribable_copy_in_the_full_release_changes_nothing() {
        let twice: Vec<PathBuf> = FILES.iter().chain(&FILES).map(|name| fixture(name)).collect();
        let (once, _) = imported_fixtures(import, &FILES);
        let (both, _) = imported(import, &twice);
        assert_eq!(once.tables, both.tables);
    }

    #[test]
    fn what_is_damaged_is_refused() {
        refuses_what_is_damaged(import, &FILES);
        let names = std::fs::read(fixture(FILES[0])).expect("a fixture");
        let alone = refusal(import, &names);
        assert!(alone.contains("RXNREL"), "{alone}");
        let relations = b"161||CUI|RO|7804||CUI|form_of|1||RXNORM||||N|4096|\n161|7804|form_of|\n";
        let short = refusal(import, &zipped(&[("names", names.as_slice()), ("relations", relations.as_slice())]));
        assert_eq!(short, "download/relations, line 2: has 3 fields, not 16; the file is damaged: download it again");
        let lettered = String::from_utf8(names).expect("text").replace("\n7804|", "\n78x4|");
        let lettered = refusal(import, lettered.as_bytes());
        assert!(lettered.contains("line 5: field 1 is \"78x4\" where a number belongs"), "{lettered}");
    }
}
