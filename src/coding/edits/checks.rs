//! The rules, one function each.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    About, Edit, EditKind, EditRules, Severity, Sex, Tabular,
    facts::Facts,
    instructions::{self, Exclusion, Instruction, is_pregnancy},
    key::Key,
    limits::Limits,
    policy::Policy,
};

/// Chapters whose codes say nothing of the cause of a manifestation: symptoms, external causes, and reasons for contact.
const NO_CAUSE: [u8; 6] = [b'R', b'V', b'W', b'X', b'Y', b'Z'];

/// What holds for a list.
struct Rules<'a> {
    facts: &'a Facts,
    notes: &'a instructions::Rules,
    limits: &'a Limits,
}

/// Edits as they are found.
pub(super) struct Findings<'a> {
    policy: &'a Policy,
    edits: Vec<Edit>,
}

/// An edit before the site's severity.
struct Finding {
    kind: EditKind,
    severity: Severity,
    rule: String,
    message: String,
}

impl Findings<'_> {
    fn add(&mut self, codes: &[Key], finding: Finding) {
        self.add_written(codes.iter().map(Key::to_string).collect(), finding);
    }

    fn add_written(&mut self, codes: Vec<String>, finding: Finding) {
        let Finding { kind, severity, rule, message } = finding;
        if let Some(severity) = self.policy.severity(kind, severity) {
            self.edits.push(Edit { kind, severity, codes, message, rule });
        }
    }
}

/// All edits of a list, in order.
pub(super) fn check((site, tabular): (&EditRules, &Tabular), codes: &[&str], about: &About) -> Vec<Edit> {
    let mut findings = Findings { policy: &site.policy, edits: Vec::new() };
    let rules = &Rules { facts: &tabular.facts, notes: &tabular.notes, limits: &site.limits };
    let drafted = drafted(rules, codes, &mut findings);
    let keys: Vec<Key> = drafted.iter().copied().collect();
    excludes(rules, &keys, &mut findings);
    let pregnancies: Vec<Key> = keys.iter().copied().filter(|key| is_pregnancy(*key)).collect();
    for key in &keys {
        if !manifestation(rules, (*key, &keys), &mut findings) {
            let pregnant = pregnancies.iter().any(|other| other != key);
            code_first(rules, (*key, &keys, pregnant), &mut findings);
        }
        use_additional(rules, (*key, &keys), &mut findings);
        limits(rules, (*key, about), &mut findings);
    }
    unspecified(rules, &keys, &mut findings);
    let mut edits = findings.edits;
    edits.sort_by(|one, other| {
        (one.severity, &one.codes, one.kind, &one.rule).cmp(&(other.severity, &other.codes, other.kind, &other.rule))
    });
    edits
}

/// The codes that the edition has, each once; edits for the others, for headings, and for those that stand there again.
fn drafted(rules: &Rules<'_>, codes: &[&str], findings: &mut Findings<'_>) -> BTreeSet<Key> {
    let mut known = BTreeSet::new();
    let mut seen = BTreeSet::new();
    let mut twice = BTreeSet::new();
    for written in codes.iter().map(|code| code.trim()) {
        let key = Key::parse(written);
        let code = key.map_or_else(|| written.to_owned(), |key| key.to_string());
        if !seen.insert(code.clone()) {
            twice.insert(code);
            continue;
        }
        let message = match key.and_then(|key| Some((key, rules.facts.billable(key)?))) {
            Some((key, true)) => {
                known.insert(key);
                continue;
            }
            Some((key, false)) => {
                known.insert(key);
                let example = rules.facts.first_below(key).map_or_else(String::new, |below| format!(", such as {below}"));
                if rules.facts.lacks_seventh(key) {
                    format!("{code} lacks its seventh character. Add the one of this encounter{example}.")
                } else {
                    format!("{code} is a heading and not billable. Choose a code below it{example}.")
                }
            }
            None => format!("{code} is no code of this edition. Correct or delete it."),
        };
        let finding = Finding { kind: EditKind::NotBillable, severity: Severity::Hard, rule: code.clone(), message };
        findings.add_written(vec![code], finding);
    }
    for code in twice {
        let message =
            format!("{code} stands more than once. Keep one: a code is reported once an encounter (Guidelines I.B.12).");
        let finding = Finding { kind: EditKind::Duplicate, severity: Severity::Soft, rule: code.clone(), message };
        findings.add_written(vec![code], finding);
    }
    known
}

