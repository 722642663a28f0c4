//! Places and organisations, and postal codes.

use std::sync::LazyLock;

use regex::Regex;

use super::{
    Identifier, IdentifierClass,
    lexicon::{Lexicon, PlaceKind},
    tokens::{Shape, Token, gap},
    words::{GENERIC, HEADS, TERMS, holds},
};
use crate::domain::Span;

const STREET: &str = r"(?:Street|Str|St|Avenue|Ave|Av|Road|Rd|Boulevard|Blvd|Lane|Ln|Drive|Dr|Court|Ct|Circle|Cir|Place|Pl|Terrace|Ter|Trail|Trl|Parkway|Pkwy|Highway|Hwy|Way|Close|Crescent|Cres|Square|Sq|Row|Walk|Mews|Gardens|Grove|Alley|Loop|Path|Pike|Turnpike|Plaza|Rise|Heights|Green|Hill|Quay|STREET|ST|AVENUE|AVE|ROAD|RD|BLVD|LANE|LN|DRIVE|DR|COURT|CT|WAY)";
const STATES: &str = r"(?:Alabama|Alaska|Arizona|Arkansas|California|Colorado|Connecticut|Delaware|Florida|Georgia|Hawaii|Idaho|Illinois|Indiana|Iowa|Kansas|Kentucky|Louisiana|Maine|Maryland|Massachusetts|Mass|Michigan|Minnesota|Mississippi|Missouri|Montana|Nebraska|Nevada|New Hampshire|New Jersey|New Mexico|New York|North Carolina|North Dakota|Ohio|Oklahoma|Oregon|Pennsylvania|Puerto Rico|Rhode Island|South Carolina|South Dakota|Tennessee|Texas|Utah|Vermont|Virginia|Washington|West Virginia|Wisconsin|Wyoming|England|Scotland|Wales|Ireland)";
const STATE_LETTERS: &str = r"(?:AL|AK|AZ|AR|CA|CO|CT|DE|FL|GA|HI|ID|IL|IN|IA|KS|KY|LA|ME|MD|MA|MI|MN|MS|MO|MT|NE|NV|NH|NJ|NM|NY|NC|ND|OH|OK|OR|PA|PR|RI|SC|SD|TN|TX|UT|VT|VA|WA|WV|WI|WY|DC)";
/// Letters of states that are hardly anything else in a note.
const PLAIN_STATE_LETTERS: &str = r"(?:AK|AZ|FL|IL|KS|KY|MN|NV|NJ|NY|NC|OH|SC|TN|TX|UT|WI|WV|AL)";
/// A word with a capital, also with a prefix ("St. Paul", "O'Fallon").
const CAPITAL: &str = r"(?:St\.|Mt\.|Ft\.|[A-Z][\p{L}'’\-]*)";

struct Rules {
    street: Regex,
    bare_street: Regex,
    other_address: Regex,
    city_state: Regex,
    city_state_zip: Regex,
    county: Regex,
}

