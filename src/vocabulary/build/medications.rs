//! `medications.tsv`, `clinical_drugs.tsv` and `unii.tsv`: RxNorm, RxTerms and the UNII lists, and of the embedded names those that
//! these releases do not have.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::rows::{Row, row};
use crate::{
    releases::{Table, terminologies::MEDICATIONS as RELEASED},
    vocabulary::normalize_term,
};

/// Names of medications.
pub(super) const MEDICATIONS: Table = Table { name: "medications.tsv", columns: RELEASED.columns };

/// Kinds of names, the best first.
const KINDS: [&str; 4] = ["ingredient", "brand", "legacy_brand", "synonym"];

// places of the columns
const TERM: usize = 0;
const KIND: usize = 1;
const INGREDIENTS: usize = 2;
const SOURCE: usize = 5;
const GUARD: usize = 6;

/// The names of kept releases and of the program.
#[derive(Debug)]
pub(super) struct Names<'a> {
    /// Those of RxNorm, when it is kept.
    pub rxnorm: Option<&'a [Row]>,
    /// Those of RxTerms, when it is kept.
    pub rxterms: Option<&'a [Row]>,
    /// Those that the program carries.
    pub embedded: &'a [Row],
}

impl Names<'_> {
    /// One row a folded name: RxNorm, then RxTerms, then the old brands and synonyms of the program, where their ingredients are in
    /// RxNorm. A guard is that of the embedded table; a new name that is an ordinary word too (`stopped`) has guard 1.
    pub(super) fn rows(&self, stopped: &BTreeSet<String>) -> Vec<Row> {
        let known = self.known_ingredients();
        let guards: HashMap<String, &str> =
            self.embedded.iter().map(|row| (normalize_term(&row[TERM]), row[GUARD].as_str())).collect();
        let (mut taken, mut rows) = (HashSet::new(), Vec::new());
        for layer in self.layers() {
            let has_ingredients = |row: &&Row| row[INGREDIENTS].split('|').all(|ingredient| known.contains(ingredient));
            let mut layer: Vec<&Row> = layer.into_iter().filter(has_ingredients).collect();
            layer.sort_by_key(|row| (KINDS.iter().position(|kind| *kind == row[KIND]), &row[TERM]));
            for row in layer {
                let folded = normalize_term(&row[TERM]);
                let guard = guards.get(&folded).copied().unwrap_or(if stopped.contains(&folded) { "1" } else { "0" });
                if !folded.is_empty() && taken.insert(folded) {
                    let mut row = row.clone();
                    guard.clone_into(&mut row[GUARD]);
                    rows.push(row);
                }
            }
        }
        rows.sort();
        rows
    }

    /// RxCUIs of the ingredients of RxNorm.
    pub(super) fn known_ingredients(&self) -> BTreeSet<&str> {
        self.rxnorm.unwrap_or(self.embedded).iter().flat_map(|row| row[INGREDIENTS].split('|')).collect()
    }

    /// The rows by their worth.
    fn layers(&self) -> [Vec<&Row>; 3] {
        let of_program = |wanted: &dyn Fn(&str) -> bool| self.embedded.iter().filter(|row| wanted(&row[SOURCE])).collect();
        [
            self.rxnorm.map_or_else(|| of_program(&|source| source == "rxnorm"), |rows| rows.iter().collect()),
            self.rxterms.map_or_else(|| of_program(&|source| source == "rxterms"), |rows| rows.iter().collect()),
            of_program(&|source| !matches!(source, "rxnorm" | "rxterms")),
        ]
    }
}

/// UNII codes of ingredients.
#[derive(Debug)]
pub(super) struct Uniis<'a> {
    /// Those of RxNorm, when it is kept.
    pub rxnorm: Option<&'a [Row]>,
    /// The UNII lists: `unii`, `name`, `type`, `rxcui`.
    pub names: &'a [Row],
    /// Those that the program carries.
    pub embedded: &'a [Row],
}

impl Uniis<'_> {
    /// One row an ingredient: as RxNorm says, else as the UNII lists say by RxCUI, else as the program knew.
    pub(super) fn rows(&self, ingredients: &BTreeSet<&str>) -> Vec<Row> {
        let pair = |row: &'_ Row| (row[0].clone(), row[1].clone());
        let mut listed: Vec<&Row> = self.names.iter().filter(|row| !row[3].is_empty()).collect();
        listed.sort_by_key(|row| row[2] != "pt");
        let listed = listed.into_iter().map(|row| (row[3].clone(), row[0].clone()));
        let program = self.embedded.iter().map(pair);
        let is_ingredient = |(rxcui, _): &(String, String)| ingredients.contains(rxcui.as_str());
        // what is said first counts; what RxNorm says of its own concepts needs no second look
        let said: Vec<(String, String)> = match self.rxnorm {
            Some(rows) => rows.iter().map(pair).chain(listed.chain(program).filter(is_ingredient)).collect(),
            None => program.chain(listed.filter(is_ingredient)).collect(),
        };
        let mut found: BTreeMap<u64, (String, String)> = BTreeMap::new();
        for (rxcui, unii) in said {
            if let Ok(number) = rxcui.parse() {
                found.entry(number).or_insert((rxcui, unii));
            }
        }
        found.into_values().map(|(rxcui, unii)| row([&rxcui, &unii])).collect()
    }
}

