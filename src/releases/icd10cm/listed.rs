//! What lists of codes share: lines of title, then rows with a code in one of their first cells.

use super::{dotted, filled_lines};

/// The separator, when the head of a file speaks of what is wanted (in lower case) and has rows with codes.
pub fn separator(head: &str, wanted: impl Fn(&str) -> bool) -> Option<u8> {
    if !wanted(&head.to_lowercase()) {
        return None;
    }
    [b'\t', b','].into_iter().find(|&separator| filled_lines(head).any(|line| code(&split(line, separator)).is_some()))
}

/// The lines above the first row with a code.
pub fn above_the_codes(head: &str, separator: u8) -> String {
    filled_lines(head).take_while(|line| code(&split(line, separator)).is_none()).collect::<Vec<_>>().join("\n")
}

/// The code of a row: in its first cell, or in the second behind a number.
pub fn code(cells: &[String]) -> Option<String> {
    let cell = |at: usize| cells.get(at).map(|cell| cell.trim()).unwrap_or_default();
    let is_number = !cell(0).is_empty() && cell(0).bytes().all(|byte| byte.is_ascii_digit());
    if cells.len() < 2 && !is_number {
        dotted(cell(0)).filter(|code| code.contains('.'))
    } else {
        dotted(cell(usize::from(is_number)))
    }
}

/// The cells of a line of the head.
pub fn split(line: &str, separator: u8) -> Vec<String> {
    line.split(char::from(separator)).map(|cell| cell.trim().trim_matches('"').to_owned()).collect()
}
