//! What clinical drugs are made of: ingredients and strengths in the order of the name, dose form, brand.

use std::collections::BTreeSet;

use super::concepts::{RxNorm, TermType};
use crate::releases::terminologies::medication_names::{Ingredients, Votes};

/// What a drug is made of, in the order of its name.
#[derive(Debug, PartialEq, Eq)]
pub struct Composition {
    /// Ingredients, each resolved to its IN, with the name of that.
    pub ingredients: Ingredients,
    /// "5 MG / 325 MG".
    pub strength: String,
}

/// What RxNorm says of ingredients, over the links of its concepts.
impl RxNorm {
    /// The IN of an IN or PIN, with its name.
    pub fn ingredient(&self, id: u32) -> Option<(u32, String)> {
        let concept = self.concepts.get(&id)?;
        match concept.term_type {
            TermType::Ingredient => Some((id, concept.name.to_lowercase())),
            TermType::PreciseIngredient => self.linked(id, TermType::Ingredient).find_map(|found| self.ingredient(found)),
            _ => None,
        }
    }

    /// The ingredients that a concept is linked to itself, in the order of its name.
    pub fn direct_ingredients(&self, id: u32) -> Ingredients {
        let name = self.name_of(id).to_lowercase();
        let linked = self.linked(id, TermType::Ingredient).chain(self.linked(id, TermType::PreciseIngredient));
        let found: BTreeSet<(u32, String)> = linked.filter_map(|linked| self.ingredient(linked)).collect();
        let mut found: Ingredients = found.into_iter().collect();
        found.sort_by_key(|(_, ingredient)| (name.find(ingredient.as_str()).unwrap_or(usize::MAX), ingredient.clone()));
        found
    }

    /// What an SCD, SBD or SBDC is made of; nothing where a component has no ingredient or no strength.
    pub fn composition(&self, id: u32) -> Option<Composition> {
        let name = self.name_of(id);
        let mut components: Vec<u32> = self.components(id).into_iter().collect();
        components.sort_by_key(|component| {
            let own = self.name_of(*component);
            (name.find(own).unwrap_or(usize::MAX), own)
        });
        let parts: Vec<((u32, String), &str)> = components.iter().map(|part| self.component(*part)).collect::<Option<_>>()?;
        let strengths: Vec<&str> = parts.iter().map(|(_, strength)| *strength).collect();
        let strength = strengths.join(" / ").replace(',', "");
        let mut ingredients: Ingredients = Vec::new();
        ingredients.extend(parts.into_iter().map(|(ingredient, _)| ingredient));
        (!ingredients.is_empty()).then_some(Composition { ingredients, strength })
    }

    /// The dose form of a drug, by its link or else by the end of its name.
    pub fn dose_form(&self, id: u32) -> &str {
        if let Some(form) = self.linked(id, TermType::DoseForm).next() {
            return self.name_of(form);
        }
        let name = self.name_of(id);
        let end = |component: u32| name.find(self.name_of(component)).map(|start| start + self.name_of(component).len());
        let tail = self.components(id).into_iter().filter_map(end).max().map_or("", |end| &name[end..]);
        tail.split(" [").next().unwrap_or_default().trim()
    }

    /// The brand of an SBD.
    pub fn brand(&self, id: u32) -> Option<u32> {
        let through = || self.linked(id, TermType::BrandedComponent).find_map(|part| self.linked(part, TermType::Brand).next());
        self.linked(id, TermType::Brand).next().or_else(through)
    }

    /// The ingredients of a brand: what most of its drugs hold, since a brand of several mixtures is linked to the ingredients of
    /// all of them; without drugs, those that it is the trade name of.
    pub fn brand_ingredients(&self, brand: u32) -> Ingredients {
        for term_type in [TermType::BrandedDrug, TermType::BrandedComponent] {
            let mut votes = Votes::default();
            self.linked(brand, term_type)
                .filter_map(|drug| self.composition(drug))
                .for_each(|found| votes.add(found.ingredients));
            if let Some(winner) = votes.winner() {
                return winner;
            }
        }
        self.direct_ingredients(brand)
    }

    fn name_of(&self, id: u32) -> &str {
        self.concepts.get(&id).map_or("", |concept| &concept.name)
    }

    /// Components of a drug: its own, else those of the generic drug it is the trade name of, else those of its branded component.
    fn components(&self, id: u32) -> BTreeSet<u32> {
        let own: BTreeSet<u32> = self.linked(id, TermType::Component).collect();
        let through = |term_type| self.linked(id, term_type).flat_map(|part| self.linked(part, TermType::Component)).collect();
        if !own.is_empty() || self.concepts.get(&id).is_none_or(|concept| concept.term_type != TermType::BrandedDrug) {
            return own;
        }
        let generic: BTreeSet<u32> = through(TermType::Drug);
        if generic.is_empty() { through(TermType::BrandedComponent) } else { generic }
    }

    /// Ingredient and strength of an SCDC.
    fn component(&self, id: u32) -> Option<((u32, String), &str)> {
        let ingredient = self.direct_ingredients(id).into_iter().next()?;
        let linked = self.linked(id, TermType::Ingredient).chain(self.linked(id, TermType::PreciseIngredient));
        let names: Vec<&str> = linked.map(|linked| self.name_of(linked)).collect();
        Some((ingredient, strength(self.name_of(id), &names)?))
    }
}

/// The strength in the name of a component: what stands behind the name of its ingredient; where the component calls that
/// otherwise, from its last number on.
fn strength<'n>(component: &'n str, ingredients: &[&str]) -> Option<&'n str> {
    let behind = |name: &&str| component.get(name.len()..).filter(|_| component[..name.len()].eq_ignore_ascii_case(name));
    let number = |word: &str| word.starts_with(|letter: char| letter.is_ascii_digit()) && word.parse::<f64>().is_ok();
    let named = ingredients.iter().filter_map(behind).filter(|rest| rest.starts_with(' ')).min_by_key(|rest| rest.len());
    if let Some(rest) =
        named.map(str::trim).filter(|rest| rest.split(' ').next().is_some_and(|word| number(&word.replace(',', ""))))
    {
        return Some(rest);
    }
    let mut starts = component.match_indices(' ').map(|(at, _)| &component[at + 1..]);
    starts.rfind(|rest| rest.split_once(' ').is_some_and(|(word, _)| number(&word.replace(',', ""))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_strength_stands_behind_the_ingredient() {
        assert_eq!(strength("metformin hydrochloride 500 MG", &["metformin", "metformin hydrochloride"]), Some("500 MG"));
        assert_eq!(
            strength("short ragweed pollen extract 1 AMB A 1 UNT", &["short ragweed pollen extract"]),
            Some("1 AMB A 1 UNT")
        );
        assert_eq!(strength("carbidopa 25 MG", &["carbidopa anhydrous"]), Some("25 MG"));
        assert_eq!(strength("vitamin B 12 1,000 UNT/ML", &[]), Some("1,000 UNT/ML"));
        assert_eq!(strength("gauze", &["gauze"]), None);
    }
}
