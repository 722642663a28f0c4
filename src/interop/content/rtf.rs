//! RTF to text: the words of the document, with its lines and cells; fonts, pictures and other destinations are left out.

use encoding_rs::{Encoding, WINDOWS_1252};

/// Groups that hold no words of the document.
const SKIPPED: [&str; 22] = [
    "fonttbl",
    "colortbl",
    "stylesheet",
    "info",
    "pict",
    "object",
    "header",
    "headerl",
    "headerr",
    "headerf",
    "footer",
    "footerl",
    "footerr",
    "footerf",
    "listtable",
    "listoverridetable",
    "revtbl",
    "rsidtbl",
    "generator",
    "themedata",
    "datastore",
    "fldinst",
];

/// How deep groups may stand in each other; deeper ones are read as if they were at this depth.
const DEPTH: usize = 200;

#[derive(Clone, Copy)]
struct Group {
    skipped: bool,
    /// Hidden text is no text of the document either.
    hidden: bool,
    /// How many characters behind a `\u` stand for it where Unicode is not understood.
    fallback: usize,
}

/// The text of an RTF document; none when it is no RTF.
#[must_use]
pub fn rtf_to_text(bytes: &[u8]) -> Option<String> {
    let start = bytes.iter().position(|byte| !byte.is_ascii_whitespace())?;
    let bytes = &bytes[start..];
    if !bytes.starts_with(b"{\\rtf") {
        return None;
    }
    let mut reader = Reader {
        bytes,
        at: 0,
        out: String::new(),
        pending: Vec::new(),
        encoding: WINDOWS_1252,
        group: Group { skipped: false, hidden: false, fallback: 1 },
        groups: Vec::new(),
        skip: 0,
        surrogate: None,
    };
    reader.run();
    let lines: Vec<&str> = reader.out.lines().map(str::trim_end).collect();
    Some(lines.join("\n").trim_matches('\n').to_owned())
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    out: String,
    /// Bytes of the code page that are not decoded yet: a character may have two.
    pending: Vec<u8>,
    encoding: &'static Encoding,
    group: Group,
    groups: Vec<Group>,
    /// Characters of a fallback still to leave out.
    skip: usize,
    /// The first half of a character outside the first plane.
    surrogate: Option<u16>,
}

