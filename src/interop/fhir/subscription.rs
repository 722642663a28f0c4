//! A destination as `Subscription`: an empty POST to an address whenever an encounter was finished.

use serde_json::{Value, json};

use super::instant;
use crate::domain::{Channel, Destination};

/// The one thing that can be subscribed to: an encounter whose review is finished.
pub const CRITERIA: &str = "Task?status=completed";

/// What a Subscription that is sent asks for.
///
/// # Errors
/// The element that cannot be served, and what to send instead.
pub fn subscribed(resource: &Value) -> Result<Channel, (&'static str, String)> {
    let criteria = resource["criteria"].as_str().unwrap_or_default().trim();
    if criteria != CRITERIA {
        return Err(("Subscription.criteria", format!("must be {CRITERIA}: that is what can be subscribed to")));
    }
    if resource["reason"].as_str().is_none_or(|reason| reason.trim().is_empty()) {
        return Err(("Subscription.reason", "is missing: say why it was made".to_owned()));
    }
    let channel = &resource["channel"];
    if channel["type"] != "rest-hook" {
        return Err(("Subscription.channel.type", "must be rest-hook".to_owned()));
    }
    if !channel["payload"].is_null() {
        return Err((
            "Subscription.channel.payload",
            "must be left out: a notification tells nothing of the patient; read Task then".to_owned(),
        ));
    }
    let Some(url) = channel["endpoint"].as_str() else {
        return Err(("Subscription.channel.endpoint", "is missing".to_owned()));
    };
    let mut headers = Vec::new();
    for header in channel["header"].as_array().into_iter().flatten() {
        let pair = header.as_str().and_then(|header| header.split_once(':'));
        let Some((name, value)) = pair else {
            return Err(("Subscription.channel.header", "must be \"Name: value\"".to_owned()));
        };
        headers.push((name.trim().to_owned(), value.trim().to_owned()));
    }
    Ok(Channel::RestHook { url: url.to_owned(), headers })
}

/// The resource of a destination; none when it is no Subscription. Headers are not told: they may hold secrets.
#[must_use]
pub fn subscription(destination: &Destination) -> Option<Value> {
    let Channel::RestHook { url, .. } = &destination.channel else { return None };
    Some(json!({
        "resourceType": "Subscription",
        "id": destination.id,
        "meta": {"lastUpdated": instant(destination.created_at)},
        "status": if destination.disabled { "off" } else { "active" },
        "reason": "an encounter was reviewed",
        "criteria": CRITERIA,
        "channel": {"type": "rest-hook", "endpoint": url},
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_served_is_named() {
        let good = json!({
            "resourceType": "Subscription", "status": "requested", "reason": "to fetch codes", "criteria": CRITERIA,
            "channel": {"type": "rest-hook", "endpoint": "https://ehr.example/hook", "header": ["Authorization: Bearer x:y"]}
        });
        let headers = vec![("Authorization".to_owned(), "Bearer x:y".to_owned())];
        assert_eq!(subscribed(&good), Ok(Channel::RestHook { url: "https://ehr.example/hook".to_owned(), headers }));
        for (pointer, value, element) in [
            ("/criteria", json!("Condition?code=1"), "Subscription.criteria"),
            ("/reason", json!(" "), "Subscription.reason"),
            ("/channel/type", json!("email"), "Subscription.channel.type"),
            ("/channel/payload", json!("application/fhir+json"), "Subscription.channel.payload"),
            ("/channel/endpoint", Value::Null, "Subscription.channel.endpoint"),
            ("/channel/header", json!(["Authorization"]), "Subscription.channel.header"),
        ] {
            let mut bad = good.clone();
            bad["channel"]["payload"] = Value::Null;
            *bad.pointer_mut(pointer).expect("is there") = value;
            assert_eq!(subscribed(&bad).map_err(|(element, _)| element), Err(element));
        }
    }
}
