//! The catalogue: plurals, elements in sentences, and what a site's own texts may be.

use super::{
    elements::{element, link},
    *,
};

mod fuzz;
mod sources;

/// A catalogue with these texts of a site.
fn site(texts: &str) -> Catalogue {
    Catalogue::of_site(texts).expect("can be used")
}

#[test]
fn plurals_are_those_of_the_language() {
    let english = Catalogue::english();
    let unread = |catalogue: &Catalogue, count: u64| catalogue.text_with("item-unread", &[("count", &count)]);
    assert_eq!([0, 1, 2].map(|count| unread(&english, count)), ["0 notes unread", "1 note unread", "2 notes unread"]);
    let polish = site(
        "language = pl\nitem-unread = { $count ->\n    [one] { $count } notatka\n    [few] { $count } notatki\n   *[many] { $count } notatek\n }\n",
    );
    let said = [1, 3, 5, 22, 12].map(|count| unread(&polish, count));
    assert_eq!(said, ["1 notatka", "3 notatki", "5 notatek", "22 notatki", "12 notatek"]);
    let large = english.text_with("queue-unread", &[("count", &1_234_567_u64)]);
    assert_eq!(large, "(1234567 unread)", "numbers are not grouped, as everywhere on the pages");
}

#[test]
fn a_choice_of_a_site_that_cannot_be_made_is_english() {
    let site = site("item-unread = { $count ->\n    [one] eine\n   *[other] { -nothing }\n }\n");
    assert_eq!(site.text_with("item-unread", &[("count", &1_u64)]), "eine");
    assert_eq!(site.text_with("item-unread", &[("count", &3_u64)]), "3 notes unread");
}

/// The parser calls itself for every brace: a file of braces alone would end the process.
#[test]
fn braces_without_end_are_no_text() {
    let deep = format!("# first\nqueue-title = {}", "{".repeat(1_000_000));
    assert!(matches!(Catalogue::of_site(&deep), Err(TextsError::Syntax { line: 2 })));
    let calls = format!("queue-title = {{\n{}", "A(".repeat(1_000_000));
    assert!(matches!(Catalogue::of_site(&calls), Err(TextsError::Syntax { line: 2 })));
    let smiles = "queue-title = :( {\"{\"}\n    ((( and more\nqueue-empty = (\n";
    assert!(Catalogue::of_site(smiles).is_ok(), "a few open brackets are words");
    let laughs: String =
        (1..20).map(|at| format!("-l{at} = {{ -l{} }}{{ -l{} }}{{ -l{} }}\n", at - 1, at - 1, at - 1)).collect();
    let bomb = format!("-l0 = ha\n{laughs}queue-title = {{ -l19 }}\n");
    assert!(Catalogue::of_site(&bomb).is_err(), "texts that stand in each other are not written out without end");
}

#[test]
fn what_a_site_lacks_stays_english() {
    let german = site("language = de\nqueue-title = Arbeitsliste\nitem-for = für { $name }\n");
    assert_eq!(german.text("queue-title"), "Arbeitsliste");
    assert_eq!(german.text("language"), "de");
    assert_eq!((german.text("queue-empty"), german.text("direction")), ("No encounters here.", "ltr"));
    assert_eq!(german.text_with("item-for-team", &[("team", &"Herz")]), "for the team Herz");
    let other_order = site("conflict-held-by = Bis { $time } bei { $name }.");
    assert_eq!(other_order.text_with("conflict-held-by", &[("name", &"lee"), ("time", &"12:00")]), "Bis 12:00 bei lee.");
    let counted = site("item-for = { $name ->\n    [lee] bei Lee\n   *[other] bei { $name }\n }\n");
    assert_eq!(["lee", "kim"].map(|name| counted.text_with("item-for", &[("name", &name)])), ["bei Lee", "bei kim"]);
    let without = site("item-for = zugewiesen");
    assert_eq!(without.text_with("item-for", &[("name", &"lee")]), "zugewiesen", "an argument may be left out");
    let terms = site("-house = St. Anna\nproduct = Abstractor, { -house }\n");
    assert_eq!(terms.text("product"), "Abstractor, St. Anna", "terms are the site's own");
    assert!(Catalogue::of_site("").is_ok() && Catalogue::of_site("# nothing yet\n").is_ok());
    assert!(Catalogue::of_site(ENGLISH_TEXTS).is_ok(), "the whole file is where a translation starts");
}

