//! What each kind of change of a site's pack does to an extraction, and what it leaves alone.

use std::sync::{Arc, OnceLock};

use super::{NoteInput, PACK_SCORE, PackProblem, Pipeline, site_pack::is_of_pack};
use crate::{
    domain::{
        Assertion, ChosenCode, CodeCandidate, CodePreference, CodeRole, CodedEntry, EntryKind, Extraction, KindThreshold,
        NotReportable, PackChange, ScoredBy, SitePack, SiteTerm, SuppressedTerm, system,
    },
    recognize::merge::Recognizers,
    vocabulary::Tables,
};

/// The dictionary, loaded once.
fn pipeline() -> &'static Pipeline {
    static LOADED: OnceLock<Pipeline> = OnceLock::new();
    LOADED.get_or_init(|| {
        let tables = Tables::embedded().expect("tables");
        Pipeline::new(&tables, None, Recognizers { dictionary: true, model: false }).expect("a pipeline")
    })
}

fn with(changes: impl IntoIterator<Item = PackChange>) -> Pipeline {
    let pack = changes.into_iter().fold(SitePack::default(), SitePack::with);
    let pack = pipeline().checked_pack(pack).expect("can be used");
    let pipeline = pipeline().with_site_pack(Some((7, Arc::new(pack))));
    assert_eq!(pipeline.pack_rows_left_out(), 0);
    pipeline
}

fn extracted(pipeline: &Pipeline, text: &str) -> Extraction {
    pipeline.extract(NoteInput { note_id: "n".to_owned(), text: text.to_owned(), ..NoteInput::default() }).expect("extracts")
}

fn icd(code: &str) -> ChosenCode {
    ChosenCode { system: system::ICD10CM.to_owned(), code: code.to_owned(), display: String::new() }
}

fn rxnorm(code: &str) -> ChosenCode {
    ChosenCode { system: system::RXNORM.to_owned(), ..icd(code) }
}

fn term(words: &str, kind: EntryKind, code: ChosenCode) -> PackChange {
    PackChange::AddTerm(SiteTerm { words: words.to_owned(), kind, code })
}

fn suppressed(words: &str, code: Option<ChosenCode>, section: Option<&str>) -> PackChange {
    let section = section.map(str::to_owned);
    PackChange::Suppress(SuppressedTerm { words: words.to_owned(), kind: EntryKind::Diagnosis, code, section })
}

fn preferred(words: &str, kind: EntryKind, (instead_of, code): (Option<ChosenCode>, ChosenCode)) -> PackChange {
    PackChange::Prefer(CodePreference { words: words.to_owned(), kind, instead_of, code })
}

/// The entry that rests on these words.
fn entry<'a>(extraction: &'a Extraction, words: &str) -> Option<&'a CodedEntry> {
    extraction.entries.iter().find(|entry| entry.evidence.iter().any(|evidence| evidence.text == words))
}

fn first(entry: &CodedEntry) -> (&str, &str) {
    entry.codes.first().map_or(("", ""), |code| (code.code.as_str(), code.why.as_str()))
}

/// Code of an ingredient, as the vocabularies have it.
fn ingredient(name: &str) -> String {
    let note = extracted(pipeline(), &format!("MEDICATIONS: {name} 10 mg daily."));
    note.entries[0].codes[0].code.clone()
}

#[test]
fn a_term_of_the_site_is_found_and_gets_its_code_first() {
    let text = "ASSESSMENT: Zorblitis, worse since Monday. Asthma.";
    assert!(entry(&extracted(pipeline(), text), "Zorblitis").is_none());
    let with_pack = extracted(&with([term("Zorblitis", EntryKind::Diagnosis, icd("K29.70"))]), text);
    let found = entry(&with_pack, "Zorblitis").expect("is found");
    assert_eq!(first(found), ("K29.70", "a term of this site"));
    assert_eq!((found.assertion, found.reportable), (Some(Assertion::Present), true));
    assert_eq!(found.evidence[0].sources, ["dictionary:site_pack"]);
    assert!((found.codes[0].score - PACK_SCORE).abs() < 1e-6 && !found.codes[0].display.is_empty());
    let expected = PACK_SCORE * found.evidence[0].confidence;
    assert!((found.confidence.expect("a probability") - expected).abs() < 1e-6, "no more than the words and the pack allow");
    assert_eq!(with_pack.engine.site_pack.as_deref(), Some("7"));
    let asthma = |extraction: &Extraction| entry(extraction, "Asthma").cloned();
    assert_eq!(asthma(&with_pack), asthma(&extracted(pipeline(), text)), "the rest is what it was");
}

