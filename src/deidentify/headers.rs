//! Fields of HL7 segments that were pasted into a note: each field says by its place what it holds.

use super::{Identifier, IdentifierClass};
use crate::domain::Span;

/// What fields of a segment hold, by their number; components of a person are a number, then names.
const FIELDS: &[(&str, usize, IdentifierClass)] = &[
    ("MSH", 3, IdentifierClass::Organization),
    ("MSH", 5, IdentifierClass::Organization),
    ("MSH", 9, IdentifierClass::Code),
    ("PID", 2, IdentifierClass::RecordNumber),
    ("PID", 3, IdentifierClass::RecordNumber),
    ("PID", 4, IdentifierClass::RecordNumber),
    ("PID", 5, IdentifierClass::Name),
    ("PID", 6, IdentifierClass::Name),
    ("PID", 9, IdentifierClass::Name),
    ("PID", 11, IdentifierClass::Location),
    ("PID", 12, IdentifierClass::Location),
    ("PID", 13, IdentifierClass::Phone),
    ("PID", 14, IdentifierClass::Phone),
    ("PID", 18, IdentifierClass::AccountNumber),
    ("PID", 19, IdentifierClass::Ssn),
    ("PID", 20, IdentifierClass::Licence),
    ("PID", 21, IdentifierClass::RecordNumber),
    ("PV1", 3, IdentifierClass::Room),
    ("PV1", 6, IdentifierClass::Room),
    ("PV1", 7, IdentifierClass::Name),
    ("PV1", 8, IdentifierClass::Name),
    ("PV1", 9, IdentifierClass::Name),
    ("PV1", 17, IdentifierClass::Name),
    ("PV1", 19, IdentifierClass::AccountNumber),
    ("PV1", 50, IdentifierClass::AccountNumber),
    ("PD1", 3, IdentifierClass::Organization),
    ("PD1", 4, IdentifierClass::Name),
    ("NK1", 2, IdentifierClass::Name),
    ("NK1", 4, IdentifierClass::Location),
    ("NK1", 5, IdentifierClass::Phone),
    ("NK1", 6, IdentifierClass::Phone),
    ("GT1", 2, IdentifierClass::AccountNumber),
    ("GT1", 3, IdentifierClass::Name),
    ("GT1", 5, IdentifierClass::Location),
    ("GT1", 6, IdentifierClass::Phone),
    ("GT1", 12, IdentifierClass::Ssn),
    ("IN1", 2, IdentifierClass::PlanNumber),
    ("IN1", 3, IdentifierClass::PlanNumber),
    ("IN1", 4, IdentifierClass::Organization),
    ("IN1", 5, IdentifierClass::Location),
    ("IN1", 8, IdentifierClass::PlanNumber),
    ("IN1", 16, IdentifierClass::Name),
    ("IN1", 19, IdentifierClass::Location),
    ("IN1", 36, IdentifierClass::PlanNumber),
    ("IN1", 49, IdentifierClass::PlanNumber),
    ("ORC", 2, IdentifierClass::Code),
    ("ORC", 3, IdentifierClass::Code),
    ("ORC", 12, IdentifierClass::Name),
    ("OBR", 2, IdentifierClass::Code),
    ("OBR", 3, IdentifierClass::Code),
    ("OBR", 16, IdentifierClass::Name),
    ("OBR", 32, IdentifierClass::Name),
    ("OBX", 16, IdentifierClass::Name),
    ("TXA", 5, IdentifierClass::Name),
    ("TXA", 9, IdentifierClass::Name),
    ("TXA", 12, IdentifierClass::Code),
];

/// Components that are no identifiers: kinds of numbers and of names, states, sexes.
fn is_kind(component: &str, class: IdentifierClass) -> bool {
    let is_word = [
        "MRN", "MR", "PI", "AN", "SS", "DR", "MD", "DO", "RN", "NP", "PA", "L", "H", "W", "USA", "US", "PRN", "PH", "CP",
        "NPI", "ISO", "JR", "SR",
    ]
    .contains(&component);
    let is_state =
        class == IdentifierClass::Location && component.len() == 2 && component.bytes().all(|byte| byte.is_ascii_uppercase());
    is_word && component.len() > usize::from(class == IdentifierClass::Name) || is_state
}

