//! What the envelope of a note says of its patient, author and place: each mention of it is found, whatever stands around it.

use jiff::civil::Date;

use super::{
    Identifier, IdentifierClass,
    lexicon::Lexicon,
    tokens::{Shape, Token, fold, gap, tokens},
};
use crate::domain::{NewNote, Span};

/// Known details of a note.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Known {
    /// Names of persons: the patient, the author.
    pub names: Vec<String>,
    /// The patient's numbers.
    pub numbers: Vec<String>,
    /// The facility, the department.
    pub organisations: Vec<String>,
    /// The patient's date of birth.
    pub birth_date: Option<Date>,
    /// `female` or `male`, where it is known.
    pub sex: Option<String>,
    /// A day about which the note was written: a date without a year is of this year.
    pub about: Option<Date>,
}

impl std::fmt::Debug for Known {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Known(..)")
    }
}

impl From<&NewNote> for Known {
    fn from(note: &NewNote) -> Self {
        let patient = note.patient.as_ref();
        Self {
            names: patient.and_then(|patient| patient.name.clone()).into_iter().chain(note.author.clone()).collect(),
            numbers: patient
                .map(|patient| patient.id.clone())
                .into_iter()
                .chain(note.encounter.clone())
                .chain(note.external_id.clone())
                .collect(),
            organisations: note.facility.clone().into_iter().chain(note.department.clone()).collect(),
            birth_date: patient.and_then(|patient| patient.birth_date),
            sex: patient.and_then(|patient| patient.sex.clone()),
            about: note.service_date,
        }
    }
}

/// Short forms of given names.
const SHORT_FORMS: &[(&str, &[&str])] = &[
    ("charles", &["charlie", "chuck", "chas"]),
    ("william", &["will", "bill", "billy", "liam", "willie"]),
    ("robert", &["rob", "bob", "bobby", "robbie", "bert"]),
    ("richard", &["rick", "dick", "rich", "ricky"]),
    ("james", &["jim", "jimmy", "jamie"]),
    ("john", &["jack", "johnny"]),
    ("thomas", &["tom", "tommy"]),
    ("michael", &["mike", "mikey", "mick"]),
    ("joseph", &["joe", "joey"]),
    ("edward", &["ed", "eddie", "ted", "ned"]),
    ("elizabeth", &["liz", "beth", "betty", "lizzie", "eliza", "betsy"]),
    ("margaret", &["maggie", "peggy", "meg", "marge"]),
    ("katherine", &["kate", "kathy", "katie", "kat"]),
    ("catherine", &["cathy", "kate", "cat"]),
    ("patricia", &["pat", "patty", "trish"]),
    ("patrick", &["pat", "paddy"]),
    ("deborah", &["deb", "debbie"]),
    ("susan", &["sue", "susie"]),
    ("jennifer", &["jen", "jenny"]),
    ("christopher", &["chris", "kit"]),
    ("christine", &["chris", "chrissy", "tina"]),
    ("anthony", &["tony"]),
    ("daniel", &["dan", "danny"]),
    ("matthew", &["matt"]),
    ("andrew", &["andy", "drew"]),
    ("samuel", &["sam"]),
    ("samantha", &["sam"]),
    ("benjamin", &["ben", "benny"]),
    ("alexander", &["alex", "sandy"]),
    ("nicholas", &["nick"]),
    ("steven", &["steve"]),
    ("stephen", &["steve"]),
    ("gregory", &["greg"]),
    ("lawrence", &["larry"]),
    ("ronald", &["ron"]),
    ("donald", &["don"]),
    ("kenneth", &["ken", "kenny"]),
    ("victoria", &["vicky", "tori"]),
    ("rebecca", &["becky", "becca"]),
    ("barbara", &["barb", "barbie"]),
];

