//! A measurement from its definition to its results.

use std::collections::{BTreeMap, BTreeSet};

use abstractor::statistics::{Sampling, intervals};

use crate::{
    calibration::{abstention, reliability},
    compare::compare,
    corpus,
    counts::{Confusion, Counts},
    definition::{Definition, MetricsDefinition},
    environment::Environment,
    error::Result,
    figures::{Names, Part, Table},
    latency,
    names::SubstanceNames,
    note::{Corpus, Kind},
    results::{CorpusFacts, Document, Estimate, FORM, Figure, Floor, Part as SlicePart, Results, Slice, SystemFacts},
    score::{Scorer, examples::Example},
    system::{self, Answers},
};

/// What a measurement gives: what may be kept, and the errors in context, which hold words of notes.
pub struct Measured {
    /// What may be kept.
    pub results: Results,
    /// In the order of the notes.
    pub examples: Vec<Example>,
}

/// When and where a measurement is made, and what it is held against.
pub struct Occasion<'a> {
    /// Day and time, RFC 3339.
    pub date: String,
    /// Where and with what.
    pub environment: Environment,
    /// A run before.
    pub against: Option<&'a Results>,
    /// Hears of the number of notes, then of each answer.
    pub progress: &'a (dyn Fn(Progress) + Sync),
}

/// What is going on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// So many notes were read.
    Notes(usize),
    /// One was answered.
    Answered,
    /// All were scored; intervals are being drawn.
    Drawing,
}

/// Measures.
///
/// # Errors
/// A corpus that cannot be read, a system that cannot be asked.
pub fn measure(definition: &Definition, occasion: &Occasion<'_>) -> Result<Measured> {
    let corpus = corpus::read(&definition.corpus)?;
    (occasion.progress)(Progress::Notes(corpus.notes.len()));
    let answers = system::ask(&definition.system, &corpus.notes, &|| (occasion.progress)(Progress::Answered))?;
    score(definition, (&corpus, answers), occasion)
}

/// Scores answers that are there.
///
/// # Errors
/// Names of substances that cannot be read.
pub fn score(definition: &Definition, (corpus, answers): (&Corpus, Answers), occasion: &Occasion<'_>) -> Result<Measured> {
    let names = definition.metrics.names.as_deref().map_or_else(SubstanceNames::embedded, SubstanceNames::of_folder)?;
    let scorer = Scorer::new(corpus.layers.clone(), names, definition.effort)?;
    let (mut documents, mut examples) = (Vec::new(), Vec::new());
    let (mut sections, mut confusion): (BTreeMap<String, Vec<Counts>>, Confusion) = <_>::default();
    let (mut failed, mut misplaced) = (BTreeMap::new(), 0);
    for (note, prediction) in corpus.notes.iter().zip(&answers.predictions) {
        let scored = scorer.score(note, prediction);
        documents.push(Document {
            id: note.id.clone(),
            counts: scored.counts,
            characters: Some(note.text.chars().count() as u64),
            seconds: prediction.seconds.filter(|_| prediction.failed.is_none()),
        });
        examples.extend(scored.examples);
        misplaced += scored.misplaced;
        for (section, counts) in scored.sections {
            sections.entry(section).or_default().push(counts);
        }
        add(&mut confusion, scored.confusion);
        if let Some(code) = &prediction.failed {
            *failed.entry(code.clone()).or_default() += 1;
        }
    }
    (occasion.progress)(Progress::Drawing);
    let sampling = Sampling { draws: definition.metrics.draws, seed: definition.metrics.seed };
    let all: Vec<&Counts> = documents.iter().map(|one| &one.counts).collect();
    let figures = figures(&all, sampling);
    let coded: Vec<(f64, bool)> = all.iter().flat_map(|one| one.coded.iter().copied()).collect();
    let found = figures.get("DX.coded").map_or(0, |figure| figure.of);
    let floors = definition.floors.iter().map(|(metric, floor)| {
        let reached = figures.get(metric).map(|figure| figure.value.value);
        Floor { metric: metric.clone(), floor: *floor, reached }
    });
    let comparison = occasion.against.map(|before| {
        let name = format!("{}, {}, {}", before.name, before.system.name, before.date);
        let mut comparison = compare((&name, &before.documents), &documents, sampling);
        comparison.latency = latency::change((&before.documents, &documents), sampling);
        if let Some(change) = &mut comparison.latency {
            let concurrency = |speed: &Option<system::Speed>| speed.as_ref().map(|speed| speed.concurrency);
            change.alike = before.environment.is_like(&occasion.environment)
                && before.system.name == answers.name
                && concurrency(&before.system.speed) == concurrency(&answers.speed);
        }
        comparison
    });
    let seconds: Vec<f64> = documents.iter().filter_map(|one| one.seconds).collect();
    let system = SystemFacts {
        name: answers.name,
        engine: answers.engine,
        missing: answers.missing,
        failed,
        misplaced,
        speed: answers.speed,
        latency: latency::latency(&seconds, sampling),
    };
    let results = Results {
        form: FORM,
        name: definition.name.clone(),
        about: definition.about.trim().to_owned(),
        limits: definition.limits.trim().to_owned(),
        date: occasion.date.clone(),
        environment: occasion.environment.clone(),
        corpus: facts(definition, corpus),
        system,
        draws: sampling.draws,
        seed: sampling.seed,
        show: definition.metrics.show.iter().filter(|metric| figures.contains_key(*metric)).cloned().collect(),
        floors: floors.collect(),
        reliability: reliability(&coded),
        abstention: abstention(&coded, found),
        slices: slices(&definition.metrics, (corpus, &all), &sections),
        figures,
        confusion,
        comparison,
        documents,
    };
    Ok(Measured { results, examples })
}