#[test]
fn terms_keep_to_word_edges_and_short_ones_to_capitals() {
    let changed = with([term("zorb", EntryKind::Diagnosis, icd("K29.70")), term("mz", EntryKind::Diagnosis, icd("J45.909"))]);
    for (text, words, is_found) in [
        ("He has zorbs and wheezing.", "zorbs", true),
        ("The zorbing ball was soft.", "zorb", false),
        ("Known MZ, stable.", "MZ", true),
        ("Seen with Mz Porter today.", "Mz", false),
        ("PROBLEM LIST:\nmz\n", "mz", true),
    ] {
        assert_eq!(entry(&extracted(&changed, text), words).is_some(), is_found, "{text}");
    }
}

#[test]
fn a_denied_term_is_denied_and_a_relatives_is_the_relatives() {
    let changed = with([term("zorblitis", EntryKind::Diagnosis, icd("C50.919"))]);
    let denied = extracted(&changed, "HISTORY: She denies zorblitis.");
    let denied = entry(&denied, "zorblitis").expect("is found");
    assert_eq!((denied.assertion, denied.not_reportable_because), (Some(Assertion::Absent), Some(NotReportable::Negated)));
    let family = extracted(&changed, "FAMILY HISTORY: Mother had zorblitis.");
    let family = entry(&family, "zorblitis").expect("is found");
    assert_eq!(family.assertion, Some(Assertion::Family));
    assert_eq!(first(family), ("Z80.3", "family history of C50.919; a term of this site"));
    let history = extracted(&changed, "HISTORY: Remote history of zorblitis.");
    let history = entry(&history, "zorblitis").expect("is found");
    assert_eq!((history.assertion, first(history).0), (Some(Assertion::Historical), "Z85.3"));
}

#[test]
fn what_is_suppressed_is_not_suggested_there() {
    let text = "FAMILY HISTORY: Father has gout.\n\nASSESSMENT: Gout. Asthma.";
    let found = |changed: &Pipeline| {
        let extraction = extracted(changed, text);
        let of_gout =
            extraction.entries.iter().flat_map(|entry| &entry.evidence).filter(|at| at.text.eq_ignore_ascii_case("gout"));
        let mut sections: Vec<String> = of_gout.map(|at| at.section.clone()).collect();
        sections.sort_unstable();
        assert!(entry(&extraction, "Asthma").is_some());
        sections.join(" ")
    };
    assert_eq!(found(pipeline()), "assessment family_history");
    assert_eq!(found(&with([suppressed("gout", None, None)])), "");
    assert_eq!(found(&with([suppressed("gout", None, Some("family_history"))])), "assessment");
    let code = entry(&extracted(pipeline(), text), "Gout").expect("is found").codes[0].code.clone();
    assert_eq!(found(&with([suppressed("gout", Some(icd(&code)), Some("assessment"))])), "family_history");
    assert_eq!(found(&with([suppressed("gout", Some(icd("J45.909")), None)])), "assessment family_history", "another code");
}

