//! The text of a document as it was sent: plain text in its character set, HTML, RTF. Everything else is refused by name.

#[cfg(test)]
mod fuzz;
mod html;
mod rtf;

pub use html::html_to_text;
pub use rtf::rtf_to_text;

use encoding_rs::Encoding;
use thiserror::Error;

/// Why a document's text cannot be had. Never quotes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ContentError {
    /// A type that is not read.
    #[error("this type of content is not read; send text/plain, text/html or application/rtf")]
    Type,
    /// A PDF.
    #[error(
        "the text of a PDF is not read: its layout loses what stands beside what; send text/plain, text/html or application/rtf"
    )]
    Pdf,
    /// An unknown character set.
    #[error("the character set is not known; name one of the WHATWG Encoding Standard, for example utf-8 or windows-1252")]
    Charset,
    /// Bytes that are not of the character set.
    #[error("the bytes are not text in the character set that the content type names (utf-8 where it names none)")]
    Bytes,
    /// No RTF.
    #[error("the content is not RTF: it does not begin with {{\\rtf")]
    Rtf,
}

/// What a content type says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Form {
    /// Plain text.
    Plain,
    /// HTML.
    Html,
    /// RTF.
    Rtf,
}

/// The form that a content type names.
///
/// # Errors
/// [`ContentError::Type`] or [`ContentError::Pdf`] for one that is not read.
pub fn form(content_type: &str) -> Result<Form, ContentError> {
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match essence.as_str() {
        "text/plain" | "text/markdown" => Ok(Form::Plain),
        "text/html" | "application/xhtml+xml" => Ok(Form::Html),
        "application/rtf" | "text/rtf" | "text/richtext" => Ok(Form::Rtf),
        "application/pdf" => Err(ContentError::Pdf),
        _ => Err(ContentError::Type),
    }
}

/// The text of a document.
///
/// # Errors
/// [`ContentError`].
pub fn text_of(content_type: &str, bytes: &[u8]) -> Result<String, ContentError> {
    match form(content_type)? {
        Form::Plain => decoded(content_type, bytes),
        Form::Html => decoded(content_type, bytes).map(|html| html_to_text(&html)),
        Form::Rtf => rtf_to_text(bytes).map(|text| text.trim_end().to_owned()).ok_or(ContentError::Rtf),
    }
}

/// Bytes in the character set of a content type, UTF-8 where it names none. A byte-order mark is no part of the text.
fn decoded(content_type: &str, bytes: &[u8]) -> Result<String, ContentError> {
    let charset = content_type.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("charset").then(|| value.trim().trim_matches('"').to_owned())
    });
    let encoding = match charset {
        Some(label) => Encoding::for_label(label.as_bytes()).ok_or(ContentError::Charset)?,
        None => encoding_rs::UTF_8,
    };
    let (text, wrong) = encoding.decode_with_bom_removal(bytes);
    if wrong { Err(ContentError::Bytes) } else { Ok(text.into_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_comes_in_its_character_set() {
        for (kind, bytes, expected) in [
            ("text/plain", "Zoë: 37,5 °C".as_bytes().to_vec(), Ok("Zoë: 37,5 °C")),
            ("text/plain; charset=utf-8", b"\xef\xbb\xbfgout".to_vec(), Ok("gout")),
            ("TEXT/PLAIN; Charset=\"ISO-8859-1\"", b"Zo\xeb".to_vec(), Ok("Zoë")),
            ("text/plain;charset=windows-1252", b"\x93gout\x94".to_vec(), Ok("“gout”")),
            ("text/plain;charset=utf-16le", b"\xff\xfeg\0o\0".to_vec(), Ok("go")),
            ("text/plain;charset=us-ascii", b"gout".to_vec(), Ok("gout")),
            ("text/plain", b"Zo\xeb".to_vec(), Err(ContentError::Bytes)),
            ("text/plain;charset=klingon", b"a".to_vec(), Err(ContentError::Charset)),
            ("application/pdf", b"%PDF-1.7".to_vec(), Err(ContentError::Pdf)),
            ("image/tiff", b"II*".to_vec(), Err(ContentError::Type)),
            ("application/rtf", b"gout".to_vec(), Err(ContentError::Rtf)),
        ] {
            assert_eq!(text_of(kind, &bytes).as_deref(), expected.as_ref().map(|text| *text), "{kind}");
        }
    }
}
