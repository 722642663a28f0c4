//! The pages in another language: served with a catalogue of which every text stands in brackets, they show no word outside of them but data.

use std::collections::{BTreeMap, BTreeSet};

use crate::server::{Server, program};

/// Elements whose words are data: what notes, senders, coders and the site wrote, codes and their titles, what the engine writes. The element, or
/// the one around it and it; with its first class.
const DATA: [&str; 65] = [
    // names of users, patients, encounters, teams; times with their zone; keys
    "header.bar/p.who",
    "th/a",
    "tr/td",
    "td/span.quiet",
    "tr/th",
    "time@title",
    "head/title",
    "div.heading/h1",
    "h1/span.quiet",
    "h2/span.quiet",
    "tr/td.nowrap",
    "button.primary/kbd",
    "td/kbd",
    "select/option",
    "p/span.quiet",
    "div/dd",
    "dl.reasons/dd",
    "p/textarea",
    // entries, their codes and words
    "header/h3",
    "a/code",
    "li/code",
    "button/code",
    "button/span",
    "button@title",
    "p.code/span",
    "p.code/span.quiet",
    "li/a",
    "li/span.quiet",
    "ol/li",
    "ul/li",
    "ul.decisions/li",
    // what the engine writes: prompts, alerts, edits
    "article.entry/p.prompt",
    "div.summary/p.notice",
    "li/strong",
    "ul.edit-list/li",
    // names in charts
    "svg.drawing/text",
    // notes
    "div.block/b",
    "div.text/div.block",
    "mark.diagnosis@title",
    "mark.medication@title",
    "mark.allergy@title",
    "mark.no_known_allergies@title",
    "mark.diagnosis/a",
    "mark.medication/a",
    "mark.allergy/a",
    "mark.no_known_allergies/a",
    // templates of queries and what is made of them
    "fieldset/label.option",
    "label.option/span.quiet",
    "header.heading/h3",
    "article.query/p",
    "details.more/blockquote",
    "blockquote/span.quiet",
    "details.site-template/summary",
    "summary/span.quiet",
    // the code book
    "li/span",
    "ol.path/li",
    "ul.notes-of-code/li",
    "main/p.quiet",
    // the description of the API
    "h2/code",
    "h3/code",
    "th/code",
    "section/p",
    "ul.answers/li",
    "p/a",
    "td/a",
];

/// The English catalogue with every text in brackets.
fn in_brackets() -> String {
    let english = program(&["texts"], b"");
    assert!(english.status.success());
    let english = String::from_utf8(english.stdout).expect("text");
    let line = |line: &str| match line.split_once(" = ") {
        Some(("language" | "direction", _)) => line.to_owned(),
        Some((key, words)) if key.starts_with(|letter: char| letter.is_ascii_lowercase()) => {
            // a text with forms for numbers ends lines below
            format!("{key} = ⟦{words}{}", if words.ends_with("->") { "" } else { "⟧" })
        }
        _ if line == "}" => "}⟧".to_owned(),
        _ => line.to_owned(),
    };
    english.lines().map(line).collect::<Vec<_>>().join("\n")
}

/// The letters of a text that stand outside of brackets; `depth` is how many are open before it and after.
fn outside(text: &str, depth: &mut usize) -> String {
    let mut found = String::new();
    for letter in text.chars() {
        match letter {
            '⟦' => *depth += 1,
            '⟧' => *depth = depth.checked_sub(1).expect("brackets are paired"),
            _ if *depth == 0 => found.push(letter),
            _ => {}
        }
    }
    // what is left of references like &#39;
    found.replace("&amp;", "").trim().to_owned()
}

/// Words outside of brackets that are no data, each with the element that it stands in.
fn bare(html: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let (mut open, mut depth): (Vec<String>, usize) = (Vec::new(), 0);
    let mut tell = |place: String, text: String| {
        if text.chars().any(char::is_alphabetic)
            && !DATA.iter().any(|data| place == *data || place.ends_with(&format!("/{data}")))
        {
            found.insert(format!("{place}: {text}"));
        }
    };
    for part in html.split('<').skip(1) {
        let (tag, text) = part.split_once('>').expect("an element ends");
        let name: String = tag.chars().take_while(|letter| !letter.is_whitespace()).collect();
        if let Some(name) = name.strip_prefix('/') {
            let closed = open.pop().expect("it was opened");
            assert_eq!(closed.split('.').next(), Some(name), "elements are nested");
        } else if !name.starts_with('!') && !tag.ends_with('/') {
            let value =
                |attribute: &str| Some(tag.split_once(&format!(" {attribute}=\""))?.1.split('"').next().unwrap_or_default());
            let class = value("class").and_then(|class| class.split(' ').next()).filter(|class| !class.is_empty());
            let element = class.map_or_else(|| name.clone(), |class| format!("{name}.{class}"));
            for attribute in ["title", "aria-label", "placeholder"] {
                tell(format!("{element}@{attribute}"), outside(value(attribute).unwrap_or_default(), &mut 0));
            }
            if !["meta", "link", "input"].contains(&name.as_str()) {
                open.push(element);
            }
        }
        let around = open.iter().rev().take(2).rev().cloned().collect::<Vec<_>>().join("/");
        tell(around, outside(text, &mut depth));
    }
    assert_eq!((open.len(), depth), (0, 0), "elements and brackets are closed");
    found
}