/// Codes that are never coded together: each pair once, whichever of the two has the note, and what one note forbids beside one code in
/// one edit.
fn excludes(rules: &Rules<'_>, keys: &[Key], findings: &mut Findings<'_>) {
    let notes = |key| rules.notes.exclusions.for_code(key).filter(|exclusion| !exclusion.listed.is_empty()).collect();
    let notes: Vec<(Key, Vec<&Exclusion>)> = keys.iter().map(|key| (*key, notes(*key))).collect();
    let forbidden = |(at, own): &(Key, Vec<&'_ Exclusion>), other: Key| {
        own.iter().position(|exclusion| forbids(exclusion, *at, other)).map(|number| (*at, number, other))
    };
    let mut forbidden_by: BTreeMap<(Key, usize), Vec<Key>> = BTreeMap::new();
    for (place, one) in notes.iter().enumerate() {
        for other in &notes[place + 1..] {
            if let Some((at, number, excluded)) = forbidden(one, other.0).or_else(|| forbidden(other, one.0)) {
                forbidden_by.entry((at, number)).or_default().push(excluded);
            }
        }
    }
    for (at, own) in &notes {
        for (number, exclusion) in own.iter().enumerate() {
            if let Some(excluded) = forbidden_by.get(&(*at, number)) {
                exclusion_edit(exclusion, (*at, excluded), findings);
            }
        }
    }
}

fn exclusion_edit(exclusion: &Exclusion, (at, excluded): (Key, &[Key]), findings: &mut Findings<'_>) {
    let (listed, keep) = match excluded {
        [only] => (format!("{at} and {only} are"), "the one"),
        several => (format!("{at} and {} are", written(several)), "those"),
    };
    let message = format!(
        "{listed} not coded together: {} has the note Excludes1 \"{}\". Keep {keep} that the record supports, unless the two are \
         unrelated (Guidelines I.A.12.a).",
        exclusion.rule, exclusion.words
    );
    let codes: Vec<Key> = std::iter::once(at).chain(excluded.iter().copied()).collect();
    let rule = exclusion.rule.clone();
    findings.add(&codes, Finding { kind: EditKind::Excludes1, severity: Severity::Hard, rule, message });
}

/// `E11.22, E11.40`.
fn written(keys: &[Key]) -> String {
    keys.iter().map(Key::to_string).collect::<Vec<_>>().join(", ")
}

/// A note does not forbid what stands below the very place where it stands, nor the codes that its ranges hold themselves.
fn forbids(exclusion: &Exclusion, at: Key, other: Key) -> bool {
    !exclusion.place.holds(other) && exclusion.listed.iter().any(|listed| listed.holds(other) && !listed.span.holds(at))
}

/// A manifestation without its cause; true when it was found so.
fn manifestation(rules: &Rules<'_>, (key, keys): (Key, &[Key]), findings: &mut Findings<'_>) -> bool {
    if !rules.facts.is_manifestation(key) {
        return false;
    }
    let notes: Vec<&Instruction> = rules.notes.first.for_code(key).collect();
    let others = || keys.iter().filter(|other| **other != key);
    if notes.iter().any(|note| others().any(|other| note.asks_for(*other))) {
        return false;
    }
    let cause = others().any(|other| !rules.facts.is_manifestation(*other) && !NO_CAUSE.contains(&other.characters()[0]));
    let listed = notes.iter().any(|note| !note.listed.is_empty());
    // a note that names no codes or gives examples leaves it open whether one of the others is the cause
    let severity = match (cause, notes.iter().any(|note| note.open)) {
        (true, _) if !listed => return false,
        (true, true) => Severity::Soft,
        _ => Severity::Hard,
    };
    let quoted = notes.first().map_or_else(String::new, |note| format!(" Note at {}: \"{}\".", note.rule, note.words));
    let message = if severity == Severity::Hard {
        format!("{key} is a manifestation and stands without its cause. Code the underlying disease and put it first.{quoted}")
    } else {
        format!(
            "{key} is a manifestation, and none of the causes that its note names is here. Check that the \
             underlying disease is coded and stands first.{quoted}"
        )
    };
    let rule = notes.first().map_or_else(|| key.first(3).to_string(), |note| note.rule.clone());
    findings.add(&[key], Finding { kind: EditKind::ManifestationAlone, severity, rule, message });
    true
}

fn code_first(rules: &Rules<'_>, (key, keys, pregnant): (Key, &[Key], bool), findings: &mut Findings<'_>) {
    // where one cause is coded first, what else may be is not asked
    let caused = rules.notes.first.for_code(key).any(|note| keys.iter().any(|other| *other != key && note.asks_for(*other)));
    let asked = |note: &&Instruction| (pregnant || !note.pregnancy) && !(caused && note.conditional);
    for note in unmet(rules.notes.first.for_code(key), (key, keys)).filter(asked) {
        let strict = !note.open && !note.conditional;
        let severity = if strict { Severity::Soft } else { Severity::Informational };
        let what = if strict {
            "Add the code that the note asks for and put it before"
        } else {
            "Check whether a code belongs before"
        };
        let message = format!("{what} {key}. Note at {}: \"{}\".", note.rule, note.words);
        findings.add(&[key], Finding { kind: EditKind::CodeFirst, severity, rule: note.rule.clone(), message });
    }
}

