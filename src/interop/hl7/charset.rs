//! Character sets of MSH-18 (HL7 table 0211): bytes to text and back.

use encoding_rs::{
    BIG5, EUC_KR, Encoding, GB18030, ISO_8859_2, ISO_8859_3, ISO_8859_4, ISO_8859_5, ISO_8859_6, ISO_8859_7, ISO_8859_8,
    ISO_8859_15, UTF_8, WINDOWS_1252, WINDOWS_1254,
};

/// The character set of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Charset {
    encoding: &'static Encoding,
    /// Seven bits only.
    ascii: bool,
}

impl Charset {
    /// What a message is read as that names none: UTF-8, of which ASCII is a part.
    pub const UNNAMED: Self = Self { encoding: UTF_8, ascii: false };

    /// By its name in MSH-18; none when it is not known. `8859/1` is read as windows-1252, which has the same letters and gives those
    /// senders that write its quotation marks what they mean.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let name = name.trim().to_ascii_uppercase();
        let encoding = match name.as_str() {
            "" => return Some(Self::UNNAMED),
            "ASCII" | "ISO IR6" | "US-ASCII" => return Some(Self { encoding: UTF_8, ascii: true }),
            "UNICODE UTF-8" | "UTF-8" | "UTF8" => UTF_8,
            "8859/1" => WINDOWS_1252,
            "8859/2" => ISO_8859_2,
            "8859/3" => ISO_8859_3,
            "8859/4" => ISO_8859_4,
            "8859/5" => ISO_8859_5,
            "8859/6" => ISO_8859_6,
            "8859/7" => ISO_8859_7,
            "8859/8" => ISO_8859_8,
            "8859/9" => WINDOWS_1254,
            "8859/15" => ISO_8859_15,
            "GB 18030-2000" => GB18030,
            "KS X 1001" => EUC_KR,
            "BIG-5" => BIG5,
            // other names as the web knows them; those of which a byte below 128 may be no ASCII cannot be framed
            other => Encoding::for_label_no_replacement(other.as_bytes()).filter(|encoding| encoding.is_ascii_compatible())?,
        };
        Some(Self { encoding, ascii: false })
    }

    /// The text of bytes; none when they are not of this character set.
    #[must_use]
    pub fn decode(self, bytes: &[u8]) -> Option<String> {
        if self.ascii && !bytes.is_ascii() {
            return None;
        }
        let text = self.encoding.decode_without_bom_handling_and_without_replacement(bytes)?;
        Some(text.into_owned())
    }

    /// The bytes of a text; characters that the set does not have become question marks.
    #[must_use]
    pub fn encode(self, text: &str) -> Vec<u8> {
        let mut out = Vec::with_capacity(text.len());
        for letter in text.chars() {
            let mut buffer = [0; 4];
            let (bytes, _, missing) = self.encoding.encode(letter.encode_utf8(&mut buffer));
            if missing || (self.ascii && !letter.is_ascii()) { out.push(b'?') } else { out.extend_from_slice(&bytes) }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_the_table() {
        for (name, bytes, text) in [
            ("", &b"Zo\xc3\xab"[..], Some("Zoë")),
            ("UNICODE UTF-8", b"Zo\xc3\xab", Some("Zoë")),
            ("UNICODE UTF-8", b"Zo\xeb", None),
            ("ASCII", b"Zoe", Some("Zoe")),
            ("ASCII", b"Zo\xc3\xab", None),
            ("8859/1", b"Zo\xeb", Some("Zoë")),
            ("8859/1", b"it\x92s", Some("it\u{2019}s")),
            ("8859/15", b"\xa4 5", Some("€ 5")),
            ("8859/2", b"\xb1", Some("ą")),
            ("windows-1250", b"\xb9", Some("ą")),
        ] {
            assert_eq!(Charset::named(name).expect(name).decode(bytes).as_deref(), text, "{name}");
        }
        for unknown in ["UNICODE", "UTF-16", "ISO IR87", "EBCDIC", "8859/99", "utf-16le", "iso-2022-jp"] {
            assert_eq!(Charset::named(unknown), None, "{unknown}");
        }
    }

    #[test]
    fn back_to_bytes() {
        let encode = |name, text| Charset::named(name).expect("known").encode(text);
        assert_eq!(encode("8859/1", "Zoë 文"), b"Zo\xeb ?");
        assert_eq!(encode("ASCII", "Zoë"), b"Zo?");
        assert_eq!(encode("", "Zoë"), "Zoë".as_bytes());
    }
}
