//! What no list and no form of clinical writing knows: words that are neither English nor medicine, and codes that are no measurement. They may be
//! identifiers; nothing but that they are unknown says so.

use super::{
    Covered,
    lexicon::Lexicon,
    places::is_state,
    tokens::{Shape, Token, gap},
    words::{CREDENTIALS, GENERIC, RELATIONS, STOPPERS, TERMS, TITLES, holds},
};
use crate::domain::Span;

// Letters and digits without a blank.
pattern!(CHUNK, r"[A-Za-z0-9](?:[A-Za-z0-9]|[\-_/:.*#\\^~](?:[A-Za-z0-9]|\b))*");
// A number with its unit, also of several: "500mg", "10mL/hr", "2.5x3", "88%".
pattern!(
    MEASURE,
    r"(?i)^[<>~]?\d+(?:[.,]\d+)*(?:[\-/x]\d+(?:[.,]\d+)*)*(?:mg|mcg|ug|g|kg|ml|l|dl|cc|mm|cm|m|in|ft|lb|lbs|oz|units?|u|iu|meq|mmol|mol|hr?s?|hours?|min|mins|sec|s|d|days?|wks?|weeks?|mos?|months?|y|yo|yrs?|years?|x|st|nd|rd|th|bpm|mmhg|cmh2o|hz|kv|v|ma|ms|j|w|k|c|f|fr|ga?|gauge|pm|am|a|p|po|iv|im|sq|sc|bid|tid|qid|qd|qhs|prn|tabs?|caps?|puffs?|gtts?|sprays?|patch|f|m|yf|ym|yof|yom|[a-z]{0,4}/(?:[a-z0-9]+|\d+[a-z]*))*(?:[/\-.]\w{1,6})*$"
);
// Codes and names of clinical writing that are made of letters and digits.
pattern!(
    CLINICAL,
    r"(?i)^(?:[a-z]\d{2}(?:\.[0-9a-z]{1,4})?(?:-[a-z]?\d{2}(?:\.\d+)?)?|[gp]\d{1,2}(?:[pat]\d{1,4}){1,3}|(?:y?p|c|r)?t\d[a-c]?n\d[a-c]?(?:\(.*\))?m?\w*|[ctls]\d{1,2}(?:[\-/][ctls]?\d{1,2})+|[a-z]\d{2,4}(?:[a-z]|fs\w*|del|dup)|[cpgmn]\.[\w*>_+\-]+|n[mp]_\d+.*|nct\d{8}|rs\d+|hla-?\w+(?:[*:]\d+)*|ca-?\d{2,3}(?:-\d)?|cd\d{1,3}[a-z]?(?:/\d+)?|ck\d{1,2}(?:/\d{1,2})?|(?:hb|hgb)?a1c|fev\d.*|h\d{1,2}n\d{1,2}|il-?\d+|covid-?19|sars-?cov-?2|vitamin-?[a-z]\d*|b-?12|t[34]|ft[34]|spo2|pao2|paco2|fio2|hco3|[a-z]{1,6}-?\d{1,2}|\d{1,2}[a-z]{1,6}|[a-z]{1,3}\d(?:[\-/][a-z]{0,3}\d+)*|\d+(?:[.,]\d+)*(?:[/:\-x]\d+(?:[.,]\d+)*)*[a-z]{0,2}|v\d+(?:\.\d+)*|\d+\+\d+|[a-z]+/[a-z/]+|q\d+[a-z\-\d]*|x\d+|\d+(?:st|nd|rd|th)|[a-z]\d{4})$"
);
// What stands before a number that is a value or a code of a system.
pattern!(
    VALUE_BEFORE,
    r"(?i)(?:\b(?:NDC|CPT|ICD(?:-?\d+)?(?:-CM|-PCS)?|LOINC|OMIM|HCPCS|SNOMED|RxNorm|DRG|GTIN|CAS|count|counts|level|titer|quant|vl|viral load|copies|wbc|plt|platelets|ferritin|bnp|probnp|ck|cpk|troponin|hcg|amylase|lipase|ast|alt|ldh|d-dimer|dose|units|heparin|total|steps|feet|meters|ml|calories|kcal|cfu|income|\$|usd|hz|rpm|page|omim)\b|\$|[<>=~+])[\s:#=]{0,4}(?:was|is|of|at)?\s{0,2}$"
);
pattern!(
    VALUE_BEHIND,
    r"(?i)^\s?(?:[HL]{1,2}\b|%|[x×]|mg|mcg|ml|cc|kg|g\b|units?|iu|u/|ng|pg|ug|cells|copies|cfu|k\b|/|feet|ft\b|steps|meters|m\b|kcal|calories|cal\b|people|dollars|per|hz|hours|days|weeks|years|x10)"
);