fn add(sum: &mut Confusion, more: Confusion) {
    for (kind, table) in more {
        for (gold, row) in table {
            for (said, count) in row {
                *sum.entry(kind.clone()).or_default().entry(gold.clone()).or_default().entry(said).or_default() += count;
            }
        }
    }
}

fn facts(definition: &Definition, corpus: &Corpus) -> CorpusFacts {
    let name = definition.corpus.path.file_name().map(|name| name.to_string_lossy().into_owned());
    let count = |kind: Kind| corpus.notes.iter().flat_map(|note| &note.annotations).filter(|one| one.kind == kind).count();
    CorpusFacts {
        name: name.unwrap_or_default(),
        notes: corpus.notes.len(),
        words: corpus.notes.iter().map(|note| note.text.split_whitespace().count()).sum(),
        annotations: Kind::ALL.into_iter().map(|kind| (kind.as_str().to_owned(), count(kind))).collect(),
    }
}

/// Every metric over these notes, with intervals.
#[must_use]
pub fn figures(all: &[&Counts], sampling: Sampling) -> BTreeMap<String, Figure> {
    let names = Names::of(all.iter().copied());
    let table = Table::new(&names, all.iter().copied());
    let rows: Vec<usize> = (0..all.len()).collect();
    let (values, cases) = (table.values(&rows), table.cases());
    let mut out: BTreeMap<String, Figure> = BTreeMap::new();
    let drawn =
        names.keys().into_iter().zip(values).zip(intervals(table.len(), |rows| table.values(rows), sampling)).zip(cases);
    for ((((metric, part), value), interval), of) in drawn {
        let Some(value) = value else { continue };
        let (low, high) = interval.unwrap_or((value, value));
        let estimate = Estimate { value, low, high };
        match part {
            Part::Value => {
                out.insert(metric.to_owned(), Figure { value: estimate, precision: None, recall: None, of });
            }
            Part::Precision => {
                out.entry(metric.to_owned()).and_modify(|figure| figure.precision = Some(estimate));
            }
            Part::Recall => {
                out.entry(metric.to_owned()).and_modify(|figure| figure.recall = Some(estimate));
            }
        }
    }
    out
}

/// The metrics of the short table, without intervals.
fn slice(shown: &[String], notes: usize, all: &[&Counts]) -> Slice {
    let names = Names::of(all.iter().copied());
    let table = Table::new(&names, all.iter().copied());
    let rows: Vec<usize> = (0..all.len()).collect();
    let values = names.keys().into_iter().zip(table.values(&rows)).zip(table.cases());
    let kept = values.filter_map(|(((metric, part), value), of)| {
        let wanted = part == Part::Value && shown.iter().any(|own| own == metric);
        Some((metric.to_owned(), SlicePart { value: value.filter(|_| wanted)?, of }))
    });
    Slice { notes, figures: kept.collect() }
}

fn slices(
    metrics: &MetricsDefinition,
    (corpus, all): (&Corpus, &[&Counts]),
    sections: &BTreeMap<String, Vec<Counts>>,
) -> BTreeMap<String, BTreeMap<String, Slice>> {
    let mut out: BTreeMap<String, BTreeMap<String, Slice>> = BTreeMap::new();
    for field in &metrics.slices {
        let values: BTreeSet<&String> = corpus.notes.iter().filter_map(|note| note.slices.get(field)).collect();
        for value in values {
            let within = corpus.notes.iter().zip(all).filter(|(note, _)| note.slices.get(field) == Some(value));
            let counts: Vec<&Counts> = within.map(|(_, counts)| *counts).collect();
            let slice = slice(&metrics.show, counts.len(), &counts);
            out.entry(field.clone()).or_default().insert(value.clone(), slice);
        }
    }
    let mut shown = metrics.show.clone();
    shown.extend(Kind::ALL.map(|kind| format!("{}.relaxed", kind.as_str())));
    for (section, counts) in sections {
        let counts: Vec<&Counts> = counts.iter().collect();
        out.entry("section".to_owned()).or_default().insert(section.clone(), slice(&shown, 0, &counts));
    }
    out
}
