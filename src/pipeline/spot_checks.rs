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

/// What the rest of a note does to a code, a case for each class of it; `+` joins the codes that stand beside.
#[test]
fn the_rest_of_a_note_decides() {
    let pipeline = pipeline();
    let mut wrong = Vec::new();
    for (text, term, wanted) in [
        ("Saddle pulmonary embolism with acute cor pulmonale.", "Saddle pulmonary embolism", "I26.02"),
        ("Saddle pulmonary embolism without acute cor pulmonale.", "Saddle pulmonary embolism", "I26.92"),
        ("Chronic migraine without aura, intractable.", "Chronic migraine without aura", "G43.719"),
        ("Acute suppurative appendicitis without perforation.", "Acute suppurative appendicitis without perforation", "K35.80"),
        ("Cirrhosis with ascites. Esophageal varices seen again.", "Esophageal varices", "I85.10+K74.60"),
        ("Osteoporosis, compression fracture of T12.", "Osteoporosis", "M80.08XA"),
        ("Moderate persistent asthma, now with acute exacerbation.", "Moderate persistent asthma", "J45.41"),
        ("COPD, in exacerbation since Monday.", "COPD", "J44.1"),
        ("Duodenal ulcer with bleeding. Upper GI bleed stopped.", "Upper GI bleed", "K26.4"),
        ("Neutropenic fever after chemotherapy.", "Neutropenic fever", "D70.1+T45.1X5A+R50.81"),
        ("Basal cell carcinoma of the left ear.", "Basal cell carcinoma", "C44.219"),
        ("Squamous cell carcinoma of the scalp.", "Squamous cell carcinoma", "C44.42"),
        ("Melanoma on the right forearm.", "Melanoma", "C43.61"),
        ("Diffuse large B-cell lymphoma of cervical lymph nodes.", "Diffuse large B-cell lymphoma", "C83.31"),
        ("Lung cancer of the right upper lobe.", "Lung cancer", "C34.11"),
        ("Vascular dementia with agitation.", "Vascular dementia", "F01.511"),
        ("Sensorineural hearing loss, bilateral.", "Sensorineural hearing loss", "H90.3"),
        (
            "34 weeks pregnant, gestational diabetes on diet alone. Preeclampsia was ruled out.",
            "gestational diabetes",
            "O24.410+Z3A.34",
        ),
        ("Severe preeclampsia at 36 weeks of pregnancy.", "Severe preeclampsia", "O14.13+Z3A.36"),
        ("Breast cancer of the upper outer quadrant.", "Breast cancer of the upper outer quadrant", "C50.419"),
        ("He has breast cancer, a 60 year old man, on the left.", "breast cancer", "C50.929"),
        ("Knee pain.", "Knee pain", "M25.569"),
        ("Diagnosis: LOM, started on amoxicillin.", "LOM", "H66.92"),
        ("Rheumatoid arthritis of both hands.", "Rheumatoid arthritis of both hands", "M06.9"),
        ("Bipolar I disorder, current episode manic, severe with psychotic features.", "Bipolar I disorder", "F31.2"),
        ("LEFT KNEE: moderate effusion.", "moderate effusion", "M25.462"),
    ] {
        let start = text.find(term).expect("the term");
        let codes = coded(&pipeline, text, Span::new(start, start + term.len()));
        let first = codes.first().map(|(code, with)| [&[code.clone()][..], with].concat().join("+")).unwrap_or_default();
        if first != wanted {
            wrong.push(format!("{term:?} in {text:?}: wants {wanted}, gets {first}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
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
            let found = &codes[0].1;
            let complete = with.iter().all(|code| found.iter().any(|found| found == code));
            beside += usize::from(complete);
            if !complete {
                println!(
                    "{:<10} {term:?} in {text:?}: wants {with:?} beside {}, gets {found:?}",
                    row.get("guideline")?,
                    codes[0].0
                );
            }
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