/// What is looked at.
pub(super) struct Unknown<'a> {
    pub(super) text: &'a str,
    pub(super) tokens: &'a [Token],
    pub(super) lexicon: &'a Lexicon,
    /// What recognition takes for diagnoses, drugs or parts of the body.
    pub(super) mentions: &'a Covered,
    /// What is found already.
    pub(super) found: &'a Covered,
    /// Whether most of the note is in capitals.
    pub(super) is_upper: bool,
    pub(super) is_caseless: bool,
}

impl Unknown<'_> {
    /// Unknown words and codes, in order.
    pub(super) fn find(&self) -> Vec<Span> {
        let words = (0..self.tokens.len()).filter(|at| {
            let token = &self.tokens[*at];
            !self.found.overlaps(token.span) && !self.is_safe(*at)
        });
        let mut out: Vec<Span> = words.map(|at| self.tokens[at].span).collect();
        let codes = CHUNK.find_iter(self.text).map(|chunk| Span::new(chunk.start(), chunk.end()));
        out.extend(codes.filter(|span| !self.found.overlaps(*span) && !self.mentions.overlaps(*span) && self.is_code(*span)));
        out.sort_unstable_by_key(|span| (span.start, std::cmp::Reverse(span.end)));
        let mut end = 0;
        out.retain(|span| {
            let is_new = span.start >= end;
            end = end.max(span.end);
            is_new
        });
        out
    }

    fn gap_after(&self, at: usize) -> &str {
        self.tokens.get(at + 1).map_or("", |next| gap(self.text, &self.tokens[at], next))
    }

    /// Whether nothing makes a word suspect.
    fn is_safe(&self, at: usize) -> bool {
        let token = &self.tokens[at];
        let folded = token.folded.as_str();
        let letters = folded.chars().count();
        if letters < 2 || self.mentions.overlaps(token.span) {
            return true;
        }
        let is_known = self.is_known(folded);
        let is_name = self.lexicon.name(folded).is_some_and(|name| !name.is_ordinary);
        match token.shape {
            Shape::Letter => true,
            Shape::Lower => {
                is_known
                    || self.is_state(at)
                    || letters < 4 && !(self.is_caseless && is_name)
                    || !is_name && self.is_made_of_known(folded)
            }
            Shape::Title if is_known => self.is_no_name(at) && !self.is_in_a_place(at),
            Shape::Title => {
                letters < 3
                    || self.is_state(at)
                    || self.is_term(at)
                    || DOSE_BEHIND.is_match(&self.text[token.span.end..])
                    || token.begins && !is_name && self.is_near_a_known(folded)
            }
            // in running text capitals are abbreviations, of which there are more than any list has
            Shape::Upper if !self.is_upper && letters < 6 && letters > 3 && self.is_name_alone(folded) => self.is_term(at),
            Shape::Upper if !self.is_upper && letters < 6 => {
                is_known || self.lexicon.name(folded).is_none() || self.is_term(at)
            }
            Shape::Upper => is_known || letters < 4 || !is_name && self.is_made_of_known(folded),
        }
    }

    /// A word that is known and is also a name, with a capital in the middle of a sentence.
    fn is_no_name(&self, at: usize) -> bool {
        let token = &self.tokens[at];
        let folded = token.folded.as_str();
        let is_suspect = !token.begins
            && self.lexicon.name(folded).is_some_and(|name| name.given.is_some())
            && !self.lexicon.is_clinical(folded)
            && !self.is_term(at);
        if !is_suspect {
            return true;
        }
        // within a heading or a title of ordinary words
        let is_heading = |other: Option<&Token>, between: &str| {
            between == " " && other.is_some_and(|other| other.shape != Shape::Lower && self.lexicon.is_ordinary(&other.folded))
        };
        let before = at.checked_sub(1).and_then(|last| self.tokens.get(last));
        is_heading(before, at.checked_sub(1).map_or("", |last| self.gap_after(last)))
            || is_heading(self.tokens.get(at + 1), self.gap_after(at))
    }

    /// Ordinary words with capitals behind "at", "from" or "near": "from Third Rail Coffee". One alone only behind "at".
    fn is_in_a_place(&self, at: usize) -> bool {
        let is_part = |at: usize| {
            let token = &self.tokens[at];
            token.shape == Shape::Title && !token.begins
        };
        let mut first = at;
        while first > 0 && at - first < 4 && is_part(first) && self.gap_after(first - 1) == " " && is_part(first - 1) {
            first -= 1;
        }
        let mut last = at;
        while last + 1 < self.tokens.len() && last - at < 4 && self.gap_after(last) == " " && is_part(last + 1) {
            last += 1;
        }
        let Some(mut cue) = first.checked_sub(1).filter(|cue| self.gap_after(*cue) == " " && is_part(first)) else {
            return false;
        };
        if self.tokens[cue].folded == "the" && cue > 0 && self.gap_after(cue - 1) == " " {
            cue -= 1;
        }
        let cue = &self.tokens[cue];
        let is_cue = cue.shape == Shape::Lower && holds("at|from|via|near|nr|outside|to|by|with|in|for|of", &cue.folded);
        let is_plain = |token: &Token| {
            holds(GENERIC, &token.folded)
                || holds(TERMS, &token.folded)
                || holds(STOPPERS, &token.folded)
                || self.lexicon.is_clinical(&token.folded)
                || holds(USUAL_CAPITALS, &token.folded)
                || super::date_words::MONTHS.contains(&token.folded.as_str())
                || super::date_words::WEEKDAYS.contains(&token.folded.as_str())
        };
        let run = &self.tokens[first..=last];
        is_cue
            && !run.iter().any(is_plain)
            && !self.is_state(at)
            && !self.is_term(at)
            && (run.len() > 1 || matches!(cue.folded.as_str(), "at" | "near" | "nr"))
            && !run.iter().any(|token| self.mentions.overlaps(token.span))
    }

    /// A name that no list of words of notes has.
    fn is_name_alone(&self, folded: &str) -> bool {
        self.lexicon.name(folded).is_some() && self.lexicon.is_unknown(folded)
    }

    /// A state or a country, of one word or two.
    fn is_state(&self, at: usize) -> bool {
        let word = |at: usize| self.tokens.get(at).map(|token| token.folded.as_str()).unwrap_or_default();
        is_state(word(at))
            || is_state(&format!("{} {}", word(at), word(at + 1)))
            || at.checked_sub(1).is_some_and(|last| is_state(&format!("{} {}", word(last), word(at))))
    }

    fn is_term(&self, at: usize) -> bool {
        let joins = matches!(self.gap_after(at), " " | "'s " | "\u{2019}s " | "-");
        joins && self.tokens.get(at + 1).is_some_and(|next| holds(TERMS, &next.folded))
    }

    fn is_known(&self, folded: &str) -> bool {
        if self.lexicon.is_known(folded) || [CREDENTIALS, RELATIONS, TITLES].iter().any(|list| holds(list, folded)) {
            return true;
        }
        if folded == "o'clock" {
            return true;
        }
        // "didn't", "she's", "I've"
        folded.split_once('\'').is_some_and(|(stem, ending)| {
            matches!(ending, "t" | "s" | "ve" | "re" | "ll" | "d" | "m" | "")
                && (stem.len() < 3
                    || self.lexicon.is_known(stem)
                    || stem.strip_suffix('n').is_some_and(|stem| self.lexicon.is_known(stem)))
        })
    }

    /// Two known words in one, or what is near a known one.
    fn is_made_of_known(&self, folded: &str) -> bool {
        let count = folded.len();
        let is_joined = folded.is_ascii()
            && (8..=LONGEST).contains(&count)
            && (4..count - 3).any(|at| self.lexicon.is_known(&folded[..at]) && self.lexicon.is_known(&folded[at..]));
        is_joined || self.is_near_a_known(folded)
    }

    /// A slip of a known word, or one with the beginning or the end of a medical word.
    fn is_near_a_known(&self, folded: &str) -> bool {
        let count = folded.len();
        if count > LONGEST || !folded.is_ascii() {
            return false;
        }
        let has_beginning = BEGINNINGS
            .iter()
            .any(|beginning| folded.strip_prefix(beginning).is_some_and(|rest| rest.len() > 3 && self.lexicon.is_known(rest)));
        let has_end = count > 6 && ENDS.iter().any(|end| folded.ends_with(end));
        has_beginning || has_end || count >= SHORTEST_SLIP && self.is_slip(folded)
    }

    /// Whether one letter more, less, other or in the other's place makes a known word of it.
    fn is_slip(&self, folded: &str) -> bool {
        let letters = folded.as_bytes();
        let is_word = |bytes: &[u8]| std::str::from_utf8(bytes).is_ok_and(|word| self.lexicon.has_word(word));
        let mut tried = letters.to_vec();
        for at in 0..letters.len() {
            for letter in b'a'..=b'z' {
                tried[at] = letter;
                if is_word(&tried) {
                    return true;
                }
            }
            tried[at] = letters[at];
            if at + 1 < letters.len() {
                tried.swap(at, at + 1);
                if is_word(&tried) {
                    return true;
                }
                tried.swap(at, at + 1);
            }
        }
        let mut shorter = letters[1..].to_vec();
        for (at, letter) in letters.iter().enumerate() {
            if is_word(&shorter) {
                return true;
            }
            if let Some(place) = shorter.get_mut(at) {
                *place = *letter;
            }
        }
        let mut longer = [b"a", letters].concat();
        for at in 0..longer.len() {
            for letter in b'a'..=b'z' {
                longer[at] = letter;
                if is_word(&longer) {
                    return true;
                }
            }
            if at < letters.len() {
                longer[at] = letters[at];
            }
        }
        false
    }

    /// Whether letters and digits are a code that is nobody's value.
    fn is_code(&self, span: Span) -> bool {
        let chunk = span.of(self.text).trim_end_matches(|letter: char| !letter.is_ascii_alphanumeric());
        let digits = chunk.bytes().filter(u8::is_ascii_digit).count();
        let letters = chunk.bytes().filter(u8::is_ascii_alphabetic).count();
        let left = Span::new(span.start, span.start).around(self.text, 20, 0).of(self.text);
        let follows = &self.text[span.start + chunk.len()..];
        let is_value = VALUE_BEFORE.is_match(left) || VALUE_BEHIND.is_match(follows);
        if letters == 0 {
            let is_grouped = chunk.matches(['-', ':']).count() > 1 && digits > 4;
            let is_long = digits > 4 && chunk.bytes().all(|byte| byte.is_ascii_digit());
            return (is_long || is_grouped) && !is_value && !self.is_behind_a_test(span);
        }
        digits > 2
            && digits + letters > 5
            && !is_value
            && !MEASURE.is_match(chunk)
            && !CLINICAL.is_match(chunk)
            && chunk.split(['/', '-', ':', '.']).any(|part| {
                let has_digit = part.bytes().any(|byte| byte.is_ascii_digit());
                part.len() > 3
                    && has_digit
                    && !MEASURE.is_match(part)
                    && (part.bytes().any(|byte| byte.is_ascii_alphabetic()) || digits > 3)
            })
    }

    /// A number right behind the name of a test or a drug.
    fn is_behind_a_test(&self, span: Span) -> bool {
        let next = self.tokens.partition_point(|token| token.span.start < span.start);
        next.checked_sub(1).and_then(|last| self.tokens.get(last)).is_some_and(|token| {
            let between = Span::new(token.span.end, span.start).of(self.text);
            between.len() < 4
                && between.chars().all(|one| matches!(one, ' ' | ':' | '=' | '-'))
                && self.mentions.overlaps(token.span)
        })
    }
}

