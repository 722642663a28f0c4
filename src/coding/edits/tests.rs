//! The edits on the real notes and tables.

use std::{collections::BTreeSet, io::Read, sync::LazyLock, time::Instant};

use super::*;
use crate::vocabulary::NoteKind;

const CASES: &str = include_str!("cases.txt");
const ENCOUNTERS: &str = include_str!("encounters.txt");
const SHIPPED: &str = include_str!("../../../vocabularies/edit_policy.tsv");
const COMMON: &str = include_str!("common_codes.txt");
const LIMITS: &str = include_str!("../../../vocabularies/code_limits.tsv");
/// Our policy, but with the heaviest weight for Excludes1, so that the cases tell what the rule itself says.
static POLICY: LazyLock<String> = LazyLock::new(|| SHIPPED.replace("\nexcludes1\tsoft", "\nexcludes1\thard"));

static BOOK: LazyLock<CodeBook> = LazyLock::new(|| {
    CodeBook::parse(("icd10cm", &unpacked(include_bytes!("../../../vocabularies/icd10cm.tsv.gz")))).expect("the codes")
});
static NOTES: LazyLock<CodeNotes> = LazyLock::new(|| {
    let notes = unpacked(include_bytes!("../../../vocabularies/icd10cm_notes.tsv.gz"));
    CodeNotes::parse(("icd10cm_notes", &notes), ("hcc", "code\tv24\tv28\n")).expect("the notes")
});
/// The edition.
const THIS: &str = "this";
static RULES: LazyLock<EditRules> = LazyLock::new(|| rules(LIMITS, &POLICY).expect("our tables"));

fn unpacked(bytes: &[u8]) -> String {
    let mut text = String::new();
    flate2::read::GzDecoder::new(bytes).read_to_string(&mut text).expect("a gzip table");
    text
}

fn rules(limits: &str, policy: &str) -> Result<EditRules, TableError> {
    EditRules::new([(THIS, &*BOOK, &*NOTES)], ("code_limits", limits), ("edit_policy", policy))
}

fn common() -> Vec<&'static str> {
    COMMON.split_whitespace().collect()
}

fn about(words: &str) -> About {
    let mut about = About::default();
    for word in words.split_whitespace() {
        match (word, word.strip_suffix('y'), word.strip_suffix('d')) {
            ("F", ..) => about.sex = Some(Sex::Female),
            ("M", ..) => about.sex = Some(Sex::Male),
            (_, Some(years), _) => about.age_years = Some(years.parse().expect("years")),
            (_, _, Some(days)) => about.age_days = Some(days.parse().expect("days")),
            _ => panic!("not understood: {word}"),
        }
    }
    about
}

/// The cases of a table: its group and line, codes, who, expected edits.
fn lines(table: &str) -> Vec<(String, Vec<&str>, About, Vec<&str>)> {
    let mut group = "";
    let mut out = Vec::new();
    for line in table.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if line.starts_with('[') {
            group = line;
            continue;
        }
        let mut parts = line.split('|').map(str::trim);
        let (codes, who, expected) = (parts.next().expect("codes"), parts.next().expect("who"), parts.next().expect("edits"));
        let expected = expected.split(';').map(str::trim).filter(|edit| *edit != "-").collect();
        out.push((format!("{group} {line}"), codes.split_whitespace().collect(), about(who), expected));
    }
    out
}

fn in_words(edits: &[Edit]) -> BTreeSet<String> {
    let words = |edit: &Edit| format!("{} {} {}", edit.severity.as_str(), edit.kind.as_str(), edit.codes.join(" "));
    edits.iter().map(words).collect()
}

