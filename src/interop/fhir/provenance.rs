//! Who made a resource: the engine first, then the coders who decided.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Links, TERMINOLOGY, engine_name, instant};
use crate::domain::{Decision, DecisionKind, EngineVersion};

/// What the engine made of one note.
pub(super) fn of_engine(links: &Links, targets: &[String], note: &str, (engine, at): (&EngineVersion, Timestamp)) -> Value {
    json!({
        "resourceType": "Provenance",
        "target": references(targets),
        "recorded": instant(at),
        "agent": [{
            "type": agent_type("assembler"),
            "who": {"type": "Device", "display": engine_name(engine)},
        }],
        "entity": [{"role": "source", "what": {"reference": links.document(note)}}],
    })
}

/// What a coder decided. The login name says who; it is no name of a patient.
pub(super) fn of_coder(targets: &[String], decision: &Decision) -> Value {
    // an addition is the coder's own; every other decision is about what was there
    let part = if matches!(decision.kind, DecisionKind::Add { .. }) { "author" } else { "verifier" };
    let operation = match decision.kind {
        DecisionKind::Add { .. } => "CREATE",
        DecisionKind::Withdraw {} | DecisionKind::Reject { .. } => "NULLIFY",
        DecisionKind::Accept { .. } | DecisionKind::Amend { .. } | DecisionKind::Designate { .. } => "UPDATE",
    };
    json!({
        "resourceType": "Provenance",
        "target": references(targets),
        "recorded": instant(decision.at),
        "activity": {
            "coding": [{"system": format!("{TERMINOLOGY}/v3-DataOperation"), "code": operation}],
            "text": decision.kind.action(),
        },
        "agent": [{
            "type": agent_type(part),
            "who": {"type": "Practitioner", "identifier": {"value": decision.user_name}, "display": decision.user_name},
        }],
    })
}

fn references(targets: &[String]) -> Vec<Value> {
    targets.iter().map(|target| json!({"reference": target})).collect()
}

fn agent_type(code: &str) -> Value {
    json!({"coding": [{"system": format!("{TERMINOLOGY}/provenance-participant-type"), "code": code}]})
}
