//! The words of a document: an attachment, or the narrative of a Composition's sections.

use base64::{
    Engine as _,
    alphabet::STANDARD,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use serde_json::Value;

use super::{Around, Refusal, RefusalKind, list, text_of};
use crate::interop::content::{self, ContentError, html_to_text};

const BASE64: GeneralPurpose =
    GeneralPurpose::new(&STANDARD, GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent));

/// The text of the attachment that is read best: plain text before HTML before RTF.
pub(super) fn of_attachments(around: Around<'_>) -> Result<String, Refusal> {
    let attachments = list(&around.holder["content"]);
    if attachments.is_empty() {
        return Err(Refusal::invalid("DocumentReference.content", "is missing; send the note as an attachment"));
    }
    let mut forms = Vec::new();
    let mut unread = ContentError::Type;
    for (at, content) in attachments.iter().enumerate() {
        match content::form(content["attachment"]["contentType"].as_str().unwrap_or_default()) {
            Ok(form) => forms.push((form, at)),
            Err(ContentError::Pdf) => unread = ContentError::Pdf,
            Err(_) => {}
        }
    }
    let Some((_, at)) = forms.into_iter().min() else {
        return Err(Refusal {
            kind: RefusalKind::Content,
            path: "DocumentReference.content[0].attachment.contentType".to_owned(),
            detail: unread.to_string(),
        });
    };
    attachment(around, &attachments[at]["attachment"], &format!("DocumentReference.content[{at}].attachment"))
}

fn attachment(around: Around<'_>, attachment: &Value, path: &str) -> Result<String, Refusal> {
    let content_type = attachment["contentType"].as_str().unwrap_or_default();
    let (data, at, content_type) = match attachment["data"].as_str() {
        Some(data) => (data, format!("{path}.data"), content_type),
        None => {
            let reference = serde_json::json!({"reference": attachment["url"]});
            let binary = around.resolve(&reference).filter(|resource| resource["resourceType"] == "Binary");
            let data = binary.and_then(|binary| binary["data"].as_str()).ok_or_else(|| {
                let detail = "has neither data nor a url of a Binary that was sent with it; nothing is fetched from elsewhere";
                Refusal::invalid(path, detail)
            })?;
            (data, format!("{path}.url"), binary.and_then(|binary| binary["contentType"].as_str()).unwrap_or(content_type))
        }
    };
    // FHIR allows white space in base64
    let compact: Vec<u8> = data.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let bytes = BASE64.decode(compact).map_err(|_| Refusal::invalid(&at, "is not base64"))?;
    content::text_of(content_type, &bytes).map_err(|error| {
        let kind = match error {
            ContentError::Type | ContentError::Pdf | ContentError::Charset => RefusalKind::Content,
            ContentError::Bytes | ContentError::Rtf => RefusalKind::Invalid,
        };
        let path = if error == ContentError::Charset { format!("{path}.contentType") } else { at };
        Refusal { kind, path, detail: error.to_string() }
    })
}

/// The text of a Composition: each section's title as a heading, and its narrative.
pub(super) fn of_sections(composition: &Value) -> Result<String, Refusal> {
    let mut out = String::new();
    sections(&composition["section"], &mut out, 0);
    if out.trim().is_empty() {
        return Err(Refusal::invalid("Composition.section", "has no text; send each section with its narrative (text.div)"));
    }
    Ok(out.trim_end().to_owned())
}

/// How deep sections may stand in each other.
const DEPTH: usize = 20;

fn sections(all: &Value, out: &mut String, depth: usize) {
    if depth > DEPTH {
        return;
    }
    for section in list(all) {
        let title = text_of(&section["title"]).or_else(|| text_of(&section["code"]["text"]));
        let narrative = section["text"]["div"].as_str().map(html_to_text).unwrap_or_default();
        if let Some(title) = title {
            out.push_str(title.trim_end_matches(':'));
            out.push_str(":\n");
        }
        if !narrative.trim().is_empty() {
            out.push_str(narrative.trim_matches('\n'));
            out.push('\n');
        }
        out.push('\n');
        sections(&section["section"], out, depth + 1);
    }
}