static RULES: LazyLock<Rules> = LazyLock::new(|| {
    let compiled = |pattern: String| Regex::new(&pattern).expect("a pattern of addresses, which a test compiles");
    let unit = r"(?:,?\s+(?:(?:Apt|Apartment|Unit|Suite|Ste|Flat|Rm|Lot|Box|APT|UNIT|STE)\.?\s*\#?\s?\w+|\#\s?\w+))?";
    Rules {
        street: compiled(format!(
            r"\b((?:(?:Flat|Apt|Unit|Suite)\s+\w+,?\s+)?\d{{1,6}}[A-Za-z]?(?:-\d+)?\s+(?:(?:N|S|E|W|NE|NW|SE|SW|North|South|East|West)\.?\s+)?(?:{CAPITAL}\s+|\d{{1,3}}(?:st|nd|rd|th)\s+){{1,4}}{STREET}\b\.?(?:\s+(?:N|S|E|W|NE|NW|SE|SW)\b)?{unit})"
        )),
        bare_street: compiled(format!(
            r"\b((?:{CAPITAL} ){{1,3}}(?:Street|Avenue|Ave|Road|Rd|Boulevard|Blvd|Lane|Ln|Drive|Parkway|Terrace|Crescent|Close|Way))\b"
        )),
        other_address: compiled(String::from(
            r"(?i)\b(P\.?\s?O\.?\s+Box\s+\d+|Rural (?:Route|Rte)\s+\d+(?:,?\s+Box\s+\w+)?|(?:RR|HC|R\.R\.)\s?\d+,?\s+Box\s+\w+|\d+\s+(?:Hwy|Highway|Route|Rte|State Road|County Road|FM|US)\s*\d+\w*(?:\s[NSEW]\b)?(?:,?\s(?:Ste|Suite|Apt|Unit|Lot)\.?\s?\w+)?|(?:the )?corner of \w+ and \w+|\d+\s+(?:County|State|Farm) (?:Road|Route)\s+\w+|(?-i:(?:Interstate|Highway|Hwy|Route|County Road|US|I)[ \-]\d+)(?:\s+(?:near|and|at)\s+(?:Exit|Mile Marker|MM|Milepost)\s+\d+)?|(?:Mile Marker|Milepost)\s+\d+)\b",
        )),
        city_state: compiled(format!(
            r"\b((?:{CAPITAL} ){{0,2}}{CAPITAL})(?:,\s{{0,2}}(?:{STATES}|{PLAIN_STATE_LETTERS})|\s{{1,2}}{PLAIN_STATE_LETTERS})\b"
        )),
        city_state_zip: compiled(format!(
            r"((?:{CAPITAL} ){{0,2}}{CAPITAL})?,?\s{{0,3}}\b(?:{STATES}|{STATE_LETTERS})\.?,?\s{{1,4}}(?P<zip>\d{{5}}(?:-\d{{4}})?)\b"
        )),
        county: compiled(format!(
            r"\b((?:{CAPITAL} ){{1,2}}(?:County|Parish|Township|Borough|Precinct)|(?:County|Township of) {CAPITAL}|(?:Ward|Precinct) \d+)\b"
        )),
    }
});

