//! Figures on the gold notes, where they lie beside the checkout, and codes against the source vocabularies.

use std::collections::{BTreeMap, HashSet};
use std::io::Read as _;

use super::{AllergyTables, find};
use crate::domain::{Span, table};
use crate::medication::gold_tests::{Counts, Gold, compare, gold, listed, shared, table as our_table};

fn tables() -> AllergyTables {
    AllergyTables::parse(&our_table("allergens.tsv"), &our_table("reactions.tsv")).expect("our own tables")
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
    assert!(mentions.f1() > 0.5);
}
