//! Codes of a document, and the words that each rests on, as MDACE scores them: a pair of code and span counts, not the span alone.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Case,
    matching::{Agreement, matches_where},
};
use crate::{
    counts::Counts,
    note::{Annotation, Kind},
    prediction::Mention,
};

fn is_reported(assertion: Option<&str>) -> bool {
    matches!(assertion, Some("present" | "historical"))
}

/// What a coder would accept for an annotation at the level of the document: for what is past its first alternative alone.
fn accepted(one: &Annotation) -> BTreeSet<&str> {
    let alternatives = if one.assertion.as_deref() == Some("historical") { &one.codes[..1] } else { &one.codes[..] };
    alternatives.iter().flatten().map(String::as_str).collect()
}

fn reported<'a>(case: &'a Case<'_>) -> Vec<(&'a Annotation, BTreeSet<&'a str>)> {
    let all = case.note.annotations.iter().filter(|one| one.kind == Kind::Dx && !one.codes.is_empty());
    // where a corpus has no assertions, what it codes it reports
    all.filter(|one| one.assertion.is_none() || is_reported(one.assertion.as_deref())).map(|one| (one, accepted(one))).collect()
}

fn proposed<'a>(case: &'a Case<'_>) -> Vec<(&'a Mention, &'a str)> {
    let all = case.predicted.iter().filter(|one| one.kind == Kind::Dx && is_reported(one.assertion.as_deref()));
    all.filter_map(|one| Some((*one, one.icd10().next()?))).collect()
}

/// Distinct codes of the note: `doc.code.precision` and `doc.code.recall`.
pub(super) fn document_codes(case: &Case<'_>, counts: &mut Counts) {
    let groups = reported(case);
    let codes: BTreeSet<&str> = proposed(case).into_iter().map(|(_, code)| code).collect();
    let right = codes.iter().filter(|code| groups.iter().any(|(_, group)| group.contains(*code))).count();
    let distinct = distinct(&groups);
    let found = distinct.iter().filter(|group| codes.iter().any(|code| group.contains(code))).count();
    counts.share("doc.code.precision", [right, codes.len()]);
    counts.share("doc.code.recall", [found, distinct.len()]);
}

/// Groups that share no code with an earlier one.
fn distinct<'a>(groups: &[(&'a Annotation, BTreeSet<&'a str>)]) -> Vec<BTreeSet<&'a str>> {
    let mut out: Vec<BTreeSet<&str>> = Vec::new();
    for (_, group) in groups {
        if !out.iter().any(|other| !group.is_disjoint(other)) {
            out.push(group.clone());
        }
    }
    out
}

/// Pairs of code and span: `evidence.strict`, `evidence.relaxed`, `evidence.anywhere` (the same words wherever they stand), and
/// `evidence.supported`: of the codes that the note has and the system proposed, those with evidence that overlaps the gold's.
pub(super) fn score(case: &Case<'_>, counts: &mut Counts) {
    let (gold, found) = (reported(case), proposed(case));
    let places: Vec<&Annotation> = gold.iter().map(|(one, _)| *one).collect();
    // one span gives one pair, whatever entries it stands in
    let mut seen = BTreeSet::new();
    let found: Vec<(&Mention, &str)> =
        found.into_iter().filter(|(one, code)| seen.insert((one.start, one.end, *code))).collect();
    let mentions: Vec<&Mention> = found.iter().map(|(one, _)| *one).collect();
    let agrees = |one: &&Annotation, other: &&Mention| other.icd10().next().is_some_and(|code| accepted(one).contains(code));
    for (metric, agreement) in [("evidence.strict", Agreement::Exact), ("evidence.relaxed", Agreement::Overlap)] {
        let right = matches_where(&places, &mentions, agreement, agrees).len();
        counts.find(metric, [right, mentions.len() - right, places.len() - right]);
    }
    let mut wanted: BTreeMap<String, Vec<BTreeSet<&str>>> = BTreeMap::new();
    for (one, codes) in &gold {
        let groups = wanted.entry(case.words(one.start, one.end)).or_default();
        if !groups.contains(codes) {
            groups.push(codes.clone());
        }
    }
    let all: usize = wanted.values().map(Vec::len).sum();
    let said: BTreeSet<(String, &str)> = found.iter().map(|(one, code)| (case.words(one.start, one.end), *code)).collect();
    let mut right = 0;
    for (words, code) in &said {
        let groups = wanted.get_mut(words);
        if let Some((groups, at)) = groups.and_then(|groups| {
            let at = groups.iter().position(|group| group.contains(code))?;
            Some((groups, at))
        }) {
            groups.remove(at);
            right += 1;
        }
    }
    counts.find("evidence.anywhere", [right, said.len() - right, all - right]);
    for group in distinct(&gold) {
        let proposing: Vec<&Mention> = found.iter().filter(|(_, code)| group.contains(code)).map(|(one, _)| *one).collect();
        if proposing.is_empty() {
            continue;
        }
        let spans = gold.iter().filter(|(_, codes)| !codes.is_disjoint(&group)).map(|(one, _)| (one.start, one.end));
        let overlaps = |(start, end): (usize, usize)| proposing.iter().any(|one| one.start < end && start < one.end);
        counts.hit("evidence.supported", spans.into_iter().any(overlaps));
    }
}