pattern!(POSTCODE, r"\b([A-Z]{1,2}\d[A-Z\d]? \d[A-Z]{2})\b");
pattern!(
    ZIP_LABEL,
    r"(?i)\b(?:zip|zip\s?code|postal\s?code|postcode)\s?[:#]?\s{0,3}(\d{5}(?:-\d{4})?|[A-Z]{1,2}\d[A-Z\d]? \d[A-Z]{2})\b"
);
pattern!(
    HOLY,
    r"\b(?:(?:Our|Holy) (?:Lady|Redeemer|Savior|Saviour)(?: of(?: the)? [A-Z]\p{L}+(?: [A-Z]\p{L}+)?)?|(?:Holy|Sacred|Blessed|Good|Immaculate) (?:Family|Cross|Heart|Spirit|Name|Trinity|Redeemer|Samaritan|Shepherd|Sacrament|Mother|Conception|Angels|Ghost)|(?:PS|P\.S\.|IS|JHS) \d{1,3}\b)(?: (?:Hospital|Church|School|Academy|Medical Center|Health))?"
);
pattern!(SAINT, r"\b(?:St\.|St|Saint) [A-Z]\p{L}{2,}(?:['’]s)?\b");
pattern!(
    ORGANISATION_CUE,
    r"(?i)\b(?:works?|worked|working|employed|employee|job)\s(?:as\s(?:an?\s)?\w+\s(?:\w+\s)?)?(?:seasonally\s|part[ -]time\s|full[ -]time\s)?(?:at|for|by|with)\s(?:the\s)?$|\b(?:employer|school|facility|fac|payer|pharmacy|hospital|company|lab|sending|receiving)[ \t]?:?[ \t]{0,3}$|\b(?:work at|attends|attended|enrolled at|student at|undergraduate at|transferred (?:from|to)|admitted to|seen at|treated at|at|@|supplies from|referred to|trained at|works for|works @|employed at|retired from|worked for|volunteers at|volunteer at|coaches at|teaches at|teacher at|nurse at|cook at|clerk at|manager at|cashier at|student from|goes to|went to|graduated from|stays at|staying at|resides at|lives at|living at|sleeps at|resident of|resident at|discharged to|d/c to|dc to|d/c'd to|sent to|sent from|brought from|from|via|filled at|picked up at|pharmacy at|rx to|scripts to|called in to|faxed to|records from|outside records from|imaging at|mri at|ct at|done at|performed at|born at|delivered at|surgery at|surgeon at|followed at|follows at|appt at|appointment at|seen @|admitted @|church at|attends church at|member of|parishioner at|worships at|dialyzes at|dialysis at|hd at|rehab at|snf at)\s(?:the\s)?$"
);
pattern!(
    PLACE_CUE,
    r"(?i)\b(?:lives?|living|resid(?:es?|ed|ing)|born|raised|drives (?:her|him)|home)\s(?:alone\s)?(?:in|near|to|at|from)\s(?:the\s)?$|\b(?:from|native of|resident of|moved to|moved here from|returned from|travel(?:led|ed)? (?:to|from)|visiting|in|near|nr|of|to|female of|male of|flown from|drove from|drives from|came from|comes from|commutes from|up from|down from|over from|out of|grew up in|stays in|staying in|based in|deployed to|stationed (?:in|at)|trip to|vacation (?:in|to)|family in|farm (?:in|near)|house in|apartment in|cabin (?:in|on)|outside(?: of)?|town of|city of|village of|hometown of|hails from|lives @|moved back to|relocated to|transfer(?:red)? from)\s$"
);

const CONNECTORS: &[&str] =
    &["of", "the", "de", "du", "del", "la", "st", "saint", "and", "for", "our", "vincent", "mount", "mt", "san", "santa"];

/// Places of a text.
pub(super) struct Places<'a> {
    pub(super) text: &'a str,
    pub(super) tokens: &'a [Token],
    pub(super) lexicon: &'a Lexicon,
}