/// Somebody who looks at pages without a browser.
struct Visitor<'a> {
    server: &'a Server,
    cookie: String,
    bare: BTreeMap<String, String>,
    pages: usize,
}

impl<'a> Visitor<'a> {
    fn new(server: &'a Server) -> Self {
        Self { server, cookie: String::new(), bare: BTreeMap::new(), pages: 0 }
    }

    fn sign_in(&mut self, role: &str) {
        let (_, cookie, _) = self.send("/sign-in", Some(&[("code", &self.server.tokens[role])]));
        self.cookie = cookie.split(';').next().expect("a cookie").to_owned();
    }

    /// Where an answer leads, the cookie it sets, and its page.
    fn send(&self, path: &str, form: Option<&[(&str, &str)]>) -> (String, String, String) {
        let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).max_redirects(0).build().into();
        let address = format!("{}{path}", self.server.url);
        let answer = match form {
            Some(form) => agent.post(&address).header("cookie", &self.cookie).send_form(form.iter().copied()),
            None => agent.get(&address).header("cookie", &self.cookie).call(),
        };
        let mut answer = answer.expect("the server answers");
        let header =
            |name: &str| answer.headers().get(name).map(|value| value.to_str().expect("text").to_owned()).unwrap_or_default();
        let (place, cookie) = (header("location"), header("set-cookie"));
        (place, cookie, answer.body_mut().with_config().limit(50_000_000).read_to_string().expect("a page"))
    }

    /// Looks at a page; it is not a way elsewhere.
    fn look(&mut self, path: &str) -> String {
        let (place, _, html) = self.send(path, None);
        assert_eq!(place, "", "{path}");
        self.read(path, &html);
        html
    }

    /// Posts a form: where it leads, or the page that comes, which is read.
    fn post(&mut self, path: &str, form: &[(&str, &str)]) -> (String, String) {
        let (place, _, html) = self.send(path, Some(form));
        if place.is_empty() {
            self.read(path, &html);
        }
        (place, html)
    }

    fn read(&mut self, path: &str, html: &str) {
        assert!(html.contains("⟦"), "{path} is made of the catalogue");
        self.pages += 1;
        for words in bare(html) {
            self.bare.entry(words).or_insert_with(|| path.to_owned());
        }
    }
}

fn between<'a>(html: &'a str, start: &str) -> &'a str {
    html.split_once(start).unwrap_or_else(|| panic!("{start} is missing")).1.split('"').next().expect("an end")
}

#[test]
fn brackets_tell_what_is_in_the_catalogue() {
    assert!(bare("<p class=\"quiet\" title=\"⟦a⟧\">⟦b <kbd>c</kbd> d⟧ 3</p>").is_empty());
    assert_eq!(bare("<p><b class=\"x y\">⟦a⟧ word</b></p>"), ["p/b.x: word".to_owned()].into());
    assert_eq!(bare("<p><input title=\"word\"></p>"), ["input@title: word".to_owned()].into());
}