/// At most one a code, with all its notes.
fn use_additional(rules: &Rules<'_>, (key, keys): (Key, &[Key]), findings: &mut Findings<'_>) {
    // "stage of chronic kidney disease (N18.1-N18.6)" is answered by N18.9 too, which says itself that it leaves the stage open
    let answered = |note: &Instruction| {
        let mut unspecified = keys.iter().filter(|other| **other != key && rules.facts.unspecified(**other).is_some());
        unspecified.any(|other| note.listed.iter().any(|listed| listed.span.low.first(3) == other.first(3)))
    };
    let notes: Vec<&Instruction> =
        unmet(rules.notes.additional.for_code(key), (key, keys)).filter(|note| !note.conditional && !answered(note)).collect();
    let Some(nearest) = notes.first() else { return };
    let quoted: Vec<String> = notes.iter().map(|note| format!("\"{}\" (at {})", note.words, note.rule)).collect();
    let message = format!("Code what belongs beside {key}, when the record says it: {}.", quoted.join(", "));
    let finding =
        Finding { kind: EditKind::UseAdditionalCode, severity: Severity::Informational, rule: nearest.rule.clone(), message };
    findings.add(&[key], finding);
}

/// The notes that name codes of which none is there. A note is not meant for a code that is on its own list.
fn unmet<'a>(
    notes: impl Iterator<Item = &'a Instruction>,
    (key, keys): (Key, &[Key]),
) -> impl Iterator<Item = &'a Instruction> {
    notes.filter(move |note| {
        !note.listed.is_empty() && !note.lists(key) && !keys.iter().any(|other| *other != key && note.asks_for(*other))
    })
}

fn limits(rules: &Rules<'_>, (key, about): (Key, &About), findings: &mut Findings<'_>) {
    if let Some((limit, sex)) = rules.limits.sex(key).and_then(|limit| Some((limit, limit.sex?)))
        && about.sex.is_some_and(|recorded| recorded != sex)
    {
        let whom = match sex {
            Sex::Female => "female",
            Sex::Male => "male",
        };
        let message = format!("{key} is a code for {whom} patients ({}). Check the code and the recorded sex.", limit.reason);
        let finding = Finding { kind: EditKind::Sex, severity: limit.severity, rule: limit.rule.clone(), message };
        findings.add(&[key], finding);
    }
    if let Some(limit) = rules.limits.age(key).filter(|limit| !limit.fits_age(about)) {
        let message = format!("{key} fits the age {} ({}). Check the code and the date of birth.", limit.ages(), limit.reason);
        let finding = Finding { kind: EditKind::Age, severity: limit.severity, rule: limit.rule.clone(), message };
        findings.add(&[key], finding);
    }
}

/// What titles leave open. That another drafted code names it, or that a side is missing, is an edit of its own; all else is one hint.
fn unspecified(rules: &Rules<'_>, keys: &[Key], findings: &mut Findings<'_>) {
    let mut rest = Vec::new();
    for key in keys {
        let Some(open) = rules.facts.unspecified(*key) else { continue };
        let rule = open.under.to_string();
        let named = keys.iter().filter(|other| *other != key && open.is_named_by(rules.facts, **other));
        // the one that leaves least open itself
        if let Some(named) = named.min_by_key(|other| rules.facts.unspecified(**other).is_some()) {
            let message = format!(
                "{key} leaves open what {named} names: \"{}\". Keep {named} alone, unless {key} is about something else.",
                open.title
            );
            findings.add(&[*key, *named], Finding { kind: EditKind::Unspecified, severity: Severity::Soft, rule, message });
        } else if let Some((right, left)) = open.sides {
            let message = format!(
                "{key} names no side: \"{}\". Choose {right} (right), {left} (left) or another code under {}, or ask for the side.",
                open.title, open.under
            );
            findings.add(&[*key], Finding { kind: EditKind::Unspecified, severity: Severity::Soft, rule, message });
        } else {
            rest.push((*key, open));
        }
    }
    let message = match rest.as_slice() {
        [] => return,
        [(key, open)] => format!(
            "{key} leaves something unspecified: \"{}\". When the record says more, choose another code under {}.",
            open.title, open.under
        ),
        several => {
            let each: Vec<String> = several.iter().map(|(key, open)| format!("{key} (under {})", open.under)).collect();
            format!("These leave something unspecified: {}. Where the record says more, choose another code.", each.join(", "))
        }
    };
    let rule = rest.iter().map(|(_, open)| open.under.to_string()).collect::<Vec<_>>().join(" ");
    let codes: Vec<Key> = rest.iter().map(|(key, _)| *key).collect();
    findings.add(&codes, Finding { kind: EditKind::Unspecified, severity: Severity::Informational, rule, message });
}