impl Places<'_> {
    pub(super) fn find(&self) -> Vec<Identifier> {
        let mut out = Vec::new();
        self.addresses(&mut out);
        self.departments(&mut out);
        self.organisations(&mut out);
        self.listed(&mut out);
        self.after_cues(&mut out);
        for found in HOLY.find_iter(self.text) {
            out.push(Identifier::new(Span::new(found.start(), found.end()), IdentifierClass::Organization));
        }
        for found in SAINT.find_iter(self.text) {
            let follows = &self.text[found.end()..];
            // a plant and a valve
            if ![" wort", " valve", " Jude"].iter().any(|word| follows.starts_with(word)) {
                out.push(Identifier::new(Span::new(found.start(), found.end()), IdentifierClass::Organization));
            }
        }
        out
    }

    fn before(&self, at: usize) -> &str {
        Span::new(at, at).around(self.text, 48, 0).of(self.text)
    }

    fn addresses(&self, out: &mut Vec<Identifier>) {
        let text = self.text;
        for captures in RULES.city_state_zip.captures_iter(text) {
            if let Some(zip) = captures.name("zip") {
                out.push(Identifier::new(Span::new(zip.start(), zip.end()), IdentifierClass::Zip));
            }
            if let Some(city) = captures.get(1) {
                self.push_city(Span::new(city.start(), city.end()), out);
            }
        }
        for rule in [&*ZIP_LABEL, &*POSTCODE] {
            out.extend(rule.captures_iter(text).filter_map(|captures| {
                captures.get(1).map(|zip| Identifier::new(Span::new(zip.start(), zip.end()), IdentifierClass::Zip))
            }));
        }
        for rule in [&RULES.street, &RULES.other_address] {
            for captures in rule.captures_iter(text) {
                let Some(found) = captures.get(1) else { continue };
                if !found.as_str().contains('\n') {
                    out.push(Identifier::new(Span::new(found.start(), found.end()), IdentifierClass::Location));
                }
            }
        }
        for captures in RULES.bare_street.captures_iter(text) {
            let Some(found) = captures.get(1) else { continue };
            let words: Vec<&str> = found.as_str().split(' ').collect();
            let begins = text[..found.start()].trim_end_matches(' ').is_empty() || text[..found.start()].ends_with('\n');
            let first = super::tokens::fold(words[0]);
            // "Other Way", "Go Drive": an ordinary word that begins a sentence is no street
            if begins
                || words.len() > 2
                || !self.lexicon.is_ordinary(&first)
                || !self.before(found.start()).trim_end().ends_with('.')
            {
                out.push(Identifier::new(Span::new(found.start(), found.end()), IdentifierClass::Location));
            }
        }
        for captures in RULES.city_state.captures_iter(text) {
            if let Some(city) = captures.get(1) {
                self.push_city(Span::new(city.start(), city.end()), out);
            }
        }
        for captures in RULES.county.captures_iter(text) {
            if let Some(county) = captures.get(1) {
                out.push(Identifier::new(Span::new(county.start(), county.end()), IdentifierClass::Location));
            }
        }
    }

    /// A city before its state, without ordinary words before it.
    fn push_city(&self, span: Span, out: &mut Vec<Identifier>) {
        let words: Vec<&Token> = self.tokens.iter().filter(|token| span.contains(token.span)).collect();
        let known = |from: usize| {
            let name = words[from..].iter().map(|token| token.folded.as_str()).collect::<Vec<_>>().join(" ");
            self.lexicon.place(&name).is_some()
        };
        let skipped = (0..words.len())
            .find(|from| known(*from))
            .or_else(|| words.iter().position(|token| !self.lexicon.is_ordinary(&token.folded) || token.folded == "st"));
        let Some(first) = skipped.and_then(|from| words.get(from)) else { return };
        let is_town = first.shape == Shape::Title && first.folded.len() > 3 || self.lexicon.place(&first.folded).is_some();
        if !self.lexicon.is_clinical(&first.folded) || is_town || words.len() > 1 {
            out.push(Identifier::new(Span::new(first.span.start, span.end), IdentifierClass::Location));
        }
    }

    fn departments(&self, out: &mut Vec<Identifier>) {
        for (at, token) in self.tokens.iter().enumerate() {
            let is_of = self.tokens.get(at + 1).is_some_and(|next| next.folded == "of");
            if !matches!(token.folded.as_str(), "department" | "division" | "dept") || token.shape == Shape::Lower || !is_of {
                continue;
            }
            let mut end = at + 1;
            while end + 1 < self.tokens.len()
                && gap(self.text, &self.tokens[end], &self.tokens[end + 1]) == " "
                && (self.tokens[end + 1].shape != Shape::Lower || matches!(self.tokens[end + 1].folded.as_str(), "and" | "of"))
            {
                end += 1;
            }
            if end > at + 1 {
                out.push(self.of_tokens(at, end, IdentifierClass::Organization));
            }
        }
    }

    fn of_tokens(&self, first: usize, last: usize, class: IdentifierClass) -> Identifier {
        Identifier::new(Span::new(self.tokens[first].span.start, self.tokens[last].span.end), class)
    }

    /// Runs of words with capitals that end in a word such as Hospital, with at least one word that is not generic.
    fn organisations(&self, out: &mut Vec<Identifier>) {
        let is_dictated = self.is_caseless();
        for (at, token) in self.tokens.iter().enumerate() {
            if !holds(HEADS, token.folded.as_str()) || (token.shape == Shape::Lower && !is_dictated) {
                continue;
            }
            let mut first = at;
            while first > 0 && at - first < 6 {
                let (before, here) = (&self.tokens[first - 1], &self.tokens[first]);
                let between = gap(self.text, before, here);
                let joins = matches!(between, " " | ". " | "-" | " & " | "  ") || between == "'s ";
                let is_shaped = if is_dictated {
                    !self.lexicon.is_ordinary(&before.folded)
                        || holds(GENERIC, before.folded.as_str()) && before.folded.len() > 3
                } else {
                    before.shape != Shape::Lower || CONNECTORS.contains(&before.folded.as_str())
                };
                // the point of a sentence is no joint, that of "St." is
                if !joins || !is_shaped || between == ". " && !matches!(before.folded.as_str(), "st" | "mt" | "ft") {
                    break;
                }
                if token.shape == Shape::Title && before.shape == Shape::Upper && before.folded.len() > 4 {
                    break;
                }
                first -= 1;
            }
            // "works at desert sun elementary school"
            let has_cue_at = |from: &usize| ORGANISATION_CUE.is_match(self.before(self.tokens[*from].span.start));
            if is_dictated && let Some(cued) = (at.saturating_sub(5)..at).find(has_cue_at) {
                first = first.min(cued);
            }
            if token.folded == "high" && self.text[token.span.end..].starts_with('-') {
                continue;
            }
            let next = self.tokens.get(at + 1).map(|next| next.folded.as_str()).unwrap_or_default();
            if matches!(next, "number" | "no" | "record" | "course" | "stay" | "day" | "id") {
                continue;
            }
            while first < at
                && (self.tokens[first].shape == Shape::Lower || is_label(&self.tokens[first].folded))
                && !is_dictated
            {
                first += 1;
            }
            // "Monroe" of "Mercy Hospital of Monroe"
            let mut last = at;
            if self.tokens.get(at + 1).is_some_and(|of| of.folded == "of" && gap(self.text, token, of) == " ")
                && self.tokens.get(at + 2).is_some_and(|next| next.shape != Shape::Lower || next.folded == "the")
                && token.folded != "unit"
            {
                let has_article = self.tokens[at + 2].folded == "the"
                    && self.tokens.get(at + 3).is_some_and(|next| next.shape == Shape::Title);
                if self.tokens[at + 2].shape == Shape::Lower && !has_article {
                    continue;
                }
                last = at + 2 + usize::from(has_article);
                while self.tokens.get(last + 1).is_some_and(|next| {
                    next.shape == Shape::Title
                        && gap(self.text, &self.tokens[last], next) == " "
                        && !self.lexicon.is_ordinary(&next.folded)
                }) {
                    last += 1;
                }
            }
            let words = &self.tokens[first..=last];
            let is_generic =
                words.iter().all(|word| holds(GENERIC, word.folded.as_str()) || holds(HEADS, word.folded.as_str()));
            let is_clinical_phrase = words.len() == 2
                && self.lexicon.is_clinical(&words[0].folded)
                && self.lexicon.name(&words[0].folded).is_none()
                && matches!(
                    words[1].folded.as_str(),
                    "clinic"
                        | "unit"
                        | "lab"
                        | "center"
                        | "centre"
                        | "surgery"
                        | "group"
                        | "services"
                        | "home"
                        | "high"
                        | "health"
                        | "system"
                );
            // a heading in capitals, or a weak last word, needs a name
            let is_weak = matches!(
                token.folded.as_str(),
                "high"
                    | "general"
                    | "home"
                    | "unit"
                    | "surgery"
                    | "living"
                    | "lab"
                    | "labs"
                    | "health"
                    | "group"
                    | "co"
                    | "valley"
                    | "system"
                    | "practice"
                    | "trust"
                    | "regional"
                    | "services"
                    | "medicine"
                    | "store"
                    | "market"
                    | "memorial"
                    | "company"
                    | "laboratory"
                    | "partners"
            );
            let has_name = words.iter().any(|word| {
                self.lexicon.name(&word.folded).is_some()
                    || self.lexicon.place(&word.folded).is_some()
                    || self.lexicon.is_unknown(&word.folded)
                        && !holds(GENERIC, word.folded.as_str())
                        && !holds(HEADS, word.folded.as_str())
            });
            let has_cue = ORGANISATION_CUE.is_match(self.before(words[0].span.start));
            let needs_name = is_weak || token.shape == Shape::Upper || is_dictated;
            if words.len() > 1 && !is_generic && !is_clinical_phrase && (!needs_name || has_name || has_cue) {
                let span = Span::new(words[0].span.start, words[words.len() - 1].span.end);
                out.push(Identifier::new(span, IdentifierClass::Organization));
            }
        }
    }

    /// Whether hardly a word has a capital, as in dictated notes.
    pub(super) fn is_caseless(&self) -> bool {
        let capitals = self.tokens.iter().filter(|token| token.shape != Shape::Lower).count();
        self.tokens.len() > 8 && capitals * 33 < self.tokens.len()
    }

    /// Known places and companies, of up to three words.
    fn listed(&self, out: &mut Vec<Identifier>) {
        let is_dictated = self.is_caseless();
        let mut at = 0;
        while at < self.tokens.len() {
            let found = (1..=4).rev().find_map(|length| self.listed_at(at, length, is_dictated).map(|found| (length, found)));
            if let Some((length, found)) = found {
                out.push(found);
                at += length;
            } else {
                at += 1;
            }
        }
    }

    fn listed_at(&self, at: usize, length: usize, is_dictated: bool) -> Option<Identifier> {
        let words = self.tokens.get(at..at + length)?;
        let has_case = words.iter().all(|word| word.shape != Shape::Lower || matches!(word.folded.as_str(), "of" | "on"));
        if !is_dictated && !has_case {
            return None;
        }
        let mut name = words[0].folded.clone();
        for pair in words.windows(2) {
            name.push_str(match gap(self.text, &pair[0], &pair[1]) {
                "-" => "-",
                ". " => ". ",
                _ if gap(self.text, &pair[0], &pair[1]).trim().is_empty() => " ",
                _ => return None,
            });
            name.push_str(&pair[1].folded);
        }
        let (kind, is_ordinary) = self.lexicon.place(&name)?;
        let left = self.before(words[0].span.start);
        let has_cue = PLACE_CUE.is_match(left) || ORGANISATION_CUE.is_match(left);
        let is_person = self.lexicon.name(&words[0].folded).is_some() && length == 1;
        if (is_ordinary
            || is_person
            || self.lexicon.is_clinical(&name)
            || words[0].shape == Shape::Upper && name.len() < 4 && name != "cvs")
            && !(has_cue && (!is_dictated || !is_ordinary))
        {
            return None;
        }
        let follows = self.text[words[length - 1].span.end..].trim_start();
        if follows.starts_with("stage")
            || follows.starts_with("grade")
            || follows.starts_with("scale")
            || follows.starts_with("score")
            || follows.starts_with("coma")
        {
            return None;
        }
        let class = if kind == PlaceKind::City { IdentifierClass::Location } else { IdentifierClass::Organization };
        Some(self.of_tokens(at, at + length - 1, class))
    }

    /// Unknown words with a capital after "lives in", "from", "works at".
    fn after_cues(&self, out: &mut Vec<Identifier>) {
        let is_dictated = self.is_caseless();
        for (at, token) in self.tokens.iter().enumerate() {
            let left = self.before(token.span.start);
            let (is_place, is_organisation) = (PLACE_CUE.is_match(left), ORGANISATION_CUE.is_match(left));
            let is_term = self.tokens.get(at + 1).is_some_and(|next| holds(TERMS, &next.folded));
            if !is_place && !is_organisation || token.shape == Shape::Letter || is_term {
                continue;
            }
            let is_shaped = match token.shape {
                Shape::Title | Shape::Upper => true,
                _ => is_dictated && (left.ends_with("lives in ") || left.ends_with("from ") || left.ends_with("resides in ")),
            };
            let is_free = |word: &Token| {
                self.lexicon.is_unknown(&word.folded) || self.lexicon.name(&word.folded).is_some_and(|name| !name.is_ordinary)
            };
            let is_upper_word =
                token.shape == Shape::Upper && (token.folded.len() < 4 && !left.ends_with("@ ") || !is_free(token));
            if !is_shaped || is_upper_word {
                continue;
            }
            let mut last = at;
            while last + 1 < self.tokens.len() && last - at < 3 {
                let (here, next) = (&self.tokens[last], &self.tokens[last + 1]);
                let between = gap(self.text, here, next);
                let is_like = if is_dictated {
                    is_free(next) && !is_state(&next.folded)
                } else {
                    next.shape == token.shape && (token.shape != Shape::Upper || is_free(next))
                };
                if !matches!(between, " " | "-" | " & ") || !is_like || is_label(&next.folded) {
                    break;
                }
                last += 1;
            }
            let words = &self.tokens[at..=last];
            let is_strong = left.to_lowercase().trim_end().ends_with("lives in") || WORK_CUE.is_match(left);
            let is_known_generic = words.iter().all(|word| !is_free(word));
            let is_home = HOME_CUE.is_match(left)
                && !words.iter().any(|word| holds(GENERIC, &word.folded) || self.lexicon.is_clinical(&word.folded));
            if is_known_generic && !(is_strong && words.len() > 1 || is_home && token.shape == Shape::Title) {
                continue;
            }
            if is_state(&words.iter().map(|word| word.folded.as_str()).collect::<Vec<_>>().join(" ")) {
                continue;
            }
            let class = if is_organisation && !is_place { IdentifierClass::Organization } else { IdentifierClass::Location };
            out.push(self.of_tokens(at, last, class));
        }
    }
}

