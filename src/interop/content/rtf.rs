//! The text of an RTF document. Only what a reader would see: pictures, fonts, styles, comments and hidden text are left out.

use encoding_rs::Encoding;

/// Groups that hold no text of the document.
const SILENT: [&str; 27] = [
    "fonttbl",
    "colortbl",
    "stylesheet",
    "info",
    "pict",
    "object",
    "objdata",
    "generator",
    "listtable",
    "listoverridetable",
    "revtbl",
    "rsidtbl",
    "themedata",
    "colorschememapping",
    "datastore",
    "latentstyles",
    "xmlnstbl",
    "filetbl",
    "fldinst",
    "bkmkstart",
    "bkmkend",
    "annotation",
    "atnid",
    "atnauthor",
    "nonshppict",
    "mmathPr",
    "pgptbl",
];

/// State of a group.
#[derive(Clone, Copy)]
struct Group {
    silent: bool,
    hidden: bool,
    /// How many characters stand behind a `\u` for readers that do not know it.
    fallback: usize,
}

struct Reader {
    out: String,
    /// Bytes of the code page that wait to be decoded together: a character may have two.
    pending: Vec<u8>,
    encoding: &'static Encoding,
    groups: Vec<Group>,
    /// Characters still to be left out behind a `\u`.
    skip: usize,
    /// A first half of a character outside the basic plane.
    high_surrogate: Option<u16>,
}

/// The text of a document; none when the bytes are no RTF.
#[must_use]
pub fn rtf_to_text(bytes: &[u8]) -> Option<String> {
    if !bytes.starts_with(b"{\\rtf") {
        return None;
    }
    let mut reader = Reader {
        out: String::new(),
        pending: Vec::new(),
        encoding: encoding_rs::WINDOWS_1252,
        groups: vec![Group { silent: false, hidden: false, fallback: 1 }],
        skip: 0,
        high_surrogate: None,
    };
    let mut at = 0;
    while at < bytes.len() && !reader.groups.is_empty() {
        at = reader.step(bytes, at);
    }
    reader.flush();
    Some(reader.out)
}

impl Reader {
    /// Reads what stands at a place; gives the place behind it.
    fn step(&mut self, bytes: &[u8], at: usize) -> usize {
        match bytes[at] {
            b'{' => {
                self.skip = 0;
                let group = self.group();
                self.groups.push(group);
                at + 1
            }
            b'}' => {
                self.skip = 0;
                self.flush();
                self.groups.pop();
                // what follows the document's own group is no text
                if self.groups.len() == 1 {
                    self.groups.pop();
                }
                at + 1
            }
            b'\\' => self.control(bytes, at + 1),
            b'\r' | b'\n' | 0 => at + 1,
            byte => {
                self.byte(byte);
                at + 1
            }
        }
    }

    fn group(&self) -> Group {
        self.groups.last().copied().unwrap_or(Group { silent: true, hidden: false, fallback: 1 })
    }

    /// A byte of the code page.
    fn byte(&mut self, byte: u8) {
        if self.skip > 0 {
            self.skip -= 1;
            return;
        }
        let group = self.group();
        if !group.silent && !group.hidden {
            self.pending.push(byte);
        }
    }

    fn letters(&mut self, text: &str) {
        self.flush();
        let group = self.group();
        if !group.silent && !group.hidden {
            self.out.push_str(text);
        }
    }

    fn flush(&mut self) {
        if !self.pending.is_empty() {
            self.out.push_str(&self.encoding.decode_without_bom_handling(&self.pending).0);
            self.pending.clear();
        }
    }

    /// A control word or symbol that starts at `at`, behind the backslash.
    fn control(&mut self, bytes: &[u8], at: usize) -> usize {
        let Some(&first) = bytes.get(at) else { return at };
        if !first.is_ascii_alphabetic() {
            return self.symbol(bytes, at);
        }
        let end = |from: usize, fits: fn(&u8) -> bool| {
            bytes[from..].iter().position(|byte| !fits(byte)).map_or(bytes.len(), |n| from + n)
        };
        let word_end = end(at, u8::is_ascii_alphabetic);
        let number_start = word_end + usize::from(bytes.get(word_end) == Some(&b'-'));
        let number_end = end(number_start, u8::is_ascii_digit);
        let has_number = number_end > number_start;
        let word = std::str::from_utf8(&bytes[at..word_end]).unwrap_or_default();
        let number = if has_number { std::str::from_utf8(&bytes[word_end..number_end]).ok() } else { None };
        let number: Option<i64> = number.and_then(|digits| digits.parse().ok());
        let after = if has_number { number_end } else { word_end };
        let after = after + usize::from(bytes.get(after) == Some(&b' '));
        if word == "bin" {
            return after.saturating_add(usize::try_from(number.unwrap_or(0)).unwrap_or(0)).min(bytes.len());
        }
        self.word(word, number);
        after
    }

