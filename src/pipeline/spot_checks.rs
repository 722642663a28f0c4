//! Terms and the codes that the Official Guidelines give them: `tests/fixtures/spot_checks.tsv`.

use super::{NoteInput, Pipeline, Prepared, assemble::Assembly};
use crate::{
    assertion::assert_mention,
    domain::{EncounterClass, Mention, MentionKind, Span, table},
    recognize::{TokenizedNote, dictionary, merge::Recognizers},
    text::Document,
    vocabulary::Tables,
};

/// At least this share must get an acceptable first code; what is written in a row is the code that a coder gives, easy or not.
const FLOOR: f64 = 0.80;

/// Codes a term of a note as the service does once it is found, without vectors of terms. The other mentions are the dictionary's.
fn coded(pipeline: &Pipeline, text: &str, span: Span) -> Vec<(String, Vec<String>)> {
    let input = NoteInput { text: text.to_owned(), encounter_class: Some(EncounterClass::Inpatient), ..NoteInput::default() };
    let prepared = Prepared {
        document: Document::new(text, &pipeline.sections),
        input,
        tokenized: TokenizedNote::default(),
        windows: Vec::new(),
    };
    let found = dictionary::find(&prepared.document, &pipeline.vocabulary);
    let assembly = Assembly { pipeline, prepared: &prepared };
    let others = found.mentions.iter().filter(|one| one.kind == MentionKind::Diagnosis && !one.span.overlaps(span));
    let mut spans: Vec<Span> = others.map(|one| one.span).collect();
    spans.push(span);
    spans.sort_unstable();
    let asserted = spans
        .iter()
        .map(|at| {
            let mention = Mention { span: *at, kind: MentionKind::Diagnosis, confidence: 0.9, sources: Vec::new() };
            let context = assert_mention(&prepared.document, &pipeline.cues, *at, MentionKind::Diagnosis, &spans);
            (mention, context, None)
        })
        .collect();
    let mut coded = assembly.coded_diagnoses(asserted, &found.mentions);
    assembly.settle_with(&mut coded, &[]);
    let mention = coded.into_iter().find(|mention| mention.span == span).expect("it was given");
    mention.coding.codes.into_iter().map(|code| (code.code, code.with)).collect()
}

fn pipeline() -> Pipeline {
    let tables = Tables::embedded().expect("tables");
    Pipeline::new(&tables, None, Recognizers { dictionary: true, model: false }).expect("a pipeline")
}

/// Lay words, words of the body, dictated misspellings: no term has these words.
#[test]
fn lay_words_and_slips_reach_a_code() {
    let pipeline = pipeline();
    for (term, wanted) in [
        ("Sugar diabetes", "E11.9"),
        ("Worn-out hip joint", "M16.9"),
        ("Rhumatoid arthritus", "M06.9"),
        ("Windpipe narrowing", "J39.8"),
        ("Pnuemonia", "J18.9"),
        ("Retention of urine", "R33.9"),
    ] {
        let text = format!("ASSESSMENT: {term}.");
        let codes = coded(&pipeline, &text, Span::new(12, 12 + term.len()));
        assert_eq!(codes.first().map(|(code, _)| code.as_str()), Some(wanted), "{term}: {codes:?}");
    }
}

#[test]
fn terms_get_the_codes_that_the_guidelines_give_them() {
    let pipeline = pipeline();
    let (mut right, mut among_five, mut beside, mut all, mut wanting) = (0, 0, 0, 0, 0);
    table::read("spot_checks.tsv", include_str!("../../tests/fixtures/spot_checks.tsv"), |row| {
        let (text, term) = (row.get("text")?, row.get("term")?);
        let start = text.find(term).ok_or_else(|| row.error("the term is not in the text"))?;
        let acceptable: Vec<&str> = row.get("codes")?.split('|').collect();
        for code in &acceptable {
            assert!(pipeline.vocabulary.is_billable(code), "{code} is not billable");
        }
        let codes = coded(&pipeline, text, Span::new(start, start + term.len()));
        let hit = codes.first().is_some_and(|(code, _)| acceptable.contains(&code.as_str()));
        all += 1;
        right += usize::from(hit);
        among_five += usize::from(codes.iter().take(5).any(|(code, _)| acceptable.contains(&code.as_str())));
        let with: Vec<&str> = row.get("with")?.split('|').filter(|code| !code.is_empty()).collect();
        if hit && !with.is_empty() {
            wanting += 1;
            beside += usize::from(with.iter().all(|code| codes[0].1.iter().any(|found| found == code)));
        }
        if !hit {
            let found: Vec<&str> = codes.iter().take(3).map(|(code, _)| code.as_str()).collect();
            println!("{:<10} {term:?} in {text:?}: wants {acceptable:?}, gets {found:?}", row.get("guideline")?);
        }
        Ok(())
    })
    .expect("the table");
    println!("{right} of {all} right, {among_five} among five; {beside} of {wanting} with all the codes beside them");
    assert!(all >= 200);
    #[expect(clippy::cast_precision_loss, reason = "a few hundred")]
    let share = right as f64 / all as f64;
    assert!(share >= FLOOR, "{right} of {all}");
}
