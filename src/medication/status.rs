//! Whether a drug is taken, was given, was stopped, is only considered, or is denied.
//!
//! Every row of `vocabularies/medication_cues.tsv` whose words stand near the drug speaks for one status with its weight,
//! less with distance; so do the section, the drug's own name, route and frequency. The status with the highest sum wins
//! (ties and silence: active), and the cues that spoke for it are returned. The weights were fitted on annotated notes.

use regex::Regex;

use super::change::{self, ChangeRow};
use crate::domain::table::{self, TableError};
use crate::domain::{Attribute, Attributes, Cue, MedicationStatus, Span};
use crate::text::{Document, pattern::compile};

/// Where a cue stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Direction {
    Before,
    After,
    Near,
    Route,
    Frequency,
    Name,
    Title,
}

#[derive(Debug)]
struct Row {
    pattern: Regex,
    means: MedicationStatus,
    direction: Direction,
    weight: f32,
    reach: usize,
}

/// The compiled cues; build one per process.
#[derive(Debug)]
pub struct MedicationCueTable {
    rows: Vec<Row>,
    changes: Vec<ChangeRow>,
    sections: Vec<(String, MedicationStatus, f32)>,
}

impl MedicationCueTable {
    /// Reads `vocabularies/medication_cues.tsv` (columns `pattern`, `means`, `direction`, `weight`, `reach`).
    ///
    /// # Errors
    /// An unknown word in a column or a pattern that does not compile, with its line.
    pub fn parse(medication_cues: &str) -> Result<Self, TableError> {
        let mut rows = Vec::new();
        let mut changes = Vec::new();
        let mut sections = Vec::new();
        table::read("medication_cues", medication_cues, |row| {
            let pattern = row.get("pattern")?;
            let compiled =
                || compile(&format!(r"(?i)(?:^|\b)(?:{pattern})(?:\b|$)")).map_err(|error| row.error(error.to_string()));
            let reach = || match row.get("reach")? {
                "" => Ok(8),
                reach => reach.parse().map_err(|_| row.error("the reach is not a number of words")),
            };
            if let Some(means) = change::named(row.get("means")?) {
                let before = match row.get("direction")? {
                    "before" => true,
                    "after" => false,
                    other => return Err(row.error(format!("a change stands before or after its drug, not {other:?}"))),
                };
                changes.push(ChangeRow { pattern: compiled()?, means, before, reach: reach()? });
                return Ok(());
            }
            let means = match row.get("means")? {
                "active" => MedicationStatus::Active,
                "given" => MedicationStatus::Given,
                "discontinued" => MedicationStatus::Discontinued,
                "hypothetical" => MedicationStatus::Hypothetical,
                "absent" => MedicationStatus::Absent,
                other => return Err(row.error(format!("unknown status {other:?}"))),
            };
            let weight = row.get("weight")?.parse().map_err(|_| row.error("the weight is not a number"))?;
            let direction = match row.get("direction")? {
                "before" => Direction::Before,
                "after" => Direction::After,
                "near" => Direction::Near,
                "route" => Direction::Route,
                "frequency" => Direction::Frequency,
                "name" => Direction::Name,
                "title" => Direction::Title,
                "section" => {
                    sections.push((pattern.to_owned(), means, weight));
                    return Ok(());
                }
                other => return Err(row.error(format!("unknown direction {other:?}"))),
            };
            rows.push(Row { pattern: compiled()?, means, direction, weight, reach: reach()? });
            Ok(())
        })?;
        Ok(Self { rows, changes, sections })
    }

    /// What happens to the drug at `span`, whose status is known: `started`, `increased`, `decreased`, `held`, `resumed`, `stopped`
    /// or `continued` as the value, with the words that say so.
    #[must_use]
    pub fn change(&self, document: &Document, span: Span, status: MedicationStatus) -> Option<Attribute> {
        change::change(document, &self.changes, span, status)
    }
}

/// One vote for a status.
struct Vote {
    means: MedicationStatus,
    weight: f32,
    certain: bool,
    cue: Option<Cue>,
}

