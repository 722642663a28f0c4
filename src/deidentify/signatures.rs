//! Names by how they are signed, quoted and told: initials, nicknames in quotes, phrases before a name, lines behind a greeting.

use super::{
    Identifier, IdentifierClass,
    names::{Names, Strength},
    tokens::Shape,
    words::{CREDENTIALS, PHRASES, RELATIONS, STOPPERS, TITLES, holds, list},
};
use crate::domain::Span;

pattern!(INITIALS, r"(?i)\binitials\s?[:=]?\s{0,2}((?-i:[A-Z][.\-]?[A-Z](?:[.\-]?[A-Z])?))\b");
pattern!(
    SIGNED,
    r"(?m)\b(?i:by|transcribed(?:\sby)?|typed(?:\sby)?|typist|scribe|phleb|tech|init(?:ials)?|sig(?:ned)?|verified|witness|entered|recorded|nurse|staff|rn|collector|author|dictated|reader|read\sby|drawn\sby|given\sby|checked\sby|chk'?d)(?:\s?[:=/\-]\s{0,2}([A-Z]{2,4}|[A-Z]\.[A-Z]\.(?:[A-Z]\.)?|[a-z]{2,3})|\s{1,2}([A-Z]{2,4}|[A-Z]\.[A-Z]\.(?:[A-Z]\.)?))(?:[,;)]|\.?\s*$|\.\s|\s+(?:on|at|\d)|\s{2,})"
);
pattern!(
    WITH_ROLE,
    r"\b([a-z]{2,3}|[A-Z]{2,3})/(?:rdh|rn|md|np|lpn|cna|da|pa|rt|ma|do|pt|ot|slp|RDH|RN|MD|NP|LPN|CNA|PA|RT|MA)\b"
);
pattern!(NICKNAME, r#"\b((?:[A-Z][\p{L}'’\-]+ )?\(?["“]([A-Z][\p{L}'’\-]+)["”]\)? [A-Z][\p{L}'’\-]+)"#);
pattern!(INITIAL_PAIR, r"\b([A-Z]\.\s?[A-Z]\.(?:\s?[A-Z]\.)?)");
pattern!(LINE_END, r"(?m)\d.*?\s{2,}([A-Z]{2,3})\s*$");
pattern!(TYPED_BY, r"(?m)(?:^|\s)([A-Z]{2,4}/(?:[a-z]{2,3}|[A-Z]{2,3}))(?:\s{2,}|$)");

/// Letters with points that are no initials.
const LETTERS: &str = "PO|IV|IM|US|USA|DC|BP|HS|AM|PM|MD|DO|RN|NP|PA|ER|OR|ED|ID|SL|SC|LP|RR|DD|NS|AC|PC|QD|QID|BID|TID|PRN|OD|OS|OU|UK|TB|VA|CC|PT|OT|SP|\
    YO|NG|GI|GU|CT|EG|IE|PR|BM|LV|RV|DOB|NPO|DDS|DMD|LPN|CNA|MA|BA|BS|MS|NY|NJ|NC|SC|NM|ND|SD|NH|RI|HR|PE|HX|DX|TX|RX|NO|AKA|DBA|ICU|CCU|ENT|HPI|\
    ROS|PMH|ADL|ADLS|CVA|TIA|DVT|VS|OB|GYN|LLC|INC|PS|RE|AD|BC|CO|WA|LA|ETA|FBI|CIA|IUD|STD|ST|MVA|MVC|DUI|DWI|IQ|TV|CD|DVD|AA|NA|JR|SR|PH|PHD";

impl Names<'_> {
    /// "initials RJB", "JRS/mt"
    pub(super) fn initials(&self, out: &mut Vec<Identifier>) {
        for rule in [&*SIGNED, &*WITH_ROLE, &*LINE_END] {
            out.extend(rule.captures_iter(self.text).filter_map(|captures| {
                let letters = captures.get(1).or(captures.get(2))?;
                let folded = letters.as_str().to_lowercase();
                let is_lower = letters.as_str().starts_with(char::is_lowercase);
                let is_word =
                    !is_lower && self.lexicon.is_known(&folded) || holds(CREDENTIALS, &folded) || holds(STOPPERS, &folded);
                let follows = &self.text[letters.end()..];
                (!is_word && (is_lower || !follows.starts_with('/')))
                    .then(|| Identifier::new(Span::new(letters.start(), letters.end()), IdentifierClass::Name))
            }));
        }
        out.extend(NICKNAME.captures_iter(self.text).filter_map(|captures| {
            let (all, nick) = (captures.get(1)?, captures.get(2)?);
            let is_name = |word: &str| {
                !self.lexicon.is_ordinary(&word.to_lowercase()) || self.lexicon.name(&word.to_lowercase()).is_some()
            };
            is_name(nick.as_str()).then(|| Identifier::new(Span::new(all.start(), all.end()), IdentifierClass::Name))
        }));
        out.extend(INITIAL_PAIR.captures_iter(self.text).filter_map(|captures| {
            let letters = captures.get(1)?;
            let plain: String = letters.as_str().chars().filter(|one| one.is_alphabetic()).collect();
            let follows = self.text[letters.end()..].starts_with(|one: char| one.is_alphanumeric());
            let leads = self.text[..letters.start()].ends_with(['.', '-', '/']);
            (!follows && !leads && !holds(LETTERS, &plain))
                .then(|| Identifier::new(Span::new(letters.start(), letters.end()), IdentifierClass::Name))
        }));
        for rule in [&*INITIALS, &*TYPED_BY] {
            out.extend(rule.captures_iter(self.text).filter_map(|captures| {
                let letters = captures.get(1)?;
                Some(Identifier::new(Span::new(letters.start(), letters.end()), IdentifierClass::Name))
            }));
        }
    }

    pub(super) fn after_phrases(&self, out: &mut Vec<Identifier>) {
        for (at, token) in self.tokens.iter().enumerate() {
            let left = Span::new(token.span.start, token.span.start).around(self.text, 32, 0).of(self.text).to_lowercase();
            let plain = left.trim_end_matches([' ', ':', '.', '"']);
            if plain.len() == left.len() || left.len() - plain.len() > 4 {
                continue;
            }
            let is_phrase = list(PHRASES).any(|phrase| {
                plain.strip_suffix(phrase).is_some_and(|rest| !rest.ends_with(|one: char| one.is_alphanumeric()))
            });
            let is_greeting = ["dear", "hi", "hello", "thank you", "thanks"].iter().any(|greeting| plain.ends_with(greeting));
            let known = self.lexicon.name(&token.folded);
            let is_word = token.shape != Shape::Letter && self.needs_context(token) && known.is_none()
                || is_greeting && left.ends_with(". ");
            if is_phrase
                && !holds(RELATIONS, &token.folded)
                && !is_word
                && (token.shape != Shape::Lower
                    || self.is_caseless && known.is_some_and(|name| !name.is_ordinary)
                    || self.is_caseless && self.lexicon.is_unknown(&token.folded))
            {
                self.push_run(at, Strength::Strong, out);
            }
        }
    }

    /// Lines behind "Sincerely,", and lines that are a name and nothing else.
    pub(super) fn signatures(&self, out: &mut Vec<Identifier>) {
        let mut is_behind = 0;
        let mut start = 0;
        for line in self.text.split_inclusive('\n') {
            let plain = line.trim().trim_end_matches([',', '.', ':']).to_lowercase();
            let closes = [
                "sincerely",
                "regards",
                "best",
                "thanks",
                "thank you",
                "yours",
                "faithfully",
                "respectfully",
                "cheers",
                "best wishes",
                "sincerely yours",
                "yours sincerely",
                "yours faithfully",
                "kind regards",
                "best regards",
                "warm regards",
            ]
            .contains(&plain.as_str());
            if closes {
                is_behind = 3;
            } else if !plain.is_empty() {
                if is_behind > 0 {
                    let end = start + line.len();
                    let place = |offset: usize| self.tokens.partition_point(|token| token.span.start < offset);
                    let words: Vec<usize> = (place(start)..place(end)).collect();
                    let first = words.iter().find(|at| !holds(TITLES, self.tokens[**at].folded.as_str()));
                    if let Some(first) = first.copied()
                        && (!self.needs_context(&self.tokens[first]) || self.lexicon.name(&self.tokens[first].folded).is_some())
                        && words.len() <= 6
                    {
                        self.push_run(first, Strength::Strong, out);
                    }
                }
                is_behind -= i32::from(is_behind > 0);
            }
            start += line.len();
        }
    }
}
