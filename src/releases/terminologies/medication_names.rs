//! Names of medications as they are collected: one row a name, the best kind of name first.

use std::collections::BTreeMap;

use super::MEDICATIONS;
use crate::releases::{Output, Result, clean};

/// What a name is, the best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// The name of an ingredient.
    Ingredient,
    /// A brand.
    Brand,
    /// A salt, a combination, another name, an abbreviation.
    Synonym,
}

impl Kind {
    const fn word(self) -> &'static str {
        match self {
            Self::Ingredient => "ingredient",
            Self::Brand => "brand",
            Self::Synonym => "synonym",
        }
    }
}

/// RxCUIs of ingredients with their names.
pub type Ingredients = Vec<(u32, String)>;

/// What a name stands for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Meaning {
    /// What the name is.
    pub kind: Kind,
    /// The brand it belongs to.
    pub brand: Option<u32>,
    /// The ingredients, never empty.
    pub ingredients: Ingredients,
}

/// The names of one release.
#[derive(Debug, Default)]
pub struct MedicationNames {
    names: BTreeMap<String, Meaning>,
}

impl MedicationNames {
    /// Adds a name in any case. Where it is there already, the better kind stays, then the one that has a brand.
    pub fn add(&mut self, name: &str, meaning: Meaning) {
        let name = clean(&name.to_lowercase());
        if name.is_empty() || meaning.ingredients.is_empty() {
            return;
        }
        let rank = |meaning: &Meaning| (meaning.kind, meaning.brand.is_none());
        match self.names.get(&name) {
            Some(there) if rank(there) <= rank(&meaning) => {}
            _ => _ = self.names.insert(name, meaning),
        }
    }

    /// Writes the rows of `medications.tsv`, in the order of the names.
    ///
    /// # Errors
    /// When the output does not take them.
    pub fn write(&self, source: &str, out: &mut dyn Output) -> Result<()> {
        for (name, meaning) in &self.names {
            let ids: Vec<String> = meaning.ingredients.iter().map(|(id, _)| id.to_string()).collect();
            let display: Vec<&str> = meaning.ingredients.iter().map(|(_, name)| name.as_str()).collect();
            let brand = meaning.brand.map(|id| id.to_string()).unwrap_or_default();
            let cells = [name, meaning.kind.word(), &ids.join("|"), &display.join("+").to_lowercase(), &brand, source, "0"];
            out.row(MEDICATIONS, &cells)?;
        }
        Ok(())
    }
}

/// Counts how often each set of ingredients was seen behind one name.
#[derive(Debug, Default)]
pub struct Votes {
    seen: BTreeMap<Ingredients, u32>,
}

impl Votes {
    /// Counts a set, whatever its order.
    pub fn add(&mut self, mut ingredients: Ingredients) {
        ingredients.sort_by(|one, other| one.1.cmp(&other.1));
        ingredients.dedup();
        if !ingredients.is_empty() {
            *self.seen.entry(ingredients).or_default() += 1;
        }
    }

    /// The set that was seen most; of several the smallest.
    pub fn winner(self) -> Option<Ingredients> {
        let best = |(set, count): &(Ingredients, u32)| (std::cmp::Reverse(*count), set.len());
        self.seen.into_iter().min_by_key(best).map(|(set, _)| set)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meaning(kind: Kind, brand: Option<u32>) -> Meaning {
        Meaning { kind, brand, ingredients: vec![(1, "one".to_owned())] }
    }

    #[test]
    fn the_better_kind_stays_and_case_does_not_count() {
        let mut names = MedicationNames::default();
        names.add("Oneval", meaning(Kind::Synonym, None));
        names.add("ONEVAL", meaning(Kind::Brand, Some(7)));
        names.add("oneval", meaning(Kind::Brand, None));
        assert_eq!(names.names["oneval"], meaning(Kind::Brand, Some(7)));
    }

    #[test]
    fn the_most_frequent_set_wins() {
        let set =
            |names: &[&str]| -> Ingredients { names.iter().zip(1..).map(|(name, id)| (id, (*name).to_owned())).collect() };
        let mut votes = Votes::default();
        votes.add(set(&["a", "b"]));
        votes.add(set(&["a"]));
        votes.add(set(&["a"]));
        assert_eq!(votes.winner(), Some(set(&["a"])));
    }
}
