//! Forms of official titles as a note may say them.

/// Words at which no form may end.
const DANGLING: [&str; 50] = [
    "a",
    "affecting",
    "among",
    "an",
    "and",
    "as",
    "associated",
    "at",
    "because",
    "between",
    "by",
    "caused",
    "causing",
    "classified",
    "due",
    "during",
    "elsewhere",
    "following",
    "for",
    "from",
    "if",
    "in",
    "into",
    "involving",
    "its",
    "nec",
    "nos",
    "not",
    "of",
    "on",
    "or",
    "other",
    "over",
    "per",
    "resulting",
    "specified",
    "than",
    "that",
    "the",
    "through",
    "to",
    "under",
    "unspecified",
    "upon",
    "via",
    "was",
    "which",
    "with",
    "within",
    "without",
];

/// Words with which no form may begin.
const LEADING: [&str; 24] = [
    "all",
    "and",
    "any",
    "as",
    "at",
    "by",
    "certain",
    "conditions",
    "due",
    "each",
    "except",
    "for",
    "from",
    "in",
    "no",
    "not",
    "of",
    "on",
    "only",
    "or",
    "those",
    "to",
    "with",
    "without",
];

/// What says that a form names nothing of its own.
const SAYS_LITTLE: [&str; 5] = ["other", "unspecified", "specified", "elsewhere", "nos"];

/// So many words a form has at most.
pub(super) const MOST_WORDS: usize = 10;

/// Beginnings of titles that name no condition.
const NO_CONDITION: [&str; 20] = [
    "encounter for",
    "adverse effect of",
    "problem related to",
    "problems related to",
    "contact with",
    "sequelae of",
    "sequela of",
    "body mass index",
    "other specified",
    "presence of",
    "acquired absence of",
    "counseling",
    "screening",
    "examination",
    "blood alcohol",
    "nihss",
    "underdosing of",
    "symptoms and signs",
    "abnormal findings",
    "complications of",
];

/// Parts of titles that name no condition.
const NO_CONDITION_WITHIN: [&str; 6] =
    ["diseases classified elsewhere", "underdosing", "undetermined", "intentional self-harm", "assault", "sequela"];

/// Whether the names of a code are taken for diagnoses: external causes (V to Y), encounters and manifestations are not.
pub(super) fn names_a_condition(code: &str, title: &str) -> bool {
    let title = title.to_lowercase();
    !code.starts_with(['V', 'W', 'X', 'Y'])
        && !NO_CONDITION.iter().any(|beginning| title.starts_with(beginning))
        && !NO_CONDITION_WITHIN.iter().any(|part| title.contains(part))
}

/// Forms of a title or an inclusion term: first its own words, then those with one liberty. What goes without saying is dropped,
/// `(nonessential)` and `[synonym]` are written out. None ends in a preposition.
pub(super) fn forms(title: &str) -> Vec<String> {
    let title = without_unsaid(&title.to_lowercase().replace('\u{2019}', "'"));
    let mut forms = Vec::new();
    for form in brackets(&title).iter().flat_map(|form| parentheses(form)) {
        let form = tidy(&form);
        if is_sound(&form) && !forms.contains(&form) {
            forms.push(form);
        }
    }
    forms
}

/// Whether a form can stand in a note by itself.
pub(super) fn is_sound(form: &str) -> bool {
    let words: Vec<&str> = form.split([' ', ',']).filter(|word| !word.is_empty()).collect();
    let (Some(first), Some(last)) = (words.first(), words.last()) else { return false };
    words.len() <= MOST_WORDS
        && !DANGLING.contains(last)
        && !LEADING.contains(first)
        && !words.iter().any(|word| SAYS_LITTLE.contains(word))
        && !form.contains(['[', ']', '(', ')', ';', ':'])
}

/// Without the encounter, without "unspecified", "not elsewhere classified", NEC and NOS.
fn without_unsaid(title: &str) -> String {
    let title = title.split(", initial encounter").next().unwrap_or_default();
    let mut parts = title.split(", ");
    let first = parts.next().unwrap_or_default().to_owned();
    let unsaid =
        |part: &&str| part.starts_with("unspecified") || part.starts_with("not elsewhere classified") || *part == "nec";
    let title = parts.filter(|part| !unsaid(part)).fold(first, |title, part| format!("{title}, {part}"));
    let mut title = title.replace(" not elsewhere classified", "");
    for thing in ["site", "part", "organ", "location", "severity", "stage", "trimester", "type", "cause", "organism", "side"] {
        for joining in [" of", " in", " at", " with", ""] {
            title = title.replace(&format!("{joining} unspecified {thing}"), "");
        }
    }
    let title = title.strip_prefix("unspecified ").unwrap_or(&title).replace(" unspecified ", " ");
    let kept: Vec<&str> = title.split(' ').filter(|word| !matches!(*word, "nos" | "nec")).collect();
    kept.join(" ")
}

