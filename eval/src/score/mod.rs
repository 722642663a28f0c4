//! One note scored: its annotations against what a system said of it.
//!
//! Where `../shared/gold/score.py` defines a metric too, it is called the same here and is the same to the last digit (a test runs both).
//! What only stands here: any position, relations, evidence of codes, distances, effort, and everything by section.

#[cfg(test)]
mod agreement_tests;
pub mod codes;
pub mod effort;
pub mod evidence;
pub mod examples;
mod facts;
pub mod matching;
pub mod values;

use std::collections::{BTreeMap, BTreeSet};

use abstractor::{
    domain::Span,
    text::{Document, SectionTable},
    vocabulary::Tables,
};

use crate::{
    counts::{Confusion, Counts},
    definition::Keystrokes,
    error::{EvaluationError, Result},
    names::SubstanceNames,
    note::{Annotation, Kind, Layers, Note, words_at},
    prediction::{Mention, Prediction},
};
use codes::CodeTree;
use examples::Example;
use matching::{Agreement, matches};

/// Label of what was not found.
pub const NOT_FOUND: &str = "not found";
/// Label of what was found and is not annotated.
pub const NOT_ANNOTATED: &str = "not annotated";

/// What scoring needs beside the note.
pub struct Scorer {
    /// What the corpus says.
    pub layers: Layers,
    /// Names of substances.
    pub names: SubstanceNames,
    /// Keystrokes of decisions.
    pub keystrokes: Keystrokes,
    tree: CodeTree,
    sections: SectionTable,
}

/// A note's score.
#[derive(Default)]
pub struct Scored {
    /// Of the whole note.
    pub counts: Counts,
    /// By kind of section.
    pub sections: BTreeMap<String, Counts>,
    /// Labels against labels.
    pub confusion: Confusion,
    /// What went wrong, in context.
    pub examples: Vec<Example>,
    /// Places whose words do not stand there.
    pub misplaced: usize,
}

/// What is right of a mention that was found; what the gold does not say, or cannot be compared, is.
struct Right {
    label: bool,
    substance: bool,
}

/// A note with what is said of it, as the parts of the scorer read it.
struct Case<'a> {
    note: &'a Note,
    /// Of the kinds that count, without what nobody judged.
    predicted: Vec<&'a Mention>,
    document: Document,
    /// Byte of every code point, where the text is not ASCII.
    bytes: Vec<usize>,
}

impl Case<'_> {
    /// Kind of the section around a code point.
    fn section(&self, point: usize) -> &str {
        let byte =
            if self.bytes.is_empty() { point } else { self.bytes.get(point).copied().unwrap_or(self.document.text.len()) };
        self.document.section_at(Span::new(byte, byte)).map_or("unspecified", |section| section.kind.as_str())
    }

    fn gold(&self, kind: Kind) -> Vec<&Annotation> {
        self.note.annotations.iter().filter(|one| one.kind == kind).collect()
    }

    fn of_kind(&self, kind: Kind) -> Vec<&Mention> {
        self.predicted.iter().copied().filter(|one| one.kind == kind).collect()
    }

    /// Of one kind, each place once.
    fn at_places(&self, kind: Kind) -> Vec<&Mention> {
        let mut seen = BTreeSet::new();
        let mut mentions = self.of_kind(kind);
        mentions.retain(|one| seen.insert((one.start, one.end)));
        mentions
    }

    fn words(&self, start: usize, end: usize) -> String {
        values::normalized(words_at(&self.note.text, start, end))
    }
}

impl Scorer {
    /// A scorer for a corpus.
    ///
    /// # Errors
    /// A table of the program that cannot be read.
    pub fn new(layers: Layers, names: SubstanceNames, keystrokes: Keystrokes) -> Result<Self> {
        let wrong = |error: String| EvaluationError::System(error);
        let tables = Tables::embedded().map_err(|error| wrong(error.to_string()))?;
        let sections = tables.get("sections.tsv").and_then(|(_, text)| SectionTable::parse(text));
        let sections = sections.map_err(|error| wrong(error.to_string()))?;
        Ok(Self { layers, names, keystrokes, tree: CodeTree::embedded()?, sections })
    }

