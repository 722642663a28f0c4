//! RxTerms of the NLM: `RxTermsYYYYMM.txt` and `RxTermsIngredientsYYYYMM.txt`, UTF-8, separated by `|`, with a header row, no
//! quoting.
//!
//! - drugs (18): RXCUI, GENERIC_RXCUI, TTY, FULL_NAME, RXN_DOSE_FORM, FULL_GENERIC_NAME, BRAND_NAME, DISPLAY_NAME, ROUTE,
//!   NEW_DOSE_FORM, STRENGTH, SUPPRESS_FOR, DISPLAY_NAME_SYNONYM, IS_RETIRED, SXDG_RXCUI, SXDG_TTY, SXDG_NAME, PSN; older releases
//!   end with IS_RETIRED
//! - ingredients (3): RXCUI, INGREDIENT, ING_RXCUI
//!
//! Names are brands, display names without the route in brackets, and the synonyms of these. A drug is joined to its ingredients by
//! RXCUI, never by SXDG_RXCUI, which is `NA` for packs. A synonym of a mixture ("HCTZ" at lisinopril with hydrochlorothiazide) stands
//! for one part of it, so only those of single ingredients are taken, and of these only what stands for one ingredient. RxTerms has no
//! RxCUI of a brand.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    medication_names::{Ingredients, Kind, Meaning, MedicationNames, Votes},
    rows::{Header, Layout, Row, each_row, first_line},
};
use crate::releases::{Output, Release, ReleaseError, Result, Summary};

/// What the release says of one name.
#[derive(Debug, Default)]
struct Drugs {
    ingredients: BTreeMap<u32, Ingredients>,
    brands: BTreeMap<String, Votes>,
    generics: BTreeMap<String, Votes>,
    synonyms: BTreeMap<String, BTreeSet<(u32, String)>>,
    unlisted: usize,
}

/// Columns of the drugs: RXCUI, BRAND_NAME, DISPLAY_NAME, DISPLAY_NAME_SYNONYM, IS_RETIRED.
const DRUGS: [&str; 5] = ["RXCUI", "BRAND_NAME", "DISPLAY_NAME", "DISPLAY_NAME_SYNONYM", "IS_RETIRED"];
const INGREDIENTS: [&str; 3] = ["RXCUI", "INGREDIENT", "ING_RXCUI"];

/// Reads a release.
///
/// # Errors
/// When one of the two files is missing, a line cannot be used, or the output fails.
pub fn import(release: &Release, out: &mut dyn Output) -> Result<Summary> {
    let mut drugs = Drugs::default();
    each_table(release, INGREDIENTS, |row, places| drugs.ingredient(row, places))?;
    each_table(release, DRUGS, |row, places| drugs.drug(row, places))?;
    let (names, ambiguous) = drugs.names();
    names.write("rxterms", out)?;
    let mut notes = Vec::new();
    if drugs.unlisted > 0 {
        notes.push(format!("{} drugs were left out: the list of ingredients does not have them", drugs.unlisted));
    }
    if ambiguous > 0 {
        notes.push(format!("{ambiguous} synonyms were left out: they stand for several ingredients"));
    }
    Ok(Summary { release: String::new(), notes, ..Summary::default() })
}