#[test]
fn encounters() {
    let rules = rules(LIMITS, SHIPPED).expect("our tables");
    let cases = lines(ENCOUNTERS);
    let wrong: Vec<String> = cases
        .iter()
        .filter_map(|(line, codes, about, expected)| {
            let found = in_words(&rules.check(THIS, codes, about));
            let expected: BTreeSet<String> = expected.iter().map(|edit| (*edit).to_owned()).collect();
            (found != expected).then(|| format!("{line}\n    found {found:#?}"))
        })
        .collect();
    assert!(cases.len() >= 60, "{} cases", cases.len());
    assert!(wrong.is_empty(), "{} of {} are wrong:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

#[test]
fn cases() {
    let mut wrong = Vec::new();
    let cases = lines(CASES);
    for (line, codes, about, expected) in &cases {
        let edits = RULES.check(THIS, codes, about);
        let found = in_words(&edits);
        let (unwanted, wanted): (Vec<&str>, Vec<&str>) = expected.iter().partition(|edit| edit.starts_with("no "));
        let missing = wanted.iter().filter(|edit| !found.contains(**edit)).count();
        let only = unwanted.is_empty();
        let extra =
            found.iter().filter(|edit| only && !edit.starts_with("informational") && !wanted.contains(&edit.as_str())).count();
        let forbidden = edits.iter().filter(|edit| {
            let words = |code: &String| format!("no {} {code}", edit.kind.as_str());
            edit.codes.iter().any(|code| unwanted.contains(&words(code).as_str()))
        });
        if missing + extra + forbidden.count() > 0 {
            wrong.push(format!("{line}\n    found {found:#?}"));
        }
    }
    assert!(cases.len() >= 60, "{} cases", cases.len());
    assert!(wrong.is_empty(), "{} of {} are wrong:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

/// The titles decide which codes name the side that another leaves open; a quadrant of the abdomen is no side.
#[test]
fn sides_by_title() {
    let sides = |code: &str| {
        let key = key::Key::parse(code).expect("a code");
        let open = RULES.editions[0].1.facts.unspecified(key)?;
        open.sides.map(|(right, left)| (right.to_string(), left.to_string()))
    };
    for (open, right, left) in [
        ("M25.569", "M25.561", "M25.562"),
        ("C50.919", "C50.911", "C50.912"),
        ("G81.90", "G81.91", "G81.92"),
        ("H53.469", "H53.461", "H53.462"),
        ("C43.10", "C43.111", "C43.121"),
        ("T87.30", "T87.31", "T87.32"),
        ("M60.002", "M60.000", "M60.001"),
        ("S72.019A", "S72.011A", "S72.012A"),
    ] {
        assert_eq!(sides(open), Some((right.to_owned(), left.to_owned())), "{open}");
    }
    for code in ["S31.109A", "S72.001A", "I50.9", "M25.561"] {
        assert_eq!(sides(code), None, "{code}");
    }
}

#[test]
fn messages_say_what_to_do() {
    let message = |codes: &[&str]| RULES.check(THIS, codes, &About::default()).into_iter().next().expect("an edit").message;
    assert_eq!(
        message(&["E11.9", "E10.9"]),
        "E10.9 and E11.9 are not coded together: E10 has the note Excludes1 \"type 2 diabetes mellitus (E11.-)\". Keep the one that the \
         record supports, unless the two are unrelated (Guidelines I.A.12.a)."
    );
    assert_eq!(
        message(&["D63.1"]),
        "Add the code that the note asks for and put it before D63.1. Note at D63.1: \"Code first underlying chronic kidney disease \
         (CKD) (N18.-)\"."
    );
    assert!(message(&["S72.001"]).starts_with("S72.001 lacks its seventh character"));
    assert!(message(&["W19"]).starts_with("W19 lacks its seventh character. Add the one of this encounter, such as W19.XXXA"));
    assert!(message(&["N18.3"]).contains("Choose a code below it, such as N18.30."));
    assert!(message(&["M25.569"]).contains("Choose M25.561 (right), M25.562 (left)"));
}

#[test]
fn the_order_is_by_severity_then_code() {
    let mut codes = vec!["M25.569", "I10", "I10", "J18.9", "E11.9", "E10.9", "S72.001", "F02.80", "D63.1"];
    let edits = RULES.check(THIS, &codes, &About::default());
    let order: Vec<(Severity, &Vec<String>)> = edits.iter().map(|edit| (edit.severity, &edit.codes)).collect();
    assert!(order.is_sorted(), "{order:#?}");
    codes.reverse();
    assert_eq!(RULES.check(THIS, &codes, &About::default()), edits, "the order of the list changes nothing");
}

#[test]
fn each_problem_once() {
    let codes = common();
    for list in codes.chunks(60) {
        let edits = RULES.check(THIS, list, &About::default());
        let mut seen = BTreeSet::new();
        for edit in &edits {
            let mut concerned = edit.codes.clone();
            concerned.sort();
            // code-first notes of two places are two problems
            assert!(seen.insert((edit.kind, concerned, edit.rule.clone())), "{edit:?}");
        }
        let additional: Vec<_> =
            edits.iter().filter(|edit| edit.kind == EditKind::UseAdditionalCode).map(|edit| &edit.codes).collect();
        assert_eq!(additional.len(), additional.iter().collect::<BTreeSet<_>>().len(), "one a code");
    }
}

/// All pairs of 300 common codes, and the time of a long list.
#[test]
fn many_lists_are_quick() {
    let codes = common();
    assert_eq!(codes.len(), 300);
    assert!(codes.iter().all(|code| BOOK.is_billable(code)), "a code is not billable");
    let about = About::default();
    let (mut pairs, mut excluded) = (0_u32, 0_u32);
    let start = Instant::now();
    for (place, one) in codes.iter().enumerate() {
        for other in &codes[place + 1..] {
            let edits = RULES.check(THIS, &[one, other], &about);
            pairs += 1;
            excluded += u32::from(edits.iter().any(|edit| edit.kind == EditKind::Excludes1));
        }
    }
    let all = start.elapsed();
    let lists: Vec<&[&str]> = codes.chunks(60).collect();
    let start = Instant::now();
    for list in lists.iter().cycle().take(50) {
        assert!(!RULES.check(THIS, list, &about).is_empty());
    }
    let each = start.elapsed() / 50;
    println!("{pairs} pairs, {excluded} of them excluded, {all:?}; a list of 60 codes {each:?}");
    // two milliseconds are the aim of an optimized build; this one may run unoptimized beside other tests
    assert!(each.as_millis() < if cfg!(debug_assertions) { 60 } else { 4 }, "{each:?}");
    assert!((100..2000).contains(&excluded), "{excluded} of {pairs} pairs");
}

/// What the parser gets out of the notes. The floors are a little below what was reached.
#[test]
fn most_notes_hold_ranges() {
    let known = |listed: &ranges::Listed| RULES.editions[0].1.facts.any_in(listed.span);
    for (kind, floor) in [(NoteKind::Excludes1, 97), (NoteKind::CodeFirst, 74), (NoteKind::UseAdditionalCode, 78)] {
        let (mut notes, mut ranges, mut silent, mut unknown) = (0, 0, 0, 0);
        for note in NOTES.all().iter().filter(|note| note.kind == kind) {
            let listed = if kind == NoteKind::Excludes1 { ranges::excluded(&note.text) } else { ranges::partners(&note.text) };
            notes += 1;
            ranges += listed.len();
            silent += usize::from(listed.is_empty());
            for listed in listed.iter().filter(|listed| !known(listed)) {
                println!("no code of the edition: {} {listed:?}", note.text);
                unknown += 1;
            }
        }
        println!("{}: {notes} notes, {ranges} ranges, {silent} notes without, {unknown} ranges without codes", kind.as_str());
        assert!((notes - silent) * 100 >= notes * floor, "{}: {silent} of {notes} without ranges", kind.as_str());
        assert!(unknown * 200 <= ranges, "{}: {unknown} ranges hold no code", kind.as_str());
    }
    let rules = &RULES.editions[0].1.notes;
    let instructions = |all: &[instructions::Instruction]| {
        let ranged = all.iter().filter(|note| !note.listed.is_empty()).count();
        let strict = all.iter().filter(|note| !note.listed.is_empty() && !note.conditional).count();
        format!("{} statements, {ranged} with ranges, {strict} of them unconditional", all.len())
    };
    println!("code first: {}", instructions(rules.first.all()));
    println!("use additional: {}", instructions(rules.additional.all()));
}

/// The same conditions at a block and at a chapter.
#[test]
fn notes_at_ranges_hold_for_what_is_inside() {
    let text = "code\tkind\tnote\n\
                N00-N08\texcludes1\thypertensive chronic kidney disease (I12.-)\n\
                O00-O9A\texcludes1\tsupervision of normal pregnancy (Z34.-)\n\
                N00-N08\texcludes1\tnephrotic syndrome (N04.-)\n";
    let notes = CodeNotes::parse(("notes", text), ("hcc", "code\tv24\tv28\n")).expect("notes");
    let rules =
        EditRules::new([(THIS, &*BOOK, &notes)], ("code_limits", LIMITS), ("edit_policy", &POLICY)).expect("our tables");
    let excluded = |codes: &[&str]| {
        let edits = rules.check(THIS, codes, &About::default());
        edits.into_iter().find(|edit| edit.kind == EditKind::Excludes1).map(|edit| (edit.rule, edit.codes))
    };
    assert_eq!(excluded(&["N04.9", "I12.9"]), Some(("N00-N08".to_owned(), vec!["N04.9".to_owned(), "I12.9".to_owned()])));
    assert_eq!(excluded(&["Z34.01", "O09.91"]).expect("an edit").0, "O00-O9A");
    assert_eq!(excluded(&["N03.9", "N04.9"]), None);
}

#[test]
fn wrong_limits_are_refused() {
    let header = "prefix\tsex\tyoungest_years\toldest_years\tyoungest_days\toldest_days\tseverity\treason\n";
    for (row, message) in [
        ("c61?\tM\t\t\t\t\tsoft\tprostate", "is no code and no range"),
        ("X99-X00\tM\t\t\t\t\tsoft\tx", "is no code and no range"),
        ("C61\tX\t\t\t\t\tsoft\tx", "unknown sex \"X\""),
        ("C61\tM\told\t\t\t\tsoft\tx", "youngest_years \"old\" is no whole number"),
        ("C61\tM\t64\t9\t\t\tsoft\tx", "the youngest is older than the oldest"),
        ("C61\t\t\t\t\t\tsoft\tx", "limits nothing"),
        ("C61\tM\t\t\t\t\tsoft\t", "needs a reason"),
        ("C61\tM\t\t\t\t\tmild\tx", "unknown severity \"mild\""),
        ("C61\tM\t\t\t\t\tsoft\tx\nC61\tM\t\t\t\t\tsoft\tx", "stands twice"),
    ] {
        let error = rules(&format!("{header}{row}\n"), &POLICY).expect_err(row).to_string();
        assert!(error.contains(message) && error.contains("code_limits, line"), "{row}: {error}");
    }
}

#[test]
fn our_limits_are_many_and_hold_codes() {
    let limits = RULES.limits.all();
    assert!(limits.len() >= 120, "{} rows", limits.len());
    for limit in limits {
        let place = key::Span::parse(&limit.rule).expect("read before");
        assert!(RULES.editions[0].1.facts.any_in(place), "no code of the edition is in {}", limit.rule);
    }
}

/// R95 was retired: a site's table that still names it, or one that names a code to come, does not stop the start.
#[test]
fn a_prefix_without_codes_limits_nothing() {
    let rules = rules(&format!("{LIMITS}R95\t\t\t0\t\t\thard\tinfants\n"), SHIPPED).expect("reads");
    let about = about("M 70y");
    assert_eq!(rules.check(THIS, &["C61", "I10"], &about), RULES.check(THIS, &["C61", "I10"], &about));
}

#[test]
fn the_site_decides_on_the_severity() {
    let soft = POLICY.replace("excludes1\thard", "excludes1\tsoft").replace("duplicate\tsoft", "duplicate\toff");
    let rules = rules(LIMITS, &soft).expect("a policy");
    let edits = rules.check(THIS, &["E11.9", "E10.9", "E10.9"], &About::default());
    assert_eq!(
        edits.iter().map(|edit| (edit.kind, edit.severity)).collect::<Vec<_>>(),
        [(EditKind::Excludes1, Severity::Soft)]
    );
}

#[test]
fn odd_lists_are_checked_too() {
    for (age_years, age_days) in [(Some(u16::MAX), None), (None, Some(u32::MAX)), (Some(0), Some(u32::MAX))] {
        assert!(!RULES.check(THIS, &["Z00.110", "P59.9"], &About { sex: None, age_years, age_days }).is_empty());
    }
    let about = About { sex: Some(Sex::Male), age_years: Some(u16::MAX), age_days: Some(u32::MAX) };
    for list in [&[][..], &[""], &["", " ", "."], &["é", "E11.é", "\u{1F600}"], &["Z99.9999", "ZZZ", "A00-B99", "(E11)"]] {
        let edits = RULES.check(THIS, list, &about);
        assert!(edits.iter().all(|edit| matches!(edit.kind, EditKind::NotBillable | EditKind::Duplicate)), "{edits:?}");
    }
}