/// From this weight on a cue is an order or a heading in so many words ("STOP"): nothing else is weighed against it.
const CERTAIN: f32 = 9.0;

/// Status of the drug at `span`, with the words that decided it and whether they leave no room for a model's opinion; `active` when nothing
/// speaks.
#[must_use]
pub fn status(
    document: &Document,
    cues: &MedicationCueTable,
    span: Span,
    attributes: &Attributes,
) -> (MedicationStatus, Vec<Cue>, bool) {
    let text = &document.text;
    let clause = clause_around(document, span);
    let mut votes: Vec<Vote> = Vec::new();
    let kind = document.section_kind_at(span);
    let title = document.section_at(span).and_then(|section| section.title).unwrap_or(Span::new(0, 0));
    for (section, means, weight) in &cues.sections {
        if section == kind {
            votes.push(Vote { means: *means, weight: *weight, certain: false, cue: None });
        }
    }
    for row in &cues.rows {
        let own = match row.direction {
            Direction::Route => Some(attributes.route.as_ref().map_or("", |route| route.text.as_str())),
            Direction::Frequency => Some(attributes.frequency.as_ref().map_or("", |frequency| frequency.text.as_str())),
            Direction::Name => Some(span.of(text)),
            Direction::Title => Some(title.of(text)),
            Direction::Before | Direction::After | Direction::Near => None,
        };
        if let Some(own) = own {
            if !own.is_empty() && row.pattern.is_match(own) {
                votes.push(Vote { means: row.means, weight: row.weight, certain: false, cue: None });
            }
            continue;
        }
        if row.direction != Direction::After {
            let start = clause.start;
            let nearest = row.pattern.find_iter(&text[start..span.start]).last();
            votes.extend(nearest.and_then(|found| row.vote(text, (start + found.start(), start + found.end()), span)));
        }
        if row.direction != Direction::Before {
            let start = span.end;
            let nearest = row.pattern.find(&text[start..clause.end]);
            votes.extend(nearest.and_then(|found| row.vote(text, (start + found.start(), start + found.end()), span)));
        }
    }
    let mut best = (MedicationStatus::Active, 0.0_f32);
    for means in ALL {
        let sum = votes.iter().filter(|vote| vote.means == means).map(|vote| vote.weight).sum();
        if sum > best.1 {
            best = (means, sum);
        }
    }
    let certain = votes.iter().any(|vote| vote.means == best.0 && vote.certain);
    let mut spoke: Vec<Cue> = Vec::new();
    for cue in votes.into_iter().filter(|vote| vote.means == best.0).filter_map(|vote| vote.cue) {
        if !spoke.contains(&cue) {
            spoke.push(cue);
        }
    }
    (best.0, spoke, certain)
}

/// Every status, in the order in which ties are decided.
const ALL: [MedicationStatus; 5] = [
    MedicationStatus::Active,
    MedicationStatus::Given,
    MedicationStatus::Discontinued,
    MedicationStatus::Hypothetical,
    MedicationStatus::Absent,
];

impl Row {
    /// The vote of a match at `start..end`; none when too many words, or the end of a list item, stand between it and the drug.
    fn vote(&self, text: &str, (start, end): (usize, usize), span: Span) -> Option<Vote> {
        let before = end <= span.start;
        let between = if before { &text[end..span.start] } else { &text[span.end..start] };
        let words = between.split_whitespace().count();
        if words > self.reach || (before && self.direction == Direction::Before && between.starts_with(',')) {
            return None;
        }
        let said = text[start..end].trim();
        let start = end - text[start..end].trim_start().len();
        let cue =
            Cue { text: said.to_owned(), start, end: start + said.len(), means: self.means.as_str().to_owned(), scope: None };
        #[expect(clippy::cast_precision_loss, reason = "a small number of words")]
        let weight = self.weight / (1.0 + 0.12 * words as f32);
        Some(Vote { means: self.means, weight, certain: self.weight >= CERTAIN, cue: Some(cue) })
    }
}

