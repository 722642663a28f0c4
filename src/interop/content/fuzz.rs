//! Documents of other makers: HTML, RTF, and bytes in any character set.

use super::{html_to_text, rtf_to_text, text_of};
use crate::fuzzing::{Damaged, Seeds, fuzz};

const HTML: Seeds<'_> = Seeds {
    good: &[
        b"<!DOCTYPE html><html><head><title>x</title><style>a{}</style></head><body><h1>Note</h1><p>BP < 120 &amp; <b>gout</b>&nbsp;&#233;\
          <br><ul><li>one<li>two</ul><table><tr><td>a</td><td>b</td></tr></table><pre> kept\n  so</pre><!-- not --></body></html>",
        b"plain & simple <script>if (a < b) { x = \"</scr\" }</script><svg><text>no</text></svg>done",
    ],
    telling: b"<>&;/!?-\"'=# \n\0\xff\xc3",
};

const RTF: Seeds<'_> = Seeds {
    good: &[
        b"{\\rtf1\\ansi\\ansicpg1252\\deff0{\\fonttbl{\\f0 Arial;}}{\\*\\generator x;}\\f0 One\\par two \\'e9 \\u8217? \\u-10179?\\u-9096? {\\v hidden}\
          \\bin4 \\}}{x\\tab end\\cell\\row}",
        b"{\\rtf1\\mac\\uc2\\u233ab{\\pict 89504e47}{\\field{\\*\\fldinst HYPERLINK}{\\fldrslt link}}\\line}",
    ],
    telling: b"{}\\'*~-0129 ubinpar\r\n\0\xff",
};

/// Nothing is refused, and what comes out is not longer than the source allows.
#[test]
fn html() {
    fuzz!("HTML document", Quick, Damaged, |input: &Damaged| {
        let html = input.text(HTML);
        let text = html_to_text(&html);
        // a list mark is the longest that a tag becomes; a character reference never becomes more than it was
        assert!(text.len() <= 2 * html.len(), "longer than its source");
    });
}

#[test]
fn rtf() {
    fuzz!("RTF document", Quick, Damaged, |input: &Damaged| {
        let _ = rtf_to_text(&input.bytes(RTF));
    });
}

#[test]
fn any_character_set() {
    const TYPES: [&str; 8] = [
        "text/plain",
        "text/plain; charset=utf-16le",
        "text/plain;charset=\"iso-2022-jp\"",
        "text/html; charset=windows-1252",
        "text/html;charset=gb18030",
        "application/rtf",
        "text/plain; charset=",
        "application/pdf",
    ];
    fuzz!("document in a character set", Quick, (u8, Damaged), |input: &(u8, Damaged)| {
        let (kind, damaged) = input;
        let _ = text_of(TYPES[usize::from(*kind) % TYPES.len()], &damaged.bytes(HTML));
        let _ = text_of(&damaged.text(HTML), b"gout");
    });
}