    /// Scores one note.
    #[must_use]
    pub fn score(&self, note: &Note, prediction: &Prediction) -> Scored {
        let judged = |one: &&Mention| {
            self.layers.kinds.contains(&one.kind)
                && !note.unjudged.iter().any(|(kind, start, end)| *kind == one.kind && one.start < *end && *start < one.end)
        };
        let bytes = if note.text.is_ascii() { Vec::new() } else { note.text.char_indices().map(|(at, _)| at).collect() };
        let case = Case {
            note,
            predicted: prediction.mentions.iter().filter(judged).collect(),
            document: Document::new(&note.text, &self.sections),
            bytes,
        };
        let mut scored = Scored { misplaced: prediction.mentions.iter().map(|one| one.misplaced).sum(), ..Scored::default() };
        for kind in Kind::ALL.into_iter().filter(|kind| self.layers.kinds.contains(kind)) {
            self.score_kind(&case, kind, &mut scored);
        }
        if self.layers.codes && self.layers.kinds.contains(&Kind::Dx) {
            evidence::document_codes(&case, &mut scored.counts);
            evidence::score(&case, &mut scored.counts);
        }
        if self.layers.assertions {
            effort::score(self, &case, &mut scored.counts);
        }
        if let Some(decided) = note.decided {
            effort::decided(decided, &mut scored.counts);
        }
        scored
    }

    fn score_kind(&self, case: &Case<'_>, kind: Kind, scored: &mut Scored) {
        let (gold, predicted) = (case.gold(kind), case.at_places(kind));
        let exact = matches(&gold, &predicted, Agreement::Exact).len();
        let pairs = matches(&gold, &predicted, Agreement::Overlap);
        let name = kind.as_str();
        let all = |right: usize| [right, predicted.len() - right, gold.len() - right];
        scored.counts.find(&format!("{name}.strict"), all(exact));
        scored.counts.find(&format!("{name}.relaxed"), all(pairs.len()));
        scored.counts.find("ALL.strict", all(exact));
        scored.counts.find("ALL.relaxed", all(pairs.len()));
        let gold_words: BTreeSet<String> = gold.iter().map(|one| case.words(one.start, one.end)).collect();
        let found_words: BTreeSet<String> = predicted.iter().map(|one| case.words(one.start, one.end)).collect();
        let anywhere = gold_words.intersection(&found_words).count();
        let rest = [anywhere, found_words.len() - anywhere, gold_words.len() - anywhere];
        scored.counts.find(&format!("{name}.anywhere"), rest);

        if kind == Kind::Dx && self.layers.assertions {
            self.affirmed(&gold, &predicted, &mut scored.counts);
        }
        let (mut labelled, mut identified) = (0, 0);
        for &(i, j) in &pairs {
            let right = self.pair(case, (gold[i], predicted[j]), scored);
            labelled += usize::from(right.label);
            identified += usize::from(right.substance);
        }
        if self.layers.assertions {
            scored.counts.find(&format!("{name}.labelled"), all(labelled));
        }
        if matches!(kind, Kind::Rx | Kind::Al) && gold.iter().any(|one| one.has_substance()) {
            scored.counts.find(&format!("{name}.identified"), all(identified));
        }
        if self.layers.attributes.contains(&kind) {
            facts::attributes(kind, (&gold, &predicted, &pairs), &mut scored.counts);
        }
        self.by_section(case, (&gold, &predicted, &pairs), scored);
        self.unpaired(case, (&gold, &predicted, &pairs), scored);
    }

    /// Affirmed diagnoses alone, and the confidences of what would be shown.
    fn affirmed(&self, gold: &[&Annotation], predicted: &[&Mention], counts: &mut Counts) {
        let gold: Vec<&Annotation> = gold.iter().copied().filter(|one| one.is_affirmed()).collect();
        let predicted: Vec<&Mention> = predicted.iter().copied().filter(|one| one.is_affirmed()).collect();
        let pairs = matches(&gold, &predicted, Agreement::Overlap);
        counts.find("DX.affirmed", [pairs.len(), predicted.len() - pairs.len(), gold.len() - pairs.len()]);
        if !self.layers.codes {
            return;
        }
        for (j, one) in predicted.iter().enumerate() {
            let Some(first) = one.icd10().next() else { continue };
            let paired = pairs.iter().find(|(_, other)| *other == j).map(|(i, _)| gold[*i]);
            let right = paired.is_some_and(|gold| facts::acceptable(gold).contains(first));
            counts.shown.push((one.confidence.unwrap_or(0.0), right));
        }
    }