    fn symbol(&mut self, bytes: &[u8], at: usize) -> usize {
        match bytes[at] {
            b'\'' => {
                let digits = bytes.get(at + 1..at + 3).and_then(|digits| std::str::from_utf8(digits).ok());
                match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
                    Some(byte) => {
                        self.byte(byte);
                        return at + 3;
                    }
                    None => return at + 1,
                }
            }
            b'*' => self.change(|group| group.silent = true),
            b'~' => self.letters("\u{a0}"),
            b'_' => self.letters("-"),
            b'\r' | b'\n' => self.letters("\n"),
            byte @ (b'\\' | b'{' | b'}') => self.byte(byte),
            _ => {}
        }
        at + 1
    }

    fn change(&mut self, change: impl FnOnce(&mut Group)) {
        self.flush();
        if let Some(group) = self.groups.last_mut() {
            change(group);
        }
    }

    fn word(&mut self, word: &str, number: Option<i64>) {
        if word != "u" {
            self.high_surrogate = None;
        }
        match word {
            "par" | "line" | "row" | "sect" | "page" => self.letters("\n"),
            "tab" | "cell" => self.letters("\t"),
            "emdash" => self.letters("\u{2014}"),
            "endash" => self.letters("\u{2013}"),
            "lquote" => self.letters("\u{2018}"),
            "rquote" => self.letters("\u{2019}"),
            "ldblquote" => self.letters("\u{201c}"),
            "rdblquote" => self.letters("\u{201d}"),
            "bullet" => self.letters("\u{2022}"),
            "emspace" | "enspace" => self.letters(" "),
            "v" => self.change(|group| group.hidden = number != Some(0)),
            "plain" => self.change(|group| group.hidden = false),
            "uc" => self.change(|group| group.fallback = usize::try_from(number.unwrap_or(1)).unwrap_or(1).min(16)),
            "u" => self.unicode(number),
            "ansicpg" => self.code_page(number),
            "mac" => self.encoding = encoding_rs::MACINTOSH,
            silent if SILENT.contains(&silent) => self.change(|group| group.silent = true),
            _ => {}
        }
    }

    /// A UTF-16 unit, written as a signed number.
    fn unicode(&mut self, number: Option<i64>) {
        let unit = number.and_then(|number| u16::try_from(number.rem_euclid(65_536)).ok()).unwrap_or(0xfffd);
        self.skip = self.group().fallback;
        let units: Vec<u16> = self.high_surrogate.take().into_iter().chain([unit]).collect();
        if units.len() == 1 && (0xd800..0xdc00).contains(&unit) {
            self.high_surrogate = Some(unit);
            return;
        }
        self.letters(&String::from_utf16_lossy(&units));
    }

    fn code_page(&mut self, number: Option<i64>) {
        let label = match number {
            Some(932) => "shift_jis".to_owned(),
            Some(936) => "gbk".to_owned(),
            Some(949) => "euc-kr".to_owned(),
            Some(950) => "big5".to_owned(),
            Some(65_001) => "utf-8".to_owned(),
            Some(number) => format!("windows-{number}"),
            None => return,
        };
        self.encoding = Encoding::for_label(label.as_bytes()).unwrap_or(self.encoding);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(document: &str) -> String {
        rtf_to_text(document.as_bytes()).expect("an RTF document")
    }

    #[test]
    fn documents() {
        for (document, expected) in [
            (r"{\rtf1\ansi Gout.}", "Gout."),
            (
                r"{\rtf1\ansi\ansicpg1252\deff0{\fonttbl{\f0 Arial;}}{\colortbl ;\red0;}{\*\generator Word;}\f0\fs20 ASSESSMENT:\par\b Gout\b0 .\line Asthma\par }",
                "ASSESSMENT:\nGout.\nAsthma\n",
            ),
            (r"{\rtf1\ansi Zo\'eb, 5 \'80, it\rquote s \ldblquote so\rdblquote}", "Zoë, 5 €, it’s “so”"),
            (r"{\rtf1\ansi\ansicpg1250 \'b9}", "ą"),
            (r"{\rtf1\ansi\ansicpg932 \'93\'fa}", "日"),
            (r"{\rtf1\ansi\uc1 37,5 \u176?C \u8364\'80\u-10179?\u-8704?.}", "37,5 °C €😀."),
            (r"{\rtf1\uc2 a\u233xxb{\uc0\u233 c}\u233yyd}", "aébécéd"),
            (r"{\rtf1 a{\v hidden}b{\pict\bin4 }{{c}d {\*\x y}\tab e\cell f\row}", "abd \te\tf\n"),
            (r"{\rtf1 a\{b\}c\\d\~e\_f\-g}", "a{b}c\\d\u{a0}e-fg"),
            ("{\\rtf1 one\r\n two\\\nthree} and after", "one two\nthree"),
            (r"{\rtf1 open {\b and never closed", "open and never closed"),
        ] {
            assert_eq!(read(document), expected, "{document}");
        }
        assert_eq!(rtf_to_text(b"plain"), None);
    }

    proptest! {
        #[test]
        fn nothing_panics(tail in proptest::collection::vec(any::<u8>(), 0..200), words in r"[\\{}a-z0-9'*u -]{0,120}") {
            let _ = rtf_to_text(&[b"{\\rtf1 ", tail.as_slice()].concat());
            read(&format!("{{\\rtf1 {words}"));
        }
    }
}