/// Mentions of what is known.
pub(super) fn find(text: &str, tokens_of_text: &[Token], known: &Known, lexicon: &Lexicon) -> Vec<Identifier> {
    let mut out = Vec::new();
    for name in &known.names {
        let parts: Vec<Token> = tokens(name).into_iter().filter(|part| !is_title(&part.folded)).collect();
        let mut wanted: Vec<String> =
            parts.iter().filter(|part| part.folded.len() > 1).map(|part| part.folded.clone()).collect();
        for part in &parts {
            let short = SHORT_FORMS.iter().find(|(full, _)| *full == part.folded);
            wanted.extend(short.into_iter().flat_map(|(_, short)| short.iter().map(|one| (*one).to_owned())));
        }
        for token in tokens_of_text {
            let is_ordinary =
                lexicon.is_ordinary(&token.folded) || lexicon.is_clinical(&token.folded) || token.folded.len() < 3;
            if wanted.contains(&token.folded) && (!is_ordinary || token.shape != Shape::Lower) {
                out.push(Identifier::new(token.span, IdentifierClass::Name));
            }
        }
        initials(text, tokens_of_text, &parts, &mut out);
    }
    for number in &known.numbers {
        out.extend(numbers(text, number).map(|span| Identifier::new(span, IdentifierClass::RecordNumber)));
    }
    for organisation in &known.organisations {
        let parts: Vec<String> = tokens(organisation).into_iter().map(|token| token.folded).collect();
        if parts.is_empty() || parts.len() == 1 && (parts[0].len() < 4 || lexicon.is_ordinary(&parts[0])) {
            continue;
        }
        for at in 0..tokens_of_text.len().saturating_sub(parts.len() - 1) {
            let words = &tokens_of_text[at..at + parts.len()];
            if words.iter().zip(&parts).all(|(word, part)| word.folded == *part) {
                let span = Span::new(words[0].span.start, words[words.len() - 1].span.end);
                out.push(Identifier::new(span, IdentifierClass::Organization));
            }
        }
        let letters: String = parts
            .iter()
            .filter(|part| !matches!(part.as_str(), "of" | "the" | "and"))
            .filter_map(|part| part.chars().next())
            .collect();
        let short =
            tokens_of_text.iter().filter(|token| letters.len() > 2 && token.shape == Shape::Upper && token.folded == letters);
        out.extend(short.map(|token| Identifier::new(token.span, IdentifierClass::Organization)));
    }
    out
}

fn is_title(folded: &str) -> bool {
    ["dr", "mr", "mrs", "ms", "miss", "prof", "md", "do", "rn", "np", "pa", "phd", "jr", "sr", "doctor"].contains(&folded)
}

/// Initials of a name: "G.H.", "CWR" where there are three.
fn initials(text: &str, tokens_of_text: &[Token], parts: &[Token], out: &mut Vec<Identifier>) {
    let letters: Vec<char> = parts.iter().filter_map(|part| part.folded.chars().next()).collect();
    let [first, .., last] = letters.as_slice() else { return };
    let all: String = letters.iter().collect();
    for token in tokens_of_text {
        if letters.len() > 2 && token.shape == Shape::Upper && token.folded == all {
            out.push(Identifier::new(token.span, IdentifierClass::Name));
        }
    }
    for pair in tokens_of_text.windows(2) {
        let same = |token: &Token, letter: char| token.shape == Shape::Letter && token.folded.starts_with(letter);
        if same(&pair[0], *first) && same(&pair[1], *last) && gap(text, &pair[0], &pair[1]) == "." {
            let end = pair[1].span.end + usize::from(text[pair[1].span.end..].starts_with('.'));
            out.push(Identifier::new(Span::new(pair[0].span.start, end), IdentifierClass::Name));
        }
    }
}

/// Places of a number, however its groups are parted.
fn numbers<'a>(text: &'a str, number: &str) -> impl Iterator<Item = Span> + 'a {
    let wanted: Vec<u8> = fold(number).bytes().filter(u8::is_ascii_alphanumeric).collect();
    let bytes = text.as_bytes();
    (0..text.len()).filter_map(move |start| {
        if wanted.len() < 4 || start > 0 && bytes[start - 1].is_ascii_alphanumeric() {
            return None;
        }
        let mut at = start;
        for letter in &wanted {
            while at > start && at < bytes.len() && matches!(bytes[at], b' ' | b'-' | b'.') {
                at += 1;
            }
            if !bytes.get(at).is_some_and(|byte| byte.eq_ignore_ascii_case(letter)) {
                return None;
            }
            at += 1;
        }
        (!bytes.get(at).is_some_and(u8::is_ascii_alphanumeric)).then(|| Span::new(start, at))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_found_however_it_is_parted() {
        let text = "MRN 50-11-883, again 5011883 and 150-11-883";
        let found: Vec<&str> = numbers(text, "50-11-883").map(|span| span.of(text)).collect();
        assert_eq!(found, ["50-11-883", "5011883"]);
    }
}
