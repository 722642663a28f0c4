//! The table of interactions.

use std::collections::BTreeSet;

use super::*;

#[test]
fn no_address_is_served_twice() {
    let mut seen = BTreeSet::new();
    for interaction in &INTERACTIONS {
        for (path, method) in interaction.routes() {
            assert!(seen.insert((path.clone(), format!("{method:?}"))), "{path} twice");
        }
    }
    assert!(seen.len() > INTERACTIONS.len(), "searches have two addresses");
}

#[test]
fn what_is_not_open_asks_for_a_permission() {
    let open: Vec<_> =
        INTERACTIONS.iter().filter(|interaction| interaction.permissions.is_empty()).map(|one| one.kind).collect();
    assert_eq!(open, [Kind::Capabilities]);
}

#[test]
fn the_statement_names_every_interaction_of_the_table() {
    let statement = capability::statement("http://localhost/fhir", "2026-01-01");
    let resources = statement["rest"][0]["resource"].as_array().expect("resources");
    for interaction in &INTERACTIONS {
        if interaction.resource.is_empty() {
            continue;
        }
        let resource = resources.iter().find(|one| one["type"] == interaction.resource).expect("is named");
        let named = |list: &str, field: &str, word: &str| {
            resource[list].as_array().is_some_and(|all| all.iter().any(|one| one[field] == word))
        };
        let told = match interaction.kind {
            Kind::Read => named("interaction", "code", "read"),
            Kind::Create => named("interaction", "code", "create"),
            Kind::Update => named("interaction", "code", "update"),
            Kind::Search => {
                named("interaction", "code", "search-type")
                    && interaction.parameters.iter().all(|parameter| named("searchParam", "name", parameter.name))
            }
            Kind::TypeOperation(name) | Kind::Operation(name) => named("operation", "name", name),
            Kind::Bundle | Kind::Capabilities => true,
        };
        assert!(told, "{} {:?}", interaction.resource, interaction.kind);
    }
}
