//! Pages of resources: searchset Bundles with an opaque cursor.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    call::{Answer, Call},
    outcome::{Problem, information},
};
use crate::interop::fhir::percent_encoded;

/// Where a page begins: behind this id, of this item where the page is of a chart's resources.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cursor {
    pub(super) item: Uuid,
    pub(super) after: String,
}

impl Cursor {
    /// The cursor of a page of things that are their own items.
    pub(super) fn of(id: Uuid) -> Self {
        Self { item: id, after: String::new() }
    }

    fn written(&self) -> String {
        URL_SAFE_NO_PAD.encode(format!("{}.{}", self.item.simple(), self.after))
    }

    fn read(text: &str) -> Option<Self> {
        let text = String::from_utf8(URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
        let (item, after) = text.split_once('.')?;
        Some(Self { item: Uuid::try_parse(item).ok()?, after: after.to_owned() })
    }
}

impl Call {
    /// Where the asked page begins.
    pub(super) fn cursor(&self) -> Result<Option<Cursor>, Problem> {
        let wrong = || Problem::parameter("_page is no cursor of ours; follow the link \"next\" of the page before");
        self.parameter("_page").map(|text| Cursor::read(text).ok_or_else(wrong)).transpose()
    }

    /// A page of resources of the type that is searched for, and where the next one begins.
    pub(super) fn page(&self, resources: Vec<Value>, next: Option<&Cursor>, notices: &[String]) -> Answer {
        let kind = self.interaction.resource;
        let mut entries: Vec<Value> = resources
            .into_iter()
            .map(|resource| {
                let id = resource["id"].as_str().unwrap_or_default();
                let url = format!("{}/{kind}/{id}", self.base);
                json!({"fullUrl": url, "resource": resource, "search": {"mode": "match"}})
            })
            .collect();
        for notice in notices.iter().chain(&self.unheeded()) {
            entries.push(json!({"resource": information("warning", notice), "search": {"mode": "outcome"}}));
        }
        let mut links = vec![json!({"relation": "self", "url": self.address(None)})];
        if let Some(next) = next {
            links.push(json!({"relation": "next", "url": self.address(Some(next))}));
        }
        let mut bundle = json!({"resourceType": "Bundle", "type": "searchset", "link": links});
        if !entries.is_empty() {
            bundle["entry"] = json!(entries);
        }
        Answer::resource(&bundle)
    }

    /// The address of this search, or of its page behind a cursor.
    fn address(&self, cursor: Option<&Cursor>) -> String {
        let mut pairs: Vec<(&str, String)> = self
            .parameters()
            .filter(|(name, _)| cursor.is_none() || *name != "_page")
            .map(|(name, value)| (name, value.to_owned()))
            .collect();
        pairs.extend(cursor.map(|cursor| ("_page", cursor.written())));
        let query: Vec<String> =
            pairs.iter().map(|(name, value)| format!("{}={}", percent_encoded(name), percent_encoded(value))).collect();
        let question = if query.is_empty() { "" } else { "?" };
        format!("{}/{}{question}{}", self.base, self.interaction.resource, query.join("&"))
    }
}

/// Whether an element of a resource has one of the tokens: `code`, `system|code`, `|code`, `system|`.
pub(super) fn has_token(resource: &Value, element: &str, tokens: &str) -> bool {
    tokens.split(',').any(|token| match &resource[element] {
        Value::Array(concepts) => concepts.iter().any(|concept| concept_has(concept, token)),
        Value::String(code) => code == token.trim_start_matches('|'),
        concept => concept_has(concept, token),
    })
}

fn concept_has(concept: &Value, token: &str) -> bool {
    let codings = concept["coding"].as_array().map(Vec::as_slice).unwrap_or_default();
    codings.iter().any(|coding| match token.split_once('|') {
        None => coding["code"] == token,
        Some(("", code)) => coding["system"].is_null() && coding["code"] == code,
        Some((system, "")) => coding["system"] == system,
        Some((system, code)) => coding["system"] == system && coding["code"] == code,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_comes_back() {
        for cursor in [Cursor::of(Uuid::from_u128(7)), Cursor { item: Uuid::from_u128(1), after: "ab.c".to_owned() }] {
            assert_eq!(Cursor::read(&cursor.written()), Some(cursor));
        }
        for other in ["", "x", "!!", "bm8"] {
            assert_eq!(Cursor::read(other), None);
        }
    }

    #[test]
    fn fuzz_cursors_and_tokens() {
        use crate::fuzzing::{Damaged, Seeds, fuzz};
        // both cursors of the test above, and a token in every form
        const SEEDS: Seeds<'_> = Seeds {
            good: &[
                b"MDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDcu",
                b"MDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDEuYWIuYw",
                b"s|E11.9,|a,s|,,active",
            ],
            telling: b"|,.-_=MDA\xff",
        };
        let resource =
            json!({"status": "active", "code": {"coding": [{"system": "s", "code": "E11.9"}]}, "category": [{}, null, 7]});
        assert!(Cursor::read(&String::from_utf8_lossy(SEEDS.good[1])).is_some());
        fuzz!("FHIR cursor and token", Quick, Damaged, |input: &Damaged| {
            let text = input.text(SEEDS);
            if let Some(cursor) = Cursor::read(&text) {
                assert_eq!(Cursor::read(&cursor.written()), Some(cursor));
            }
            for element in ["status", "code", "category", "nothing"] {
                let _ = has_token(&resource, element, &text);
            }
        });
    }

    #[test]
    fn tokens() {
        let resource = json!({
            "status": "active",
            "code": {"coding": [{"system": "s", "code": "E11.9"}]},
            "category": [{"coding": [{"code": "a"}]}, {"coding": [{"code": "b"}]}],
        });
        for (element, tokens, expected) in [
            ("code", "E11.9", true),
            ("code", "s|E11.9", true),
            ("code", "t|E11.9", false),
            ("code", "|E11.9", false),
            ("code", "s|", true),
            ("code", "I10,E11.9", true),
            ("category", "b", true),
            ("category", "|b", true),
            ("category", "c", false),
            ("status", "active", true),
            ("status", "stopped", false),
            ("nothing", "a", false),
        ] {
            assert_eq!(has_token(&resource, element, tokens), expected, "{element} {tokens}");
        }
    }
}