#[test]
fn a_preferred_code_stands_first_and_says_so() {
    let text = "ASSESSMENT: Gout.\n\nFAMILY HISTORY: Father has gout.";
    let before = extracted(pipeline(), text);
    let own = entry(&before, "Gout").expect("is found").codes[0].clone();
    assert_ne!(own.code, "M10.00");
    let after = extracted(&with([preferred("gout", EntryKind::Diagnosis, (Some(icd(&own.code)), icd("M10.00")))]), text);
    let gout = entry(&after, "Gout").expect("is found");
    assert_eq!(first(gout), ("M10.00", "this site prefers it"));
    let displaced = gout.codes.iter().find(|code| code.code == own.code).expect("stays below");
    assert!(displaced.score <= 1.0 - PACK_SCORE + 1e-6 && gout.codes.iter().zip(1..).all(|(code, rank)| code.rank == rank));
    let family = |extraction: &Extraction| {
        let found = extraction.entries.iter().find(|entry| entry.assertion == Some(Assertion::Family)).expect("is found");
        first(found).0.to_owned()
    };
    assert_eq!(family(&after), family(&before), "a relative's is coded as before");
    // another first code than the one named stays
    let other = extracted(&with([preferred("gout", EntryKind::Diagnosis, (Some(icd("J45.909")), icd("M10.00")))]), text);
    assert_eq!(first(entry(&other, "Gout").expect("is found")).0, own.code);
    // the engine's own choice keeps its measured probability
    let same = extracted(&with([preferred("gout", EntryKind::Diagnosis, (None, icd(&own.code)))]), text);
    let same = entry(&same, "Gout").expect("is found");
    assert_eq!(first(same).1, format!("this site prefers it; {}", own.why));
    assert_eq!(same.confidence, entry(&before, "Gout").expect("is found").confidence);
    assert_eq!([gout, same].map(|entry| entry.codes[0].scored_by), [ScoredBy::SitePack, ScoredBy::Engine]);
}

/// The words of `why` are for people: an engine's may end like the pack's, and the pack's may be followed by others.
#[test]
fn who_gave_a_probability_is_not_read_out_of_words() {
    let code = |why: &str, scored_by| CodeCandidate {
        rank: 1,
        role: CodeRole::Code,
        system: system::ICD10CM.to_owned(),
        code: "M10.9".to_owned(),
        display: "Gout, unspecified".to_owned(),
        score: 0.5,
        with: Vec::new(),
        why: why.to_owned(),
        features: std::collections::BTreeMap::new(),
        scored_by,
    };
    let words = "this note says it more fully: a term of this site";
    assert!(!is_of_pack(&[code(words, ScoredBy::Engine)]));
    assert!(is_of_pack(&[code("said otherwise", ScoredBy::SitePack), code(words, ScoredBy::Engine)]));
    assert!(!is_of_pack(&[]));
    // stored before it was told it reads as the engine's, and the engine's is stored as it was before
    let engine = code(words, ScoredBy::Engine);
    let stored = serde_json::to_value(&engine).expect("is JSON");
    assert!(stored.get("scored_by").is_none());
    assert_eq!(serde_json::from_value::<CodeCandidate>(stored).expect("reads"), engine);
    let of_pack = code(words, ScoredBy::SitePack);
    let stored = serde_json::to_value(&of_pack).expect("is JSON");
    assert_eq!(stored["scored_by"], "site_pack");
    assert_eq!(serde_json::from_value::<CodeCandidate>(stored).expect("reads"), of_pack);
}

/// A convention gives a code of the pack's another code: the probability is still the pack's, which nobody measured.
#[test]
fn a_code_that_a_convention_made_of_the_packs_keeps_the_packs_probability() {
    let changed = with([term("zorblitis", EntryKind::Diagnosis, icd("J44.9"))]);
    let found = extracted(&changed, "ASSESSMENT: Zorblitis. Pneumonia.");
    let found = entry(&found, "Zorblitis").expect("is found");
    let first = &found.codes[0];
    assert!(first.code == "J44.0" && first.why.ends_with("a term of this site"), "{first:?}");
    assert_eq!(first.scored_by, ScoredBy::SitePack);
    let expected = first.score * found.evidence[0].confidence;
    assert!((found.confidence.expect("a probability") - expected).abs() < 1e-6);
}

