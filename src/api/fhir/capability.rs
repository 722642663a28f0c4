//! `GET /fhir/metadata`: what the table of interactions says, as a CapabilityStatement.

use serde_json::{Value, json};

use super::{
    INTERACTIONS, Interaction, Kind,
    call::{Answer, Call},
    outcome::Problem,
};

/// The statement.
pub(super) async fn read(call: Call) -> Result<Answer, Problem> {
    let at = call.service.surroundings.now();
    Ok(Answer::resource(&statement(&call.base, &at.strftime("%Y-%m-%d").to_string())))
}

/// The statement of a service at this address on this day.
pub(super) fn statement(base: &str, day: &str) -> Value {
    let mut resources: Vec<Value> = Vec::new();
    for interaction in INTERACTIONS.iter().filter(|interaction| !interaction.resource.is_empty()) {
        let at = match resources.iter().position(|known| known["type"] == interaction.resource) {
            Some(at) => at,
            None => {
                resources.push(json!({"type": interaction.resource, "versioning": "no-version"}));
                resources.len() - 1
            }
        };
        describe(interaction, &mut resources[at]);
    }
    json!({
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": day,
        "kind": "instance",
        "software": {"name": "Abstractor", "version": env!("CARGO_PKG_VERSION")},
        "implementation": {"description": "Notes in; coded diagnoses, medications and allergies with their evidence and review out", "url": base},
        "fhirVersion": "4.0.1",
        "format": ["application/fhir+json", "json"],
        "rest": [{
            "mode": "server",
            "security": {"cors": false, "description": "A bearer token in every call but this one. Roles: a submitter posts and reads \
                notes of its own source; coders and leads read in their scope; auditors read AuditEvent."},
            "resource": resources,
            "interaction": [{"code": "transaction"}, {"code": "batch"}],
        }],
    })
}

fn describe(interaction: &Interaction, resource: &mut Value) {
    let mut push = |list: &str, value: Value| match resource[list].as_array_mut() {
        Some(all) => all.push(value),
        None => resource[list] = json!([value]),
    };
    match interaction.kind {
        Kind::Read => push("interaction", json!({"code": "read"})),
        Kind::Create => push("interaction", json!({"code": "create"})),
        Kind::Update => push(
            "interaction",
            json!({"code": "update", "documentation": "status entered-in-error takes a document back; a new version is posted"}),
        ),
        Kind::Search => {
            push("interaction", json!({"code": "search-type"}));
            for parameter in interaction.parameters {
                push("searchParam", json!({"name": parameter.name, "type": parameter.kind, "documentation": parameter.about}));
            }
        }
        Kind::TypeOperation(name) | Kind::Operation(name) => {
            let definition = format!("urn:abstractor:operation:{}-{name}", interaction.resource);
            push("operation", json!({"name": name, "definition": definition}));
        }
        Kind::Bundle | Kind::Capabilities => {}
    }
}
