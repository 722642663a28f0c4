//! The text of a document: repeated OBX segments with repeated values, as text, as RTF, or wrapped in base64.

use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};

use super::{
    charset::Charset,
    escape::hexadecimal,
    message::{Message, Segment},
    problem::Problem,
};
use crate::interop::content::rtf_to_text;

/// Some senders leave the padding out.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent).with_decode_allow_trailing_bits(true),
);

/// What stands beside text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beside {
    /// A document is text and nothing else: a value of another type is refused.
    Refused,
    /// Results may have values beside the report, which are not read.
    LeftOut,
}

/// The text of all OBX segments, in order; the parts of several reports under their names. Empty when there is none.
///
/// # Errors
/// When there is content that cannot be read as text.
pub fn text(message: &Message, beside: Beside) -> Result<String, Problem> {
    let mut parts: Vec<(String, Vec<String>)> = vec![Default::default()];
    for segment in &message.segments {
        match segment.name.as_str() {
            "OBR" => {
                let name = message.component(segment, 4, 2).or_else(|| message.component(segment, 4, 1));
                parts.push((name.unwrap_or_default(), Vec::new()));
            }
            "OBX" => {
                let lines = values(message, segment, beside)?;
                if let Some((_, all)) = parts.last_mut() {
                    all.extend(lines);
                }
            }
            _ => {}
        }
    }
    parts.retain(|(_, lines)| lines.iter().any(|line| !line.trim().is_empty()));
    let several = parts.len() > 1;
    let whole = parts.into_iter().map(|(name, lines)| {
        let text = lines.join("\n");
        if several && !name.is_empty() { format!("{name}:\n{text}") } else { text }
    });
    Ok(whole.collect::<Vec<_>>().join("\n\n"))
}

/// The values of one OBX, a line or more each.
fn values(message: &Message, segment: &Segment, beside: Beside) -> Result<Vec<String>, Problem> {
    // deleted, wrong, or never obtained
    let withdrawn = ["D", "W", "X"].contains(&segment.raw(11));
    if withdrawn || segment.raw(5).is_empty() || segment.raw(5) == "\"\"" {
        return Ok(Vec::new());
    }
    match segment.raw(2) {
        // what stands unescaped between senders' words is theirs: `^` and `&` separate nothing in these types
        "TX" | "FT" | "ST" | "" => Ok(message.repetitions(segment, 5).map(|raw| line_breaks(&message.plain(raw))).collect()),
        "ED" => message.repetitions(segment, 5).map(|raw| encapsulated(message, raw)).collect(),
        "RP" => Err(unsupported("the document is a reference to another system; send its text in OBX-5")),
        _ if beside == Beside::LeftOut => Ok(Vec::new()),
        _ => Err(unsupported("a value of the document is none of TX, FT, ST and ED; send its text")),
    }
}

fn unsupported(detail: &str) -> Problem {
    Problem::error("unsupported_content", 102, detail).at("OBX", 5)
}

/// Encapsulated data: source, type, subtype, encoding, data.
fn encapsulated(message: &Message, raw: &str) -> Result<String, Problem> {
    let word = |component| message.component_of(raw, component).unwrap_or_default().to_ascii_uppercase();
    let (kind, subtype, encoding) = (word(2), word(3), word(4));
    let data = raw.splitn(5, message.separators.component).nth(4).unwrap_or_default();
    let data = message.plain(data);
    let undecodable =
        || Problem::error("undecodable_content", 102, "the data of OBX-5 is not in the encoding that OBX-5.4 names");
    let packed = || data.chars().filter(|letter| !letter.is_whitespace()).collect::<String>();
    let bytes = match encoding.as_str() {
        "BASE64" => BASE64.decode(packed()).map_err(|_| undecodable().at("OBX", 5))?,
        "HEX" => hexadecimal(&packed()).ok_or_else(|| undecodable().at("OBX", 5))?,
        "" | "A" => data.into_bytes(),
        _ => return Err(undecodable().at("OBX", 5)),
    };
    if bytes.starts_with(b"%PDF") || subtype == "PDF" {
        let detail = "the document is a PDF; send its text in OBX-5 as TX or FT, or RTF";
        return Err(Problem::error("pdf_document", 102, detail).at("OBX", 5));
    }
    if let Some(text) = rtf_to_text(&bytes) {
        return Ok(text);
    }
    let plain = ["", "PLAIN", "TEXT", "TXT", "OCTET-STREAM", "UNKNOWN", "X-HL7-TEXT"].contains(&subtype.as_str());
    if !plain || ["IMAGE", "AUDIO", "VIDEO", "MULTIPART"].contains(&kind.as_str()) || bytes.contains(&0) {
        return Err(unsupported("the document is neither text nor RTF; send its text in OBX-5 as TX or FT"));
    }
    let text = Charset::UNNAMED.decode(&bytes).or_else(|| message.charset.decode(&bytes));
    text.map(|text| line_breaks(&text)).ok_or_else(|| {
        let detail = "the text in OBX-5 is neither UTF-8 nor of the character set of MSH-18";
        Problem::error("invalid_charset", 102, detail).at("OBX", 5)
    })
}

