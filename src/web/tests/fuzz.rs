//! Cookies, addresses of lists, and pages made of hostile words.

use askama::Template;
use axum::http::{HeaderMap, HeaderValue, header};
use uuid::Uuid;

use crate::{
    domain::ListEnd,
    fuzzing::{Damaged, Seeds, fuzz},
    interop::fhir::percent_encoded,
    web::{
        list_address::ListAddress,
        query_print::PrintPage,
        session::token_of,
        shell::{MessagePage, Shell},
        sign_in::SignInPage,
    },
};

#[test]
fn cookies() {
    const COOKIES: Seeds<'_> = Seeds {
        good: &[
            b"a=b; abstractor_session=abs_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8; c",
            b"abstractor_session=; abstractor_session=abs_x; =; ;",
        ],
        telling: b"=; ,_abs\xff\"",
    };
    fuzz!("cookie", Quick, Damaged, |input: &Damaged| {
        let mut headers = HeaderMap::new();
        if let Ok(value) = HeaderValue::from_bytes(&input.bytes(COOKIES)) {
            headers.insert(header::COOKIE, value);
        }
        if let Some(token) = token_of(&headers, "abstractor_session") {
            assert_eq!(token.reveal().len(), 47);
        }
    });
}

/// The address of a list holds the list and nothing else, whatever was typed into its fields.
#[test]
fn addresses_of_lists() {
    fuzz!("address of a list", Quick, (String, String, String), |input: &(String, String, String)| {
        let (type_of_note, department, other) = input;
        let given = ListAddress {
            note_type: type_of_note.clone(),
            department: department.clone(),
            state: other.clone(),
            service_from: other.clone(),
            team: department.clone(),
            ..ListAddress::default()
        };
        let list = given.worklist();
        let address = ListAddress::of(&list);
        assert_eq!(ListAddress::of(&address.worklist()), address);
        let written = address.page(&ListEnd { item: Uuid::from_u128(1), moving: None });
        assert!(written.starts_with("/queue?") && !written.contains(['"', '\'', '<', '>', '\n', '\r', ' ', '#']), "{written}");
        assert_eq!(written.matches('&').count(), address.fields().len(), "a value became a parameter");
        if !department.trim().is_empty() {
            assert!(written.contains(&format!("department={}", percent_encoded(department.trim()))));
        }
    });
}

/// Names of the elements and of their attributes, in order: what a browser would build.
fn skeleton(html: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = html;
    while let Some(start) = rest.find('<') {
        rest = &rest[start + 1..];
        let (mut tag, mut quote) = (String::new(), None);
        let mut letters = rest.char_indices();
        let end = loop {
            let (at, letter) = letters.next().expect("a tag ends");
            match (quote, letter) {
                (Some(open), letter) if letter == open => quote = None,
                (Some(_), _) => {}
                (None, '"' | '\'') => quote = Some(letter),
                (None, '>') => break at + 1,
                (None, letter) => tag.push(letter),
            }
        };
        found.push(tag);
        rest = &rest[end..];
    }
    found
}

fn pages(words: &str) -> [String; 3] {
    let text = || words.to_owned();
    let shell = || Shell { user: Some(text()), form_token: text(), ..Shell::default() };
    let print = PrintPage {
        shell: shell(),
        title: text(),
        facts: vec![("Patient", text())],
        indicators: vec![(text(), text())],
        question: text(),
        options: vec![(text(), true), (text(), false)],
        asked: text(),
        ..PrintPage::default()
    };
    let message = MessagePage { shell: shell(), title: text(), message: text() };
    let sign_in = SignInPage { code: text(), name: text(), problem: Some(text()), ..SignInPage::default() };
    [print.render(), message.render(), sign_in.render()].map(|page| page.expect("renders"))
}

/// A page of any words is built of the same elements and attributes as a page of plain ones.
#[test]
fn pages_of_any_words() {
    const WORDS: Seeds<'_> = Seeds {
        good: &[
            b"<script>alert(1)</script>\"'><img src=x onerror=alert(1)>",
            b"</title></textarea></style><svg/onload=alert(1)>{{7*7}}{% raw %}",
            b"javascript:alert(1)//&quot;&#34;&lt;\" onmouseover=\"x",
        ],
        telling: b"<>\"'&;=/ \n`{}%#\0\xff",
    };
    let plain = pages("x").map(|page| skeleton(&page));
    fuzz!("pages of hostile words", Slow, Damaged, |input: &Damaged| {
        // an empty value may leave its element out
        let words = format!("x{}", input.text(WORDS));
        for (page, plain) in pages(&words).iter().zip(&plain) {
            assert_eq!(skeleton(page), *plain, "words became part of the page");
        }
    });
}
