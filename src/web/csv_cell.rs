//! Cells of the files that a spreadsheet opens.

use std::borrow::Cow;

/// A cell that no spreadsheet takes for a formula: one that would begin as one gets an apostrophe in front, as OWASP advises.
pub(super) fn cell(text: &str) -> Cow<'_, str> {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}']) {
        Cow::Owned(format!("'{text}"))
    } else {
        Cow::Borrowed(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_begins_as_a_formula_is_text() {
        for hostile in ["=1+1", "+1", "-2", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1", "=HYPERLINK(\"http://evil.example\")"] {
            assert_eq!(cell(hostile), format!("'{hostile}"));
        }
        for plain in ["", "E11.9", "Ada", "a=b", "Type 2 diabetes - stable", "'quoted"] {
            assert_eq!(cell(plain), plain);
        }
    }
}