/// Calls `each` with the rows of the members that have these columns.
fn each_table<const N: usize>(
    release: &Release,
    columns: [&str; N],
    mut each: impl FnMut(&Row<'_>, [usize; N]) -> Result<()>,
) -> Result<()> {
    let mut found = false;
    release.each(|member| {
        let Some(places) = Header::new(&first_line(member)?, '|').places(columns) else { return Ok(()) };
        found = true;
        each_row(member, Layout::Headed('|'), |row| each(row, places))
    })?;
    if found {
        Ok(())
    } else {
        Err(ReleaseError::not_found(format!("an RxTerms table with the columns {}", columns.join("|"))))
    }
}

impl Drugs {
    fn ingredient(&mut self, row: &Row<'_>, [drug, name, id]: [usize; 3]) -> Result<()> {
        let found = (row.number(id)?, row.cells[name].trim().to_lowercase());
        self.ingredients.entry(row.number(drug)?).or_default().push(found);
        Ok(())
    }

    fn drug(&mut self, row: &Row<'_>, [id, brand, display, synonym, retired]: [usize; 5]) -> Result<()> {
        if !row.cells[retired].trim().is_empty() {
            return Ok(());
        }
        let Some(ingredients) = self.ingredients.get(&row.number(id)?) else {
            self.unlisted += 1;
            return Ok(());
        };
        let (brand, display) = (row.cells[brand].trim(), without_route(row.cells[display]));
        let names = if brand.is_empty() { &mut self.generics } else { &mut self.brands };
        for name in BTreeSet::from([brand, display]) {
            names.entry(name.to_lowercase()).or_default().add(ingredients.clone());
        }
        if let [ingredient] = ingredients.as_slice() {
            for name in row.cells[synonym].split([',', ';']).map(str::trim).filter(|name| !name.is_empty()) {
                self.synonyms.entry(name.to_lowercase()).or_default().insert(ingredient.clone());
            }
        }
        Ok(())
    }

    /// The names, and how many synonyms stand for several ingredients.
    fn names(&mut self) -> (MedicationNames, usize) {
        let mut names = MedicationNames::default();
        let brands = std::mem::take(&mut self.brands).into_iter().map(|(name, votes)| (name, Kind::Brand, votes));
        let generics = std::mem::take(&mut self.generics).into_iter().map(|(name, votes)| (name, Kind::Synonym, votes));
        for (name, kind, votes) in brands.chain(generics) {
            if let Some(ingredients) = votes.winner() {
                names.add(&name, Meaning { kind, brand: None, ingredients });
            }
        }
        let all = std::mem::take(&mut self.synonyms);
        let (single, several): (Vec<_>, Vec<_>) = all.into_iter().partition(|(_, meanings)| meanings.len() == 1);
        for (name, meanings) in single {
            names.add(&name, Meaning { kind: Kind::Synonym, brand: None, ingredients: meanings.into_iter().collect() });
        }
        (names, several.len())
    }
}

/// "ZORVALIS XR (Oral Pill)" as "ZORVALIS XR".
fn without_route(display: &str) -> &str {
    let display = display.trim();
    display.strip_suffix(')').and_then(|open| open.rsplit_once(" (")).map_or(display, |(name, _)| name.trim())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::releases::terminologies::testing::{fixture, imported_fixtures, refusal, refuses_what_is_damaged, rows, zipped};

    const FILES: [&str; 2] = ["rxterms/RxTerms.txt", "rxterms/RxTermsIngredients.txt"];

    #[test]
    fn brands_and_abbreviations_stand_for_ingredients() {
        let (out, summary) = imported_fixtures(import, &FILES);
        assert_eq!(
            rows(&out, "medications.tsv"),
            [
                "hctz\tsynonym\t5487\thydrochlorothiazide\t\trxterms\t0",
                "hydrochlorothiazide\tsynonym\t5487\thydrochlorothiazide\t\trxterms\t0",
                "lisinopril/hydrochlorothiazide\tsynonym\t5487|29046\thydrochlorothiazide+lisinopril\t\trxterms\t0",
                "niacin\tsynonym\t7393\tniacin\t\trxterms\t0",
                "niacinamide\tsynonym\t7405\tniacinamide\t\trxterms\t0",
                "vit-b3\tsynonym\t7393\tniacin\t\trxterms\t0",
                "zorvalis\tbrand\t29046\tlisinopril\t\trxterms\t0",
                "zorvalis xr\tbrand\t29046\tlisinopril\t\trxterms\t0",
                "zorvapak\tbrand\t29046\tlisinopril\t\trxterms\t0",
                "zorvazide\tbrand\t5487|29046\thydrochlorothiazide+lisinopril\t\trxterms\t0",
            ]
        );
        assert_eq!(
            summary.notes,
            [
                "1 drugs were left out: the list of ingredients does not have them",
                "1 synonyms were left out: they stand for several ingredients"
            ]
        );
    }

    #[test]
    fn what_is_damaged_is_refused() {
        refuses_what_is_damaged(import, &FILES);
        let drugs = std::fs::read(fixture(FILES[0])).expect("a fixture");
        let alone = refusal(import, &drugs);
        assert!(alone.contains("RXCUI|INGREDIENT|ING_RXCUI"), "{alone}");
        let short = b"RXCUI|INGREDIENT|ING_RXCUI\n310798|5487\n";
        let short = refusal(import, &zipped(&[("drugs", &drugs), ("ingredients", short)]));
        assert_eq!(short, "download/ingredients, line 2: has 2 fields, not 3; the file is damaged: download it again");
    }
}
