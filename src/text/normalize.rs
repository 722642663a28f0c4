//! Words and their folding: lower case, accents, possessives, British spelling and plural, each with its span.

use unicode_normalization::UnicodeNormalization;

use crate::domain::Span;

/// A word of the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// Where it stands.
    pub span: Span,
    /// Folded form, see [`fold_word`].
    pub folded: String,
}

/// Splits `text` into words: runs of letters and digits. A word keeps a decimal point or comma between digits, a percent
/// sign after digits and a `+` after a letter; an apostrophe stays inside a word and a possessive `'s` is dropped by folding.
/// Everything else (hyphens, slashes, brackets) separates.
#[must_use]
pub fn words(text: &str) -> Vec<Word> {
    let mut out = Vec::with_capacity(text.len() / 6);
    each_word(text, |span, folded| out.push(Word { span, folded: folded.to_owned() }));
    out
}

/// Calls `each` with the place and the folded form of every word, as [`words`] gives them.
pub fn each_word(text: &str, mut each: impl FnMut(Span, &str)) {
    let mut folded = String::new();
    let mut push = |start: usize, end: usize| {
        let span = Span::new(start, end);
        fold_into(span.of(text), &mut folded);
        each(span, &folded);
    };
    let mut characters = text.char_indices().peekable();
    let mut start: Option<usize> = None;
    let mut last = ' ';
    while let Some((index, character)) = characters.next() {
        let next = characters.peek().map(|(_, next)| *next);
        let joins = character.is_alphanumeric()
            || is_mark(character)
            || (start.is_some()
                && match character {
                    '.' | ',' => last.is_ascii_digit() && next.is_some_and(|next| next.is_ascii_digit()),
                    '\'' | '\u{2019}' => last.is_alphabetic() && next.is_some_and(char::is_alphabetic),
                    _ => false,
                });
        if joins {
            start.get_or_insert(index);
        } else if let Some(begin) = start.take() {
            push(begin, index);
        }
        last = character;
    }
    if let Some(begin) = start {
        push(begin, text.len());
    }
}

/// Combining marks belong to the letter before them.
fn is_mark(character: char) -> bool {
    unicode_normalization::char::is_combining_mark(character)
}

/// The form in which words are compared: lower case, without accents and possessive, American spelling, singular.
///
/// Singular and spelling rules are deliberately small: they are applied to dictionary terms and to notes alike, so a wrong
/// singular does no harm as long as it is the same on both sides.
#[must_use]
pub fn fold_word(word: &str) -> String {
    let mut folded = String::with_capacity(word.len());
    fold_into(word, &mut folded);
    folded
}

/// Puts the folded form of a word in place of what `folded` holds.
fn fold_into(word: &str, folded: &mut String) {
    folded.clear();
    if word.is_ascii() {
        folded.push_str(word);
        folded.make_ascii_lowercase();
    } else {
        folded.extend(word.nfkd().filter(|character| !is_mark(*character)).flat_map(char::to_lowercase).map(ascii_quote));
    }
    if folded.contains('\'') {
        if folded.ends_with("'s") {
            folded.truncate(folded.len() - 2);
        }
        folded.retain(|character| character != '\'');
    }
    american(folded);
    singular(folded);
}

const fn ascii_quote(character: char) -> char {
    match character {
        '\u{2018}' | '\u{2019}' | '\u{02BC}' => '\'',
        other => other,
    }
}