#[test]
fn a_medication_of_the_site_gets_directions_and_is_known_as_an_allergen() {
    let lisinopril = ingredient("lisinopril");
    let changed = with([term("zestolin", EntryKind::Medication, rxnorm(&lisinopril))]);
    let text = "MEDICATIONS: Zestolin 10 mg by mouth daily.";
    let found = extracted(&changed, text);
    let drug = entry(&found, "Zestolin").expect("is found");
    assert_eq!(first(drug), (lisinopril.as_str(), "a term of this site"));
    assert!(drug.attributes.strength.is_some() && drug.attributes.frequency.is_some(), "{:?}", drug.attributes);
    assert!(drug.codes.iter().any(|code| code.role == CodeRole::ClinicalDrug), "strength and ingredient name a drug");
    let allergic = extracted(&changed, "ALLERGIES: Zestolin (hives).");
    let allergy = entry(&allergic, "Zestolin").expect("is found");
    assert_eq!((allergy.kind, first(allergy).0), (EntryKind::Allergy, lisinopril.as_str()));
    assert!(allergy.codes.iter().any(|code| code.role == CodeRole::AllergyStatus));
}

#[test]
fn an_allergen_of_the_site_counts_where_the_note_speaks_of_allergies() {
    let code = ingredient("amoxicillin");
    let changed = with([term("floxozin", EntryKind::Allergy, rxnorm(&code))]);
    let found = extracted(&changed, "ALLERGIES: floxozin, rash.\n\nPLAN: The floxozin study is closed.");
    let allergies: Vec<_> = found.entries.iter().filter(|entry| entry.kind == EntryKind::Allergy).collect();
    assert_eq!(allergies.len(), 1);
    assert_eq!((first(allergies[0]).0, allergies[0].evidence.len()), (code.as_str(), 1));
}

#[test]
fn a_preferred_ingredient_takes_the_place_of_the_engines() {
    let (own, other) = (ingredient("metformin"), ingredient("lisinopril"));
    let changed = with([preferred("metformin", EntryKind::Medication, (Some(rxnorm(&own)), rxnorm(&other)))]);
    let found = extracted(&changed, "MEDICATIONS: Metformin 500 mg twice daily.");
    let drug = entry(&found, "Metformin").expect("is found");
    assert_eq!(first(drug), (other.as_str(), "this site prefers it"));
    assert!(drug.codes.iter().all(|code| code.code != own));
}