pattern!(
    HOME_CUE,
    r"(?i)\b(?:(?:lives?|living|lived|resid(?:es?|ed|ing)|born|raised|grew up|brought up|house|apartment|farm|cabin|family|relatives|based|stationed|retired) (?:in|near|outside|on)|(?:moved|relocated|travel(?:l?ed)?|trip|drove|flew|commutes) (?:back )?(?:to|from)|native of|resident of|town of|city of|village of|hometown of|visiting) $"
);
pattern!(
    WORK_CUE,
    r"(?i)\b(?:works?|worked|employed)\s(?:\w+\s){0,3}(?:at|for|by)\s$|(?:employer|school|sending|receiving)\s?:?\s{0,3}$"
);
static STATE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(&format!(r"(?i)^{STATES}$")).expect("the pattern of states, which a test compiles"));

/// Words of labels, which belong to no name.
fn is_label(folded: &str) -> bool {
    [
        "facility", "fac", "name", "patient", "address", "phone", "fax", "from", "sent", "at", "school", "payer", "date", "rn",
        "md",
    ]
    .contains(&folded)
}

/// Whether words are a state or a country, which are no identifiers.
pub(super) fn is_state(words: &str) -> bool {
    STATE.is_match(words)
        || [
            "united states",
            "america",
            "usa",
            "us",
            "uk",
            "united kingdom",
            "canada",
            "mexico",
            "india",
            "china",
            "japan",
            "korea",
            "vietnam",
            "philippines",
            "haiti",
            "nigeria",
            "ghana",
            "kenya",
            "somalia",
            "ethiopia",
            "egypt",
            "iran",
            "iraq",
            "syria",
            "turkey",
            "poland",
            "germany",
            "france",
            "spain",
            "italy",
            "portugal",
            "greece",
            "russia",
            "ukraine",
            "brazil",
            "colombia",
            "peru",
            "cuba",
            "guatemala",
            "honduras",
            "el salvador",
            "pakistan",
            "bangladesh",
            "nepal",
            "australia",
            "new zealand",
            "south africa",
            "puerto rico",
            "jamaica",
            "africa",
            "asia",
            "europe",
        ]
        .contains(&words)
}