#[test]
fn no_page_has_words_of_its_own() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("brackets.ftl");
    std::fs::write(&file, in_brackets()).expect("is written");
    let server = Server::with_notes_and(&["--texts", file.to_str().expect("a plain path")]);
    let mut visitor = Visitor::new(&server);
    visitor.look("/sign-in");
    visitor.post("/sign-in", &[("code", "wrong")]);
    visitor.post("/sign-in", &[("name", "somebody"), ("password", "wrong")]);
    visitor.post("/sign-in/second", &[("step", "wrong"), ("code", "000000")]);
    visitor.look("/reference");
    visitor.sign_in("coder");
    let queue = visitor.look("/queue?notice=finished");
    visitor.look("/queue?state=all&priority=stat");
    let token = between(&queue, "name=\"form_token\" value=\"").to_owned();
    let own = [("form_token", token.as_str())];
    // the encounter with most entries has something of every kind
    let items: BTreeSet<&str> = queue.split("href=\"/items/").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    let pages = items.into_iter().map(|id| (visitor.look(&format!("/items/{id}")), format!("/items/{id}")));
    let pages: Vec<(String, String)> = pages.collect();
    let (html, item) = pages.iter().max_by_key(|(html, _)| html.matches("<article class=\"entry").count()).expect("encounters");
    let entries: Vec<&str> =
        html.split("<article class=\"entry diagnosis").skip(1).map(|entry| between(entry, "id=\"e-")).collect();
    visitor.post(&format!("{item}/claim"), &own);
    let decide = |visitor: &mut Visitor<'_>, entry: &str, fields: &[(&str, &str)]| {
        visitor.post(&format!("{item}/decide"), &[&own[..], &[("entry", entry)], fields].concat())
    };
    for (entry, fields) in [
        (entries[0], &[("action", "accept")][..]),
        (entries[1], &[("action", "reject"), ("reason", "other"), ("comment", "12")]),
        (entries[2], &[("action", "amend"), ("code", "I10"), ("comment", "13")]),
        (entries[0], &[("action", "designate"), ("role", "principal"), ("sequence", "2"), ("present_on_admission", "yes")]),
    ] {
        let (place, html) = decide(&mut visitor, entry, fields);
        assert!(place.contains("notice="), "{fields:?}: {place} {html}");
    }
    visitor.look(item);
    visitor.look(&format!("{item}?problem=undecided"));
    visitor.look(&format!("{item}/entries/{}", entries[0]));
    visitor.post(&format!("{item}/remark"), &[own[0], ("comment", "14")]);
    visitor.look(&format!("{item}/history"));
    let (_, conflict) = decide(&mut visitor, entries[0], &[("action", "accept"), ("revision", "1")]);
    assert!(conflict.contains("id=\"retry\""), "the page that shows both sides");
    let (_, templates) = visitor.post(&format!("{item}/queries/new"), &[own[0], ("entry", entries[0])]);
    let template = between(&templates, "name=\"template\" value=\"");
    let about = [own[0], ("entry", entries[0]), ("template", template)];
    visitor.post(&format!("{item}/queries/new"), &about);
    // without a question: what is wrong is told
    visitor.post(&format!("{item}/queries"), &about);
    for path in [
        "/account",
        "/account/confirm",
        "/preferences",
        "/about",
        "/codes",
        "/codes/E11.22",
        "/codes/I00-I99",
        "/codes/E99.99",
        "/codes/S72.92XK",
    ] {
        visitor.look(path);
    }
    for query in ["appendisitus", "warfarin", "zzzqq"] {
        visitor.look(&format!("/codes?query={query}"));
    }
    visitor.look("/items/0192f0c1-2222-7333-8444-555566667777");
    visitor.look("/break-glass");
    visitor.post("/break-glass", &[own[0], ("source", "15"), ("encounter", "16"), ("reason", "other"), ("comment", "17")]);
    visitor.sign_in("auditor");
    visitor.look("/break-glass/accesses");
    visitor.sign_in("lead");
    for path in ["/settings", "/settings/lists", "/settings/templates", "/second-reviews", "/reports", "/queue?state=all", item]
    {
        visitor.look(path);
    }
    visitor.sign_in("auditor");
    for path in ["/audit", "/audit?from=x", "/audit?unknown=patient"] {
        visitor.look(path);
    }
    visitor.sign_in("admin");
    for path in ["/queue", "/settings/people", "/settings/people/demo-coder"] {
        visitor.look(path);
    }
    assert!(visitor.pages > 40, "{} pages", visitor.pages);
    let told: Vec<String> = visitor.bare.iter().map(|(words, page)| format!("{words} ({page})")).collect();
    assert!(told.is_empty(), "words outside of the catalogue:\n{}", told.join("\n"));
}

#[test]
fn a_catalogue_that_cannot_be_used_stops_the_start() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("wrong.ftl");
    let path = file.to_str().expect("a plain path");
    std::fs::write(&file, "queue-titel = Liste\n").expect("is written");
    for (file, told) in [(path, "there is no text \"queue-titel\""), ("/nowhere.ftl", "cannot read the texts /nowhere.ftl")] {
        let output = program(&["demo", "--empty", "--texts", file], b"");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains(told), "{said}");
    }
    let configuration = folder.path().join("abstractor.toml");
    std::fs::write(&configuration, "texts = \"wrong.ftl\"\n").expect("is written");
    let output = program(&["serve", "--config", configuration.to_str().expect("a plain path")], b"");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && said.contains("queue-titel"), "{said}");
}
