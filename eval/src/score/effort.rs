//! What the suggestions would cost a coder: each charted entry is accepted, amended or rejected, and what is missing is added.
//!
//! The coder of this simulation is the gold. An entry is accepted when a mention of it meets an annotated one with the same label and an
//! acceptable code, amended when it meets one otherwise, rejected when it meets none. Real coders also read, which no count of keys shows.

use std::collections::BTreeSet;

use super::{
    Case, Scorer, facts,
    matching::{Agreement, matches},
};
use crate::{
    counts::Counts,
    note::{Annotation, Decided, Kind},
    prediction::Mention,
};

/// Whether an entry with this label asks for a decision.
fn is_charted(kind: Kind, label: Option<&str>) -> bool {
    match kind {
        Kind::Rx => !matches!(label, Some("hypothetical" | "absent")),
        Kind::Dx | Kind::Al => matches!(label, Some("present" | "historical" | "possible")),
        Kind::Nka => true,
    }
}

/// What makes two annotations one entry of a coder.
fn concept(one: &Annotation) -> (Kind, String) {
    let codes = one.codes.first().map(|codes| codes.join("+"));
    let name = codes.or_else(|| one.substance.clone()).or_else(|| one.substance_codes.first().cloned());
    (one.kind, name.or_else(|| one.assertion.clone()).unwrap_or_default())
}

/// Adds `effort.*`.
pub(super) fn score(scorer: &Scorer, case: &Case<'_>, counts: &mut Counts) {
    let keys = scorer.keystrokes;
    let mut pressed = 0.0;
    let mut met: BTreeSet<(Kind, String)> = BTreeSet::new();
    let mut concepts: BTreeSet<(Kind, String)> = BTreeSet::new();
    for kind in Kind::ALL.into_iter().filter(|kind| scorer.layers.kinds.contains(kind)) {
        let mut gold = case.gold(kind);
        gold.retain(|one| is_charted(kind, one.assertion.as_deref()));
        concepts.extend(gold.iter().map(|one| concept(one)));
        let mut charted = case.of_kind(kind);
        charted.retain(|one| is_charted(kind, one.assertion.as_deref()));
        let pairs = matches(&gold, &charted, Agreement::Overlap);
        met.extend(pairs.iter().map(|(i, _)| concept(gold[*i])));
        let entries: BTreeSet<usize> = charted.iter().map(|one| one.entry).collect();
        for entry in entries {
            let mine = pairs.iter().filter(|(_, j)| charted[*j].entry == entry).map(|(i, j)| (gold[*i], charted[*j]));
            let judged: Vec<Outcome> = mine.map(|(gold, found)| outcome(scorer, gold, found)).collect();
            let outcome = judged.into_iter().min().unwrap_or(Outcome::Rejected);
            pressed += match outcome {
                Outcome::Accepted => keys.accept,
                Outcome::Chosen => keys.choose,
                Outcome::Amended => keys.amend,
                Outcome::Rejected => keys.reject,
            };
            counts.hit("effort.accepted", outcome == Outcome::Accepted);
            counts.hit("effort.amended", matches!(outcome, Outcome::Chosen | Outcome::Amended));
            counts.hit("effort.rejected", outcome == Outcome::Rejected);
        }
    }
    let missing = concepts.iter().filter(|concept| !met.contains(*concept)).count();
    counts.share("effort.added", [missing, concepts.len()]);
    counts.mean("effort.keystrokes", keys.add.mul_add(missing as f64, pressed));
    counts.mean("effort.unaided", keys.add * concepts.len() as f64);
}

/// Adds `review.*`: what coders really decided.
pub(super) fn decided(decided: Decided, counts: &mut Counts) {
    let whole = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
    let suggested = whole(decided.accepted + decided.amended + decided.rejected);
    counts.share("review.accepted", [whole(decided.accepted), suggested]);
    counts.share("review.amended", [whole(decided.amended), suggested]);
    counts.share("review.rejected", [whole(decided.rejected), suggested]);
    counts.share("review.added", [whole(decided.added), whole(decided.accepted + decided.amended + decided.added)]);
}

/// The best that a mention of an entry earns it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    Accepted,
    /// The right code is among the alternatives.
    Chosen,
    Amended,
    Rejected,
}

fn outcome(scorer: &Scorer, gold: &Annotation, found: &Mention) -> Outcome {
    let labelled = gold.assertion == found.assertion;
    match gold.kind {
        Kind::Dx if !gold.codes.is_empty() => {
            let accepted = facts::acceptable(gold);
            let mut codes = found.icd10();
            match (labelled, codes.next().is_some_and(|first| accepted.contains(first))) {
                (true, true) => Outcome::Accepted,
                (true, false) if codes.take(4).any(|code| accepted.contains(code)) => Outcome::Chosen,
                _ => Outcome::Amended,
            }
        }
        Kind::Rx | Kind::Al => {
            let right = facts::substance(&scorer.names, gold, found, &mut Counts::default());
            if labelled && right != Some(false) { Outcome::Accepted } else { Outcome::Amended }
        }
        Kind::Dx | Kind::Nka => {
            if labelled {
                Outcome::Accepted
            } else {
                Outcome::Amended
            }
        }
    }
}