/// The sentence of `span`, further cut at full stops before a capital, blank lines and semicolons.
pub(super) fn clause_around(document: &Document, span: Span) -> Span {
    let text = &document.text;
    let outer = document.sentence_at(span).map_or(Span::new(0, text.len()), |sentence| sentence.span);
    // cues stand near; a sentence may be a whole list
    let near = span.around(text, 400, 400);
    let start = outer.start.max(near.start).min(span.start);
    let end = outer.end.min(near.end).max(span.end);
    let starts_sentence = |offset: usize| {
        let rest = text[offset..].trim_start();
        rest.len() < text.len() - offset
            && rest.starts_with(|character: char| character.is_uppercase() || character.is_ascii_digit())
    };
    let abbreviation = |at: usize| {
        let word = text[..at].rsplit(|character: char| character.is_whitespace()).next().unwrap_or_default();
        word.len() <= 2 || word.contains('.')
    };
    let mut from = start;
    for (at, mark) in text[start..span.start].match_indices(['.', ';', '\n', '?', '!']) {
        let at = start + at;
        let hard = match mark {
            ";" => true,
            "\n" => {
                text[at + 1..].starts_with(['\n', '-', '*', '•'])
                    || text[at + 1..].starts_with(|next: char| next.is_ascii_digit() || next.is_uppercase())
            }
            _ => starts_sentence(at + 1) && !abbreviation(at),
        };
        if hard {
            from = at + 1;
        }
    }
    // a drug that begins its line is an item: the line above tells of another
    let own = text[from..span.start].rfind('\n').map(|at| from + at + 1);
    if let Some(line) = own.filter(|line| text[*line..span.start].chars().all(|mark| !mark.is_alphanumeric())) {
        from = line;
    }
    let mut to = end;
    for (at, mark) in text[span.end..end].match_indices(['.', ';', '\n', '?', '!']) {
        let at = span.end + at;
        let hard = match mark {
            ";" | "\n" => true,
            _ => starts_sentence(at + 1),
        };
        if hard {
            to = at;
            break;
        }
    }
    Span::new(from, to.max(span.end))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::medication::gold_tests::document;

    fn decide(marked: &str) -> MedicationStatus {
        let (start, end) = (marked.find('[').expect("a mark"), marked.find(']').expect("a mark"));
        let text = marked.replace(['[', ']'], "");
        let cues = MedicationCueTable::parse(include_str!("../../vocabularies/medication_cues.tsv")).expect("our own table");
        status(&document(&text), &cues, Span::new(start, end - 1), &Attributes::default()).0
    }

    #[test]
    fn decides() {
        for (sentence, wanted) in [
            ("She takes [lisinopril] daily.", MedicationStatus::Active),
            ("[Lipitor] was discontinued last week.", MedicationStatus::Discontinued),
            ("She is off [Coumadin] now.", MedicationStatus::Discontinued),
            ("She is no longer taking [Plavix].", MedicationStatus::Discontinued),
            ("The skin was infiltrated with 1% [lidocaine].", MedicationStatus::Given),
            ("He was given [morphine] in the emergency room.", MedicationStatus::Given),
            ("We may consider [Lyrica] in the future.", MedicationStatus::Hypothetical),
            ("Denies [aspirin] use.", MedicationStatus::Absent),
            ("He is not on [Coumadin].", MedicationStatus::Absent),
            (" gliclazide 80 mg BD  >> STOP\n [ramipril] 5 mg OD continue", MedicationStatus::Active),
            (" [gliclazide] 80 mg BD  >> STOP (hypos)\n ramipril 5 mg OD continue", MedicationStatus::Discontinued),
            ("[aspirin] 81 mg and atorvastatin, HOLD warfarin", MedicationStatus::Active),
            ("[lisinopril] 10 mg once daily", MedicationStatus::Active),
            ("[Cefepime] was narrowed to ceftriaxone.", MedicationStatus::Discontinued),
        ] {
            assert_eq!(decide(sentence), wanted, "{sentence}");
        }
    }
}
