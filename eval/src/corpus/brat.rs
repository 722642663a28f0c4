//! brat standoff: a folder of `NAME.txt` beside `NAME.ann`. Offsets are code points.
//!
//! Read are text-bound annotations (`T`; a discontinuous one as its whole extent), attributes (`A`, `M`), normalisations (`N`), relations
//! (`R`) and events (`E`, whose roles are relations called `TYPE.ROLE`). Notes of annotators and equivalences are passed over.

use std::path::Path;

use super::{Marked, MarkedSpan, Refused, files, text_of};
use crate::error::{EvaluationError, Result};

/// The documents of a folder.
pub(super) fn folder(path: &Path) -> Result<Vec<Marked>> {
    let mut out = Vec::new();
    for file in files(path, &["txt"])? {
        let annotations = file.with_extension("ann");
        let stem = file.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        let text = text_of(&file)?;
        let lines = text_of(&annotations)?;
        let document = document((stem, text), &lines)
            .map_err(|(line, message)| EvaluationError::corpus(&annotations, Some(line), message))?;
        out.push(document);
    }
    Ok(out)
}

/// A document of its name, text and annotations; an error with its line.
fn document((id, text): (String, String), annotations: &str) -> std::result::Result<Marked, (usize, Refused)> {
    let mut document = Marked { id, text, ..Marked::default() };
    // what A, N and E lines say is put in place when all spans are known
    let (mut said, mut codes, mut triggers) = (Vec::new(), Vec::new(), Vec::new());
    for (index, line) in annotations.lines().enumerate() {
        let wrong = |message: &str| (index + 1, message.to_owned());
        let mut fields = line.split('\t');
        let (key, body) = (fields.next().unwrap_or_default(), fields.next().unwrap_or_default());
        let words: Vec<&str> = body.split_whitespace().collect();
        match (key.chars().next(), words.as_slice()) {
            (Some('T'), [label, places @ ..]) => document
                .spans
                .push(span(key, label, places).ok_or_else(|| wrong("a `T` line must be `T1<tab>TYPE START END<tab>words`"))?),
            (Some('A' | 'M'), [name, target, value @ ..]) => {
                said.push(((*target).to_owned(), ((*name).to_owned(), value.join(" "))));
            }
            (Some('N'), [_, target, code]) => codes.push(((*target).to_owned(), (*code).to_owned())),
            (Some('R'), [label, first, second]) => {
                let plain = |argument: &str| argument.split_once(':').map(|(_, key)| key.to_owned());
                let (Some(first), Some(second)) = (plain(first), plain(second)) else {
                    return Err(wrong("an `R` line must be `R1<tab>TYPE Arg1:T1 Arg2:T2`"));
                };
                document.relations.push(((*label).to_owned(), first, second));
            }
            (Some('E'), [trigger, roles @ ..]) => {
                let (label, target) =
                    trigger.split_once(':').ok_or_else(|| wrong("an `E` line must begin `E1<tab>TYPE:T1`"))?;
                triggers.push((key.to_owned(), target.to_owned()));
                let roles = roles.iter().filter_map(|role| role.split_once(':'));
                document
                    .relations
                    .extend(roles.map(|(role, value)| (format!("{label}.{role}"), value.to_owned(), target.to_owned())));
            }
            (Some('#' | '*') | None, _) => {}
            _ => return Err(wrong("no line of brat standoff: it must begin with T, A, M, N, R, E, # or *")),
        }
    }
    let trigger =
        |key: &str| triggers.iter().find(|(event, _)| event == key).map_or_else(|| key.to_owned(), |(_, of)| of.clone());
    for (_, first, second) in &mut document.relations {
        (*first, *second) = (trigger(first), trigger(second));
    }
    for span in &mut document.spans {
        let own = |target: &str| trigger(target) == span.key;
        span.said = said.iter().filter(|(target, _)| own(target)).map(|(_, words)| words.clone()).collect();
        span.codes = codes.iter().filter(|(target, _)| own(target)).map(|(_, code)| code.clone()).collect();
    }
    Ok(document)
}

fn span(key: &str, label: &str, places: &[&str]) -> Option<MarkedSpan> {
    let joined = places.join(" ");
    let numbers: Vec<usize> = joined.split([' ', ';']).map(|number| number.parse().ok()).collect::<Option<_>>()?;
    let (start, end) = (*numbers.iter().min()?, *numbers.iter().max()?);
    let whole = numbers.len() >= 2 && numbers.len().is_multiple_of(2);
    whole.then(|| MarkedSpan { key: key.to_owned(), label: label.to_owned(), start, end, ..MarkedSpan::default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(lines: &str) -> std::result::Result<Marked, (usize, String)> {
        document(("a".to_owned(), "Lasix 20 mg for heart and renal failure".to_owned()), lines)
    }

    #[test]
    fn every_kind_of_line_is_read() {
        let read = read(
            "T1\tDrug 0 5\tLasix\nT2\tStrength 6 11\t20 mg\nT3\tDisease 16 21;32 39\theart failure\nA1\tNegation T3\nA2\tSeverity T3 mild\n\
             N1\tReference T3 ICD10CM:I50.9\tHeart failure\nR1\tStrength-Drug Arg1:T2 Arg2:T1\nE1\tTreatment:T1 For:T3\nA3\tGiven E1\n\
             #1\tAnnotatorNotes T1\tsee guideline\n*\tEquiv T1 T2\n",
        )
        .expect("reads");
        assert_eq!((read.spans[2].start, read.spans[2].end), (16, 39));
        assert_eq!(read.spans[2].codes, ["ICD10CM:I50.9"]);
        assert_eq!(read.spans[2].said, [("Negation".to_owned(), String::new()), ("Severity".to_owned(), "mild".to_owned())]);
        assert_eq!(read.spans[0].said, [("Given".to_owned(), String::new())]);
        let relation = |label: &str, first: &str, second: &str| (label.to_owned(), first.to_owned(), second.to_owned());
        assert_eq!(read.relations, [relation("Strength-Drug", "T2", "T1"), relation("Treatment.For", "T3", "T1")]);
    }

    #[test]
    fn a_wrong_line_is_named() {
        for (lines, line) in [("T1\tDrug 0\tx", 1), ("T1\tDrug 0 5\tx\nR1\tOf T1 T2", 2), ("\nX1\tDrug", 2), ("E1\tDrug", 1)] {
            assert_eq!(read(lines).map(|_| ()).expect_err("is refused").0, line, "{lines}");
        }
    }

    #[test]
    fn a_folder_is_read_in_order() {
        let path = tempfile::tempdir().expect("a folder");
        for (name, text) in [("b.txt", "Gout."), ("b.ann", ""), ("a.txt", "Asthma."), ("a.ann", "T1\tDisease 0 6\tAsthma\n")] {
            std::fs::write(path.path().join(name), text).expect("writes");
        }
        let read = folder(path.path()).expect("reads");
        assert_eq!(read.iter().map(|one| one.id.as_str()).collect::<Vec<_>>(), ["a", "b"]);
        std::fs::remove_file(path.path().join("b.ann")).expect("removes");
        assert!(folder(path.path()).is_err());
    }
}