impl Reader<'_> {
    fn run(&mut self) {
        while let Some(byte) = self.bytes.get(self.at).copied() {
            self.at += 1;
            match byte {
                b'{' => {
                    self.flush();
                    self.skip = 0;
                    if self.groups.len() < DEPTH {
                        self.groups.push(self.group);
                    }
                }
                b'}' => {
                    self.flush();
                    self.skip = 0;
                    match self.groups.pop() {
                        Some(group) => self.group = group,
                        None => return,
                    }
                    if self.groups.is_empty() {
                        return;
                    }
                }
                b'\\' => self.control(),
                b'\r' | b'\n' => {}
                byte => self.byte(byte),
            }
        }
        self.flush();
    }

    fn control(&mut self) {
        let Some(first) = self.bytes.get(self.at).copied() else { return };
        if !first.is_ascii_alphabetic() {
            self.at += 1;
            self.symbol(first);
            return;
        }
        let word = self.take(|byte| byte.is_ascii_alphabetic());
        let minus = self.bytes.get(self.at) == Some(&b'-');
        if minus {
            self.at += 1;
        }
        let digits = self.take(|byte| byte.is_ascii_digit());
        let number = digits.parse::<i32>().ok().map(|number| if minus { -number } else { number });
        if self.bytes.get(self.at) == Some(&b' ') {
            self.at += 1;
        }
        self.word(&word, number);
    }

    fn take(&mut self, wanted: impl Fn(u8) -> bool) -> String {
        let start = self.at;
        while self.bytes.get(self.at).is_some_and(|byte| wanted(*byte)) {
            self.at += 1;
        }
        String::from_utf8_lossy(&self.bytes[start..self.at]).into_owned()
    }

    fn symbol(&mut self, symbol: u8) {
        match symbol {
            b'\'' => {
                let hex = self.bytes.get(self.at..self.at + 2).and_then(|two| std::str::from_utf8(two).ok());
                if let Some(byte) = hex.and_then(|two| u8::from_str_radix(two, 16).ok()) {
                    self.at += 2;
                    self.byte(byte);
                }
            }
            b'*' => self.group.skipped = true,
            b'~' => self.text("\u{a0}"),
            b'_' => self.text("-"),
            b'-' => {}
            b'\r' | b'\n' => self.text("\n"),
            b'{' | b'}' | b'\\' => self.byte(symbol),
            _ => {}
        }
    }

    fn word(&mut self, word: &str, number: Option<i32>) {
        match word {
            "par" | "line" | "row" | "sect" | "page" => self.text("\n"),
            "tab" | "cell" => self.text("\t"),
            "emdash" => self.text("\u{2014}"),
            "endash" => self.text("\u{2013}"),
            "bullet" => self.text("\u{2022}"),
            "lquote" => self.text("\u{2018}"),
            "rquote" => self.text("\u{2019}"),
            "ldblquote" => self.text("\u{201c}"),
            "rdblquote" => self.text("\u{201d}"),
            "emspace" | "enspace" | "qmspace" => self.text(" "),
            "u" => self.unicode(number.unwrap_or_default()),
            "uc" => self.group.fallback = usize::try_from(number.unwrap_or(1)).unwrap_or(1),
            "ansicpg" => {
                let label = match number.unwrap_or_default() {
                    932 => "shift_jis".to_owned(),
                    936 => "gbk".to_owned(),
                    949 => "euc-kr".to_owned(),
                    950 => "big5".to_owned(),
                    10000 => "macintosh".to_owned(),
                    65001 => "utf-8".to_owned(),
                    number => format!("windows-{number}"),
                };
                self.encoding = Encoding::for_label(label.as_bytes()).unwrap_or(WINDOWS_1252);
            }
            "mac" => self.encoding = encoding_rs::MACINTOSH,
            "bin" => self.at = self.at.saturating_add(usize::try_from(number.unwrap_or_default()).unwrap_or_default()),
            "v" => {
                self.flush();
                self.group.hidden = number != Some(0);
            }
            word if SKIPPED.contains(&word) => self.group.skipped = true,
            _ => {}
        }
    }

    fn unicode(&mut self, number: i32) {
        self.flush();
        // written as a signed number of 16 bits
        let unit = u16::try_from(number.rem_euclid(0x1_0000)).unwrap_or_default();
        self.skip = 0;
        let letter = match (self.surrogate.take(), unit) {
            (None, 0xd800..=0xdbff) => {
                self.surrogate = Some(unit);
                None
            }
            (Some(high), 0xdc00..=0xdfff) => char::decode_utf16([high, unit]).next().and_then(Result::ok),
            (_, unit) => char::from_u32(u32::from(unit)),
        };
        if let Some(letter) = letter.filter(|letter| *letter != '\0') {
            self.text(letter.encode_utf8(&mut [0; 4]));
        }
        self.skip = self.group.fallback;
    }

    fn byte(&mut self, byte: u8) {
        if self.skip > 0 {
            self.skip -= 1;
        } else if !self.group.skipped && !self.group.hidden && byte != 0 {
            self.pending.push(byte);
        }
    }

    fn text(&mut self, text: &str) {
        if self.skip > 0 {
            self.skip -= 1;
            return;
        }
        self.flush();
        if !self.group.skipped && !self.group.hidden {
            self.out.push_str(text);
        }
    }

    fn flush(&mut self) {
        if !self.pending.is_empty() {
            let (text, _) = self.encoding.decode_without_bom_handling(&self.pending);
            self.out.push_str(&text);
            self.pending.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn words_lines_and_letters() {
        for (rtf, expected) in [
            (r"{\rtf1\ansi No gout.\par Asthma.}", "No gout.\nAsthma."),
            (r"{\rtf1\ansi{\fonttbl{\f0 Arial;}}{\colortbl;\red0;}\f0\fs24 HPI:\b  fever\b0 .}", "HPI: fever."),
            (r"{\rtf1\ansi\ansicpg1252 Zo\'eb \'93x\'94}", "Zoë “x”"),
            (r"{\rtf1\ansi\ansicpg932 \'83\'5c}", "ソ"),
            (r"{\rtf1\uc1 Zo\u235?\u8212-\u-10179?\u-8704?}", "Zoë—\u{1F600}"),
            (r"{\rtf1{\uc0 \u176 C} 37}", "°C 37"),
            (r"{\rtf1 a\{b\}\\c\~d\_e\-f}", "a{b}\\c\u{a0}d-ef"),
            (r"{\rtf1{\*\generator X;}{\info{\author Y}}{\pict ffd8}a}", "a"),
            (r"{\rtf1\trowd aspirin\cell 81 mg\cell\row metformin\cell 500 mg\cell\row}", "aspirin\t81 mg\nmetformin\t500 mg"),
            ("{\\rtf1 a\nb\\\nc}", "ab\nc"),
            (r"{\rtf1 a\v hidden\v0 b} after", "ab"),
        ] {
            assert_eq!(rtf_to_text(rtf.as_bytes()).as_deref(), Some(expected), "{rtf}");
        }
        for other in ["", "  ", "gout", r"{\pwi gout}"] {
            assert_eq!(rtf_to_text(other.as_bytes()), None, "{other}");
        }
    }

    #[test]
    fn a_picture_in_bytes_is_passed_over() {
        assert_eq!(rtf_to_text(b"{\\rtf1 a{\\pict\\bin3 }}}}b}"), Some("ab".to_owned()));
    }

    proptest! {
        #[test]
        fn anything_is_read(rtf in "(\\{|\\}|\\\\|u|uc|par|bin|'|e|b|-|1|9| |\\*|é|\n){0,60}") {
            let whole = format!("{{\\rtf1{rtf}");
            prop_assert!(rtf_to_text(whole.as_bytes()).is_some());
            prop_assert_eq!(rtf_to_text(rtf.as_bytes()).is_some(), rtf.trim_start().starts_with("{\\rtf"));
        }
    }
}
