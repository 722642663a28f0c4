//! The sources of the pages hold no words for people: every text stands in the catalogue, and every text of the catalogue is used.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use super::*;

/// A use of a text: where, its key, and the names of the arguments it is given.
#[derive(Debug)]
struct Use {
    place: String,
    key: String,
    arguments: BTreeSet<String>,
}

/// Files of the pages with this ending, by name; tests and samples are left out.
fn files(ending: &str) -> Vec<(String, String)> {
    fn below(folder: &Path, ending: &str, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            match path.is_dir() {
                true if name != "tests" => below(&path, ending, found),
                false if name.ends_with(ending) && name != "tests.rs" && name != "samples.rs" => found.push(path),
                _ => {}
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/web");
    let mut found = Vec::new();
    below(&root, ending, &mut found);
    found.sort();
    let read = |path: PathBuf| {
        let text = std::fs::read_to_string(&path).expect("a source");
        (path.strip_prefix(&root).expect("below it").display().to_string(), text)
    };
    found.into_iter().map(read).collect()
}

/// A Rust source without its tests and without comments.
fn program(text: &str) -> String {
    let text = text.split("\n#[cfg(test)]\nmod tests").next().unwrap_or_default();
    text.lines().map(|line| if line.trim_start().starts_with("//") { "" } else { line }).collect::<Vec<_>>().join("\n")
}

/// What stands between an opened parenthesis and its end, cut at its commas.
fn parts(text: &str) -> Vec<String> {
    let (mut parts, mut depth, mut quoted, mut escaped) = (vec![String::new()], 0, false, false);
    for letter in text.chars() {
        match letter {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ if quoted => {}
            '(' | '[' | '{' => depth += 1,
            ')' if depth == 0 => break,
            ')' | ']' | '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(String::new());
                continue;
            }
            _ => {}
        }
        parts.last_mut().expect("one at least").push(letter);
    }
    parts.into_iter().map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
}

fn uses() -> Vec<Use> {
    let rust = files(".rs").into_iter().map(|(name, text)| (name, program(&text)));
    let mut found = Vec::new();
    for (name, text) in rust.chain(files(".html")) {
        for call in ["text!(", "markup!("] {
            for (at, _) in text.match_indices(call) {
                let parts = parts(&text[at + call.len()..]);
                let Some(key) = parts[0].strip_prefix('"').and_then(|key| key.strip_suffix('"')) else { continue };
                let named = parts[1..].iter().filter_map(|part| part.split_once('=')).map(|(name, _)| name.trim().to_owned());
                found.push(Use { place: name.clone(), key: key.to_owned(), arguments: named.collect() });
            }
        }
    }
    found
}

/// Fails when there is one.
fn none(wrong: &[String], what: &str) {
    assert!(wrong.is_empty(), "{what}:\n{}", wrong.join("\n"));
}

#[test]
fn every_text_exists_and_is_used_with_its_arguments() {
    let resource = resource(ENGLISH_TEXTS).expect("the English catalogue");
    let there: BTreeMap<&str, BTreeSet<String>> =
        messages(&resource).map(|message| (message.id.name, arguments(message))).collect();
    assert_eq!(there.len(), messages(&resource).count(), "a text stands twice");
    let uses = uses();
    assert!(uses.len() > 800, "{} uses: the sources are not read as they are", uses.len());
    let mut wrong = Vec::new();
    for one in &uses {
        match there.get(one.key.as_str()) {
            None => wrong.push(format!("{}: there is no text {}", one.place, one.key)),
            Some(names) if *names != one.arguments => {
                wrong.push(format!("{}: {} has {names:?} and is given {:?}", one.place, one.key, one.arguments));
            }
            Some(_) => {}
        }
    }
    let used: BTreeSet<&str> = uses.iter().map(|one| one.key.as_str()).collect();
    wrong.extend(there.keys().filter(|key| !used.contains(*key)).map(|key| format!("en.ftl: nothing uses {key}")));
    none(&wrong, "texts and their uses differ");
}

/// Takes out what stands between two marks, and gives it too.
fn taken_out(text: &str, (opening, closing): (&str, &str)) -> (String, Vec<String>) {
    let (mut kept, mut out, mut rest) = (String::new(), Vec::new(), text);
    while let Some((before, after)) = rest.split_once(opening) {
        let (inside, behind) = after.split_once(closing).expect("it is closed");
        kept.push_str(before);
        out.push(inside.to_owned());
        rest = behind;
    }
    kept.push_str(rest);
    (kept, out)
}

fn has_letters(text: &str) -> bool {
    text.chars().any(char::is_alphabetic)
}

/// Words in a template that are in no catalogue.
fn bare_in_template(text: &str) -> Vec<String> {
    // the class of the page's body
    let (text, _) = taken_out(text, ("{% block look %}", "{% endblock %}"));
    let (text, _) = taken_out(&text, ("{#", "#}"));
    let (text, _) = taken_out(&text, ("{%", "%}"));
    let (text, expressions) = taken_out(&text, ("{{", "}}"));
    let mut bare = Vec::new();
    for attribute in ["title", "aria-label", "placeholder", "alt", "aria-description", "label"] {
        let (_, values) = taken_out(&text, (&format!(" {attribute}=\""), "\""));
        bare.extend(values.into_iter().filter(|value| has_letters(value)));
    }
    let (without_keys, keys) = taken_out(&text, ("<kbd>", "</kbd>"));
    bare.extend(keys.into_iter().filter(|key| key.chars().count() > 1 && has_letters(key)));
    let (words, elements) = taken_out(&without_keys, ("<", ">"));
    bare.extend(words.lines().map(str::trim).filter(|line| has_letters(line)).map(str::to_owned));
    // a button that is an input shows its value
    for input in elements.iter().filter(|element| element.starts_with("input")) {
        let (_, value) = taken_out(input, (" value=\"", "\""));
        let is_button = ["submit", "button", "reset"].iter().any(|kind| input.contains(&format!("type=\"{kind}\"")));
        bare.extend(value.into_iter().filter(|value| is_button && has_letters(value)));
    }
    // words in an expression: only those of a command line or a file stand in elements as they are
    for expression in expressions {
        for (at, _) in expression.match_indices("link(") {
            let parts = parts(&expression[at + 5..]);
            let literal = parts.get(1).filter(|words| words.starts_with('"') && words.as_str() != "\"openapi.json\"");
            bare.extend(literal.cloned());
        }
        for (at, _) in expression.match_indices("element(") {
            let parts = parts(&expression[at + 8..]);
            let is_code = parts[0] == "\"<code>\"" || parts[0] == "\"<kbd>\"";
            bare.extend(parts.get(1).filter(|words| words.starts_with('"') && !is_code).cloned());
        }
    }
    bare
}

#[test]
fn templates_hold_no_words() {
    for (template, found) in [
        ("<p>Word</p>", true),
        ("<p>{{ text!(\"a-b\") }} und {{ x }}</p>", true),
        ("<a title=\"Word\">{{ x }}</a>", true),
        ("<input type=\"submit\" value=\"Go\">", true),
        ("<kbd>Esc</kbd>", true),
        ("{{ markup!(\"a\", b = link(\"/c\", \"Settings\")) }}", true),
        ("<p class=\"note\">{% if held %}{{ text!(\"a-b\") }}{% endif %} · <kbd>x</kbd> 3</p>", false),
        ("{{ markup!(\"a\", b = element(\"<code>\", \"abstractor user add\")) }}", false),
    ] {
        assert_eq!(!bare_in_template(template).is_empty(), found, "{template}");
    }
    let templates = files(".html");
    assert!(templates.len() > 25, "the templates are not read");
    let bare = templates
        .iter()
        .flat_map(|(name, text)| bare_in_template(text).into_iter().map(move |words| format!("{name}: {words}")));
    none(&bare.collect::<Vec<_>>(), "words in templates; put them into en.ftl");
}

/// The string literals of a script or a Rust source: what stands in quotes, without what a template literal puts in.
fn literals(text: &str, quotes: &[char]) -> Vec<String> {
    let mut found = Vec::new();
    let mut letters = text.chars().peekable();
    let mut before = ' ';
    while let Some(letter) = letters.next() {
        if letter == '/' && letters.peek() == Some(&'/') && before != ':' {
            letters.by_ref().take_while(|letter| *letter != '\n').for_each(drop);
        } else if quotes.contains(&letter) {
            let mut literal = String::new();
            let mut depth = 0;
            while let Some(inside) = letters.next() {
                match inside {
                    '\\' => {
                        letters.next();
                    }
                    '$' if letter == '`' && letters.peek() == Some(&'{') => depth += 1,
                    '}' if depth > 0 => depth -= 1,
                    _ if depth > 0 => {}
                    _ if inside == letter => break,
                    _ => literal.push(inside),
                }
            }
            found.push(literal);
        } else if letter == '\'' && quotes == ['"'] {
            // a letter of Rust, perhaps a quotation mark
            let mut ahead = letters.clone();
            if ahead.next() == Some('"') && ahead.next() == Some('\'') {
                letters.next();
                letters.next();
            }
        }
        before = letter;
    }
    found
}

/// Whether it reads like words for people: two words with a space between, or a word with a capital.
fn reads_like_words(literal: &str) -> bool {
    let words: Vec<&str> = literal.split_whitespace().collect();
    let is_word = |word: &&str| {
        let word = word.trim_matches(|letter: char| !letter.is_alphabetic());
        word.chars().count() > 1 && word.chars().all(|letter| letter.is_alphabetic() || matches!(letter, '’' | '-'))
    };
    let has_capital = literal.trim().chars().next().is_some_and(char::is_uppercase)
        && literal.chars().filter(|letter| letter.is_lowercase()).count() > 1;
    words.windows(2).any(|pair| pair.iter().all(is_word)) || has_capital
}

#[test]
fn scripts_hold_no_words() {
    // names of keys, classes, and what a selector looks for
    const NOT_WORDS: [&str; 8] =
        ["Enter", "Escape", "ArrowDown", "ArrowUp", "use strict", "main p", "quiet chosen", "select-add primary"];
    assert!(reads_like_words("Not saved") && reads_like_words("used last") && reads_like_words("Codes"));
    assert!(!reads_like_words("details.amend input[name=choice]") && !reads_like_words("aria-label"));
    assert_eq!(literals("say(`It is ${a(\"b\")} now`); // \"no\"\nf('x')", &['"', '\'', '`']), ["It is  now", "x"]);
    let scripts = files(".js");
    assert_eq!(scripts.len(), 3, "the scripts are read");
    let mut bare = Vec::new();
    for (name, text) in &scripts {
        let literals = literals(text, &['"', '\'', '`']);
        assert!(literals.len() > 20, "{name} is read");
        // a selector names elements, classes and ids
        let words = literals.iter().filter(|one| reads_like_words(one) && !one.contains(['.', '#', '[', '>']));
        bare.extend(words.filter(|one| !NOT_WORDS.contains(&one.as_str())).map(|one| format!("{name}: {one}")));
        for shown in ["textContent = ", "say(", ".append(", "alert(", "aria-label\", "] {
            for (at, _) in text.match_indices(shown) {
                let rest = &text[at + shown.len()..];
                let direct = literals_at_start(rest);
                bare.extend(direct.filter(|one| has_letters(one)).map(|one| format!("{name}: {one}")));
            }
        }
    }
    none(&bare, "words in scripts; put them into en.ftl and script_texts.rs");
}

/// The literal that a piece of a script begins with.
fn literals_at_start(text: &str) -> impl Iterator<Item = String> {
    let line = text.lines().next().unwrap_or_default();
    let is_literal = line.starts_with(['"', '\'', '`']);
    literals(line, &['"', '\'', '`']).into_iter().take(usize::from(is_literal))
}

#[test]
fn rust_holds_no_words() {
    // names of classifications, headers, and what is put together of words that come from elsewhere
    const NOT_WORDS: [&str; 9] = [
        "M{left} {y}h{width}",
        "M{rates}",
        "RxNorm",
        "SNOMED CT",
        "public, max-age=31536000, immutable",
        "HttpOnly; SameSite=Strict; Path=/",
        "{version} {category}",
        "{one} {unit}",
        "{label} {value}",
    ];
    let mut bare = Vec::new();
    for (name, text) in files(".rs").into_iter().filter(|(name, _)| name != "texts.rs") {
        let lines = program(&text);
        let lines = lines.lines().filter(|line| {
            !["tracing::", ".expect(", "reason = ", "mac.update", "#[template"].iter().any(|other| line.contains(other))
        });
        let text = lines.collect::<Vec<_>>().join("\n");
        let words =
            literals(&text, &['"']).into_iter().filter(|one| reads_like_words(one) && !NOT_WORDS.contains(&one.as_str()));
        bare.extend(words.map(|one| format!("{name}: {one}")));
    }
    none(&bare, "words in Rust sources; put them into en.ftl");
}