/// Words that are written with a capital behind "at" and name no place.
const USUAL_CAPITALS: &str = "discharge|bedside|rest|night|baseline|admission|time|present|present|last|this|next|first|bedtime|noon|midnight|least|\
    risk|follow|followup|work|onset|birth|age|level|target|goal|english|spanish|french|german|chinese|vietnamese|\
    arabic|russian|korean|japanese|portuguese|hindi|creole|medicare|medicaid|covid|internet|history|past|physical|\
    therapy|occupational|speech|management|infectious|disease|plan|assessment|review|systems|exam|notes|note|records|\
    chart|triage|labs|imaging|orders|ems|police|family|patient|mom|dad|mother|father|wife|husband|daughter|son";
/// Letters from which on a slip is believed: of a shorter word too much is one letter away.
const SHORTEST_SLIP: usize = 6;
/// Letters of the longest word that is looked at piece by piece.
const LONGEST: usize = 32;
const BEGINNINGS: &[&str] = &[
    "anti", "auto", "bi", "co", "de", "dis", "endo", "epi", "ex", "extra", "hemi", "hyper", "hypo", "inter", "intra", "ir",
    "macro", "mega", "micro", "mid", "mono", "multi", "neuro", "non", "over", "pan", "para", "peri", "poly", "post", "pre",
    "pro", "pseudo", "re", "retro", "semi", "sub", "super", "supra", "trans", "tri", "un", "under", "uni", "cardio", "gastro",
    "hepato", "nephro", "electro", "hydro", "thermo", "tele", "self", "well", "thoraco", "cranio", "naso", "oro", "osteo",
    "myo", "arthro", "angio", "broncho", "cysto", "immuno",
];
const ENDS: &[&str] = &[
    "itis",
    "osis",
    "ectomy",
    "otomy",
    "ostomy",
    "oscopy",
    "oscopic",
    "plasty",
    "pathy",
    "pathic",
    "emia",
    "emic",
    "uria",
    "algia",
    "megaly",
    "graphy",
    "graphic",
    "ology",
    "ologist",
    "ological",
    "oma",
    "omas",
    "penia",
    "plegia",
    "paresis",
    "phasia",
    "pnea",
    "rrhea",
    "rrhage",
    "spasm",
    "lysis",
    "lytic",
    "genic",
    "trophy",
    "trophic",
    "iform",
    "oidal",
    "statin",
    "pril",
    "sartan",
    "olol",
    "azole",
    "mycin",
    "cillin",
    "floxacin",
    "cycline",
    "umab",
    "imab",
    "zumab",
    "tinib",
    "gliptin",
    "gliflozin",
    "glutide",
    "parin",
    "azepam",
    "oxetine",
    "triptan",
    "setron",
    "prazole",
    "tidine",
    "dronate",
    "vir",
    "ically",
    "ization",
    "isation",
    "ousness",
];

