//! Cases of headings, each with the kinds and bodies it must give.

use super::*;
use proptest::prelude::*;

fn table() -> SectionTable {
    SectionTable::parse(include_str!("../../vocabularies/sections.tsv")).expect("our own table")
}

fn outline(text: &str) -> Vec<(String, String)> {
    split_sections(text, &table())
        .into_iter()
        .map(|section| (section.kind.clone(), section.body.of(text).trim().to_owned()))
        .collect()
}

#[test]
fn headings() {
    let cases: &[(&str, &[(&str, &str)])] = &[
        (
            "PAST MEDICAL HISTORY: Hypertension. MEDICATIONS: Lisinopril 10 mg daily. ALLERGIES: None.",
            &[("past_medical_history", "Hypertension."), ("medications", "Lisinopril 10 mg daily."), ("allergies", "None.")],
        ),
        ("Past Medical History\nAsthma\n\nAllergies\nNKDA", &[("past_medical_history", "Asthma"), ("allergies", "NKDA")]),
        ("**Allergies**\nPenicillin", &[("allergies", "Penicillin")]),
        ("## Allergies\n- Penicillin", &[("allergies", "- Penicillin")]),
        ("**Allergies:** Penicillin", &[("allergies", "Penicillin")]),
        ("1. ALLERGIES: Sulfa.\n2. MEDICATIONS: None.", &[("allergies", "Sulfa."), ("medications", "None.")]),
        ("ALLERGIES - codeine", &[("allergies", "codeine")]),
        ("allergies: none", &[("allergies", "none")]),
        ("Pt seen. Allergies: NKDA. Plan: rest.", &[("unspecified", "Pt seen."), ("allergies", "NKDA."), ("plan", "rest.")]),
        ("PAST MEDCAL HISTORY: COPD.", &[("past_medical_history", "COPD.")]),
        ("PAST MEDICAL HISTROY: COPD.", &[("past_medical_history", "COPD.")]),
        (
            "PHYSICAL EXAM: HEENT: Clear. NECK: Supple.",
            &[("physical_examination", ""), ("physical_examination", "Clear."), ("physical_examination", "Supple.")],
        ),
        (
            "Review of Systems:\nGI: Denies ulcer.\nHeart: no MI",
            &[("review_of_systems", ""), ("review_of_systems", "Denies ulcer."), ("review_of_systems", "no MI")],
        ),
        ("PHARMACY COMMENTS: none given.", &[("other", "none given.")]),
        (
            "The patient is well. Note: he smokes. Advice given: stop.",
            &[("unspecified", "The patient is well. Note: he smokes. Advice given: stop.")],
        ),
        (
            "ASSESSMENT:\n1. HYPERTENSION: stable.\n2. Asthma: on inhaler.",
            &[("assessment", "1. HYPERTENSION: stable.\n2. Asthma: on inhaler.")],
        ),
        ("ALLERGIES TO MEDICINES: Keflex", &[("allergies", "Keflex")]),
        ("MEDICATIONS (AT HOME): aspirin", &[("home_medications", "aspirin")]),
        ("KNEE EXAMINATION: effusion", &[("physical_examination", "effusion")]),
        ("IMPRESSION/PLAN: COPD", &[("assessment_and_plan", "COPD")]),
        (
            "S: cough.\nO: clear.\nA: URI.\nP: fluids.",
            &[("subjective", "cough."), ("objective", "clear."), ("assessment", "URI."), ("plan", "fluids.")],
        ),
        ("FHX: Mother: CVA.", &[("family_history", "Mother: CVA.")]),
        ("ALLERGIES: PENICILLIN, FAMILY HISTORY: CAD.", &[("allergies", "PENICILLIN,"), ("family_history", "CAD.")]),
        ("PAST MEDICAL HISTORY Diabetes and gout.", &[("past_medical_history", "Diabetes and gout.")]),
        ("He has a past medical history of gout.", &[("unspecified", "He has a past medical history of gout.")]),
        ("", &[("unspecified", "")]),
    ];
    for (text, expected) in cases {
        let found = outline(text);
        let found: Vec<(&str, &str)> = found.iter().map(|(kind, body)| (kind.as_str(), body.as_str())).collect();
        assert_eq!(&found, expected, "{text:?}");
    }
}

#[test]
fn a_row_twice_is_refused() {
    let error = SectionTable::parse("kind\theading\nplan\tPlan\nother\tplan\n").expect_err("twice");
    assert_eq!(error.line, 3);
}

#[test]
fn kinds_are_listed() {
    let table = table();
    for kind in ["allergies", "family_history", "assessment_and_plan", "subheading", "risks"] {
        assert!(table.kinds().contains(&kind), "{kind}");
    }
    assert_eq!(table.kind("Past  Medical History"), Some("past_medical_history"));
}

fn well_formed(text: &str) -> Result<(), TestCaseError> {
    let mut end = 0;
    for section in split_sections(text, &table()) {
        if let Some(title) = section.title {
            prop_assert!(title.start >= end && !title.is_empty());
            prop_assert!(text.get(title.start..title.end).is_some());
            end = title.end;
        }
        prop_assert!(section.body.start >= end && section.body.start <= section.body.end);
        prop_assert!(text.get(section.body.start..section.body.end).is_some());
        end = section.body.end;
    }
    prop_assert_eq!(end, text.len());
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn spans_slice_back(text in "(\\PC|\\n){0,160}") {
        well_formed(&text)?;
    }

    #[test]
    fn spans_slice_back_between_headings(parts in proptest::collection::vec("(PLAN: |\\n\\*\\*Allergies\\*\\*|HEENT:|1\\. MEDS - |é. Ünd: |\\n|[A-Zß ]{0,9}:|\\PC{0,6})", 0..12)) {
        well_formed(&parts.concat())?;
    }
}
