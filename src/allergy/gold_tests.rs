//! Figures on the gold notes, where they lie beside the checkout, and codes against the source vocabularies.

use std::collections::{BTreeMap, HashSet};
use std::io::Read as _;

use super::{AllergyTables, AllergyTexts, find};
use crate::domain::{Span, table};
use crate::medication::gold_tests::{
    Counts, Gold, compare, document, fixture, gold, listed, marked, pairs, shared, table as our_table,
};

pub(super) fn tables() -> AllergyTables {
    AllergyTables::parse(AllergyTexts {
        allergens: &our_table("allergens.tsv"),
        reactions: &our_table("reactions.tsv"),
        phrases: &our_table("reaction_phrases.tsv"),
        links: &our_table("allergy_links.tsv"),
    })
    .expect("our own tables")
}

#[test]
fn allergies_of_the_gold() {
    let tables = tables();
    let notes = gold();
    let (mut mentions, mut none, mut attributes) = (Counts::default(), Counts::default(), BTreeMap::new());
    let (mut asserted, mut scoped) = (0, 0);
    for (id, document, gold) in &notes {
        let of = |kinds: &[&str]| gold.iter().filter(|one| kinds.contains(&one.kind.as_str())).collect::<Vec<&Gold>>();
        let mut candidates: Vec<Span> = of(&["AL", "RX"]).iter().map(|one| one.span).collect();
        candidates.sort_unstable();
        candidates.dedup();
        let found = find(document, &tables, &candidates, &[]);
        let line = |span: Span| {
            let (mut start, mut end) = (span.start.saturating_sub(90), (span.end + 60).min(document.text.len()));
            while !document.text.is_char_boundary(start) {
                start += 1;
            }
            while !document.text.is_char_boundary(end) {
                end -= 1;
            }
            format!(
                "{id} {} <{}> {}",
                document.section_kind_at(span),
                span.of(&document.text),
                document.text[start..end].replace('\n', "|")
            )
        };
        let mut used = vec![false; found.allergies.len()];
        for one in of(&["AL"]) {
            let Some(hit) = found.allergies.iter().position(|other| other.span.overlaps(one.span)) else {
                println!("MISSED {} {}", one.assertion, line(one.span));
                continue;
            };
            if used[hit] {
                continue;
            }
            used[hit] = true;
            mentions.0 += 1;
            let right = found.allergies[hit].assertion.as_str() == one.assertion;
            asserted += usize::from(right);
            if !right {
                println!("ASSERTED {} for {}: {}", found.allergies[hit].assertion.as_str(), one.assertion, line(one.span));
            }
            let wanted: Vec<(String, String)> = one
                .attributes
                .iter()
                .flat_map(|(name, value)| value.split(" / ").map(|part| (name.clone(), part.to_owned())))
                .filter(|(name, _)| ["reaction", "severity"].contains(&name.as_str()))
                .collect();
            if !compare(&wanted, &listed(&found.allergies[hit].attributes), &mut attributes) {
                println!("REACTION want {wanted:?} have {:?} {}", listed(&found.allergies[hit].attributes), line(one.span));
            }
        }
        for (other, used) in found.allergies.iter().zip(&used) {
            if !used {
                println!("EXTRA {}", line(other.span));
            }
        }
        mentions.1 += found.allergies.len();
        mentions.2 += of(&["AL"]).len();
        for one in of(&["NKA"]) {
            if let Some(hit) = found.none_known.iter().find(|other| other.span.overlaps(one.span)) {
                none.0 += 1;
                let scope = format!("{:?}", hit.scope).to_lowercase();
                scoped += usize::from(scope == one.assertion);
                if hit.span != one.span {
                    println!("NKASPAN <{}> {}", hit.span.of(&document.text), line(one.span));
                }
                if scope != one.assertion {
                    println!("NKASCOPE {scope} {}", line(one.span));
                }
            } else {
                println!("NKAMISSED {}", line(one.span));
            }
        }
        for other in &found.none_known {
            if !of(&["NKA"]).iter().any(|one| one.span.overlaps(other.span)) {
                println!("NKAEXTRA {}", line(other.span));
            }
        }
        none.1 += found.none_known.len();
        none.2 += of(&["NKA"]).len();
    }
    if notes.is_empty() {
        return;
    }
    println!(
        "TOTAL allergies {:.3} {mentions:?} asserted {asserted}; none {:.3} {none:?} scoped {scoped}",
        mentions.f1(),
        none.f1()
    );
    for (name, count) in &attributes {
        println!("TOTAL {name} {:.3} {count:?}", count.f1());
    }
    assert!(mentions.f1() > 0.93 && none.f1() > 0.97, "{:.3}, none {:.3}", mentions.f1(), none.f1());
}

