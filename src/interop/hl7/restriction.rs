//! What a message says of who may see its document: confidentiality in TXA-18, the VIP indicator in PV1-16, consents in CON, access
//! restrictions in ARV. What is not understood restricts.

use super::message::{Message, Segment};
use crate::domain::{Confidentiality, NewNote, Sensitivity};

/// Consent to pass the record on (table 0496).
const RELEASE: &str = "001";
/// A consent that was refused, taken back, or given in part (table 0498).
const NOT_GIVEN: [&str; 3] = ["R", "X", "L"];
/// Parts of the words of a consent that say what it is about.
const CONSENT_WORDS: [(&str, Sensitivity); 11] = [
    ("psychotherap", Sensitivity::Psychotherapy),
    ("mental health", Sensitivity::MentalHealth),
    ("psychiatr", Sensitivity::MentalHealth),
    ("substance", Sensitivity::SubstanceUse),
    ("alcohol", Sensitivity::SubstanceUse),
    ("42 cfr", Sensitivity::SubstanceUse),
    ("hiv", Sensitivity::Hiv),
    ("abortion", Sensitivity::SexualHealth),
    ("steriliz", Sensitivity::SexualHealth),
    ("sexual", Sensitivity::SexualHealth),
    ("genetic", Sensitivity::Genetic),
];

/// Writes what the message says into the note.
pub(super) fn restrict(message: &Message, note: &mut NewNote) {
    let mut found = Found::default();
    if let Some(document) = message.first("TXA") {
        for code in codes(message, document, 18) {
            found.confidentiality(&code);
        }
    }
    if let Some(visit) = message.first("PV1") {
        for code in codes(message, visit, 16) {
            found.vip(&code);
        }
    }
    for consent in message.all("CON") {
        found.consent(message, consent);
    }
    for restriction in message.all("ARV") {
        found.access(message, restriction);
    }
    if found.restricted {
        note.confidentiality = Confidentiality::Restricted;
    }
    note.labels = note.labels.with(found.kinds.into_iter().collect());
}

/// The first component of every repetition of a field.
fn codes(message: &Message, segment: &Segment, field: usize) -> Vec<String> {
    message.repetitions(segment, field).filter_map(|repetition| message.component_of(repetition, 1)).collect()
}

#[derive(Default)]
struct Found {
    restricted: bool,
    kinds: Vec<Sensitivity>,
}

impl Found {
    /// A code of table 0272, or of 0177 as many senders have it there.
    fn confidentiality(&mut self, code: &str) {
        match code {
            "U" | "N" | "L" | "M" => {}
            "R" | "V" => self.restricted = true,
            _ => self.kind_or_restricted(code),
        }
    }

    /// Table 0099 is the site's own: whatever does not say no says yes.
    fn vip(&mut self, code: &str) {
        if !["N", "NO", "0", "NONE", "FALSE"].contains(&code.to_ascii_uppercase().as_str()) {
            self.kinds.push(Sensitivity::of_code(code).unwrap_or(Sensitivity::Vip));
        }
    }

    /// A consent about something sensitive says that the record holds it; one to pass the record on that was not given, or limits that the
    /// patient set, restrict it.
    fn consent(&mut self, message: &Message, consent: &Segment) {
        let part = |field, component| message.component(consent, field, component).unwrap_or_default();
        let words = part(2, 2).to_lowercase();
        let kind_of_words = CONSENT_WORDS.into_iter().find(|(word, _)| words.contains(word)).map(|(_, kind)| kind);
        self.kinds.extend(Sensitivity::of_code(&part(2, 1)).or(kind_of_words));
        let is_limited = message.repetitions(consent, 9).any(|limit| message.component_of(limit, 1).is_some());
        let is_not_given = part(2, 1) == RELEASE && NOT_GIVEN.contains(&part(11, 1).as_str());
        self.restricted |= is_limited || is_not_given;
    }

    /// Value (table 0717) and reasons (table 0719) of a restriction that is not taken away.
    fn access(&mut self, message: &Message, restriction: &Segment) {
        let part = |field| message.component(restriction, field, 1).unwrap_or_default();
        if part(2) == "D" || part(3) == "NO" {
            return;
        }
        let said: Vec<String> = codes(message, restriction, 3).into_iter().chain(codes(message, restriction, 4)).collect();
        let known: Vec<Sensitivity> = said.iter().filter_map(|code| Sensitivity::of_code(code)).collect();
        // what of it is not a kind is a restriction of a kind that is not known
        self.restricted |= known.is_empty() || known.len() < said.len();
        self.kinds.extend(known);
    }

    fn kind_or_restricted(&mut self, code: &str) {
        match Sensitivity::of_code(code) {
            Some(kind) => self.kinds.push(kind),
            None => self.restricted = true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interop::hl7::Charset;

    fn of(segments: &str) -> (bool, Vec<Sensitivity>) {
        let text = format!("MSH|^~\\&|EHR|NORTH|ABS|NORTH|20260504||MDM^T02|1|P|2.8\r{segments}\r");
        let message = Message::read(&text, Charset::UNNAMED).expect("a message");
        let mut note = NewNote::default();
        restrict(&message, &mut note);
        (note.confidentiality == Confidentiality::Restricted, note.labels.kinds())
    }

    #[test]
    fn restrictions() {
        let document = |code: &str| format!("TXA|1|DS|TX|||||||||D-1||||||{code}");
        let visit = |code: &str| format!("PV1|1|I|ICU|||||||||||||{code}");
        for (segments, restricted, kinds) in [
            (String::new(), false, &[][..]),
            (document(""), false, &[]),
            (document("U"), false, &[]),
            (document("R"), true, &[]),
            (document("V"), true, &[]),
            (document("Q"), true, &[]),
            (document("PSY"), false, &[Sensitivity::MentalHealth]),
            (document("ETH~R"), true, &[Sensitivity::SubstanceUse]),
            (visit("Y"), false, &[Sensitivity::Vip]),
            (visit("N"), false, &[]),
            (visit("EMP"), false, &[Sensitivity::Employee]),
            ("CON|1|HIV^HIV test".to_owned(), false, &[Sensitivity::Hiv]),
            ("CON|1|900^Psychotherapy notes".to_owned(), false, &[Sensitivity::Psychotherapy]),
            ("CON|1|002^Medical procedure|||||||||A".to_owned(), false, &[]),
            ("CON|1|001^Release of information|||||||||R".to_owned(), true, &[]),
            ("CON|1|001^Release of information|||||||||A".to_owned(), false, &[]),
            ("CON|1|002^Medical procedure|||||||not to my employer".to_owned(), true, &[]),
            ("ARV|1|A|DEM|PAT".to_owned(), true, &[]),
            ("ARV|1|A|VIP".to_owned(), false, &[Sensitivity::Vip]),
            ("ARV|1|A|ALL|VIP".to_owned(), true, &[Sensitivity::Vip]),
            ("ARV|1|D|ALL|VIP".to_owned(), false, &[]),
            ("ARV|1|A|NO".to_owned(), false, &[]),
            ("ARV|1|A".to_owned(), true, &[]),
        ] {
            assert_eq!(of(&segments), (restricted, kinds.to_vec()), "{segments}");
        }
        let both = of("TXA|1|DS|TX|||||||||D-1||||||HIV\rARV|1|A|EMP");
        assert_eq!(both, (false, vec![Sensitivity::Hiv, Sensitivity::Employee]));
    }
}
