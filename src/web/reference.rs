//! `/reference`: the API as a page to read, made from its OpenAPI description; open to everybody as that is.

use askama::Template;
use axum::{Router, http::StatusCode, routing::get};
use serde_json::{Map, Value};

use super::shell::{Shell, page};

/// The page.
#[derive(Template)]
#[template(path = "reference.html")]
struct ReferencePage {
    shell: Shell,
    operations: Vec<Operation>,
    schemas: Vec<Schema>,
}

/// One method at one address.
#[derive(Clone)]
struct Operation {
    id: String,
    method: String,
    path: String,
    summary: String,
    parameters: Vec<Field>,
    /// Media type and form of the body.
    body: Option<(String, Form)>,
    /// Status, media type and form of each answer.
    answers: Vec<(String, String, Form)>,
}

/// One object or word list.
#[derive(Clone)]
struct Schema {
    name: String,
    description: String,
    fields: Vec<Field>,
    /// The words it may be.
    words: String,
    /// What it may be instead.
    forms: Vec<Form>,
}

/// A field of an object, or a parameter.
#[derive(Clone)]
struct Field {
    name: String,
    place: String,
    form: Form,
    is_required: bool,
    description: String,
}

/// What a value is: words around the name of a schema, if it has one.
#[derive(Clone, Default)]
struct Form {
    words: String,
    schema: Option<String>,
}

/// The route of the page for an OpenAPI description.
pub(super) fn router(document: &Value) -> Router {
    let view = ReferencePage { shell: Shell::default(), operations: operations(document), schemas: schemas(document) };
    let view = std::sync::Arc::new(view);
    Router::new().route(
        "/reference",
        get(move || {
            let view = std::sync::Arc::clone(&view);
            async move { page(StatusCode::OK, &*view) }
        }),
    )
}

fn object<'a>(value: &'a Value, field: &str) -> impl Iterator<Item = (&'a String, &'a Value)> {
    value[field].as_object().into_iter().flat_map(Map::iter)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn operations(document: &Value) -> Vec<Operation> {
    let mut found = Vec::new();
    for (path, methods) in object(document, "paths") {
        for (method, operation) in methods.as_object().into_iter().flat_map(Map::iter) {
            let mut answers = Vec::new();
            for (status, answer) in object(operation, "responses") {
                let mut contents = object(answer, "content").peekable();
                if contents.peek().is_none() {
                    answers.push((status.clone(), String::new(), Form::default()));
                }
                answers.extend(contents.map(|(media, content)| (status.clone(), media.clone(), form(&content["schema"]))));
            }
            found.push(Operation {
                id: text(&operation["operationId"]),
                method: method.to_uppercase(),
                path: path.clone(),
                summary: [text(&operation["summary"]), text(&operation["description"])].join(" ").trim().to_owned(),
                parameters: operation["parameters"].as_array().into_iter().flatten().map(parameter).collect(),
                body: object(&operation["requestBody"], "content")
                    .next()
                    .map(|(media, content)| (media.clone(), form(&content["schema"]))),
                answers,
            });
        }
    }
    found
}

fn parameter(parameter: &Value) -> Field {
    Field {
        name: text(&parameter["name"]),
        place: text(&parameter["in"]),
        form: form(&parameter["schema"]),
        is_required: parameter["required"] == true,
        description: text(&parameter["description"]),
    }
}

fn schemas(document: &Value) -> Vec<Schema> {
    object(&document["components"], "schemas")
        .map(|(name, schema)| {
            let alternatives = schema["oneOf"].as_array().into_iter().flatten();
            Schema {
                name: name.clone(),
                description: text(&schema["description"]),
                fields: fields(schema),
                words: words(schema),
                forms: alternatives.clone().filter(|one| one["properties"].is_null()).map(form).collect(),
            }
            .with_alternatives(alternatives)
        })
        .collect()
}

impl Schema {
    /// The fields of the objects that it may be, each under its own word.
    fn with_alternatives<'a>(mut self, alternatives: impl Iterator<Item = &'a Value>) -> Self {
        for one in alternatives.filter(|one| !one["properties"].is_null()) {
            let title = object(one, "properties").find_map(|(name, value)| Some((name, value["enum"][0].as_str()?)));
            let place = title.map_or_else(String::new, |(name, word)| format!("{name} = {word}"));
            let description = text(&one["description"]);
            let of_tag = |field: &Field| title.is_some_and(|(name, _)| field.name == *name);
            self.fields.extend(fields(one).into_iter().map(|field| Field {
                description: if of_tag(&field) { description.clone() } else { field.description.clone() },
                place: place.clone(),
                ..field
            }));
        }
        self
    }
}