#[test]
fn what_cannot_be_used_is_told_with_what_to_do() {
    for (texts, told) in [
        ("queue-title = Liste\nqueue empty\n", "line 2 is no text"),
        ("queue-title = { $a\n", "line 1 is no text"),
        ("queue-titel = Liste\n", "there is no text \"queue-titel\""),
        ("queue-title = { $count } Liste\n", "\"queue-title\" has no argument $count: it has none"),
        ("item-for = { $nam }\n", "\"item-for\" has no argument $nam: it has $name"),
        ("item-unread = { $number ->\n [one] a\n *[other] b\n }\n", "it has $count"),
        ("queue-title = { -house }\n", "\"queue-title\" cannot be made"),
        ("queue-title = a\nqueue-title = b\n", "\"queue-title\" stands there twice"),
        ("queue-title =\n    .shown = a\n", "\"queue-title\" has no words"),
        ("language = the German one\n", "the tag of a language"),
        ("direction = left\n", "ltr or rtl"),
    ] {
        let Err(error) = Catalogue::of_site(texts) else { panic!("{texts} is taken") };
        assert!(error.to_string().contains(told), "{texts}: {error}");
    }
}

#[test]
fn only_elements_stand_in_a_page_as_they_are() {
    let hostile = "<b>&\u{E000}\"";
    let catalogue = site("item-query-waits = <i> { $query } \u{E001}");
    let html = catalogue.markup("item-query-waits", &[("query", &link("/a?b=\"c\"&d", hostile))]);
    assert_eq!(html.0, "&#60;i&#62; <a href=\"/a?b=&#34;c&#34;&#38;d\">&#60;b&#62;&#38;\u{E000}&#34;</a> \u{E001}");
    let english = Catalogue::english();
    let html = english.markup("item-to-decide", &[("number", &element("<strong id='n'>", 3)), ("total", &hostile)]);
    assert_eq!(
        html.0, "<strong id='n'>3</strong> to decide of &#60;b&#62;&#38;<strong id='n'>3</strong>&#34;",
        "words are escaped"
    );
    let waits = english
        .markup("item-being-read", &[("count", &1_u32), ("number", &element("<strong>", hostile.trim_start_matches("<b>")))]);
    assert!(waits.0.ends_with(" note still being read"), "{}", waits.0);
}

#[test]
fn a_text_without_arguments_costs_a_look_up() {
    let start = std::time::Instant::now();
    let letters: usize = (0..100_000).map(|_| text("queue-title").len()).sum();
    let each = start.elapsed() / 100_000;
    assert_eq!(letters, 500_000);
    println!("{each:?} a text without arguments");
    let start = std::time::Instant::now();
    let letters: usize = (0..10_000).map(|_| text_with("entry-accept-what", &[("entry", &"gout")]).len()).sum();
    assert_eq!(letters, 110_000);
    println!("{:?} a text with an argument", start.elapsed() / 10_000);
    let start = std::time::Instant::now();
    let letters: usize = (0..10_000_u32).map(|count| text_with("item-unread", &[("count", &(count % 2))]).len()).sum();
    assert!(letters > 0);
    println!("{:?} a text with a plural", start.elapsed() / 10_000);
    // a page has six thousand of them; the bound holds on a slow machine that does other things too
    assert!(each < std::time::Duration::from_micros(2), "{each:?}");
}
