//! Tables of allergies: a header row that names its columns, then one allergen a row.

use crate::domain::Span;

/// One row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Row {
    /// The cell of the substance.
    pub substance: Span,
    /// What it did.
    pub reaction: Option<Span>,
    /// How badly.
    pub severity: Option<Span>,
    /// Allergy or intolerance.
    pub kind: Option<Span>,
    /// How grave the next reaction may be.
    pub criticality: Option<Span>,
}

impl Row {
    /// Whether the row itself says that there is no such allergy.
    pub(super) fn is_refuted(&self, text: &str) -> bool {
        let said = [Some(self.substance), self.reaction].into_iter().flatten().map(|cell| cell.of(text).to_lowercase());
        said.into_iter().any(|cell| {
            ["denied", "denies", "refuted", "removed", "tolerated", "tolerates", "ruled out"]
                .iter()
                .any(|word| cell.contains(word))
        })
    }
}

/// What a column holds, by a word of its header.
fn column(header: &str) -> Option<usize> {
    let header = header.to_lowercase();
    let names: [(usize, &[&str]); 5] = [
        (0, &["allergen", "substance", "agent", "drug", "medication", "allergy", "allergies"]),
        (1, &["reaction", "reactions", "manifestation", "manifestations"]),
        (2, &["severity"]),
        (4, &["criticality"]),
        (3, &["type", "category"]),
    ];
    let words: Vec<&str> = header.split(|character: char| !character.is_alphabetic()).filter(|word| !word.is_empty()).collect();
    if words.len() > 3 {
        return None;
    }
    // "reaction type", "allergy severity": the last word names the column
    words.iter().rev().find_map(|word| names.iter().find(|(_, known)| known.contains(word)).map(|(place, _)| *place))
}

/// Every row of every table of `text` whose header names a substance and a reaction or severity.
pub(super) fn rows(text: &str) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut layout: Option<(&str, Vec<Option<usize>>)> = None;
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let separator = ["|", "\t", "  "].into_iter().find(|separator| line.trim().contains(*separator));
        let cells = separator.map(|separator| cells(line, start, separator)).unwrap_or_default();
        start += line.len();
        if cells.len() < 2 {
            layout = None;
            continue;
        }
        let named: Vec<Option<usize>> = cells.iter().map(|cell| column(cell.of(text))).collect();
        // a free remark tells a reaction only where the table is one of allergens
        let header = line.to_lowercase();
        let of_allergens = cells
            .first()
            .is_some_and(|first| ["allerg", "substance"].iter().any(|word| first.of(text).to_lowercase().contains(word)))
            || named.iter().any(|column| matches!(column, Some(1 | 2 | 4)));
        let named: Vec<Option<usize>> = named
            .into_iter()
            .zip(&cells)
            .map(|(column, cell)| {
                let remark = ["comment", "comments", "response"].contains(&cell.of(text).to_lowercase().as_str());
                column.or_else(|| (remark && of_allergens).then_some(1))
            })
            .collect();
        let of_doses = ["dose", "dosage", "frequency", "direction", "route", "sig", "cycle", "strength"];
        if named.contains(&Some(0)) && [1, 2, 4].iter().any(|column| named.contains(&Some(*column))) {
            let doses = header
                .split(|letter: char| !letter.is_alphabetic())
                .any(|word| of_doses.iter().any(|known| word.starts_with(known)));
            layout = separator.map(|separator| (separator, named)).filter(|_| !doses);
            continue;
        }
        let Some((known, columns)) = &layout else { continue };
        if separator != Some(*known) {
            layout = None;
            continue;
        }
        let cell = |what: usize| {
            let place = columns.iter().position(|column| *column == Some(what))?;
            cells.get(place).copied().filter(|cell| !cell.is_empty())
        };
        // a rule under the header has no letters
        let names = |cell: &Span| {
            let words = cell.of(text).to_lowercase();
            let none = ["none", "none known", "nil", "unknown", "n/a", "na", "no", "nka", "nkda", "no known allergies"];
            words.chars().any(char::is_alphabetic) && !none.contains(&words.as_str())
        };
        if let Some(substance) = cell(0).filter(names) {
            rows.push(Row { substance, reaction: cell(1), severity: cell(2), kind: cell(3), criticality: cell(4) });
        }
    }
    rows
}

/// The cells of a line, trimmed; a border at either end makes none.
fn cells(line: &str, start: usize, separator: &str) -> Vec<Span> {
    let body = line.trim_end_matches(['\n', '\r']);
    let mut cells = Vec::new();
    let mut at = start;
    for part in body.split(separator) {
        let lead = part.len() - part.trim_start().len();
        let inner = part.trim();
        cells.push(Span::new(at + lead.min(part.len()), at + lead.min(part.len()) + inner.len()));
        at += part.len() + separator.len();
    }
    if separator == "  " {
        // a gap may be wider than two blanks
        cells.retain(|cell| !cell.is_empty());
    }
    if separator == "|" {
        if cells.first().is_some_and(|cell| cell.is_empty()) {
            cells.remove(0);
        }
        if cells.last().is_some_and(|cell| cell.is_empty()) {
            cells.pop();
        }
    }
    cells
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_rows_by_their_header() {
        let text = "| Allergen | Comment |\n|---|---|\n| Cefaclor | serum sickness |\nAllergen\tSeverity\tCriticality\tReaction\nEgg\tHigh\tLow\t\n\nA | B\n";
        let found = rows(text);
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].substance.of(text), "Cefaclor");
        assert_eq!(found[0].reaction.map(|cell| cell.of(text)), Some("serum sickness"));
        assert_eq!(found[1].substance.of(text), "Egg");
        assert_eq!(found[1].severity.map(|cell| cell.of(text)), Some("High"));
        assert_eq!(found[1].criticality.map(|cell| cell.of(text)), Some("Low"));
        assert_eq!(found[1].reaction, None);
    }

    #[test]
    fn a_list_of_medications_is_none() {
        assert_eq!(rows("Drug | Dose | Frequency\nLisinopril | 10 mg | daily\n"), []);
        assert_eq!(rows("Medication | Dose | Comments\nLisinopril | 10 mg | for blood pressure\n"), []);
        assert_eq!(rows("Agent\tCycles\tResponse\nCisplatin\t4\tpartial response\n"), []);
        assert_eq!(rows("Allergen | Reaction\nNone | \n"), []);
    }
}
