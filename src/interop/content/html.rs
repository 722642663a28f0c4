//! HTML to text: what a reader sees, with the lines and cells that it stands in.

use quick_xml::escape::resolve_html5_entity;

/// Elements whose content nobody sees.
const HIDDEN: [&str; 7] = ["head", "script", "style", "title", "template", "noscript", "svg"];
/// Elements that stand in lines of their own.
const BLOCKS: [&str; 32] = [
    "address",
    "article",
    "aside",
    "blockquote",
    "body",
    "caption",
    "center",
    "dd",
    "div",
    "dl",
    "dt",
    "fieldset",
    "figure",
    "footer",
    "form",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "header",
    "hr",
    "main",
    "nav",
    "ol",
    "p",
    "pre",
    "section",
    "table",
    "tr",
    "ul",
];

/// The text of an HTML document or fragment. Nothing is refused: what is no markup is text.
#[must_use]
pub fn html_to_text(html: &str) -> String {
    let mut out = Text::default();
    let mut rest = html;
    while !rest.is_empty() {
        let at = rest.find('<').unwrap_or(rest.len());
        out.words(&rest[..at]);
        rest = &rest[at..];
        if rest.is_empty() {
            break;
        }
        if let Some(comment) = rest.strip_prefix("<!--") {
            rest = comment.find("-->").map_or("", |end| &comment[end + 3..]);
            continue;
        }
        if !rest[1..].starts_with(|letter: char| letter.is_ascii_alphabetic() || "/!?".contains(letter)) {
            // "BP < 120": no markup
            out.words("<");
            rest = &rest[1..];
            continue;
        }
        let end = tag_end(rest);
        let tag = rest[1..end].trim_end_matches('>');
        rest = &rest[end..];
        let closing = tag.starts_with('/');
        let name: String = tag
            .trim_start_matches('/')
            .chars()
            .take_while(char::is_ascii_alphanumeric)
            .collect::<String>()
            .to_ascii_lowercase();
        if HIDDEN.contains(&name.as_str()) && !closing && !tag.ends_with('/') {
            rest = past(rest, &name);
            continue;
        }
        out.tag(&name, closing);
    }
    out.finish()
}

/// The byte behind the `>` that ends the tag at the start, quotes respected.
fn tag_end(rest: &str) -> usize {
    let mut quote = None;
    for (at, letter) in rest.char_indices() {
        match (quote, letter) {
            (None, '"' | '\'') => quote = Some(letter),
            (Some(open), letter) if open == letter => quote = None,
            (None, '>') => return at + 1,
            _ => {}
        }
    }
    // a quote that is never closed: the first `>` ends it
    rest.find('>').map_or(rest.len(), |at| at + 1)
}

/// What stands behind the end of an element whose content is skipped.
fn past<'a>(rest: &'a str, name: &str) -> &'a str {
    let end = format!("</{name}");
    let bytes = rest.as_bytes();
    let found = (0..bytes.len().saturating_sub(end.len() - 1))
        .find(|at| bytes[*at] == b'<' && bytes[*at..*at + end.len()].eq_ignore_ascii_case(end.as_bytes()));
    found.map_or("", |at| &rest[at + tag_end(&rest[at..])..])
}

#[derive(Default)]
struct Text {
    out: String,
    /// A space is due before the next word.
    space: bool,
    preformatted: usize,
}

impl Text {
    fn words(&mut self, raw: &str) {
        for letter in unescaped(raw).chars() {
            if self.preformatted > 0 {
                self.out.push(letter);
            } else if letter.is_whitespace() {
                self.space = true;
            } else {
                if self.space && !self.out.is_empty() && !self.out.ends_with(['\n', '\t', ' ']) {
                    self.out.push(' ');
                }
                self.space = false;
                self.out.push(letter);
            }
        }
    }

    fn tag(&mut self, name: &str, closing: bool) {
        match name {
            "br" => self.out.push('\n'),
            "pre" => {
                self.line();
                self.preformatted = if closing { self.preformatted.saturating_sub(1) } else { self.preformatted + 1 };
            }
            "p" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "table" => {
                self.line();
                // a blank line before a paragraph, but not two
                if !closing && !self.out.is_empty() && !self.out.ends_with("\n\n") {
                    self.out.push('\n');
                }
            }
            "li" => {
                self.line();
                if !closing {
                    self.out.push_str("- ");
                }
            }
            "td" | "th" if !closing => {
                if !self.out.is_empty() && !self.out.ends_with('\n') {
                    self.out.push('\t');
                }
            }
            name if BLOCKS.contains(&name) => self.line(),
            _ => return,
        }
        self.space = false;
    }

    fn line(&mut self) {
        if !self.out.is_empty() && !self.out.ends_with('\n') {
            self.out.push('\n');
        }
    }

    fn finish(self) -> String {
        let lines: Vec<&str> = self.out.lines().map(str::trim_end).collect();
        lines.join("\n").trim_matches('\n').to_owned()
    }
}

/// Character references written out; one that is none stays as it is.
fn unescaped(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let end = rest.char_indices().skip(1).take(32).find(|(_, letter)| !letter.is_ascii_alphanumeric() && *letter != '#');
        let name = end.filter(|(_, letter)| *letter == ';').map(|(end, _)| &rest[1..end]);
        match name.and_then(|name| Some((name.len(), resolved(name)?))) {
            Some((length, text)) => {
                out.push_str(&text);
                rest = &rest[length + 2..];
            }
            None => {
                out.push('&');
                rest = &rest[1..];
            }
        }
    }
    out.push_str(rest);
    out
}

fn resolved(name: &str) -> Option<String> {
    let Some(number) = name.strip_prefix('#') else { return resolve_html5_entity(name).map(str::to_owned) };
    let code = match number.strip_prefix(['x', 'X']) {
        Some(hex) => u32::from_str_radix(hex, 16).ok()?,
        None => number.parse().ok()?,
    };
    char::from_u32(code).filter(|letter| *letter != '\0').map(String::from)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lines_lists_and_cells_stay_apart() {
        for (html, expected) in [
            ("<p>No <b>gout</b>.</p><p>Asthma &amp; COPD.</p>", "No gout.\n\nAsthma & COPD."),
            ("a<br>b<br/>c", "a\nb\nc"),
            ("<ul><li>aspirin</li><li>metformin\n 500 mg</li></ul>", "- aspirin\n- metformin 500 mg"),
            (
                "<table><tr><th>Drug</th><th>Reaction</th></tr><tr><td>penicillin</td><td>hives</td></tr></table>",
                "Drug\tReaction\npenicillin\thives",
            ),
            ("<html><head><title>T</title><style>p { x }</style></head><body>HPI: fever</body></html>", "HPI: fever"),
            ("<!-- hidden > --><div>x</div><script>if (a < b) { '</p>' }</script>y", "x\ny"),
            ("BP < 120 and > 80 &lt; &#8805; &#x2265; &nope; &", "BP < 120 and > 80 < ≥ ≥ &nope; &"),
            ("<pre>a  b\n  c</pre>", "a  b\n  c"),
            ("<a title=\"a > b\">link</a>", "link"),
            ("<p title='unclosed>gout</p>", "gout"),
            ("&nbsp;a&nbsp;b", "a b"),
        ] {
            assert_eq!(html_to_text(html), expected, "{html}");
        }
    }

    proptest! {
        #[test]
        fn anything_is_read(html in "(<|>|/|!--|--|&|#|;|\"|'|p|br|td|script|é|x| |\n){0,60}") {
            prop_assert!(!html_to_text(&html).starts_with('\n'));
        }
    }
}
