//! An event of the audit trail as `AuditEvent`.

use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{TERMINOLOGY, instant};

/// The resource: sequence number, when, who, what, and to which thing (its kind and id).
#[must_use]
pub fn audit_event(
    sequence: i64,
    at: Timestamp,
    (actor, action, detail): (&str, &str, &str),
    thing: (&str, Option<Uuid>),
) -> Value {
    let mut resource = json!({
        "resourceType": "AuditEvent",
        "id": sequence.to_string(),
        "type": kind(action),
        "subtype": [{"system": "urn:abstractor:audit-action", "code": action}],
        "action": letter(action),
        "recorded": instant(at),
        // what was refused failed for want of a right
        "outcome": if action == "call.refused" { "4" } else { "0" },
        "agent": [{"who": {"display": actor}, "altId": actor, "requestor": true}],
        "source": {"observer": {"type": "Device", "display": "Abstractor"}},
    });
    if !detail.trim().is_empty() {
        resource["outcomeDesc"] = json!(detail);
    }
    if let (kind, Some(id)) = thing {
        let mut entity =
            json!({"what": {"identifier": {"value": id.to_string()}}, "type": {"code": kind, "system": "urn:abstractor:kind"}});
        let served = match kind {
            "note" => Some("DocumentReference"),
            "item" => Some("Task"),
            "patient" => Some("Patient"),
            _ => None,
        };
        if let Some(served) = served {
            entity["what"] = json!({"reference": format!("{served}/{id}")});
        }
        resource["entity"] = json!([entity]);
    }
    resource
}

/// The service starting and stopping are activities of an application, everything else is an operation.
fn kind(action: &str) -> Value {
    if action.starts_with("service.") {
        return json!({"system": "http://dicom.nema.org/resources/ontology/DCM", "code": "110100", "display": "Application Activity"});
    }
    json!({"system": format!("{TERMINOLOGY}/audit-event-type"), "code": "rest", "display": "RESTful Operation"})
}

/// Create, read, update, delete or execute, by the last word of the action.
fn letter(action: &str) -> &'static str {
    match action.rsplit('.').next().unwrap_or_default() {
        "stored" | "created" | "added" => "C",
        "read" | "listed" | "searched" | "exported" => "R",
        "deleted" | "purged" | "pruned" | "actor_erased" => "D",
        "claimed" | "released" | "decided" | "finished" | "reopened" | "revoked" | "disabled" | "enabled" | "retracted" => "U",
        _ => "E",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_event_says_what_it_is() {
        let of = |action: &str| {
            let event = audit_event(1, Timestamp::UNIX_EPOCH, ("ann", action, "GET /metrics"), ("", None));
            let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            (word(&event["type"]["code"]), word(&event["action"]), word(&event["outcome"]))
        };
        let told = |kind: &str, letter: &str, outcome: &str| (kind.to_owned(), letter.to_owned(), outcome.to_owned());
        assert_eq!(of("note.stored"), told("rest", "C", "0"));
        assert_eq!(of("audit.read"), told("rest", "R", "0"));
        assert_eq!(of("item.exported"), told("rest", "R", "0"));
        assert_eq!(of("audit.pruned"), told("rest", "D", "0"));
        assert_eq!(of("text.extracted"), told("rest", "E", "0"));
        assert_eq!(of("call.refused"), told("rest", "E", "4"));
        assert_eq!(of("service.started"), told("110100", "E", "0"));
    }
}
