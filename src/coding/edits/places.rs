//! Rules by the code or range at which they stand.

use std::collections::HashMap;

use super::key::{Key, Span};

/// Rules that are found by a code: those that stand at it, at a code above it, or at a range that holds it.
#[derive(Debug)]
pub(super) struct Places<T> {
    rules: Vec<T>,
    exact: HashMap<Key, Vec<usize>>,
    wide: Vec<(Span, usize)>,
}

impl<T> Places<T> {
    pub(super) fn new() -> Self {
        Self { rules: Vec::new(), exact: HashMap::new(), wide: Vec::new() }
    }

    pub(super) fn add(&mut self, place: Span, rule: T) {
        let number = self.rules.len();
        self.rules.push(rule);
        match place.single() {
            Some(key) => self.exact.entry(key).or_default().push(number),
            None => self.wide.push((place, number)),
        }
    }

    /// The rules for a code, nearest first.
    pub(super) fn for_code(&self, key: Key) -> impl Iterator<Item = &T> {
        let above = (3..=key.len()).rev().filter_map(move |count| self.exact.get(&key.first(count))).flatten();
        let mut around: Vec<&(Span, usize)> = self.wide.iter().filter(|(place, _)| place.holds(key)).collect();
        around.sort_by_key(|(place, _)| place.width());
        above.copied().chain(around.into_iter().map(|(_, number)| *number)).filter_map(|number| self.rules.get(number))
    }

    #[cfg(test)]
    pub(super) fn all(&self) -> &[T] {
        &self.rules
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_first() {
        let mut places = Places::new();
        for place in ["A00-B99", "A00", "A00.0", "A00-A09", "A01"] {
            places.add(Span::parse(place).expect("a place"), place);
        }
        let found: Vec<_> = places.for_code(Key::parse("A00.0").expect("a code")).copied().collect();
        assert_eq!(found, ["A00.0", "A00", "A00-A09", "A00-B99"]);
        assert_eq!(places.for_code(Key::parse("C00").expect("a code")).count(), 0);
    }
}
