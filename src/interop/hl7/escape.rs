//! Escape sequences of HL7: separators, formatting, bytes in hexadecimal.

use super::{charset::Charset, message::Separators};

/// The text that an escaped value stands for. Highlighting and fonts are dropped, line commands become line breaks; what is no escape
/// sequence stays as it is written.
#[must_use]
pub fn unescape(raw: &str, separators: &Separators, charset: Charset) -> String {
    let Some(mark) = separators.escape.filter(|mark| raw.contains(*mark)) else { return raw.to_owned() };
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(start) = rest.find(mark) {
        out.push_str(&rest[..start]);
        let inner = &rest[start + mark.len_utf8()..];
        let meaning = inner.find(mark).and_then(|end| {
            let meaning = meaning(&inner[..end], separators, charset)?;
            Some((meaning, &inner[end + mark.len_utf8()..]))
        });
        match meaning {
            Some((meaning, after)) => {
                out.push_str(&meaning);
                rest = after;
            }
            None => {
                out.push(mark);
                rest = inner;
            }
        }
    }
    out.push_str(rest);
    out
}

/// What one sequence stands for; none when it is none.
fn meaning(sequence: &str, separators: &Separators, charset: Charset) -> Option<String> {
    let separator = match sequence {
        "F" => Some(separators.field),
        "S" => Some(separators.component),
        "T" => separators.subcomponent.or(Some('&')),
        "R" => Some(separators.repetition),
        "E" => separators.escape,
        "P" => Some('#'),
        _ => None,
    };
    if let Some(separator) = separator {
        return Some(separator.to_string());
    }
    if let Some(command) = sequence.strip_prefix('.') {
        return format_command(command);
    }
    match sequence.chars().next()? {
        'H' | 'N' if sequence.len() == 1 => Some(String::new()),
        'X' | 'x' => charset.decode(&hexadecimal(&sequence[1..])?),
        // other character sets within a message, and what two systems agreed upon: nothing that we could write down
        'C' | 'M' if sequence.len() > 1 && hexadecimal(&sequence[1..]).is_some() => Some("\u{fffd}".to_owned()),
        'Z' if sequence.len() > 1 && sequence.len() < 20 && sequence.bytes().all(|byte| byte.is_ascii_alphanumeric()) => {
            Some(String::new())
        }
        _ => None,
    }
}

fn format_command(command: &str) -> Option<String> {
    let letters = command.get(..2)?;
    let count = command[2..].trim_start_matches('+').trim();
    let count: Option<usize> = if count.is_empty() { Some(1) } else { count.parse().ok() };
    let repeated = |text: &str| count.map(|count| text.repeat(count.clamp(1, 100)));
    match letters.to_ascii_lowercase().as_str() {
        "br" | "ce" if command.len() == 2 => Some("\n".to_owned()),
        "sp" => repeated("\n"),
        "sk" => repeated(" "),
        "fi" | "nf" if command.len() == 2 => Some(String::new()),
        "in" | "ti" if command.len() < 8 && !command[2..].contains(char::is_alphabetic) => Some(String::new()),
        _ => None,
    }
}

/// The bytes of pairs of hexadecimal digits.
pub(super) fn hexadecimal(digits: &str) -> Option<Vec<u8>> {
    if digits.is_empty() || !digits.len().is_multiple_of(2) || !digits.is_ascii() {
        return None;
    }
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).ok()).collect()
}

/// A text with its separators escaped and its line breaks as `\.br\`, with the usual separators.
#[must_use]
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '|' => out.push_str("\\F\\"),
            '^' => out.push_str("\\S\\"),
            '&' => out.push_str("\\T\\"),
            '~' => out.push_str("\\R\\"),
            '\\' => out.push_str("\\E\\"),
            '\r' if letters.peek() == Some(&'\n') => {}
            '\r' | '\n' => out.push_str("\\.br\\"),
            // never in a frame
            other if other.is_control() && other != '\t' => out.push(' '),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn plain(raw: &str) -> String {
        unescape(raw, &Separators::USUAL, Charset::UNNAMED)
    }

    #[test]
    fn every_sequence() {
        for (raw, text) in [
            (r"a\F\b\S\c\T\d\R\e\E\f\P\g", r"a|b^c&d~e\f#g"),
            (r"one\.br\two\.sp\three\.sp2\four\.sp+2\five", "one\ntwo\nthree\n\nfour\n\nfive"),
            (r"\H\bold\N\ plain", "bold plain"),
            (r"\X4A6F\ \X0D0A\\xC3AB\", "Jo \r\në"),
            (r"\.in+4\\.ti-2\\.fi\\.nf\a\.sk3\b\.ce\c", "a   b\nc"),
            (r"\Zabc\a\C2842\b\M242842\", "a\u{fffd}b\u{fffd}"),
            // none of them is a sequence
            (r"C:\temp\note", r"C:\temp\note"),
            (r"\X4\ \XZZ\ \XFF\ \Q\ \.qq\ \", r"\X4\ \XZZ\ \XFF\ \Q\ \.qq\ \"),
            (r"\\", r"\\"),
            (r"50\ of 100, A\T\P", r"50\ of 100, A&P"),
        ] {
            assert_eq!(plain(raw), text, "{raw}");
        }
        let none = Separators { escape: None, ..Separators::USUAL };
        assert_eq!(unescape(r"a\F\b", &none, Charset::UNNAMED), r"a\F\b");
        let latin = Charset::named("8859/1").expect("known");
        assert_eq!(unescape(r"Zo\XEB\", &Separators::USUAL, latin), "Zoë");
    }

    proptest! {
        #[test]
        fn what_is_escaped_comes_back(text in r"[a-zA-Z0-9|^&~\\#éß \n.\t]{0,60}") {
            let raw = escape(&text);
            prop_assert!(!raw.contains(['|', '^', '&', '~', '\r', '\n']));
            prop_assert_eq!(plain(&raw), text);
        }

        #[test]
        fn nothing_panics(raw in any::<String>(), tail in r"[\\.XCZbrsp0-9A-F+]{0,30}") {
            plain(&raw);
            plain(&tail);
        }
    }
}