/// Line breaks as one character each.
fn line_breaks(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(obx: &str, beside: Beside) -> Result<String, &'static str> {
        let message = Message::read(&format!("MSH|^~\\&|EHR\r{obx}\r"), Charset::UNNAMED).expect("a message");
        text(&message, beside).map_err(|problem| problem.code)
    }

    #[test]
    fn bodies() {
        let of = |words: &[u8]| BASE64.encode(words);
        let rtf = of(br"{\rtf1\ansi Zo\'eb has gout.\par}");
        for (obx, expected) in [
            ("OBX|1|TX|||one~two\rOBX|2|TX|||\rOBX|3|TX|||three", Ok("one\ntwo\nthree")),
            (r"OBX|1|FT|||A\T\P: gout\.br\Pain 5/10 ^ worse & better", Ok("A&P: gout\nPain 5/10 ^ worse & better")),
            (r"OBX|1|ST|||one\X0D0A\two\X0A\three\X0D\four", Ok("one\ntwo\nthree\nfour")),
            ("OBX|1|TX|||kept\rOBX|2|TX|||wrong||||||D", Ok("kept")),
            (&format!("OBX|1|ED|||EHR^TEXT^PLAIN^Base64^{}", of("Zoë has gout.".as_bytes())), Ok("Zoë has gout.")),
            (&format!("OBX|1|ED|||EHR^Application^RTF^Base64^{rtf}"), Ok("Zoë has gout.\n")),
            (&format!("OBX|1|ED|||^TX^^Base64^{}", &rtf[..19]), Ok("Zo")),
            ("OBX|1|ED|||^TEXT^PLAIN^Hex^476f7574", Ok("Gout")),
            (r"OBX|1|ED|||^TEXT^PLAIN^A^Gout\.br\and ^ more", Ok("Gout\nand ^ more")),
            (&format!("OBX|1|ED|||^AP^PDF^Base64^{}", of(b"%PDF-1.7")), Err("pdf_document")),
            (&format!("OBX|1|ED|||^TEXT^^Base64^{}", of(b"%PDF-1.7")), Err("pdf_document")),
            (&format!("OBX|1|ED|||^IMAGE^JPEG^Base64^{}", of(b"\xff\xd8")), Err("unsupported_content")),
            (&format!("OBX|1|ED|||^TEXT^HTML^Base64^{}", of(b"<p>")), Err("unsupported_content")),
            (&format!("OBX|1|ED|||^TEXT^PLAIN^Base64^{}", of(b"\xff\xfe")), Err("invalid_charset")),
            ("OBX|1|ED|||^TEXT^PLAIN^Base64^!!!", Err("undecodable_content")),
            ("OBX|1|ED|||^TEXT^PLAIN^Zip^abc", Err("undecodable_content")),
            ("OBX|1|RP|||http^x", Err("unsupported_content")),
            ("OBX|1|NM|||7", Err("unsupported_content")),
            ("PID|1", Ok("")),
        ] {
            assert_eq!(read(obx, Beside::Refused).as_deref(), expected.as_ref().map(|text| *text), "{obx}");
        }
    }

    #[test]
    fn reports_with_values_beside() {
        assert_eq!(read("OBR|1|||1^CT chest\rOBX|1|NM|||7\rOBX|2|TX|||Nodule.", Beside::LeftOut).as_deref(), Ok("Nodule."));
        let two = "OBR|1|||1^CT chest\rOBX|1|TX|||Nodule.\rOBR|2|||2\rOBX|1|TX|||Cyst.\rOBR|3|||3^CT foot\rOBX|1|NM|||3";
        assert_eq!(read(two, Beside::LeftOut).as_deref(), Ok("CT chest:\nNodule.\n\n2:\nCyst."));
    }
}