pattern!(
    DOSE_BEHIND,
    r"(?i)^\s?(?:XR|SR|ER|MR|CR|LA|XL|HCT|DS)?\s?\d+(?:[.,/]\d+)*\s?(?:mg|mcg|ml|units?|iu|g|%|puffs?|tabs?)\b"
);

#[cfg(test)]
mod tests {
    use crate::deidentify::{Known, measure::DEIDENTIFIER};

    fn unknown(text: &str) -> Vec<&str> {
        DEIDENTIFIER.find(text, &Known::default(), &[]).unsure.into_iter().map(|span| span.of(text)).collect()
    }

    #[test]
    fn what_nothing_knows_is_told() {
        assert_eq!(unknown("the aide was in the hall with quorvexa, and the walker helped"), ["quorvexa"]);
        assert_eq!(
            unknown("tracker Q7RX20991-KV was left at the bedside by somebody"),
            Vec::<&str>::new(),
            "found by its form"
        );
    }

    #[test]
    fn what_is_known_or_nearly_so_is_not() {
        for text in [
            "she didn't tolerate the metoprolol and was swiched to amlodipine",
            "laparoscopic cholecystectomy without complications, no hepatosplenomegaly",
            "WBC 12500, platelets 212000, heparin 5000 units, T2DM, G3P2, L4-L5, C34.1 and pT2aN0",
            "hemicraniectomy was discussed; BP 120/80, 500mg bid, 0.9% NS at 125ml/hr",
            "well-appearing, nontender, normocephalic and atraumatic, cooperative",
        ] {
            assert!(unknown(text).is_empty(), "{text}: {:?}", unknown(text));
        }
    }
}