/// Codes of a source file: the named column of a table, or the first of a compressed list.
fn codes_of(file: &str) -> HashSet<String> {
    let Ok(bytes) = std::fs::read(shared("vocabularies").join(file)) else { return HashSet::new() };
    let mut text = String::new();
    if file.ends_with(".gz") {
        flate2::read::GzDecoder::new(&bytes[..]).read_to_string(&mut text).expect("a readable archive");
    } else {
        text = String::from_utf8(bytes).expect("UTF-8");
    }
    text.lines().filter_map(|line| line.split('\t').next()).map(str::to_owned).collect()
}

#[test]
fn every_code_exists_in_its_source() {
    let rxnorm = codes_of("rxnorm/ingredients.tsv");
    let mut snomed = HashSet::new();
    for file in [
        "snomed-gps/gps_2020.tsv.gz",
        "snomed-ips/AllergyIntolerance.tsv.gz",
        "snomed-ips/Problems.tsv.gz",
        "snomed-ips/Vaccines.tsv.gz",
    ] {
        snomed.extend(codes_of(file));
    }
    if rxnorm.is_empty() || snomed.is_empty() {
        return;
    }
    for (file, column, known) in [
        ("drug_classes.tsv", "rxcuis", &rxnorm),
        ("everyday_medications.tsv", "ingredients", &rxnorm),
        ("allergens.tsv", "code", &snomed),
        ("reactions.tsv", "code", &snomed),
    ] {
        table::read(file, &our_table(file), |row| {
            for code in row.get(column)?.split('|').filter(|code| !code.is_empty()) {
                assert!(known.contains(code), "{file}: {} has {code}", row.get("term")?);
            }
            Ok(())
        })
        .expect("our own table");
    }
}

#[test]
fn allergy_cases() {
    let tables = tables();
    let (mut mentions, mut none, mut attributes, mut right) = (Counts::default(), Counts::default(), BTreeMap::new(), 0);
    for line in fixture("allergy_cases.txt") {
        let (text, marks) = marked(&line);
        let document = document(&text);
        let of = |kind: &str| marks.iter().filter(|(_, mark)| mark.split_whitespace().next() == Some(kind)).collect::<Vec<_>>();
        let candidates: Vec<Span> =
            marks.iter().filter(|(_, mark)| mark.starts_with("al") || mark.starts_with("rx")).map(|(span, _)| *span).collect();
        let found = find(&document, &tables, &candidates, &[]);
        let mut same = found.allergies.len() == of("al").len() && found.none_known.len() == of("nka").len();
        for (span, mark) in of("al") {
            let Some(hit) = found.allergies.iter().find(|one| one.span.overlaps(*span)) else {
                same = false;
                continue;
            };
            mentions.0 += 1;
            let asserted = mark.split_whitespace().nth(1) == Some(hit.assertion.as_str());
            right += usize::from(asserted);
            let wanted: Vec<(String, String)> = pairs(mark)
                .into_iter()
                .flat_map(|(name, value)| value.split(" / ").map(|part| (name.clone(), part.to_owned())).collect::<Vec<_>>())
                .filter(|(name, _)| name == "reaction" || name == "severity")
                .collect();
            same &= compare(&wanted, &listed(&hit.attributes), &mut attributes) && asserted;
        }
        for (span, mark) in of("nka") {
            let hit = found.none_known.iter().find(|one| one.span.overlaps(*span));
            none.0 += usize::from(hit.is_some());
            same &= hit.is_some_and(|hit| mark.ends_with(&format!("{:?}", hit.scope).to_lowercase()));
        }
        mentions.1 += found.allergies.len();
        mentions.2 += of("al").len();
        none.1 += found.none_known.len();
        none.2 += of("nka").len();
        if !same {
            let have: Vec<String> = found
                .allergies
                .iter()
                .map(|one| format!("{}:{} {:?}", one.span.of(&text), one.assertion.as_str(), listed(&one.attributes)))
                .collect();
            let none: Vec<String> =
                found.none_known.iter().map(|one| format!("{} {:?}", one.span.of(&text), one.scope)).collect();
            println!("CASE {line}\n     have {have:?} {none:?}");
        }
    }
    let total = attributes.values().fold(Counts::default(), |sum, one| Counts(sum.0 + one.0, sum.1 + one.1, sum.2 + one.2));
    println!(
        "TOTAL cases {:.3} {mentions:?} asserted {right}; none {:.3} {none:?}; reactions {:.3} {total:?}",
        mentions.f1(),
        none.f1(),
        total.f1()
    );
    assert!(
        mentions.f1() > 0.96 && none.f1() > 0.93 && total.f1() > 0.94,
        "{:.3} {:.3} {:.3}",
        mentions.f1(),
        none.f1(),
        total.f1()
    );
}