fn fields(schema: &Value) -> Vec<Field> {
    let required: Vec<&str> = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    // a flattened object stands beside the fields of the one that holds it
    let parts = schema["allOf"].as_array().into_iter().flatten();
    let mut found: Vec<Field> = parts
        .flat_map(|part| match form(part).schema {
            Some(name) => vec![Field {
                name: "…".to_owned(),
                place: String::new(),
                form: Form { words: text!("reference-fields-of-other").to_owned(), schema: Some(name) },
                is_required: true,
                description: String::new(),
            }],
            None => fields(part),
        })
        .collect();
    found.extend(object(schema, "properties").map(|(name, value)| Field {
        name: name.clone(),
        place: String::new(),
        form: form(value),
        is_required: required.contains(&name.as_str()),
        description: described(value),
    }));
    found
}

/// The description of a value, or of the one it may be.
fn described(value: &Value) -> String {
    let own = text(&value["description"]);
    let inner =
        || value["oneOf"].as_array().into_iter().flatten().map(|one| text(&one["description"])).find(|one| !one.is_empty());
    if own.is_empty() { inner().unwrap_or_default() } else { own }
}

fn words(schema: &Value) -> String {
    schema["enum"].as_array().into_iter().flatten().filter_map(Value::as_str).collect::<Vec<_>>().join(", ")
}

fn form(schema: &Value) -> Form {
    if let Some(name) = schema["$ref"].as_str().and_then(|reference| reference.rsplit('/').next()) {
        return Form { words: String::new(), schema: Some(name.to_owned()) };
    }
    if let Some(one) = schema["oneOf"].as_array().and_then(|all| all.iter().find(|one| one["type"] != "null")) {
        return form(one);
    }
    if schema["type"] == "array" {
        let item = form(&schema["items"]);
        let words = text!("reference-list-of", item = item.words);
        return Form { words: words.trim().to_owned(), schema: item.schema };
    }
    let kinds: Vec<&str> = match &schema["type"] {
        Value::String(one) => vec![one],
        Value::Array(several) => several.iter().filter_map(Value::as_str).filter(|kind| *kind != "null").collect(),
        _ => vec!["anything"],
    };
    let format = schema["format"].as_str().map_or_else(String::new, |format| format!(" ({format})"));
    Form { words: format!("{}{format}", kinds.join(&format!(" {} ", text!("reference-or")))), schema: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_told_in_words() {
        let told = |schema: &str| {
            let form = form(&serde_json::from_str(schema).expect("JSON"));
            (form.words, form.schema)
        };
        assert_eq!(told(r##"{"$ref": "#/components/schemas/Note"}"##), (String::new(), Some("Note".to_owned())));
        assert_eq!(told(r#"{"type": ["string", "null"], "format": "uuid"}"#), ("string (uuid)".to_owned(), None));
        let list = r##"{"type": "array", "items": {"$ref": "#/components/schemas/Note"}}"##;
        assert_eq!(told(list), ("list of".to_owned(), Some("Note".to_owned())));
        let either = r##"{"oneOf": [{"type": "null"}, {"$ref": "#/components/schemas/Note"}]}"##;
        assert_eq!(told(either), (String::new(), Some("Note".to_owned())));
    }
}