/// A time of HL7: eight digits of a day, perhaps of the time behind them.
fn is_time(component: &str) -> bool {
    component.len() >= 8
        && component.bytes().take(8).all(|byte| byte.is_ascii_digit())
        && (component.starts_with("19") || component.starts_with("20"))
        && component.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'+' | b'-'))
}

/// Identifiers of the segments of a text.
pub(super) fn find(text: &str) -> Vec<Identifier> {
    let mut out = Vec::new();
    let mut start = 0;
    for line in text.split_inclusive(['\n', '\r']) {
        segment(start, line, &mut out);
        start += line.len();
    }
    out
}

fn segment(start: usize, line: &str, out: &mut Vec<Identifier>) {
    let Some(name) = line.get(..3).filter(|_| line.as_bytes().get(3) == Some(&b'|')) else { return };
    if !name.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit()) {
        return;
    }
    let mut at = start;
    for (number, field) in line.split('|').enumerate() {
        let place = at;
        at += field.len() + 1;
        let class = FIELDS.iter().find(|(of, which, _)| *of == name && *which == number).map(|(_, _, class)| *class);
        let mut inside = place;
        for (index, component) in field.split(['^', '~', '&']).enumerate() {
            let first = inside;
            inside += component.len() + 1;
            let plain = component.trim();
            let begin = first + (component.len() - component.trim_start().len());
            let span = Span::new(begin, begin + plain.len());
            // the separators of the message are no field
            if plain.is_empty() || name == "MSH" && number == 1 {
                continue;
            }
            if is_time(plain) && number > 0 && (class.is_none() || name != "PID") {
                let day = Span::new(begin, begin + 8);
                out.push(Identifier::new(day, IdentifierClass::Date));
                if plain.len() > 8 {
                    out.push(Identifier::new(Span::new(begin + 8, span.end), IdentifierClass::Time));
                }
                continue;
            }
            let Some(class) = class else { continue };
            let has_digit = plain.bytes().any(|byte| byte.is_ascii_digit());
            let has_word = plain.chars().any(char::is_alphabetic);
            let of_component = match class {
                IdentifierClass::Name if index == 0 && has_digit => IdentifierClass::Code,
                IdentifierClass::Location if has_digit && !has_word && (5..=10).contains(&plain.len()) => IdentifierClass::Zip,
                IdentifierClass::Organization if !has_word => continue,
                other => other,
            };
            if plain.chars().any(char::is_alphanumeric) && !is_kind(plain, class) {
                out.push(Identifier::new(span, of_component));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_say_what_they_hold() {
        let text = "MSH|^~\\&|LABX|TALLOW|EPIC|TALLOW|202602190814||ORU^R01|MSG0077|P|2.3\n\
            PID|1||E66204^^^MRN||VANDER^LEO^J||19470822|M|||412 SPINDLE CT^^BEND^OR^97701||3095550148|||M||70033918842\n\
            PV1|1|I|5W^0512^A|||| 11820^OYELARAN^FOLA^^^DR\nOBX|1|TX|||Gram stain: gram positive cocci";
        let found: Vec<(&str, IdentifierClass)> = find(text).iter().map(|one| (one.span.of(text), one.class)).collect();
        for wanted in [
            ("TALLOW", IdentifierClass::Organization),
            ("20260219", IdentifierClass::Date),
            ("0814", IdentifierClass::Time),
            ("MSG0077", IdentifierClass::Code),
            ("E66204", IdentifierClass::RecordNumber),
            ("VANDER", IdentifierClass::Name),
            ("J", IdentifierClass::Name),
            ("19470822", IdentifierClass::Date),
            ("412 SPINDLE CT", IdentifierClass::Location),
            ("BEND", IdentifierClass::Location),
            ("97701", IdentifierClass::Zip),
            ("3095550148", IdentifierClass::Phone),
            ("0512", IdentifierClass::Room),
            ("11820", IdentifierClass::Code),
            ("OYELARAN", IdentifierClass::Name),
        ] {
            assert!(found.contains(&wanted), "{wanted:?} in {found:?}");
        }
        for kept in ["OR", "MRN", "DR", "M", "Gram stain: gram positive cocci", "ORU"] {
            assert!(!found.iter().any(|(words, _)| *words == kept), "{kept}");
        }
    }

    #[test]
    fn lines_that_are_no_segments() {
        assert!(find("PID pelvic\nCT | 2 cm | left").is_empty());
    }
}