#[test]
fn without_a_pack_every_byte_is_what_it_was() {
    let changed = with([
        term("zorblitis", EntryKind::Diagnosis, icd("K29.70")),
        suppressed("gout", None, None),
        PackChange::SetThreshold(KindThreshold { kind: EntryKind::Diagnosis, shown_from: 10 }),
    ]);
    let back = changed.with_site_pack(None);
    let json = |pipeline: &Pipeline, text: &str| serde_json::to_string(&extracted(pipeline, text)).expect("is JSON");
    let mut notes = 0;
    for line in include_str!("../cli/demo_notes.jsonl").lines() {
        let note: serde_json::Value = serde_json::from_str(line).expect("a note of the demo");
        let text = note["text"].as_str().expect("its text");
        let plain = json(pipeline(), text);
        assert!(!plain.contains("site_pack"));
        assert_eq!(json(&back, text), plain);
        // an empty pack names itself and changes nothing else
        let empty = json(&pipeline().with_site_pack(Some((1, Arc::default()))), text);
        assert_eq!(empty.replace(r#","site_pack":"1""#, ""), plain);
        notes += 1;
    }
    assert!(notes > 5, "{notes}");
}

#[test]
fn what_cannot_be_used_is_refused_with_its_row() {
    let problem = |changes: Vec<PackChange>| {
        let pack = changes.into_iter().fold(SitePack::default(), SitePack::with);
        pipeline().checked_pack(pack).expect_err("is refused").to_string()
    };
    let good = || term("zorblitis", EntryKind::Diagnosis, icd("K29.70"));
    for (changes, said) in [
        (vec![good(), term("flib", EntryKind::Diagnosis, icd("Q99.99Z"))], "terms, row 2: \"Q99.99Z\" is no code"),
        (vec![term("flib", EntryKind::Diagnosis, icd("K29"))], "terms, row 1: \"K29\" is no code"),
        (vec![term("flib", EntryKind::Diagnosis, rxnorm("29046"))], "is no code that can be chosen for a diagnosis"),
        (vec![term("flib", EntryKind::Medication, rxnorm("0"))], "is no code that can be chosen for a medication"),
        (vec![term(" .. ", EntryKind::Diagnosis, icd("K29.70"))], "terms, row 1: the words must have a letter"),
        (vec![term("flib", EntryKind::NoKnownAllergies, icd("K29.70"))], "the kind must be diagnosis, medication or allergy"),
        (vec![preferred("gout", EntryKind::Diagnosis, (None, icd("Z999.1")))], "preferences, row 1: \"Z999.1\" is no code"),
        (vec![PackChange::SetThreshold(KindThreshold { kind: EntryKind::Allergy, shown_from: 101 })], "must be 0 to 100"),
        (vec![good(), term("the Zorblitis", EntryKind::Diagnosis, icd("K29.70"))], "terms, row 2: an earlier row"),
    ] {
        let problem = problem(changes);
        assert!(problem.contains(said), "{problem} / {said}");
    }
    let many =
        SitePack { thresholds: vec![KindThreshold { kind: EntryKind::Allergy, shown_from: 1 }; 20_001], ..SitePack::default() };
    assert_eq!(pipeline().checked_pack(many), Err(PackProblem::TooLong(20_001)));
}

#[test]
fn a_row_whose_code_the_tables_lost_is_left_out_and_the_rest_is_used() {
    let pack = SitePack::default().with(term("zorblitis", EntryKind::Diagnosis, icd("K29.70"))).with(term(
        "flibosis",
        EntryKind::Diagnosis,
        icd("K00.XYZ"),
    ));
    let changed = pipeline().with_site_pack(Some((2, Arc::new(pack))));
    assert_eq!(changed.pack_rows_left_out(), 1);
    let found = extracted(&changed, "ASSESSMENT: Zorblitis. Flibosis.");
    assert!(entry(&found, "Zorblitis").is_some() && entry(&found, "Flibosis").is_none());
}

/// Prints how much longer an extraction takes with a thousand terms; asserts only what no noise of a machine explains.
#[test]
fn a_thousand_terms_cost_little() {
    let codes: Vec<String> = pipeline()
        .vocabulary()
        .codes()
        .all()
        .iter()
        .filter(|code| code.billable)
        .take(1_000)
        .map(|code| code.code.clone())
        .collect();
    let name = |number: usize| {
        let letter = |place: usize| {
            char::from(b'a' + u8::try_from(number / 26usize.pow(u32::try_from(place).unwrap_or(0)) % 26).unwrap_or(0))
        };
        format!("zq{}{}{}osis of hand", letter(0), letter(1), letter(2))
    };
    let changed = with(codes.iter().enumerate().map(|(number, code)| term(&name(number), EntryKind::Diagnosis, icd(code))));
    let texts: Vec<String> = include_str!("../cli/demo_notes.jsonl")
        .lines()
        .map(|line| {
            serde_json::from_str::<serde_json::Value>(line).expect("a note")["text"].as_str().expect("its text").to_owned()
        })
        .collect();
    let run = |pipeline: &Pipeline| {
        let start = std::time::Instant::now();
        let entries: usize = texts.iter().map(|text| extracted(pipeline, text).entries.len()).sum();
        assert!(entries > 50);
        start.elapsed().as_secs_f64()
    };
    // one after the other, the fastest of each: what else runs on the machine slows both
    let (mut plain, mut packed) = (f64::MAX, f64::MAX);
    for _ in 0..9 {
        plain = plain.min(run(pipeline()));
        packed = packed.min(run(&changed));
    }
    println!(
        "{} notes: {:.1} ms without a pack, {:.1} ms with 1,000 terms, ratio {:.3}",
        texts.len(),
        plain * 1e3,
        packed * 1e3,
        packed / plain
    );
    assert!(packed < plain * 1.5, "ratio {:.3}", packed / plain);
}