impl Uniis<'_> {
    /// Whether some of these rows are known from the program alone.
    pub(super) fn holds_embedded(&self, rows: &[Row]) -> bool {
        let listed: HashSet<(&str, &str)> = self.names.iter().map(|row| (row[3].as_str(), row[0].as_str())).collect();
        let released: HashSet<(&str, &str)> =
            self.rxnorm.unwrap_or_default().iter().map(|row| (row[0].as_str(), row[1].as_str())).collect();
        rows.iter()
            .map(|row| (row[0].as_str(), row[1].as_str()))
            .any(|pair| !listed.contains(&pair) && !released.contains(&pair))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(lines: &[&str]) -> Vec<Row> {
        lines.iter().map(|line| line.split(';').map(str::to_owned).collect()).collect()
    }

    fn seen(rows: &[Row]) -> Vec<String> {
        rows.iter().map(|row| row.join(";")).collect()
    }

    #[test]
    fn old_names_stay_where_their_ingredients_are() {
        let embedded = rows(&[
            "ativan;brand;6470;lorazepam;202479;rxnorm;0",
            "hctz;synonym;5487;hydrochlorothiazide;;rxterms;0",
            "iron;ingredient;90176;iron;;rxnorm;2",
            "oldrin;legacy_brand;6470;lorazepam;;orange_book;0",
            "gonerin;legacy_brand;1;gone;;orange_book;0",
            "lorazepamum;synonym;6470;lorazepam;;drugbank;1",
        ]);
        let rxnorm = rows(&[
            "iron;ingredient;90176;iron;;rxnorm;0",
            "lorazepam;ingredient;6470;lorazepam;;rxnorm;0",
            "today;brand;6470;lorazepam;7;rxnorm;0",
            "to-day;synonym;90176;iron;;rxnorm;0",
            "hydrochlorothiazide;ingredient;5487;hydrochlorothiazide;;rxnorm;0",
        ]);
        let stopped = BTreeSet::from(["today".to_owned()]);
        let names = Names { rxnorm: Some(&rxnorm), rxterms: None, embedded: &embedded };
        assert_eq!(
            seen(&names.rows(&stopped)),
            [
                "hctz;synonym;5487;hydrochlorothiazide;;rxterms;0",
                "hydrochlorothiazide;ingredient;5487;hydrochlorothiazide;;rxnorm;0",
                "iron;ingredient;90176;iron;;rxnorm;2",
                "lorazepam;ingredient;6470;lorazepam;;rxnorm;0",
                "lorazepamum;synonym;6470;lorazepam;;drugbank;1",
                "oldrin;legacy_brand;6470;lorazepam;;orange_book;0",
                "to-day;synonym;90176;iron;;rxnorm;0",
                "today;brand;6470;lorazepam;7;rxnorm;1",
            ]
        );
        let rxterms = rows(&["lorazepam;synonym;6470;lorazepam;;rxterms;0", "hcz;synonym;5487;hydrochlorothiazide;;rxterms;0"]);
        let names = Names { rxnorm: Some(&rxnorm), rxterms: Some(&rxterms), embedded: &embedded };
        let made = seen(&names.rows(&stopped));
        assert!(made.iter().any(|row| row.starts_with("hcz;")) && !made.iter().any(|row| row.starts_with("hctz;")));
    }

    #[test]
    fn uniis_are_filled_up() {
        let rxnorm = rows(&["161;362O9ITL9D"]);
        let names = rows(&["XXXXXXXXXX;a;cn;161", "5Q7ZVV76EI;WARFARIN;pt;11289", "ZZ;x;pt;", "YY;y;pt;99"]);
        let embedded = rows(&["161;OLD", "7804;CD35PMG570", "5;GONE"]);
        let ingredients = BTreeSet::from(["161", "11289", "7804"]);
        let uniis = Uniis { rxnorm: Some(&rxnorm), names: &names, embedded: &embedded };
        assert_eq!(seen(&uniis.rows(&ingredients)), ["161;362O9ITL9D", "7804;CD35PMG570", "11289;5Q7ZVV76EI"]);
    }
}