/// British to American, by pattern: haem-, oesoph-, -aemia, foet-, tumour, -oedema, diarrhoea, leuk-, paed-, gynaec-, orthopaed-, colour, fibre, centre.
fn american(word: &mut String) {
    // three letters that every pattern below has; most words have none of them
    let is_sign = |three: &[u8]| matches!(three, [b'a' | b'o', b'e', _] | b"our" | b"tre" | b"bre" | b"lph" | b"euc" | b"ium");
    if word.len() < 5 || !word.is_ascii() || !word.as_bytes().windows(3).any(is_sign) {
        return;
    }
    for (british, american) in [
        ("aemi", "emi"),
        ("haem", "hem"),
        ("oesoph", "esoph"),
        ("oedem", "edem"),
        ("rrhoea", "rrhea"),
        ("foet", "fet"),
        ("paed", "ped"),
        ("gynaec", "gynec"),
        ("anaesth", "anesth"),
        ("caec", "cec"),
        ("faec", "fec"),
        ("coeliac", "celiac"),
        ("dyspnoea", "dyspnea"),
        ("apnoea", "apnea"),
        ("tumour", "tumor"),
        ("colour", "color"),
        ("fibre", "fiber"),
        ("centre", "center"),
        ("oestr", "estr"),
        ("leucocyt", "leukocyt"),
        ("leucaem", "leukem"),
        ("ischaem", "ischem"),
        ("aetiolog", "etiolog"),
        ("sulph", "sulf"),
        ("haemorrh", "hemorrh"),
        ("labour", "labor"),
        ("humour", "humor"),
        ("aluminium", "aluminum"),
    ] {
        if let Some(at) = word.find(british) {
            word.replace_range(at..at + british.len(), american);
        }
    }
}

/// Plural to singular: -ies, -sses, -xes, -ches, -shes, -s; Latin -ices and -oses stay different words but fold the same way on both sides.
fn singular(word: &mut String) {
    let length = word.len();
    if length < 4 || !word.is_ascii() || word.bytes().any(|byte| byte.is_ascii_digit()) {
        return;
    }
    if word.ends_with("ies") && length > 4 {
        word.truncate(length - 3);
        word.push('y');
    } else if ["sses", "xes", "ches", "shes"].iter().any(|ending| word.ends_with(ending)) {
        word.truncate(length - 2);
    } else if word.ends_with("oses") || word.ends_with("ases") || word.ends_with("eses") {
        // stenoses -> stenosis, metastases -> metastasis; "diseases" -> "disease" is kept apart
        if word.ends_with("eases")
            || word.ends_with("phases")
            || word.ends_with("cases")
            || word.ends_with("doses")
            || word.ends_with("noses") && length == 5
        {
            word.truncate(length - 1);
        } else {
            word.truncate(length - 2);
            word.push_str("is");
        }
    } else if word.ends_with('s') && !["ss", "us", "is", "as", "os"].iter().any(|ending| word.ends_with(ending)) {
        word.truncate(length - 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn folds() {
        for (word, folded) in [
            ("Fractures", "fracture"),
            ("Alzheimer's", "alzheimer"),
            ("Alzheimer\u{2019}s", "alzheimer"),
            ("Sjögren", "sjogren"),
            ("anaemia", "anemia"),
            ("haemorrhoids", "hemorrhoid"),
            ("diarrhoea", "diarrhea"),
            ("allergies", "allergy"),
            ("metastases", "metastasis"),
            ("diseases", "disease"),
            ("diabetes", "diabete"),
            ("stenosis", "stenosis"),
            ("abscesses", "abscess"),
            ("doses", "dose"),
            ("buPROPion", "bupropion"),
            ("oesophageal", "esophageal"),
        ] {
            assert_eq!(fold_word(word), folded, "{word}");
        }
    }

    #[test]
    fn splits() {
        let split = |text: &str| words(text).into_iter().map(|word| word.folded).collect::<Vec<_>>();
        assert_eq!(split("5-alpha reductase, 2.5 mg (p.o.)"), ["5", "alpha", "reductase", "2.5", "mg", "p", "o"]);
        assert_eq!(split("Crohn\u{2019}s disease/colitis"), ["crohn", "disease", "colitis"]);
    }

    proptest! {
        #[test]
        fn every_word_slices_back(text in "\\PC{0,200}") {
            let mut end = 0;
            for word in words(&text) {
                prop_assert!(word.span.start >= end && !word.span.is_empty());
                prop_assert!(text.is_char_boundary(word.span.start) && text.is_char_boundary(word.span.end));
                prop_assert_eq!(fold_word(word.span.of(&text)), word.folded);
                end = word.span.end;
            }
        }

        #[test]
        fn folding_ignores_case_of_ascii(word in "[a-z]{1,12}") {
            prop_assert_eq!(fold_word(&word.to_ascii_uppercase()), fold_word(&word));
        }
    }
}