/// A text with `[synonym]`: without it, and with the synonym in place of what it stands for.
fn brackets(text: &str) -> Vec<String> {
    let Some((before, inside, after)) = bracketed(text, ('[', ']')) else { return vec![text.to_owned()] };
    let mut forms = brackets(&format!("{before} {after}"));
    let nothing_behind = after.trim_matches([' ', ',']).is_empty();
    if let Some(start) = spelled_out(before, inside) {
        // an abbreviation alone stands in a table of its own, with what guards it
        if !nothing_behind || !before[..start].trim().is_empty() {
            forms.push(format!("{}{inside}{after}", &before[..start]));
        }
    } else if nothing_behind && (inside.contains(' ') || inside.len() > 6) {
        forms.extend(inside.split(", ").map(str::to_owned));
    }
    forms
}

/// Where the words begin for which `inside` is the abbreviation.
fn spelled_out(before: &str, inside: &str) -> Option<usize> {
    if inside.len() > 8 || !inside.bytes().all(|byte| byte.is_ascii_alphabetic()) {
        return None;
    }
    let starts: Vec<usize> = before.split(' ').filter(|word| !word.is_empty()).map(|word| offset(before, word)).collect();
    let from = starts.len().checked_sub(inside.len())?;
    let initials = starts[from..].iter().filter_map(|start| before[*start..].chars().next());
    initials.eq(inside.chars()).then(|| starts[from])
}

fn offset(text: &str, part: &str) -> usize {
    part.as_ptr() as usize - text.as_ptr() as usize
}

/// A text with `(nonessential)`: without all, and with all.
fn parentheses(text: &str) -> Vec<String> {
    let joined = text.replace("(s)", "").replace("(es)", "").replace("(ies)", "");
    let mut bare = joined.clone();
    let mut short = true;
    while let Some((before, inside, after)) = bracketed(&bare, ('(', ')')) {
        short &= inside.split(' ').count() <= 3;
        bare = format!("{before} {after}");
    }
    if bare == joined {
        vec![joined]
    } else if short {
        vec![bare, joined.replace(['(', ')'], "")]
    } else {
        vec![bare]
    }
}

fn bracketed(text: &str, (open, close): (char, char)) -> Option<(&str, &str, &str)> {
    let (before, rest) = text.split_once(open)?;
    let (inside, after) = rest.split_once(close)?;
    Some((before, inside.trim(), after))
}

/// Single spaces, none before a comma, no sign at the ends.
fn tidy(text: &str) -> String {
    let single = text.split_whitespace().collect::<Vec<_>>().join(" ").replace(" ,", ",");
    single.trim_matches([' ', ',', ';', ':', '-', '.', '\'', '"']).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_are_said_as_notes_say_them() {
        for (title, wanted) in [
            ("Heart failure, unspecified", vec!["heart failure"]),
            ("Essential (primary) hypertension", vec!["essential hypertension", "essential primary hypertension"]),
            ("Human immunodeficiency virus [HIV] disease", vec!["human immunodeficiency virus disease", "hiv disease"]),
            ("Chronic kidney disease [CKD]", vec!["chronic kidney disease"]),
            ("Ascariasis [roundworm infection]", vec!["ascariasis", "roundworm infection"]),
            (
                "Unspecified fracture of shaft of unspecified femur, initial encounter for closed fracture",
                vec!["fracture of shaft of femur"],
            ),
            ("Cholera NOS", vec!["cholera"]),
            ("Gout due to renal impairment, unspecified site", vec!["gout due to renal impairment"]),
            ("Other specified anemias", vec![]),
            ("Abscess of", vec![]),
            ("Pressure ulcer of", vec![]),
            ("Injury of nerve(s) of leg", vec!["injury of nerve of leg"]),
            ("a b c d e f g h i j k", vec![]),
        ] {
            assert_eq!(forms(title), wanted, "{title}");
        }
    }

    #[test]
    fn no_form_ends_in_a_preposition() {
        for title in ["Disease (of liver)", "Disease of (liver)", "Burn [scald] to", "Palsy due to, unspecified"] {
            assert!(forms(title).iter().all(|form| !form.ends_with(" of") && !form.ends_with(" to")), "{title}");
        }
    }

    #[test]
    fn external_causes_and_encounters_name_no_condition() {
        assert!(names_a_condition("I10", "Essential (primary) hypertension"));
        assert!(!names_a_condition("W19.XXXA", "Unspecified fall, initial encounter"));
        assert!(!names_a_condition("Z00.00", "Encounter for general adult medical examination"));
        assert!(!names_a_condition("J99", "Respiratory disorders in diseases classified elsewhere"));
    }
}