    /// A mention that was found: what is said of it.
    fn pair(&self, case: &Case<'_>, (gold, found): (&Annotation, &Mention), scored: &mut Scored) -> Right {
        let kind = gold.kind;
        let section = case.section(gold.start).to_owned();
        let mut all = Right { label: true, substance: true };
        if let Some(label) = &gold.assertion {
            let right = found.assertion.as_ref() == Some(label);
            all.label = right;
            let metric = format!("{}.assertion", kind.as_str());
            scored.counts.hit(&metric, right);
            scored.sections.entry(section.clone()).or_default().hit(&metric, right);
            let said = found.assertion.clone().unwrap_or_else(|| "none".to_owned());
            *scored
                .confusion
                .entry(kind.as_str().to_owned())
                .or_default()
                .entry(label.clone())
                .or_default()
                .entry(said)
                .or_default() += 1;
            if !right {
                scored.examples.push(examples::wrong_label(case, gold, found));
            }
        }
        match kind {
            Kind::Dx if self.layers.codes && facts::counts_as_affirmed(gold, &self.layers) && !gold.codes.is_empty() => {
                let right = facts::codes(&self.tree, gold, found, &mut scored.counts);
                scored.sections.entry(section).or_default().hit("DX.code@1", right);
                if !right {
                    scored.examples.push(examples::wrong_code(case, gold, found));
                }
            }
            Kind::Rx | Kind::Al => {
                let right = facts::substance(&self.names, gold, found, &mut scored.counts);
                if right == Some(false) {
                    all.substance = false;
                    scored.examples.push(examples::wrong_substance(case, gold, found));
                }
            }
            Kind::Dx | Kind::Nka => {}
        }
        all
    }

    fn by_section(&self, case: &Case<'_>, (gold, predicted, pairs): facts::Paired<'_>, scored: &mut Scored) {
        for (i, one) in gold.iter().enumerate() {
            let found = pairs.iter().any(|(other, _)| *other == i);
            let counts = scored.sections.entry(case.section(one.start).to_owned()).or_default();
            counts.find(&format!("{}.relaxed", one.kind.as_str()), if found { [1, 0, 0] } else { [0, 0, 1] });
        }
        for (j, one) in predicted.iter().enumerate().filter(|(j, _)| pairs.iter().all(|(_, other)| other != j)) {
            let _ = j;
            let counts = scored.sections.entry(case.section(one.start).to_owned()).or_default();
            counts.find(&format!("{}.relaxed", one.kind.as_str()), [0, 1, 0]);
        }
    }

    /// What was missed, and what was found though nobody annotated it.
    fn unpaired(&self, case: &Case<'_>, (gold, predicted, pairs): facts::Paired<'_>, scored: &mut Scored) {
        let mut confuse = |kind: Kind, gold: &str, said: &str| {
            let table = scored.confusion.entry(kind.as_str().to_owned()).or_default();
            *table.entry(gold.to_owned()).or_default().entry(said.to_owned()).or_default() += 1;
        };
        for (i, one) in gold.iter().enumerate() {
            if pairs.iter().all(|(other, _)| *other != i) {
                if let Some(label) = &one.assertion {
                    confuse(one.kind, label, NOT_FOUND);
                }
                scored.examples.push(examples::missed(case, one));
            }
        }
        for (j, one) in predicted.iter().enumerate() {
            if pairs.iter().all(|(_, other)| *other != j) {
                if self.layers.assertions {
                    confuse(one.kind, NOT_ANNOTATED, one.assertion.as_deref().unwrap_or("none"));
                }
                scored.examples.push(examples::spurious(case, one));
            }
        }
    }
}
