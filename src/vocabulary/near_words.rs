//! Words that are spelt nearly like another one.

use std::{cell::RefCell, collections::HashMap, rc::Rc};

/// Shortest word in which a slip is forgiven.
const ONE_SLIP: usize = 5;
/// Shortest word in which two are.
const TWO_SLIPS: usize = 8;

/// The near words of a list, for one search: each word is compared with the list once, however often it is asked for.
pub(super) struct NearWords<'a> {
    words: &'a [String],
    asked: RefCell<HashMap<String, Rc<[&'a String]>>>,
}

impl<'a> NearWords<'a> {
    /// Of a sorted list.
    pub(super) fn new(words: &'a [String]) -> Self {
        Self { words, asked: RefCell::default() }
    }

    /// The words of the list that are spelt nearest to `word`.
    pub(super) fn to(&self, word: &str) -> Rc<[&'a String]> {
        if let Some(known) = self.asked.borrow().get(word) {
            return Rc::clone(known);
        }
        let near: Rc<[&String]> = near_words(self.words, word).into();
        self.asked.borrow_mut().insert(word.to_owned(), Rc::clone(&near));
        near
    }
}

/// The words of a sorted list that are spelt nearest to `word`: one letter away, else two in a long word. A letter more, less or changed, or
/// two neighbours swapped, is one slip.
fn near_words<'a>(words: &'a [String], word: &str) -> Vec<&'a String> {
    let length = word.len();
    let most = if length < ONE_SLIP { 0 } else { 1 + usize::from(length >= TWO_SLIPS) };
    if most == 0 {
        return Vec::new();
    }
    let letters = mask(word);
    let mut near: Vec<(usize, &String)> = words
        .iter()
        // a slip changes the set of letters by at most two
        .filter(|known| known.len().abs_diff(length) <= most && (mask(known) ^ letters).count_ones() as usize <= 2 * most)
        .filter_map(|known| slips(known.as_bytes(), word.as_bytes(), most).map(|slips| (slips, known)))
        .collect();
    let nearest = near.iter().map(|(slips, _)| *slips).min().unwrap_or_default();
    near.retain(|(slips, _)| *slips == nearest);
    near.into_iter().map(|(_, known)| known).collect()
}

fn mask(word: &str) -> u32 {
    word.bytes().filter(u8::is_ascii_lowercase).fold(0, |mask, letter| mask | 1 << (letter - b'a'))
}

/// How many slips make `left` of `right`, when there are at most `most`.
fn slips(left: &[u8], right: &[u8], most: usize) -> Option<usize> {
    let width = right.len() + 1;
    let mut rows = [vec![0; width], (0..width).collect::<Vec<usize>>(), vec![0; width]];
    for (at, letter) in left.iter().enumerate() {
        let [before, last, row] = &mut rows;
        row[0] = at + 1;
        for (other_at, other) in right.iter().enumerate() {
            let changed = last[other_at] + usize::from(letter != other);
            let mut best = changed.min(last[other_at + 1] + 1).min(row[other_at] + 1);
            if at > 0 && other_at > 0 && *letter == right[other_at - 1] && left[at - 1] == *other {
                best = best.min(before[other_at - 1] + 1);
            }
            row[other_at + 1] = best;
        }
        if row.iter().all(|slips| *slips > most) {
            return None;
        }
        rows.rotate_left(1);
    }
    Some(rows[1][width - 1]).filter(|slips| *slips <= most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_words() {
        let words: Vec<String> = ["appendicitis", "arrhythmia", "cat", "diabetes", "gout", "hernia", "pneumonia", "pneumonias"]
            .map(String::from)
            .into();
        for (word, near) in [
            ("pnuemonia", &["pneumonia"][..]),
            ("neumonia", &["pneumonia"]),
            ("arythmia", &["arrhythmia"]),
            ("appendisitus", &["appendicitis"]),
            ("diabtes", &["diabetes"]),
            ("hurnia", &["hernia"]),
            ("harnai", &[]),
            ("cta", &[]),
            ("gaut", &[]),
        ] {
            assert_eq!(near_words(&words, word), near, "{word}");
        }
    }

    #[test]
    fn a_word_is_looked_for_once() {
        let words: Vec<String> = ["diabetes", "pneumonia"].map(String::from).into();
        let near = NearWords::new(&words);
        let first = near.to("pnuemonia");
        assert_eq!(&*first, ["pneumonia"]);
        assert!(Rc::ptr_eq(&first, &near.to("pnuemonia")), "the answer of the first time");
        assert_eq!(&*near.to("diabtes"), ["diabetes"]);
        assert!(near.to("gout").is_empty());
    }

    #[test]
    fn slips_are_counted() {
        assert_eq!(slips(b"pneumonia", b"pnuemonia", 2), Some(1));
        assert_eq!(slips(b"gout", b"goat milk", 2), None);
        assert_eq!(slips(b"kitten", b"sitting", 3), Some(3));
        assert_eq!(slips(b"", b"ab", 2), Some(2));
    }
}
